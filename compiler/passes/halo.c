/* halo: where a term reads past a tensor's edge, either the tensor gets a border of zeros in memory
   (if a zero makes the term nothing) or the nest gets a guard. Then the strides are known.
   Keeps: the value of every element. Requires: canonical nests. */
#include "nest/loops.h"
#include "passes.h"
#include <stdlib.h>

/* Does node i of the walk vanish with its arguments that do (as noted in `to`)? */
static bool vanishes(const walk *w, expr *e) {
  bool z[3] = {false};
  for (int i = 0; i < scalar_arity(e->kind); i++) z[i] = w->to[walk_place(w, e->a[i])] != NULL;
  switch (e->kind) {
  case E_MUL: return z[0] || z[1];
  case E_NEG:
  case E_SQRT:
  case E_STOP:
  case E_ROUNDED:
  case E_DIV: return z[0];
  case E_ADD:
  case E_SUB: return z[0] && z[1];
  case E_SELECT: return (expr_is(e->a[1], 0) || z[1]) && (expr_is(e->a[2], 0) || z[2]);
  default: return false;
  }
}

/* Is n's term zero whenever the value of this read is? */
static bool zero_with(const nest *n, expr *read) {
  walk *w = walk_begin(n->ex);
  walk_add(w, n->term);
  for (int i = 0; i < w->n; i++)
    w->to[i] = w->node[i] == read || vanishes(w, w->node[i]) ? read : NULL;
  bool zero = w->to[w->n - 1] != NULL;
  walk_end(n->ex, w);
  return zero;
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
    if (a->t->dim[d] != b->t->dim[d] || a->ix[d] != b->ix[d]) return false;
  }
  return true;
}

