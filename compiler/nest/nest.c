/* Construction and inspection of nests: tensors, affine indices, expressions. */
#include "nest.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

tensor *tensor_new(nestprog *p, const char *name, trole role, int rank, const int64_t *dim) {
  if (rank > MAX_DIMS) abort();
  tensor *t = NEW(p->mem, tensor);
  t->id = p->n_tensor;
  t->name = name;
  t->role = role;
  t->rank = rank;
  for (int d = 0; d < rank; d++) t->dim[d] = dim[d];
  PUSH(p->mem, p->tensor, p->n_tensor, t);
  return t;
}

void nest_store(arena *mem, nest *n, access out, expr *value) {
  if (n->n_store == MAX_STORES) abort();
  store s = {out, value};
  PUSH(mem, n->store, n->n_store, s);
}

nest *nest_copy(arena *mem, const nest *n) {
  nest *c = NEW(mem, nest);
  *c = *n;
  c->store = NULL;
  c->n_store = 0;
  for (int s = 0; s < n->n_store; s++) nest_store(mem, c, n->store[s].out, n->store[s].value);
  return c;
}

/* --- expressions --- */

static const struct {
  const char *word;
  int arity;
} scalars[E_COUNT] = {
    [E_CONST] = {"const", 0}, [E_INDEX] = {"index", 0}, [E_READ] = {"read", 0},
    [E_ACC] = {"acc", 0},     [E_RAND] = {"rand", 0},
#define SCALAR(NAME, word, arity) [E_##NAME] = {word, arity},
#include "scalar.def"
#undef SCALAR
};

int scalar_arity(ekind k) { return scalars[k].arity; }
const char *scalar_word(ekind k) { return scalars[k].word; }

tensor *tensor_base(tensor *t) { return t->view_of ? t->view_of : t; }

expr *e_const(arena *a, double v) {
  expr *e = NEW(a, expr);
  e->kind = E_CONST;
  e->num = v;
  return e;
}

expr *e_read(arena *a, access rd) {
  expr *e = NEW(a, expr);
  e->kind = E_READ;
  e->rd = rd;
  return e;
}

expr *e_op(arena *a, ekind k, expr *x, expr *y, expr *z) {
  expr *e = NEW(a, expr);
  e->kind = k;
  e->a[0] = x;
  e->a[1] = y;
  e->a[2] = z;
  return e;
}

/* --- affine indices --- */

affine aff_const(int64_t c) { return (affine){.c = c}; }

affine aff_axis(int ax, int64_t k) {
  affine x = {0};
  x.k[ax] = k;
  return x;
}

affine aff_add(affine x, affine y) {
  x.c += y.c;
  for (int a = 0; a < MAX_AXES; a++) x.k[a] += y.k[a];
  return x;
}

affine aff_scale(affine x, int64_t s) {
  x.c *= s;
  for (int a = 0; a < MAX_AXES; a++) x.k[a] *= s;
  return x;
}

bool aff_equal(affine x, affine y) {
  if (x.c != y.c) return false;
  for (int a = 0; a < MAX_AXES; a++)
    if (x.k[a] != y.k[a]) return false;
  return true;
}

bool access_equal(const access *x, const access *y) {
  if (x->t != y->t) return false;
  for (int d = 0; d < x->t->rank; d++)
    if (!aff_equal(x->ix[d], y->ix[d])) return false;
  return true;
}

int64_t dense_stride(const access *x, int ax) {
  int64_t s = 0, row = 1;
  for (int d = x->t->rank - 1; d >= 0; d--) {
    s += x->ix[d].k[ax] * row;
    row *= x->t->dim[d];
  }
  return s;
}

int innermost_reduce(const nest *n) {
  for (int a = n->n_axis - 1; a >= 0; a--)
    if (n->axis[a].reduce) return a;
  return -1;
}

bool runs_in_lanes(const nest *n, const access *x, int ax) {
  int64_t s = dense_stride(x, ax);
  return (s == 0 || s == 1) && !access_may_leave(n, x);
}

void aff_range(const nest *n, affine x, int64_t *lo, int64_t *hi) {
  *lo = *hi = x.c;
  for (int a = 0; a < n->n_axis; a++) {
    int64_t span = x.k[a] * (n->axis[a].extent - 1);
    if (span < 0) *lo += span;
    else *hi += span;
  }
}

bool access_may_leave(const nest *n, const access *x) {
  for (int d = 0; d < x->t->rank; d++) {
    int64_t lo, hi;
    aff_range(n, x->ix[d], &lo, &hi);
    if (lo < 0 || hi >= x->t->dim[d]) return true;
  }
  return false;
}

/* Can the sum of this dimension's axes reach every value at most once? (mixed radix) */
static bool one_to_one(const nest *n, const affine *x) {
  bool done[MAX_AXES] = {0};
  for (int64_t reach = 0;;) {
    int least = -1;
    for (int a = 0; a < n->n_axis; a++)
      if (!done[a] && x->k[a] && n->axis[a].extent > 1 &&
          (least < 0 || llabs(x->k[a]) < llabs(x->k[least])))
        least = a;
    if (least < 0) return true;
    if (llabs(x->k[least]) <= reach) return false;
    reach += llabs(x->k[least]) * (n->axis[least].extent - 1);
    done[least] = true;
  }
}

