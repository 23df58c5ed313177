/* gather: every nest writes each element of its output once. A scatter
     d.x[n, i*s+u*d-p, ..] += term
   is solved, dimension by dimension, for a fresh axis h over the whole extent of the output:
     s == 1: i = h - u*d + p is put in place of i;
     s > 1:  h = s*h' + r for each residue r; of the other axes only those classes u = u0 + m*u'
             remain for which s divides what is left: again affine, with unit step.
     Where the classes would be too many, h is met: all axes go over their range, and a guard
     leaves those points whose index is h.
   Where i then leaves its range, the term contributes nothing: by a read with the same index, or
   by a guard. Elements that no class reaches are filled with zeros.
   A dimension that is written once, if only in part (a slice of channels), needs no solving: what
   is left of it is filled with zeros, and the part is written as it is (others do the rest of a
   nest that is marked so).
   The step of a loop stands in a dimension that is written once, and stays the first axis. */
#include "base/internal.h"
#include "nest/effects.h"
#include "passes.h"
#include <stdlib.h>
#include <string.h>

/* While a scatter is solved, output axes that have their place carry reduce == false. */
typedef struct {
  nestprog *p;
  nest **tail; /* where the next finished nest is linked */
  double room; /* combinations of classes that what is left to solve may have */
} gathering;

/* Nests that one scatter may become: with more, dimensions are met. Fills with zeros side by side.
 */
enum { MANY_WAYS = 1024, MANY_FILLS = 16 };

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
  bool zero = expr_is(n->term, 0);
  axis_map map = {.n = n->n_axis};
  axis sorted[MAX_AXES];
  int k = 0;
  bool placed[MAX_AXES] = {0}, rows[MAX_AXES] = {0};
  const access *out = &n->store[0].out;
  if (n->loop) placed[0] = true, map.to[0] = aff_axis(k, 1), sorted[k++] = n->axis[0];
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
  n->part = false;
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

/* Leaves of axis b only the class b = b0 + m*b'. */
static void take_class(nest *n, int b, int64_t b0, int64_t m) {
  axis *ax = &n->axis[b];
  ax->extent = (ax->extent - b0 + m - 1) / m;
  if (b0 || m > 1) substitute(n, b, aff_add(aff_const(b0), aff_axis(b, m)));
}

/* One combination of classes: ax reaches h = step*h' + r when the other free axes of the dimension
   start at `first` of their classes. */
typedef struct {
  int64_t r, first[MAX_AXES];
} combination;

/* Dimension dim solved for axis ax, whose coefficient is step. */
typedef struct {
  const nest *n;
  int dim, ax, n_list, list[MAX_AXES];
  int64_t step;
  int n_way;
  combination *way; /* sorted by r */
} solving;

/* All other axes are in one class each: ax = h' + (r - rest) / step. */
static void solve_class(gathering *g, nest *n, const solving *s, int64_t r, bool onto) {
  access *out = &n->store[0].out;
  affine rest = *out->ix[s->dim], by;
  axis *ax = &n->axis[s->ax];
  int64_t extent = ax->extent;
  rest.k[s->ax] = 0;
  by = aff_add(aff_const(r), aff_scale(rest, -1));
  by.c /= s->step;
  for (int a = 0; a < MAX_AXES; a++) by.k[a] /= s->step;
  by = aff_add(by, aff_axis(s->ax, 1)); /* from here on the axis is h' */
  ax->name = "";
  ax->name = fresh_name(g->p, n, s->dim);
  ax->extent = (out->t->dim[s->dim] - r + s->step - 1) / s->step;
  ax->reduce = false;
  substitute(n, s->ax, by);
  nest_guard(n, by, extent);
  *out = access_with(n->ex, *out, s->dim, aff_add(aff_const(r), aff_axis(s->ax, s->step)));
  solve(g, n, s->dim + 1, onto);
}

/* The classes b = b0 + m*b' of an axis: step divides its coefficient times m. */
static int64_t modulus(const solving *s, int b) {
  return s->step / gcd(s->n->store[0].out.ix[s->dim]->k[b], s->step);
}

