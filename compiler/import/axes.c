/* Nodes that go along some of the dimensions. netc's operators go along the channels; so these
   dimensions are brought there, which costs nothing where a model's transposition had moved them.
 */
#include "axes.h"
#include <string.h>

static value *input(const onnx_node *n, int i) { return i < n->n_in ? n->in[i] : NULL; }

static bool has_values(const value *v) { return v && !v->k && v->has_dims && (v->layer || v->of); }

/* An axis of x that a number of a model means; -1: there is no such one. */
static int real_axis(const value *x, double axis) {
  if (axis < 0) axis += x->rank;
  return axis >= 0 && axis < x->rank ? (int)axis : -1;
}

/* The order in which these axes come behind the batch, then (or before) the others. */
static void order_of(const value *x, const bool chosen[MODEL_RANK], bool last,
                     int want[MODEL_RANK]) {
  int n = 0, batch = batch_axis(x);
  want[n++] = batch;
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < x->rank; i++)
      if (i != batch && chosen[i] == (pass == (int)last)) want[n++] = i;
}

static void inverse(const int *want, int n, int back[MODEL_RANK]) {
  for (int i = 0; i < n; i++) back[want[i]] = i;
}

static void channel_order(const value *x, int axis, int want[MODEL_RANK]) {
  bool chosen[MODEL_RANK] = {false};
  chosen[axis] = true;
  order_of(x, chosen, false, want);
}

static void set_axis(importer *im, onnx_node *n, double axis) {
  node_set_attr(im->m, n, (attribute){.name = "axis", .kind = ATTR_INT, .number = axis});
}

/* n's result is c's in another order. */
static void result_is(importer *im, onnx_node *n, onnx_node *c, const int *want) {
  value *y = c->out[0];
  int back[MODEL_RANK];
  bool same = true;
  inverse(want, y->rank, back);
  for (int i = 0; i < y->rank; i++) same &= want[i] == i;
  y->n_user = n->out[0]->n_user;
  y->maker = c;
  give_transposed(im, n->out[0], y, back);
  if (!same) return;
  n->out[0]->of = NULL, n->out[0]->n_fine = 0;
  c->out = n->out;
  c->out[0]->maker = c;
}

/* Not in the batch, and with a result to speak of. */
static int usual_axis(importer *im, onnx_node *n, double axis) {
  value *x = input(n, 0);
  if (!has_values(x) || im->n_lead != 1) return -1;
  int at = real_axis(x, axis);
  if (at == batch_axis(x)) n->reason = "it goes across samples";
  return n->reason || batch_axis(x) < 0 ? -1 : at;
}

static bool is_sample_axis(const value *x, int axis) {
  return axis >= 0 && axis < x->rank && batch_axis(x) >= 0 && axis != batch_axis(x);
}

onnx_node *along_channels(importer *im, onnx_node *n, double axis) {
  int want[MODEL_RANK], at = usual_axis(im, n, axis);
  if (at < 0) return NULL;
  channel_order(n->in[0], at, want);
  onnx_node *c = model_new_node(im->m, n, n->type, n->n_in);
  for (int i = 0; i < n->n_attr; i++) node_set_attr(im->m, c, n->attr[i]);
  for (int i = 1; i < n->n_in; i++) c->in[i] = n->in[i];
  c->in[0] = in_order(im, n->in[0], want);
  c->axes_known = true;
  set_axis(im, c, 1);
  value *y = c->out[0];
  y->has_dims = true;
  y->rank = c->in[0]->rank;
  memcpy(y->dim, c->in[0]->dim, sizeof y->dim);
  result_is(im, n, c, want);
  return c;
}

/* --- products with a constant matrix --- */

onnx_node *matrix_along(importer *im, onnx_node *n, value *x, int axis, const constant *weight) {
  int want[MODEL_RANK];
  if (!has_values(x) || im->n_lead != 1 || !is_sample_axis(x, axis) ||
      x->dim[axis] != weight->dim[1])
    return NULL;
  channel_order(x, axis, want);
  onnx_node *c = model_new_node(im->m, n, "Einsum", 2);
  attribute a = {.name = "equation", .kind = ATTR_TEXT, .text = "nc...,fc->nf..."};
  node_set_attr(im->m, c, a);
  c->in[0] = in_order(im, x, want);
  c->in[1] = model_new_value(im->m, "");
  c->in[1]->k = weight;
  value_note_dims(c->in[1]);
  c->axes_known = true;
  value *y = c->out[0];
  y->has_dims = true;
  y->rank = x->rank;
  memcpy(y->dim, c->in[0]->dim, sizeof y->dim);
  y->dim[1] = weight->dim[0];
  result_is(im, n, c, want);
  return c;
}

