/* Which nests share code: two nests whose expressions, strides and schedule agree differ only in
   the tensors they are given, so one function serves both. */
#include "base/internal.h"
#include "emit.h"
#include <stdlib.h>
#include <string.h>

/* All that decides about a nest's code, as numbers one after another. */
typedef struct {
  int n, room;
  int64_t *word;
  kernel_call *c;
  nestprog *p;
  walk *known;
} writer;

static void put(writer *w, int64_t v) {
  if (w->n == w->room) {
    w->room = w->room ? 2 * w->room : 1024;
    w->word = allocated(realloc(w->word, sizeof *w->word * (size_t)w->room));
  }
  w->word[w->n++] = v;
}

int64_t arg_offset(const kernel_arg *a) { return a->t->offset + a->at * element_bytes(a->t); }

/* The argument's number; a new one points to `at`. */
static int arg_number(writer *w, tensor *t, int64_t at) {
  kernel_call *c = w->c;
  for (int i = 0; i < c->n_arg; i++)
    if (c->arg[i].t == t) return i;
  PUSH(w->p->mem, c->arg, c->n_arg, ((kernel_arg){t, at}));
  return c->n_arg - 1;
}

static void put_affine(writer *w, const affine *x) {
  put(w, x->c);
  for (int a = 0; a < w->c->n->n_axis; a++) put(w, x->k[a]);
}

static void put_access(writer *w, const access *x) {
  int64_t c = 0;
  for (int d = 0; d < x->t->rank; d++) c += x->ix[d]->c * x->t->stride[d];
  int arg = arg_number(w, x->t, c);
  put(w, arg);
  put(w, x->t->dtype);
  put(w, c - w->c->arg[arg].at);
  for (int a = 0; a < w->c->n->n_axis; a++) put(w, access_stride(x, a));
}

static void put_node(writer *w, expr *e) {
  put(w, e->kind);
  switch (e->kind) {
  case E_CONST: {
    int64_t bits;
    memcpy(&bits, &e->num, sizeof bits);
    put(w, bits);
    break;
  }
  case E_RAND:
    put(w, arg_number(w, NULL, 0));
    put(w, e->stream);
    put_affine(w, e->aff);
    break;
  case E_INDEX: put_affine(w, e->aff); break;
  case E_READ: put_access(w, &e->rd); break;
  default:
    for (int i = 0; i < scalar_arity(e->kind); i++) put(w, walk_place(w->known, e->a[i]));
  }
}

/* The nodes that are new, by their number, and e's. */
static void put_expr(writer *w, expr *e) {
  int from = w->known->n;
  walk_add(w->known, e);
  for (int i = from; i < w->known->n; i++) put_node(w, w->known->node[i]);
  put(w, -1 - walk_place(w->known, e));
}

static void put_schedule(writer *w) {
  const nest *n = w->c->n;
  const schedule *s = n->sched;
  const int64_t head[] = {n->red,      n->lanes,  s->vec,           s->across,  s->fold,
                          s->n_domain, n->n_axis, s->n_loop,        n->n_guard, n->init != NULL,
                          n->n_store,  s->ahead,  s->results_ahead, n->pick,    s->strip};
  for (size_t i = 0; i < sizeof head / sizeof *head; i++) put(w, head[i]);
  for (int a = 0; a < n->n_axis; a++) {
    put(w, n->axis[a].extent);
    put(w, n->axis[a].reduce);
    put(w, s->tile[a]);
  }
  for (int i = 0; i < s->n_loop; i++) put(w, s->loop[i]);
  for (int g = 0; g < n->n_guard; g++) {
    put(w, n->guard[g].extent);
    put_affine(w, n->guard[g].ix);
  }
}

static void put_nest(writer *w) {
  const nest *n = w->c->n;
  w->n = 0;
  w->known = walk_begin(w->p->ex);
  put_schedule(w);
  put_expr(w, n->term);
  if (n->pick) put_expr(w, n->picked);
  if (n->init) put_expr(w, n->init);
  for (int s = 0; s < n->n_store; s++) {
    put_access(w, &n->store[s].out);
    put_expr(w, n->store[s].value);
  }
  walk_end(w->p->ex, w->known);
}

static uint64_t hash_of(const writer *w) {
  uint64_t h = 0;
  for (int i = 0; i < w->n; i++) {
    h = (h ^ (uint64_t)w->word[i]) * 0x9E3779B97F4A7C15u;
    h ^= h >> 29;
  }
  return h;
}

bool kernel_same(const kernel *k, const kernel *l) {
  return k->hash == l->hash && k->n_word == l->n_word &&
         !memcmp(k->word, l->word, sizeof *k->word * (size_t)k->n_word);
}

/* Kernels by their hash. */
enum { BUCKETS = 1024 };
typedef struct {
  kernel *first[BUCKETS];
} buckets;

static kernel *find_kernel(const buckets *b, const kernel *like) {
  kernel *k = b->first[like->hash % BUCKETS];
  while (k && !kernel_same(k, like)) k = k->next_like;
  return k;
}

static kernel *new_kernel(nestprog *p, kernel_list *l, buckets *b, const kernel *like,
                          const char *prefix) {
  kernel *k = NEW(p->mem, kernel), **at = &b->first[like->hash % BUCKETS];
  int64_t *word = NEW_N(p->mem, int64_t, like->n_word);
  memcpy(word, like->word, sizeof *word * (size_t)like->n_word);
  *k = (kernel){.name = arena_printf(p->mem, "%s%d", prefix, l->n_kernel),
                .id = l->n_kernel++,
                .hash = like->hash,
                .n_word = like->n_word,
                .word = word,
                .next_like = *at};
  return *at = k;
}

kernel_list *kernels_collect(nestprog *p, const char *prefix) {
  kernel_list *l = NEW(p->mem, kernel_list);
  kernel **end = &l->kernels;
  buckets *b = allocated(calloc(1, sizeof *b));
  writer w = {.p = p};

  for (nest *n = p->nests; n; n = n->next) {
    kernel_call c = {.n = n};
    w.c = &c;
    put_nest(&w);
    kernel like = {.hash = hash_of(&w), .n_word = w.n, .word = w.word};
    c.k = find_kernel(b, &like);
    if (!c.k) {
      c.k = *end = new_kernel(p, l, b, &like, prefix);
      end = &c.k->next;
    }
    PUSH(p->mem, l->call, l->n_call, c);
  }
  free(w.word);
  free(b);
  return l;
}
