/* interp: runs nests exactly as nest.h defines them. The oracle of every other stage.
   Each nest becomes two short tapes (term, store values) over cursors that move with the axes. */
#include "elementary.h"
#include "base/philox.h"
#include "loops.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A number affine in the axes, kept up to date while the axes move: an offset or an index. */
typedef struct {
  int64_t at, k[MAX_AXES];
} cursor;

typedef struct {
  ekind kind;
  int a[3]; /* tape positions of the arguments */
  double num;
  int64_t stream;
  int cur; /* cursor of E_READ, E_INDEX, E_RAND */
  const void *data;
  bool whole;
  int check, n_check; /* of a read in a store's value: out of range is 0 */
} step;

/* 0 <= cursor < extent, or the point contributes nothing. */
typedef struct {
  int cur;
  int64_t extent;
} range_check;

typedef struct {
  int n, n_cursor, n_check;
  walk *of; /* node i is what step i computes */
  step *step;
  cursor *cursor;
  range_check *check;
  double *value;
} tape;

typedef struct {
  arena *mem;
  const nest *n;
  double **data;
  bool exact, no_fma;
  uint64_t seed, step;
  tape term, out;       /* out: the store values one after the other, after what acc starts from */
  int start;            /* tape position in `out` of what acc starts from; -1: of zero */
  int root[MAX_STORES]; /* tape position of each store's value */
  int target[MAX_STORES];                       /* cursor in `out` of each store's address */
  int border[MAX_STORES], n_border[MAX_STORES]; /* checks in `out`: outside lies a border */
  int n_outer, n_inner;
  int outer[MAX_AXES], inner[MAX_AXES];
  double acc[LANES];
  int lane;
  bool direct; /* the term is a product of two reads */
  int pick;    /* the step that reads the picked index, or -1 */
  int pick_at; /* the cursor of the picked axis */
} machine;

/* --- building the tapes --- */

static int add_cursor(machine *m, tape *t, const affine *x) {
  cursor c = {.at = x->c};
  memcpy(c.k, x->k, sizeof c.k);
  PUSH(m->mem, t->cursor, t->n_cursor, c);
  return t->n_cursor - 1;
}

/* Where a view begins in its tensor, along dimension d: it is cut along one of them. */
static int64_t view_from(const tensor *t, const tensor *base, int d) {
  return t->dim[d] != base->dim[d] ? t->view_at / base->stride[d] : 0;
}

/* Offset of an access in a dense row-major buffer, of the tensor whose part it may be. */
static affine dense_offset(const access *x) {
  const tensor *base = tensor_base(x->t);
  affine off = {0};
  for (int d = 0; d < x->t->rank; d++) {
    off = aff_add(aff_scale(off, base->dim[d]), *x->ix[d]);
    off.c += view_from(x->t, base, d);
  }
  return off;
}

static void add_check(machine *m, tape *t, const affine *x, int64_t extent) {
  int64_t lo, hi;
  aff_range(m->n, x, &lo, &hi);
  if (lo >= 0 && hi < extent) return;
  range_check c = {add_cursor(m, t, x), extent};
  PUSH(m->mem, t->check, t->n_check, c);
}

static void check_access(machine *m, tape *t, const access *x) {
  for (int d = 0; d < x->t->rank; d++) add_check(m, t, x->ix[d], x->t->dim[d]);
}

static int add_access(machine *m, tape *t, const access *x) {
  affine at = dense_offset(x);
  return add_cursor(m, t, &at);
}

static step step_of(machine *m, tape *t, expr *e) {
  step s = {.kind = e->kind};
  for (int i = 0; i < scalar_arity(e->kind); i++) s.a[i] = walk_place(t->of, e->a[i]);
  if (e->kind == E_CONST) s.num = m->exact ? e->num : (float)e->num;
  if (e->kind == E_RAND) s.stream = e->stream;
  if (e->kind == E_INDEX || e->kind == E_RAND) s.cur = add_cursor(m, t, e->aff);
  if (e->kind == E_READ) {
    s.cur = add_access(m, t, &e->rd);
    s.data = m->data[tensor_base(e->rd.t)->id];
    s.whole = is_whole(e->rd.t);
    s.check = t->n_check;
    check_access(m, t, &e->rd);
    s.n_check = t->n_check - s.check;
  }
  return s;
}

