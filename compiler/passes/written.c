/* Which elements of an operator's tensors its statements have written so far: each is written once,
   or added to when it is complete. */
#include "instantiate.h"

/* The elements that one statement writes: a product of one set for each dimension. */
typedef struct written_part {
  int64_t count[MAX_DIMS];
  bool *hit[MAX_DIMS];
  int64_t least[MAX_DIMS], most[MAX_DIMS]; /* of what is hit */
} written_part;
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

bool accumulates(instantiation *s, const opstmt *st, binding *b, bool *ok) {
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

bool has_gaps(instantiation *s) {
  written_part p = part_of(s);
  for (int d = 0; d < s->target->rank; d++) {
    int64_t lo, hi;
    aff_range(s->n, s->at.ix[d], &lo, &hi);
    if (p.count[d] < hi - lo + 1) return true;
  }
  return false;
}
