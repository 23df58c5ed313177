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

   Taps a step apart (dilation) make tiles whose elements lie that step apart, one beginning at each
   place of the first step. The last tile may reach beyond the axis: there the operands are zeros,
   and the results pass through a tensor as long as the tiles.

   The transformed tensors are large, and pass through memory only to be read once. Where they are
   larger than a cache, a few samples at a time go through all nests in a chain (nest.h), over
   memory for those few. A gradient by weight, which sums over the samples, then takes a sum for
   each such portion and adds them up.

   Another order of the sum is another rounding. So this belongs to what fixes the bits: whether it
   is done depends on the nests alone, never on the machine. Requires canonical nests; comes after
   fusion, so that the inverse takes over the whole epilogue. */
#include "winograd.h"
#include "nest/effects.h"
#include "passes.h"
#include <string.h>

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

/* c gets the axes that run along a dimension of the operand, and of its transform: of tiles, one
   for their rounds, and one for the places of the first step. */
static void along_dimension(operand *o, nest *c, int in, int out, const pairing *q, int64_t count,
                            int ax) {
  int64_t step = q ? q->step : 1;
  const char *name = o->f->n->axis[ax].name;
  o->in.ix[in].k[c->n_axis] = q ? step * o->f->tile : 1;
  o->out.ix[out].k[c->n_axis] = step;
  c->axis[c->n_axis++] = (axis){name, count / step, false};
  if (step == 1) return;
  o->in.ix[in].k[c->n_axis] = o->out.ix[out].k[c->n_axis] = 1;
  c->axis[c->n_axis++] = (axis){arena_printf(o->f->p->mem, "%s.at", name), step, false};
}

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
    if (q && o->data) o->in.ix[d].c = q->c - (q->reversed ? (f->few - 1) * q->step : 0);
    if (q && !in_tiles(o)) continue;
    if (in_portions(o, d)) {
      o->in.ix[d].k[c->n_axis] = f->portion;
      o->out.ix[rank].k[c->n_axis] = 1;
      dim[rank] = x->t->dim[d] / f->portion;
      c->axis[c->n_axis++] = (axis){"p", dim[rank++], false};
    }
    dim[rank] = in_portions(o, d) ? f->portion : x->t->dim[d];
    int ax = q ? tiled_axis(f, q) : plain_axis(f->n, x, d);
    if (q) dim[rank] = tile_count(f, q);
    if (dim[rank] > 1) along_dimension(o, c, d, rank, q, dim[rank], ax);
    rank++;
  }
  o->out.t = new_tensor(f, x->t->name, rank, dim);
  o->out.t->apart = o->k_dim;
  o->out.t->sliced = in_portions(o, 0);
  c->chain = in_portions(o, 0) ? f->p->n_chain : 0;
  return c;
}

/* Element number e of a tile, whose first is at `first`, `length` long along each pair. */
static expr *tile_element(const operand *o, access first, int length, int e) {
  exprs *x = o->f->p->ex;
  access at = first;
  for (int i = o->f->n_pair - 1; i >= 0; i--, e /= length) {
    const pairing *q = &o->f->pair[i];
    int d = o->data ? q->data_dim : q->kernel_dim, i_th = e % length;
    affine ix = *first.ix[d];
    ix.c += in_tiles(o) ? i_th * q->step : q->reversed ? length - 1 - i_th : i_th;
    at = access_with(x, at, d, ix);
  }
  return e_read(x, at);
}

