/* order: fixes the order of every sum (winograd, after fusion, may still compute one in tiles).
   Chooses which sums and maxima run over 16 lanes, and inserts packing copies where an operand is
   read across its rows. Both depend on the nests alone, never on the machine, so that every machine
   computes the same sums. Requires canonical, simplified nests. */
#include "passes.h"
#include "nest/loops.h"
#include "nest/regions.h"
#include "order.h"
#include <string.h>

/* A copy pays when each element is used this often; where the sum would run over 16 lanes without
   it, and where it would run element by element although the results lie in rows. */
enum { PACK_REUSE = 64, PACK_REUSE_SCALAR = 4, SHORT_ROW = 8 };
/* What joining 16 lanes costs, in multiply-adds. */
enum { FOLD = 8 };

static bool unit_or_fixed(const access *x, int ax) {
  int64_t s = dense_stride(x, ax);
  return s == 0 || s == 1;
}

static int contiguous_output(const nest *n) {
  for (int a = n->n_axis - 1; a >= 0; a--) {
    bool ok = !n->axis[a].reduce;
    for (int s = 0; s < n->n_store; s++) ok &= dense_stride(&n->store[s].out, a) == 1;
    if (ok) return a;
  }
  return -1;
}

/* Can all reads run along the innermost reduce axis as vectors, and does one of them move? */
static bool lanes_possible(const nest *n, const reads *r, int ax) {
  bool moves = false;
  if (n->axis[ax].extent < LANES) return false;
  for (int g = 0; g < n->n_guard; g++)
    if (n->guard[g].ix->k[ax]) return false;
  for (int i = 0; i < r->n; i++) {
    if (!runs_in_lanes(n, &r->read[i]->rd, ax)) return false;
    moves |= dense_stride(&r->read[i]->rd, ax) == 1;
  }
  return moves;
}

/* --- packing: t[.., d, ..] copied to p[.., .., d] --- */

/* A part of a tensor, as a box. */
typedef struct {
  int64_t from[MAX_DIMS], dim[MAX_DIMS];
} part;

static part whole(const tensor *t) {
  part r = {0};
  for (int d = 0; d < t->rank; d++) r.dim[d] = t->dim[d];
  return r;
}

/* What the nest may touch of it. */
static part touched(const nest *n, const access *x) {
  part r = {0};
  for (int d = 0; d < x->t->rank; d++) {
    int64_t lo, hi;
    aff_range(n, x->ix[d], &lo, &hi);
    r.from[d] = lo > 0 ? lo : 0;
    r.dim[d] = (hi < x->t->dim[d] ? hi + 1 : x->t->dim[d]) - r.from[d];
  }
  return r;
}

static int64_t part_elements(const tensor *t, const part *r) {
  int64_t n = 1;
  for (int d = 0; d < t->rank; d++) n *= r->dim[d] > 0 ? r->dim[d] : 0;
  return n;
}

static nest *copy_nest(nestprog *p, tensor *from, const part *r, tensor *to, int dim) {
  nest *c = nest_new(p, arena_printf(p->mem, "pack %s", from->name), NULL);
  affine in[MAX_DIMS], out[MAX_DIMS];
  c->n_axis = to->rank;
  for (int d = 0, at = 0; d < from->rank; d++) {
    int a = d == dim ? from->rank - 1 : at++;
    c->axis[a] = (axis){arena_printf(p->mem, "%c", 'a' + a), r->dim[d], false};
    in[d] = out[a] = aff_axis(a, 1);
    in[d].c = r->from[d];
  }
  c->term = e_read(p->ex, access_of(p->ex, from, in));
  nest_store(c, access_of(p->ex, to, out), e_acc(p->ex));
  c->canonical = true;
  return c;
}

static tensor *packed_tensor(nestprog *p, tensor *from, const part *r, int dim) {
  int64_t d[MAX_DIMS];
  int at = 0;
  for (int i = 0; i < from->rank; i++)
    if (i != dim) d[at++] = r->dim[i];
  d[at] = r->dim[dim];
  const char *name = arena_printf(p->mem, "%s.pack%d", from->name, dim);
  tensor *t = tensor_new(p, name, T_TEMP, from->rank, d);
  t->node = from->node;
  return t;
}

