/* One form for every operator set: attributes that became inputs, defaults, and what netc's
   operators say in another way (automatic padding, transposed matrices, sums of several). */
#include "axes.h"
#include <float.h>
#include <math.h>
#include <string.h>

static value *input(const onnx_node *n, int i) { return i < n->n_in ? n->in[i] : NULL; }

/* --- ONNX's defaults --- */

/* In the public specification of the operators. S: one such number for each spatial dimension; P:
   two. A: any value is the default, since it changes nothing at inference. */
static const struct {
  const char *type, *name;
  char kind;
  double v;
} defaults[] = {
#define DEFAULT(type, name, kind, v) {#type, #name, kind, v},
#include "onnx_defaults.def"
#undef DEFAULT
};
enum { N_DEFAULTS = sizeof defaults / sizeof *defaults };

int spatial_rank(const onnx_node *n) {
  const attribute *k = node_attr(n, "kernel_shape");
  const value *x = input(n, 0), *w = input(n, 1);
  if (k && k->kind == ATTR_LIST) return k->n;
  if (w && w->k) return w->k->rank - 2;
  return x && x->has_dims ? x->rank - 2 : 0;
}

static int find_default(const onnx_node *n, const char *name) {
  for (int i = 0; i < N_DEFAULTS; i++)
    if (!strcmp(defaults[i].name, name) && node_is(n, defaults[i].type)) return i;
  return -1;
}

bool schema_default(const onnx_node *n, const char *name, int spatial, attribute *out) {
  static double same[2 * MODEL_RANK];
  int at = find_default(n, name);
  if (at < 0 || spatial > MODEL_RANK) return false;
  char kind = defaults[at].kind;
  *out = (attribute){.name = name, .number = defaults[at].v};
  out->kind = kind == 'I' ? ATTR_INT : kind == 'F' ? ATTR_FLOAT : ATTR_LIST;
  out->n = kind == 'S' ? spatial : 2 * spatial;
  for (int i = 0; i < 2 * MODEL_RANK; i++) same[i] = defaults[at].v;
  out->list = same;
  return true;
}

bool attr_is_default(const onnx_node *n, const attribute *a, int spatial) {
  attribute d;
  int at = find_default(n, a->name);
  if (at >= 0 && defaults[at].kind == 'A') return true;
  if (!schema_default(n, a->name, spatial, &d)) return false;
  if (a->kind != ATTR_LIST) return a->number == d.number;
  for (int i = 0; i < a->n; i++)
    if (a->list[i] != d.number) return false;
  return true;
}

/* --- small helpers --- */

static attribute list_attr(importer *im, const char *name, int n) {
  return (attribute){.name = name, .kind = ATTR_LIST, .n = n, .list = NEW_N(im->a, double, n + 1)};
}

static void drop_attr(onnx_node *n, const char *name) {
  for (int i = 0; i < n->n_attr; i++)
    if (!strcmp(n->attr[i].name, name)) n->attr[i--] = n->attr[--n->n_attr];
}

/* An axis in netc's dimensions, the batch as one. */
static void give_axis(importer *im, onnx_node *n, int axis) {
  attribute a = {.name = "axis", .kind = ATTR_INT, .number = axis - im->n_lead + 1};
  node_set_attr(im->m, n, a);
  n->axes_known = true;
}

static void set_input(importer *im, onnx_node *n, int at, value *v) {
  value **in = NEW_N(im->a, value *, (at >= n->n_in ? at : n->n_in) + 2);
  for (int i = 0; i < n->n_in; i++) in[i] = n->in[i];
  in[at] = v;
  if (at >= n->n_in) n->n_in = at + 1;
  n->in = in;
}

/* --- attributes that newer sets have as inputs --- */

static void attribute_to_input(importer *im, onnx_node *n, const char *name, int at) {
  const attribute *a = node_attr(n, name);
  if (!a || a->kind == ATTR_LIST) return;
  set_input(im, n, at, model_number(im->m, a->number));
  drop_attr(n, name);
}

/* The result of inference; other results (masks) have no users here. */
static onnx_node *normal_dropout(importer *im, onnx_node *n) {
  attribute_to_input(im, n, "ratio", 1);
  if (!input(n, 1)) set_input(im, n, 1, model_number(im->m, 0.5));
  const value *training = input(n, 2);
  if (training && training->k && training->k->i && !training->k->i[0]) n->n_in = 2;
  return n;
}

static onnx_node *normal_clip(importer *im, onnx_node *n) {
  attribute_to_input(im, n, "min", 1);
  attribute_to_input(im, n, "max", 2);
  if (!input(n, 1)) set_input(im, n, 1, model_number(im->m, -(double)FLT_MAX));
  if (!input(n, 2)) set_input(im, n, 2, model_number(im->m, (double)FLT_MAX));
  return n;
}

/* Before set 13 a softmax was over all dimensions from `axis`, 1 by default; then over one, the
   last by default. */
