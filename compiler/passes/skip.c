/* skip: where a selection by position makes a part of a tensor zeros (exp of a causal mask), sums
   over them leave those terms out; and where all readers select by position, what they discard is
   not computed. The condition, an affine index that is not negative, becomes a guard on blocks of
   two axes: each of the two is cut, the guard holds where any point of the block fulfils the
   condition, and tiles stay within a block, so that a block costs one test. Left out are terms that
   are zero times something finite, or values that nobody uses, and so no bit changes. Nests that
   only pass over memory are left alone: stopping at blocks costs them more than half their work.
   Requires strides (halo.c). */
#include "nest/algebra.h"
#include "nest/uses.h"
#include "passes.h"
#include <string.h>

enum { LEAST_BLOCK = 8, MOST_BLOCK = 64, BLOCKS = 8 /* along an axis, or more */ };

typedef struct {
  nestprog *p;
  arena *scratch;
  uses *u;
  const affine **zero; /* by tensor id: zeros where this index of its dimensions is negative */
} skips;

/* --- conditions --- */

/* The index that is not negative where the test e of two positions holds. */
static bool test_of(const expr *e, affine *g) {
  if (e->kind < E_LT || e->kind > E_GE) return false;
  const expr *x = e->a[0], *y = e->a[1];
  if (x->kind != E_INDEX || y->kind != E_INDEX) return false;
  bool less = e->kind == E_LT || e->kind == E_LE, strict = e->kind == E_LT || e->kind == E_GT;
  *g = aff_add(*(less ? y : x)->aff, aff_scale(*(less ? x : y)->aff, -1));
  g->c -= strict;
  return true;
}

/* Not negative where g is negative, and the reverse. */
static affine opposite(const affine *g) {
  affine o = aff_scale(*g, -1);
  o.c -= 1;
  return o;
}

/* An index of a tensor's dimensions as one of the axes of its access x, ... */
static affine along_access(const affine *z, const access *x) {
  affine g = aff_const(z->c);
  for (int d = 0; d < x->t->rank; d++) g = aff_add(g, aff_scale(*x->ix[d], z->k[d]));
  return g;
}

/* ... and the reverse, where every axis of g is a dimension. */
static bool along_dimensions(const affine *g, const access *x, affine *z) {
  *z = aff_const(g->c);
  for (int a = 0; a < MAX_AXES; a++) {
    int found = -1;
    for (int d = 0; g->k[a] && d < x->t->rank; d++)
      if (aff_is(x->ix[d], aff_axis(a, 1))) found = d;
    if (g->k[a] && found < 0) return false;
    if (g->k[a]) z->k[found] += g->k[a];
  }
  return true;
}

/* --- what is left of an expression where a condition does not hold --- */

typedef struct {
  const skips *m;
  const affine *g;
  expr *acc; /* the accumulator there, or NULL: itself */
} beyond;

static expr *node_beyond(exprs *x, expr *e, expr *const *a, void *arg) {
  const beyond *b = arg;
  affine t;
  if (e->kind == E_ACC) return b->acc;
  if (e->kind == E_READ) {
    const affine *z = b->m->zero[e->rd.t->id];
    return z && aff_is(b->g, along_access(z, &e->rd)) ? e_const(x, 0) : NULL;
  }
  if (e->kind < E_ADD) return NULL;
  if (test_of(e, &t) && aff_is(b->g, t)) return e_const(x, 0);
  if (test_of(e, &t) && aff_is(b->g, opposite(&t))) return e_const(x, 1);
  if (e->kind == E_MUL && (expr_is(a[0], 0) || expr_is(a[1], 0))) return e_const(x, 0);
  if (e->kind == E_DIV && expr_is(a[0], 0)) return e_const(x, 0);
  int n = scalar_arity(e->kind);
  return alg_op(x, e->kind, a[0], n > 1 ? a[1] : NULL, n > 2 ? a[2] : NULL);
}

static expr *expr_beyond(const skips *m, const affine *g, expr *e, expr *acc) {
  beyond b = {m, g, acc};
  return expr_rewrite(m->p->ex, e, node_beyond, &b);
}

static bool reads_it(exprs *x, expr *e, const tensor *t) {
  reads r = expr_reads(x, e);
  for (int i = 0; i < r.n; i++)
    if (r.read[i]->rd.t == t) return true;
  return false;
}

static bool over_outputs(const nest *n, const affine *g) {
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce && g->k[a]) return false;
  return true;
}

