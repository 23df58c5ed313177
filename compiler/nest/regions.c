#include "regions.h"
#include "effects.h"
#include <stdlib.h>
#include <string.h>

/* lo, lo + step .. hi */
typedef struct {
  int64_t lo, hi, step;
} span;

typedef struct {
  span of[MAX_DIMS];
} box;

typedef struct written {
  box at;
  struct written *next;
} written;

struct regions {
  arena *mem;
  written **of;       /* by tensor */
  const nest **first; /* that wrote any of it */
  int64_t *n;         /* elements in its boxes, since it was last asked whether they are all */
  bool *whole;        /* nothing is left to write: its boxes are free */
  written *free;
};

/* Pieces that a question may fall into; beyond them it is not asked. */
enum { MOST_PIECES = 4000, MOST_CLASSES = 64 };

regions *regions_new(arena *mem, int n_tensor) {
  regions *r = NEW(mem, regions);
  r->mem = mem;
  r->of = NEW_N(mem, written *, n_tensor + 1);
  r->first = NEW_N(mem, const nest *, n_tensor + 1);
  r->n = NEW_N(mem, int64_t, n_tensor + 1);
  r->whole = NEW_N(mem, bool, n_tensor + 1);
  return r;
}

static int64_t gcd(int64_t a, int64_t b) { return b ? gcd(b, a % b) : llabs(a); }

/* Where each axis stands while a term counts; at most its extent. */
typedef struct {
  int64_t lo[MAX_AXES], hi[MAX_AXES];
} bounds;

static bounds all_of(const nest *n) {
  bounds b = {0};
  for (int a = 0; a < n->n_axis; a++) b.hi[a] = n->axis[a].extent - 1;
  return b;
}

/* The values of an index. False: they are not all lo .. hi in even steps. */
static bool span_of(const nest *n, const bounds *b, const affine *x, span *s) {
  int64_t k[MAX_AXES], count[MAX_AXES], reach = 0;
  int m = 0;
  *s = (span){x->c, x->c, 0};
  for (int a = 0; a < n->n_axis; a++) {
    int64_t lo = x->k[a] * b->lo[a], hi = x->k[a] * b->hi[a];
    s->lo += lo < hi ? lo : hi, s->hi += lo < hi ? hi : lo;
    if (lo != hi) k[m] = llabs(x->k[a]), count[m++] = b->hi[a] - b->lo[a];
  }
  for (int i = 0; i < m; i++) s->step = gcd(k[i], s->step);
  for (bool more = true; more;) { /* each axis goes on where those of smaller steps end */
    more = false;
    for (int i = 0; i < m; i++)
      if (k[i] && k[i] <= reach + s->step) reach += k[i] * count[i], k[i] = 0, more = true;
  }
  s->step = s->step ? s->step : 1;
  return reach == s->hi - s->lo;
}

/* --- what a nest reads --- */

static int64_t below(int64_t a, int64_t b) { return a / b - (a % b < 0); } /* b > 0 */

/* 0 <= x < extent, where x depends on one axis: the axis stands nowhere else. */
static void narrow(bounds *b, int a, const affine *x, int64_t extent) {
  int64_t k = llabs(x->k[a]), from = x->k[a] > 0 ? -x->c : x->c - extent + 1;
  int64_t lo = -below(-from, k), hi = below(from + extent - 1, k);
  if (lo > b->lo[a]) b->lo[a] = lo;
  if (hi < b->hi[a]) b->hi[a] = hi;
}

/* False: a condition of several axes, or one that never holds. */
static bool hold(const nest *n, bounds *b, const affine *x, int64_t extent) {
  int64_t lo, hi;
  unsigned axes = aff_axes(x);
  aff_range(n, x, &lo, &hi);
  if (lo >= 0 && hi < extent) return true;
  if (!axes || axes & (axes - 1)) return false;
  int a = __builtin_ctz(axes);
  narrow(b, a, x, extent);
  return b->lo[a] <= b->hi[a];
}

