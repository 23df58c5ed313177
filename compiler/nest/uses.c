#include "uses.h"
#include <stdlib.h>

enum { GONE = -1 };

static void list_add(uses *u, nest_list *l, nest *n) {
  if (l->n && l->at[l->n - 1] == n) return;
  if (l->n == l->room) {
    l->at = arena_regrow(u->mem, l->at, (size_t)l->n, sizeof *l->at);
    l->room = l->n ? 2 * l->n : 1;
  }
  l->at[l->n++] = n;
}

void uses_add(uses *u, nest *n) {
  reads r = reads_of(n);
  for (int i = 0; i < r.n; i++) list_add(u, &u->reader[r.read[i]->rd.t->id], n);
  for (int s = 0; s < n->n_store; s++) list_add(u, &u->writer[n->store[s].out.t->id], n);
}

uses *uses_build(nestprog *p, arena *mem) {
  uses *u = NEW(mem, uses);
  int place = 0;
  u->mem = mem;
  u->reader = NEW_N(mem, nest_list, p->n_tensor);
  u->writer = NEW_N(mem, nest_list, p->n_tensor);
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

/* Drops what no longer belongs, sorts, and drops doubles. */
static nest_list tidied(nest_list *l, const tensor *t,
                        bool (*belongs)(const nest *, const tensor *)) {
  int n = 0, kept = 0;
  bool sorted = true;
  for (int i = 0; i < l->n; i++)
    if (l->at[i]->place != GONE && belongs(l->at[i], t)) {
      sorted &= !n || l->at[n - 1]->place <= l->at[i]->place;
      l->at[n++] = l->at[i];
    }
  if (!sorted) qsort(l->at, (size_t)n, sizeof *l->at, by_place);
  for (int i = 0; i < n; i++)
    if (!kept || l->at[kept - 1] != l->at[i]) l->at[kept++] = l->at[i];
  l->n = kept;
  return *l;
}

static bool writes(const nest *n, const tensor *t) { return store_to(n, t) >= 0; }

nest_list uses_readers(uses *u, const tensor *t) {
  return tidied(&u->reader[t->id], t, reads_tensor);
}

nest_list uses_writers(uses *u, const tensor *t) { return tidied(&u->writer[t->id], t, writes); }

nest *uses_after(const nest_list *l, const nest *n) {
  for (int i = 0; i < l->n; i++)
    if (l->at[i]->place > n->place) return l->at[i];
  return NULL;
}
