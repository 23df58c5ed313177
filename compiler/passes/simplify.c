/* simplify: unit axes, constant and fixed factors of sums, copies, constant tensors, dead nests.
   Fixes the arithmetic: later passes move expressions but do not change them. */
#include "nest/algebra.h"
#include "nest/loops.h"
#include "passes.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- axes of one point --- */

static void drop_unit_axes(nest *n) {
  axis_map m = {.n = n->n_axis};
  int k = 0;
  for (int a = 0; a < n->n_axis; a++) {
    if (n->axis[a].extent == 1) continue;
    m.to[a] = aff_axis(k, 1);
    n->axis[k++] = n->axis[a];
  }
  if (k == n->n_axis) return;
  n->n_axis = k;
  nest_map(n, &m);
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

static bool never_in_range(const nest *n) {
  reads r = reads_of_term(n);
  for (int g = 0; g < n->n_guard; g++)
    if (always_outside(n, n->guard[g].ix, n->guard[g].extent)) return true;
  for (int i = 0; i < r.n; i++) {
    const access *x = &r.read[i]->rd;
    for (int d = 0; d < x->t->rank; d++)
      if (always_outside(n, x->ix[d], x->t->dim[d])) return true;
  }
  return false;
}

/* Every window lies in the padding: nothing is read, and the sum has no term. */
static void drop_void_term(nest *n) {
  if (!never_in_range(n)) return;
  n->n_guard = 0;
  n->term = e_const(n->ex, n->red == R_MAX ? -INFINITY : 0);
}

/* --- factors that do not change along the reduction --- */

static bool depends_on_reduction(const nest *n, expr *e) {
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce && e->axes >> a & 1) return true;
  return false;
}

/* A sum's term taken apart into factors and divisors. */
typedef struct {
  exprs *g;
  const nest *n;
  double number; /* constant factor */
  int n_fixed, n_fixed_divisor, n_left, n_divisor;
  expr **fixed, **fixed_divisor, **left, **divisor;
} product;

enum { MANY_FACTORS = 12 }; /* from here on products stay as they are: shared ones would multiply */

static bool fixed_factor(const product *f, expr *e) {
  return !depends_on_reduction(f->n, e) && !may_leave(f->n, e);
}

static void take_apart(product *f, expr *e, bool divisor) {
  int found = f->n_fixed + f->n_fixed_divisor + f->n_left + f->n_divisor;
  arena *mem = exprs_arena(f->g);
  if (e->kind == E_CONST && !(divisor && e->num == 0)) {
    f->number = divisor ? f->number / e->num : f->number * e->num;
  } else if (e->kind == E_NEG) {
    f->number = -f->number;
    take_apart(f, e->a[0], divisor);
  } else if (found <= MANY_FACTORS && (e->kind == E_MUL || e->kind == E_DIV)) {
    take_apart(f, e->a[0], divisor);
    take_apart(f, e->a[1], divisor != (e->kind == E_DIV));
  } else if (fixed_factor(f, e)) {
    if (divisor) PUSH(mem, f->fixed_divisor, f->n_fixed_divisor, e);
    else PUSH(mem, f->fixed, f->n_fixed, e);
  } else if (divisor) {
    PUSH(mem, f->divisor, f->n_divisor, e);
  } else {
    PUSH(mem, f->left, f->n_left, e);
  }
}

static expr *put_together(product *f) {
  expr *e = f->n_left ? f->left[0] : e_const(f->g, 1);
  for (int i = 1; i < f->n_left; i++) e = alg_op(f->g, E_MUL, e, f->left[i], NULL);
  for (int i = 0; i < f->n_divisor; i++) e = alg_op(f->g, E_DIV, e, f->divisor[i], NULL);
  return e;
}

static expr *scaled_acc(product *f) {
  expr *e = e_acc(f->g);
  for (int i = 0; i < f->n_fixed; i++) e = alg_op(f->g, E_MUL, e, f->fixed[i], NULL);
  for (int i = 0; i < f->n_fixed_divisor; i++)
    e = alg_op(f->g, E_DIV, e, f->fixed_divisor[i], NULL);
  return alg_op(f->g, E_MUL, e, e_const(f->g, f->number), NULL);
}