static nest *transform(operand *o) {
  const form *f = o->f;
  nest *c = over_tiles(o);
  expr *v[MAX_TRANSFORMED];
  int taps = f->tiled_taps ? f->tile : f->few, length = o->data ? f->alpha : taps;
  access first = finished(f, &o->in);
  for (int e = 0; e < power_of(length, f->n_pair); e++) v[e] = tile_element(o, first, length, e);
  tile_multiply(f->p->ex, f->products, o->data ? TILE_DATA : TILE_KERNEL, f->alpha, length,
                f->n_pair, v);
  access out = finished(f, &o->out);
  nest_reserve_stores(c, f->n_point);
  for (int k = 0; k < f->n_point; k++)
    nest_store(c, access_with(c->ex, out, o->k_dim, aff_const(k)), v[k]);
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
    if (q) extent = a == tiled_axis(f, q) ? tile_count(f, q) : 1;
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

/* How far the tiles of outputs reach along the axis of the convolution itself. */
static int64_t reach_of_tiles(const form *f, int ax) {
  for (int i = 0; i < f->n_pair && !f->tiled_taps; i++)
    if (f->pair[i].out == ax) return tile_count(f, &f->pair[i]) * f->tile;
  return f->n->axis[ax].extent;
}

/* A tensor over all output axes of n, and its access there. */
static access over_outputs(const form *f, const nest *n, const char *name) {
  draft x = {0};
  int64_t dim[MAX_DIMS];
  int rank = 0;
  for (int a = 0; a < n->n_axis; a++) {
    if (n->axis[a].reduce) continue;
    x.ix[rank] = aff_axis(a, 1);
    dim[rank++] = n == f->n ? reach_of_tiles(f, a) : n->axis[a].extent;
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

/* Of y, an axis that counts tiles becomes two where their elements lie `step` apart, as in the
   transforms: rounds, and the places of the first step. */
static void split_tiles(const form *f, const pairing *q, const product_map *m, nest *y,
                        axis_map *to) {
  for (int a = 0; a < to->n && q->step > 1; a++) {
    if (!m->in.to[q->out].k[a]) continue;
    int rounds = 0;
    while (!to->to[a].k[rounds]) rounds++;
    y->axis[rounds].extent /= q->step;
    to->to[a] = aff_add(aff_axis(rounds, q->step), aff_axis(y->n_axis, 1));
    const char *name = arena_printf(f->p->mem, "%s.at", y->axis[rounds].name);
    y->axis[y->n_axis++] = (axis){name, q->step, false};
  }
}

/* Where a tile begins, from its number: rounds reach `tile` steps. */
static affine first_of_tile(const form *f, const pairing *q, affine number) {
  int last = -1;
  for (int a = 0; a < MAX_AXES; a++)
    if (number.k[a] == 1 && q->step > 1) last = a;
  affine first = aff_scale(number, f->tile);
  if (last >= 0) first.k[last] = 1;
  return first;
}

/* From the products that nest c stores to the stores of n, tile by tile. */
static nest *inverse(const form *f, const nest *n, const nest *c, const product_map *m) {
  nest *y = new_tile_nest(f, arena_printf(f->p->mem, "inverse of %s", n->name));
  tile_output t = {.axis = {.n = n->n_axis}};
  expr *v[MAX_TRANSFORMED];
  axis_map to, first;
  int outputs = f->tiled_taps ? f->few : f->tile;
  take_outputs(c, m->k, y, &to);
  for (int i = 0; i < f->n_pair && !f->tiled_taps; i++) split_tiles(f, &f->pair[i], m, y, &to);
  read_products(f, &c->store[0].out, dim_of_axis(&c->store[0].out, m->k), &to, v);
  tile_multiply(f->p->ex, f->products, TILE_INVERSE, f->alpha, outputs, f->n_pair, v);
  for (int ax = 0; ax < n->n_axis; ax++) t.axis.to[ax] = aff_map(&m->in.to[ax], &to);
  for (int i = 0; i < f->n_pair && !f->tiled_taps; i++)
    t.axis.to[f->pair[i].out] = first_of_tile(f, &f->pair[i], t.axis.to[f->pair[i].out]);
  first = t.axis;
  nest_reserve_stores(y, power_of(outputs, f->n_pair) * n->n_store);
  for (int e = 0; e < power_of(outputs, f->n_pair); e++) {
    for (int i = f->n_pair - 1, rest = e; i >= 0; i--, rest /= outputs) {
      int ax = f->pair[i].out;
      int64_t step = f->tiled_taps ? 1 : f->pair[i].step;
      t.axis.to[ax] = aff_add(first.to[ax], aff_const(rest % outputs * step));
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
  if (stores_apart(f, n) || (ragged(f) && !f->tiled_taps)) n = split_stores(f, n);
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
  tile_product *products = NULL;
  form f = {.p = p, .products = &products};
  for (nest **link = &p->nests; *link;)
    link = !(*link)->loop && !(*link)->pick && winograd_matches(&f, *link) ? rewrite(&f, link)
                                                                           : &(*link)->next;
}
