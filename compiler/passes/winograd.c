/* winograd: a convolution, or a gradient of one, with fewer multiplications.

   A sum  y[i] += d[i + t] * g[t]  over a short t is computed for `tile` outputs at once from
   alpha = tile + taps - 1 products instead of tile * taps (Toom and Cook; S. Winograd, Arithmetic
   Complexity of Computations, 1980; for networks: Lavin and Gray, 2016):
     y = A' [(G g) * (B' d)]
   with three small constant matrices made from alpha - 1 points and infinity. Along two axes at
   once the products are alpha^2 in place of (tile * taps)^2: 36 for 144 with tiles of 4 x 4 and 3 x
   3 taps. Exactly the same form gives the gradient by weight: there the outputs are few and the
   taps many, and it is the taps that come in tiles.

   As nests:  transform d, transform g  (elementwise, one store for each product)
              y~[k, ..] += d~[k, ..] * g~[k, ..]  (a contraction like any other)
              inverse  (elementwise; the stores of the nest, once for each output of a tile)

   The transformed tensors are large, and pass through memory only to be read once. Where they are
   larger than a cache, a few samples at a time go through all nests in a chain (nest.h), over
   memory for those few. A gradient by weight, which sums over the samples, then takes a sum for
   each such portion and adds them up.

   Another order of the sum is another rounding. So this belongs to what fixes the bits: whether it
   is done depends on the nests alone, never on the machine. Requires canonical nests; comes after
   fusion, so that the inverse takes over the whole epilogue. */
#include "passes.h"
#include "nest/algebra.h"
#include "nest/effects.h"
#include <string.h>

enum { MAX_ALPHA = 6, MAX_PAIRS = 2, MAX_TRANSFORMED = 36 };

/* Transformed tensors up to WHOLE_BYTES together stay as they are; larger ones are taken in
   portions of up to PORTION_BYTES. */
enum { WHOLE_BYTES = 1 << 20, PORTION_BYTES = 640 << 10 };

/* Points that keep the rounding error lowest: for tiles of 4 about twice that of the plain sum,
   where the customary 0, +-1, +-2 give four times (measured; docs/design.md). In pairs +-p, which
   share sums. */
static const double points4[] = {0, 1, -1}, points6[] = {0, 0.75, -0.75, 1.5, -1.5};

/* Tiles are taken when they save a third of the work, estimated in vector operations. */
static const double worthwhile = 1.5;

/* --- the matrices --- */

typedef struct {
  int rows, cols;
  double at[MAX_ALPHA][MAX_ALPHA];
} matrix;

static const double *points_of(int alpha) { return alpha == 4 ? points4 : points6; }

/* The product of x - p over all finite points but one (or all: but = -1), by powers of x. */
static void polynomial(const double *p, int n, int but, double *coefficient) {
  int degree = 0;
  memset(coefficient, 0, sizeof(double) * MAX_ALPHA);
  coefficient[0] = 1;
  for (int k = 0; k < n; k++) {
    if (k == but) continue;
    degree++;
    for (int d = degree; d >= 0; d--)
      coefficient[d] = (d ? coefficient[d - 1] : 0) - p[k] * coefficient[d];
  }
}

static double power(double x, int n) { return n ? x * power(x, n - 1) : 1; }
static int power_of(int x, int n) { return n ? x * power_of(x, n - 1) : 1; }

/* B': alpha x alpha. */
static matrix of_data(int alpha) {
  matrix m = {alpha, alpha, {{0}}};
  for (int i = 0; i < alpha; i++)
    polynomial(points_of(alpha), alpha - 1, i < alpha - 1 ? i : -1, m.at[i]);
  return m;
}

/* G: alpha x taps. */
static matrix of_kernel(int alpha, int taps) {
  const double *p = points_of(alpha);
  matrix m = {alpha, taps, {{0}}};
  for (int i = 0; i < alpha - 1; i++) {
    double n = 1;
    for (int k = 0; k < alpha - 1; k++) n *= k == i ? 1 : p[i] - p[k];
    for (int j = 0; j < taps; j++) m.at[i][j] = power(p[i], j) / n;
  }
  m.at[alpha - 1][taps - 1] = 1;
  return m;
}

