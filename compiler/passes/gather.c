/* gather: every nest writes each element of its output once. A scatter
     d.x[n, i*s+u*d-p, ..] += term
   is solved, dimension by dimension, for a fresh axis h over the whole extent of the output:
     s == 1: i = h - u*d + p is put in place of i;
     s > 1:  h = s*h' + r for each residue r; of the other axes only those classes u = u0 + m*u'
             remain for which s divides what is left: again affine, with unit step.
   Where i then leaves its range, the term contributes nothing: by a read with the same index, or
   by a guard. Elements that no class reaches are filled with zeros.
   A dimension that is written once, if only in part (a slice of channels), needs no solving: what
   is left of it is filled with zeros, and the part is written as it is. */
#include "base/internal.h"
#include "nest/effects.h"
#include "passes.h"
#include <stdlib.h>
#include <string.h>

/* While a scatter is solved, output axes that have their place carry reduce == false. */
typedef struct {
  nestprog *p;
  nest **tail; /* where the next finished nest is linked */
} gathering;

static int64_t gcd(int64_t a, int64_t b) { return b ? gcd(b, a % b) : llabs(a); }

static int64_t modulo(int64_t a, int64_t m) { return (a % m + m) % m; }

/* --- substituting an axis --- */

/* Replaces axis ax by an affine expression everywhere in n. */
static void substitute(nest *n, int ax, affine by) {
  axis_map m = axes_kept();
  m.to[ax] = by;
  nest_map(n, &m);
}

/* --- axes --- */

static const char *fresh_name(nestprog *p, const nest *n, int dim) {
  static const char *const usual[] = {"n", "h", "w", "c", "d", "e"};
  const char *name = usual[dim];
  for (int a = 0; a < n->n_axis; a++)
    if (!strcmp(n->axis[a].name, name)) {
      name = arena_printf(p->mem, "%s'", name);
      a = -1;
    }
  return name;
}

static int add_output_axis(nestprog *p, nest *n, int dim, int64_t extent) {
  if (n->n_axis == MAX_AXES) internal_error(n->name, "a nest of too many axes");
  n->axis[n->n_axis] = (axis){fresh_name(p, n, dim), extent, false};
  return n->n_axis++;
}

/* How often axis ax stands in the output's dimensions. */
static int uses(const nest *n, int ax) {
  int k = 0;
  for (int d = 0; d < n->store[0].out.t->rank; d++) k += n->store[0].out.ix[d]->k[ax] != 0;
  return k;
}

/* Axes of dimension `dim` that may still be solved for. */
static int free_axes(const nest *n, const affine *x, int *list) {
  int k = 0;
  for (int a = 0; a < n->n_axis; a++)
    if (x->k[a] && n->axis[a].reduce) list[k++] = a;
  return k;
}

/* What the index of a dimension reaches: [lo, hi], by so many points. */
typedef struct {
  int64_t lo, hi, points;
} reach;

static reach reach_of(const nest *n, int dim) {
  const affine *x = n->store[0].out.ix[dim];
  reach r = {.points = 1};
  for (int a = 0; a < n->n_axis; a++)
    if (x->k[a]) r.points *= n->axis[a].extent;
  aff_range(n, x, &r.lo, &r.hi);
  return r;
}

/* Is no element of the dimension reached twice? */
static bool one_to_one(const nest *n, const affine *x, int64_t extent) {
  nest only = *n;
  tensor line = {.rank = 1, .dim = {extent}};
  access at = {&line, &x};
  for (int a = 0; a < n->n_axis; a++) only.axis[a].reduce = !x->k[a];
  return output_once(&only, &at);
}

/* Is dimension `dim` written once, in range, by axes that stand nowhere else? Then they are output
   axes as they are. (Elements a step apart along one axis are a class, where the others need
   zeros.)
 */
static bool direct(const nest *n, int dim, bool onto) {
  const access *out = &n->store[0].out;
  const affine *x = out->ix[dim];
  reach r = reach_of(n, dim);
  int count = 0;
  for (int a = 0; a < n->n_axis; a++) {
    if (!x->k[a]) continue;
    if (!n->axis[a].reduce || uses(n, a) > 1) return false;
    count++;
  }
  if (r.lo < 0 || r.hi >= out->t->dim[dim]) return false;
  if (count <= 1) return onto || r.points == r.hi - r.lo + 1;
  return one_to_one(n, x, out->t->dim[dim]);
}

/* --- choosing the axis to solve for --- */

/* Has some read of a gradient the axis as the whole index of a dimension? */
static bool stands_alone(const nest *n, int ax) {
  reads r = reads_of_term(n);
  for (int i = 0; i < r.n; i++) {
    const access *x = &r.read[i]->rd;
    for (int d = 0; x->t->grad_of && d < x->t->rank; d++)
      if (aff_is(x->ix[d], aff_axis(ax, 1))) return true;
  }
  return false;
}

/* Solving for an axis of the forward result keeps the loops over the small window. */
static int64_t merit(const nest *n, int ax) {
  bool alone = n->axis[ax].extent > 1 && stands_alone(n, ax);
  return n->axis[ax].extent + (alone ? INT32_MAX : 0);
}

