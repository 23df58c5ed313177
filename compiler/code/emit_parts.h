/* What the files of emit.c share: the state of the code of one nest. Each file uses those above it
   in this list. */
#ifndef NETC_EMIT_PARTS_H
#define NETC_EMIT_PARTS_H
#include "emit.h"
#include "emit_scalar.h"

/* A pointer that walks with the loops. Accesses to one tensor that move alike share it, and lie at
   constant distances from it. */
typedef struct {
  const tensor *t;
  bool read;
  int64_t from; /* the element of the tensor that its argument points to */
  int64_t stride[MAX_AXES];
  LLVMValueRef
      at; /* the tensor's element at the current loop indices, less constants and tile offsets */
} ref;

typedef struct {
  int64_t at;
  int width;
} chunk;

/* Where in the tile: an offset from the loop index for every axis; along the vector axis, a chunk.
 */
typedef struct {
  int64_t off[MAX_AXES];
  int chunk;
} point;
typedef struct {
  int64_t n;
  point *at;
} point_list;

typedef struct em em;
struct em {
  ir c;
  nest *n;
  schedule *s;
  const target_info *t;
  LLVMValueRef fn, tensors, begin, end;
  int n_arg;
  LLVMValueRef *arg;
  const kernel_arg *given;
  arena *mem; /* of this kernel */
  int n_ref;
  ref *refs;
  LLVMValueRef index[MAX_AXES]; /* loop index at the tile's origin; NULL: 0 */
  int64_t tile[MAX_AXES];       /* tile of the code being emitted (smaller at ragged edges) */
  int vec;                      /* axis along vectors in the current phase, or -1 */
  int n_chunk;
  chunk *chunk;
  walk *nodes;
  unsigned *depends;   /* axes that node i depends on, as bits */
  LLVMValueRef **memo; /* values of node i at tile points, since the block began */
  int64_t n_point;
  point *points;       /* output points of the tile ... */
  LLVMValueRef *acc;   /* ... and their accumulators */
  int64_t acc_now;     /* E_ACC refers to this one */
  int n_draw;          /* random values in the code so far */
  bool at_once;        /* stores need not wait for all values */
  bool within_guards;  /* the guards are known to hold */
  void (*terms)(em *); /* what a sum adds at one step of its loops: a tile's terms, or a strip's */
  LLVMValueRef sums;   /* of a strip: the array that they wait in */
};

#define B (e->c.b)

/* --- emit_address.c: pointers, indices, guards --- */

/* Loads the tensors' addresses, and lets a pointer walk for every way in which they are read or
   written. */
void load_pointers(em *e, const kernel_call *k);
void add_refs(em *e);
ref *ref_of(em *e, const access *x);
/* base + i k; base and i may be NULL: 0. */
LLVMValueRef add_scaled(em *e, LLVMValueRef base, LLVMValueRef i, int64_t k);
/* In memory. */
LLVMTypeRef element_type(em *e, const ref *r);
/* Of the access x, which moves as r does. */
LLVMValueRef address(em *e, const ref *r, const access *x, const point *p);
/* The value of an affine index at a point, as i32 (a vector where it varies along the vector). */
LLVMValueRef index_value(em *e, const affine *x, const point *p);
/* i1: every guard holds at p; NULL when the nest has none. */
LLVMValueRef guards_hold(em *e, const point *p);
/* Moves the pointers to an index of one axis. */
void move_to(em *e, int ax, LLVMValueRef index);
/* Where the pointers are now; and back to there. */
LLVMValueRef *places(em *e);
void return_to(em *e, LLVMValueRef *at);

/* --- emit_points.c: the points of a tile --- */

/* Vectors along an axis of this extent (-1: none): of `unit` elements, or as wide as the machine's
   where it is 0; smaller ones at the end. */
void set_vector(em *e, int axis, int64_t extent, int64_t unit);
int width_at(em *e, const point *p);
/* The points along the reduction axes, or along the others. */
point_list list_points(em *e, bool reduce);
/* The output points of the tile at hand, with room for their accumulators. */
void list_outputs(em *e);
/* The point of both: the output axes of `out`, the reduction axes of `red`. */
point join_points(const em *e, const point *out, const point *red);

/* --- emit_value.c: expressions at a point of the tile --- */

void number_nodes(em *e);
/* The value of x at p; a scalar is broadcast to w elements. */
LLVMValueRef eval_wide(em *e, expr *x, const point *p, int w);
/* Values that are known in one block are not in the next. */
void forget_values(em *e);

/* --- emit_loop.c: blocks, counted loops --- */

typedef struct {
  int axis;
  int64_t from, count, step;
  LLVMBasicBlockRef head;
  LLVMValueRef index, outer_index;
  LLVMValueRef *at, *outer_at; /* of the refs */
  LLVMValueRef *acc;
} loop;

LLVMBasicBlockRef code_block(em *e, const char *name);
LLVMValueRef phi_like(em *e, LLVMValueRef v);
/* Opens a counted loop at the current block: index, moving addresses and accumulators as phis. */
void loop_open(em *e, loop *l);
void loop_close(em *e, loop *l);
/* Runs `inside` where the picked axis stands at its number. */
void at_picked(em *e, void (*inside)(em *));

/* --- emit_ahead.c: asking for memory before it is needed --- */

/* What the terms read in the next tile along the vectors, at a point of the reduction. */
void ask_for_operands(em *e, const point *red);
/* What the stores read in the next tile. */
void ask_for_results(em *e);

/* --- emit_sum.c: reductions --- */

/* The reduction axes from ax inwards, in order: this order is the definition of the sum. */
void reduce_from(em *e, int ax);
/* The terms of the tile at hand alone, joined to the accumulators. */
void tile_terms(em *e);
LLVMValueRef greater(em *e, LLVMValueRef acc, LLVMValueRef v);

/* --- emit_fold.c: the partial results in lanes --- */

/* Replaces the tile's 16-lane accumulators by sums, a vector along the fold axis where there is
 * one. */
void fold_all(em *e);

/* --- emit_store.c: the results --- */

/* May a store be made before the values of the stores after it are computed? */
bool stores_at_once(em *e);
void write_results(em *e);

/* --- emit_strip.c: sums that wait in memory while rows of a matrix pass --- */

/* Makes room for the sums, on the stack of the kernel. */
void make_strip(em *e);
/* The strip at hand, in place of the tiles along its vectors. */
void strip_code(em *e);
#endif