/* Rows of several dimensions, the batch among them, that a model has taken together. */
bool rows_apart(importer *im, onnx_node *n, const constant *weight, const constant *bias) {
  value *x = n->in[0], *v = model_new_value(im->m, x->name), *y = NULL;
  value *parts = model_new_value(im->m, x->name), to = {.has_dims = true}, two = {.has_dims = true};
  int want[MODEL_RANK], back[MODEL_RANK];
  int64_t dim[MODEL_RANK] = {1, weight->dim[0], 1, 1, 1, 1, 1, 1};
  for (int i = 0; i < x->count[0]; i++) to.dim[to.rank++] = x->of->dim[x->fine[i]];
  to.dim[to.rank++] = x->dim[1];
  two.rank = 2, two.dim[0] = x->dim[0], two.dim[1] = weight->dim[0];
  if (to.rank < 3 || !give_view(im, parts, x, &to) || batch_axis(parts) < 0) return false;
  channel_order(parts, parts->rank - 1, want);
  inverse(want, parts->rank, back);
  onnx_node *own = model_new_node(im->m, n, "MatMul", 1), *add = model_new_node(im->m, n, "Add", 2);
  onnx_node *e = matrix_along(im, own, parts, parts->rank - 1, weight);
  if (!e) return false;
  y = e->out[0];
  if (bias) {
    add->in[0] = y;
    add->in[1] = model_new_value(im->m, "");
    add->in[1]->k = constant_viewed(im, bias, y->rank, dim);
    value_note_dims(add->in[1]);
    y = add->out[0];
    y->has_dims = true;
    y->rank = e->out[0]->rank;
    memcpy(y->dim, e->out[0]->dim, sizeof y->dim);
  }
  if (!match_layer(im, bias ? add : e)) return false;
  give_transposed(im, v, y, back);
  return give_view(im, n->out[0], v, &two);
}

/* --- several tensors along one axis --- */

onnx_node *concat_channels(importer *im, onnx_node *n) {
  int want[MODEL_RANK], axis = usual_axis(im, n, attr_number(n, "axis", 0));
  if (axis < 0) return NULL;
  for (int i = 1; i < n->n_in; i++)
    if (!has_values(n->in[i]) || n->in[i]->rank != n->in[0]->rank) return NULL;
  channel_order(n->in[0], axis, want);
  onnx_node *c = model_new_node(im->m, n, n->type, n->n_in);
  for (int i = 0; i < n->n_in; i++) c->in[i] = in_order(im, n->in[i], want);
  c->axes_known = true;
  set_axis(im, c, 1);
  value *y = c->out[0];
  y->has_dims = true;
  y->rank = n->in[0]->rank;
  memcpy(y->dim, c->in[0]->dim, sizeof y->dim);
  for (int i = 1; i < n->n_in; i++) y->dim[1] += c->in[i]->dim[1];
  result_is(im, n, c, want);
  return c;
}

/* Constant rows [1, k, channels] before a sequence. */
onnx_node *rows_before(importer *im, onnx_node *n) {
  value *rows = input(n, 0), *x = input(n, 1);
  if (n->n_in != 2 || !rows->k || !rows->k->f || rows->k->rank != 3 || !has_values(x) ||
      x->rank != 3 || im->n_lead != 1 || batch_axis(x) != 0)
    return NULL;
  if (rows->k->dim[0] == x->dim[0])
    rows = model_constant(im->m, rows->name, constant_of_sample(im, rows->k));
  if (rows->k->dim[0] != 1) return NULL;
  int axis = real_axis(x, attr_number(n, "axis", 0));
  if (axis < 1) return NULL;
  const int want[] = {0, 3 - axis, axis};
  onnx_node *c = model_new_node(im->m, n, n->type, 2),
            *t = model_new_node(im->m, n, "Transpose", 1);
  attribute perm = {.name = "perm", .kind = ATTR_LIST, .n = 3, .list = NEW_N(im->a, double, 3)};
  for (int i = 0; i < 3; i++) perm.list[i] = want[i];
  node_set_attr(im->m, t, perm);
  t->in[0] = rows;
  if (!fold_node(im, t)) return NULL;
  c->in[0] = t->out[0], c->in[1] = in_order(im, x, want);
  c->axes_known = true;
  set_axis(im, c, 2);
  value *y = c->out[0];
  y->has_dims = true;
  y->rank = 3;
  memcpy(y->dim, c->in[1]->dim, sizeof y->dim);
  y->dim[2] += rows->k->dim[axis];
  result_is(im, n, c, want);
  return c;
}

