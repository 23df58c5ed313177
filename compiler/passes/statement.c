/* A statement of an operator becomes a nest: how far its axes run, what it writes, its term. */
#include "instantiate.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* --- the axes of a statement --- */

typedef struct {
  const char *name;
  int64_t extent; /* 0: not known yet */
  bool fixed, output;
  loc at;
} range;

typedef struct {
  int n;
  range r[STATEMENT_AXES];
  bool failed;
} ranges;

static const double max_extent = 2147483647, max_points = 1e14; /* of an axis; of a sample */

static range *add_range(instantiation *s, ranges *l, const char *name, loc at) {
  for (int i = 0; i < l->n; i++)
    if (!strcmp(l->r[i].name, name)) return &l->r[i];
  if (l->n == STATEMENT_AXES) {
    diag_error(s->o->d, at, "sum over some of them into a local tensor first",
               "a statement has at most %d axes", STATEMENT_AXES);
    l->failed = true;
    return &l->r[0];
  }
  l->r[l->n] = (range){.name = name, .at = at};
  return &l->r[l->n++];
}

/* An index that is nothing but a name runs over the dimension it stands in. */
static void infer(instantiation *s, ranges *l, const xexpr *index, int64_t extent, const char *of) {
  if (index->kind != X_NAME) return;
  bool known = false;
  for (int i = 0; i < l->n; i++) known |= !strcmp(l->r[i].name, index->name);
  if (!known && is_constant_name(s, index->name)) return;
  range *r = add_range(s, l, index->name, index->at);
  if (!r->extent) r->extent = extent;
  if (r->fixed || r->extent == extent || l->failed) return;
  diag_error(s->o->d, index->at,
             arena_printf(s->mem, "say how far it runs: `for %s:%" PRId64 "`", r->name, r->extent),
             "`%s` runs over %" PRId64 ", but this dimension of `%s` has %" PRId64, r->name,
             r->extent, of, extent);
  l->failed = true;
}

static void names_in(instantiation *s, ranges *l, const xexpr *x, bool output) {
  if (x->kind == X_NAME && !is_constant_name(s, x->name))
    add_range(s, l, x->name, x->at)->output |= output;
  for (int i = 0; i < x->n; i++) names_in(s, l, x->arg[i], output);
}

static void infer_access(instantiation *s, ranges *l, const xexpr *x) {
  binding *b = find_bound(s, x->name);
  if (b && b->t && !x->every && x->n == b->t->rank)
    for (int d = 0; d < x->n; d++) infer(s, l, x->arg[d], b->t->dim[d], x->name);
}

static void infer_reads(instantiation *s, ranges *l, const xexpr *x) {
  if (x->kind == X_READ) infer_access(s, l, x);
  for (int i = 0; i < x->n; i++) infer_reads(s, l, x->arg[i]);
}

static void explicit_ranges(instantiation *s, ranges *l, const opstmt *st) {
  for (int i = 0; i < st->n_axis; i++) {
    int64_t extent;
    const opaxis *a = &st->axis[i];
    if (!constant_value(s, a->extent, &extent)) {
      l->failed = true;
      return;
    }
    if (extent < 1) {
      diag_error(s->o->d, a->at, NULL, "`%s` has an empty range", a->name);
      l->failed = true;
      return;
    }
    if ((double)extent > max_extent) {
      diag_error(s->o->d, a->at, NULL, "`%s` runs over %" PRId64 ": at most %.0f", a->name, extent,
                 max_extent);
      l->failed = true;
      return;
    }
    range *r = add_range(s, l, a->name, a->at);
    r->extent = extent;
    r->fixed = true;
  }
}

/* Names on the left stand for axes even where a setting has the same name, if `for` says so. */
static void mark_outputs(instantiation *s, ranges *l, const xexpr *x) {
  if (x->kind == X_NAME)
    for (int i = 0; i < l->n; i++)
      if (!strcmp(l->r[i].name, x->name)) l->r[i].output = true;
  for (int i = 0; i < x->n; i++) mark_outputs(s, l, x->arg[i]);
}

static void push_axis(nest *n, const range *r) {
  if (find_axis(n, r->name) < 0) n->axis[n->n_axis++] = (axis){r->name, r->extent, !r->output};
}

/* Output axes in the order of the left side's dimensions. */
static void push_outputs(nest *n, const ranges *l, const xexpr *x) {
  if (x->kind == X_NAME)
    for (int i = 0; i < l->n; i++)
      if (!strcmp(l->r[i].name, x->name)) push_axis(n, &l->r[i]);
  for (int i = 0; i < x->n; i++) push_outputs(n, l, x->arg[i]);
}

static bool check_points(instantiation *s, const opstmt *st) {
  double points = 1;
  for (int a = 0; a < s->n->n_axis; a++) points *= (double)s->n->axis[a].extent;
  if (points <= max_points * (s->o->p->batch > 1 ? s->o->p->batch : 1)) return true;
  diag_error(s->o->d, st->at, NULL, "this statement takes %.3g steps a sample: at most %.3g",
             points, max_points);
  return false;
}