static int choose_axis(const nest *n, const int *list, int k) {
  int best = list[0];
  for (int i = 1; i < k; i++)
    if (merit(n, list[i]) > merit(n, best)) best = list[i];
  return best;
}

/* --- finishing --- */

/* Marks the axes along which some read's last dimension runs. */
static void mark_contiguous(const nest *n, bool *rows) {
  reads r = reads_of_term(n);
  for (int i = 0; i < r.n; i++) {
    const access *x = &r.read[i]->rd;
    for (int a = 0; x->t->rank && a < MAX_AXES; a++)
      if (x->ix[x->t->rank - 1]->k[a]) rows[a] = true;
  }
}

/* Output axes first, in the order of the output's dimensions; then the others as they were, but
   those along rows of memory innermost. A fill with zeros has no others. */
static void order_axes(nest *n) {
  bool zero = n->term->kind == E_CONST && n->term->num == 0;
  axis_map map = {.n = n->n_axis};
  axis sorted[MAX_AXES];
  int k = 0;
  bool placed[MAX_AXES] = {0}, rows[MAX_AXES] = {0};
  const access *out = &n->store[0].out;
  for (int d = 0; d < out->t->rank; d++)
    for (int a = 0; a < n->n_axis; a++)
      if (out->ix[d]->k[a] && !placed[a])
        placed[a] = true, map.to[a] = aff_axis(k, 1), sorted[k++] = n->axis[a];
  mark_contiguous(n, rows);
  for (int last = 0; last < 2; last++)
    for (int a = 0; a < n->n_axis; a++)
      if (!placed[a] && !zero && rows[a] == last)
        map.to[a] = aff_axis(k, 1), sorted[k++] = n->axis[a];
  memcpy(n->axis, sorted, sizeof *sorted * (size_t)k);
  n->n_axis = k;
  nest_map(n, &map);
}

/* Guards that always hold, or that a read repeats, say nothing. */
static void drop_guards(nest *n) {
  int had = n->n_guard;
  n->n_guard = 0;
  for (int g = 0; g < had; g++) {
    guard x = n->guard[g];
    int64_t lo, hi;
    aff_range(n, x.ix, &lo, &hi);
    bool idle = lo >= 0 && hi < x.extent;
    if (!idle && !nest_has_guard(n, x.ix, x.extent) && !reads_range(n, x.ix, x.extent))
      n->guard[n->n_guard++] = x;
  }
}

static void finish(gathering *g, nest *n, bool onto) {
  expr *acc = e_acc(n->ex);
  order_axes(n);
  drop_guards(n);
  if (onto) acc = e_op(n->ex, E_ADD, e_read(n->ex, n->store[0].out), acc, NULL);
  n->store[0].value = acc;
  if (!reduces(n)) n->red = R_SET;
  n->canonical = true;
  *g->tail = n;
  g->tail = &n->next;
}

/* --- solving --- */

/* Zeros for the elements from, from + step .. below `to` of dimension dim, over all of the later
   dimensions. */
static void zero_fill(gathering *g, const nest *n, int dim, int64_t from, int64_t to,
                      int64_t step) {
  if (from >= to) return;
  nest *z = nest_copy(n);
  access *out = &z->store[0].out;
  for (int d = dim; d < out->t->rank; d++) {
    int64_t k = d == dim ? step : 1, c = d == dim ? from : 0, end = d == dim ? to : out->t->dim[d];
    int h = add_output_axis(g->p, z, d, (end - c + k - 1) / k);
    *out = access_with(z->ex, *out, d, aff_add(aff_const(c), aff_axis(h, k)));
  }
  z->term = e_const(z->ex, 0);
  z->n_guard = 0;
  finish(g, z, false);
}

static void solve(gathering *g, nest *n, int dim, bool onto);

/* Dimension dim has no axis left to solve for: its index is known, and h must meet it. */
static void meet(gathering *g, nest *n, int dim, bool onto) {
  access *out = &n->store[0].out;
  affine known = *out->ix[dim];
  int h = add_output_axis(g->p, n, dim, out->t->dim[dim]);
  *out = access_with(n->ex, *out, dim, aff_axis(h, 1));
  nest_guard(n, aff_add(aff_axis(h, 1), aff_scale(known, -1)), 1);
  solve(g, n, dim + 1, onto);
}

/* Splits axis b into its class b = b0 + m*b'. False if the class is empty. */
static bool take_class(nest *n, int b, int64_t b0, int64_t m) {
  axis *ax = &n->axis[b];
  if (b0 >= ax->extent) return false;
  ax->extent = (ax->extent - b0 + m - 1) / m;
  if (b0 || m > 1) substitute(n, b, aff_add(aff_const(b0), aff_axis(b, m)));
  return true;
}

typedef struct {
  int dim, ax;
  int64_t step, r; /* the class h = step*h' + r; step is the coefficient of ax */
  bool *reached;   /* by an earlier combination of classes */
} target_class;

