/* simplify: unit axes, constant and fixed factors of sums, copies, constant tensors, dead nests.
   Fixes the arithmetic: later passes move expressions but do not change them. */
#include "nest/algebra.h"
#include "nest/effects.h"
#include "passes.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- axes of one point --- */

typedef struct {
  int to[MAX_AXES]; /* -1: dropped */
} axis_map;

static affine map_axes(affine x, void *arg) {
  const axis_map *m = arg;
  affine y = {.c = x.c};
  for (int a = 0; a < MAX_AXES; a++)
    if (x.k[a] && m->to[a] >= 0) y.k[m->to[a]] = x.k[a];
  return y;
}

static void drop_unit_axes(nestprog *p, nest *n) {
  axis_map m;
  int k = 0;
  for (int a = 0; a < n->n_axis; a++) {
    m.to[a] = n->axis[a].extent == 1 ? -1 : k;
    if (n->axis[a].extent > 1) n->axis[k++] = n->axis[a];
  }
  if (k == n->n_axis) return;
  n->n_axis = k;
  n->term = expr_map_affine(p->mem, n->term, map_axes, &m);
  for (int g = 0; g < n->n_guard; g++) n->guard[g].ix = map_axes(n->guard[g].ix, &m);
  for (int s = 0; s < n->n_store; s++) {
    n->store[s].value = expr_map_affine(p->mem, n->store[s].value, map_axes, &m);
    for (int d = 0; d < n->store[s].out.t->rank; d++)
      n->store[s].out.ix[d] = map_axes(n->store[s].out.ix[d], &m);
  }
}

static void drop_idle_guards(nest *n) {
  int k = 0;
  for (int g = 0; g < n->n_guard; g++) {
    int64_t lo, hi;
    aff_range(n, n->guard[g].ix, &lo, &hi);
    if (lo < 0 || hi >= n->guard[g].extent) n->guard[k++] = n->guard[g];
  }
  n->n_guard = k;
}

/* --- terms that are never in range --- */

typedef struct {
  const nest *n;
  bool outside;
} void_scan;

static void scan_outside(expr *read, void *arg) {
  void_scan *s = arg;
  for (int d = 0; d < read->rd.t->rank; d++)
    s->outside |= always_outside(s->n, &read->rd.ix[d], read->rd.t->dim[d]);
}

/* Every window lies in the padding: nothing is read, and the sum has no term. */
static void drop_void_term(nestprog *p, nest *n) {
  void_scan s = {n, false};
  expr_reads(n->term, scan_outside, &s);
  for (int g = 0; g < n->n_guard; g++)
    s.outside |= always_outside(n, &n->guard[g].ix, n->guard[g].extent);
  if (!s.outside) return;
  n->n_guard = 0;
  n->term = e_const(p->mem, n->red == R_MAX ? -INFINITY : 0);
}

/* --- factors that do not change along the reduction --- */

typedef struct {
  const nest *n;
  bool leaves; /* some read may be out of range */
} range_scan;

static void scan_range(expr *read, void *arg) {
  range_scan *s = arg;
  s->leaves |= access_may_leave(s->n, &read->rd);
}

static bool may_leave(const nest *n, expr *e) {
  range_scan s = {n, false};
  expr_reads(e, scan_range, &s);
  return s.leaves;
}

static bool moves(const nest *n, const affine *x) {
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce && x->k[a]) return true;
  return false;
}

static bool depends_on_reduction(const nest *n, const expr *e) {
  if (e->kind == E_INDEX || e->kind == E_RAND) return moves(n, &e->aff);
  if (e->kind == E_READ)
    for (int d = 0; d < e->rd.t->rank; d++)
      if (moves(n, &e->rd.ix[d])) return true;
  for (int i = 0; i < scalar_arity(e->kind); i++)
    if (depends_on_reduction(n, e->a[i])) return true;
  return false;
}

/* A sum's term taken apart into factors and divisors. */
typedef struct {
  algebra *g;
  const nest *n;
  double number; /* constant factor */
  int n_fixed, n_fixed_divisor, n_left, n_divisor;
  expr *fixed[16], *fixed_divisor[16], *left[16], *divisor[16];
} product;

