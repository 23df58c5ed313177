/* Operators become nests: names are bound to tensors, axes to ranges, statements to nests. */
#include "instantiate.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The elements that one statement writes: a product of one set for each dimension. */
typedef struct written_part {
  int64_t count[MAX_DIMS];
  bool *hit[MAX_DIMS];
  int64_t least[MAX_DIMS], most[MAX_DIMS]; /* of what is hit */
} written_part;

static bool bind(instantiation *s, const char *name, tensor *t, loc at) {
  if (find_bound(s, name)) {
    diag_error(s->o->d, at, NULL, "`%s` is defined twice", name);
    return false;
  }
  if (s->n_bound == MAX_BINDINGS) {
    diag_error(s->o->d, at, NULL, "an operator has at most %d tensors", MAX_BINDINGS);
    return false;
  }
  s->bound[s->n_bound++] = (binding){.name = name, .t = t};
  return true;
}

/* --- names: settings, dimensions, inputs --- */

bool define_constant(instantiation *s, const char *name, double v) {
  if (s->env.n == (int)(sizeof s->env.v / sizeof *s->env.v)) {
    diag_error(s->o->d, s->o->op->at, NULL, "`%s` has too many settings", s->o->op->name);
    return false;
  }
  s->env.name[s->env.n] = name;
  s->env.v[s->env.n++] = v;
  return true;
}

static bool define_settings(instantiation *s) {
  const instance *o = s->o;
  for (int i = 0; i < o->n_set; i++) {
    const setting *x = &o->set[i];
    bool ok = !o->op->set[i].pair
                  ? define_constant(s, x->name, x->v[0])
                  : define_constant(s, arena_printf(s->mem, "%s.h", x->name), x->v[0]) &&
                        define_constant(s, arena_printf(s->mem, "%s.w", x->name), x->v[1]);
    for (int k = 0; ok && k < o->op->set[i].n_word; k++)
      if (!is_constant_name(s, o->op->set[i].word[k]))
        ok = define_constant(s, o->op->set[i].word[k], -1 - k);
    if (!ok) return false;
  }
  return true;
}

static bool define_lets(instantiation *s) {
  for (int i = 0; i < s->o->op->n_let; i++) {
    const oplet *l = &s->o->op->let[i];
    double v;
    if (!xexpr_eval(l->v, &s->env, s->o->d, &v) || !define_constant(s, l->name, v)) return false;
  }
  return true;
}

/* What an optimizer may ask about the parameter that it updates: its dimensions in weight files. */
static bool define_rank(instantiation *s) {
  const tensor *w = s->o->in[0];
  if (s->o->op->kind != OP_OPTIMIZER) return true;
  int n = w->decl && w->decl->n_file ? w->decl->file_group[w->decl->n_file - 1] + 1 : w->rank;
  return define_constant(s, "rank", n);
}

static bool bind_input(instantiation *s, int i) {
  const opinput *in = &s->o->op->in[i];
  tensor *t = s->o->in[i];
  if (!bind(s, in->name, t, in->at)) return false;
  s->bound[s->n_bound - 1].given = true;
  s->bound[s->n_bound - 1].complete = true;
  if (in->every) return true;
  if (in->n_dim != t->rank) {
    diag_error(s->o->d, in->at, NULL, "`%s` has %d dimensions here, but %d in the network",
               in->name, in->n_dim, t->rank);
    return false;
  }
  for (int d = 0; d < t->rank; d++)
    if (!is_constant_name(s, in->dim[d]) && !define_constant(s, in->dim[d], (double)t->dim[d]))
      return false;
  return !in->below || is_constant_name(s, in->below) ||
         define_constant(s, in->below, (double)t->below);
}

/* --- parameters and states --- */

static bool decl_dims(instantiation *s, const opdecl *d, int *rank, int64_t *dim) {
  *rank = d->every ? s->o->in[0]->rank : d->n_dim;
  if (*rank > MAX_DIMS) { /* `S..` stood for several */
    diag_error(s->o->d, d->at, NULL, "a tensor has at most %d dimensions", MAX_DIMS);
    return false;
  }
  for (int i = 0; i < *rank; i++) {
    if (d->every) dim[i] = s->o->in[0]->dim[i];
    else if (!constant_value(s, d->dim[i].extent, &dim[i])) return false;
    if (dim[i] < 1) {
      diag_error(s->o->d, d->at, NULL, "`%s` would have no elements", d->name);
      return false;
    }
  }
  if (!*rank) dim[(*rank)++] = 1;
  return true;
}