static expr *replace_acc(exprs *g, expr *e, expr *const *a, void *by) {
  if (e->kind == E_ACC) return by;
  return scalar_arity(e->kind) ? alg_op(g, e->kind, a[0], a[1], a[2]) : e;
}

/* sum(c * term) = c * sum(term): products of two reads stay products of two reads. */
static void hoist_factors(exprs *g, nest *n) {
  product f = {.g = g, .n = n, .number = 1};
  if (n->red != R_SUM) return;
  take_apart(&f, n->term, false);
  if (f.number == 1 && !f.n_fixed && !f.n_fixed_divisor) return;
  n->term = put_together(&f);
  expr *acc = scaled_acc(&f);
  for (int s = 0; s < n->n_store; s++)
    n->store[s].value = expr_rewrite(g, n->store[s].value, replace_acc, (void *)acc);
}

/* --- one nest --- */

/* A sum of equal constants is a product. */
static void count_constant(exprs *g, nest *n) {
  int64_t points = 1;
  int k = 0;
  if (n->red == R_MAX || n->term->kind != E_CONST || n->n_guard || !reduces(n)) return;
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce) points *= n->axis[a].extent;
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce) k++;
    else if (k < a) return; /* output axes come first */
  n->n_axis = k;
  n->term = e_const(g, n->term->num * (n->red == R_SUM ? (double)points : 1));
}

static void simplify_nest(nest *n) {
  exprs *g = n->ex;
  drop_unit_axes(n);
  drop_idle_guards(n);
  drop_void_term(n);
  change_term(n, alg_simplify(g, n->term));
  for (int s = 0; s < n->n_store; s++) n->store[s].value = alg_simplify(g, n->store[s].value);
  if (reduces(n)) hoist_factors(g, n);
  count_constant(g, n);
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
} forwards;