/* A': outputs x alpha. */
static matrix of_inverse(int alpha, int outputs) {
  matrix m = {outputs, alpha, {{0}}};
  for (int j = 0; j < outputs; j++)
    for (int i = 0; i < alpha - 1; i++) m.at[j][i] = power(points_of(alpha)[i], j);
  m.at[outputs - 1][alpha - 1] = 1;
  return m;
}

/* --- a matrix times expressions --- */

static expr *scaled(exprs *g, double c, expr *x) {
  return alg_op(g, E_MUL, x, e_const(g, c), NULL);
}

/* The sum of row r's terms; with `like` only of columns where row `like` has the same sign (same),
   or the opposite one. NULL for an empty sum. */
static expr *dot(exprs *g, const matrix *m, int r, int like, bool same, expr **in) {
  expr *sum = NULL;
  for (int c = 0; c < m->cols; c++) {
    double k = m->at[r][c];
    if (k == 0 || (like >= 0 && (k == m->at[like][c]) != same)) continue;
    if (!sum) sum = scaled(g, k, in[c]);
    else if (k < 0) sum = alg_op(g, E_SUB, sum, scaled(g, -k, in[c]), NULL);
    else sum = alg_op(g, E_ADD, sum, scaled(g, k, in[c]), NULL);
  }
  return sum;
}

/* Rows of points p and -p agree but for signs: their even and their odd part are computed once. */
static bool mirrored_rows(const matrix *m, int r, int q) {
  bool odd = false, even = false;
  for (int c = 0; c < m->cols; c++) {
    double x = m->at[r][c], y = m->at[q][c];
    if (x != y && x != -y) return false;
    if (x != 0) odd |= x == -y, even |= x == y;
  }
  return odd && even;
}

static bool mirrored_columns(const matrix *m, int c, int d) {
  bool odd = false, even = false;
  for (int r = 0; r < m->rows; r++) {
    double x = m->at[r][c], y = m->at[r][d];
    if (x != y && x != -y) return false;
    if (x != 0) odd |= x == -y, even |= x == y;
  }
  return odd && even;
}

/* Turns mirrored columns x, y into x + y and x - y, each used by half of the rows. */
static void pair_columns(exprs *g, matrix *m, expr **in) {
  for (int c = 0; c + 1 < m->cols; c++) {
    int d = c + 1;
    if (!mirrored_columns(m, c, d)) continue;
    expr *sum = alg_op(g, E_ADD, in[c], in[d], NULL), *rest = alg_op(g, E_SUB, in[c], in[d], NULL);
    for (int r = 0; r < m->rows; r++) m->at[r][m->at[r][c] == m->at[r][d] ? d : c] = 0;
    in[c] = sum;
    in[d] = rest;
    for (int r = 0; r < m->rows; r++) /* what stands in column d was -(column c): keep c's sign */
      if (m->at[r][d] != 0) m->at[r][d] = -m->at[r][d];
    c++;
  }
}

static void multiply(exprs *g, matrix m, expr *const *given, expr **out) {
  expr *in[MAX_ALPHA];
  bool done[MAX_ALPHA] = {false};
  memcpy(in, given, sizeof(expr *) * (size_t)m.cols);
  pair_columns(g, &m, in);
  for (int r = 0; r < m.rows; r++) {
    if (done[r]) continue;
    int q = r + 1;
    while (q < m.rows && !mirrored_rows(&m, r, q)) q++;
    if (q == m.rows) {
      out[r] = dot(g, &m, r, -1, false, in);
      continue;
    }
    expr *even = dot(g, &m, r, q, true, in), *odd = dot(g, &m, r, q, false, in);
    out[r] = alg_op(g, E_ADD, even, odd, NULL);
    out[q] = alg_op(g, E_SUB, even, odd, NULL);
    done[q] = true;
  }
}

