/* Which nests are convolutions, or gradients of one, that pay in tiles (winograd.c). */
#include "nest/effects.h"
#include "winograd.h"

/* Transformed tensors up to WHOLE_BYTES together stay as they are; larger ones are taken in
   portions of up to PORTION_BYTES. */
enum { WHOLE_BYTES = 1 << 20, PORTION_BYTES = 640 << 10 };

/* Tiles are taken when they save a third of the work, estimated in vector operations. */
static const double worthwhile = 1.5;

/* The axis that alone, and wholly, runs along dimension d; -1: none, index 0 of extent 1; -2: no
   such thing. */
int plain_axis(const nest *n, const access *x, int d) {
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

int dims_with(const access *x, int ax) {
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
    if ((n->axis[a].reduce ? q.tap : q.out) >= 0) return none;
    if (n->axis[a].reduce) q.tap = a, q.of_tap = k;
    else if (k < 0) return none;
    else q.out = a, q.of_out = k;
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

/* The axis of n that counts tiles. */
int tiled_axis(const form *f, const pairing *q) { return f->tiled_taps ? q->tap : q->out; }

int64_t tile_rounds(const form *f, const pairing *q) {
  int64_t reach = q->step * f->tile;
  return (f->n->axis[tiled_axis(f, q)].extent + reach - 1) / reach;
}

int64_t tile_count(const form *f, const pairing *q) { return tile_rounds(f, q) * q->step; }

bool ragged(const form *f) {
  bool is = false;
  for (int i = 0; i < f->n_pair; i++)
    is |= f->n->axis[tiled_axis(f, &f->pair[i])].extent % (f->pair[i].step * f->tile) != 0;
  return is;
}

/* Which axis of the pair is short, and how far its steps reach. */
static bool orient(const form *f, pairing *q) {
  int64_t few = f->tiled_taps ? q->of_out : q->of_tap, many = f->tiled_taps ? q->of_tap : q->of_out;
  q->step = few < 0 ? -few : few;
  q->reversed = few < 0;
  return many == 1 && f->n->axis[f->tiled_taps ? q->out : q->tap].extent == f->few;
}

/* Tiles of a row and a column (if there is one), times the products of each. */
static double products_of(const form *f) {
  double k = 1;
  for (int i = 0; i < f->n_pair; i++)
    k *= (double)tile_count(f, &f->pair[i]) * (f->tile + f->few - 1);
  return k;
}

/* The largest tile for `few` of the other that comes out even, all pairs alike; or the one with the
   fewest products. */
static bool find_tile(form *f) {
  const axis *ax = f->n->axis;
  int best = 0;
  double least = 0;
  f->tiled_taps = ax[f->pair[0].tap].extent > ax[f->pair[0].out].extent;
  f->few = (int)(f->tiled_taps ? ax[f->pair[0].out] : ax[f->pair[0].tap]).extent;
  if (f->few != 3 && f->few != 5) return false;
  for (int i = 0; i < f->n_pair; i++)
    if (!orient(f, &f->pair[i])) return false;
  for (f->tile = MAX_ALPHA + 1 - f->few; f->tile > 1; f->tile -= 2) {
    double products = products_of(f);
    if (!best || products < least) best = f->tile, least = products;
    if (!ragged(f)) break;
  }
  if (f->tile <= 1) f->tile = best;
  f->alpha = f->tile + f->few - 1;
  f->n_point = power_of(f->alpha, f->n_pair);
  return true;
}

/* Borders of zeros are possible in the workspace only. */
static bool data_may_leave(const form *f) {
  bool leaves = access_may_leave(f->n, &f->data->rd) || ragged(f);
  if (leaves && f->data->rd.t->role != T_TEMP) return true;
  return f->tiled_taps && ragged(f) && f->kernel->rd.t->role != T_TEMP;
}

/* Do the nests' tables hold the axis of products, and the one of portions? */
static bool has_room(const form *f) {
  int outputs = 0;
  for (int a = 0; a < f->n->n_axis; a++) outputs += !f->n->axis[a].reduce;
  int rank = f->kernel->rd.t->rank;
  if (f->data->rd.t->rank > rank) rank = f->data->rd.t->rank;
  return rank < MAX_DIMS && outputs < MAX_DIMS && f->n->n_axis + 2 + f->n_pair <= MAX_AXES;
}

static double vectors(const tensor *t) {
  int64_t row = t->dim[t->rank - 1];
  return (double)(tensor_elements(t) / row * ((row + LANES - 1) / LANES));
}

/* Tiles for each element of the axes that they are taken along. */
static double tiles_an_element(const form *f) {
  double k = 1;
  for (int i = 0; i < f->n_pair; i++) {
    const pairing *q = &f->pair[i];
    k *= (double)tile_count(f, q) / (double)f->n->axis[tiled_axis(f, q)].extent;
  }
  return k;
}

/* Vector operations: one for each product, about seven for each element of a transformed tile; and
   the results pass through memory once more where the last tile reaches beyond them. */
static bool saves_work(const form *f) {
  double tiles = tiles_an_element(f), taps = 1, products = (double)nest_macs(f->n) / LANES;
  for (int i = 0; i < f->n_pair; i++) taps /= f->few;
  double point = f->n_point, outputs = (double)output_points(f->n) / LANES;
  double data = vectors(f->data->rd.t) * tiles * point;
  double kernel = vectors(f->kernel->rd.t) * (f->tiled_taps ? tiles : taps) * point;
  double inverse = outputs * (f->tiled_taps ? taps : tiles) * point;
  double again = ragged(f) && !f->tiled_taps ? 8 * outputs : 0;
  return (products * tiles * taps * point + 7 * (data + kernel + inverse) + again) * worthwhile <
         products;
}

/* Of an operand: the pair that runs along dimension d, or NULL. */
const pairing *pair_along(const form *f, bool data, int d) {
  for (int i = 0; i < f->n_pair; i++)
    if ((data ? f->pair[i].data_dim : f->pair[i].kernel_dim) == d) return &f->pair[i];
  return NULL;
}

/* Bytes of an operand's transform, and of all products. */
static double transformed_bytes(const form *f, bool data) {
  const tensor *t = (data ? f->data : f->kernel)->rd.t;
  double bytes = 4.0 * f->n_point;
  for (int d = 0; d < t->rank; d++) {
    const pairing *q = pair_along(f, data, d);
    if (!q) bytes *= (double)t->dim[d];
    else if (data || f->tiled_taps) bytes *= (double)tile_count(f, q);
  }
  return bytes;
}

static double product_bytes(const form *f) {
  double bytes = 4.0 * f->n_point * (double)output_points(f->n);
  for (int i = 0; f->tiled_taps && i < f->n_pair; i++) bytes /= f->few;
  return f->tiled_taps ? bytes : bytes * tiles_an_element(f);
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

/* Where a sample is larger than a portion should be, its tensors would go to memory and come back,
   four passes; a chain of single samples reads the weights again for each of them instead. */
static bool single_samples_pay(const form *f, double sample) {
  return f->tiled_taps || transformed_bytes(f, false) < 4 * sample;
}

static void choose_portion(form *f) {
  if (!has_samples(f)) return;
  int64_t samples = f->n->axis[f->batch].extent;
  double whole =
      transformed_bytes(f, true) + (f->tiled_taps ? transformed_bytes(f, false) : product_bytes(f));
  if (whole <= WHOLE_BYTES) return;
  double sample = whole / (double)samples;
  int64_t most = (int64_t)(PORTION_BYTES / sample);
  if (most < 1 && single_samples_pay(f, sample)) most = 1;
  while (most > 1 && samples % most) most--;
  if (most < 1 || most == samples) return;
  bool sums_cost = f->tiled_taps && (double)(samples / most) * product_bytes(f) > whole / 2;
  if (!sums_cost) f->portion = most;
}

bool winograd_matches(form *f, nest *n) {
  nestprog *p = f->p;
  tile_product **products = f->products;
  if (!nest_macs(n) || n->lanes || n->n_guard || n->init) return false;
  for (int i = 0; i < 2; i++) {
    *f = (form){
        .p = p, .products = products, .n = n, .data = n->term->a[i], .kernel = n->term->a[1 - i]};
    if (has_room(f) && find_pairs(f) && find_tile(f) && !data_may_leave(f)) {
      choose_portion(f);
      return saves_work(f);
    }
  }
  return false;
}