/* --- parts --- */

static value *whole_value(importer *im, int64_t v) {
  const int64_t one = 1;
  constant *k = constant_new(im->a, false, 1, &one);
  k->i[0] = v;
  value *c = model_new_value(im->m, "");
  c->k = k;
  value_note_dims(c);
  return c;
}

static int64_t part_count(const part *p) { return (p->to - p->from + p->step - 1) / p->step; }

/* The part of an axis where it is. */
static bool direct_part(importer *im, onnx_node *s, value *x, value *y, int axis, const part *p) {
  s->in[0] = x;
  s->in[3] = whole_value(im, axis);
  layer *l = x->layer ? match_layer(im, s) : NULL;
  if (!l) return false;
  *y = (value){.name = y->name,
               .maker = y->maker,
               .result = y->result,
               .n_user = y->n_user,
               .user = y->user,
               .has_dims = true,
               .rank = x->rank,
               .layer = l};
  memcpy(y->dim, x->dim, sizeof y->dim);
  y->dim[axis] = part_count(p);
  return true;
}

/* More dimensions than an image has: those behind the channels as one. */
static value *few_dims(importer *im, value *x) {
  value to = {.has_dims = true, .rank = 3, .dim = {x->dim[0], x->dim[1], 1}};
  value *few = model_new_value(im->m, x->name);
  if (x->rank <= 4) return x;
  for (int i = 2; i < x->rank; i++) to.dim[2] *= x->dim[i];
  return give_view(im, few, x, &to) && settle(im, few) ? few : x;
}

bool part_along(importer *im, const onnx_node *n, value *x, value *y, int axis, const part *p) {
  int want[MODEL_RANK], back[MODEL_RANK];
  if (!has_values(x) || im->n_lead != 1 || !is_sample_axis(x, axis)) return false;
  channel_order(x, axis, want);
  onnx_node *s = model_new_node(im->m, n, "Slice", p->step == 1 ? 4 : 5);
  s->in[1] = whole_value(im, p->from), s->in[2] = whole_value(im, p->to);
  if (p->step != 1) s->in[4] = whole_value(im, p->step);
  s->axes_known = true;
  s->out[0]->name = y->name;
  bool all = p->from == 0 && p->to == x->dim[axis] && p->step == 1;
  if (!all && direct_part(im, s, x, y, axis, p)) return true;
  value *moved = in_order(im, x, want), *few = few_dims(im, moved);
  s->in[0] = few;
  s->in[3] = whole_value(im, 1);
  value *r = all ? moved : s->out[0];
  if (!all && !match_layer(im, s)) return false;
  if (!all && few != moved) {
    value to = {.has_dims = true, .rank = moved->rank};
    memcpy(to.dim, moved->dim, sizeof to.dim);
    to.dim[1] = part_count(p);
    r = model_new_value(im->m, y->name);
    if (!give_view(im, r, s->out[0], &to)) return false;
  }
  inverse(want, x->rank, back);
  give_transposed(im, y, r, back);
  return true;
}

/* --- reductions --- */

/* The value without the chosen dimensions, or with ones in their place. */
static bool reduced_result(importer *im, onnx_node *n, value *y, const bool gone[MODEL_RANK],
                           bool keep) {
  value to = {.has_dims = true}, *v = model_new_value(im->m, y->name);
  const value *x = n->in[0];
  int perm[MODEL_RANK], batch = batch_axis(x), at = 0;
  to.dim[to.rank++] = x->dim[batch];
  for (int i = 0; i < x->rank; i++) {
    if (gone[i] && !keep) continue;
    perm[at++] = i == batch ? 0 : to.rank;
    if (i != batch) to.dim[to.rank++] = gone[i] ? 1 : x->dim[i];
  }
  if (!give_view(im, v, y, &to)) return false;
  give_transposed(im, n->out[0], v, perm);
  return true;
}