/* v, of extent m.cols along each of n dimensions, becomes one of extent m.rows. */
static void multiply_all(exprs *g, const matrix *m, int n, expr **v) {
  expr *in[MAX_ALPHA], *out[MAX_ALPHA], *next[MAX_TRANSFORMED];
  int before = 1, after = 1; /* products of the extents on either side of the dimension */
  for (int d = 1; d < n; d++) after *= m->cols;
  for (int d = 0; d < n; d++) {
    for (int b = 0; b < before; b++)
      for (int a = 0; a < after; a++) {
        for (int c = 0; c < m->cols; c++) in[c] = v[(b * m->cols + c) * after + a];
        multiply(g, *m, in, out);
        for (int r = 0; r < m->rows; r++) next[(b * m->rows + r) * after + a] = out[r];
      }
    before *= m->rows;
    memcpy(v, next, sizeof(expr *) * (size_t)(before * after));
    after /= m->cols;
  }
}

/* --- which nests --- */

/* One index d[out + step * tap + c] of the data, with g[.. tap ..]. */
typedef struct {
  int out, tap; /* axes */
  int data_dim, kernel_dim;
  int64_t c;
  bool reversed; /* step is -1 */
} pairing;

typedef struct {
  nestprog *p;
  nest *n;
  expr *data, *kernel; /* reads */
  int n_pair;
  pairing pair[MAX_PAIRS];
  bool tiled_taps;    /* the taps come in tiles, not the outputs */
  int tile, few;      /* lengths of the one and of the other */
  int alpha, n_point; /* products for a tile along one axis, and along all */
  int batch;          /* the axis of samples ... */
  int64_t portion;    /* ... of which a chain takes so many at a time; 0: no chain */
} form;

/* The axis that alone, and wholly, runs along dimension d; -1: none, index 0 of extent 1; -2: no
   such thing. */
static int plain_axis(const nest *n, const access *x, int d) {
  int found = -1;
  for (int a = 0; a < n->n_axis; a++) {
    if (!x->ix[d]->k[a]) continue;
    if (found >= 0 || x->ix[d]->k[a] != 1) return -2;
    found = a;
  }
  if (x->ix[d]->c) return -2;
  int64_t extent = found < 0 ? 1 : n->axis[found].extent;
  return extent == x->t->dim[d] ? found : -2;
}

static int dims_with(const access *x, int ax) {
  int n = 0;
  for (int d = 0; d < x->t->rank; d++) n += x->ix[d]->k[ax] != 0;
  return n;
}

/* Dimension d of the data as a pair; tap < 0 if it is none. */
static pairing pair_at(const form *f, int d) {
  const nest *n = f->n;
  const access *x = &f->data->rd, *y = &f->kernel->rd;
  pairing q = {.out = -1, .tap = -1, .data_dim = d, .c = x->ix[d]->c}, none = {.tap = -1};
  for (int a = 0; a < n->n_axis; a++) {
    int64_t k = x->ix[d]->k[a];
    if (!k) continue;
    if ((k != 1 && k != -1) || (n->axis[a].reduce ? q.tap : q.out) >= 0) return none;
    if (n->axis[a].reduce) q.tap = a, q.reversed = k < 0;
    else if (k < 0) return none;
    else q.out = a;
  }
  if (q.out < 0 || q.tap < 0) return none;
  if (dims_with(x, q.out) != 1 || dims_with(x, q.tap) != 1) return none;
  if (dims_with(y, q.out) || dims_with(y, q.tap) != 1) return none;
  q.kernel_dim = -1;
  for (int e = 0; e < y->t->rank; e++)
    if (plain_axis(n, y, e) == q.tap) q.kernel_dim = e;
  return q.kernel_dim < 0 ? none : q;
}

static bool find_pairs(form *f) {
  const access *x = &f->data->rd, *y = &f->kernel->rd;
  bool paired[MAX_DIMS] = {false};
  for (int d = 0; d < x->t->rank; d++) {
    if (plain_axis(f->n, x, d) != -2) continue;
    pairing q = pair_at(f, d);
    if (q.tap < 0 || f->n_pair == MAX_PAIRS) return false;
    paired[q.kernel_dim] = true;
    f->pair[f->n_pair++] = q;
  }
  for (int e = 0; e < y->t->rank; e++)
    if (!paired[e] && plain_axis(f->n, y, e) == -2) return false;
  return f->n_pair > 0;
}

