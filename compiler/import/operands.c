/* Nodes of one tensor and one constant: sums, products, choices. They are brought to a sum or a
   product, with the constant in the tensor's dimensions, so that operators with weights, or with a
   number, stand for them. */
#include "axes.h"
#include <math.h>
#include <string.h>

enum { LARGEST_TABLE = 1 << 24 };
static const double MASKED = -1e4; /* what a mask adds at least, where nothing shall be seen */

const constant *constant_of_sample(importer *im, const constant *k) {
  int64_t dim[MODEL_RANK], each = k->rank ? k->n / k->dim[0] : 0;
  if (k->rank < 2 || k->dim[0] < 2 || !k->f) return k;
  for (int64_t i = each; i < k->n; i++)
    if (k->f[i] != k->f[i - each]) return k;
  memcpy(dim, k->dim, sizeof dim);
  dim[0] = 1;
  constant *c = constant_viewed(im, k, k->rank, dim);
  c->n = each;
  return c;
}

/* With ones before its dimensions, as many as x has; NULL: it has more. */
static const constant *in_rank(importer *im, const constant *k, const value *x) {
  int64_t dim[MODEL_RANK];
  if (k->rank > x->rank || !k->f) return NULL;
  for (int i = 0; i < x->rank; i++) {
    int from = i - x->rank + k->rank;
    dim[i] = from < 0 ? 1 : k->dim[from];
    if (dim[i] != 1 && dim[i] != x->dim[i]) return NULL;
  }
  k = constant_viewed(im, k, x->rank, dim);
  return x->dim[0] == dim[0] ? constant_of_sample(im, k) : k;
}

static constant *mapped(importer *im, const constant *k, const char *how) {
  constant *c = constant_new(im->a, true, k->rank, k->dim);
  for (int64_t i = 0; i < k->n; i++)
    c->f[i] = !strcmp(how, "Sub") ? -k->f[i] : !strcmp(how, "Div") ? 1 / k->f[i] : k->f[i];
  return c;
}

/* One number for each channel, and nothing else? */
static bool of_channels(const constant *k) {
  for (int i = 0; i < k->rank; i++)
    if (i != 1 && k->dim[i] != 1) return false;
  return true;
}

/* As large as a sample. */
static const constant *spread(importer *im, const constant *k, const value *x) {
  int64_t dim[MODEL_RANK] = {1}, n = 1;
  for (int i = 1; i < x->rank; i++) dim[i] = x->dim[i], n *= dim[i];
  if (k->dim[0] != 1 || n > LARGEST_TABLE) return NULL;
  onnx_node e = {.type = "Expand", .name = "", .n_in = 2, .n_out = 1};
  constant *to = constant_new(im->a, false, 1, (const int64_t[]){x->rank});
  memcpy(to->i, dim, (size_t)x->rank * sizeof *dim);
  value *in[2] = {model_constant(im->m, "", k), model_constant(im->m, "", to)}, *out = NULL;
  out = model_new_value(im->m, "");
  e.in = in, e.out = &out;
  return fold_node(im, &e) ? out->k : NULL;
}

/* Zeros, and numbers so small that they are there to hide: which is which. */
static const constant *mask_in(importer *im, const constant *k) {
  constant *c = constant_new(im->a, true, k->rank, k->dim);
  int64_t hidden = 0;
  for (int64_t i = 0; i < k->n; i++) {
    c->f[i] = k->f[i] == 0;
    if (k->f[i] != 0 && !((double)k->f[i] <= MASKED)) return NULL;
    hidden += k->f[i] != 0;
  }
  return hidden ? c : NULL;
}

static onnx_node *of_two(importer *im, const onnx_node *n, const char *type, value *x, value *v) {
  onnx_node *c = model_new_node(im->m, n, type, 2);
  c->in[0] = x, c->in[1] = v;
  return c;
}

/* n's result is c's. */
static onnx_node *instead(onnx_node *n, onnx_node *c) {
  c->out = n->out;
  c->out[0]->maker = c;
  return c;
}

static onnx_node *masked(importer *im, onnx_node *n, value *x, const constant *keep, double v) {
  onnx_node *c = model_new_node(im->m, n, "Where", 3);
  c->in[0] = model_constant(im->m, "", keep);
  c->in[1] = x;
  c->in[2] = model_number(im->m, v < -1e30 ? -1e30 : v);
  return instead(n, c);
}

/* x before the constant: `2 - x` is `-x + 2`, and `2 / x` is `1/x * 2`. */
static value *turned(importer *im, const onnx_node *n, value *x) {
  bool minus = node_is(n, "Sub");
  onnx_node *c = model_new_node(im->m, n, minus ? "Neg" : "Reciprocal", 1);
  c->in[0] = x;
  return match_layer(im, c) ? c->out[0] : NULL;
}