/* The accumulator of n where g is negative, or NULL: not known. */
static expr *acc_beyond(const skips *m, const nest *n, const affine *g) {
  if (n->init || n->red == R_MAX || !over_outputs(n, g)) return NULL;
  expr *t = expr_beyond(m, g, n->term, NULL);
  return expr_is(t, 0) ? t : NULL;
}

/* --- the conditions that a nest knows of --- */

enum { MOST_CONDITIONS = 8 };

typedef struct {
  int n;
  affine at[MOST_CONDITIONS];
} conditions;

static void add_condition(conditions *c, affine g) {
  for (int i = 0; i < c->n; i++)
    if (aff_is(&c->at[i], g)) return;
  if (c->n < MOST_CONDITIONS && aff_axes(&g)) c->at[c->n++] = g;
}

static conditions conditions_of(const skips *m, const nest *n) {
  conditions c = {0};
  walk *w = walk_begin(m->p->ex);
  walk_add(w, n->term);
  for (int s = 0; s < n->n_store; s++) walk_add(w, n->store[s].value);
  for (int i = 0; i < w->n; i++) {
    const expr *e = w->node[i];
    affine t;
    if (e->kind == E_READ && m->zero[e->rd.t->id])
      add_condition(&c, along_access(m->zero[e->rd.t->id], &e->rd));
    if (test_of(e, &t)) {
      add_condition(&c, t);
      add_condition(&c, opposite(&t));
    }
  }
  walk_end(m->p->ex, w);
  return c;
}

static bool is_plain(const nest *n) { return !n->loop && !n->chain && !n->pick && !n->n_guard; }

/* Does n alone write the tensor, all of it? */
static bool makes_whole(skips *m, const nest *n, const access *out) {
  int by[MAX_AXES];
  return out->t->role == T_TEMP && !out->t->view_of && !out->t->sliced &&
         uses_writers(m->u, out->t).n == 1 && covers_whole(n, out, by);
}

static void find_zeros(skips *m, const nest *n) {
  conditions c = conditions_of(m, n);
  for (int s = 0; s < n->n_store; s++) {
    const access *out = &n->store[s].out;
    for (int i = 0; i < c.n && !m->zero[out->t->id]; i++) {
      affine z, *g = &c.at[i];
      expr *v = expr_beyond(m, g, n->store[s].value, acc_beyond(m, n, g));
      if (!expr_is(v, 0) || !makes_whole(m, n, out) || !along_dimensions(g, out, &z)) continue;
      m->zero[out->t->id] = affine_in(m->p->ex, z);
    }
  }
}

/* --- what is not asked for --- */

/* Does a value that n stores depend on its accumulator where g is negative? */
static bool uses_acc_beyond(const skips *m, const nest *n, const affine *g) {
  for (int s = 0; s < n->n_store; s++)
    if (expr_beyond(m, g, n->store[s].value, NULL)->acc) return true;
  return false;
}

static bool reader_needs(const skips *m, const nest *n, const tensor *t, const affine *z) {
  reads r = reads_of(n);
  for (int i = 0; i < r.n; i++) {
    if (r.read[i]->rd.t != t) continue;
    affine g = along_access(z, &r.read[i]->rd);
    bool acc = !over_outputs(n, &g) || uses_acc_beyond(m, n, &g);
    if (acc && reads_it(m->p->ex, expr_beyond(m, &g, n->term, NULL), t)) return true;
    if (n->init && reads_it(m->p->ex, n->init, t)) return true;
    for (int s = 0; s < n->n_store; s++)
      if (reads_it(m->p->ex, expr_beyond(m, &g, n->store[s].value, NULL), t)) return true;
  }
  return false;
}

static bool anybody_needs(skips *m, const tensor *t, const affine *z) {
  nest_list l = uses_readers(m->u, t);
  for (int i = 0; i < l.n; i++)
    if (reader_needs(m, l.at[i], t, z)) return true;
  return false;
}

/* A condition of the first reader of what n alone stores, in n's axes, outside of which nobody
   uses it. */
static bool find_unused(skips *m, const nest *n, affine *g) {
  const access *out = &n->store[0].out;
  if (n->n_store != 1 || n->red == R_MAX || !makes_whole(m, n, out)) return false;
  nest_list l = uses_readers(m->u, out->t);
  if (!l.n) return false;
  conditions c = conditions_of(m, l.at[0]);
  reads r = reads_of(l.at[0]);
  for (int i = 0; i < r.n; i++)
    for (int k = 0; k < c.n && r.read[i]->rd.t == out->t; k++) {
      affine z;
      if (!along_dimensions(&c.at[k], &r.read[i]->rd, &z) || anybody_needs(m, out->t, &z)) continue;
      *g = along_access(&z, out);
      return true;
    }
  return false;
}