/* The largest tile for `few` of the other: all pairs alike. */
static bool find_tile(form *f) {
  const axis *ax = f->n->axis;
  f->tiled_taps = ax[f->pair[0].tap].extent > ax[f->pair[0].out].extent;
  f->few = (int)(f->tiled_taps ? ax[f->pair[0].out] : ax[f->pair[0].tap]).extent;
  if (f->few != 3 && f->few != 5) return false;
  for (f->tile = MAX_ALPHA + 1 - f->few; f->tile > 1; f->tile -= 2) {
    bool fits = true;
    for (int i = 0; i < f->n_pair; i++) {
      const pairing *q = &f->pair[i];
      const axis *few = &ax[f->tiled_taps ? q->out : q->tap],
                 *many = &ax[f->tiled_taps ? q->tap : q->out];
      fits &=
          few->extent == f->few && many->extent % f->tile == 0 && !(f->tiled_taps && q->reversed);
    }
    if (fits) break;
  }
  f->alpha = f->tile + f->few - 1;
  f->n_point = power_of(f->alpha, f->n_pair);
  return f->tile > 1;
}

/* Borders of zeros are possible in the workspace only. */
static bool data_may_leave(const form *f) {
  return access_may_leave(f->n, &f->data->rd) && f->data->rd.t->role != T_TEMP;
}

/* Do the nests' tables hold the axis of products, and the one of portions? */
static bool has_room(const form *f) {
  int outputs = 0;
  for (int a = 0; a < f->n->n_axis; a++) outputs += !f->n->axis[a].reduce;
  int rank = f->kernel->rd.t->rank;
  if (f->data->rd.t->rank > rank) rank = f->data->rd.t->rank;
  return rank < MAX_DIMS && outputs < MAX_DIMS && f->n->n_axis + 2 <= MAX_AXES;
}

static double vectors(const tensor *t) {
  int64_t row = t->dim[t->rank - 1];
  return (double)(tensor_elements(t) / row * ((row + LANES - 1) / LANES));
}

/* Vector operations: one for each product, about seven for each element of a transformed tile. */
static bool saves_work(const form *f) {
  double tiles = 1, taps = 1, products = (double)nest_macs(f->n) / LANES;
  for (int i = 0; i < f->n_pair; i++) tiles *= f->tile, taps *= f->few;
  double point = f->n_point;
  double data = vectors(f->data->rd.t) / tiles * point;
  double kernel = vectors(f->kernel->rd.t) / (f->tiled_taps ? tiles : taps) * point;
  double inverse = (double)output_points(f->n) / LANES / (f->tiled_taps ? taps : tiles) * point;
  return (products / (tiles * taps) * point + 7 * (data + kernel + inverse)) * worthwhile <
         products;
}

/* Of an operand: the pair that runs along dimension d, or NULL. */
static const pairing *pair_along(const form *f, bool data, int d) {
  for (int i = 0; i < f->n_pair; i++)
    if ((data ? f->pair[i].data_dim : f->pair[i].kernel_dim) == d) return &f->pair[i];
  return NULL;
}

/* The axis of n that counts tiles. */
static int tiled_axis(const form *f, const pairing *q) { return f->tiled_taps ? q->tap : q->out; }

static double tiles_along(const form *f, const pairing *q) {
  return (double)(f->n->axis[tiled_axis(f, q)].extent / f->tile);
}

/* Bytes of an operand's transform, and of all products. */
static double transformed_bytes(const form *f, bool data) {
  const tensor *t = (data ? f->data : f->kernel)->rd.t;
  double bytes = 4.0 * f->n_point;
  for (int d = 0; d < t->rank; d++) {
    const pairing *q = pair_along(f, data, d);
    if (!q) bytes *= (double)t->dim[d];
    else if (data || f->tiled_taps) bytes *= tiles_along(f, q);
  }
  return bytes;
}

static double product_bytes(const form *f) {
  double bytes = 4.0 * f->n_point * (double)output_points(f->n);
  for (int i = 0; i < f->n_pair; i++) bytes /= f->tiled_taps ? f->few : f->tile;
  return bytes;
}