/* All but the batch and one: pooling over all of an image. */
static layer *pooled(importer *im, onnx_node *n, const char *type, const bool gone[MODEL_RANK],
                     value **y) {
  int want[MODEL_RANK];
  bool kept[MODEL_RANK];
  for (int i = 0; i < MODEL_RANK; i++) kept[i] = i != batch_axis(n->in[0]) && !gone[i];
  order_of(n->in[0], kept, false, want);
  onnx_node *c = model_new_node(im->m, n, type, 1);
  c->in[0] = in_order(im, n->in[0], want);
  c->axes_known = true;
  *y = c->out[0];
  return match_layer(im, c);
}

/* The chosen dimensions as one, which is the channels. */
static layer *reduced(importer *im, onnx_node *n, const bool gone[MODEL_RANK], value **y) {
  int want[MODEL_RANK], n_gone = 0;
  value to = {.has_dims = true};
  order_of(n->in[0], gone, false, want);
  value *x = in_order(im, n->in[0], want), *rows = model_new_value(im->m, x->name);
  for (int i = 0; i < n->in[0]->rank; i++) n_gone += gone[i];
  to.dim[to.rank++] = x->dim[0];
  to.dim[to.rank++] = 1;
  for (int i = 1; i <= n_gone; i++) to.dim[1] *= x->dim[i];
  for (int i = n_gone + 1; i < x->rank; i++) to.dim[to.rank++] = x->dim[i];
  if (!give_view(im, rows, x, &to) || !settle(im, rows)) return NULL;
  onnx_node *c = model_new_node(im->m, n, n->type, 1);
  c->in[0] = rows;
  c->axes_known = true;
  say_channels(im, c);
  node_set_attr(im->m, c, (attribute){.name = "keepdims", .kind = ATTR_INT, .number = 1});
  *y = c->out[0];
  return match_layer(im, c);
}

bool reduce_axes(importer *im, onnx_node *n, const bool gone[MODEL_RANK], bool keep) {
  value *y = NULL;
  int left = 0;
  layer *l = NULL;
  int batch = has_values(n->in[0]) && im->n_lead == 1 ? batch_axis(n->in[0]) : -1;
  if (batch < 0 || gone[batch]) return false;
  for (int i = 0; i < n->in[0]->rank; i++) left += i != batch && !gone[i];
  const char *pool = node_is(n, "ReduceMean")  ? "GlobalAveragePool"
                     : node_is(n, "ReduceMax") ? "GlobalMaxPool"
                                               : NULL;
  if (pool && left == 1 && n->in[0]->rank > 2) l = pooled(im, n, pool, gone, &y);
  if (!l) l = reduced(im, n, gone, &y);
  return l && reduced_result(im, n, y, gone, keep);
}

/* --- rows of a table --- */

onnx_node *rows_of_table(importer *im, onnx_node *n, value *table, value *x) {
  int want[MODEL_RANK];
  node *port = x->layer ? x->layer->n : NULL;
  if (!port || !port->port || !port->port->is_int || im->n_lead != 1) return NULL;
  if (!port->shape.below) port->shape.below = table->k->dim[0];
  onnx_node *g = model_new_node(im->m, n, "Gather", 2), *c = model_new_node(im->m, n, "Einsum", 1);
  attribute a = {.name = "equation", .kind = ATTR_TEXT, .text = "n...d->nd..."};
  node_set_attr(im->m, c, a);
  g->in[0] = table, g->in[1] = x;
  c->in[0] = g->out[0];
  c->axes_known = true;
  value *y = c->out[0];
  y->has_dims = true;
  y->rank = x->rank + 1;
  y->dim[0] = x->dim[0], y->dim[1] = table->k->dim[1];
  want[0] = 0, want[1] = x->rank;
  for (int i = 1; i < x->rank; i++) y->dim[i + 1] = x->dim[i], want[i + 1] = i;
  result_is(im, n, c, want);
  return c;
}
