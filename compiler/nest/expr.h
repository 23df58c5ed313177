/* Scalar expressions and the affine indices of what they read. All of it is immutable, and each
   distinct affine, list of indices and node is made once in a program's table: equal things are one
   pointer, and what a pass leaves alone is not copied. */
#ifndef NETC_EXPR_H
#define NETC_EXPR_H
#include "base/arena.h"
#include "tensor.h"

/* A statement's axes; those of a nest: gather may add one for each dimension of the output. */
enum { STATEMENT_AXES = 12, MAX_AXES = STATEMENT_AXES + MAX_DIMS };

/* c + sum over axes a of k[a] * index[a] */
typedef struct {
  int64_t c, k[MAX_AXES];
} affine;

/* t[ix[0], ix[1], ..]: one index for each dimension. */
typedef struct {
  tensor *t;
  const affine *const *ix;
} access;

/* Scalar expressions: a DAG (shared nodes are evaluated once per point). */
typedef enum {
  E_CONST, /* num */
  E_INDEX, /* aff, as a number */
  E_READ,  /* rd (an int32 tensor's element is converted to a number) */
  E_ACC,   /* in store values only: the reduced value */
  E_RAND,  /* uniform [0,1): Philox4x32-10, counter {aff, stream, step lo, step hi}, key seed */
#define SCALAR(NAME, ...) E_##NAME,
#include "scalar.def"
#undef SCALAR
  E_COUNT
} ekind;

typedef const struct expr {
  unsigned kind : 8;  /* an ekind */
  unsigned calls : 1; /* below it is a heavy function: exp, a random number .. */
  unsigned acc : 1;   /* below it is E_ACC */
  unsigned axes : 22; /* axes whose index it depends on, as bits (E_ACC counts for none) */
  int id;             /* dense in its table */
  union {
    double num;
    access rd;
    struct {
      const affine *aff;
      int64_t stream;
    };
    const struct expr *a[3]; /* as many as the function takes */
  };
} expr;

/* --- the table (expr.c) --- */

typedef struct exprs exprs;
exprs *exprs_new(arena *mem);
/* Gives back what new nodes need alone, when few or none are to come. */
void exprs_settle(exprs *x);
/* Everything made in the table lives there. */
arena *exprs_arena(const exprs *x);
expr *e_const(exprs *x, double v);
/* Is it this number? */
bool expr_is(expr *e, double v);
expr *e_index(exprs *x, affine aff);
expr *e_rand(exprs *x, affine aff, int64_t stream);
expr *e_read(exprs *x, access rd);
expr *e_acc(exprs *x);
expr *e_op(exprs *x, ekind k, expr *a, expr *b, expr *c);
const affine *affine_in(exprs *x, affine v);
/* t at t->rank indices. */
access access_of(exprs *x, tensor *t, const affine *ix);
/* The same but for dimension d. */
access access_with(exprs *x, access at, int d, affine ix);

/* --- affine indices (affine.c) --- */

affine aff_const(int64_t c);
affine aff_axis(int ax, int64_t k);
affine aff_add(affine x, affine y);
affine aff_scale(affine x, int64_t s);
bool aff_is(const affine *x, affine y);
/* The axes that it depends on, as bits. */
unsigned aff_axes(const affine *x);
bool access_equal(const access *x, const access *y);
/* The step of an access along an axis in the dense row-major tensor, in elements. */
int64_t dense_stride(const access *x, int ax);

/* What each axis of a nest is in other axes: the one way to substitute, renumber or drop axes. */
typedef struct {
  int n; /* axes from here on do not occur */
  affine to[MAX_AXES];
} axis_map;
/* Every axis stays what it is. */
axis_map axes_kept(void);
affine aff_map(const affine *x, const axis_map *m);
access access_map(exprs *x, access at, const axis_map *m);
expr *expr_map(exprs *x, expr *e, const axis_map *m);

/* --- walking and rewriting (walk.c) --- */

/* The nodes below some roots: each once, arguments before what uses them. */
typedef struct walk {
  arena *mem;
  int n;
  expr **node;
  expr **to; /* room for what becomes of them */
  int room, n_place;
  int *place; /* by id; true of e if node[place] is e */
  struct walk *next;
} walk;
walk *walk_new(arena *mem);
/* Adds e and what is below it, as far as it has not been met. */
void walk_add(walk *w, expr *e);
/* Where e stands in node[], or -1. */
int walk_place(const walk *w, expr *e);
/* Walks of a table are used again: begin is cheap. Not for several threads. */
walk *walk_begin(exprs *x);
void walk_end(exprs *x, walk *w);

typedef struct {
  int n;
  expr *const *read;
} reads;
/* The distinct reads below e, first met first. Kept: asking again costs nothing. */
reads expr_reads(exprs *x, expr *e);
/* Of several expressions together; listed anew. */
reads roots_reads(exprs *x, int n, expr *const *root);

/* e in which f has replaced nodes. f is asked for every node below e, with the node's arguments as
   they have become, and returns what to put there, or NULL: then the node stays, over those
   arguments. What has not changed is not copied. */
typedef expr *rewriter(exprs *x, expr *e, expr *const *a, void *arg);
expr *expr_rewrite(exprs *x, expr *e, rewriter *f, void *arg);

/* --- scalar functions (scalar.c) --- */

/* A scalar function in double precision, by libm. */
double scalar_value(ekind k, double a, double b, double c);
int scalar_arity(ekind k);
const char *scalar_word(ekind k);
/* Operations like an addition; is that dozens of instructions? */
int scalar_cost(ekind k);
bool scalar_heavy(ekind k);
/* The rule for an argument's gradient (scalar.def), or NULL. */
const char *scalar_derivative(ekind k, int argument);
/* May operators call it by its word? */
bool scalar_callable(ekind k);
/* Is it one that elementary.h defines? */
bool scalar_elementary(ekind k);
#endif