/* Are the samples one axis, outermost in what is tiled, and free of what the nest stores? */
static bool has_samples(form *f) {
  const access *x = &f->data->rd, *y = &f->kernel->rd;
  int b = f->batch = plain_axis(f->n, x, 0), rank = 3;
  if (b < 0 || f->n->axis[b].extent < 2 || f->n->axis[b].reduce != f->tiled_taps) return false;
  if (f->tiled_taps ? plain_axis(f->n, y, 0) != b : dims_with(y, b) > 0) return false;
  if (x->t->rank + 2 > MAX_DIMS || (f->tiled_taps && y->t->rank + 2 > MAX_DIMS)) return false;
  for (int a = 0; a < f->n->n_axis; a++) rank += !f->n->axis[a].reduce && a != b;
  for (int s = 0; s < f->n->n_store; s++) {
    tensor *t = tensor_base(f->n->store[s].out.t);
    if (t == tensor_base(x->t) || t == tensor_base(y->t)) return false;
  }
  return rank - (f->tiled_taps ? f->n_pair : 0) <= MAX_DIMS;
}

static void choose_portion(form *f) {
  if (!has_samples(f)) return;
  int64_t samples = f->n->axis[f->batch].extent;
  double whole =
      transformed_bytes(f, true) + (f->tiled_taps ? transformed_bytes(f, false) : product_bytes(f));
  if (whole <= WHOLE_BYTES) return;
  int64_t most = (int64_t)(PORTION_BYTES / (whole / (double)samples));
  while (most > 1 && samples % most) most--;
  if (most < 1 || most == samples) return;
  bool sums_cost = f->tiled_taps && (double)(samples / most) * product_bytes(f) > whole / 2;
  if (!sums_cost) f->portion = most;
}

static bool matches(form *f, nestprog *p, nest *n) {
  if (!nest_macs(n) || n->lanes || n->n_guard || n->init) return false;
  for (int i = 0; i < 2; i++) {
    *f = (form){.p = p, .n = n, .data = n->term->a[i], .kernel = n->term->a[1 - i]};
    if (has_room(f) && find_pairs(f) && find_tile(f) && !data_may_leave(f)) {
      choose_portion(f);
      return saves_work(f);
    }
  }
  return false;
}

/* --- the nests --- */

static nest *new_tile_nest(const form *f, const char *name) {
  nest *c = nest_new(f->p, name, f->n->node);
  c->term = e_const(f->p->ex, 0);
  c->canonical = true;
  return c;
}

static tensor *new_tensor(const form *f, const char *name, int rank, const int64_t *dim) {
  name = arena_printf(f->p->mem, "%s.w%d", name, f->p->n_tensor);
  tensor *t = tensor_new(f->p, name, T_TEMP, rank, dim);
  t->node = f->n->node;
  return t;
}

/* Indices that are put together before they become an access. */
typedef struct {
  tensor *t;
  affine ix[MAX_DIMS];
} draft;

static access finished(const form *f, const draft *x) { return access_of(f->p->ex, x->t, x->ix); }

/* An operand and its transform t~[.., k, ..]: k, the product, comes before the first paired
   dimension; paired dimensions count tiles, and are gone where a tile has all there is. */
typedef struct {
  const form *f;
  bool data; /* this is the data, else the kernel */
  draft in;  /* the first element of a tile, in the axes of the transforming nest */
  draft out; /* t~ in the same axes, at k = 0 */
  int k_dim;
} operand;

static bool in_tiles(const operand *o) { return o->data || o->f->tiled_taps; }

/* Is dimension d that of the samples, and taken in portions? It becomes two. */
static bool in_portions(const operand *o, int d) { return d == 0 && o->f->portion && in_tiles(o); }

