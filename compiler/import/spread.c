/* Dimensions of one that become larger, by themselves (Expand, Tile) or beside a larger tensor: the
   elements are repeated. */
#include "axes.h"
#include <string.h>

static value *input(const onnx_node *n, int i) { return i < n->n_in ? n->in[i] : NULL; }

static bool has_values(const value *v) { return v && !v->k && v->has_dims && (v->layer || v->of); }

/* The nearest axis before this one that has a size, so that a model may take both together; else
   the axis itself. */
static int axis_before(const value *x, int axis) {
  for (int i = axis - 1; i >= 0; i--)
    if (i != batch_axis(x) && x->dim[i] != 1) return i;
  return axis;
}

/* x as [batch, everything else, the axis before]. */
static value *rows_of(importer *im, value *x, int axis, int before, int want[MODEL_RANK]) {
  value to = {.has_dims = true, .rank = 3, .dim = {x->dim[batch_axis(x)], 1, x->dim[before]}};
  int n = 0;
  want[n++] = batch_axis(x);
  for (int i = 0; i < x->rank; i++)
    if (i != batch_axis(x) && i != before && i != axis) want[n++] = i, to.dim[1] *= x->dim[i];
  want[n++] = before;
  if (before != axis) want[n++] = axis;
  value *rows = model_new_value(im->m, x->name);
  return give_view(im, rows, in_order(im, x, want), &to) && settle(im, rows) ? rows : NULL;
}

/* x with this axis of one `times` as large; NULL: it cannot be. */
static value *repeated(importer *im, const onnx_node *n, value *x, int axis, int64_t times) {
  int want[MODEL_RANK], back[MODEL_RANK], before = axis_before(x, axis);
  value to = {.has_dims = true, .rank = x->rank};
  value *rows = rows_of(im, x, axis, before, want);
  onnx_node *u = model_new_node(im->m, n, "Upsample", 1);
  attribute k = {.name = "k", .kind = ATTR_LIST, .n = 1, .list = NEW(im->a, double)};
  k.list[0] = (double)times;
  node_set_attr(im->m, u, k);
  node_set_attr(im->m, u, (attribute){.name = "mode", .kind = ATTR_TEXT, .text = "nearest"});
  u->in[0] = rows;
  u->axes_known = true;
  u->out[0]->name = n->out[0]->name;
  if (!rows || !match_layer(im, u)) return NULL;
  value *v = model_new_value(im->m, x->name), *y = model_new_value(im->m, x->name);
  for (int i = 0; i < x->rank; i++) to.dim[i] = want[i] == axis ? times : x->dim[want[i]];
  for (int i = 0; i < x->rank; i++) back[want[i]] = i;
  if (!give_view(im, v, u->out[0], &to)) return NULL;
  give_transposed(im, y, v, back);
  return y;
}

/* x in these dimensions, as many as it has. */
static value *spread(importer *im, const onnx_node *n, value *x, const int64_t *dim) {
  int batch = batch_axis(x);
  for (int i = 0; x && i < x->rank; i++) {
    if (i == batch || dim[i] == x->dim[i] || dim[i] == 1) continue;
    bool can = batch >= 0 && x->dim[i] == 1 && dim[i] > 1;
    x = can ? repeated(im, n, x, i, dim[i]) : NULL;
  }
  return x;
}

/* The dimensions that a node asks for; false: they are not known, or not as many as x has. */
static bool asked_dims(const onnx_node *n, const value *x, int64_t dim[MODEL_RANK]) {
  const value *v = input(n, 1);
  bool times = node_is(n, "Tile");
  if (!v || !v->k || !v->k->i || v->k->n > x->rank) return false;
  for (int i = 0; i < x->rank; i++) {
    int64_t from = i - x->rank + v->k->n, k = from < 0 ? 1 : v->k->i[from];
    dim[i] = times && !is_open(k) ? k * x->dim[i] : k;
    if (times && k == 1) dim[i] = x->dim[i];
  }
  return true;
}

onnx_node *normal_expand(importer *im, onnx_node *n) {
  static const int same[MODEL_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  value *x = input(n, 0);
  int64_t dim[MODEL_RANK];
  if (!has_values(x) || im->n_lead != 1) return n;
  value *y = asked_dims(n, x, dim) ? spread(im, n, x, dim) : NULL;
  if (!y) return n->reason = "netc repeats dimensions of one, as often as the model says", n;
  give_transposed(im, n->out[0], y, same);
  return NULL;
}

/* The dimensions of a node's inputs together; false: one of them has too few, or all are equal. */
static bool joint_dims(const onnx_node *n, int64_t dim[MODEL_RANK]) {
  int rank = 0;
  bool differ = false;
  for (int i = 0; i < n->n_in; i++)
    if (n->in[i] && n->in[i]->rank > rank) rank = n->in[i]->rank;
  for (int d = 0; d < rank; d++) {
    dim[d] = 1;
    for (int i = 0; i < n->n_in; i++) {
      const value *v = n->in[i];
      int from = v ? d - rank + v->rank : -1;
      if (v && !v->k && (!has_values(v) || v->rank != rank)) return false;
      int64_t size = from < 0 ? 1 : v->dim[from];
      differ |= v && !v->k && dim[d] != 1 && size != dim[d];
      if (size != 1) dim[d] = size;
    }
    for (int i = 0; i < n->n_in; i++)
      differ |= n->in[i] && !n->in[i]->k && n->in[i]->dim[d] != dim[d];
  }
  return differ;
}

onnx_node *spread_inputs(importer *im, onnx_node *n) {
  int64_t dim[MODEL_RANK];
  if (!is_pointwise_type(n->type) || n->n_in < 2 || im->n_lead != 1 || !joint_dims(n, dim))
    return NULL;
  onnx_node *c = model_new_node(im->m, n, n->type, n->n_in);
  for (int i = 0; i < n->n_attr; i++) node_set_attr(im->m, c, n->attr[i]);
  for (int i = 0; i < n->n_in; i++) {
    c->in[i] = n->in[i];
    if (!n->in[i] || n->in[i]->k) continue;
    c->in[i] = spread(im, n, n->in[i], dim);
    if (!c->in[i]) return NULL;
  }
  c->out = n->out;
  return c;
}
