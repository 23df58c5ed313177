/* The one intermediate form: affine loop nests over tensors (docs/design.md, "One idea").
   Everything between lowering and code generation reads and writes this and nothing else. */
#ifndef NETC_NEST_H
#define NETC_NEST_H
#include "expr.h"
#include <stdio.h>

struct graph;
struct opuse;

typedef enum { R_SET, R_SUM, R_MAX } reduction; /* of one nest's term over its reduction axes */

typedef struct {
  const char *name;
  int64_t extent;
  bool reduce;
} axis;

/* 0 <= ix < extent */
typedef struct {
  const affine *ix;
  int64_t extent;
  bool of_tiles; /* a tile has one point along its axes: it stops a whole tile or none of it */
} guard;

typedef struct store {
  access out;
  expr *value; /* may contain E_ACC and reads; a read out of range is 0 (from a border: halo.c) */
} store;

/* Meaning, for every point of the non-reduce axes:
     acc = 0 (R_SET, R_SUM) or -inf (R_MAX); or init, computed at the point as a store value is
     for the reduce axes, in the order of axis[], first one outermost:
       if every read in term is in range and every guard holds:
         R_SET acc = term; R_MAX acc = term > acc ? term : acc;
         R_SUM acc = fma(a, b, acc) if term is E_MUL(a, b), else acc = acc + term
     then all store values are computed, and after that stored, in order.
   With lanes (R_SUM, R_MAX): the innermost reduce axis runs over 16 partial results, index k going
     to number k % 16, folded at the end by the tree l with (l+8), l with (l+4), l with (l+2), l
   with (l+1): their sum, or the second where it is greater.
   With a picked axis (picks.h) only the points count where it stands at the whole number that is
   read: elsewhere the term is 0, and is left out.
   All arithmetic is float, rounded after every operation (double in `check`).

   Between grad and gather a nest may be a scatter (canonical == false, R_SUM, one store): all its
   axes stand on the output side, several points may reach one element, and a point whose output
   index is out of range contributes nothing:
     unless the store's value is ADD(READ out, ACC), all elements of the output tensor = 0 (before
     the first step of a loop)
     for every point where the reads, the guards and the output are in range: out = out + term. */
enum { MAX_STORES = 40, LANES = 16 /* partial results of a sum or maximum */ };

/* What a nest's expressions were when its reads were listed, and those (effects.c). */
typedef struct {
  expr *term, *init;
  int n_store;
  expr **value;
  reads of_term, of_stores, of_all;
  uint64_t checked; /* the signature with which verify found it in order, or 0 */
  uint64_t alone; /* with it: the stores (bits) of tensors that the nest writes all of by itself */
} known_reads;

typedef struct nest {
  struct nest *next;
  exprs *ex;        /* the table that its expressions are in */
  const char *name; /* of the layer and direction: "conv2", "conv2 by input", "conv2 by weight" */
  const struct node *node;
  int n_axis;
  axis axis[MAX_AXES];
  reduction red;
  bool lanes;
  expr *init; /* R_SUM: what acc starts from instead of 0 (pieces of one sum, block.c); or NULL */
  expr *term;
  int pick;     /* 1 + an axis that counts where it equals `picked` alone; or 0 */
  expr *picked; /* the read of a whole number that does not depend on that axis */
  int n_guard;
  guard *guard; /* in a growing array (nest_guard) */
  int n_store;
  struct store *store; /* in a growing array (nest_store) ... */
  int store_room;      /* ... of so many places */
  int place;           /* in program order, while an index of uses is kept (uses.h) */
  int chain; /* nests of one chain (not 0) follow each other, and run all of them for one index of
                their first axis before the next; what they hand on may be sliced */
  int loop;  /* nests of one loop (not 0) follow each other, and run all of them for one index of
                their first axis, the step, after the other: what a step reads, steps before it may
                have written (loops.h) */
  bool falling;   /* ... from the last step to the first */
  bool canonical; /* outputs written once per point: see gather.c */
  bool part;      /* of a scatter: other nests write the rest of the output */
  struct schedule *sched;
  known_reads *known;
} nest;

/* A whole program of one kind for one batch size. */
typedef struct {
  arena *mem;
  exprs *ex;
  const struct graph *graph;
  bool train;
  dtype real;  /* of floats from halo on: F32, or F64 for checking gradients */
  bool no_fma; /* the machine's rule: fused multiply-adds round twice (target.def) */
  int batch;
  int threads; /* that will run it; decides about memory and time only */
  int n_chain, n_loop;
  bool stepwise; /* loop number n_loop, the last nests, goes over the positions of the input */
  int n_tensor;
  tensor **tensor;
  nest *nests; /* in execution order */
  int n_port;
  tensor **port; /* inputs, targets, predictions, losses */
  tensor *lr;
  tensor *x, *label, *logits, *losses; /* the first of each role, or NULL */
  const char *stage;                   /* the last pass that ran */
} nestprog;

/* --- construction (nest.c) --- */
tensor *tensor_new(nestprog *p, const char *name, trole role, int rank, const int64_t *dim);
/* A program without tensors or nests. */
nestprog *nestprog_new(arena *mem);
/* A nest of nothing yet: no axes, R_SET, not canonical. Not part of the program. */
nest *nest_new(nestprog *p, const char *name, const struct node *node);
/* Another store of n, after those it has. */
void nest_store(nest *n, access out, expr *value);
/* Makes room for so many stores in all: where they are known to be many, none is left over. */
void nest_reserve_stores(nest *n, int stores);
/* Another condition on the points of n's term, unless it always holds. */
void nest_guard(nest *n, affine ix, int64_t extent);
bool nest_has_guard(const nest *n, const affine *ix, int64_t extent);
/* A copy of n with stores and guards of its own; expressions are shared. */
nest *nest_copy(const nest *n);
/* Puts n's term, guards, start and stores into other axes; those themselves are the caller's. */
void nest_map(nest *n, const axis_map *m);
/* Replaces nodes in the term, the start and all stores' values. */
void nest_rewrite(nest *n, rewriter *f, void *arg);
/* Least and greatest value over all axes of n. */
void aff_range(const nest *n, const affine *x, int64_t *lo, int64_t *hi);
/* Can any index of this access leave its tensor? */
bool access_may_leave(const nest *n, const access *x);
/* Can 16 neighbours along reduce axis ax be read as one vector, or as one element? */
bool runs_in_lanes(const nest *n, const access *x, int ax);
/* Does n write every element that x reaches once: each output axis in one dimension, and there in
   mixed radix with the others? */
bool output_once(const nest *n, const access *x);
/* Multiply-adds of a contraction: the points of a sum of products of two reads; 0 for other nests.
 */
int64_t nest_macs(const nest *n);

/* --- oracle and inspection --- */
/* Interprets all nests on given buffers, data[t->id] holding t's elements densely, row-major
   (int32 where whole, else double values; rounded to float after each operation unless
   exact). */
void interp(const nestprog *p, double **data, bool exact, uint64_t seed, uint64_t step);
/* Prints nests in the operator notation; reads them back as they are up to the pass before `halo`:
   NULL with *error, in mem, for what is no such text. */
void dump_nests(const nestprog *p, FILE *to);
nestprog *read_nests(arena *mem, const char *text, char **error);
/* Aborts with a message if an invariant of the stage is broken. */
void verify(const nestprog *p);
#endif