/* A condition outside of which n's terms are zeros, or its accumulator is not used. */
static bool find_idle(skips *m, const nest *n, affine *g) {
  conditions c = conditions_of(m, n);
  for (int i = 0; i < c.n; i++) {
    *g = c.at[i];
    if (n->red != R_MAX && expr_is(expr_beyond(m, g, n->term, NULL), 0)) return true;
    if (over_outputs(n, g) && !uses_acc_beyond(m, n, g)) return true;
  }
  return false;
}

/* --- blocks --- */

/* The length of a block along axis a, or 0: vectors and lanes stay whole. */
static int64_t block_length(const nest *n, int a) {
  int64_t extent = n->axis[a].extent, most = extent / BLOCKS, unit = 1;
  if (most > MOST_BLOCK) most = MOST_BLOCK;
  if (most < LANES) most = LANES;
  if (n->axis[a].reduce ? n->lanes : access_stride(&n->store[0].out, a) == 1) unit = LANES;
  for (int64_t b = most; b >= LEAST_BLOCK && 2 * b <= extent; b--)
    if (extent % b == 0 && b % unit == 0) return b;
  return 0;
}

/* Axis a becomes an axis over blocks, at `before`, and one within the block. */
static void cut_axis(nestprog *p, nest *n, int a, int before, int64_t block) {
  axis_map m = {.n = n->n_axis};
  for (int i = 0; i < n->n_axis; i++) m.to[i] = aff_axis(i + (i >= before), 1);
  m.to[a] = aff_add(m.to[a], aff_axis(before, block));
  nest_map(n, &m);
  memmove(n->axis + before + 1, n->axis + before, sizeof *n->axis * (size_t)(n->n_axis++ - before));
  const axis *within = &n->axis[a + 1];
  n->axis[before] = (axis){arena_printf(p->mem, "%s.block", within->name), within->extent / block,
                           within->reduce};
  n->axis[a + 1].extent = block;
}

/* The guard that holds in blocks where g is not negative everywhere. */
static void guard_blocks(nestprog *p, nest *n, const affine *g, int up, int down) {
  int64_t of_up = block_length(n, up), of_down = block_length(n, down);
  int first = up < down ? up : down, second = up < down ? down : up;
  bool apart = n->axis[first].reduce || n->axis[second].reduce; /* sums keep their order */
  cut_axis(p, n, second, apart ? second : first, second == up ? of_up : of_down);
  int shift = !apart;
  cut_axis(p, n, first + shift, first, first == up ? of_up : of_down);
  int block[2] = {first, apart ? second + 1 : first + 1};
  int up_block = block[first != up], down_block = block[first == up];
  affine ix = aff_add(aff_axis(up_block, of_up), aff_axis(down_block, -of_down));
  ix.c = g->c + of_up - 1;
  int64_t lo, hi;
  aff_range(n, &ix, &lo, &hi);
  nest_guard(n, ix, hi + 1);
  if (n->n_guard) n->guard[n->n_guard - 1].of_tiles = true;
}

/* g as `up - down + c`, of two axes that divide into blocks. */
static bool may_cut(const nest *n, const affine *g, int *up, int *down) {
  *up = *down = -1;
  for (int a = 0; a < n->n_axis; a++) {
    if (!g->k[a]) continue;
    int *which = g->k[a] == 1 ? up : down;
    if ((g->k[a] != 1 && g->k[a] != -1) || *which >= 0) return false;
    *which = a;
  }
  return *up >= 0 && *down >= 0 && n->n_axis + 2 <= MAX_AXES && block_length(n, *up) &&
         block_length(n, *down);
}

static void skip_in(skips *m, nest *n) {
  affine g;
  int up, down;
  if (!is_plain(n) || n->init || !reduces(n)) return;
  if ((find_idle(m, n, &g) || find_unused(m, n, &g)) && may_cut(n, &g, &up, &down))
    guard_blocks(m->p, n, &g, up, down);
}

void skip_program(nestprog *p) {
  arena *scratch = arena_new();
  skips m = {p, scratch, uses_build(p, scratch), NULL};
  m.zero = NEW_N(scratch, const affine *, p->n_tensor);
  for (nest *n = p->nests; n; n = n->next)
    if (is_plain(n)) find_zeros(&m, n);
  for (nest *n = p->nests; n; n = n->next) skip_in(&m, n);
  arena_free(scratch);
}
