/* The right-hand sides of an operator's statements: indices and scalar expressions. */
#include "instantiate.h"
#include "base/nearest_word.h"
#include "base/same.h"
#include "lang/syntax.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

bool is_constant_name(const instantiation *s, const char *name) {
  for (int i = 0; i < s->env.n; i++)
    if (same_name(s->env.name[i], name)) return true;
  return false;
}

int find_axis(const nest *n, const char *name) {
  for (int a = 0; a < n->n_axis; a++)
    if (same_name(n->axis[a].name, name)) return a;
  return -1;
}

binding *find_bound(instantiation *s, const char *name) {
  for (int i = 0; i < s->n_bound; i++)
    if (same_name(s->bound[i].name, name)) return &s->bound[i];
  return NULL;
}

bool constant_value(instantiation *s, const xexpr *x, int64_t *out) {
  double v;
  if (!xexpr_eval(x, &s->env, s->o->d, &v)) return false;
  if (v != floor(v) || fabs(v) > 1e12) {
    diag_error(s->o->d, x->at, NULL, "a whole number is needed here, and this is %g", v);
    return false;
  }
  *out = (int64_t)v;
  return true;
}

bool is_constant(const instantiation *s, const xexpr *x) {
  if (x->kind == X_READ) return false;
  if (x->kind == X_NAME)
    return find_axis(s->n, x->name) < 0 && (strcmp(x->name, "lr") || is_constant_name(s, x->name));
  if (x->kind == X_CALL && !strcmp(x->name, "rand")) return false;
  for (int i = 0; i < x->n; i++)
    if (!is_constant(s, x->arg[i])) return false;
  return true;
}

/* --- indices --- */

/* Within these bounds nothing overflows that is made of indices: offsets, borders, classes. */
static const double max_index = 1099511627776; /* 2^40; of a whole tensor: times the batch */

/* Is every number of x, times k, small enough? */
static bool small_index(instantiation *s, const xexpr *at, const affine *x, double k) {
  double most = fabs((double)x->c);
  for (int a = 0; a < s->n->n_axis; a++) most = fmax(most, fabs((double)x->k[a]));
  if (most * fabs(k) <= max_index) return true;
  diag_error(s->o->d, at->at, NULL, "this index grows to %.3g: at most %.3g", most * fabs(k),
             max_index);
  return false;
}

static bool not_affine(instantiation *s, const xexpr *x) {
  diag_error(s->o->d, x->at, "for example `i*s+u-p`",
             "an index is a sum of axes, each times a constant");
  return false;
}

static bool lower_product(instantiation *s, const xexpr *x, affine *out) {
  bool first = is_constant(s, x->arg[0]);
  int64_t k;
  if (!first && !is_constant(s, x->arg[1])) return not_affine(s, x);
  if (!constant_value(s, x->arg[first ? 0 : 1], &k)) return false;
  if (!lower_index(s, x->arg[first ? 1 : 0], out)) return false;
  if (!small_index(s, x, out, (double)k)) return false;
  *out = aff_scale(*out, k);
  return true;
}

bool lower_index(instantiation *s, const xexpr *x, affine *out) {
  affine y;
  int64_t c;
  if (is_constant(s, x)) {
    if (!constant_value(s, x, &c)) return false;
    *out = aff_const(c);
    return true;
  }
  switch (x->kind) {
  case X_NAME:
    if (find_axis(s->n, x->name) < 0) return not_affine(s, x);
    *out = aff_axis(find_axis(s->n, x->name), 1);
    return true;
  case X_NEG:
    if (!lower_index(s, x->arg[0], out)) return false;
    *out = aff_scale(*out, -1);
    return true;
  case X_ADD:
  case X_SUB:
    if (!lower_index(s, x->arg[0], out) || !lower_index(s, x->arg[1], &y)) return false;
    *out = aff_add(*out, aff_scale(y, x->kind == X_ADD ? 1 : -1));
    return small_index(s, x, out, 1);
  case X_MUL: return lower_product(s, x, out);
  default: return not_affine(s, x);
  }
}

/* The greatest distance of the index from 0. */
static double index_reach(const nest *n, const affine *x) {
  double r = fabs((double)x->c);
  for (int a = 0; a < n->n_axis; a++) r += fabs((double)x->k[a]) * (double)(n->axis[a].extent - 1);
  return r;
}

bool lower_bounded_index(instantiation *s, const xexpr *x, affine *out) {
  if (!lower_index(s, x, out)) return false;
  double reach = index_reach(s->n, out);
  if (reach <= max_index) return true;
  diag_error(s->o->d, x->at, NULL, "this index grows to %.3g: at most %.3g", reach, max_index);
  return false;
}