/* The step that computes e, after those it needs. */
static int add_node(machine *m, tape *t, expr *e) {
  walk_add(t->of, e);
  while (t->n < t->of->n) {
    step s = step_of(m, t, t->of->node[t->n]);
    PUSH(m->mem, t->step, t->n, s);
  }
  return walk_place(t->of, e);
}

static void build(machine *m) {
  const nest *n = m->n;
  int root = add_node(m, &m->term, n->term);
  for (int g = 0; g < n->n_guard; g++) add_check(m, &m->term, n->guard[g].ix, n->guard[g].extent);
  m->start = n->init ? add_node(m, &m->out, n->init) : -1;
  for (int s = 0; s < n->n_store; s++) {
    m->root[s] = add_node(m, &m->out, n->store[s].value);
    m->target[s] = add_access(m, &m->out, &n->store[s].out);
    m->border[s] = m->out.n_check;
    check_access(m, &m->out, &n->store[s].out);
    m->n_border[s] = m->out.n_check - m->border[s];
  }
  for (int a = 0; a < n->n_axis; a++) {
    if (n->axis[a].reduce) m->inner[m->n_inner++] = a;
    else m->outer[m->n_outer++] = a;
  }
  m->pick = n->pick ? walk_place(m->term.of, n->picked) : -1;
  const affine axis = aff_axis(n->pick ? n->pick - 1 : 0, 1);
  m->pick_at = add_cursor(m, &m->term, &axis);
  const step *r = &m->term.step[root];
  m->direct = n->red == R_SUM && !n->lanes && r->kind == E_MUL && m->term.n <= 3;
  for (int i = 0; m->direct && i < 2; i++) {
    const step *x = &m->term.step[r->a[i]];
    m->direct = x->kind == E_READ && !x->whole;
  }
  m->term.value = NEW_N(m->mem, double, m->term.n + 1);
  m->out.value = NEW_N(m->mem, double, m->out.n + 1);
}

/* --- arithmetic --- */

static double apply(const machine *m, ekind k, double a, double b, double c) {
  if (scalar_elementary(k) && !m->exact) return elementary_eval_by(k, (float)a, !m->no_fma);
  double v = scalar_value(k, a, b, c);
  return m->exact ? v : (double)(float)v; /* + - * / sqrt: double then float rounds as float does */
}

static double draw(const machine *m, const step *s, int64_t at) {
  uint32_t ctr[4] = {(uint32_t)at, (uint32_t)s->stream, (uint32_t)m->step,
                     (uint32_t)(m->step >> 32)};
  uint32_t key[2] = {(uint32_t)m->seed, (uint32_t)(m->seed >> 32)}, out[4];
  philox4x32_10(ctr, key, out);
  return (out[0] >> 8) * 0x1p-24;
}

static bool holds(const tape *t, int check, int n) {
  for (int i = check; i < check + n; i++) {
    int64_t at = t->cursor[t->check[i].cur].at;
    if (at < 0 || at >= t->check[i].extent) return false;
  }
  return true;
}

static bool in_range(const tape *t) { return holds(t, 0, t->n_check); }

/* Where the picked axis must stand at the other axes' current point. */
static int64_t picked(const machine *m) {
  const step *s = &m->term.step[m->pick];
  return ((const int32_t *)s->data)[m->term.cursor[s->cur].at];
}

/* Evaluates the whole tape; results in t->value. */
static void eval(machine *m, tape *t) {
  double *v = t->value;
  for (int i = 0; i < t->n; i++) {
    const step *s = &t->step[i];
    int64_t at = t->n_cursor ? t->cursor[s->cur].at : 0;
    switch (s->kind) {
    case E_CONST: v[i] = s->num; break;
    case E_ACC: v[i] = m->acc[0]; break;
    case E_INDEX: v[i] = m->exact ? (double)at : (double)(float)at; break;
    case E_RAND: v[i] = draw(m, s, at); break;
    case E_READ:
      if (s->n_check && !holds(t, s->check, s->n_check)) {
        v[i] = 0;
        break;
      }
      v[i] = s->whole ? ((const int32_t *)s->data)[at] : ((const double *)s->data)[at];
      if (s->whole && !m->exact) v[i] = (float)v[i];
      break;
    default: v[i] = apply(m, s->kind, v[s->a[0]], v[s->a[1]], v[s->a[2]]);
    }
  }
}