static onnx_node *normal_softmax(importer *im, onnx_node *n) {
  const value *x = input(n, 0);
  int axis = (int)attr_number(n, "axis", im->m->opset < 13 ? 1 : -1);
  if (!x || !x->has_dims) return n;
  if (axis < 0) axis += x->rank;
  if (im->n_lead != 1 && axis < im->n_lead) n->reason = "it goes across samples";
  bool rest = false;
  for (int i = axis + 1; i < x->rank; i++) rest |= x->dim[i] != 1;
  if (im->m->opset < 13 && rest) n->reason = "it is a softmax over several dimensions";
  onnx_node *c = n->reason ? NULL : along_channels(im, n, axis);
  if (c) return c;
  settle(im, n->in[0]);
  give_axis(im, n, axis);
  return n;
}

static void normal_axis(importer *im, onnx_node *n) {
  const value *x = input(n, 0);
  double axis = attr_number(n, "axis", 0);
  if (!x || !x->has_dims) return;
  if (axis < 0) axis += x->rank;
  if (axis < im->n_lead) n->reason = "it goes across samples";
  give_axis(im, n, (int)axis);
}

/* --- reductions --- */

/* The axes that a node names, from `first` to the last; false: they are not next to one another, or
   not known. None named: all. */
static bool axes_range(const onnx_node *n, int rank, int *first, int *last) {
  const attribute *a = node_attr(n, "axes");
  const value *v = input(n, 1);
  int64_t count = a ? a->n : v && v->k && v->k->i ? v->k->n : 0, least = MODEL_RANK, most = -1;
  if (v && (!v->k || !v->k->i)) return false;
  for (int64_t i = 0; i < count; i++) {
    int64_t at = a ? (int64_t)a->list[i] : v->k->i[i];
    if (at < 0) at += rank;
    least = at < least ? at : least, most = at > most ? at : most;
  }
  *first = count ? (int)least : 0, *last = count ? (int)most : rank - 1;
  return !count || most - least + 1 == count;
}

/* The values that are reduced, as channels: as they are, or all of a sample in a row. */
static value *reduced_input(importer *im, onnx_node *n, int first, int last) {
  value *x = n->in[0];
  if (first != im->n_lead || (last != first && last != x->rank - 1)) return NULL;
  if (last == first) return x;
  value *flat = model_new_value(im->m, x->name);
  flat->layer = x->layer;
  flat->maker = n;
  flat->has_dims = true;
  flat->rank = im->n_lead + 1;
  for (int i = 0; i < im->n_lead; i++) flat->dim[i] = x->dim[i];
  flat->dim[im->n_lead] = 1;
  for (int i = im->n_lead; i < x->rank; i++) flat->dim[im->n_lead] *= x->dim[i];
  return flat;
}

static void result_dims(onnx_node *n, int first, int last, bool keep) {
  const value *x = n->in[0];
  value *y = n->out[0];
  y->has_dims = true;
  y->rank = 0;
  for (int i = 0; i < x->rank; i++) {
    bool gone = i >= first && i <= last;
    if (!gone || keep) y->dim[y->rank++] = gone ? 1 : x->dim[i];
  }
}

/* As an input for the one that has had it so for longest, which is what netc exports. */
void say_channels(importer *im, onnx_node *n) {
  static double channels[] = {1};
  const int64_t one = 1;
  if (node_is(n, "ReduceSum")) {
    constant *k = constant_new(im->a, false, 1, &one);
    k->i[0] = 1;
    set_input(im, n, 1, model_constant(im->m, "", k));
  } else {
    attribute a = {.name = "axes", .kind = ATTR_LIST, .n = 1, .list = channels};
    node_set_attr(im->m, n, a);
  }
}

/* Which dimensions a node names; none: all of a sample. */
static bool named_axes(const onnx_node *n, int rank, bool gone[MODEL_RANK]) {
  const attribute *a = node_attr(n, "axes");
  const value *v = input(n, 1);
  int64_t count = a ? a->n : v && v->k && v->k->i ? v->k->n : 0;
  memset(gone, 0, MODEL_RANK * sizeof *gone);
  if (v && (!v->k || !v->k->i)) return false;
  for (int64_t i = 0; i < count; i++) {
    int64_t at = a ? (int64_t)a->list[i] : v->k->i[i];
    if (at < 0) at += rank;
    if (at < 0 || at >= rank) return false;
    gone[at] = true;
  }
  return count > 0;
}

/* netc reduces channels, and keeps them as one. */
static onnx_node *normal_reduce(importer *im, onnx_node *n) {
  value *x = input(n, 0);
  int first, last;
  bool gone[MODEL_RANK];
  if (x && x->has_dims && named_axes(n, x->rank, gone) &&
      reduce_axes(im, n, gone, attr_number(n, "keepdims", 1) != 0))
    return NULL;
  if (!x || !x->has_dims || !settle(im, x) || !x->layer) return n;
  if (!axes_range(n, x->rank, &first, &last)) {
    n->reason = "its axes are not next to one another";
    return n;
  }
  onnx_node *r = model_new_node(im->m, n, n->type, 1);
  r->in[0] = reduced_input(im, n, first, last);
  r->axes_known = true;
  if (!r->in[0]) n->reason = "netc reduces channels, or all of a sample";
  if (n->reason) return n;
  say_channels(im, r);
  node_set_attr(im->m, r, (attribute){.name = "keepdims", .kind = ATTR_INT, .number = 1});
  layer *l = match_layer(im, r);
  if (!l) n->reason = im->why ? im->why : "";
  n->out[0]->layer = l;
  if (l) result_dims(n, first, last, attr_number(n, "keepdims", 1) != 0);
  return l ? NULL : n;
}