static bool whole_identity(const nest *n, const access *x) {
  int64_t points = 1;
  if (n->n_guard || reduces(n) || !covers_in_order(n, x)) return false;
  for (int a = 0; a < n->n_axis; a++) points *= n->axis[a].extent;
  return points == tensor_elements(x->t);
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
static access read_instead(exprs *g, const access *x, tensor *to) {
  affine ix[MAX_DIMS] = {{0}};
  int i = 0;
  for (int d = next_dim(to, 0); d < to->rank; d = next_dim(to, d + 1)) {
    i = next_dim(x->t, i);
    ix[d] = *x->ix[i++];
  }
  return access_of(g, to, ix);
}

static void note_read(forwards *f, const access *x) {
  f->of[x->t->id].read = f->at;
  f->of[x->t->id].leaves |= access_may_leave(f->n, x);
  for (int d = 0; d < x->t->rank; d++)
    f->of[x->t->id].bends |= x->t->dim[d] == 1 && !aff_is(x->ix[d], aff_const(0));
}

static bool affected(const forwards *f, const nest *n) {
  reads r = reads_of(n);
  for (int i = 0; i < r.n; i++)
    if (f->of[r.read[i]->rd.t->id].replaced) return true;
  return false;
}

static expr *replace_read(exprs *g, expr *e, expr *const *a, void *arg) {
  const forwards *f = arg;
  if (e->kind == E_READ && f->of[e->rd.t->id].replaced) {
    const forwarding *r = &f->of[e->rd.t->id];
    return r->to ? e_read(g, read_instead(g, &e->rd, r->to)) : e_const(g, r->value);
  }
  return scalar_arity(e->kind) ? alg_op(g, e->kind, a[0], a[1], a[2]) : e;
}

static void read_forwarded(forwards *f, nest *n) {
  if (!affected(f, n)) return;
  nest_rewrite(n, replace_read, f);
  simplify_nest(n);
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
  if (n->term->kind != E_READ) return;
  const access *x = &n->term->rd;
  if (!same_shape(x->t, t) || !whole_identity(n, x)) return;
  if (r->bends || !lasts(f, x->t, t)) return;
  if (f->of[x->t->id].read < r->read) f->of[x->t->id].read = r->read;
  r->to = x->t;
  r->replaced = true;
}

static void scan_program(forwards *f) {
  f->at = 0;
  for (const nest *n = f->p->nests; n; n = n->next, f->at++) {
    f->n = n;
    reads r = reads_of(n);
    for (int i = 0; i < r.n; i++) note_read(f, &r.read[i]->rd);
    for (int s = 0; s < n->n_store; s++) {
      f->of[n->store[s].out.t->id].writers++;
      f->of[n->store[s].out.t->id].last = f->at;
    }
  }
}

/* Nests of a loop read, of the steps before, what nests behind them copy. */
static void reread_loop(forwards *f, nest *first, const nest *last) {
  for (nest *n = first; n != last; n = n->next) read_forwarded(f, n);
}

static void forward_copies(nestprog *p, arena *scratch) {
  forwards f = {.p = p, .of = NEW_N(scratch, forwarding, p->n_tensor)};
  nest *loop = NULL;
  scan_program(&f);
  f.at = 0;
  for (nest *n = p->nests; n; n = n->next, f.at++) {
    f.n = n;
    if (!loop || loop->loop != n->loop) loop = n->loop ? n : NULL;
    read_forwarded(&f, n);
    note_forwarding(&f);
    if (loop && n == loop_last(n)) reread_loop(&f, loop, n);
  }
}

/* --- dead nests --- */

static bool outlives(const tensor *t) { return t->role != T_TEMP; }

/* Does the nest add zeros to what is there? */
static bool idle(const nest *n) {
  const expr *v = n->store[0].value;
  return n->n_store == 1 && expr_is(n->term, 0) && v->kind == E_ADD && v->a[0]->kind == E_READ &&
         access_equal(&v->a[0]->rd, &n->store[0].out) && v->a[1]->kind == E_ACC;
}

static bool is_live(const nest *n, const bool *used) {
  bool live = false;
  for (int s = 0; s < n->n_store; s++)
    live |= outlives(n->store[s].out.t) || used[n->store[s].out.t->id];
  return live && !idle(n);
}

/* Marks what n reads; is any of it new? */
static bool mark_read(const nest *n, bool *used) {
  bool more = false;
  reads r = reads_of(n);
  for (int i = 0; i < r.n; i++) {
    more |= !used[r.read[i]->rd.t->id];
    used[r.read[i]->rd.t->id] = true;
  }
  return more;
}

/* What nests of a loop read, others of the loop may write behind them: until nothing is new. */
static void mark_loop(nest *const *list, int first, int end, bool *used) {
  for (bool more = true; more;) {
    more = false;
    for (int i = end; i-- > first;)
      if (is_live(list[i], used)) more |= mark_read(list[i], used);
  }
}

/* Unlinks nests whose results nobody reads, from the last to the first. */
static void drop_dead(nestprog *p, arena *scratch) {
  int n_nest = 0;
  nest **list = NULL;
  bool *used = NEW_N(scratch, bool, p->n_tensor);
  for (nest *n = p->nests; n; n = n->next) PUSH(scratch, list, n_nest, n);
  nest *next = NULL;
  for (int i = n_nest, first = n_nest; i--;) {
    nest *n = list[i];
    if (n->loop && i < first) {
      for (first = i; first && list[first - 1]->loop == n->loop;) first--;
      mark_loop(list, first, i + 1, used);
    }
    if (!is_live(n, used)) continue;
    n->next = next;
    next = n;
    mark_read(n, used);
  }
  p->nests = next;
}

void simplify(nestprog *p) {
  arena *scratch = arena_new();
  for (nest *n = p->nests; n; n = n->next) simplify_nest(n);
  forward_copies(p, scratch);
  drop_dead(p, scratch);
  merge_sums(p, scratch);
  arena_free(scratch);
}