/* In a loop its step is the first output axis. */
static bool add_step(instantiation *s, ranges *l) {
  if (!in_loop(s)) return true;
  for (int i = 0; i < l->n; i++)
    if (!strcmp(l->r[i].name, s->scan->scan->name)) return false;
  range *r = add_range(s, l, s->scan->scan->name, s->scan->at);
  r->extent = s->steps;
  r->fixed = r->output = true;
  push_axis(s->n, r);
  return !l->failed;
}

static bool find_axes(instantiation *s, const opstmt *st) {
  ranges l = {0};
  explicit_ranges(s, &l, st);
  if (l.failed || !add_step(s, &l)) return false;
  for (int d = 0; d < st->lhs->n; d++) names_in(s, &l, st->lhs->arg[d], true);
  mark_outputs(s, &l, st->lhs);
  infer_access(s, &l, st->lhs);
  infer_reads(s, &l, st->rhs);
  for (int i = 0; i < l.n && !l.failed; i++) {
    if (l.r[i].extent) continue;
    diag_error(s->o->d, l.r[i].at, arena_printf(s->mem, "add `for %s:..`", l.r[i].name),
               "nothing tells how far `%s` runs", l.r[i].name);
    l.failed = true;
  }
  if (l.failed) return false;
  push_outputs(s->n, &l, st->lhs);
  for (int i = 0; i < l.n; i++) push_axis(s->n, &l.r[i]);
  return check_points(s, st);
}

/* Axes of `w[..]`: one for each dimension of the tensor. */
static void every_axes(instantiation *s, const tensor *t) {
  static const char *const image[] = {"n", "h", "w", "c"};
  static const char *const other[] = {"i", "j", "k", "l", "m", "q"};
  const opdecl *named = s->o->out->decl;
  for (int d = 0; d < t->rank; d++) {
    const char *name = t->rank == 4 ? image[d] : other[d];
    if (named && named->n_dim == t->rank) name = named->dim[d].name;
    while (is_constant_name(s, name) || find_axis(s->n, name) >= 0)
      name = arena_printf(s->mem, "%s_", name);
    s->n->axis[s->n->n_axis++] = (axis){name, t->dim[d], false};
  }
}

/* --- what a statement writes --- */

static tensor *new_local(instantiation *s, const char *name, int rank, const int64_t *dim) {
  const char *full = arena_printf(s->mem, "%s.%s", s->o->prefix, name);
  tensor *t = tensor_new(s->o->p, full, T_TEMP, rank, dim);
  t->node = s->o->node;
  return t;
}

static bool left_indices(instantiation *s, const xexpr *lhs, affine *ix) {
  for (int d = 0; d < lhs->n; d++)
    if (!lower_bounded_index(s, lhs->arg[d], &ix[d])) return false;
  return true;
}

static bool check_left_range(instantiation *s, const xexpr *lhs, const affine *ix,
                             const tensor *t) {
  for (int d = 0; d < lhs->n; d++) {
    int64_t lo, hi;
    aff_range(s->n, &ix[d], &lo, &hi);
    if (lo >= 0 && hi < t->dim[d]) continue;
    diag_error(s->o->d, lhs->arg[d]->at, NULL,
               "this index of `%s` runs from %" PRId64 " to %" PRId64 ", out of 0 to %" PRId64,
               lhs->name, lo, hi, t->dim[d] - 1);
    return false;
  }
  return true;
}

void set_last_constant(instantiation *s, double v) { s->env.v[s->env.n - 1] = v; }

/* The greatest value of an index: in a scan, over all of its steps. */
static bool greatest_index(instantiation *s, const xexpr *x, const affine *ix, int64_t *hi) {
  int64_t lo, at;
  aff_range(s->n, ix, &lo, hi);
  if (!s->scan || in_loop(s)) return true;
  const double now = s->env.v[s->env.n - 1];
  bool ok = true;
  for (int end = 0; ok && end < 2; end++) {
    affine there;
    set_last_constant(s, end ? (double)(s->steps - 1) : 0);
    ok = lower_index(s, x, &there);
    if (ok) aff_range(s->n, &there, &lo, &at);
    if (ok && at > *hi) *hi = at;
  }
  s->env.v[s->env.n - 1] = now;
  return ok;
}

/* A local tensor is as large as the first statement that writes it needs. */
static tensor *local_for(instantiation *s, const xexpr *lhs, const affine *ix) {
  static const double max_elements = 268435456; /* 1 GiB; times the batch later */
  int64_t dim[MAX_DIMS];
  double elements = 1;
  for (int d = 0; d < lhs->n; d++) {
    int64_t lo, hi;
    aff_range(s->n, &ix[d], &lo, &hi);
    if (!greatest_index(s, lhs->arg[d], &ix[d], &hi)) return NULL;
    elements *= (double)hi + 1;
    if (elements > max_elements * (s->o->p->batch > 1 ? s->o->p->batch : 1)) {
      diag_error(s->o->d, lhs->at, NULL, "`%s` would have more than %.3g elements a sample",
                 lhs->name, max_elements);
      return NULL;
    }
    if (lo < 0) {
      diag_error(s->o->d, lhs->arg[d]->at, NULL, "this index of `%s` falls below 0", lhs->name);
      return NULL;
    }
    dim[d] = hi + 1;
  }
  return new_local(s, lhs->name, lhs->n, dim);
}