/* All other axes are in one class each: ax = h' + (r - rest) / step. */
static void solve_class(gathering *g, nest *n, const target_class *c, bool onto) {
  access *out = &n->store[0].out;
  affine rest = *out->ix[c->dim], by;
  axis *ax = &n->axis[c->ax];
  int64_t extent = ax->extent;
  rest.k[c->ax] = 0;
  by = aff_add(aff_const(c->r), aff_scale(rest, -1));
  by.c /= c->step;
  for (int a = 0; a < MAX_AXES; a++) by.k[a] /= c->step;
  by = aff_add(by, aff_axis(c->ax, 1)); /* from here on the axis is h' */
  ax->name = "";
  ax->name = fresh_name(g->p, n, c->dim);
  ax->extent = (out->t->dim[c->dim] - c->r + c->step - 1) / c->step;
  ax->reduce = false;
  substitute(n, c->ax, by);
  nest_guard(n, by, extent);
  *out = access_with(n->ex, *out, c->dim, aff_add(aff_const(c->r), aff_axis(c->ax, c->step)));
  bool first = !*c->reached;
  *c->reached = true;
  solve(g, n, c->dim + 1, onto || !first);
}

/* Goes through the classes of the other free axes for which step divides r - rest. */
static void split_axes(gathering *g, const nest *n, const target_class *c, const int *list,
                       int n_list, bool onto) {
  if (!n_list) {
    const affine *x = n->store[0].out.ix[c->dim];
    if (modulo(c->r - x->c, c->step)) return;
    nest *one = nest_copy(n);
    solve_class(g, one, c, onto);
    return;
  }
  int b = list[0];
  if (b == c->ax) {
    split_axes(g, n, c, list + 1, n_list - 1, onto);
    return;
  }
  int64_t m = c->step / gcd(n->store[0].out.ix[c->dim]->k[b], c->step);
  for (int64_t b0 = 0; b0 < m; b0++) {
    nest *one = nest_copy(n);
    if (take_class(one, b, b0, m)) split_axes(g, one, c, list + 1, n_list - 1, onto);
  }
}

/* Counts a falling axis upwards instead, so that its coefficient is positive. */
static void flip(nest *n, int ax) {
  affine by = aff_add(aff_const(n->axis[ax].extent - 1), aff_axis(ax, -1));
  substitute(n, ax, by);
}

/* Coefficients of axes already on the output side must be multiples of step; else they are met. */
static bool solvable(const nest *n, const affine *x, int ax) {
  for (int a = 0; a < n->n_axis; a++)
    if (x->k[a] && !n->axis[a].reduce && x->k[a] % x->k[ax]) return false;
  return true;
}

static void solve_dim(gathering *g, nest *n, int dim, bool onto) {
  access *out = &n->store[0].out;
  int list[MAX_AXES], k = free_axes(n, out->ix[dim], list);
  int ax = k ? choose_axis(n, list, k) : -1;
  if (ax < 0 || !solvable(n, out->ix[dim], ax)) {
    meet(g, n, dim, onto);
    return;
  }
  if (out->ix[dim]->k[ax] < 0) flip(n, ax);
  int64_t step = out->ix[dim]->k[ax];
  for (int64_t r = 0; r < step && r < out->t->dim[dim]; r++) {
    bool reached = false;
    target_class c = {dim, ax, step, r, &reached};
    split_axes(g, n, &c, list, k, onto);
    if (!reached && !onto) zero_fill(g, n, dim, r, out->t->dim[dim], step);
  }
}

/* Zeros for what n leaves out of dimension dim; for all of it where that is no slice. */
static void fill_rest(gathering *g, const nest *n, int dim) {
  reach r = reach_of(n, dim);
  int64_t extent = n->store[0].out.t->dim[dim];
  bool slice = r.points == r.hi - r.lo + 1;
  zero_fill(g, n, dim, 0, slice ? r.lo : extent, 1);
  if (slice) zero_fill(g, n, dim, r.hi + 1, extent, 1);
}

static void solve(gathering *g, nest *n, int dim, bool onto) {
  const access *out = &n->store[0].out;
  if (dim == out->t->rank) {
    finish(g, n, onto);
    return;
  }
  if (!direct(n, dim, onto)) {
    solve_dim(g, n, dim, onto);
    return;
  }
  if (!onto) fill_rest(g, n, dim);
  for (int a = 0; a < n->n_axis; a++)
    if (out->ix[dim]->k[a]) n->axis[a].reduce = false;
  solve(g, n, dim + 1, onto);
}

/* Returns the link behind the nests that replace n. */
static nest **gather_nest(nestprog *p, nest **link, nest *n) {
  gathering g = {p, link};
  nest *next = n->next, *s = nest_copy(n);
  bool onto = n->store[0].value->kind != E_ACC;
  for (int a = 0; a < s->n_axis; a++) s->axis[a].reduce = true;
  solve(&g, s, 0, onto);
  *g.tail = next;
  return g.tail;
}

void gather(nestprog *p) {
  nest **link = &p->nests;
  while (*link) {
    if ((*link)->canonical) link = &(*link)->next;
    else link = gather_nest(p, link, *link);
  }
  p->stage = "gather";
}
