#include "loops.h"

nest *loop_last(nest *n) {
  while (n->loop && n->next && n->next->loop == n->loop) n = n->next;
  return n;
}

bool same_loop(const nest *m, const nest *n) { return m->loop == n->loop; }

bool written_in_loop(const nest *first, const tensor *t) {
  for (const nest *n = first; n && n->loop == first->loop; n = n->next)
    if (store_to(n, t) >= 0) return true;
  return false;
}

/* The dimension whose index moves with the step, if it is one alone; or -1. */
static int step_dimension(const access *x) {
  int found = -1;
  for (int d = 0; d < x->t->rank; d++) {
    if (!x->ix[d]->k[0]) continue;
    if (found >= 0) return -1;
    found = d;
  }
  return found;
}

bool loop_delay(const nest *r, const access *x, const nest *w, const access *out, delay *d) {
  int dim = step_dimension(out);
  if (dim < 0 || step_dimension(x) != dim) return false;
  affine at = *out->ix[dim], rest = *x->ix[dim];
  int64_t k = at.k[0], lo, hi;
  if (rest.k[0] != k) return false;
  at.k[0] = rest.k[0] = 0;
  aff_range(w, &at, &lo, &hi);
  if (lo != hi) return false;
  rest = aff_scale(aff_add(aff_const(lo), aff_scale(rest, -1)), w->falling ? -1 : 1);
  aff_range(r, &rest, &lo, &hi);
  if (k < 0) *d = (delay){-hi, -lo}, k = -k;
  else *d = (delay){lo, hi};
  if (k > 1) { /* elements between those that are written are nobody's */
    d->least = d->least < 0 ? -(-d->least / k) : (d->least + k - 1) / k;
    d->most = d->most < 0 ? -((-d->most + k - 1) / k) : d->most / k;
  }
  return true;
}

bool delayed_by(const nest *r, const access *x, const nest *w, const access *out, int64_t least,
                bool in_term) {
  const int dim = step_dimension(out);
  if (dim < 0 || w->falling || out->ix[dim]->k[0] != 1) return false;
  affine at = *out->ix[dim];
  int64_t lo, hi;
  at.k[0] = 0;
  aff_range(w, &at, &lo, &hi);
  if (lo != hi) return false;
  affine steps = aff_add(aff_axis(0, 1), aff_scale(*x->ix[dim], -1));
  steps.c += lo;
  aff_range(r, &steps, &lo, &hi);
  if (lo >= least) return true;
  for (int g = 0; in_term && g < r->n_guard; g++) {
    affine over = aff_add(*r->guard[g].ix, aff_scale(steps, -1));
    if (!aff_axes(&over) && -over.c >= least) return true;
  }
  return false;
}