static trole decl_role(const instance *o, const opdecl *d) {
  if (!d->is_state) return T_PARAM;
  if (o->op->kind == OP_LOSS) return T_TEMP;
  return o->op->kind == OP_OPTIMIZER ? T_OPT : T_STATE;
}

static void append(instance *o, nest *n) {
  if (o->last) o->last->next = n;
  else o->first = n;
  o->last = n;
}

/* The owner's numbers, as a tensor of these dimensions. */
static tensor *view_of(instantiation *s, const opdecl *d, tensor *w, int rank, const int64_t *dim) {
  instance *o = s->o;
  int map[MAX_DIMS];
  if (rank == w->rank && !memcmp(dim, w->dim, sizeof *dim * (size_t)rank) && d == w->decl) return w;
  if (!weights_map(d, rank, dim, w->decl, w->rank, w->dim, map)) return NULL;
  tensor *t =
      tensor_new(o->p, arena_printf(s->mem, "%s.%s", o->prefix, d->name), T_TEMP, rank, dim);
  nest *c = nest_new(o->p, t->name, o->node);
  affine in[MAX_DIMS] = {{0}}, out[MAX_DIMS];
  for (int k = 0; k < rank; k++) {
    c->axis[k] = (axis){arena_printf(s->mem, "%c", 'a' + k), dim[k], false};
    out[k] = aff_axis(k, 1);
  }
  for (int k = 0; k < w->rank; k++)
    if (map[k] >= 0) in[k] = aff_axis(map[k], 1);
  t->node = o->node;
  c->n_axis = rank;
  c->term = e_read(s->ex, access_of(s->ex, w, in));
  nest_store(c, access_of(s->ex, t, out), e_acc(s->ex));
  c->canonical = true;
  append(o, c);
  return t;
}

/* The weight of that name that the layer has from its owner; NULL: it has its own. */
static tensor *shared_weight(instantiation *s, const opdecl *d, int rank, const int64_t *dim) {
  const instance *o = s->o;
  for (int i = o->owned_from; i < o->owned_to; i++) {
    tensor *w = o->p->tensor[i];
    if (w->node == o->node->owner && w->decl && !strcmp(w->decl->name, d->name))
      return o->node->tied && d->is_state ? NULL : view_of(s, d, w, rank, dim);
  }
  return NULL;
}

/* A weight or state of a layer, and what it was called before labels named layers. */
static tensor *new_weight(instantiation *s, const opdecl *d, int rank, const int64_t *dim) {
  const instance *o = s->o;
  const char *name = arena_printf(s->mem, "%s.%s", o->prefix, d->name);
  tensor *t = tensor_new(o->p, name, decl_role(o, d), rank, dim);
  t->node = o->node;
  t->decl = d;
  t->frozen = o->node && o->node->frozen;
  if (o->first_prefix && strcmp(o->first_prefix, o->prefix))
    t->first_name = arena_printf(s->mem, "%s.%s", o->first_prefix, d->name);
  return t;
}

/* t[c] = select(c == 0, table[0], select(c == 1, table[1], ..)) */
static void fill_table(instantiation *s, tensor *t) {
  instance *o = s->o;
  const affine at[MAX_DIMS] = {aff_axis(0, 1)};
  expr *index = e_index(s->ex, at[0]), *value = e_const(s->ex, t->init);
  for (int i = o->n_table; i-- > 0;)
    value = e_op(s->ex, E_SELECT, e_op(s->ex, E_EQ, index, e_const(s->ex, i), NULL),
                 e_const(s->ex, o->table[i]), value);
  nest *n = nest_new(o->p, t->name, o->node);
  n->axis[n->n_axis++] = (axis){"c", t->dim[0], false};
  n->term = value;
  n->canonical = true;
  nest_store(n, access_of(s->ex, t, at), e_acc(s->ex));
  append(o, n);
}