static bool holds_apart(const nest *n, bounds *b, const access *x) {
  for (int d = 0; d < x->t->rank; d++)
    if (!hold(n, b, x->ix[d], x->t->dim[d])) return false;
  return true;
}

/* The bounds of n's axes by all that its term asks for but `in`, whose own ranges are clipped. */
static bool term_bounds(const nest *n, const access *in, bounds *b) {
  reads r = reads_of_term(n);
  for (int i = 0; i < r.n; i++)
    if (!access_equal(&r.read[i]->rd, in) && !holds_apart(n, b, &r.read[i]->rd)) return false;
  for (int g = 0; g < n->n_guard; g++)
    if (!hold(n, b, n->guard[g].ix, n->guard[g].extent)) return false;
  return true;
}

static void clip(span *s, int64_t extent) {
  if (s->lo < 0) s->lo += -below(s->lo, s->step) * s->step;
  if (s->hi >= extent) s->hi = extent - 1;
  s->hi = s->hi < s->lo ? s->lo - 1 : s->hi - (s->hi - s->lo) % s->step;
}

/* False: nobody can tell. */
static bool box_read(const nest *n, const access *in, bool in_term, box *to) {
  bounds b = all_of(n);
  unsigned used = 0;
  if (n->pick || (in_term && !term_bounds(n, in, &b))) return false;
  for (int d = 0; d < in->t->rank; d++) {
    unsigned axes = aff_axes(in->ix[d]);
    if (axes & used || !span_of(n, &b, in->ix[d], &to->of[d])) return false;
    used |= axes;
    clip(&to->of[d], in->t->dim[d]);
  }
  return true;
}

/* --- boxes without boxes --- */

typedef struct {
  int rank, pieces;
} question;

static bool covered(question *q, box b, const written *w);

/* The box with dimension d cut to from .. to. */
static box cut(const box *b, int d, int64_t from, int64_t to) {
  box part = *b;
  span *s = &part.of[d];
  if (from > s->lo) s->lo += (from - s->lo + s->step - 1) / s->step * s->step;
  if (to < s->hi) s->hi = to;
  s->hi = s->hi < s->lo ? s->lo - 1 : s->hi - (s->hi - s->lo) % s->step;
  return part;
}

/* Every `of`-th element along d, from the i-th on. */
static box class_of(const box *b, int d, int64_t of, int64_t i) {
  box part = *b;
  span *s = &part.of[d];
  s->lo += i * s->step, s->step *= of;
  s->hi = s->hi < s->lo ? s->lo - 1 : s->hi - (s->hi - s->lo) % s->step;
  return part;
}

/* Of b's elements along d those that are not in steps with w: are they covered by those after w?
   What is left of b are the others. False also ends with b as it was. */
static bool covered_between(question *q, box *b, int d, const written *w) {
  const span by = w->at.of[d];
  int64_t classes = by.step / gcd(by.step, b->of[d].step), inside = 0;
  if (classes > MOST_CLASSES) q->pieces = MOST_PIECES;
  if (classes == 1 || classes > MOST_CLASSES) return true;
  for (int64_t i = 0; i < classes; i++) {
    box part = class_of(b, d, classes, i);
    if ((part.of[d].lo - by.lo) % by.step == 0) inside = i;
    else if (!covered(q, part, w->next)) return false;
  }
  *b = class_of(b, d, classes, inside);
  return true;
}

/* The same of those below and above w. */
static bool covered_beyond(question *q, box *b, int d, const written *w) {
  const span by = w->at.of[d], at = b->of[d];
  if (at.lo < by.lo && !covered(q, cut(b, d, at.lo, by.lo - 1), w->next)) return false;
  if (at.hi > by.hi && !covered(q, cut(b, d, by.hi + 1, at.hi), w->next)) return false;
  if (at.lo < by.lo || at.hi > by.hi) *b = cut(b, d, by.lo, by.hi);
  return true;
}

static bool is_empty(const question *q, const box *b) {
  for (int d = 0; d < q->rank; d++)
    if (b->of[d].hi < b->of[d].lo) return true;
  return false;
}

static bool spans_apart(const span *a, const span *b) {
  return a->hi < b->lo || b->hi < a->lo || (a->lo - b->lo) % gcd(a->step, b->step);
}

