/* merge: part of simplify. A tensor that is written by one elementwise nest, and then added to by
   another before anybody reads it, is written once: the first nest's expression takes the place of
   the read in the second one's `what is there + ..`. (Gradients with several contributions: batch
   norm, residual joins.) Keeps every value; no tensor is read before it is complete. */
#include "nest/algebra.h"
#include <string.h>

typedef struct {
  const tensor *t;
  const nest *n;
  bool reads, leaves;
} search;

static void look(expr *read, void *arg) {
  search *s = arg;
  s->reads |= read->rd.t == s->t;
  s->leaves |= s->n && access_may_leave(s->n, &read->rd);
}

static bool writes(const nest *n, const tensor *t) {
  for (int s = 0; s < n->n_store; s++)
    if (n->store[s].out.t == t) return true;
  return false;
}

static bool touches(const nest *n, const tensor *t) {
  search s = {.t = t};
  expr_reads(n->term, look, &s);
  for (int i = 0; i < n->n_store; i++) expr_reads(n->store[i].value, look, &s);
  return s.reads || writes(n, t);
}

/* Does the nest write all of its tensor, axis i along the i-th dimension longer than 1? */
static bool whole(const nest *n) {
  const access *x = &n->store[0].out;
  int next = 0;
  for (int d = 0; d < x->t->rank; d++) {
    affine plain = x->t->dim[d] == 1 ? aff_const(0) : aff_axis(next, 1);
    if (!aff_equal(x->ix[d], plain)) return false;
    if (x->t->dim[d] == 1) continue;
    if (next == n->n_axis || n->axis[next++].extent != x->t->dim[d]) return false;
  }
  return true;
}

static bool first_writer(const nest *n) {
  search s = {.n = n};
  if (n->n_store != 1 || n->red != R_SET || n->n_guard || n->store[0].out.t->role != T_TEMP)
    return false;
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce) return false;
  expr_reads(n->term, look, &s);
  return n->store[0].value->kind == E_ACC && whole(n) && !s.leaves;
}

/* Is n's only store `out = out + ..` over the whole tensor, which its term does not read? */
static bool adds_to(const nest *n, const tensor *t) {
  search s = {.t = t};
  const expr *v = n->store[0].value;
  if (n->n_store != 1 || n->store[0].out.t != t || !whole(n)) return false;
  if (v->kind != E_ADD || v->a[0]->kind != E_READ || v->a[0]->rd.t != t) return false;
  expr_reads(n->term, look, &s);
  expr_reads(v->a[1], look, &s);
  return !s.reads;
}

typedef struct {
  const nest *from, *to;
  bool changed;
} span;

static void find_change(expr *read, void *arg) {
  span *s = arg;
  for (const nest *n = s->from->next; n != s->to; n = n->next) s->changed |= writes(n, read->rd.t);
}

/* The next nest that touches what n writes, if it only adds to it and n's operands last so long. */
static nest *next_addition(const nest *n) {
  const tensor *t = n->store[0].out.t;
  nest *to = n->next;
  while (to && !touches(to, t)) to = to->next;
  if (!to || !adds_to(to, t)) return NULL;
  span s = {n, to, false};
  expr_reads(n->term, find_change, &s);
  return s.changed ? NULL : to;
}

static bool elementwise(const nest *n) {
  search s = {.n = n};
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce) return false;
  expr_reads(n->term, look, &s);
  return n->red == R_SET && !n->n_guard && !s.leaves;
}

/* Output axes of both run along the same dimensions, in the same order. */
static void merge_into(nestprog *p, const nest *n, nest *to) {
  algebra g = {.mem = p->mem};
  store *s = &to->store[0];
  expr *before = alg_copy(&g, n->term), *value = alg_copy(&g, s->value->a[1]);
  to->term = alg_copy(&g, to->term);
  if (elementwise(to) && value->kind == E_ACC) {
    to->term = alg_op(&g, E_ADD, before, to->term, NULL);
    s->value = value;
  } else {
    s->value = alg_op(&g, E_ADD, before, value, NULL);
  }
}

void merge_sums(nestprog *p) {
  for (nest **link = &p->nests; *link;) {
    nest *n = *link, *to = first_writer(n) ? next_addition(n) : NULL;
    if (!to) {
      link = &n->next;
      continue;
    }
    merge_into(p, n, to);
    *link = n->next;
  }
}