static bool writable(instantiation *s, const xexpr *lhs, const binding *b) {
  if (lhs->n > MAX_DIMS) {
    diag_error(s->o->d, lhs->at, NULL, "a tensor has at most %d dimensions", MAX_DIMS);
    return false;
  }
  if (b && b->given) {
    diag_error(s->o->d, lhs->at, NULL, "`%s` is only read in this operator", lhs->name);
    return false;
  }
  if (b && !lhs->every && b->t->rank != lhs->n) {
    diag_error(s->o->d, lhs->at, NULL, "`%s` has %d dimensions, and %d %s given", lhs->name,
               b->t->rank, lhs->n, lhs->n == 1 ? "index is" : "indices are");
    return false;
  }
  return true;
}

static binding *left_side(instantiation *s, const opstmt *st) {
  const xexpr *lhs = st->lhs;
  affine ix[MAX_DIMS];
  binding *b = find_bound(s, lhs->name);
  tensor *t = b ? b->t : NULL;
  if (!writable(s, lhs, b) || (in_loop(s) && (lhs->every || (b && b->kept)))) return NULL;
  if (lhs->every) {
    if (!t) t = new_local(s, lhs->name, s->o->out->rank, s->o->out->dim);
    every_axes(s, t);
    for (int d = 0; d < t->rank; d++) ix[d] = aff_axis(d, 1);
  } else {
    if (!find_axes(s, st) || !left_indices(s, lhs, ix)) return NULL;
    if (!t && !(t = local_for(s, lhs, ix))) return NULL;
    if (!check_left_range(s, lhs, ix, t)) return NULL;
  }
  s->at = access_of(s->ex, t, ix);
  s->target = t;
  if (!b && !bind_tensor(s, lhs->name, t, lhs->at)) return NULL;
  return find_bound(s, lhs->name);
}

/* --- the nest --- */

/* Sums may reach an element several times, or never: then the nest is a scatter. */
static bool check_form(instantiation *s, const opstmt *st) {
  nest *n = s->n;
  n->canonical = output_once(n, &s->at) && !(st->comb == COMB_SUM && has_gaps(s));
  for (int a = 0; a < n->n_axis; a++) {
    if (st->comb != COMB_SET || !n->axis[a].reduce || n->axis[a].extent == 1) continue;
    diag_error(s->o->d, st->at, "use `+=` for a sum, `max=` for the largest",
               "`%s` is not on the left: `=` would write each element several times",
               n->axis[a].name);
    return false;
  }
  if (n->canonical) return true;
  if (in_loop(s)) return false;
  if (st->comb != COMB_SUM) {
    diag_error(s->o->d, st->at, NULL, "this writes elements of `%s` more than once", st->lhs->name);
    return false;
  }
  for (int a = 0; a < n->n_axis; a++) n->axis[a].reduce = false; /* a scatter */
  return true;
}

static bool lower_statement(instantiation *s, const opstmt *st) {
  static const reduction reductions[] = {R_SET, R_SUM, R_MAX};
  bool ok;
  s->n = nest_new(s->o->p, NULL, s->o->node);
  s->target = NULL;
  s->at = (access){0};
  binding *b = left_side(s, st);
  if (!b || !check_form(s, st)) return false;
  nest *n = s->n;
  n->name = s->o->op->kind == OP_OPTIMIZER && b->t == s->o->out
                ? arena_printf(s->mem, "%s update", b->t->name)
                : b->t->name;
  n->red = reductions[st->comb];
  s->nothing = false;
  if (!(n->term = lower_scalar(s, st->rhs))) return false;
  if (s->nothing) n->term = e_const(s->ex, n->red == R_MAX ? -INFINITY : 0);
  expr *acc = e_acc(s->ex);
  bool adds = accumulates(s, st, b, &ok);
  if (!ok) return false;
  if (adds)
    acc = e_op(s->ex, st->comb == COMB_MAX ? E_MAX : E_ADD, e_read(s->ex, s->at), acc, NULL);
  nest_store(n, s->at, acc);
  if (in_loop(s) && adds) return false;
  add_to_instance(s->o, n);
  return true;
}

bool lower_statements(instantiation *s, const opstmt *st) {
  bool ok = true;
  for (; st; st = st->next) {
    double cond;
    if (st->scan) ok &= lower_scan(s, st);
    else if (!st->cond) ok &= lower_statement(s, st);
    else if (!xexpr_eval(st->cond, &s->env, s->o->d, &cond)) ok = false;
    else ok &= lower_statements(s, cond ? st->then : st->otherwise);
    if (!ok) return false; /* later statements would only repeat the complaint */
  }
  return true;
}
