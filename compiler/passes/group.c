/* group: which nests need no barrier between them. Three ways to belong to the group of the nests
   before:
     serial       a small nest after small ones: one thread runs them all in order;
     independent  it touches nothing that another of the group writes, nor the other way round;
     aligned      it does, but only within its own tile of an equal domain, which the same thread
                  runs: both gradients of a linear layer share their pass over the weights so.
   Requires tiles and domains (sched.c). Decides about time only, never about values. */
#include "base/internal.h"
#include "nest/loops.h"
#include "passes.h"
#include <string.h>

enum { MAX_GROUP = 24, SHARED_BYTES = 32 * 1024, BEYOND_CACHES = 16 << 20 };

/* A nest of fewer cycles is not worth waking the other threads for. */
static const double small_cycles = 5000;

/* Of what is computed once a point: below the term, or below the stores. */
static double operations(const walk *w, int from) {
  double n = 0;
  for (int i = from; i < w->n; i++) n += scalar_cost(w->node[i]->kind);
  return n;
}

static bool is_small(const nest *n, const target_info *t) {
  walk *w = walk_begin(n->ex);
  walk_add(w, n->term);
  double cycles = (double)all_points(n) * operations(w, 0);
  int term = w->n;
  for (int s = 0; s < n->n_store; s++) walk_add(w, n->store[s].value);
  cycles += (double)output_points(n) * operations(w, term);
  walk_end(n->ex, w);
  return cycles / (n->sched->vec >= 0 ? t->lanes : 1) < small_cycles;
}

typedef struct {
  int id, n;
  bool serial;
  nest *member[MAX_GROUP];
  const int *last; /* by tensor: the last nest that reads it, as its place in the program */
  int at;          /* the place of the nest at hand */
  const target_info *t;
} group;

/* --- alignment --- */

static bool same_domain(const nest *m, const nest *n) {
  const schedule *a = m->sched, *b = n->sched;
  if (a->n_domain != b->n_domain || a->domain != b->domain) return false;
  for (int i = 0; i < a->n_domain; i++)
    if (a->tile[a->loop[i]] != b->tile[b->loop[i]] ||
        m->axis[a->loop[i]].extent != n->axis[b->loop[i]].extent)
      return false;
  return true;
}

/* k when the index is k * axis + c, 0 <= c < k, and nothing else; 0 if not. */
static int64_t slices_along(const affine *x, int axis, int n_axis) {
  if (x->k[axis] < 1 || x->c < 0 || x->c >= x->k[axis]) return 0;
  for (int a = 0; a < n_axis; a++)
    if (a != axis && x->k[a]) return 0;
  return x->k[axis];
}

/* Do equal tiles of the two domains touch the same part of the tensor, and unequal ones never? */
static bool aligned(const nest *m, const access *x, const nest *n, const access *y) {
  for (int i = 0; i < m->sched->n_domain; i++) {
    int a = m->sched->loop[i], b = n->sched->loop[i];
    bool apart = false;
    for (int d = 0; d < x->t->rank && !apart; d++) {
      int64_t k = slices_along(x->ix[d], a, m->n_axis);
      apart = k && k == slices_along(y->ix[d], b, n->n_axis);
    }
    if (!apart) return false;
  }
  return true;
}

/* Is it certain that x and y never meet, or only within equal tiles? */
static bool safe(const nest *m, const access *x, const nest *n, const access *y) {
  if (x->t == y->t) return aligned(m, x, n, y);
  return tensor_base(x->t) != tensor_base(y->t);
}

/* Every write of m that n's accesses may meet is aligned with them. */
static bool writes_aligned(nest *m, nest *n) {
  reads r = reads_of(n);
  for (int s = 0; s < m->n_store; s++) {
    const access *x = &m->store[s].out;
    for (int i = 0; i < r.n; i++)
      if (!safe(m, x, n, &r.read[i]->rd)) return false;
    for (int k = 0; k < n->n_store; k++)
      if (!safe(m, x, n, &n->store[k].out)) return false;
  }
  return true;
}

static bool may_share(nest *m, nest *n) {
  if (independent(m, n)) return true;
  return same_domain(m, n) && writes_aligned(m, n) && writes_aligned(n, m);
}

/* Bytes that tiles read again and again: of what is not cut by the outermost loop. */
static double read_by_all(nest *n) {
  reads r = reads_of(n);
  double bytes = 0;
  for (int i = 0; i < r.n; i++) {
    const access *x = &r.read[i]->rd;
    bool cut = false;
    for (int d = 0; n->sched->n_domain && d < x->t->rank; d++)
      cut |= slices_along(x->ix[d], n->sched->loop[0], n->n_axis) > 0;
    if (!cut) bytes += (double)tensor_bytes(x->t);
  }
  return bytes;
}

/* Where a result stays until the backward pass, or is larger than the third-level cache, it goes
   to memory in any order: what reads it next comes first. Else its place is used again at once,
   and stays in that cache only if the nests run one after the other. */