static bool fixed_factor(const product *f, expr *e) {
  return !depends_on_reduction(f->n, e) && !may_leave(f->n, e);
}

static void take_apart(product *f, expr *e, bool divisor) {
  int room = 16 - f->n_fixed - f->n_fixed_divisor - f->n_left - f->n_divisor;
  if (e->kind == E_CONST && !(divisor && e->num == 0)) {
    f->number = divisor ? f->number / e->num : f->number * e->num;
  } else if (e->kind == E_NEG) {
    f->number = -f->number;
    take_apart(f, e->a[0], divisor);
  } else if (room >= 4 && (e->kind == E_MUL || e->kind == E_DIV)) {
    take_apart(f, e->a[0], divisor);
    take_apart(f, e->a[1], divisor != (e->kind == E_DIV));
  } else if (fixed_factor(f, e)) {
    if (divisor) f->fixed_divisor[f->n_fixed_divisor++] = e;
    else f->fixed[f->n_fixed++] = e;
  } else if (divisor) f->divisor[f->n_divisor++] = e;
  else f->left[f->n_left++] = e;
}

static expr *put_together(product *f) {
  expr *e = f->n_left ? f->left[0] : alg_const(f->g, 1);
  for (int i = 1; i < f->n_left; i++) e = alg_op(f->g, E_MUL, e, f->left[i], NULL);
  for (int i = 0; i < f->n_divisor; i++) e = alg_op(f->g, E_DIV, e, f->divisor[i], NULL);
  return e;
}

static expr *scaled_acc(product *f) {
  expr *e = alg_leaf(f->g, &(expr){.kind = E_ACC});
  for (int i = 0; i < f->n_fixed; i++) e = alg_op(f->g, E_MUL, e, f->fixed[i], NULL);
  for (int i = 0; i < f->n_fixed_divisor; i++)
    e = alg_op(f->g, E_DIV, e, f->fixed_divisor[i], NULL);
  return alg_op(f->g, E_MUL, e, alg_const(f->g, f->number), NULL);
}

static expr *replace_acc(algebra *g, expr *e, expr *by) {
  expr *a[3] = {0};
  if (e->kind == E_ACC) return by;
  if (scalar_arity(e->kind) == 0) return e;
  for (int i = 0; i < scalar_arity(e->kind); i++) a[i] = replace_acc(g, e->a[i], by);
  return alg_op(g, e->kind, a[0], a[1], a[2]);
}

/* sum(c * term) = c * sum(term): products of two reads stay products of two reads. */
static void hoist_factors(algebra *g, nest *n) {
  product f = {.g = g, .n = n, .number = 1};
  if (n->red != R_SUM) return;
  take_apart(&f, n->term, false);
  if (f.number == 1 && !f.n_fixed && !f.n_fixed_divisor) return;
  n->term = put_together(&f);
  expr *acc = scaled_acc(&f);
  for (int s = 0; s < n->n_store; s++) n->store[s].value = replace_acc(g, n->store[s].value, acc);
}

/* --- one nest --- */

static bool reduces(const nest *n) {
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce) return true;
  return false;
}

/* A sum of equal constants is a product. */
static void count_constant(algebra *g, nest *n) {
  int64_t points = 1;
  int k = 0;
  if (n->red == R_MAX || n->term->kind != E_CONST || n->n_guard || !reduces(n)) return;
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce) points *= n->axis[a].extent;
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce) k++;
    else if (k < a) return; /* output axes come first */
  n->n_axis = k;
  n->term = alg_const(g, n->term->num * (n->red == R_SUM ? (double)points : 1));
}

static void simplify_nest(nestprog *p, nest *n) {
  algebra g = {.mem = p->mem};
  drop_unit_axes(p, n);
  drop_idle_guards(n);
  drop_void_term(p, n);
  n->term = alg_copy(&g, n->term);
  for (int s = 0; s < n->n_store; s++) n->store[s].value = alg_copy(&g, n->store[s].value);
  if (reduces(n)) hoist_factors(&g, n);
  count_constant(&g, n);
  bool always = !n->n_guard && !may_leave(n, n->term);
  if (!reduces(n) && (n->red == R_SUM || always)) n->red = R_SET;
}