/* The transforming nest, without its stores. */
static nest *over_tiles(operand *o) {
  const form *f = o->f;
  const access *x = o->data ? &f->data->rd : &f->kernel->rd;
  nest *c = new_tile_nest(f, arena_printf(f->p->mem, "transform %s", x->t->name));
  int64_t dim[MAX_DIMS];
  int rank = 0;
  o->k_dim = -1;
  o->in.t = x->t;
  for (int d = 0; d < x->t->rank; d++) {
    const pairing *q = pair_along(f, o->data, d);
    if (q && o->k_dim < 0) dim[o->k_dim = rank++] = f->n_point;
    if (q && o->data) o->in.ix[d].c = q->c - (q->reversed ? f->few - 1 : 0);
    if (q && !in_tiles(o)) continue;
    if (in_portions(o, d)) {
      o->in.ix[d].k[c->n_axis] = f->portion;
      o->out.ix[rank].k[c->n_axis] = 1;
      dim[rank] = x->t->dim[d] / f->portion;
      c->axis[c->n_axis++] = (axis){"p", dim[rank++], false};
    }
    dim[rank] = in_portions(o, d) ? f->portion : x->t->dim[d];
    int ax = q ? tiled_axis(f, q) : plain_axis(f->n, x, d);
    if (q) dim[rank] = f->n->axis[ax].extent / f->tile;
    if (dim[rank] > 1) {
      o->in.ix[d].k[c->n_axis] = q ? f->tile : 1;
      o->out.ix[rank].k[c->n_axis] = 1;
      c->axis[c->n_axis++] = (axis){f->n->axis[ax].name, dim[rank], false};
    }
    rank++;
  }
  o->out.t = new_tensor(f, x->t->name, rank, dim);
  o->out.t->apart = o->k_dim;
  o->out.t->sliced = in_portions(o, 0);
  c->chain = in_portions(o, 0) ? f->p->n_chain : 0;
  return c;
}

/* Element number e of a tile, `length` long along each pair. */
static expr *tile_element(const operand *o, int length, int e) {
  draft x = o->in;
  for (int i = o->f->n_pair - 1; i >= 0; i--, e /= length) {
    const pairing *q = &o->f->pair[i];
    int at = e % length;
    if (o->data) x.ix[q->data_dim].c += at;
    else x.ix[q->kernel_dim].c += q->reversed ? length - 1 - at : at;
  }
  return e_read(o->f->p->ex, finished(o->f, &x));
}

static nest *transform(operand *o) {
  const form *f = o->f;
  nest *c = over_tiles(o);
  exprs *g = f->p->ex;
  expr *v[MAX_TRANSFORMED];
  int taps = f->tiled_taps ? f->tile : f->few, length = o->data ? f->alpha : taps;
  matrix m = o->data ? of_data(f->alpha) : of_kernel(f->alpha, taps);
  for (int e = 0; e < power_of(length, f->n_pair); e++) v[e] = tile_element(o, length, e);
  multiply_all(g, &m, f->n_pair, v);
  for (int k = 0; k < f->n_point; k++) {
    draft out = o->out;
    out.ix[o->k_dim].c = k;
    nest_store(c, finished(f, &out), v[k]);
  }
  return c;
}

/* What the axes of a nest are in those of the product nest, and the axis of products there. */
typedef struct {
  axis_map in;
  int k;
} product_map;

/* The product nest without its term and stores. In a chain its first axis counts portions. */
static nest *product_axes(const form *f, product_map *m) {
  const nest *n = f->n;
  nest *c = new_tile_nest(f, n->name);
  m->k = -1;
  m->in.n = n->n_axis;
  if (f->portion) {
    c->axis[c->n_axis++] = (axis){"p", n->axis[f->batch].extent / f->portion, false};
    c->chain = f->p->n_chain;
  }
  for (int a = 0; a < n->n_axis; a++) {
    const pairing *q = NULL;
    for (int i = 0; i < f->n_pair; i++)
      if (f->pair[i].out == a || f->pair[i].tap == a) q = &f->pair[i];
    if (q && q->out == a && m->k < 0) c->axis[m->k = c->n_axis++] = (axis){"k", f->n_point, false};
    bool portions = f->portion && a == f->batch;
    int64_t extent = portions ? f->portion : n->axis[a].extent;
    if (q) extent = a == tiled_axis(f, q) ? extent / f->tile : 1;
    m->in.to[a] = portions ? aff_axis(0, f->portion) : aff_const(0);
    if (extent == 1) continue;
    m->in.to[a] = aff_add(m->in.to[a], aff_axis(c->n_axis, 1));
    c->axis[c->n_axis++] = (axis){n->axis[a].name, extent, n->axis[a].reduce};
  }
  return c;
}

