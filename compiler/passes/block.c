/* block: a long sum whose operands do not fit the second-level cache is cut into pieces along its
   outermost axis. Each piece goes on with the sum where the one before left it, so that the order
   of the additions, and every bit, stays the same; but its operands stay in the cache while all
   output tiles pass over them. And where results beyond that cache are written row by row, an
   operand that runs along the rows streams once for each row of tiles: such rows are cut into
   columns for which it stays. Requires strides (halo.c). */
#include "nest/effects.h"
#include "passes.h"
#include <string.h>

/* Output tiles that share an operand before streaming it again hurts; shorter pieces do not pay. */
enum { MIN_REUSE = 20, MIN_DEPTH = 64 };

typedef struct {
  nest *n;
  int axis;              /* cut along */
  int64_t piece, pieces; /* length of all but the last, and how many */
  expr *read[2];
  int dim[2]; /* of each operand, that runs along the axis */
} cut;

/* The dimension of x that is the axis itself and nothing else, or -1. */
static int dimension_along(const access *x, int ax) {
  int found = -1;
  for (int d = 0; d < x->t->rank; d++) {
    if (!x->ix[d]->k[ax]) continue;
    if (found >= 0 || !aff_is(x->ix[d], aff_axis(ax, 1))) return -1;
    found = d;
  }
  return found;
}

/* How many output elements use each element of the operand. */
static double reuse(const nest *n, const access *x) {
  double r = 1;
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce && !access_stride(x, a)) r *= (double)n->axis[a].extent;
  return r;
}

/* The largest divisor of extent up to most, unless that is less than half of what would fit. */
static int64_t piece_length(int64_t extent, int64_t most) {
  for (int64_t l = most; 2 * l > most; l--)
    if (extent % l == 0) return l;
  return most;
}

static bool find_cut(cut *c, const target_info *t) {
  nest *n = c->n;
  int64_t bytes = 0, depth = 1, room = (int64_t)t->l2 * 1024 / 10 * 6;
  c->axis = outermost_reduce(n);
  if (!nest_macs(n) || n->lanes || n->chain || n->loop || n->pick || n->n_guard || c->axis < 0)
    return false;
  int64_t extent = n->axis[c->axis].extent;
  for (int i = 0; i < 2; i++) {
    c->read[i] = n->term->a[i];
    c->dim[i] = dimension_along(&c->read[i]->rd, c->axis);
    if (c->dim[i] < 0 || reuse(n, &c->read[i]->rd) < MIN_REUSE) return false;
    bytes += tensor_bytes(c->read[i]->rd.t);
  }
  if (bytes <= room) return false;
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce && a != c->axis) depth *= n->axis[a].extent;
  int64_t most = room / (bytes / extent + 1);
  if (most < 1) most = 1;
  if (most >= extent) return false;
  c->piece = piece_length(extent, most);
  c->pieces = (extent + c->piece - 1) / c->piece;
  return c->piece * depth >= MIN_DEPTH;
}

/* The part of a tensor that one piece reads, as a tensor of its own over the same memory. */
static tensor *view(nestprog *p, tensor *t, int dim, int64_t from, int64_t length) {
  tensor *v =
      tensor_new(p, arena_printf(p->mem, "%s@%ld", t->name, (long)from), T_TEMP, t->rank, t->dim);
  int id = v->id;
  const char *name = v->name;
  *v = *t;
  v->id = id;
  v->name = name;
  v->role = T_TEMP;
  v->view_of = t;
  v->view_at = from * t->stride[dim];
  v->dim[dim] = length;
  return v;
}

static access partial_sums(nestprog *p, const nest *n) {
  int64_t dim[MAX_DIMS];
  affine ix[MAX_DIMS];
  int rank = 0;
  for (int a = 0; a < n->n_axis; a++) {
    if (n->axis[a].reduce) continue;
    ix[rank] = aff_axis(a, 1);
    dim[rank++] = n->axis[a].extent;
  }
  const tensor *of = n->store[0].out.t;
  tensor *t =
      tensor_new(p, arena_printf(p->mem, "%s.part%d", of->name, p->n_tensor), T_TEMP, rank, dim);
  t->dtype = of->dtype;
  t->laid_out = true;
  t->node = n->node;
  for (int64_t d = rank - 1, s = 1; d >= 0; s *= dim[d--]) t->stride[d] = s;
  return access_of(p->ex, t, ix);
}

static expr *read_view(nestprog *p, const cut *c, int i, int64_t from, int64_t length) {
  access x = c->read[i]->rd;
  x.t = view(p, x.t, c->dim[i], from, length);
  return e_read(p->ex, x);
}

