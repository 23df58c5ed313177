/* verify: checks what every pass may rely on, and aborts with the nest's name where it does not
   hold. */
#include "nest.h"
#include "schedule.h"
#include <stdlib.h>
#include <string.h>

enum { CHECKED = 256 };

typedef struct {
  const nestprog *p;
  const nest *n;
  bool *written;
  bool in_store;
  const expr *checked[CHECKED]; /* in this nest and place, lately: values are often shared */
} checker;

static void need(const checker *c, bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "netc: internal error after %s: nest `%s`: %s\n",
          c->p->stage ? c->p->stage : "construction", c->n ? c->n->name : "-", what);
  dump_nests(c->p, stderr);
  abort();
}

static bool uses_reduce_axis(const nest *n, const affine *x) {
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce && x->k[a]) return true;
  return false;
}

static void check_affine(const checker *c, const affine *x) {
  for (int a = c->n->n_axis; a < MAX_AXES; a++)
    need(c, !x->k[a], "an index uses an axis that the nest does not have");
  if (c->in_store) need(c, !uses_reduce_axis(c->n, x), "a store depends on a reduction axis");
}

static void check_read(const checker *c, const access *x) {
  const tensor *t = x->t;
  need(c, t && t->id < c->p->n_tensor && c->p->tensor[t->id] == t, "reads an unknown tensor");
  for (int d = 0; d < t->rank; d++) check_affine(c, &x->ix[d]);
  const tensor *whole = tensor_base(x->t);
  bool made = whole->role == T_TEMP || whole->role == T_LOGITS || whole->role == T_LOSSES;
  need(c, !made || c->written[whole->id], "reads a tensor that no earlier nest writes");
  if (c->in_store)
    need(c, !access_may_leave(c->n, x) || whole->role == T_TEMP,
         "a store's value reads out of range of what can have no border");
}

static void check_expr(checker *c, const expr *e) {
  need(c, e != NULL, "an expression is missing");
  const expr **known = &c->checked[(uintptr_t)e / sizeof(void *) % CHECKED];
  if (*known == e) return;
  *known = e;
  need(c, e->kind < E_COUNT, "an expression of no known kind");
  if (e->kind == E_ACC) need(c, c->in_store, "the term uses the reduced value");
  if (e->kind == E_INDEX || e->kind == E_RAND) check_affine(c, &e->aff);
  if (e->kind == E_READ) check_read(c, &e->rd);
  for (int i = 0; i < scalar_arity(e->kind); i++) check_expr(c, e->a[i]);
}

static void check_output(const checker *c, const access *x) {
  need(c, x->t->role != T_INPUT && x->t->role != T_LABEL && x->t->role != T_HYPER,
       "writes to what the caller gives");
  for (int d = 0; d < x->t->rank; d++) {
    int64_t lo, hi;
    check_affine(c, &x->ix[d]);
    aff_range(c->n, x->ix[d], &lo, &hi);
    need(c, lo >= -x->t->pad_lo[d] && hi < x->t->dim[d] + x->t->pad_hi[d], "writes out of range");
  }
  need(c, output_once(c->n, x), "writes an element more than once");
}

/* --- what the passes after `order` and `halo` rely on --- */

static int64_t real_stride(const access *x, int ax) {
  return x->t->element ? access_stride(x, ax) : dense_stride(x, ax);
}

/* A guard that stops the nest where this index leaves its dimension. */
static bool guarded(const nest *n, const affine *x, int64_t extent) {
  for (int g = 0; g < n->n_guard; g++)
    if (n->guard[g].extent == extent && aff_equal(n->guard[g].ix, *x)) return true;
  return false;
}

/* Memory ends where the border does. */
static void check_border(const checker *c, const access *x) {
  for (int d = 0; d < x->t->rank; d++) {
    int64_t lo, hi;
    aff_range(c->n, x->ix[d], &lo, &hi);
    bool within = lo >= -x->t->pad_lo[d] && hi < x->t->dim[d] + x->t->pad_hi[d];
    need(c, within || guarded(c->n, &x->ix[d], x->t->dim[d]), "reads beyond a tensor's border");
  }
}

/* Of the reads of a term. */
static void check_term_read(expr *read, void *arg) {
  const checker *c = arg;
  const access *x = &read->rd;
  if (c->n->lanes) {
    int64_t s = real_stride(x, innermost_reduce(c->n));
    need(c, s == 0 || s == 1, "a sum in lanes reads across the rows of memory");
  }
  if (x->t->element) check_border(c, x);
}

static void check_store_read(expr *read, void *arg) {
  if (read->rd.t->element) check_border(arg, &read->rd);
}

/* A reduce axis may be in the body of the loops only if all within it are, or the order of the sum
   is not that of the axes. */
static void check_tiles(const checker *c, const nest *n) {
  bool whole = true;
  for (int a = n->n_axis - 1; a >= 0; a--) {
    int64_t tile = n->sched->tile[a], extent = n->axis[a].extent;
    bool in_lanes = n->lanes && a == n->sched->vec;
    need(c, tile >= 1 && tile <= extent, "a tile that is larger than its axis");
    if (!n->axis[a].reduce) continue;
    need(c, in_lanes ? tile % LANES == 0 : extent % tile == 0, "a ragged tile in a sum");
    need(c, whole || tile == 1, "a sum in another order than that of its axes");
    whole &= tile == extent;
  }
}

static void check_reliance(checker *c, const nest *n) {
  expr_reads(n->term, check_term_read, c);
  for (int s = 0; s < n->n_store; s++) expr_reads(n->store[s].value, check_store_read, c);
  if (n->sched) check_tiles(c, n);
}

static void check_nest(checker *c, const nest *n) {
  bool reduces = false;
  c->n = n;
  need(c, n->name && n->n_axis <= MAX_AXES && n->n_guard <= MAX_GUARDS, "malformed");
  need(c, n->n_store >= 1 && n->n_store <= MAX_STORES, "stores nothing, or too much");
  for (int a = 0; a < n->n_axis; a++) {
    need(c, n->axis[a].name && n->axis[a].extent >= 1, "an axis without name or extent");
    reduces |= n->axis[a].reduce;
  }
  c->in_store = false;
  memset(c->checked, 0, sizeof c->checked);
  check_expr(c, n->term);
  for (int g = 0; g < n->n_guard; g++) check_affine(c, &n->guard[g].ix);
  need(c, n->canonical || (n->red == R_SUM && n->n_store == 1 && !reduces), "malformed scatter");
  need(c, !n->lanes || (n->red == R_SUM && reduces), "lanes without a sum");
  c->in_store = n->canonical;
  memset(c->checked, 0, sizeof c->checked);
  for (int s = 0; s < n->n_store; s++) {
    if (n->canonical) check_expr(c, n->store[s].value);
    if (n->canonical) check_output(c, &n->store[s].out);
  }
  for (int s = 0; s < n->n_store; s++) c->written[n->store[s].out.t->id] = true;
  if (n->canonical) check_reliance(c, n);
}

static bool before_gather(const nestprog *p) {
  return !p->stage || !strcmp(p->stage, "lower") || !strcmp(p->stage, "grad");
}

void verify(const nestprog *p) {
  arena *tmp = arena_new();
  checker c = {.p = p, .written = NEW_N(tmp, bool, p->n_tensor + 1)};
  for (int i = 0; i < p->n_tensor; i++) need(&c, p->tensor[i]->id == i, "tensors out of order");
  for (const nest *n = p->nests; n; n = n->next) {
    check_nest(&c, n);
    need(&c, n->canonical || before_gather(p), "a scatter is left");
  }
  arena_free(tmp);
}