static double fused(const machine *m, double a, double b, double c) {
  if (m->exact) return a * b + c;
  if (m->no_fma) return (double)((float)a * (float)b + (float)c);
  return (double)fmaf((float)a, (float)b, (float)c);
}

/* Of an output axis: is it the element at hand that is added to? */
static bool is_picked(const machine *m) {
  if (m->pick < 0 || m->n->axis[m->n->pick - 1].reduce) return true;
  return m->term.cursor[m->pick_at].at == picked(m);
}

/* Adds the term at the current point to the accumulator. */
static void combine(machine *m) {
  tape *t = &m->term;
  if (!in_range(t) || !is_picked(m)) return;
  eval(m, t);
  const step *root = &t->step[t->n - 1];
  double v = t->value[t->n - 1], *acc = &m->acc[m->lane];
  if (m->n->red == R_SET) *acc = v;
  else if (m->n->red == R_MAX) *acc = v > *acc ? v : *acc;
  else if (root->kind == E_MUL) *acc = fused(m, t->value[root->a[0]], t->value[root->a[1]], *acc);
  else *acc = m->exact ? *acc + v : (double)(float)(*acc + v);
}

/* --- moving over the axes --- */

static void advance(tape *t, int ax, int64_t by) {
  for (int i = 0; i < t->n_cursor; i++) t->cursor[i].at += t->cursor[i].k[ax] * by;
}

/* Clips [*from, *to) of axis ax to the points where 0 <= c + k * index < extent. */
static void clip(const cursor *c, int ax, int64_t extent, int64_t *from, int64_t *to) {
  int64_t k = c->k[ax];
  if (!k && (c->at < 0 || c->at >= extent)) *to = *from;
  for (; k && *from < *to; ++*from)
    if (c->at + k * *from >= 0 && c->at + k * *from < extent) break;
  for (; k && *from < *to; --*to)
    if (c->at + k * (*to - 1) >= 0 && c->at + k * (*to - 1) < extent) break;
}

/* The innermost loop of a plain contraction: the same fused sums without a tape. */
static void contract(machine *m, int ax) {
  tape *t = &m->term;
  int64_t from = 0, to = m->n->axis[ax].extent;
  for (int i = 0; i < t->n_check; i++)
    clip(&t->cursor[t->check[i].cur], ax, t->check[i].extent, &from, &to);
  const step *r = &t->step[t->n - 1], *x = &t->step[r->a[0]], *y = &t->step[r->a[1]];
  const cursor *cx = &t->cursor[x->cur], *cy = &t->cursor[y->cur];
  const double *px = x->data, *py = y->data;
  double acc = m->acc[0];
  for (int64_t i = from; i < to; i++)
    acc = fused(m, px[cx->at + cx->k[ax] * i], py[cy->at + cy->k[ax] * i], acc);
  m->acc[0] = acc;
}

static void reduce(machine *m, int level) {
  if (level == m->n_inner) {
    combine(m);
    return;
  }
  int ax = m->inner[level];
  bool last = level == m->n_inner - 1;
  if (last && m->direct) {
    contract(m, ax);
    return;
  }
  int64_t extent = m->n->axis[ax].extent;
  if (ax == m->n->pick - 1) {
    int64_t at = picked(m);
    if (at < 0 || at >= extent) return;
    advance(&m->term, ax, at);
    reduce(m, level + 1);
    advance(&m->term, ax, -at);
    return;
  }
  for (int64_t i = 0; i < extent; i++) {
    if (last && m->n->lanes) m->lane = (int)(i % LANES);
    reduce(m, level + 1);
    advance(&m->term, ax, 1);
  }
  advance(&m->term, ax, -extent);
}