/* --- tensors that are copies of others, or constant --- */

/* What to read instead of a tensor: another one, or a number. */
typedef struct {
  bool replaced;
  tensor *to; /* NULL: the number */
  double value;
  int writers; /* nests that write the tensor */
  int last;    /* the last of them */
  int read;    /* the last nest that reads it */
  bool leaves; /* some read of it may be out of range */
  bool bends;  /* some index of a dimension of one element is not just 0 */
} forwarding;

typedef struct {
  nestprog *p;
  forwarding *of; /* by tensor id */
  const nest *n;
  int at; /* n's place in the program */
  bool affected;
} forwards;

static bool whole_identity(const nest *n, const access *x) {
  int next = 0;
  if (n->n_guard || reduces(n)) return false;
  for (int d = 0; d < x->t->rank; d++) {
    affine plain = x->t->dim[d] == 1 ? aff_const(0) : aff_axis(next, 1);
    if (!aff_equal(x->ix[d], plain)) return false;
    if (x->t->dim[d] == 1) continue;
    if (next == n->n_axis || n->axis[next++].extent != x->t->dim[d]) return false;
  }
  return next == n->n_axis;
}

static int next_dim(const tensor *t, int d) {
  while (d < t->rank && t->dim[d] == 1) d++;
  return d;
}

/* Equal but for dimensions of one element? */
static bool same_shape(const tensor *a, const tensor *b) {
  int i = next_dim(a, 0), j = next_dim(b, 0);
  while (i < a->rank && j < b->rank && a->dim[i] == b->dim[j])
    i = next_dim(a, i + 1), j = next_dim(b, j + 1);
  return i == a->rank && j == b->rank;
}

/* The same element of a tensor of the same shape. */
static access read_instead(const access *x, tensor *to) {
  access y = {.t = to};
  int i = 0;
  for (int d = next_dim(to, 0); d < to->rank; d = next_dim(to, d + 1)) {
    i = next_dim(x->t, i);
    y.ix[d] = x->ix[i++];
  }
  return y;
}

static void note_read(expr *read, void *arg) {
  forwards *f = arg;
  const access *x = &read->rd;
  f->of[x->t->id].read = f->at;
  f->of[x->t->id].leaves |= access_may_leave(f->n, x);
  for (int d = 0; d < x->t->rank; d++)
    f->of[x->t->id].bends |= x->t->dim[d] == 1 && !aff_equal(x->ix[d], aff_const(0));
}

static void note_affected(expr *read, void *arg) {
  forwards *f = arg;
  f->affected |= f->of[read->rd.t->id].replaced;
}

static expr *replace_reads(const forwards *f, algebra *g, expr *e) {
  expr *a[3] = {0};
  if (e->kind == E_READ && f->of[e->rd.t->id].replaced) {
    const forwarding *r = &f->of[e->rd.t->id];
    if (!r->to) return alg_const(g, r->value);
    expr moved = *e;
    moved.rd = read_instead(&e->rd, r->to);
    return alg_leaf(g, &moved);
  }
  if (scalar_arity(e->kind) == 0) return alg_leaf(g, e);
  for (int i = 0; i < scalar_arity(e->kind); i++) a[i] = replace_reads(f, g, e->a[i]);
  return alg_op(g, e->kind, a[0], a[1], a[2]);
}

static void read_forwarded(forwards *f, nest *n) {
  algebra g = {.mem = f->p->mem};
  f->affected = false;
  expr_reads(n->term, note_affected, f);
  for (int s = 0; s < n->n_store; s++) expr_reads(n->store[s].value, note_affected, f);
  if (!f->affected) return;
  n->term = replace_reads(f, &g, n->term);
  for (int s = 0; s < n->n_store; s++) n->store[s].value = replace_reads(f, &g, n->store[s].value);
  simplify_nest(f->p, n);
}