/* --- other names for what was there --- */

static onnx_node *normal_cast(importer *im, onnx_node *n) {
  const value *x = input(n, 0);
  double to = attr_number(n, "to", 1);
  (void)im;
  bool whole = x && x->layer && x->layer->n->port && x->layer->n->port->is_int;
  bool same = whole ? to == 6 || to == 7 : to == 1 || to == 10 || to == 11 || to == 16;
  if (!x || !x->layer || !same) return n;
  n->out[0]->layer = x->layer;
  n->out[0]->has_dims = true;
  n->out[0]->rank = x->rank;
  memcpy(n->out[0]->dim, x->dim, sizeof x->dim);
  return NULL;
}

/* Numbers cast to what they are, in whatever order their dimensions stand. */
static onnx_node *normal_number_cast(importer *im, onnx_node *n) {
  static const int same[MODEL_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  double to = attr_number(n, "to", 1);
  value *x = input(n, 0);
  bool number = x && x->of && !x->layer && x->has_dims && im->n_lead == 1;
  if (number && (to == 1 || to == 10 || to == 11 || to == 16))
    return give_transposed(im, n->out[0], x, same), NULL;
  if (x && !x->k) settle(im, x);
  return normal_cast(im, n);
}

/* --- windows --- */

static double window_at(const onnx_node *n, const char *name, int i, double otherwise) {
  const attribute *a = node_attr(n, name);
  return a && a->kind == ATTR_LIST && i < a->n ? a->list[i] : otherwise;
}

static void give_kernel(importer *im, onnx_node *n) {
  const value *w = input(n, 1);
  if (node_attr(n, "kernel_shape") || !w || !w->k || w->k->rank < 3) return;
  attribute a = list_attr(im, "kernel_shape", w->k->rank - 2);
  for (int i = 0; i < a.n; i++) a.list[i] = (double)w->k->dim[i + 2];
  node_set_attr(im->m, n, a);
}

static double window_extent(const onnx_node *n, int i) {
  return window_at(n, "dilations", i, 1) * (window_at(n, "kernel_shape", i, 1) - 1) + 1;
}

/* SAME pads so that the result has size / stride elements, rounded up. */
static void auto_pad(importer *im, onnx_node *n, const char *how) {
  const value *x = n->in[0];
  int rank = x->rank - 2;
  bool lower = !strcmp(how, "SAME_LOWER"), same = lower || !strcmp(how, "SAME_UPPER");
  attribute pads = list_attr(im, "pads", 2 * rank);
  for (int i = 0; i < rank; i++) {
    double size = (double)x->dim[i + 2], stride = window_at(n, "strides", i, 1);
    double total = fmax((ceil(size / stride) - 1) * stride + window_extent(n, i) - size, 0);
    double less = floor(total / 2);
    if (!same) continue;
    pads.list[i] = lower ? total - less : less;
    pads.list[i + rank] = total - pads.list[i];
  }
  node_set_attr(im->m, n, pads);
}

/* Sizes rounded up: as if padded more at the end, though no window begins in that. */
static void ceil_mode(importer *im, onnx_node *n) {
  const value *x = n->in[0];
  int rank = x->rank - 2;
  bool more = false;
  attribute pads = list_attr(im, "pads", 2 * rank);
  for (int i = 0; i < rank; i++) {
    double before = window_at(n, "pads", i, 0), after = window_at(n, "pads", i + rank, 0);
    double size = (double)x->dim[i + 2], stride = window_at(n, "strides", i, 1);
    double steps = ceil((size + before + after - window_extent(n, i)) / stride);
    if (steps * stride >= size + before) steps--;
    double extra = steps * stride + window_extent(n, i) - (size + before + after);
    pads.list[i] = before;
    pads.list[i + rank] = after + fmax(extra, 0);
    more |= extra > 0;
  }
  if (more && attr_number(n, "count_include_pad", 0) != 0)
    n->reason = "it counts padding, but not what `ceil_mode` adds";
  node_set_attr(im->m, n, pads);
}

static onnx_node *normal_window(importer *im, onnx_node *n) {
  const value *x = input(n, 0);
  const attribute *how = node_attr(n, "auto_pad");
  give_kernel(im, n);
  if (!x || !x->has_dims || x->rank < 3) return n;
  if (how && how->kind == ATTR_TEXT && strcmp(how->text, "NOTSET")) auto_pad(im, n, how->text);
  if (how) drop_attr(n, "auto_pad");
  if (attr_number(n, "ceil_mode", 0) != 0) ceil_mode(im, n);
  drop_attr(n, "ceil_mode");
  return n;
}

/* Its automatic padding is of what it makes, which is another matter. */
static onnx_node *normal_transposed(importer *im, onnx_node *n) {
  const attribute *how = node_attr(n, "auto_pad");
  if (how && how->kind == ATTR_TEXT && !strcmp(how->text, "NOTSET")) drop_attr(n, "auto_pad");
  give_kernel(im, n);
  return n;
}

/* Without padding it is all one whether padding counts. */
static onnx_node *normal_average(importer *im, onnx_node *n) {
  normal_window(im, n);
  const attribute *pads = node_attr(n, "pads");
  for (int i = 0; pads && i < pads->n; i++)
    if (pads->list[i] != 0) return n;
  node_set_attr(im->m, n, (attribute){.name = "count_include_pad", .kind = ATTR_INT, .number = 1});
  return n;
}

/* --- matrices --- */

static const constant *transposed(importer *im, const constant *k, double times) {
  const int64_t dim[2] = {k->dim[1], k->dim[0]};
  constant *c = constant_new(im->a, true, 2, dim);
  for (int64_t i = 0; i < k->dim[0]; i++)
    for (int64_t j = 0; j < k->dim[1]; j++)
      c->f[j * k->dim[0] + i] = k->f[i * k->dim[1] + j] * (float)times;
  return c;
}

static const constant *scaled(importer *im, const constant *k, int64_t n, double times) {
  constant *c = constant_new(im->a, true, 1, &n);
  for (int64_t i = 0; i < n; i++) c->f[i] = k->f[k->n == 1 ? 0 : i] * (float)times;
  return c;
}

static bool is_matrix(const value *v) { return v && v->k && v->k->f && v->k->rank == 2; }

/* The matrix as [out, in], times alpha. */
static const constant *gemm_weight(importer *im, const onnx_node *n) {
  const constant *k = n->in[1]->k;
  double alpha = attr_number(n, "alpha", 1);
  bool lies = attr_number(n, "transB", 0) != 0;
  if (lies && alpha == 1) return k;
  return lies ? transposed(im, transposed(im, k, alpha), 1) : transposed(im, k, alpha);
}

/* One for each output, times beta; NULL: there is none, or it is another. */
static const constant *gemm_bias(importer *im, const onnx_node *n, int64_t rows) {
  const value *b = input(n, 2);
  bool fits = b && b->k && b->k->f && (b->k->n == rows || b->k->n == 1) &&
              (b->k->rank < 2 || b->k->dim[0] == 1);
  return fits ? scaled(im, b->k, rows, attr_number(n, "beta", 1)) : NULL;
}

/* Weights lie [out, in], biases are vectors, and nothing is scaled. */
static onnx_node *normal_gemm(importer *im, onnx_node *n) {
  value *x = input(n, 0), *w = input(n, 1), *b = input(n, 2);
  const constant *k = is_matrix(w) ? gemm_weight(im, n) : NULL;
  const constant *bias = k ? gemm_bias(im, n, k->dim[0]) : NULL;
  bool plain = k && attr_number(n, "transA", 0) == 0 && (!b || bias);
  if (plain && x && x->of && !x->layer && x->rank == 2 && im->n_lead == 1 &&
      rows_apart(im, n, k, bias))
    return NULL;
  if (x) settle(im, x);
  if (!k) return n;
  if (k != w->k) set_input(im, n, 1, model_constant(im->m, w->name, k));
  if (bias) set_input(im, n, 2, model_constant(im->m, b->name, bias));
  drop_attr(n, "alpha"), drop_attr(n, "beta");
  node_set_attr(im->m, n, (attribute){.name = "transB", .kind = ATTR_INT, .number = 1});
  return n;
}

/* Without dimensions of one before the last two. */
static const constant *matrix_in(importer *im, const value *v) {
  if (!v || !v->k || !v->k->f || v->k->rank < 2) return NULL;
  for (int i = 0; i < v->k->rank - 2; i++)
    if (v->k->dim[i] != 1) return NULL;
  return constant_viewed(im, v->k, 2, v->k->dim + v->k->rank - 2);
}

static void settle_inputs(importer *im, onnx_node *n) {
  for (int i = 0; i < n->n_in; i++)
    if (n->in[i]) settle(im, n->in[i]);
}

/* A product with a constant matrix is one of rows. */
onnx_node *normal_matmul(importer *im, onnx_node *n) {
  value *x = input(n, 0), *z = input(n, 1);
  const constant *left = matrix_in(im, x), *right = matrix_in(im, z);
  onnx_node *rows = NULL;
  if (right && x->has_dims && x->rank > 2)
    rows = matrix_along(im, n, x, x->rank - 1, transposed(im, right, 1));
  else if (left && z && z->has_dims && z->rank > 2)
    rows = matrix_along(im, n, z, z->rank - 2, left);
  if (rows) return rows;
  settle_inputs(im, n);
  if (!x || !x->has_dims || x->rank != 2 || !is_matrix(input(n, 1))) return n;
  onnx_node *g = model_new_node(im->m, n, "Gemm", 2);
  g->in[0] = n->in[0], g->in[1] = n->in[1], g->out = n->out;
  g->out[0]->maker = g;
  return normal_gemm(im, g);
}

/* --- factors and offsets after a layer that has its own --- */

/* One float for each channel, whatever ones stand around it. */
static const constant *per_channel(importer *im, const value *x, const value *v, int64_t n) {
  if (!v || !v->k || !v->k->f || !x->has_dims || (v->k->n != n && v->k->n != 1)) return NULL;
  int at = v->k->rank - x->rank + 1;
  if (v->k->n != 1 && (at < 0 || at >= v->k->rank || v->k->dim[at] != n)) return NULL;
  return scaled(im, v->k, n, 1);
}

static onnx_node *only_use(const value *v, const char *type) {
  onnx_node *n = v && !v->k ? v->maker : NULL;
  return n && v->n_user == 1 && !strcmp(n->type, type) && !v->result ? n : NULL;
}

static const constant *combined(importer *im, const constant *a, const constant *b, bool times) {
  constant *c = constant_new(im->a, true, 1, a->dim);
  for (int64_t i = 0; i < c->n; i++) c->f[i] = times ? a->f[i] * b->f[i] : a->f[i] + b->f[i];
  return c;
}

/* A node of the same type and attributes with other weights and n's result. */
static onnx_node *with_inputs(importer *im, const onnx_node *like, onnx_node *n, int n_in) {
  onnx_node *c = model_new_node(im->m, n, like->type, n_in);
  for (int i = 0; i < n_in; i++) c->in[i] = input(like, i);
  c->n_attr = like->n_attr;
  c->attr = NEW_N(im->a, attribute, 2 * like->n_attr + 1);
  for (int i = 0; i < like->n_attr; i++) c->attr[i] = like->attr[i];
  c->out = n->out;
  c->out[0]->maker = c;
  return c;
}

static onnx_node *into_norm(importer *im, onnx_node *n, onnx_node *norm, const value *x,
                            const value *v, bool times) {
  const value *w = input(norm, 1), *b = input(norm, 2);
  if (!w || !b || !w->k || !b->k || !w->k->f || !b->k->f || w->k->rank != 1) return n;
  const constant *k = per_channel(im, x, v, w->k->n);
  if (!k || b->k->n != w->k->n) return n;
  onnx_node *c = with_inputs(im, norm, n, norm->n_in);
  if (times) c->in[1] = model_constant(im->m, w->name, combined(im, w->k, k, true));
  c->in[2] = model_constant(im->m, b->name, combined(im, b->k, k, times));
  return c;
}

/* An offset after a matrix that has none yet. */
static onnx_node *into_gemm(importer *im, onnx_node *n, onnx_node *g, const value *v) {
  if (input(g, 2) || !is_matrix(input(g, 1)) || !v->k || !v->k->f) return n;
  int64_t rows = g->in[1]->k->dim[0];
  if (v->k->n != rows && v->k->n != 1) return n;
  onnx_node *c = with_inputs(im, g, n, 3);
  c->in[2] = model_constant(im->m, v->name, scaled(im, v->k, rows, 1));
  return c;
}

static onnx_node *normal_affine(importer *im, onnx_node *n) {
  bool times = node_is(n, "Mul");
  for (int i = 0; i < 2 && n->n_in == 2; i++) {
    value *x = n->in[i], *v = n->in[1 - i];
    onnx_node *norm = only_use(x, "BatchNormalization"), *g = only_use(x, "Gemm");
    if (!v || !v->k) continue;
    if (norm) return into_norm(im, n, norm, x, v, times);
    if (g && !times) return into_gemm(im, n, g, v);
  }
  return with_constant(im, n);
}

/* --- sums and concatenations of several are chains of two --- */

static onnx_node *chain(importer *im, onnx_node *n, const char *type) {
  value *first = n->in[0];
  onnx_node *last = n;
  for (int i = 1; i < n->n_in; i++) {
    onnx_node *c = model_new_node(im->m, n, type, 2);
    c->in[0] = first, c->in[1] = n->in[i];
    c->n_attr = n->n_attr, c->attr = n->attr, c->axes_known = n->axes_known;
    if (i == n->n_in - 1) c->out = n->out, c->out[0]->maker = c;
    else if (!match_layer(im, c)) return n;
    first = c->out[0];
    last = c;
  }
  return last;
}

/* --- the table --- */

/* Several nodes may be one layer; else only the order is noted. */
static onnx_node *normal_transpose(importer *im, onnx_node *n) {
  const value *x = input(n, 0);
  int perm[MODEL_RANK];
  transpose_dims(n);
  if (!n->out[0]->has_dims || !x || match_several(im, n) || im->n_lead != 1)
    return n->out[0]->layer ? NULL : n;
  const attribute *a = node_attr(n, "perm");
  for (int i = 0; i < x->rank; i++) perm[i] = a ? (int)a->list[i] : x->rank - 1 - i;
  give_transposed(im, n->out[0], n->in[0], perm);
  return NULL;
}

static onnx_node *normal_fold(importer *im, onnx_node *n) {
  return n->n_in == 1 ? normal_cast(im, n) : n->n_in > 2 ? chain(im, n, n->type) : n;
}

/* A node of one axis as netc has it, and nothing else. */
static onnx_node *normal_one_axis(importer *im, onnx_node *n) {
  onnx_node *c = along_channels(im, n, attr_number(n, "axis", -1));
  if (c) return c;
  settle_inputs(im, n);
  if (!node_attr(n, "axis"))
    node_set_attr(im->m, n, (attribute){.name = "axis", .kind = ATTR_INT, .number = -1});
  normal_axis(im, n);
  return n;
}

/* A norm over the last dimension. */
static onnx_node *normal_last_axis(importer *im, onnx_node *n) {
  const value *x = input(n, 0);
  double axis = attr_number(n, "axis", -1);
  if (!x || !x->has_dims) return n;
  bool last = axis == -1 || axis == x->rank - 1;
  onnx_node *c = last ? along_channels(im, n, axis) : NULL;
  if (!last) n->reason = "it is over several dimensions";
  return c ? c : n;
}

/* Rows of a table for whole numbers, or one part of a tensor. */
static onnx_node *normal_gather(importer *im, onnx_node *n) {
  value *x = input(n, 0), *at = input(n, 1), *y = n->out[0], *row = NULL;
  double axis = attr_number(n, "axis", 0);
  if (!x || !at || !x->has_dims) return n;
  if (is_matrix(x) && axis == 0 && at->layer) {
    onnx_node *c = rows_of_table(im, n, x, at);
    if (c) return c;
  }
  if (axis < 0) axis += x->rank;
  if (!at->k || !at->k->i || at->k->n != 1 || axis < 0 || axis >= x->rank ||
      axis == batch_axis(x)) {
    n->reason = "netc takes one part of a tensor, or rows of a table for whole numbers";
    return n;
  }
  int a = (int)axis;
  part p = {at->k->i[0], at->k->i[0] + 1, 1};
  if (p.from < 0) p.from += x->dim[a], p.to += x->dim[a];
  row = model_new_value(im->m, y->name);
  value to = {.has_dims = true};
  for (int i = 0; i < x->rank; i++)
    if (i != a || at->k->rank) to.dim[to.rank++] = i == a ? 1 : x->dim[i];
  if (p.from < 0 || p.to > x->dim[a] || !part_along(im, n, x, row, a, &p) ||
      !give_view(im, y, row, &to))
    n->reason = im->why ? im->why : "";
  return n->reason ? n : NULL;
}

static value *whole_value(importer *im, int64_t v) {
  const int64_t one = 1;
  constant *k = constant_new(im->a, false, 1, &one);
  k->i[0] = v;
  return model_constant(im->m, "", k);
}

static bool int_list(const onnx_node *n, int at, const char *name, int64_t i, int64_t *v) {
  const attribute *a = node_attr(n, name);
  const value *in = input(n, at);
  if (a && a->kind == ATTR_LIST && i < a->n) *v = (int64_t)a->list[i];
  else if (in && in->k && in->k->i && i < in->k->n) *v = in->k->i[i];
  else return false;
  return true;
}

/* Part i of a Slice: false if it is not known. */
static bool slice_part(const onnx_node *n, const value *x, int64_t i, int *axis, part *p) {
  int64_t a = i;
  p->step = 1;
  if (!int_list(n, 1, "starts", i, &p->from) || !int_list(n, 2, "ends", i, &p->to)) return false;
  int_list(n, 3, "axes", i, &a);
  int_list(n, 4, "steps", i, &p->step);
  if (a < 0) a += x->rank;
  if (a < 0 || a >= x->rank || p->step < 1) return false;
  int64_t size = x->dim[a];
  if (p->from < 0) p->from += size;
  if (p->to < 0) p->to += size;
  p->from = p->from < 0 ? 0 : p->from;
  p->to = p->to > size ? size : p->to;
  *axis = (int)a;
  return p->from < p->to || size == ANY_BATCH;
}

static bool takes_all(const value *x, int axis, const part *p) {
  return x->dim[axis] == ANY_BATCH ? p->from == 0 && p->step == 1
                                   : p->from == 0 && p->to == x->dim[axis] && p->step == 1;
}

/* All of one axis of a sequence from its end to its beginning; -1: it is another slice. */
static int turned_axis(const onnx_node *n, const value *x) {
  int64_t from = 0, to = 0, step = 1, axis = 0, more;
  if (!int_list(n, 1, "starts", 0, &from) || !int_list(n, 2, "ends", 0, &to)) return -1;
  int_list(n, 3, "axes", 0, &axis);
  int_list(n, 4, "steps", 0, &step);
  if (axis < 0) axis += x->rank;
  if (x->rank != 3 || axis < 1 || axis > 2 || step != -1) return -1;
  int64_t size = x->dim[axis];
  bool all = (from == -1 || from >= size - 1) && to < -size;
  return all && !int_list(n, 1, "starts", 1, &more) ? (int)axis : -1;
}

/* Its positions stand last where netc's layer turns them. */
static bool turn(importer *im, onnx_node *n, value *x, int axis) {
  const int want[] = {0, 3 - axis, axis};
  static const int64_t how[] = {-1, -1000000000, 2, -1};
  onnx_node *s = model_new_node(im->m, n, "Slice", 5);
  s->in[0] = in_order(im, x, want);
  for (int i = 0; i < 4; i++) s->in[i + 1] = whole_value(im, how[i]);
  s->axes_known = true;
  s->out[0]->name = n->out[0]->name;
  if (!match_layer(im, s)) return false;
  give_transposed(im, n->out[0], s->out[0], want);
  return true;
}

/* One dimension after the other. */
static onnx_node *normal_slice(importer *im, onnx_node *n) {
  value *x = input(n, 0);
  int64_t i, from;
  if (im->n_lead != 1 || !x || !x->has_dims || (!x->layer && !x->of)) {
    settle_inputs(im, n);
    return n;
  }
  int turned = turned_axis(n, x);
  if (turned > 0 && turn(im, n, x, turned)) return NULL;
  for (i = 0; int_list(n, 1, "starts", i, &from); i++) {
    part p;
    int axis;
    value *y = model_new_value(im->m, n->out[0]->name);
    if (!slice_part(n, x, i, &axis, &p)) n->reason = "its part is not known";
    else if (takes_all(x, axis, &p)) continue;
    else if (!part_along(im, n, x, y, axis, &p)) n->reason = im->why ? im->why : "";
    if (n->reason) return n;
    x = y;
  }
  return i && give_view(im, n->out[0], x, x) ? NULL : n;
}

/* --- parts --- */

/* The elements from .. to of an axis, which is netc's channels. */
static layer *part_of(importer *im, const onnx_node *n, value *y, int64_t from, int64_t to) {
  onnx_node *s = model_new_node(im->m, n, "Slice", 4);
  s->in[0] = n->in[0];
  s->in[1] = whole_value(im, from), s->in[2] = whole_value(im, to), s->in[3] = whole_value(im, 1);
  s->axes_known = true;
  s->out[0]->name = y->name;
  layer *l = match_layer(im, s);
  if (!l) return NULL;
  y->layer = l;
  model_dims(im, l->natural, y);
  return l;
}

/* The size of result i, by the attribute, the input, or in equal parts, of which the last may be
   smaller. */
static int64_t part_size(const onnx_node *n, int i, int64_t all) {
  const attribute *a = node_attr(n, "split");
  const value *v = input(n, 1);
  if (a && a->kind == ATTR_LIST) return i < a->n ? (int64_t)a->list[i] : 0;
  if (v) return v->k && v->k->i && i < v->k->n ? v->k->i[i] : 0;
  int64_t each = (all + n->n_out - 1) / n->n_out;
  return i == n->n_out - 1 ? all - each * i : each;
}

static onnx_node *normal_split(importer *im, onnx_node *n) {
  value *x = input(n, 0);
  int64_t from = 0;
  if (!x || !x->has_dims) return n;
  int axis = (int)attr_number(n, "axis", 0);
  if (axis < 0) axis += x->rank;
  if (im->n_lead != 1) settle(im, x);
  if (im->n_lead != 1 && axis != im->n_lead) n->reason = "netc cuts channels apart";
  for (int i = 0; i < n->n_out && !n->reason; i++) {
    int64_t size = part_size(n, i, x->dim[axis]);
    part p = {from, from + size, 1};
    if (size < 1 || from + size > x->dim[axis] ||
        !(im->n_lead == 1 ? part_along(im, n, x, n->out[i], axis, &p)
                          : part_of(im, n, n->out[i], from, from + size) != NULL))
      n->reason = im->why ? im->why : "its parts are not known";
    from += size;
  }
  return n->reason ? n : NULL;
}

static bool is_ready_norm(const onnx_node *n) {
  const value *w = input(n, 1), *y = n->out[0];
  for (int64_t i = 0; w && w->k && w->k->f && i < w->k->n; i++)
    if (w->k->f[i] != 1) return true;
  return !y->n_user || strcmp(y->user[0]->type, "Reshape");
}

/* A group for each channel. What a Reshape follows is a part of a norm of larger groups. */
static onnx_node *normal_instance(importer *im, onnx_node *n) {
  const value *x = input(n, 0);
  if (!x || !x->has_dims || x->rank < 3 || !is_ready_norm(n)) return n;
  onnx_node *g = with_inputs(im, n, n, n->n_in);
  g->type = "GroupNormalization";
  const attribute groups = {.name = "num_groups", .kind = ATTR_INT, .number = (double)x->dim[1]};
  node_set_attr(im->m, g, groups);
  return g;
}

/* How many times as large a dimension becomes; 0: not a whole number of times, or not known. */
static double times_as_large(const onnx_node *n, int axis) {
  const value *x = input(n, 0), *old = input(n, 1), *by = input(n, 2), *to = input(n, 3);
  if (node_is(n, "Upsample")) by = old;
  const attribute *a = node_attr(n, "scales");
  double k = 0;
  if (a && a->kind == ATTR_LIST && axis < a->n) k = a->list[axis];
  else if (by && by->k && by->k->f && axis < by->k->n) k = (double)by->k->f[axis];
  else if (to && to->k && to->k->i && axis < to->k->n && x->dim[axis] > 0)
    k = (double)to->k->i[axis] / (double)x->dim[axis];
  return k >= 1 && k == floor(k) ? k : 0;
}

static const char *text_of(const onnx_node *n, const char *name, const char *otherwise) {
  const attribute *a = node_attr(n, name);
  return a && a->kind == ATTR_TEXT ? a->text : otherwise;
}

/* Each pixel k times, or lines between the centres of pixels; what else there is differs from these
   at borders. */
static bool is_usual_resize(const onnx_node *n, const char *mode, double most) {
  bool old = node_is(n, "Upsample");
  const char *where =
      text_of(n, "coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
  const char *round = text_of(n, "nearest_mode", old ? "floor" : "round_prefer_floor");
  bool centres = !strcmp(where, "half_pixel") || !strcmp(where, "pytorch_half_pixel");
  if (!strcmp(mode, "linear")) return centres;
  if (strcmp(mode, "nearest")) return false;
  return centres ? !strncmp(round, "round", 5)
                 : !strcmp(where, "asymmetric") &&
                       (!strcmp(round, "floor") || (most <= 2 && strcmp(round, "ceil") != 0));
}

static onnx_node *normal_resize(importer *im, onnx_node *n) {
  const value *x = input(n, 0);
  const char *mode = text_of(n, "mode", "nearest");
  double most = 1;
  if (!x || !x->has_dims || x->rank < 3) return n;
  onnx_node *c = model_new_node(im->m, n, "Upsample", 1);
  attribute k = list_attr(im, "k", x->rank - 2);
  c->in[0] = n->in[0];
  for (int i = 0; i < k.n; i++) {
    k.list[i] = times_as_large(n, i + 2);
    if (k.list[i] == 0) return n->reason = "it is not a whole number of times as large", n;
    most = fmax(most, k.list[i]);
  }
  if (!is_usual_resize(n, mode, most))
    return n->reason = "netc has each pixel k times, and lines between pixels' centres", n;
  node_set_attr(im->m, c, k);
  node_set_attr(im->m, c, (attribute){.name = "mode", .kind = ATTR_TEXT, .text = mode});
  c->out = n->out;
  c->out[0]->maker = c;
  return c;
}

/* Zeros that are added where nothing else says so are left out. */
static onnx_node *normal_pad(importer *im, onnx_node *n) {
  const attribute *pads = node_attr(n, "pads"), *how = node_attr(n, "mode");
  const value *v = input(n, 2);
  onnx_node *c = model_new_node(im->m, n, "Pad", 2);
  c->in[0] = n->in[0], c->in[1] = input(n, 1);
  if (pads && pads->kind == ATTR_LIST) {
    constant *k = constant_new(im->a, false, 1, (const int64_t[]){pads->n});
    for (int i = 0; i < pads->n; i++) k->i[i] = (int64_t)pads->list[i];
    c->in[1] = model_constant(im->m, "", k);
  }
  if (how && how->kind == ATTR_TEXT && strcmp(how->text, "constant")) node_set_attr(im->m, c, *how);
  else if (attr_number(n, "value", 0) != 0 ||
           (v && (!v->k || v->k->n != 1 || !v->k->f || v->k->f[0] != 0)))
    return n->reason = "it pads with something else than zeros", n;
  if (input(n, 3)) return n->reason = "it pads by axes", n;
  c->out = n->out;
  c->out[0]->maker = c;
  return c;
}

static onnx_node *normal_sum(importer *im, onnx_node *n) {
  return n->n_in > 1 ? chain(im, n, "Add") : normal_cast(im, n);
}

static onnx_node *normal_concat(importer *im, onnx_node *n) {
  onnx_node *c = rows_before(im, n);
  if (c) return c;
  c = concat_channels(im, n);
  if (n->n_in == 1) return normal_cast(im, n);
  if (c) return c->n_in > 2 ? chain(im, c, c->type) : c;
  settle_inputs(im, n);
  normal_axis(im, n);
  return n->n_in > 2 ? chain(im, n, n->type) : n;
}

static const struct {
  const char *type;
  onnx_node *(*normal)(importer *, onnx_node *);
} table[] = {
#define NORMAL(type, function) {#type, function},
#define NORMAL_ANY(type, function) {#type, function},
#include "onnx_normal.def"
#undef NORMAL
#undef NORMAL_ANY
};
enum { N_TABLE = sizeof table / sizeof *table };

static const char *const any_order[] = {
#define NORMAL(type, function)
#define NORMAL_ANY(type, function) #type,
#include "onnx_normal.def"
#undef NORMAL
#undef NORMAL_ANY
};

bool minds_order(const char *type) {
  for (size_t i = 0; i < sizeof any_order / sizeof *any_order; i++)
    if (!strcmp(type, any_order[i])) return true;
  return false;
}

bool is_rewritten_type(const char *type) {
  for (int i = 0; i < N_TABLE; i++)
    if (!strcmp(type, table[i].type)) return true;
  return false;
}

onnx_node *normal_node(importer *im, onnx_node *n) {
  for (int i = 0; i < N_TABLE; i++)
    if (node_is(n, table[i].type)) return table[i].normal(im, n);
  return n;
}