static void fold_lanes(machine *m) {
  for (int half = LANES / 2; half; half /= 2)
    for (int l = 0; l < half; l++) {
      double v = m->acc[l] + m->acc[l + half];
      if (m->n->red == R_MAX) v = m->acc[l + half] > m->acc[l] ? m->acc[l + half] : m->acc[l];
      m->acc[l] = m->exact ? v : (double)(float)v;
    }
}

static void one_output(machine *m) {
  double value[MAX_STORES];
  for (int l = 0; l < LANES; l++) m->acc[l] = m->n->red == R_MAX ? -INFINITY : 0;
  m->lane = 0;
  if (m->start >= 0) {
    eval(m, &m->out);
    m->acc[0] = m->out.value[m->start];
  }
  reduce(m, 0);
  if (m->n->lanes) fold_lanes(m);
  eval(m, &m->out);
  for (int s = 0; s < m->n->n_store; s++) value[s] = m->out.value[m->root[s]];
  for (int s = 0; s < m->n->n_store; s++) {
    double *to = m->data[m->n->store[s].out.t->id];
    if (!holds(&m->out, m->border[s], m->n_border[s])) continue; /* the buffers here have none */
    to[m->out.cursor[m->target[s]].at] = value[s];
  }
}

/* One point of a scatter: out = out + term. */
static void one_scatter(machine *m) {
  double *to = m->data[m->n->store[0].out.t->id];
  if (!in_range(&m->out)) return;
  int64_t at = m->out.cursor[m->target[0]].at;
  m->acc[0] = to[at];
  combine(m);
  to[at] = m->acc[0];
}

static void outputs(machine *m, int level) {
  if (level == m->n_outer) {
    if (m->n->canonical) one_output(m);
    else one_scatter(m);
    return;
  }
  int ax = m->outer[level];
  int64_t extent = m->n->axis[ax].extent;
  for (int64_t i = 0; i < extent; i++) {
    outputs(m, level + 1);
    advance(&m->term, ax, 1);
    advance(&m->out, ax, 1);
  }
  advance(&m->term, ax, -extent);
  advance(&m->out, ax, -extent);
}

static void clear_target(const nest *n, double **data) {
  const tensor *t = n->store[0].out.t;
  if (n->store[0].value->kind != E_ACC) return;
  memset(data[t->id], 0, sizeof(double) * (size_t)tensor_elements(t));
}

static machine *machine_for(const nestprog *p, const machine *like, const nest *n) {
  arena *mem = arena_new();
  machine *m = NEW(mem, machine);
  *m = *like;
  m->mem = mem;
  m->n = n;
  m->term.of = walk_begin(p->ex);
  m->out.of = walk_begin(p->ex);
  build(m);
  walk_end(p->ex, m->out.of);
  walk_end(p->ex, m->term.of);
  if (!n->canonical) clear_target(n, m->data);
  return m;
}

/* The step of a loop that stands at `at` of its first axis: the outermost. */
static void one_step(machine *m, int64_t at) {
  advance(&m->term, 0, at);
  advance(&m->out, 0, at);
  outputs(m, 1);
  advance(&m->term, 0, -at);
  advance(&m->out, 0, -at);
}

static void run_loop(const nestprog *p, const machine *like, const nest *first, const nest *end) {
  arena *mem = arena_new();
  machine **m = NULL;
  int k = 0;
  for (const nest *n = first; n != end; n = n->next) PUSH(mem, m, k, machine_for(p, like, n));
  int64_t steps = first->axis[0].extent;
  for (int64_t t = 0; t < steps; t++)
    for (int i = 0; i < k; i++) one_step(m[i], first->falling ? steps - 1 - t : t);
  while (k) arena_free(m[--k]->mem);
  arena_free(mem);
}

void interp(const nestprog *p, double **data, bool exact, uint64_t seed, uint64_t step) {
  const machine like = {
      .data = data, .exact = exact, .seed = seed, .step = step, .no_fma = p->no_fma};
  for (nest *n = p->nests, *next; n; n = next) {
    next = loop_last(n)->next;
    if (n->loop) {
      run_loop(p, &like, n, next);
      continue;
    }
    machine *m = machine_for(p, &like, n);
    outputs(m, 0);
    arena_free(m->mem);
  }
}