typedef struct {
  tensor *t;
  part of;
} copy;

/* The packed copies that are up to date, by tensor and dimension: of each, the last that was made.
 */
typedef struct {
  int n; /* tensors when the pass began: copies are not packed again */
  copy *(*of)[MAX_DIMS];
  regions *made; /* what nests before the one at hand have written */
  nest *loop;    /* the first nest of the loop at hand, or NULL */
  nest **ahead;  /* the link to it */
} packings;

/* The dimension through which the read moves along ax, or -1 if it is not a plain one. */
static int moving_dim(const access *x, int ax) {
  int found = -1;
  for (int d = 0; d < x->t->rank; d++) {
    if (!x->ix[d]->k[ax]) continue;
    if (found >= 0 || x->ix[d]->k[ax] != 1) return -1;
    found = d;
  }
  return found;
}

typedef struct {
  expr *read, *by;
} redirection;

static expr *redirect(exprs *x, expr *e, expr *const *a, void *arg) {
  (void)x, (void)a;
  const redirection *r = arg;
  return e == r->read ? r->by : NULL;
}

static expr *read_packed(exprs *x, expr *read, const copy *c, int dim) {
  affine ix[MAX_DIMS];
  for (int d = 0, at = 0; d < read->rd.t->rank; d++) {
    int to = d == dim ? read->rd.t->rank - 1 : at++;
    ix[to] = *read->rd.ix[d];
    ix[to].c -= c->of.from[d];
  }
  return e_read(x, access_of(x, c->t, ix));
}

static bool holds(const tensor *t, const part *all, const part *some) {
  for (int d = 0; d < t->rank; d++)
    if (some->from[d] < all->from[d] || some->from[d] + some->dim[d] > all->from[d] + all->dim[d])
      return false;
  return true;
}

/* A copy that is not there yet goes in front of n, and of its loop. */
static void pack_read(nestprog *p, packings *k, nest **link, expr *read, const part *of, int dim) {
  nest *n = *link;
  if (n->loop) link = k->ahead;
  tensor *from = read->rd.t;
  copy *none = NULL, **c = from->id < k->n ? &k->of[from->id][dim] : &none;
  if (!*c || !holds(from, &(*c)->of, of)) {
    *c = NEW(p->mem, copy);
    **c = (copy){packed_tensor(p, from, of, dim), *of};
    nest *m = copy_nest(p, from, of, (*c)->t, dim);
    m->next = *link;
    *link = m;
  }
  redirection r = {read, read_packed(p->ex, read, *c, dim)};
  n->term = expr_rewrite(p->ex, n->term, redirect, &r);
}

/* May a copy of it be made, once for all steps of a loop? */
static bool may_copy(const packings *k, const nest *n, const tensor *t) {
  return !(n->loop && written_in_loop(k->loop, t)) && !is_whole(t);
}

/* Is the part complete? A tensor may be written in parts, of which only some are read, or read so
   far. */
static bool is_made(const packings *k, const tensor *t, const part *of) {
  return t->role != T_TEMP || t->id >= k->n || region_box_written(k->made, t, of->from, of->dim);
}

/* Is what is copied used often enough? Of the whole tensor, which serves other nests as well, or
   only of what this one reads. */
static bool may_pack(const packings *k, const nest *n, const expr *read, int64_t least, part *of) {
  const tensor *t = read->rd.t;
  if (!may_copy(k, n, t)) return false;
  *of = whole(t);
  if (all_points(n) / part_elements(t, of) >= least && is_made(k, t, of)) return true;
  *of = touched(n, &read->rd);
  int64_t some = part_elements(t, of);
  return some > 0 && all_points(n) / some >= least && is_made(k, t, of);
}

/* --- sums into rows of a few results (the three colours of an image) --- */

