#include "uses.h"
#include <stdlib.h>

enum { GONE = -1 };

static void list_add(uses *u, nest_list *l, nest *n) {
  if (l->n && l->at[l->n - 1] == n) return;
  PUSH(u->mem, l->at, l->n, n);
}

void uses_add(uses *u, nest *n) {
  reads r = reads_of(n);
  for (int i = 0; i < r.n; i++) list_add(u, &u->reader[r.read[i]->rd.t->id], n);
  for (int s = 0; s < n->n_store; s++) list_add(u, &u->writer[n->store[s].out.t->id], n);
}

uses *uses_build(nestprog *p) {
  uses *u = NEW(p->mem, uses);
  int place = 0;
  u->mem = p->mem;
  u->reader = NEW_N(p->mem, nest_list, p->n_tensor);
  u->writer = NEW_N(p->mem, nest_list, p->n_tensor);
  for (nest *n = p->nests; n; n = n->next) {
    n->place = place++;
    uses_add(u, n);
  }
  return u;
}

void uses_drop(nest *n) { n->place = GONE; }

static int by_place(const void *a, const void *b) {
  return (*(nest *const *)a)->place - (*(nest *const *)b)->place;
}

/* Sorts, and drops doubles. */
static int in_order(nest **v, int n) {
  int kept = 0;
  qsort(v, (size_t)n, sizeof *v, by_place);
  for (int i = 0; i < n; i++)
    if (!kept || v[kept - 1] != v[i]) v[kept++] = v[i];
  return kept;
}

int uses_readers(const uses *u, const tensor *t, nest **out, int most) {
  const nest_list *l = &u->reader[t->id];
  int n = 0;
  for (int i = 0; i < l->n; i++) {
    if (l->at[i]->place == GONE || !reads_tensor(l->at[i], t)) continue;
    if (n == most) return -1;
    out[n++] = l->at[i];
  }
  return in_order(out, n);
}

int uses_writers(const uses *u, const tensor *t, nest **out, int most) {
  const nest_list *l = &u->writer[t->id];
  int n = 0;
  for (int i = 0; i < l->n; i++) {
    if (l->at[i]->place == GONE || store_to(l->at[i], t) < 0) continue;
    if (n == most) return -1;
    out[n++] = l->at[i];
  }
  return in_order(out, n);
}