static bool declare(instantiation *s, const opdecl *d) {
  int rank;
  int64_t dim[MAX_DIMS];
  double when = 1, init = 0;
  if (d->when && !xexpr_eval(d->when, &s->env, s->o->d, &when)) return false;
  if (!when) return true;
  if (!decl_dims(s, d, &rank, dim)) return false;
  if (d->init_arg && !xexpr_eval(d->init_arg, &s->env, s->o->d, &init)) return false;
  tensor *t = shared_weight(s, d, rank, dim);
  if (!t) {
    t = new_weight(s, d, rank, dim);
    t->init = init;
  }
  if (!bind(s, d->name, t, d->at)) return false;
  binding *b = &s->bound[s->n_bound - 1];
  b->complete = true;
  b->kept = d->is_state;
  const bool table = s->o->op->kind == OP_LOSS;
  b->given = !d->is_state || table;
  if (table) fill_table(s, t);
  return true;
}

/* --- the result --- */

static bool make_result(instantiation *s) {
  instance *o = s->o;
  const opdef *op = o->op;
  if (op->kind == OP_OPTIMIZER) {
    binding *b = find_bound(s, op->out);
    if (!b) {
      diag_error(o->d, op->at, NULL, "an optimizer's result is its first argument");
      return false;
    }
    b->given = false;
    b->kept = true;
    o->out = b->t;
    return true;
  }
  int rank = op->out_every ? o->in[0]->rank : op->n_out_dim;
  int64_t dim[MAX_DIMS];
  for (int d = 0; d < rank; d++) {
    if (op->out_every) dim[d] = o->in[0]->dim[d];
    else if (!constant_value(s, op->out_dim[d], &dim[d])) return false;
  }
  o->out = tensor_new(o->p, o->result, o->result_role, rank, dim);
  o->out->node = o->node;
  return bind(s, op->out, o->out, op->at);
}

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
  if (!b && !bind(s, lhs->name, t, lhs->at)) return NULL;
  return find_bound(s, lhs->name);
}

/* --- which elements have been written --- */

static void hit_values(const nest *n, const affine *x, int ax, int64_t at, bool *hit,
                       int64_t *count) {
  while (ax < n->n_axis && !x->k[ax]) ax++;
  if (ax == n->n_axis) {
    *count += !hit[at];
    hit[at] = true;
    return;
  }
  for (int64_t i = 0; i < n->axis[ax].extent; i++)
    hit_values(n, x, ax + 1, at + i * x->k[ax], hit, count);
}

static written_part part_of(instantiation *s) {
  written_part p = {0};
  for (int d = 0; d < s->target->rank; d++) {
    p.hit[d] = NEW_N(s->mem, bool, s->target->dim[d]);
    hit_values(s->n, s->at.ix[d], 0, s->at.ix[d]->c, p.hit[d], &p.count[d]);
    aff_range(s->n, s->at.ix[d], &p.least[d], &p.most[d]);
  }
  return p;
}

/* Indices out of range read nothing. */
static void read_values(const nest *n, const affine *x, int ax, int64_t at, int64_t extent,
                        bool *hit) {
  while (ax < n->n_axis && !x->k[ax]) ax++;
  if (ax == n->n_axis) {
    if (at >= 0 && at < extent) hit[at] = true;
    return;
  }
  for (int64_t i = 0; i < n->axis[ax].extent; i++)
    read_values(n, x, ax + 1, at + i * x->k[ax], extent, hit);
}

/* Is all of p's dimension d in q's? Where there are thousands of parts, their ends tell most. */
static bool inside(const written_part *p, const written_part *q, int d) {
  if (p->least[d] < q->least[d] || p->most[d] > q->most[d]) return false;
  for (int64_t i = p->least[d]; i <= p->most[d]; i++)
    if (p->hit[d][i] && !q->hit[d][i]) return false;
  return true;
}

/* What is read of dimension d, of n values; false: nothing. */
static bool note_read(instantiation *s, written_part *p, int d, const affine *ix, int64_t n) {
  p->hit[d] = NEW_N(s->mem, bool, n);
  read_values(s->n, ix, 0, ix->c, n, p->hit[d]);
  p->least[d] = n, p->most[d] = -1;
  for (int64_t i = 0; i < n; i++) {
    if (!p->hit[d][i]) continue;
    if (p->most[d] < 0) p->least[d] = i;
    p->most[d] = i;
  }
  return p->most[d] >= 0;
}