/* A read needs no guard if zeros around it, or around a read that leaves with it, void the term. */
static bool zeros_do(const nest *n, expr *read) {
  reads r = reads_of_term(n);
  if (n->red == R_MAX) return false;
  for (int i = 0; i < r.n; i++)
    if (access_may_leave(n, &r.read[i]->rd) && leave_together(n, &r.read[i]->rd, &read->rd) &&
        zero_with(n, r.read[i]))
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

/* Of a tensor's dimensions, how many may have a border: a sum in lanes that runs along dimension d
   relies on d + 1 and so on (of one element each) staying as they are. */
static void note_rows(const nest *n, int *may_grow) {
  reads r = reads_of_term(n);
  for (int i = 0; n->lanes && i < r.n; i++) {
    const access *x = &r.read[i]->rd;
    for (int d = 0; d < x->t->rank; d++)
      if (x->ix[d]->k[innermost_reduce(n)] && d + 1 < may_grow[x->t->id])
        may_grow[x->t->id] = d + 1;
  }
}

enum { SMALL_BORDERED = 1 << 24 }; /* elements: a tensor as large may be mostly border */

/* Can the border that x wants be had, and is it worth its memory? */
static bool may_pad(const nest *n, const access *x, int may_grow) {
  double with = 1;
  for (int d = 0; d < x->t->rank; d++) {
    int64_t lo, hi, size = x->t->dim[d];
    bool leaves = leaves_in(n, x, d, &lo, &hi);
    if (leaves && d >= may_grow) return false;
    if (lo < 0) size -= lo;
    if (hi >= x->t->dim[d]) size += hi - x->t->dim[d] + 1;
    with *= (double)size;
  }
  return with <= 4 * (double)tensor_elements(x->t) || with <= SMALL_BORDERED;
}

static void guard_read(nest *n, const access *x) {
  for (int d = 0; d < x->t->rank; d++)
    if (!nest_has_guard(n, x->ix[d], x->t->dim[d])) nest_guard(n, *x->ix[d], x->t->dim[d]);
}

static void scan_nest(nest *n, const int *may_grow) {
  reads r = reads_of_term(n), stores = reads_of_stores(n);
  for (int i = 0; i < r.n; i++) {
    const access *x = &r.read[i]->rd;
    if (!access_may_leave(n, x)) continue;
    bool border = x->t->role == T_TEMP && may_pad(n, x, may_grow[x->t->id]);
    if (border && zeros_do(n, r.read[i])) pad(n, x);
    else guard_read(n, x);
  }
  /* In a store's value a read out of range is 0: winograd.c makes such of workspace tensors only.
   */
  for (int i = 0; i < stores.n; i++) pad(n, &stores.read[i]->rd);
}

/* --- the zeros themselves, written where the tensor comes to life --- */

static nest *clear_slab(nestprog *p, tensor *t, int dim, int64_t from, int64_t extent) {
  nest *c = nest_new(p, arena_printf(p->mem, "border of %s", t->name), t->node);
  affine ix[MAX_DIMS] = {{0}};
  for (int d = 0; d < t->rank; d++) {
    int64_t lo = d == dim ? from : d < dim ? 0 : -t->pad_lo[d];
    int64_t n = d == dim ? extent : d < dim ? t->dim[d] : t->dim[d] + t->pad_lo[d] + t->pad_hi[d];
    ix[d].c = lo;
    if (n == 1 || (t->sliced && d == 0)) continue; /* one index of a chain is all there is */
    ix[d].k[c->n_axis] = 1;
    c->axis[c->n_axis++] = (axis){arena_printf(p->mem, "%c", 'a' + d), n, false};
  }
  c->term = e_const(p->ex, 0);
  nest_store(c, access_of(p->ex, t, ix), e_acc(p->ex));
  c->canonical = true;
  return c;
}

static nest **put_before(nest **link, nest *c) {
  c->next = *link;
  *link = c;
  return &c->next;
}

static nest **clear_border(nestprog *p, tensor *t, nest **link) {
  for (int d = 0; d < t->rank; d++) {
    if (t->pad_lo[d]) link = put_before(link, clear_slab(p, t, d, -t->pad_lo[d], t->pad_lo[d]));
    if (t->pad_hi[d]) link = put_before(link, clear_slab(p, t, d, t->dim[d], t->pad_hi[d]));
  }
  return link;
}

static bool has_border(const tensor *t) {
  for (int d = 0; d < t->rank; d++)
    if (t->pad_lo[d] || t->pad_hi[d]) return true;
  return false;
}

static int by_id(const void *a, const void *b) {
  return (*(tensor *const *)a)->id - (*(tensor *const *)b)->id;
}

/* Puts in front of *link the borders of those tensors that come to life in the nests up to `end`.
 */
static nest **clear_new_borders(nestprog *p, nest **link, const nest *end, bool *alive) {
  tensor **list = NULL;
  int k = 0;
  for (nest *n = *link; n != end; n = n->next)
    for (int s = 0; s < n->n_store; s++) {
      tensor *t = n->store[s].out.t;
      if (!alive[t->id] && has_border(t)) PUSH(p->mem, list, k, t);
      alive[t->id] = true;
    }
  if (k) qsort(list, (size_t)k, sizeof *list, by_id);
  for (int i = 0; i < k; i++) link = clear_border(p, list[i], link);
  return link;
}

/* Borders are cleared before the first nest that writes the tensor; before all of its chain
   or loop. */
static void clear_borders(nestprog *p) {
  bool *alive = NEW_N(p->mem, bool, p->n_tensor + 1);
  for (nest **link = &p->nests; *link;) {
    nest *last = loop_last(*link);
    while (last->chain && last->next && last->next->chain == last->chain) last = last->next;
    clear_new_borders(p, link, last->next, alive);
    link = &last->next;
  }
}

/* --- what lasts for one step of a loop takes memory for one --- */

/* Tensors by id: the loop that all of their uses are in, each of the step at hand; or -1. */
static void note_step(int *loop, const nest *n, const access *x) {
  int *of = &loop[x->t->id];
  bool now = n->loop && x->t->rank > 1 && x->t->dim[0] == n->axis[0].extent &&
             aff_is(x->ix[0], aff_axis(0, 1)) && !access_may_leave(n, x);
  for (int d = 1; now && d < x->t->rank; d++) now = !x->ix[d]->k[0];
  *of = now && (!*of || *of == n->loop) ? n->loop : -1;
}

static void slice_steps(nestprog *p) {
  int *loop = NEW_N(p->mem, int, p->n_tensor + 1);
  for (const nest *n = p->nests; p->n_loop && n; n = n->next) {
    reads r = reads_of(n);
    for (int i = 0; i < r.n; i++) note_step(loop, n, &r.read[i]->rd);
    for (int s = 0; s < n->n_store; s++) note_step(loop, n, &n->store[s].out);
  }
  for (int i = 0; i < p->n_tensor; i++)
    if (p->tensor[i]->role == T_TEMP && loop[i] > 0) p->tensor[i]->sliced = true;
}

static void set_strides(tensor *t) {
  t->laid_out = true;
  int64_t s = 1;
  for (int d = t->rank - 1; d >= 0; d--) {
    bool row = t->role == T_TEMP && d < t->rank - 1;
    bool together = d > 0 && (row || d == t->apart) && t->dim[d] > 1;
    if (together && s * element_bytes(t) % 4096 == 0) s += 64 / element_bytes(t);
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
  bool collide = t->rank > 1 && t->dim[0] > 1 && t->stride[0] * element_bytes(t) % 4096 == 0;
  if (t->role == T_TEMP && collide) t->stride[0] += 64 / element_bytes(t);
}

void halo(nestprog *p) {
  int *may_grow = NEW_N(p->mem, int, p->n_tensor);
  for (int i = 0; i < p->n_tensor; i++) may_grow[i] = MAX_DIMS;
  for (const nest *n = p->nests; n; n = n->next) note_rows(n, may_grow);
  for (nest *n = p->nests; n; n = n->next) scan_nest(n, may_grow);
  slice_steps(p);
  for (int i = 0; i < p->n_tensor; i++) {
    tensor *t = p->tensor[i];
    if (!is_whole(t)) t->dtype = p->real;
    set_strides(t);
  }
  clear_borders(p);
}