static int64_t classes_of(const solving *s, int b) {
  int64_t m = modulus(s, b), extent = s->n->axis[b].extent;
  return b == s->ax ? 1 : m < extent ? m : extent;
}

/* All combinations of the classes of list[at] and so on that reach the output. */
static void combine(gathering *g, solving *s, int at, combination c) {
  const access *out = &s->n->store[0].out;
  if (at == s->n_list) {
    if (c.r >= out->t->dim[s->dim]) return;
    PUSH(g->p->mem, s->way, s->n_way, c);
    for (int i = s->n_way - 1; i > 0 && s->way[i - 1].r > s->way[i].r; i--) {
      s->way[i] = s->way[i - 1];
      s->way[i - 1] = c;
    }
    return;
  }
  int b = s->list[at];
  int64_t k = b == s->ax ? 0 : out->ix[s->dim]->k[b], r = c.r;
  for (int64_t b0 = 0; b0 < classes_of(s, b); b0++) {
    c.first[b] = b0;
    c.r = modulo(r + k * b0, s->step);
    combine(g, s, at + 1, c);
  }
}

static void solve_way(gathering *g, const solving *s, const combination *c, bool onto) {
  nest *one = nest_copy(s->n);
  for (int i = 0; i < s->n_list; i++)
    if (s->list[i] != s->ax)
      take_class(one, s->list[i], c->first[s->list[i]], modulus(s, s->list[i]));
  solve_class(g, one, s, c->r, onto);
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

static void zero_residues(gathering *g, const solving *s, int64_t from, int64_t to) {
  for (int64_t r = from; r < to; r++)
    zero_fill(g, s->n, s->dim, r, s->n->store[0].out.t->dim[s->dim], s->step);
}

/* A nest for every combination; zeros where none reaches: before them all, if that is one nest
   instead of many. */
static void solve_ways(gathering *g, const solving *s, bool onto) {
  int64_t extent = s->n->store[0].out.t->dim[s->dim], next = 0;
  int64_t residues = s->step < extent ? s->step : extent, reached = 0;
  for (int i = 0; i < s->n_way; i++) reached += !i || s->way[i].r != s->way[i - 1].r;
  bool each = !onto && residues - reached <= MANY_FILLS;
  if (!onto && !each) zero_fill(g, s->n, s->dim, 0, extent, 1);
  for (int i = 0; i < s->n_way; i++) {
    int64_t r = s->way[i].r;
    if (each) zero_residues(g, s, next, r);
    solve_way(g, s, &s->way[i], onto || (i && r == s->way[i - 1].r));
    next = r + 1;
  }
  if (each) zero_residues(g, s, next, residues);
}

static void solve_dim(gathering *g, nest *n, int dim, bool onto) {
  access *out = &n->store[0].out;
  solving s = {.n = n, .dim = dim};
  double ways = 1;
  s.n_list = free_axes(n, out->ix[dim], s.list);
  s.ax = s.n_list ? choose_axis(n, s.list, s.n_list) : -1;
  if (s.ax >= 0 && solvable(n, out->ix[dim], s.ax)) {
    if (out->ix[dim]->k[s.ax] < 0) flip(n, s.ax);
    s.step = out->ix[dim]->k[s.ax];
    for (int i = 0; i < s.n_list; i++) ways *= (double)classes_of(&s, s.list[i]);
  }
  if (!s.step || ways > g->room) {
    meet(g, n, dim, onto);
    return;
  }
  combine(g, &s, 0, (combination){.r = modulo(out->ix[dim]->c, s.step)});
  g->room /= ways;
  solve_ways(g, &s, onto);
  g->room *= ways;
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
  if (!direct(n, dim, onto || n->part)) {
    solve_dim(g, n, dim, onto);
    return;
  }
  if (!onto && !n->part) fill_rest(g, n, dim);
  for (int a = 0; a < n->n_axis; a++)
    if (out->ix[dim]->k[a]) n->axis[a].reduce = false;
  solve(g, n, dim + 1, onto);
}

/* Returns the link behind the nests that replace n. */
static nest **gather_nest(nestprog *p, nest **link, nest *n) {
  gathering g = {p, link, MANY_WAYS};
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
