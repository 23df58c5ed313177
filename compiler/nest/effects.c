#include "effects.h"
#include <stdlib.h>

static bool up_to_date(const nest *n, const known_reads *k) {
  if (k->term != n->term || k->init != n->init || k->n_store != n->n_store) return false;
  for (int s = 0; s < n->n_store; s++)
    if (k->value[s] != n->store[s].value) return false;
  return true;
}

static void list_reads(const nest *n, known_reads *k) {
  expr **root = NEW_N(exprs_arena(n->ex), expr *, n->n_store + 2), **end = root;
  *end++ = n->term;
  if (n->init) *end++ = n->init;
  for (int s = 0; s < n->n_store; s++) *end++ = n->store[s].value;
  *k = (known_reads){.term = n->term, .init = n->init, .n_store = n->n_store};
  k->value = end - n->n_store;
  k->of_term = roots_reads(n->ex, 1, root);
  k->of_stores = roots_reads(n->ex, (int)(end - root) - 1, root + 1);
  k->of_all = !k->of_term.n     ? k->of_stores
              : !k->of_stores.n ? k->of_term
                                : roots_reads(n->ex, (int)(end - root), root);
}

static const known_reads *known(const nest *n) {
  if (!up_to_date(n, n->known)) list_reads(n, n->known);
  return n->known;
}

reads reads_of_term(const nest *n) { return known(n)->of_term; }
reads reads_of_stores(const nest *n) { return known(n)->of_stores; }
reads reads_of(const nest *n) { return known(n)->of_all; }

bool reads_tensor(const nest *n, const tensor *t) {
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

int64_t output_points(const nest *n) {
  int64_t p = 1;
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce) p *= n->axis[a].extent;
  return p;
}

int64_t all_points(const nest *n) {
  int64_t p = 1;
  for (int a = 0; a < n->n_axis; a++)
    if (a != n->pick - 1) p *= n->axis[a].extent;
  return p;
}

bool reduces(const nest *n) {
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce) return true;
  return false;
}

int outermost_reduce(const nest *n) {
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce) return a;
  return -1;
}

int innermost_reduce(const nest *n) {
  for (int a = n->n_axis - 1; a >= 0; a--)
    if (n->axis[a].reduce) return a;
  return -1;
}

bool may_leave(const nest *n, expr *e) {
  reads r = expr_reads(n->ex, e);
  for (int i = 0; i < r.n; i++)
    if (access_may_leave(n, &r.read[i]->rd)) return true;
  return false;
}

bool reads_range(const nest *n, const affine *ix, int64_t extent) {
  reads r = reads_of_term(n);
  for (int i = 0; i < r.n; i++)
    for (int d = 0; d < r.read[i]->rd.t->rank; d++)
      if (r.read[i]->rd.t->dim[d] == extent && r.read[i]->rd.ix[d] == ix) return true;
  return false;
}

void require_range(nest *n, const affine *ix, int64_t extent) {
  if (!reads_range(n, ix, extent) && !nest_has_guard(n, ix, extent)) nest_guard(n, *ix, extent);
}

void change_term(nest *n, expr *term) {
  reads had = reads_of_term(n);
  bool nothing = n->red != R_MAX && expr_is(term, 0); /* wherever it counts */
  n->term = term;
  for (int i = 0; i < had.n && !nothing; i++) {
    const access *x = &had.read[i]->rd;
    for (int d = 0; d < x->t->rank; d++) require_range(n, x->ix[d], x->t->dim[d]);
  }
}

bool elementwise(const nest *n) {
  if (n->red != R_SET || n->n_guard || reduces(n)) return false;
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
      if (!x->ix[d]->k[a]) continue;
      if (axis >= 0 || x->ix[d]->k[a] != 1 || by[a] >= 0) return false;
      axis = a;
    }
    if (x->ix[d]->c) return false;
    if (axis < 0 ? x->t->dim[d] != 1 : n->axis[axis].extent != x->t->dim[d]) return false;
    if (axis >= 0) by[axis] = d;
  }
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce && by[a] < 0) return false;
  return true;
}

bool covers_in_order(const nest *n, const access *x) {
  int next = 0;
  for (int d = 0; d < x->t->rank; d++) {
    bool unit = x->t->dim[d] == 1;
    if (!aff_is(x->ix[d], unit ? aff_const(0) : aff_axis(next, 1))) return false;
    if (unit) continue;
    if (next == n->n_axis || n->axis[next++].extent != x->t->dim[d]) return false;
  }
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
  aff_range(n, x, &lo, &hi);
  if (lo < 0) lo = step ? ((x->c % step) + step) % step : extent;
  return lo >= extent || hi < 0;
}

bool disjoint(const nest *m, const access *x, const nest *n, const access *y) {
  for (int d = 0; d < x->t->rank; d++) {
    int64_t lo1, hi1, lo2, hi2, step = gcd(common_step(m, x->ix[d]), common_step(n, y->ix[d]));
    if (step > 1 && (x->ix[d]->c - y->ix[d]->c) % step) return true;
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
static bool disturbs(const nest *m, const nest *n) {
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

bool independent(const nest *m, const nest *n) { return !disturbs(m, n) && !disturbs(n, m); }