/* Does the copy at nest f->at of tensor t keep its value for as long as `copy` is read? */
static bool lasts(const forwards *f, const tensor *t, const tensor *copy) {
  const forwarding *from = &f->of[t->id], *r = &f->of[copy->id];
  if (t->role != T_TEMP && (t->role != T_PARAM || r->leaves)) return false; /* has no border */
  return from->last <= f->at || (from->writers == 1 && from->last > r->read);
}

/* If f->n does nothing but fill a whole temporary with a constant or copy another tensor that
   keeps its value, its readers need not wait for it. */
static void note_forwarding(forwards *f) {
  const nest *n = f->n;
  const store *s = &n->store[0];
  const tensor *t = s->out.t;
  forwarding *r = &f->of[t->id];
  if (n->n_store != 1 || t->role != T_TEMP || n->red != R_SET) return;
  if (r->writers != 1 || s->value->kind != E_ACC || !whole_identity(n, &s->out)) return;
  if (n->term->kind == E_CONST && !r->leaves) {
    r->value = n->term->num;
    r->replaced = true;
  }
  const access *x = &n->term->rd;
  if (n->term->kind != E_READ || !same_shape(x->t, t) || !whole_identity(n, x)) return;
  if (r->bends || !lasts(f, x->t, t)) return;
  if (f->of[x->t->id].read < r->read) f->of[x->t->id].read = r->read;
  r->to = x->t;
  r->replaced = true;
}

static void scan_program(forwards *f) {
  f->at = 0;
  for (const nest *n = f->p->nests; n; n = n->next, f->at++) {
    f->n = n;
    expr_reads(n->term, note_read, f);
    for (int s = 0; s < n->n_store; s++) {
      expr_reads(n->store[s].value, note_read, f);
      f->of[n->store[s].out.t->id].writers++;
      f->of[n->store[s].out.t->id].last = f->at;
    }
  }
}

static void forward_copies(nestprog *p) {
  forwards f = {.p = p, .of = NEW_N(p->mem, forwarding, p->n_tensor)};
  scan_program(&f);
  f.at = 0;
  for (nest *n = p->nests; n; n = n->next, f.at++) {
    f.n = n;
    read_forwarded(&f, n);
    note_forwarding(&f);
  }
}

/* --- dead nests --- */

static void mark_read(expr *read, void *arg) { ((bool *)arg)[read->rd.t->id] = true; }

static bool outlives(const tensor *t) { return t->role != T_TEMP; }

/* Does the nest add zeros to what is there? */
static bool idle(const nest *n) {
  const expr *v = n->store[0].value;
  return n->n_store == 1 && n->term->kind == E_CONST && n->term->num == 0 && v->kind == E_ADD &&
         v->a[0]->kind == E_READ && access_equal(&v->a[0]->rd, &n->store[0].out) &&
         v->a[1]->kind == E_ACC;
}

/* Unlinks nests whose results nobody reads, from the last to the first. */
static void drop_dead(nestprog *p) {
  int n_nest = 0;
  nest **list = NULL;
  bool *used = NEW_N(p->mem, bool, p->n_tensor);
  for (nest *n = p->nests; n; n = n->next) PUSH(p->mem, list, n_nest, n);
  nest *next = NULL;
  while (n_nest--) {
    nest *n = list[n_nest];
    bool live = false;
    for (int s = 0; s < n->n_store; s++)
      live |= outlives(n->store[s].out.t) || used[n->store[s].out.t->id];
    if (!live || idle(n)) continue;
    n->next = next;
    next = n;
    expr_reads(n->term, mark_read, used);
    for (int s = 0; s < n->n_store; s++) expr_reads(n->store[s].value, mark_read, used);
  }
  p->nests = next;
}

void simplify(nestprog *p) {
  for (nest *n = p->nests; n; n = n->next) simplify_nest(p, n);
  forward_copies(p);
  drop_dead(p);
  merge_sums(p);
  p->stage = "simplify";
}
