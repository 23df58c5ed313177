/* Construction and inspection of nests and their tensors. */
#include "base/internal.h"
#include "nest.h"
#include <string.h>
#include <stdlib.h>

nestprog *nestprog_new(arena *mem) {
  nestprog *p = NEW(mem, nestprog);
  p->mem = mem;
  p->ex = exprs_new(mem);
  return p;
}

tensor *tensor_new(nestprog *p, const char *name, trole role, int rank, const int64_t *dim) {
  if (rank > MAX_DIMS) internal_error(name, "a tensor of too many dimensions");
  tensor *t = NEW(p->mem, tensor);
  t->id = p->n_tensor;
  t->name = name;
  t->role = role;
  t->rank = rank;
  for (int d = 0; d < rank; d++) t->dim[d] = dim[d];
  PUSH(p->mem, p->tensor, p->n_tensor, t);
  return t;
}

tensor *tensor_base(tensor *t) { return t->view_of ? t->view_of : t; }

bool is_whole(const tensor *t) { return t->dtype == I32; }

int element_bytes(const tensor *t) { return t->dtype == F64 ? 8 : 4; }

int64_t tensor_elements(const tensor *t) {
  int64_t p = 1;
  for (int d = 0; d < t->rank; d++) p *= t->dim[d];
  return p;
}

nest *nest_new(nestprog *p, const char *name, const struct node *node) {
  nest *n = NEW(p->mem, nest);
  n->ex = p->ex;
  n->name = name;
  n->node = node;
  n->known = NEW(p->mem, known_reads);
  return n;
}

void nest_reserve_stores(nest *n, int stores) {
  if (stores <= n->store_room) return;
  store *had = n->store;
  n->store = NEW_N(exprs_arena(n->ex), store, stores);
  n->store_room = stores;
  if (had) memcpy(n->store, had, sizeof *had * (size_t)n->n_store);
}

void nest_store(nest *n, access out, expr *value) {
  if (n->n_store == MAX_STORES) internal_error(n->name, "a nest of too many stores");
  if (n->n_store == n->store_room) nest_reserve_stores(n, n->n_store ? 2 * n->n_store : 1);
  n->store[n->n_store++] = (store){out, value};
}

void nest_guard(nest *n, affine ix, int64_t extent) {
  int64_t lo, hi;
  aff_range(n, &ix, &lo, &hi);
  if (lo >= 0 && hi < extent) return;
  guard g = {affine_in(n->ex, ix), extent, false};
  PUSH(exprs_arena(n->ex), n->guard, n->n_guard, g);
}

bool nest_has_guard(const nest *n, const affine *ix, int64_t extent) {
  for (int g = 0; g < n->n_guard; g++)
    if (n->guard[g].ix == ix && n->guard[g].extent == extent) return true;
  return false;
}

nest *nest_copy(const nest *n) {
  arena *mem = exprs_arena(n->ex);
  nest *c = NEW(mem, nest);
  *c = *n;
  c->known = NEW(mem, known_reads);
  c->store = NULL;
  c->guard = NULL;
  c->n_store = c->n_guard = c->store_room = 0;
  nest_reserve_stores(c, n->n_store);
  for (int s = 0; s < n->n_store; s++) nest_store(c, n->store[s].out, n->store[s].value);
  for (int g = 0; g < n->n_guard; g++) PUSH(mem, c->guard, c->n_guard, n->guard[g]);
  return c;
}

/* The picked axis is another number, but an axis still. */
static void map_pick(nest *n, const axis_map *m) {
  if (!n->pick) return;
  const affine to = m->to[n->pick - 1];
  n->pick = 0;
  while (!to.k[n->pick++]) continue;
  n->picked = expr_map(n->ex, n->picked, m);
}

void nest_map(nest *n, const axis_map *m) {
  map_pick(n, m);
  n->term = expr_map(n->ex, n->term, m);
  if (n->init) n->init = expr_map(n->ex, n->init, m);
  for (int g = 0; g < n->n_guard; g++)
    n->guard[g].ix = affine_in(n->ex, aff_map(n->guard[g].ix, m));
  for (int s = 0; s < n->n_store; s++) {
    n->store[s].value = expr_map(n->ex, n->store[s].value, m);
    n->store[s].out = access_map(n->ex, n->store[s].out, m);
  }
}

void nest_rewrite(nest *n, rewriter *f, void *arg) {
  n->term = expr_rewrite(n->ex, n->term, f, arg);
  if (n->init) n->init = expr_rewrite(n->ex, n->init, f, arg);
  for (int s = 0; s < n->n_store; s++)
    n->store[s].value = expr_rewrite(n->ex, n->store[s].value, f, arg);
}

void aff_range(const nest *n, const affine *x, int64_t *lo, int64_t *hi) {
  *lo = *hi = x->c;
  for (int a = 0; a < n->n_axis; a++) {
    int64_t span = x->k[a] * (n->axis[a].extent - 1);
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

bool runs_in_lanes(const nest *n, const access *x, int ax) {
  int64_t s = dense_stride(x, ax);
  return (s == 0 || s == 1) && !access_may_leave(n, x);
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
    if (!one_to_one(n, x->ix[d])) return false;
    for (int a = 0; a < n->n_axis; a++) uses[a] += x->ix[d]->k[a] != 0;
  }
  for (int a = 0; a < n->n_axis; a++) {
    if (uses[a] > 1 && n->axis[a].extent > 1) return false;
    if (!uses[a] && !n->axis[a].reduce && n->axis[a].extent > 1) return false;
  }
  return true;
}

int64_t nest_macs(const nest *n) {
  const expr *t = n->term;
  if (n->red != R_SUM || !t || t->kind != E_MUL) return 0;
  if (t->a[0]->kind != E_READ || t->a[1]->kind != E_READ) return 0;
  int64_t points = 1;
  for (int a = 0; a < n->n_axis; a++) points *= n->axis[a].extent;
  return points;
}