/* Does the read run along ax in vectors that lie inside its tensor or outside, all 16 elements? */
static bool in_rows(const nest *n, const access *x, int ax) {
  bool from = !x->t->rank;
  for (int d = 0; d < x->t->rank; d++) {
    int64_t lo, hi;
    from |= x->ix[d]->k[ax] != 0;
    aff_range(n, x->ix[d], &lo, &hi);
    if (from && (lo < 0 || hi >= x->t->dim[d])) return false;
  }
  return unit_or_fixed(x, ax);
}

/* Multiply-adds in vectors for a row of results: along the row, or in lanes for each result. */
static bool lanes_save(const nest *n, int v, int reduce) {
  int64_t terms = all_points(n) / output_points(n), inner = n->axis[reduce].extent;
  if (inner < LANES) return false; /* such a sum has no lanes */
  int64_t in_lanes = terms / inner * ((inner + LANES - 1) / LANES) + FOLD;
  return 3 * n->axis[v].extent * in_lanes < 2 * terms;
}

/* Products whose results lie in rows much shorter than a vector are summed over 16 lanes, if that
   takes one packing copy at most. */
static void order_short_rows(nestprog *p, packings *k, nest **link, const reads *r, int v) {
  nest *n = *link;
  int reduce = innermost_reduce(n), across = 0, dim = -1;
  if (!nest_macs(n) || n->axis[v].extent >= SHORT_ROW || n->axis[reduce].extent < LANES) return;
  if (!lanes_save(n, v, reduce)) return;
  for (int g = 0; g < n->n_guard; g++)
    if (n->guard[g].ix->k[reduce]) return;
  expr *worst = NULL;
  for (int i = 0; i < r->n; i++)
    if (!in_rows(n, &r->read[i]->rd, reduce)) across++, worst = r->read[i];
  if (across > 1) return;
  if (worst) dim = moving_dim(&worst->rd, reduce);
  if (worst && (dim < 0 || access_may_leave(n, &worst->rd))) return;
  part of;
  if (worst && !may_pack(k, n, worst, PACK_REUSE, &of)) return;
  if (worst) pack_read(p, k, link, worst, &of, dim);
  n->lanes = true;
}

static void order_nest(nestprog *p, packings *k, nest **link) {
  nest *n = *link;
  if (n->pick) return;
  split_sum(p, n);
  int reduce = innermost_reduce(n), v = contiguous_output(n);
  reads r = reads_of_term(n);
  if (n->red == R_SET || reduce < 0) return;
  int across = 0;
  expr *worst = NULL;
  for (int i = 0; v >= 0 && i < r.n; i++)
    if (!unit_or_fixed(&r.read[i]->rd, v)) across++, worst = r.read[i];
  if (v >= 0 && !across && n->red == R_SUM) order_short_rows(p, k, link, &r, v);
  if (v >= 0 && !across) return;
  int dim = across == 1 ? moving_dim(&worst->rd, v) : -1;
  bool lanes = lanes_possible(n, &r, reduce), sum = n->red == R_SUM;
  int64_t least = lanes || v < 0 || n->axis[v].extent < SHORT_ROW ? PACK_REUSE : PACK_REUSE_SCALAR;
  part of;
  if (sum && dim >= 0 && may_pack(k, n, worst, least, &of)) pack_read(p, k, link, worst, &of, dim);
  else if (lanes) n->lanes = true;
}

static void note_written(packings *k, const nest *n) {
  for (int s = 0; s < n->n_store; s++) {
    const access *out = &n->store[s].out;
    if (out->t->id >= k->n) continue;
    memset(k->of[out->t->id], 0, sizeof *k->of);
    region_write(k->made, n, out);
  }
}

void order(nestprog *p) {
  arena *scratch = arena_new();
  packings k = {.n = p->n_tensor, .made = regions_new(scratch, p->n_tensor)};
  k.of = arena_alloc(scratch, sizeof *k.of * (size_t)(p->n_tensor + 1));
  for (nest **link = &p->nests; *link; link = &(*link)->next) {
    nest *n = *link;
    if (!n->loop) k.loop = NULL;
    else if (!k.loop || k.loop->loop != n->loop) k.loop = n, k.ahead = link;
    order_nest(p, &k, link);
    while (*link != n) link = &(*link)->next; /* past the copies */
    note_written(&k, n);
  }
  arena_free(scratch);
}