/* Does the access, written as x, stay within what integers hold? */
static bool check_reach(instantiation *s, const xexpr *x, const access *at) {
  double row = 1, reach = 0, most = max_index * (s->o->p->batch > 1 ? s->o->p->batch : 1);
  for (int d = at->t->rank - 1; d >= 0; d--) {
    reach += index_reach(s->n, at->ix[d]) * row;
    row *= (double)at->t->dim[d];
  }
  if (reach <= most) return true;
  diag_error(s->o->d, x->at, NULL, "the indices of `%s` reach %.3g elements away: at most %.3g",
             x->name, reach, most);
  return false;
}

static bool lower_every(instantiation *s, const xexpr *x, tensor *t, access *out) {
  bool same = s->target && t->rank == s->target->rank;
  for (int d = 0; same && d < t->rank; d++) same = t->dim[d] == s->target->dim[d];
  if (!same) {
    diag_error(s->o->d, x->at, NULL, "`%s[..]` does not have the shape of what is written",
               x->name);
    return false;
  }
  *out = s->at;
  out->t = t;
  return true;
}

bool lower_access(instantiation *s, const xexpr *x, tensor *t, access *out) {
  affine ix[MAX_DIMS];
  if (x->every) return lower_every(s, x, t, out);
  if (x->n != t->rank) {
    diag_error(s->o->d, x->at, NULL, "`%s` has %d dimensions, and %d %s given", x->name, t->rank,
               x->n, x->n == 1 ? "index is" : "indices are");
    return false;
  }
  for (int d = 0; d < x->n; d++)
    if (!lower_bounded_index(s, x->arg[d], &ix[d])) return false;
  *out = access_of(s->ex, t, ix);
  return check_reach(s, x, out);
}

/* --- scalars --- */

static expr *unknown_name(instantiation *s, const xexpr *x) {
  const char *near = NULL, *known[MAX_BINDINGS];
  char help[100];
  for (int i = 0; i < s->n_bound; i++) known[i] = s->bound[i].name;
  if (x->kind == X_READ) near = nearest_word(x->name, known, s->n_bound);
  if (near) snprintf(help, sizeof help, "did you mean `%.60s`?", near);
  diag_error(s->o->d, x->at, near ? help : NULL, "nothing here is called `%s`", x->name);
  return NULL;
}

static expr *read_error(instantiation *s, const xexpr *x, const char *what) {
  diag_error(s->o->d, x->at, NULL, what, x->name);
  return NULL;
}

/* Not even what earlier steps made: where there is none, the whole term would be nothing. */
static expr *read_itself(instantiation *s, const xexpr *x) {
  const char *help = "let the step copy what earlier steps made into another tensor, and read that";
  diag_error(s->o->d, x->at, s->scan ? help : NULL, "`%s` is read by the statement that writes it",
             x->name);
  return NULL;
}

/* A value that a scan has not finished yet: only what earlier steps made of it. */
static expr *read_earlier(instantiation *s, const xexpr *x, const binding *b) {
  access rd;
  if (!s->scan) return read_error(s, x, "`%s` is read before all of it has been written");
  if (!lower_access(s, x, b->t, &rd)) return NULL;
  if (!reads_written(s, b, &rd))
    return read_error(s, x, "`%s` is read before this part of it has been written");
  return e_read(s->ex, rd);
}

static bool writes_name(const opstmt *st, const char *name) {
  for (; st; st = st->next) {
    if (st->lhs && !strcmp(st->lhs->name, name)) return true;
    if (writes_name(st->then, name) || writes_name(st->otherwise, name)) return true;
  }
  return false;
}

bool written_in_scan(const instantiation *s, const char *name) {
  return s->scan && writes_name(s->scan->then, name);
}

/* What the loop makes itself; what is wrong with that is said when the scan is written out. */
static expr *read_in_loop(instantiation *s, const xexpr *x, const binding *b) {
  access rd;
  if (s->step == STEP_SHAPES) return e_const(s->ex, 0);
  if (!b || b->t == s->target || !lower_access(s, x, b->t, &rd)) return NULL;
  binding whole = *b;
  whole.part = b->known;
  whole.n_part = b->n_known;
  return reads_written(s, &whole, &rd) && !s->nothing ? e_read(s->ex, rd) : NULL;
}

