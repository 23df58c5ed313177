#include "effects.h"
#include <stdlib.h>

static void collect(expr *e, void *arg) {
  reads *r = arg;
  for (int i = 0; i < r->n; i++)
    if (r->read[i] == e) return;
  if (r->n == MAX_READS) abort(); /* no fewer: what is read decides what may move */
  r->read[r->n++] = e;
}

reads reads_of_term(nest *n) {
  reads r = {0};
  expr_reads(n->term, collect, &r);
  return r;
}

static void add_stores(nest *n, reads *r) {
  if (n->init) expr_reads(n->init, collect, r);
  for (int s = 0; s < n->n_store; s++) expr_reads(n->store[s].value, collect, r);
}

reads reads_of_stores(nest *n) {
  reads r = {0};
  add_stores(n, &r);
  return r;
}

reads reads_of(nest *n) {
  reads r = reads_of_term(n);
  add_stores(n, &r);
  return r;
}

bool reads_tensor(nest *n, const tensor *t) {
  reads r = reads_of(n);
  for (int i = 0; i < r.n; i++)
    if (r.read[i]->rd.t == t) return true;
  return false;
}

int store_to(const nest *n, const tensor *t) {
  for (int s = 0; s < n->n_store; s++)
    if (n->store[s].out.t == t) return s;
  return -1;
}

bool calls_function(const expr *e) {
  if (e->kind == E_RAND || e->kind == E_EXP || e->kind == E_LOG || e->kind == E_TANH) return true;
  for (int i = 0; i < scalar_arity(e->kind); i++)
    if (calls_function(e->a[i])) return true;
  return false;
}

int64_t output_points(const nest *n) {
  int64_t p = 1;
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce) p *= n->axis[a].extent;
  return p;
}

int64_t all_points(const nest *n) {
  int64_t p = 1;
  for (int a = 0; a < n->n_axis; a++) p *= n->axis[a].extent;
  return p;
}

int64_t tensor_elements(const tensor *t) {
  int64_t p = 1;
  for (int d = 0; d < t->rank; d++) p *= t->dim[d];
  return p;
}

bool elementwise(nest *n) {
  if (n->red != R_SET || n->n_guard) return false;
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce) return false;
  reads r = reads_of(n);
  for (int i = 0; i < r.n; i++)
    if (access_may_leave(n, &r.read[i]->rd)) return false;
  return true;
}

bool covers_whole(const nest *n, const access *x, int by[MAX_AXES]) {
  for (int a = 0; a < n->n_axis; a++) by[a] = -1;
  for (int d = 0; d < x->t->rank; d++) {
    int axis = -1;
    for (int a = 0; a < n->n_axis; a++) {
      if (!x->ix[d].k[a]) continue;
      if (axis >= 0 || x->ix[d].k[a] != 1 || by[a] >= 0) return false;
      axis = a;
    }
    if (x->ix[d].c) return false;
    if (axis < 0 ? x->t->dim[d] != 1 : n->axis[axis].extent != x->t->dim[d]) return false;
    if (axis >= 0) by[axis] = d;
  }
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce && by[a] < 0) return false;
  return true;
}

static int64_t gcd(int64_t a, int64_t b) { return b ? gcd(b, a % b) : llabs(a); }

/* The greatest step that divides every distance between two values of the index; 0: it is fixed. */
static int64_t common_step(const nest *n, const affine *x) {
  int64_t g = 0;
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].extent > 1) g = gcd(x->k[a], g);
  return g;
}

bool always_outside(const nest *n, const affine *x, int64_t extent) {
  int64_t lo, hi, step = common_step(n, x);
  aff_range(n, *x, &lo, &hi);
  if (lo < 0) lo = step ? ((x->c % step) + step) % step : extent;
  return lo >= extent || hi < 0;
}

bool disjoint(const nest *m, const access *x, const nest *n, const access *y) {
  for (int d = 0; d < x->t->rank; d++) {
    int64_t lo1, hi1, lo2, hi2, step = gcd(common_step(m, &x->ix[d]), common_step(n, &y->ix[d]));
    if (step > 1 && (x->ix[d].c - y->ix[d].c) % step) return true;
    aff_range(m, x->ix[d], &lo1, &hi1);
    aff_range(n, y->ix[d], &lo2, &hi2);
    if (hi1 < lo2 || hi2 < lo1) return true;
  }
  return false;
}

/* May the two accesses touch one element? Parts of a tensor are not told apart from the whole. */
static bool may_meet(const nest *m, const access *x, const nest *n, const access *y) {
  if (x->t != y->t) return tensor_base(x->t) == tensor_base(y->t);
  return !disjoint(m, x, n, y);
}

/* Does m write what n reads or writes, at some common element? */
static bool disturbs(nest *m, nest *n) {
  reads r = reads_of(n);
  for (int s = 0; s < m->n_store; s++) {
    const access *x = &m->store[s].out;
    for (int i = 0; i < r.n; i++)
      if (may_meet(m, x, n, &r.read[i]->rd)) return true;
    for (int k = 0; k < n->n_store; k++)
      if (may_meet(m, x, n, &n->store[k].out)) return true;
  }
  return false;
}

bool independent(nest *m, nest *n) { return !disturbs(m, n) && !disturbs(n, m); }