static nest *piece_of(nestprog *p, const cut *c, const access *part, int64_t k) {
  nest *b = nest_copy(c->n);
  int64_t from = k * c->piece, extent = c->n->axis[c->axis].extent;
  int64_t length = from + c->piece < extent ? c->piece : extent - from;
  b->axis[c->axis].extent = length;
  b->term =
      e_op(p->ex, E_MUL, read_view(p, c, 0, from, length), read_view(p, c, 1, from, length), NULL);
  if (k) b->init = e_read(p->ex, *part);
  if (k == c->pieces - 1) return b;
  b->n_store = 0;
  nest_store(b, *part, e_acc(p->ex));
  return b;
}

static int output_axes(const nest *n) {
  int k = 0;
  for (int a = 0; a < n->n_axis; a++) k += !n->axis[a].reduce;
  return k;
}

/* --- columns of results --- */

enum { LEAST_COLUMNS = 64 };

static int row_axis(const nest *n) {
  for (int a = n->n_axis - 1; a >= 0; a--) {
    bool along = !n->axis[a].reduce;
    for (int s = 0; s < n->n_store; s++) along &= access_stride(&n->store[s].out, a) == 1;
    if (along) return a;
  }
  return -1;
}

/* How many columns to take at a time, or 0: all. A divisor of the rows' length. */
static int64_t columns(const nest *n, int row, const target_info *t) {
  double results = 0, room = t->l2 * 1024.0 / 4;
  int64_t extent = n->axis[row].extent, most = extent;
  for (int s = 0; s < n->n_store; s++) results += (double)tensor_bytes(n->store[s].out.t);
  if (results <= t->l2 * 1024.0) return 0;
  for (int i = 0; i < 2; i++) {
    const access *x = &n->term->a[i]->rd;
    double bytes = (double)tensor_bytes(x->t);
    if (access_stride(x, row) != 1 || bytes <= 2 * room) continue;
    int64_t fit = (int64_t)(room / bytes * (double)extent);
    if (fit < most) most = fit;
  }
  while (most >= LEAST_COLUMNS && (extent % most || most % t->lanes)) most--;
  return most >= LEAST_COLUMNS && most < extent ? most : 0;
}

/* How much of the rows of a matrix that is read once (sched.c) to take at a time, or 0: all. A part
   for each thread, of as many sums as may wait in the first-level cache. */
static int64_t strip(const nest *n, int row, const target_info *t, int threads) {
  int64_t extent = n->axis[row].extent, most = extent / threads;
  if (most > MOST_STRIP) most = MOST_STRIP;
  int64_t least = (int64_t)TILE_VECTORS * t->lanes;
  while (most > least && (extent % most || most % (2 * t->lanes))) most--;
  return most > least && most < extent ? most : 0;
}

/* The row axis becomes an outermost axis over the cuts and one over the columns of a cut. */
static void cut_rows(nestprog *p, nest *n, const target_info *t) {
  int row = nest_macs(n) && !n->lanes && !n->chain && !n->loop && !n->pick && n->n_axis < MAX_AXES
                ? row_axis(n)
                : -1;
  int64_t width = row >= 0 ? columns(n, row, t) : 0;
  if (!width && streams_matrix(n, row, t)) width = strip(n, row, t, p->threads);
  if (!width) return;
  axis_map m = {.n = n->n_axis};
  for (int a = 0; a < n->n_axis; a++) m.to[a] = aff_axis(a + 1, 1);
  m.to[row] = aff_add(m.to[row], aff_axis(0, width));
  nest_map(n, &m);
  memmove(n->axis + 1, n->axis, sizeof *n->axis * (size_t)n->n_axis++);
  n->axis[0] = (axis){arena_printf(p->mem, "%s.cut", n->axis[row + 1].name),
                      n->axis[row + 1].extent / width, false};
  n->axis[row + 1].extent = width;
}

void block_program(nestprog *p, const target_info *t) {
  for (nest *n = p->nests; n; n = n->next) cut_rows(p, n, t);
  for (nest **link = &p->nests; *link;) {
    cut c = {.n = *link};
    nest *after = c.n->next;
    if (output_axes(c.n) <= MAX_DIMS && find_cut(&c, t)) {
      access part = partial_sums(p, c.n);
      for (int64_t k = 0; k < c.pieces; k++) {
        *link = piece_of(p, &c, &part, k);
        link = &(*link)->next;
      }
      *link = after;
    } else {
      link = &c.n->next;
    }
  }
}