static expr *lower_read(instantiation *s, const xexpr *x) {
  binding *b = find_bound(s, x->name);
  access rd;
  if (in_loop(s) && written_in_scan(s, x->name)) return read_in_loop(s, x, b);
  if (in_loop(s) && b && b->kept) return NULL;
  if (!b && written_in_scan(s, x->name)) { /* before the first step there is nothing */
    s->nothing = true;
    return e_const(s->ex, 0);
  }
  if (!b) return unknown_name(s, x);
  if (b->t == s->target && !b->kept) return read_itself(s, x);
  if (!b->complete) return read_earlier(s, x, b);
  if (!lower_access(s, x, b->t, &rd)) return NULL;
  if (b->t == s->target && !access_equal(&rd, &s->at))
    return read_error(s, x, "only the element being written may be read of `%s`");
  return e_read(s->ex, rd);
}

/* rand(): a number of its own for every point of the statement. */
static expr *lower_rand(instantiation *s) {
  affine at = {0};
  int64_t stream = (s->o->node ? s->o->node->id : 0) * 16 + s->n_rand++;
  for (int a = 0; a < s->n->n_axis; a++)
    at = aff_add(aff_scale(at, s->n->axis[a].extent), aff_axis(a, 1));
  return e_rand(s->ex, at, stream);
}

static expr *lower_rate(instantiation *s) {
  affine first = aff_const(0);
  return e_read(s->ex, access_of(s->ex, s->o->p->lr, &first));
}

static expr *lower_name(instantiation *s, const xexpr *x) {
  int ax = find_axis(s->n, x->name);
  if (ax >= 0) return e_index(s->ex, aff_axis(ax, 1));
  for (int i = 0; i < s->env.n; i++)
    if (same_name(s->env.name[i], x->name)) return e_const(s->ex, s->env.v[i]);
  if (!strcmp(x->name, "lr") && s->o->p->lr) return lower_rate(s);
  if (find_bound(s, x->name)) {
    diag_error(s->o->d, x->at, "as in `x[n,h,w,c]`", "`%s` is a tensor and needs indices", x->name);
    return NULL;
  }
  return unknown_name(s, x);
}

static ekind kind_of_operator(xkind k) {
  static const ekind kinds[] = {[X_NEG] = E_NEG, [X_ADD] = E_ADD, [X_SUB] = E_SUB, [X_MUL] = E_MUL,
                                [X_DIV] = E_DIV, [X_EQ] = E_EQ,   [X_NE] = E_NE,   [X_LT] = E_LT,
                                [X_LE] = E_LE,   [X_GT] = E_GT,   [X_GE] = E_GE};
  return kinds[k];
}

/* The scalar function of that name, or E_COUNT after an error. */
static ekind kind_of_call(instantiation *s, const xexpr *x) {
  const char *known[E_COUNT];
  int n = 0;
  for (int k = 0; k < E_COUNT; k++) {
    if (!scalar_callable(k)) continue;
    known[n++] = scalar_word(k);
    if (strcmp(scalar_word(k), x->name)) continue;
    if (scalar_arity(k) == x->n) return k;
    diag_error(s->o->d, x->at, NULL, "`%s` takes %d argument%s, not %d", x->name, scalar_arity(k),
               scalar_arity(k) == 1 ? "" : "s", x->n);
    return E_COUNT;
  }
  const char *near = nearest_word(x->name, known, n);
  char help[100];
  if (near) snprintf(help, sizeof help, "did you mean `%.60s`?", near);
  diag_error(s->o->d, x->at, near ? help : NULL, "there is no function `%s`", x->name);
  return E_COUNT;
}

expr *lower_scalar(instantiation *s, const xexpr *x) {
  expr *a[3] = {0};
  if (x->kind == X_NUM) return e_const(s->ex, x->num);
  if (x->kind == X_NAME) return lower_name(s, x);
  if (x->kind == X_READ) return lower_read(s, x);
  if (x->kind == X_CALL && !strcmp(x->name, "rand") && x->n == 0) return lower_rand(s);
  ekind k = x->kind == X_CALL ? kind_of_call(s, x) : kind_of_operator(x->kind);
  if (k == E_COUNT) return NULL;
  bool constant = true;
  for (int i = 0; i < scalar_arity(k); i++) {
    if (!(a[i] = lower_scalar(s, x->arg[i]))) return NULL;
    constant &= a[i]->kind == E_CONST;
  }
  /* Constants are folded in double here, once, so that 1 - 0.9 is rounded once. */
  if (constant)
    return e_const(s->ex, scalar_value(k, a[0]->num, a[1] ? a[1]->num : 0, a[2] ? a[2]->num : 0));
  return e_op(s->ex, k, a[0], a[1], a[2]);
}
