/* Which nests share code: two nests whose text, strides and schedule agree differ only in the
   tensors they are given, so one function serves both. */
#include "base/internal.h"
#include "emit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  FILE *out;
  kernel_call *c;
  nestprog *p;
  walk *known;
} writer;

static int arg_number(writer *w, tensor *t) {
  kernel_call *c = w->c;
  for (int i = 0; i < c->n_arg; i++)
    if (c->arg[i] == t) return i;
  PUSH(w->p->mem, c->arg, c->n_arg, t);
  return c->n_arg - 1;
}

static void write_affine(writer *w, const affine *x, int n_axis) {
  fprintf(w->out, "%ld", (long)x->c);
  for (int a = 0; a < n_axis; a++) fprintf(w->out, " %ld", (long)x->k[a]);
}

static void write_access(writer *w, const access *x) {
  int64_t c = 0;
  for (int d = 0; d < x->t->rank; d++) c += x->ix[d]->c * x->t->stride[d];
  fprintf(w->out, "t%d%s[%ld", arg_number(w, x->t), x->t->is_int ? "i" : "", (long)c);
  for (int a = 0; a < w->c->n->n_axis; a++) fprintf(w->out, " %ld", (long)access_stride(x, a));
  fprintf(w->out, "]");
}

static void write_node(writer *w, expr *e) {
  fprintf(w->out, "(%d", (int)e->kind);
  if (e->kind == E_CONST) fprintf(w->out, " %a", e->num);
  if (e->kind == E_RAND) fprintf(w->out, " %ld", (long)e->stream);
  if (e->kind == E_INDEX || e->kind == E_RAND) write_affine(w, e->aff, w->c->n->n_axis);
  if (e->kind == E_RAND) arg_number(w, NULL);
  if (e->kind == E_READ) write_access(w, &e->rd);
  for (int i = 0; i < scalar_arity(e->kind); i++)
    fprintf(w->out, " %d", walk_place(w->known, e->a[i]));
  fprintf(w->out, ")");
}

/* Nodes by their number, and e's. */
static void write_expr(writer *w, expr *e) {
  int from = w->known->n;
  walk_add(w->known, e);
  for (int i = from; i < w->known->n; i++) write_node(w, w->known->node[i]);
  fprintf(w->out, "=%d", walk_place(w->known, e));
}

static void write_schedule(writer *w) {
  const nest *n = w->c->n;
  const schedule *s = n->sched;
  fprintf(w->out, "%d%d v%d x%d f%d d%d:", (int)n->red, n->lanes, s->vec, s->across, s->fold,
          s->n_domain);
  for (int a = 0; a < n->n_axis; a++)
    fprintf(w->out, " %ld%s/%ld", (long)n->axis[a].extent, n->axis[a].reduce ? "r" : "",
            (long)s->tile[a]);
  for (int i = 0; i < s->n_loop; i++) fprintf(w->out, " l%d", s->loop[i]);
  for (int g = 0; g < n->n_guard; g++) {
    fprintf(w->out, " g%ld:", (long)n->guard[g].extent);
    write_affine(w, n->guard[g].ix, n->n_axis);
  }
}

static char *kernel_key(nestprog *p, kernel_call *c) {
  char *text = NULL;
  size_t size = 0;
  writer w = {open_memstream(&text, &size), c, p, walk_begin(p->ex)};
  if (!w.out) out_of_memory();
  write_schedule(&w);
  write_expr(&w, c->n->term);
  if (c->n->init) write_expr(&w, c->n->init);
  for (int s = 0; s < c->n->n_store; s++) {
    write_access(&w, &c->n->store[s].out);
    write_expr(&w, c->n->store[s].value);
  }
  walk_end(p->ex, w.known);
  fclose(w.out);
  char *key = arena_strdup(p->mem, text);
  free(text);
  return key;
}

kernel_list *kernels_collect(nestprog *p, const char *prefix) {
  kernel_list *l = NEW(p->mem, kernel_list);
  for (nest *n = p->nests; n; n = n->next) {
    kernel_call c = {.n = n};
    const char *key = kernel_key(p, &c);
    kernel **k = &l->kernels;
    while (*k && strcmp((*k)->key, key)) k = &(*k)->next;
    if (!*k) {
      *k = NEW(p->mem, kernel);
      **k = (kernel){NULL, key, arena_printf(p->mem, "%s%d", prefix, l->n_kernel), l->n_kernel};
      l->n_kernel++;
    }
    c.k = *k;
    PUSH(p->mem, l->call, l->n_call, c);
  }
  return l;
}