bool output_once(const nest *n, const access *x) {
  int uses[MAX_AXES] = {0};
  for (int d = 0; d < x->t->rank; d++) {
    if (!one_to_one(n, &x->ix[d])) return false;
    for (int a = 0; a < n->n_axis; a++) uses[a] += x->ix[d].k[a] != 0;
  }
  for (int a = 0; a < n->n_axis; a++) {
    if (uses[a] > 1 && n->axis[a].extent > 1) return false;
    if (!uses[a] && !n->axis[a].reduce && n->axis[a].extent > 1) return false;
  }
  return true;
}

/* --- scalar functions --- */

double scalar_value(ekind k, double a, double b, double c) {
  switch (k) {
  case E_ADD: return a + b;
  case E_SUB: return a - b;
  case E_MUL: return a * b;
  case E_DIV: return a / b;
  case E_NEG: return -a;
  case E_MAX: return a > b ? a : b;
  case E_MIN: return a < b ? a : b;
  case E_SQRT: return sqrt(a);
  case E_EXP: return exp(a);
  case E_LOG: return log(a);
  case E_TANH: return tanh(a);
  case E_EQ: return a == b;
  case E_NE: return a != b;
  case E_LT: return a < b;
  case E_LE: return a <= b;
  case E_GT: return a > b;
  case E_GE: return a >= b;
  case E_SELECT: return a != 0 ? b : c;
  case E_STOP: return a;
  default: abort();
  }
}

/* --- walking and copying --- */

/* Nodes met so far on a walk over a DAG, and what became of them. */
enum { FEW = 64 }; /* nodes remembered without an allocation: most expressions have fewer */

typedef struct {
  int n, room;
  expr **from, **to;
  expr *few_from[FEW], *few_to[FEW];
  void (*visit)(expr *, void *);
  affine (*map)(affine, void *);
  void *arg;
} walk;

static void walk_begin(walk *w, void *arg) {
  w->n = 0;
  w->room = FEW;
  w->from = w->few_from;
  w->to = w->few_to;
  w->arg = arg;
}

static void walk_end(walk *w) {
  if (w->from == w->few_from) return;
  free(w->from);
  free(w->to);
}

static expr **grown(const walk *w, expr **old, const expr *const *few) {
  bool first = (const expr *const *)old == few;
  expr **new = realloc(first ? NULL : old, sizeof *new *(size_t)(2 * w->room));
  if (!new) abort();
  if (first) memcpy(new, few, sizeof *new *(size_t)w->n);
  return new;
}

static int seen(const walk *w, const expr *e) {
  for (int i = w->n - 1; i >= 0; i--)
    if (w->from[i] == e) return i;
  return -1;
}

static void remember(walk *w, expr *from, expr *to) {
  if (w->n == w->room) {
    w->from = grown(w, w->from, (const expr *const *)w->few_from);
    w->to = grown(w, w->to, (const expr *const *)w->few_to);
    w->room *= 2;
  }
  w->from[w->n] = from;
  w->to[w->n++] = to;
}

static void visit_reads(walk *w, expr *e) {
  if (!e) return;
  if (scalar_arity(e->kind) == 0) {
    if (e->kind != E_READ || seen(w, e) >= 0) return;
    remember(w, e, e);
    w->visit(e, w->arg);
    return;
  }
  if (seen(w, e) >= 0) return;
  remember(w, e, e);
  for (int i = 0; i < scalar_arity(e->kind); i++) visit_reads(w, e->a[i]);
}

void expr_reads(expr *e, void (*f)(expr *read, void *arg), void *arg) {
  walk w;
  walk_begin(&w, arg);
  w.visit = f;
  visit_reads(&w, e);
  walk_end(&w);
}

static expr *copy_mapped(walk *w, arena *a, expr *e) {
  if (!e) return NULL;
  int at = seen(w, e);
  if (at >= 0) return w->to[at];
  expr *c = NEW(a, expr);
  *c = *e;
  if (e->kind == E_INDEX || e->kind == E_RAND) c->aff = w->map(e->aff, w->arg);
  if (e->kind == E_READ)
    for (int d = 0; d < e->rd.t->rank; d++) c->rd.ix[d] = w->map(e->rd.ix[d], w->arg);
  for (int i = 0; i < scalar_arity(e->kind); i++) c->a[i] = copy_mapped(w, a, e->a[i]);
  remember(w, e, c);
  return c;
}

expr *expr_map_affine(arena *a, expr *e, affine (*f)(affine, void *), void *arg) {
  walk w;
  walk_begin(&w, arg);
  w.map = f;
  expr *c = copy_mapped(&w, a, e);
  walk_end(&w);
  return c;
}

/* --- counting --- */

int64_t nest_macs(const nest *n) {
  const expr *t = n->term;
  if (n->red != R_SUM || !t || t->kind != E_MUL) return 0;
  if (t->a[0]->kind != E_READ || t->a[1]->kind != E_READ) return 0;
  int64_t points = 1;
  for (int a = 0; a < n->n_axis; a++) points *= n->axis[a].extent;
  return points;
}
