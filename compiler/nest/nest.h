/* The one intermediate form: affine loop nests over tensors (docs/design.md, "One idea").
   Everything between lowering and code generation reads and writes this and nothing else. */
#ifndef NETC_NEST_H
#define NETC_NEST_H
#include "base/arena.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct graph;
struct node;
struct opdecl;
struct opuse;

enum { MAX_AXES = 12, MAX_DIMS = 6 };
enum { LANES = 16 }; /* partial sums of a sum in lanes: the meaning of `nest` below */

typedef enum {
  T_INPUT,  /* an input as the caller gives it: batch x C x H x W, or int32 */
  T_LABEL,  /* a target, likewise */
  T_PARAM,  /* trained */
  T_STATE,  /* an operator's state (running statistics): lives in the params block */
  T_OPT,    /* an optimizer's state: lives in the state block */
  T_HYPER,  /* [1]: the learning rate of this step */
  T_TEMP,   /* workspace */
  T_LOGITS, /* a prediction, in the caller's order: written for the caller, stays readable */
  T_LOSSES, /* [N] loss of each sample, written for the caller */
  T_METRIC  /* a metric of each sample, written for the caller */
} trole;

typedef struct tensor {
  int id;
  const char *name; /* unique: "conv1.weight", "conv1", "d.conv1" */
  trole role;
  bool is_int;
  int64_t below; /* if is_int: all values are; 0: not known */
  int rank;
  int64_t dim[MAX_DIMS];
  struct tensor *grad_of;    /* for d.* tensors */
  struct tensor *view_of;    /* a part of that tensor's memory (block.c) ... */
  int64_t view_at;           /* ... from this element on */
  const struct node *node;   /* the layer it belongs to, or NULL */
  const struct opdecl *decl; /* T_PARAM, T_STATE, T_OPT: initial values and file order */
  double init;               /* evaluated: the constant or the bound */
  int port;    /* T_INPUT, T_LABEL, T_LOGITS, T_LOSSES, T_METRIC: the index in nestprog.port */
  int apart;   /* elements along this dimension (not the first) are used together: keep them out of
                  the same cache sets */
  bool sliced; /* of a chain: memory for one index of the first dimension, for each thread */
  /* filled in by plan: */
  int64_t pad_lo[MAX_DIMS], pad_hi[MAX_DIMS]; /* zero halo around the data, in elements */
  int64_t stride[MAX_DIMS];                   /* in elements */
  int block;                                  /* which memory block (plan.h) */
  int64_t offset;                             /* of element [0,..,0], in bytes */
  int64_t slice; /* if sliced: elements for one thread; stride[0] is 0 */
  int element;   /* bytes: 4, or 8 in double precision (`check`) */
} tensor;

/* c + sum over axes a of k[a] * index[a] */
typedef struct {
  int64_t c, k[MAX_AXES];
} affine;

typedef struct {
  tensor *t;
  affine ix[MAX_DIMS]; /* one per dimension */
} access;

/* Scalar expressions: a DAG (shared nodes are evaluated once per point). */
typedef enum {
  E_CONST, /* num */
  E_INDEX, /* aff, as a number */
  E_READ,  /* rd (an int32 tensor's element is converted to a number) */
  E_ACC,   /* in store values only: the reduced value */
  E_RAND,  /* uniform [0,1): Philox4x32-10, counter {aff, stream (num), step lo, step hi}, key seed
            */
#define SCALAR(NAME, word, arity) E_##NAME,
#include "scalar.def"
#undef SCALAR
  E_COUNT
} ekind;

typedef struct expr {
  ekind kind;
  double num;
  affine aff;
  access rd;
  struct expr *a[3];
  int slot; /* emit: number of the node within its nest */
} expr;

typedef enum { R_SET, R_SUM, R_MAX } reduction; /* of one nest's term over its reduction axes */

typedef struct {
  const char *name;
  int64_t extent;
  bool reduce;
} axis;

typedef struct store {
  access out;
  expr *value; /* may contain E_ACC and reads; a read out of range is 0 (from a border: halo.c) */
} store;

/* Meaning, for every point of the non-reduce axes:
     acc = 0 (R_SET, R_SUM) or -inf (R_MAX)
     for the reduce axes, in the order of axis[], first one outermost:
       if every read in term is in range and every guard holds:
         R_SET acc = term; R_MAX acc = term > acc ? term : acc;
         R_SUM acc = fma(a, b, acc) if term is E_MUL(a, b), else acc = acc + term
     then all store values are computed, and after that stored, in order.
   With lanes (R_SUM only): the innermost reduce axis runs over 16 partial sums, index k adding to
   sum k % 16, folded at the end by the tree l + (l+8), l + (l+4), l + (l+2), l + (l+1).
   All arithmetic is float, rounded after every operation (double in `check`).

   Between grad and gather a nest may be a scatter (canonical == false, R_SUM, one store): all its
   axes stand on the output side, several points may reach one element, and a point whose output
   index is out of range contributes nothing:
     unless the store's value is ADD(READ out, ACC), all elements of the output tensor = 0
     for every point where the reads, the guards and the output are in range: out = out + term. */
