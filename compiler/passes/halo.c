/* halo: where a term reads past a tensor's edge, either the tensor gets a border of zeros in memory
   (if a zero makes the term nothing) or the nest gets a guard. Then the strides are known.
   Keeps: the value of every element. Requires: canonical nests. */
#include "passes.h"
#include <string.h>

static bool is_zero(const expr *e) { return e->kind == E_CONST && e->num == 0; }

/* Is e zero whenever the value read at x is zero? */
static bool zero_with(const expr *e, const access *x) {
  switch (e->kind) {
  case E_READ: return access_equal(&e->rd, x);
  case E_MUL: return zero_with(e->a[0], x) || zero_with(e->a[1], x);
  case E_NEG:
  case E_SQRT:
  case E_STOP:
  case E_DIV: return zero_with(e->a[0], x);
  case E_ADD:
  case E_SUB: return zero_with(e->a[0], x) && zero_with(e->a[1], x);
  case E_SELECT:
    return (is_zero(e->a[1]) || zero_with(e->a[1], x)) &&
           (is_zero(e->a[2]) || zero_with(e->a[2], x));
  default: return false;
  }
}

typedef struct {
  nestprog *p;
  nest *n;
  expr *read[64];
  int n_read;
} scan;

static void collect_leaving(expr *e, void *arg) {
  scan *s = arg;
  if (access_may_leave(s->n, &e->rd) && s->n_read < 64) s->read[s->n_read++] = e;
}

static bool leaves_in(const nest *n, const access *x, int d, int64_t *lo, int64_t *hi) {
  aff_range(n, x->ix[d], lo, hi);
  return *lo < 0 || *hi >= x->t->dim[d];
}

/* Do a and b leave their tensors at exactly the same points? */
static bool leave_together(const nest *n, const access *a, const access *b) {
  if (a->t->rank != b->t->rank) return false;
  for (int d = 0; d < a->t->rank; d++) {
    int64_t lo, hi;
    if (!leaves_in(n, a, d, &lo, &hi) && !leaves_in(n, b, d, &lo, &hi)) continue;
    if (a->t->dim[d] != b->t->dim[d] || !aff_equal(a->ix[d], b->ix[d])) return false;
  }
  return true;
}

/* A read needs no guard if zeros around it, or around a read that leaves with it, void the term. */
static bool zeros_do(const scan *s, const expr *read) {
  if (s->n->red == R_MAX) return false;
  for (int i = 0; i < s->n_read; i++)
    if (zero_with(s->n->term, &s->read[i]->rd) && leave_together(s->n, &s->read[i]->rd, &read->rd))
      return true;
  return false;
}

static void pad(const nest *n, const access *x) {
  for (int d = 0; d < x->t->rank; d++) {
    int64_t lo, hi;
    if (!leaves_in(n, x, d, &lo, &hi)) continue;
    if (-lo > x->t->pad_lo[d]) x->t->pad_lo[d] = -lo;
    if (hi - x->t->dim[d] + 1 > x->t->pad_hi[d]) x->t->pad_hi[d] = hi - x->t->dim[d] + 1;
  }
}

static void guard_read(nest *n, const access *x) {
  for (int d = 0; d < x->t->rank; d++) {
    int64_t lo, hi;
    if (!leaves_in(n, x, d, &lo, &hi)) continue;
    bool known = false;
    for (int g = 0; g < n->n_guard; g++)
      known |= aff_equal(n->guard[g].ix, x->ix[d]) && n->guard[g].extent == x->t->dim[d];
    if (known) continue;
    n->guard[n->n_guard].ix = x->ix[d];
    n->guard[n->n_guard++].extent = x->t->dim[d];
  }
}

/* In a store's value a read out of range is 0: winograd.c makes such of workspace tensors only. */
static void pad_read(expr *e, void *arg) { pad(arg, &e->rd); }