bool reads_written(instantiation *s, const binding *b, const access *rd) {
  written_part p = {0};
  bool any = true;
  for (int d = 0; d < b->t->rank; d++) any &= note_read(s, &p, d, rd->ix[d], b->t->dim[d]);
  for (int i = 0; any && i < b->n_part; i++) {
    bool in = true;
    for (int d = 0; in && d < b->t->rank; d++) in = inside(&p, &b->part[i], d);
    if (in) return true;
  }
  s->nothing |= !any;
  return !any;
}

static bool meets(const tensor *t, const written_part *p, const written_part *q) {
  for (int d = 0; d < t->rank; d++)
    if (p->least[d] > q->most[d] || q->least[d] > p->most[d]) return false;
  for (int d = 0; d < t->rank; d++) {
    bool any = false;
    for (int64_t i = p->least[d]; i <= p->most[d] && !any; i++) any = p->hit[d][i] && q->hit[d][i];
    if (!any) return false;
  }
  return true;
}

static bool overlaps(const binding *b, const written_part *p) {
  for (int i = 0; i < b->n_part; i++)
    if (meets(b->t, &b->part[i], p)) return true;
  return false;
}

static void count_written(instantiation *s, binding *b, const written_part *p) {
  int64_t n = 1;
  for (int d = 0; d < b->t->rank; d++) n *= p->count[d];
  PUSH(s->mem, b->part, b->n_part, *p);
  b->written += n;
  b->complete |= b->written == tensor_elements(b->t);
}

/* Does the statement add to what an earlier one left there? False after an error in *ok. */
static bool accumulates(instantiation *s, const opstmt *st, binding *b, bool *ok) {
  *ok = true;
  if (b->kept) return st->comb != COMB_SET;
  if (!s->n->canonical) { /* a scatter clears the whole tensor first, or adds to all of it */
    *ok = b->complete || !b->n_part;
    bool adds = b->complete;
    if (!*ok) diag_error(s->o->d, st->at, NULL, "`%s` is only written in part so far", b->name);
    b->complete = true;
    b->written = tensor_elements(b->t);
    return adds;
  }
  if (b->complete && !b->n_part && st->comb != COMB_SET) return true; /* after a scatter */
  written_part p = part_of(s);
  if (!b->complete && !overlaps(b, &p)) {
    count_written(s, b, &p);
    return false;
  }
  *ok = st->comb == COMB_SUM && b->complete;
  if (!*ok)
    diag_error(s->o->d, st->at, "only `+=` may add to elements that are complete",
               "elements of `%s` are written a second time", b->name);
  return true;
}

/* --- statements --- */

/* Does the statement skip elements between those that it writes? */
static bool has_gaps(instantiation *s) {
  written_part p = part_of(s);
  for (int d = 0; d < s->target->rank; d++) {
    int64_t lo, hi;
    aff_range(s->n, s->at.ix[d], &lo, &hi);
    if (p.count[d] < hi - lo + 1) return true;
  }
  return false;
}

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
  append(s->o, n);
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

static bool check_result(instantiation *s) {
  binding *b = find_bound(s, s->o->op->out);
  if (b->complete) return true;
  diag_error(s->o->d, s->o->op->at, NULL, "not every element of `%s` is written", b->name);
  return false;
}

static bool run(instantiation *s) {
  const opdef *op = s->o->op;
  if (!define_settings(s)) return false;
  for (int i = 0; i < s->o->n_in; i++)
    if (!bind_input(s, i)) return false;
  if (!define_rank(s) || !define_lets(s)) return false;
  for (int i = 0; i < op->n_decl; i++)
    if (!declare(s, &op->decl[i])) return false;
  return make_result(s) && lower_statements(s, op->body) &&
         lower_statements(s, s->o->train ? op->train : op->infer) && check_result(s);
}

bool instantiate(instance *o) {
  instantiation s = {.o = o, .mem = o->p->mem, .ex = o->p->ex};
  o->first = o->last = NULL;
  bool ok = run(&s);
  if (!ok && o->node) diag_note(o->d, o->node->at, "used here");
  return ok;
}
