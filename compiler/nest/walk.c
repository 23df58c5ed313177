/* Walks over DAGs of expressions, and rewriting. Nodes are marked by a sparse set (P. Briggs and
   L. Torczon, An Efficient Representation for Sparse Sets, 1993): beginning anew costs nothing. */
#include "expr.h"
#include <string.h>

walk *walk_new(arena *mem) {
  walk *w = NEW(mem, walk);
  w->mem = mem;
  return w;
}

static void *longer(walk *w, void *old, int n, int room, size_t item) {
  char *p = arena_alloc(w->mem, (size_t)room * item);
  if (n) memcpy(p, old, (size_t)n * item);
  arena_drop(w->mem, old);
  return p;
}

static void mark(walk *w, expr *e) {
  if (w->n == w->room) {
    w->room = w->room ? 2 * w->room : 64;
    w->node = longer(w, w->node, w->n, w->room, sizeof *w->node);
    w->to = longer(w, w->to, 0, w->room, sizeof *w->to);
  }
  w->place[e->id] = w->n;
  w->node[w->n++] = e;
}

int walk_place(const walk *w, expr *e) {
  int at = e->id < w->n_place ? w->place[e->id] : 0;
  return at < w->n && w->node[at] == e ? at : -1;
}

void walk_add(walk *w, expr *e) {
  if (walk_place(w, e) >= 0) return;
  if (e->id >= w->n_place) {
    int n = e->id + e->id / 4 + 256;
    w->place = longer(w, w->place, w->n_place, n, sizeof *w->place);
    w->n_place = n;
  }
  for (int i = 0; i < scalar_arity(e->kind); i++) walk_add(w, e->a[i]);
  mark(w, e);
}

/* e over what its arguments have become. */
static expr *rebuilt(exprs *x, expr *e, expr *const *a) {
  bool same = true;
  for (int i = 0; i < scalar_arity(e->kind); i++) same &= a[i] == e->a[i];
  return same ? e : e_op(x, e->kind, a[0], a[1], a[2]);
}

expr *expr_rewrite(exprs *x, expr *e, rewriter *f, void *arg) {
  walk *w = walk_begin(x);
  walk_add(w, e);
  for (int i = 0; i < w->n; i++) {
    expr *from = w->node[i], *a[3] = {0};
    for (int k = 0; k < scalar_arity(from->kind); k++) a[k] = w->to[walk_place(w, from->a[k])];
    expr *to = f(x, from, a, arg);
    w->to[i] = to ? to : rebuilt(x, from, a);
  }
  expr *to = w->to[w->n - 1];
  walk_end(x, w);
  return to;
}
