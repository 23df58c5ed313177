/* Affine indices, and what becomes of them in other axes. */
#include "expr.h"
#include <string.h>

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

bool aff_is(const affine *x, affine y) { return !memcmp(x, &y, sizeof y); }

unsigned aff_axes(const affine *x) {
  unsigned m = 0;
  for (int a = 0; a < MAX_AXES; a++) m |= (unsigned)(x->k[a] != 0) << a;
  return m;
}

bool access_equal(const access *x, const access *y) { return x->t == y->t && x->ix == y->ix; }

int64_t dense_stride(const access *x, int ax) {
  int64_t s = 0, row = 1;
  for (int d = x->t->rank - 1; d >= 0; d--) {
    s += x->ix[d]->k[ax] * row;
    row *= x->t->dim[d];
  }
  return s;
}

axis_map axes_kept(void) {
  axis_map m = {.n = MAX_AXES};
  for (int a = 0; a < MAX_AXES; a++) m.to[a] = aff_axis(a, 1);
  return m;
}

affine aff_map(const affine *x, const axis_map *m) {
  affine r = aff_const(x->c);
  for (int a = 0; a < m->n; a++)
    if (x->k[a]) r = aff_add(r, aff_scale(m->to[a], x->k[a]));
  return r;
}

access access_map(exprs *x, access at, const axis_map *m) {
  affine ix[MAX_DIMS];
  for (int d = 0; d < at.t->rank; d++) ix[d] = aff_map(at.ix[d], m);
  return access_of(x, at.t, ix);
}

static expr *map_leaf(exprs *x, expr *e, expr *const *a, void *arg) {
  (void)a;
  switch (e->kind) {
  case E_INDEX: return e_index(x, aff_map(e->aff, arg));
  case E_RAND: return e_rand(x, aff_map(e->aff, arg), e->stream);
  case E_READ: return e_read(x, access_map(x, e->rd, arg));
  default: return NULL;
  }
}

expr *expr_map(exprs *x, expr *e, const axis_map *m) {
  return expr_rewrite(x, e, map_leaf, (void *)m);
}