/* The transformed operand, read at the product nest's axes. */
static expr *read_transformed(const operand *o, const product_map *m) {
  const form *f = o->f;
  const access *x = o->data ? &f->data->rd : &f->kernel->rd;
  draft y = {.t = o->out.t};
  int rank = 0;
  for (int d = 0; d < x->t->rank; d++) {
    const pairing *q = pair_along(f, o->data, d);
    if (q && rank == o->k_dim) y.ix[rank++] = aff_axis(m->k, 1);
    if (q && !in_tiles(o)) continue;
    int ax = q ? tiled_axis(f, q) : plain_axis(f->n, x, d);
    affine at = ax >= 0 ? m->in.to[ax] : aff_const(0);
    if (in_portions(o, d)) {
      y.ix[rank++] = aff_axis(0, 1);
      at.k[0] = 0;
    }
    y.ix[rank++] = at;
  }
  return e_read(f->p->ex, finished(f, &y));
}

/* A tensor over all output axes of n, and its access there. */
static access over_outputs(const form *f, const nest *n, const char *name) {
  draft x = {0};
  int64_t dim[MAX_DIMS];
  int rank = 0;
  for (int a = 0; a < n->n_axis; a++) {
    if (n->axis[a].reduce) continue;
    x.ix[rank] = aff_axis(a, 1);
    dim[rank++] = n->axis[a].extent;
  }
  x.t = new_tensor(f, name, rank, dim);
  return finished(f, &x);
}

static int dim_of_axis(const access *x, int ax) {
  int d = 0;
  while (!x->ix[d]->k[ax]) d++;
  return d;
}

static nest *product(const form *f, const operand *data, const operand *kernel, product_map *m) {
  nest *c = product_axes(f, m);
  expr *d = read_transformed(data, m), *g = read_transformed(kernel, m);
  bool data_first = f->n->term->a[0] == f->data;
  c->red = R_SUM;
  c->term = e_op(f->p->ex, E_MUL, data_first ? d : g, data_first ? g : d, NULL);
  access out = over_outputs(f, c, f->n->store[0].out.t->name);
  out.t->apart = dim_of_axis(&out, m->k);
  out.t->sliced = f->portion && !f->tiled_taps;
  nest_store(c, out, e_acc(f->p->ex));
  return c;
}

/* Adds up the sums of the portions (axis 0 of c, which becomes the last); m follows. */
static nest *sum_of_portions(const form *f, const nest *c, product_map *m) {
  nest *s = new_tile_nest(f, arena_printf(f->p->mem, "portions of %s", c->name));
  axis_map to = {.n = c->n_axis};
  for (int pass = 0; pass < 2; pass++) /* the outputs, and then the portions */
    for (int a = 0; a < c->n_axis; a++) {
      if (c->axis[a].reduce || (a == 0) != pass) continue;
      to.to[a] = aff_axis(s->n_axis, 1);
      s->axis[s->n_axis++] = (axis){c->axis[a].name, c->axis[a].extent, a == 0};
    }
  s->red = R_SUM;
  s->term = e_read(f->p->ex, access_map(f->p->ex, c->store[0].out, &to));
  nest_store(s, over_outputs(f, s, c->name), e_acc(f->p->ex));
  for (int a = 0; a < f->n->n_axis; a++) m->in.to[a] = aff_map(&m->in.to[a], &to);
  m->k--;
  return s;
}

/* Output number e of a tile: what n's axes and its result are there. */
typedef struct {
  axis_map axis;
  expr *result;
} tile_output;

static expr *with_result(exprs *x, expr *e, expr *const *a, void *result) {
  (void)x, (void)a;
  return e->kind == E_ACC ? result : NULL;
}

static void put_stores(const nest *n, nest *c, const tile_output *t) {
  exprs *x = c->ex;
  for (int s = 0; s < n->n_store; s++) {
    expr *v = expr_map(x, n->store[s].value, &t->axis);
    access out = access_map(x, n->store[s].out, &t->axis);
    nest_store(c, out, expr_rewrite(x, v, with_result, (void *)t->result));
  }
}

/* The output axes of `from` but `except`, as all axes of y. */
static void take_outputs(const nest *from, int except, nest *y, axis_map *to) {
  to->n = from->n_axis;
  for (int a = 0; a < from->n_axis; a++) {
    to->to[a] = aff_const(0);
    if (from->axis[a].reduce || a == except) continue;
    to->to[a] = aff_axis(y->n_axis, 1);
    y->axis[y->n_axis++] = from->axis[a];
  }
}