static void scan_nest(nestprog *p, nest *n) {
  scan s = {.p = p, .n = n};
  expr_reads(n->term, collect_leaving, &s);
  for (int i = 0; i < s.n_read; i++) {
    tensor *t = s.read[i]->rd.t;
    if (t->role == T_TEMP && zeros_do(&s, s.read[i])) pad(n, &s.read[i]->rd);
    else guard_read(n, &s.read[i]->rd);
  }
  for (int i = 0; i < n->n_store; i++) expr_reads(n->store[i].value, pad_read, n);
}

/* --- the zeros themselves, written where the tensor comes to life --- */

static nest *clear_slab(nestprog *p, tensor *t, int dim, int64_t from, int64_t extent) {
  nest *c = NEW(p->mem, nest);
  access out = {.t = t};
  c->name = arena_printf(p->mem, "border of %s", t->name);
  c->node = t->node;
  for (int d = 0; d < t->rank; d++) {
    int64_t lo = d == dim ? from : d < dim ? 0 : -t->pad_lo[d];
    int64_t n = d == dim ? extent : d < dim ? t->dim[d] : t->dim[d] + t->pad_lo[d] + t->pad_hi[d];
    out.ix[d].c = lo;
    if (n == 1 || (t->sliced && d == 0)) continue; /* one index of a chain is all there is */
    out.ix[d].k[c->n_axis] = 1;
    c->axis[c->n_axis++] = (axis){arena_printf(p->mem, "%c", 'a' + d), n, false};
  }
  c->red = R_SET;
  c->term = e_const(p->mem, 0);
  nest_store(p->mem, c, out, e_op(p->mem, E_ACC, NULL, NULL, NULL));
  c->canonical = true;
  return c;
}

static nest **put_before(nest **link, nest *c) {
  c->next = *link;
  *link = c;
  return &c->next;
}

static void clear_border(nestprog *p, tensor *t) {
  nest **link = &p->nests, **chain = link; /* before the nest; before the chain that it stands in */
  for (const nest *last = NULL; *link; last = *link, link = &(*link)->next) {
    bool first = false;
    for (int s = 0; s < (*link)->n_store; s++) first |= (*link)->store[s].out.t == t;
    if (!last || !last->chain || last->chain != (*link)->chain) chain = link;
    if (first) break;
  }
  link = chain;
  for (int d = 0; d < t->rank; d++) {
    if (t->pad_lo[d]) link = put_before(link, clear_slab(p, t, d, -t->pad_lo[d], t->pad_lo[d]));
    if (t->pad_hi[d]) link = put_before(link, clear_slab(p, t, d, t->dim[d], t->pad_hi[d]));
  }
}

static void set_strides(tensor *t) {
  int64_t s = 1;
  for (int d = t->rank - 1; d >= 0; d--) {
    bool together = d > 0 && d == t->apart && t->dim[d] > 1;
    if (together && s * t->element % 4096 == 0) s += 64 / t->element;
    t->stride[d] = s;
    s *= t->dim[d] + t->pad_lo[d] + t->pad_hi[d];
  }
  if (t->sliced) {
    t->slice = t->stride[0];
    t->stride[0] = 0;
    return;
  }
  /* Samples a multiple of 4 KB apart would fall into the same cache sets, and push each other out.
   */
  bool collide = t->rank > 1 && t->dim[0] > 1 && t->stride[0] * t->element % 4096 == 0;
  if (t->role == T_TEMP && collide) t->stride[0] += 64 / t->element;
}

void halo(nestprog *p) {
  for (nest *n = p->nests; n; n = n->next) scan_nest(p, n);
  for (int i = 0; i < p->n_tensor; i++) {
    tensor *t = p->tensor[i];
    t->element = p->exact && !t->is_int ? 8 : 4;
    set_strides(t);
    bool padded = false;
    for (int d = 0; d < t->rank; d++) padded |= t->pad_lo[d] || t->pad_hi[d];
    if (padded) clear_border(p, t);
  }
}
