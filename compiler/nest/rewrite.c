/* Rewriting of expressions: copies in which chosen nodes are replaced. Shared nodes stay shared. */
#include "nest.h"

typedef struct {
  arena *mem;
  expr *(*f)(expr *, void *);
  void *arg;
  int n;
  expr **from, **to;
} rewriting;

static expr *rewrite(rewriting *r, expr *e) {
  if (!e) return NULL;
  for (int i = 0; i < r->n; i++)
    if (r->from[i] == e) return r->to[i];
  expr *to = r->f(e, r->arg);
  if (!to) {
    to = NEW(r->mem, expr);
    *to = *e;
    for (int i = 0; i < 3; i++) to->a[i] = rewrite(r, e->a[i]);
  }
  int n = r->n;
  PUSH(r->mem, r->from, n, e);
  PUSH(r->mem, r->to, r->n, to);
  return to;
}

expr *expr_rewrite(arena *a, expr *e, expr *(*f)(expr *, void *), void *arg) {
  rewriting r = {.mem = a, .f = f, .arg = arg};
  return rewrite(&r, e);
}