/* The products of a tile, in the axes of the inverse. */
static void read_products(const form *f, const access *from, int k_dim, const axis_map *to,
                          expr **v) {
  exprs *x = f->p->ex;
  access at = access_map(x, *from, to);
  affine first = *at.ix[k_dim];
  for (int e = 0; e < f->n_point; e++) {
    first.c = e;
    v[e] = e_read(x, access_with(x, at, k_dim, first));
  }
}

/* From the products that nest c stores to the stores of n, tile by tile. */
static nest *inverse(const form *f, const nest *n, const nest *c, const product_map *m) {
  nest *y = new_tile_nest(f, arena_printf(f->p->mem, "inverse of %s", n->name));
  tile_output t = {.axis = {.n = n->n_axis}};
  expr *v[MAX_TRANSFORMED];
  axis_map to, first;
  int outputs = f->tiled_taps ? f->few : f->tile;
  take_outputs(c, m->k, y, &to);
  read_products(f, &c->store[0].out, dim_of_axis(&c->store[0].out, m->k), &to, v);
  matrix a = of_inverse(f->alpha, outputs);
  multiply_all(f->p->ex, &a, f->n_pair, v);
  for (int ax = 0; ax < n->n_axis; ax++) t.axis.to[ax] = aff_map(&m->in.to[ax], &to);
  for (int i = 0; i < f->n_pair && !f->tiled_taps; i++)
    t.axis.to[f->pair[i].out] = aff_scale(t.axis.to[f->pair[i].out], f->tile);
  first = t.axis;
  for (int e = 0; e < power_of(outputs, f->n_pair); e++) {
    for (int i = f->n_pair - 1, rest = e; i >= 0; i--, rest /= outputs) {
      int ax = f->pair[i].out;
      t.axis.to[ax] = aff_add(first.to[ax], aff_const(rest % outputs));
    }
    t.result = v[e];
    put_stores(n, y, &t);
  }
  return y;
}

/* Would the inverse be too long with n's stores, once for each output of a tile? */
static bool stores_apart(const form *f, const nest *n) {
  int outputs = power_of(f->tiled_taps ? f->few : f->tile, f->n_pair);
  bool heavy = false;
  for (int s = 0; s < n->n_store; s++) heavy |= n->store[s].value->calls;
  return heavy || outputs * n->n_store > MAX_STORES;
}

/* Splits n into its sum, stored plainly, and its stores, which stand in a nest behind it. */
static nest *split_stores(const form *f, nest *n) {
  nest *rest = new_tile_nest(f, arena_printf(f->p->mem, "stores of %s", n->name));
  nest *sum = nest_copy(n);
  tile_output t = {.result = e_acc(f->p->ex)};
  take_outputs(n, -1, rest, &t.axis);
  access out = over_outputs(f, n, n->store[0].out.t->name);
  rest->term = e_read(f->p->ex, access_map(f->p->ex, out, &t.axis));
  put_stores(n, rest, &t);
  sum->n_store = 0;
  nest_store(sum, out, e_acc(f->p->ex));
  sum->next = rest;
  return sum;
}

/* --- the pass --- */

static nest **put_after(nest **link, nest *n) {
  *link = n;
  return &n->next;
}

/* Puts the nests in place of *link; returns where to go on. */
static nest **rewrite(form *f, nest **link) {
  nest *after = f->n->next, *n = f->n;
  operand data = {.f = f, .data = true}, kernel = {.f = f};
  product_map m;
  if (stores_apart(f, n)) n = split_stores(f, n);
  f->p->n_chain += f->portion > 0;
  link = put_after(link, transform(&kernel));
  link = put_after(link, transform(&data));
  nest *c = product(f, &data, &kernel, &m);
  link = put_after(link, c);
  if (f->portion && f->tiled_taps) link = put_after(link, c = sum_of_portions(f, c, &m));
  nest *y = inverse(f, n, c, &m);
  if (f->portion && !f->tiled_taps) y->chain = f->p->n_chain;
  link = put_after(link, y);
  if (n != f->n) link = put_after(link, n->next);
  *link = after;
  return link;
}

void winograd(nestprog *p) {
  form f;
  for (nest **link = &p->nests; *link;)
    link = matches(&f, p, *link) ? rewrite(&f, link) : &(*link)->next;
}
