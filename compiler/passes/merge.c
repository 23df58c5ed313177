/* merge: part of simplify. A tensor that is written by one elementwise nest, and then added to by
   another before anybody reads it, is written once: the first nest's expression takes the place of
   the read in the second one's `what is there + ..`. (Gradients with several contributions: batch
   norm, residual joins.) Keeps every value; no tensor is read before it is complete. */
#include "nest/algebra.h"
#include "nest/uses.h"

/* Does the nest write all of its tensor, axis i along the i-th dimension longer than 1? */
static bool whole(const nest *n) { return covers_in_order(n, &n->store[0].out); }

static bool first_writer(const nest *n) {
  return n->n_store == 1 && n->store[0].out.t->role == T_TEMP && n->store[0].value->kind == E_ACC &&
         elementwise(n) && whole(n);
}

static bool reads_below(const nest *n, expr *e, const tensor *t) {
  reads r = expr_reads(n->ex, e);
  for (int i = 0; i < r.n; i++)
    if (r.read[i]->rd.t == t) return true;
  return false;
}

/* Is n's only store `out = out + ..` over the whole tensor, which its term does not read? */
static bool adds_to(const nest *n, const tensor *t) {
  expr *v = n->store[0].value;
  if (n->n_store != 1 || n->store[0].out.t != t || !whole(n)) return false;
  if (v->kind != E_ADD || v->a[0]->kind != E_READ || v->a[0]->rd.t != t) return false;
  return !reads_below(n, n->term, t) && !reads_below(n, v->a[1], t);
}

/* The first nest after n that reads or writes t. */
static nest *next_touching(uses *u, const nest *n, const tensor *t) {
  nest_list r = uses_readers(u, t), w = uses_writers(u, t);
  nest *reader = uses_after(&r, n), *writer = uses_after(&w, n);
  return !reader || (writer && writer->place < reader->place) ? writer : reader;
}

/* Does a nest between n and `to` write what n's term reads? */
static bool changed_between(uses *u, const nest *n, const nest *to) {
  reads r = reads_of_term(n);
  for (int i = 0; i < r.n; i++) {
    nest_list w = uses_writers(u, r.read[i]->rd.t);
    nest *next = uses_after(&w, n);
    if (next && next->place < to->place) return true;
  }
  return false;
}

/* The next nest that touches what n writes, if it only adds to it and n's operands last so long. */
static nest *next_addition(uses *u, const nest *n) {
  const tensor *t = n->store[0].out.t;
  nest *to = next_touching(u, n, t);
  bool adds = to && to->loop == n->loop && adds_to(to, t);
  return adds && !changed_between(u, n, to) ? to : NULL;
}

/* Output axes of both run along the same dimensions, in the same order. */
static void merge_into(const nest *n, nest *to) {
  exprs *x = n->ex;
  store *s = &to->store[0];
  expr *before = alg_simplify(x, n->term), *value = alg_simplify(x, s->value->a[1]);
  change_term(to, alg_simplify(x, to->term));
  if (elementwise(to) && value->kind == E_ACC) {
    to->term = alg_op(x, E_ADD, before, to->term, NULL);
    s->value = value;
  } else {
    s->value = alg_op(x, E_ADD, before, value, NULL);
  }
}

void merge_sums(nestprog *p, arena *scratch) {
  uses *u = uses_build(p, scratch);
  for (nest **link = &p->nests; *link;) {
    nest *n = *link, *to = first_writer(n) ? next_addition(u, n) : NULL;
    if (!to) {
      link = &n->next;
      continue;
    }
    merge_into(n, to);
    uses_add(u, to);
    uses_drop(n);
    *link = n->next;
  }
}