static onnx_node *combined(importer *im, onnx_node *n, bool sum, value *x, const constant *k) {
  return instead(n, of_two(im, n, sum ? "Add" : "Mul", x, model_constant(im->m, x->name, k)));
}

/* A number for every element, in the dimensions of x's own layer. NULL: it is a layer already. */
static onnx_node *table(importer *im, onnx_node *n, bool sum, value *x, const constant *k) {
  value *own = x->layer ? x->layer->natural : x, *y = n->out[0];
  int64_t dim[MODEL_RANK] = {1}, count = 1;
  for (int i = 1; i < own->rank; i++) dim[i] = own->dim[i], count *= dim[i];
  if (own->rank == x->rank || count != k->n) return combined(im, n, sum, x, k);
  value *v = model_constant(im->m, x->name, constant_viewed(im, k, own->rank, dim));
  onnx_node *c = of_two(im, n, sum ? "Add" : "Mul", own, v);
  c->axes_known = true;
  if (!match_layer(im, c)) return combined(im, n, sum, x, k);
  y->layer = c->out[0]->layer;
  y->has_dims = true;
  y->rank = x->rank;
  memcpy(y->dim, x->dim, sizeof y->dim);
  return NULL;
}

/* Which input is the one constant; -1: none or all. */
static int constant_input(const onnx_node *n) {
  if (n->n_in != 2 || !n->in[0] || !n->in[1]) return -1;
  int at = n->in[1]->k ? 1 : 0;
  return n->in[at]->k && !n->in[1 - at]->k && n->in[1 - at]->has_dims ? at : -1;
}

onnx_node *with_constant(importer *im, onnx_node *n) {
  int at = constant_input(n);
  if (at < 0 || im->n_lead != 1) return n;
  value *x = n->in[1 - at];
  bool turns = node_is(n, "Sub") || node_is(n, "Div"), sum = node_is(n, "Sub") || node_is(n, "Add");
  const constant *k = in_rank(im, n->in[at]->k, x);
  if (!k) return n;
  if (at == 0 && node_is(n, "Div") && k->n == 1 && k->f[0] == 1) {
    onnx_node *c = model_new_node(im->m, n, "Reciprocal", 1);
    c->in[0] = x;
    return instead(n, c);
  }
  if (at == 0 && turns) {
    x = turned(im, n, x);
    return x ? combined(im, n, sum, x, k) : n;
  }
  if (k->n == 1) return n;
  const constant *keep = sum ? mask_in(im, k) : NULL;
  if (keep) return masked(im, n, x, keep, -1e30);
  if (turns) {
    onnx_node *same = of_two(im, n, n->type, x, model_constant(im->m, n->in[at]->name, k));
    if (match_several(im, same)) return n->out[0]->layer = same->out[0]->layer, NULL;
  }
  k = mapped(im, k, n->type);
  const constant *all = !of_channels(k) ? spread(im, k, x) : NULL;
  return all ? table(im, n, sum, x, all) : combined(im, n, sum, x, k);
}

/* `x`, where it is a number: some exporters guard a softmax of masks alone so. */
static bool is_guard(const onnx_node *n) {
  const onnx_node *c = n->in[0]->maker;
  return c && node_is(c, "IsNaN") && n->in[2] && c->in[0] == n->in[2] && n->in[1] && n->in[1]->k;
}

/* Of a constant condition and one number, the mask. */
onnx_node *normal_where(importer *im, onnx_node *n) {
  const value *c = n->n_in == 3 ? n->in[0] : NULL;
  static const int same[MODEL_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  if (c && is_guard(n) && n->in[2]->has_dims)
    return give_transposed(im, n->out[0], n->in[2], same), NULL;
  if (!c || !c->k || !n->in[1] || !n->in[2]) return n;
  int at = n->in[1]->k ? 1 : 2;
  const constant *v = n->in[at]->k;
  value *x = n->in[3 - at];
  if (!v || v->n != 1 || x->k || !x->has_dims || c->k->rank > x->rank) return n;
  constant *keep = constant_new(im->a, true, c->k->rank, c->k->dim);
  for (int64_t i = 0; i < keep->n; i++) {
    bool truth = c->k->i ? c->k->i[i] != 0 : c->k->f[i] > 0;
    keep->f[i] = truth == (at == 2);
  }
  const constant *wide = in_rank(im, keep, x);
  double value = v->f ? (double)v->f[0] : (double)v->i[0];
  return wide ? masked(im, n, x, wide, value) : n;
}