static bool reads_results(const group *g, nest *m, nest *n) {
  reads r = reads_of(n);
  if (read_by_all(m) + read_by_all(n) > g->t->l2 * 512.0) return false;
  for (int s = 0; s < m->n_store; s++)
    for (int i = 0; i < r.n; i++) {
      const access *x = &m->store[s].out, *y = &r.read[i]->rd;
      bool leaves = g->last[x->t->id] > g->at + MAX_GROUP || tensor_bytes(x->t) > BEYOND_CACHES;
      if (x->t == y->t && leaves && tensor_bytes(x->t) >= SHARED_BYTES && aligned(m, x, n, y))
        return true;
    }
  return false;
}

/* Do both touch the same large slices, so that one tile after the other finds them in the cache? */
static bool share_slices(const group *g, nest *m, nest *n) {
  reads a = reads_of(m), b = reads_of(n);
  if (!same_domain(m, n)) return false;
  if (reads_results(g, m, n)) return true;
  for (int i = 0; i < a.n; i++)
    for (int k = 0; k < b.n; k++) {
      const access *x = &a.read[i]->rd, *y = &b.read[k]->rd;
      if (x->t == y->t && 4 * tensor_elements(x->t) >= SHARED_BYTES && aligned(m, x, n, y))
        return true;
    }
  return false;
}

/* --- the pass --- */

static group next_group(const group *g, bool serial) {
  return (group){.id = g->id + 1, .serial = serial, .last = g->last, .at = g->at, .t = g->t};
}

static bool may_join(const group *g, nest *n, bool small) {
  if (g->n == 0 || g->n == MAX_GROUP || g->serial != small) return false;
  for (int i = 0; i < g->n && !small; i++)
    if (!may_share(g->member[i], n)) return false;
  return true;
}

/* n goes on with the chain of the nest before it: what earlier passes promised must hold. */
static void check_link(const group *g, nest *n) {
  for (int i = g->n - 1; i >= 0 && g->member[i]->chain == n->chain; i--)
    if (g->n == MAX_GROUP || !same_domain(g->member[i], n) || !may_share(g->member[i], n))
      internal_error(n->name, "cannot follow the nests before it in a chain");
}

/* Chains are numbered in order: one that begins again was torn by what stands in between. */
static void check_start(int *last, const nest *n) {
  if (n->chain <= *last) internal_error(n->name, "stands apart from its chain");
  *last = n->chain;
}

/* --- loops in order: all steps of some samples are a share of their own --- */

/* Notes the dimension of x along which axis 1, the samples, goes; is it the same wherever the
   tensor is touched? */
static bool keeps_samples(int *along, const nest *n, const access *x) {
  int d = 0;
  while (d < x->t->rank && !aff_is(x->ix[d], aff_axis(1, 1))) d++;
  if (d == x->t->rank || x->t->dim[d] != n->axis[1].extent) return false;
  int *known = &along[x->t->id];
  if (!*known) *known = d + 1;
  return *known == d + 1;
}

static bool nest_keeps_samples(int *along, const nest *first, const nest *n) {
  reads r = reads_of(n);
  if (n->sched->n_domain < 2 || n->sched->loop[1] != 1) return false;
  if (n->axis[1].extent != first->axis[1].extent) return false;
  for (int s = 0; s < n->n_store; s++)
    if (!keeps_samples(along, n, &n->store[s].out)) return false;
  for (int i = 0; i < r.n; i++) {
    const access *x = &r.read[i]->rd;
    if (written_in_loop(first, x->t) && !keeps_samples(along, n, x)) return false;
  }
  return true;
}

static bool samples_apart(const nestprog *p, const nest *first) {
  arena *mem = arena_new();
  int *along = NEW_N(mem, int, p->n_tensor);
  bool apart = true;
  for (const nest *n = first; n && n->loop == first->loop; n = n->next)
    apart = apart && nest_keeps_samples(along, first, n);
  arena_free(mem);
  return apart;
}

/* A loop in order is a group of its own. Returns its last nest. */
static nest *group_loop(const nestprog *p, group *g, nest *n) {
  nest *last = loop_last(n);
  bool serial = !samples_apart(p, n);
  *g = next_group(g, false);
  for (;; n = n->next, g->at++) {
    n->sched->group = g->id;
    n->sched->serial = serial;
    if (n == last) return last;
  }
}

static const int *last_reads(const nestprog *p) {
  int *last = NEW_N(p->mem, int, p->n_tensor), at = 0;
  for (nest *n = p->nests; n; n = n->next, at++) {
    reads r = reads_of(n);
    for (int i = 0; i < r.n; i++) last[r.read[i]->rd.t->id] = at;
  }
  return last;
}

void group_program(nestprog *p, const target_info *t) {
  group g = {.id = -1, .last = last_reads(p), .t = t};
  int last_chain = 0;
  for (nest *n = p->nests; n; n = n->next, g.at++) {
    if (n->loop) {
      n = group_loop(p, &g, n);
      continue;
    }
    bool small = !n->chain && is_small(n, t), linked = false;
    if (n->chain) linked = g.n > 0 && g.member[g.n - 1]->chain == n->chain;
    if (n->chain && !linked) check_start(&last_chain, n);
    if (linked) check_link(&g, n);
    else if (n->chain || !may_join(&g, n, small)) g = next_group(&g, small);
    n->sched->serial = small;
    n->sched->group = g.id;
    n->sched->interleaved = linked || (g.n > 0 && !small && share_slices(&g, g.member[g.n - 1], n));
    g.member[g.n++] = n;
  }
}