enum { MAX_GUARDS = 8, MAX_STORES = 40 };
typedef struct nest {
  struct nest *next;
  const char *name; /* of the layer and direction: "conv2", "conv2 by input", "conv2 by weight" */
  const struct node *node;
  int n_axis;
  axis axis[MAX_AXES];
  reduction red;
  bool lanes;
  expr *init; /* R_SUM: what acc starts from instead of 0 (pieces of one sum, block.c); or NULL */
  expr *term;
  int n_guard;
  struct {
    affine ix;
    int64_t extent; /* 0 <= ix < extent */
  } guard[MAX_GUARDS];
  int n_store;
  struct store *store; /* in a growing array (nest_store) */
  int place;           /* in program order, while an index of uses is kept (uses.h) */
  int chain; /* nests of one chain (not 0) follow each other, and run all of them for one index of
                their first axis before the next; what they hand on may be sliced */
  bool canonical; /* outputs written once per point: see gather.c */
  struct schedule *sched;
} nest;

/* A whole program of one kind for one batch size. */
typedef struct {
  arena *mem;
  const struct graph *graph;
  bool train;
  bool exact;  /* double precision from halo on: for checking gradients, not for use */
  bool no_fma; /* the machine's rule: fused multiply-adds round twice (target.def) */
  int batch;
  int threads; /* that will run it; decides about memory and time only */
  int n_chain;
  int n_tensor;
  tensor **tensor;
  nest *nests; /* in execution order */
  int n_port;
  tensor **port; /* inputs, targets, predictions, losses, metrics */
  tensor *lr;
  tensor *x, *label, *logits, *losses; /* the first of each role, or NULL */
  const char *stage;                   /* the last pass that ran */
} nestprog;

/* --- construction (nest.c) --- */
tensor *tensor_new(nestprog *p, const char *name, trole role, int rank, const int64_t *dim);
/* Another store of n, after those it has. */
void nest_store(arena *mem, nest *n, access out, expr *value);
/* A copy of n with stores of its own; expressions are shared. */
nest *nest_copy(arena *mem, const nest *n);
/* The tensor whose memory t is (a part of). */
tensor *tensor_base(tensor *t);
expr *e_const(arena *a, double v);
expr *e_read(arena *a, access rd);
expr *e_op(arena *a, ekind k, expr *x, expr *y, expr *z);
affine aff_const(int64_t c);
affine aff_axis(int ax, int64_t k);
affine aff_add(affine x, affine y);
affine aff_scale(affine x, int64_t s);
bool aff_equal(affine x, affine y);
bool access_equal(const access *x, const access *y);
/* The step of an access along an axis in the dense row-major tensor, in elements. */
int64_t dense_stride(const access *x, int ax);
/* The reduce axis that runs over the lanes; of the sum's axes the innermost, or -1. */
int innermost_reduce(const nest *n);
/* Can 16 neighbours along reduce axis ax be read as one vector, or as one element? */
bool runs_in_lanes(const nest *n, const access *x, int ax);
/* Least and greatest value over all axes of n. */
void aff_range(const nest *n, affine x, int64_t *lo, int64_t *hi);
/* Can any index of this access leave its tensor? */
bool access_may_leave(const nest *n, const access *x);
/* Calls f on every distinct read below e. */
void expr_reads(expr *e, void (*f)(expr *read, void *arg), void *arg);
/* A copy of e with every affine index mapped by f (used to substitute axes). */
expr *expr_map_affine(arena *a, expr *e, affine (*f)(affine, void *), void *arg);
/* A copy of e in which f has replaced nodes: f returns the replacement, or NULL to copy the node
   and go on below. Shared nodes stay shared. */
expr *expr_rewrite(arena *a, expr *e, expr *(*f)(expr *, void *), void *arg);
/* A scalar function in double precision, with libm's exp, log and tanh. */
double scalar_value(ekind k, double a, double b, double c);
/* Does n write every element that x reaches once: each output axis in one dimension, and there in
   mixed radix with the others? */
bool output_once(const nest *n, const access *x);
/* Multiply-adds of a contraction: the points of a sum of products of two reads; 0 for other nests.
 */
int64_t nest_macs(const nest *n);
int scalar_arity(ekind k);
const char *scalar_word(ekind k);

/* --- oracle and inspection --- */
/* Interprets all nests on given buffers, data[t->id] holding t's elements densely, row-major
   (int32 for is_int tensors, else double values; rounded to float after each operation unless
   exact). */
void interp(const nestprog *p, double **data, bool exact, uint64_t seed, uint64_t step);
/* Prints nests in the operator notation. */
void dump_nests(const nestprog *p, FILE *to);
/* Aborts with a message if an invariant of the stage is broken. */
void verify(const nestprog *p);
#endif