static bool apart(const question *q, const box *b, const box *w) {
  for (int d = 0; d < q->rank; d++)
    if (spans_apart(&b->of[d], &w->of[d])) return true;
  return false;
}

static bool covered(question *q, box b, const written *w) {
  while (w && apart(q, &b, &w->at)) w = w->next;
  if (is_empty(q, &b) || ++q->pieces > MOST_PIECES) return true;
  if (!w) return false;
  for (int d = 0; d < q->rank && !is_empty(q, &b); d++)
    if (!covered_between(q, &b, d, w) || !covered_beyond(q, &b, d, w)) return false;
  return true;
}

/* --- what is written --- */

static int64_t elements(const box *b, const tensor *t) {
  int64_t n = 1;
  for (int d = 0; d < t->rank; d++) n *= (b->of[d].hi - b->of[d].lo) / b->of[d].step + 1;
  return n;
}

static bool is_all(const box *b, const tensor *t) {
  for (int d = 0; d < t->rank; d++)
    if (b->of[d].lo || b->of[d].hi < t->dim[d] - 1 || b->of[d].step > 1) return false;
  return true;
}

/* Asked when as many elements have been written as there are, and then again: not at each box. */
static bool all_written(regions *r, const tensor *t) {
  if (r->n[t->id] < tensor_elements(t)) return false;
  r->n[t->id] = 0;
  box all;
  question q = {.rank = t->rank};
  for (int d = 0; d < t->rank; d++) all.of[d] = (span){0, t->dim[d] - 1, 1};
  return covered(&q, all, r->of[t->id]) && q.pieces <= MOST_PIECES;
}

static written *new_box(regions *r) {
  written *w = r->free;
  if (!w) return NEW(r->mem, written);
  r->free = w->next;
  return w;
}

static void free_boxes(regions *r, written **of) {
  while (*of) {
    written *w = *of;
    *of = w->next;
    w->next = r->free;
    r->free = w;
  }
}

static void add_box(regions *r, const nest *n, const access *out, const tensor *t) {
  written *w = new_box(r);
  bounds b = all_of(n);
  for (int d = 0; d < t->rank; d++) { /* borders are no elements */
    span_of(n, &b, out->ix[d], &w->at.of[d]);
    clip(&w->at.of[d], t->dim[d]);
    if (w->at.of[d].hi < w->at.of[d].lo) {
      w->next = r->free, r->free = w;
      return;
    }
  }
  if (!r->first[t->id]) r->first[t->id] = n;
  w->next = r->of[t->id];
  r->of[t->id] = w;
  r->n[t->id] += elements(&w->at, t);
  r->whole[t->id] = is_all(&w->at, t) || all_written(r, t);
}

bool region_write(regions *r, const nest *n, const access *out) {
  const tensor *t = tensor_base(out->t);
  if (r->whole[t->id]) return false;
  if (out->t->view_of || n->pick) r->whole[t->id] = true;
  else add_box(r, n, out, t);
  if (r->whole[t->id]) free_boxes(r, &r->of[t->id]);
  return r->whole[t->id] && (!r->first[t->id] || r->first[t->id] == n);
}

void region_write_all(regions *r, tensor *t) {
  const int id = tensor_base(t)->id;
  r->whole[id] = true;
  free_boxes(r, &r->of[id]);
}

bool region_written(const regions *r, const nest *n, const access *in, bool in_term) {
  box b;
  int id = in->t->id;
  if (in->t->view_of || r->whole[id] || !box_read(n, in, in_term, &b)) return true;
  question q = {.rank = in->t->rank};
  return covered(&q, b, r->of[id]);
}

bool region_box_written(const regions *r, const tensor *t, const int64_t *from,
                        const int64_t *dim) {
  box b;
  question q = {.rank = t->rank};
  if (r->whole[t->id]) return true;
  for (int d = 0; d < t->rank; d++) b.of[d] = (span){from[d], from[d] + dim[d] - 1, 1};
  return covered(&q, b, r->of[t->id]);
}
