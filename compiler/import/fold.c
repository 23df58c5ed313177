/* Constant folding: the small arithmetic on shapes that exporters leave in models, and views. */
#include "constants.h"
#include <string.h>

enum { FOLD_LARGEST = 1 << 28 };

static const constant *in_const(const onnx_node *n, int i) {
  return i < n->n_in && n->in[i] ? n->in[i]->k : NULL;
}

static bool give(onnx_node *n, const constant *k) {
  n->out[0]->k = k;
  if (k) value_note_dims(n->out[0]);
  return k != NULL;
}

static void copy_element(constant *to, int64_t i, const constant *from, int64_t j) {
  if (to->f) to->f[i] = from->f ? from->f[j] : (float)from->i[j];
  else to->i[i] = from->i ? from->i[j] : (int64_t)from->f[j];
}

constant *constant_viewed(importer *im, const constant *k, int rank, const int64_t *dim) {
  constant *c = NEW(im->a, constant);
  *c = *k;
  c->rank = rank;
  for (int i = 0; i < rank; i++) c->dim[i] = dim[i];
  return c;
}

static int64_t product(const int64_t *dim, int from, int to) {
  int64_t n = 1;
  for (int i = from; i < to; i++) n *= known_part(dim[i]);
  return n;
}

int64_t element_count(const value *v) { return product(v->dim, 0, v->rank); }

/* --- views: the dimensions that a node gives to what it is given --- */

static int axis_of(double axis, int rank) { return (int)(axis < 0 ? axis + rank : axis); }

/* The axes of a node: an attribute, or an input since operator set 13. False: not known. */
static bool node_axes(const onnx_node *n, int rank, bool axes[MODEL_RANK], bool *given) {
  const attribute *a = node_attr(n, "axes");
  const constant *k = in_const(n, 1);
  int64_t count = a ? a->n : k && k->i ? k->n : 0;
  *given = a || k;
  if (n->n_in > 1 && n->in[1] && !k) return false;
  memset(axes, 0, MODEL_RANK * sizeof *axes);
  for (int64_t i = 0; i < count; i++) {
    int at = axis_of(a ? a->list[i] : (double)k->i[i], rank);
    if (at < 0 || at >= rank || axes[at]) return false;
    axes[at] = true;
  }
  return true;
}

static bool squeeze_dims(const onnx_node *n, const value *in, value *out) {
  bool axes[MODEL_RANK], given;
  if (!node_axes(n, in->rank, axes, &given)) return false;
  out->rank = 0;
  for (int i = 0; i < in->rank; i++) {
    bool goes = given ? axes[i] : in->dim[i] == 1;
    if (goes && in->dim[i] != 1) return false;
    if (!goes) out->dim[out->rank++] = in->dim[i];
  }
  return true;
}

static bool unsqueeze_dims(const onnx_node *n, const value *in, value *out) {
  bool axes[MODEL_RANK], given;
  const attribute *a = node_attr(n, "axes");
  const constant *k = in_const(n, 1);
  int64_t rank = in->rank + (a ? a->n : k ? k->n : 0);
  if (rank > MODEL_RANK || !node_axes(n, (int)rank, axes, &given)) return false;
  out->rank = (int)rank;
  for (int i = 0, j = 0; i < rank; i++) out->dim[i] = axes[i] ? 1 : in->dim[j++];
  return true;
}

static bool flatten_dims(const onnx_node *n, const value *in, value *out) {
  int axis = axis_of(attr_number(n, "axis", 1), in->rank);
  if (axis < 0 || axis > in->rank) return false;
  out->rank = 2;
  out->dim[0] = axis == 1 ? in->dim[0] : product(in->dim, 0, axis);
  out->dim[1] = product(in->dim, axis, in->rank);
  for (int i = 1; i < in->rank; i++)
    if (in->dim[i] == ANY_BATCH) return false;
  return axis > 0 || in->dim[0] != ANY_BATCH;
}

static bool reshape_dims(const onnx_node *n, const value *in, value *out) {
  const constant *k = in_const(n, 1);
  if (!k || !k->i || k->n > MODEL_RANK) return false;
  int open = -1;
  bool any = false, zero_is_zero = attr_number(n, "allowzero", 0) != 0;
  out->rank = (int)k->n;
  for (int i = 0; i < out->rank; i++) {
    int64_t d = k->i[i];
    if (d == 0 && !zero_is_zero) d = i < in->rank ? in->dim[i] : 0;
    if (d == -1 && open < 0) open = i, d = 1;
    if (d < 1 && !is_open(d)) return false;
    any |= is_open(d);
    out->dim[i] = d;
  }
  bool was_any = false;
  for (int i = 0; i < in->rank; i++) was_any |= is_open(in->dim[i]);
  int64_t n_in = element_count(in), n_out = element_count(out);
  if (open >= 0 && was_any && !any)
    out->dim[open] = open_times(ANY_BATCH, n_in / n_out), any = true;
  else if (open >= 0) out->dim[open] = n_in / n_out;
  return was_any == any && element_count(out) == n_in;
}

static const char *const view_types[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"};

bool is_view_type(const char *type) {
  for (size_t i = 0; i < sizeof view_types / sizeof *view_types; i++)
    if (!strcmp(view_types[i], type)) return true;
  return false;
}

bool view_dims(importer *im, const onnx_node *n, const value *in, value *out) {
  (void)im;
  if (!in->has_dims) return false;
  out->has_dims = true;
  if (node_is(n, "Reshape")) return reshape_dims(n, in, out);
  if (node_is(n, "Flatten")) return flatten_dims(n, in, out);
  if (node_is(n, "Squeeze")) return squeeze_dims(n, in, out);
  if (node_is(n, "Unsqueeze")) return unsqueeze_dims(n, in, out);
  out->rank = in->rank;
  memcpy(out->dim, in->dim, sizeof out->dim);
  return true;
}

bool netc_dims(const importer *im, const value *v, value *out) {
  if (!v->has_dims || v->rank < im->n_lead) return false;
  for (int i = 0; i < im->n_lead; i++)
    if (v->dim[i] != im->lead[i]) return false;
  value to = {.has_dims = true, .rank = v->rank - im->n_lead + 1, .dim = {im->batch}};
  for (int i = 1; i < to.rank; i++) to.dim[i] = v->dim[im->n_lead + i - 1];
  out->has_dims = true;
  out->rank = to.rank;
  memcpy(out->dim, to.dim, sizeof to.dim);
  return true;
}

void model_dims(const importer *im, const value *from, value *v) {
  v->has_dims = from->rank - 1 + im->n_lead <= MODEL_RANK;
  v->rank = from->rank - 1 + im->n_lead;
  for (int i = 0; v->has_dims && i < v->rank; i++)
    v->dim[i] = i < im->n_lead ? im->lead[i] : from->dim[i - im->n_lead + 1];
}

/* A view keeps the samples apart: the first dimension stays what it was. */
bool view_node(importer *im, onnx_node *n) {
  value *in = n->n_in ? n->in[0] : NULL, *out = n->out[0], to = {0};
  if (!in || !is_view_type(n->type) || !view_dims(im, n, in, &to)) return false;
  if (in->k) {
    for (int i = 0; i < to.rank; i++) to.dim[i] = known_part(to.dim[i]);
    return give(n, constant_viewed(im, in->k, to.rank, to.dim));
  }
  value own = to;
  bool apart = netc_dims(im, &to, &own);
  out->has_dims = true;
  out->rank = to.rank;
  memcpy(out->dim, to.dim, sizeof to.dim);
  if (apart && in->layer) out->layer = in->layer;
  else if ((in->layer || in->of) && give_view(im, out, in, &to)) return true;
  else if (apart && settle(im, in)) out->layer = in->layer;
  else im->why = "it mixes the samples of a batch";
  return out->layer != NULL;
}

/* A transposition keeps its samples apart too; what layer it belongs to is for others to find. */
void transpose_dims(onnx_node *n) {
  const value *in = n->in[0];
  value *out = n->out[0];
  const attribute *perm = node_attr(n, "perm");
  if (!in->has_dims || (perm && perm->n != in->rank)) return;
  for (int i = 0; i < in->rank; i++) {
    int from = perm ? (int)perm->list[i] : in->rank - 1 - i;
    if (from < 0 || from >= in->rank) return;
    out->dim[i] = in->dim[from];
  }
  out->rank = in->rank;
  out->has_dims = true;
}

/* --- shapes --- */

static const constant *fold_size(importer *im, const onnx_node *n) {
  const value *v = n->in[0];
  if (!v->has_dims) return NULL;
  constant *k = constant_new(im->a, false, 0, NULL);
  k->i[0] = 1;
  for (int i = 0; i < v->rank; i++)
    k->i[0] = is_open(v->dim[i]) ? open_times(v->dim[i], k->i[0]) : v->dim[i] * k->i[0];
  return k;
}

static const constant *fold_shape(importer *im, const onnx_node *n) {
  const value *v = n->in[0];
  if (!v->has_dims) return NULL;
  int from = axis_of(attr_number(n, "start", 0), v->rank);
  int to = axis_of(attr_number(n, "end", v->rank), v->rank);
  from = from < 0 ? 0 : from, to = to > v->rank ? v->rank : to;
  const int64_t count = to > from ? to - from : 0;
  constant *k = constant_new(im->a, false, 1, &count);
  for (int i = 0; i < count; i++) k->i[i] = v->dim[from + i];
  return k;
}

static const constant *fold_constant_of_shape(importer *im, const onnx_node *n) {
  const constant *k = in_const(n, 0);
  const attribute *v = node_attr(n, "value");
  int64_t dim[MODEL_RANK];
  double count = 1;
  if (!k || !k->i || k->n > MODEL_RANK) return NULL;
  for (int64_t i = 0; i < k->n; i++) {
    dim[i] = is_open(k->i[i]) ? 1 : k->i[i];
    count *= (double)dim[i];
    if (dim[i] < 0 || count > FOLD_LARGEST) return NULL;
  }
  bool given = v && v->tensor && v->tensor->n == 1;
  constant *c = constant_new(im->a, !given || v->tensor->f, (int)k->n, dim);
  for (int64_t i = 0; given && i < c->n; i++) copy_element(c, i, v->tensor, 0);
  return c;
}

/* The attribute that holds it: value, value_int, value_floats .. */
static const constant *fold_constant(importer *im, const onnx_node *n) {
  for (int i = 0; i < n->n_attr; i++) {
    const attribute *a = &n->attr[i];
    if (a->kind == ATTR_TENSOR) return a->tensor;
    const int64_t count = a->kind == ATTR_LIST ? a->n : 1;
    if (a->kind != ATTR_LIST && a->kind != ATTR_INT && a->kind != ATTR_FLOAT) continue;
    bool floats = a->kind == ATTR_LIST ? a->floats : a->kind == ATTR_FLOAT;
    constant *k = constant_new(im->a, floats, a->kind == ATTR_LIST, &count);
    for (int64_t j = 0; j < count; j++) {
      double v = a->kind == ATTR_LIST ? a->list[j] : a->number;
      if (floats) k->f[j] = (float)v;
      else k->i[j] = (int64_t)v;
    }
    return k;
  }
  return NULL;
}

/* --- moving elements --- */

/* The element of `from` that stands at place i of `to`, when step[d] elements of `from` go with
   each step along dimension d of `to`, and the first one is `base`. */
static constant *strided(importer *im, const constant *from, int rank, const int64_t *dim,
                         const int64_t *step, int64_t base) {
  constant *k = constant_new(im->a, from->f != NULL, rank, dim);
  int64_t at[MODEL_RANK] = {0}, where = base;
  for (int64_t i = 0; i < k->n; i++) {
    copy_element(k, i, from, where);
    for (int d = rank - 1; d >= 0; d--) {
      where += step[d];
      if (++at[d] < dim[d]) break;
      where -= step[d] * dim[d];
      at[d] = 0;
    }
  }
  return k;
}

static void steps_of(const constant *k, int64_t step[MODEL_RANK]) {
  int64_t s = 1;
  for (int d = k->rank - 1; d >= 0; d--) step[d] = s, s *= k->dim[d];
}

static const constant *fold_transpose(importer *im, const onnx_node *n) {
  const constant *k = in_const(n, 0);
  const attribute *perm = node_attr(n, "perm");
  int64_t own[MODEL_RANK], step[MODEL_RANK], dim[MODEL_RANK];
  if (!k || (perm && perm->n != k->rank)) return NULL;
  steps_of(k, own);
  for (int i = 0; i < k->rank; i++) {
    int from = perm ? (int)perm->list[i] : k->rank - 1 - i;
    if (from < 0 || from >= k->rank) return NULL;
    dim[i] = k->dim[from], step[i] = own[from];
  }
  return strided(im, k, k->rank, dim, step, 0);
}

/* Parts of a constant, all at once: what is not known is left. */
static bool fold_split(importer *im, const onnx_node *n) {
  const constant *k = in_const(n, 0), *sizes = in_const(n, 1);
  const attribute *a = node_attr(n, "split");
  int64_t step[MODEL_RANK], dim[MODEL_RANK], from = 0;
  int axis = k ? axis_of(attr_number(n, "axis", 0), k->rank) : -1;
  if (axis < 0 || axis >= k->rank) return false;
  steps_of(k, step);
  memcpy(dim, k->dim, sizeof dim);
  const int64_t each = (k->dim[axis] + n->n_out - 1) / n->n_out;
  for (int i = 0; i < n->n_out; i++) {
    int64_t size = a && a->kind == ATTR_LIST && i < a->n ? (int64_t)a->list[i]
                   : sizes && sizes->i && i < sizes->n   ? sizes->i[i]
                   : each < k->dim[axis] - from          ? each
                                                         : k->dim[axis] - from;
    if (size < 1 || size > k->dim[axis] - from) return false;
    dim[axis] = size;
    n->out[i]->k = strided(im, k, k->rank, dim, step, from * step[axis]);
    value_note_dims(n->out[i]);
    from += size;
  }
  return true;
}

/* --- the way back --- */

static const constant *squeezed(importer *im, const constant *k, int n, const double *axes) {
  int64_t dim[MODEL_RANK];
  bool gone[MODEL_RANK] = {false};
  int rank = 0;
  for (int i = 0; i < n; i++) {
    if (axes[i] < 0 || axes[i] >= k->rank || k->dim[(int)axes[i]] != 1) return NULL;
    gone[(int)axes[i]] = true;
  }
  for (int i = 0; i < k->rank; i++)
    if (!gone[i]) dim[rank++] = k->dim[i];
  return constant_viewed(im, k, rank, dim);
}

static const constant *transposed_back(importer *im, const constant *k, int n, const double *perm) {
  int64_t own[MODEL_RANK], step[MODEL_RANK], dim[MODEL_RANK];
  if (n != k->rank) return NULL;
  steps_of(k, own);
  for (int i = 0; i < n; i++) {
    if (perm[i] < 0 || perm[i] >= n) return NULL;
    dim[(int)perm[i]] = k->dim[i], step[(int)perm[i]] = own[i];
  }
  return strided(im, k, n, dim, step, 0);
}

const constant *constant_before(importer *im, const char *type, const constant *k, int n,
                                const double *axes) {
  if (!strcmp(type, "Unsqueeze")) return squeezed(im, k, n, axes);
  if (!strcmp(type, "Transpose")) return transposed_back(im, k, n, axes);
  return NULL;
}

/* --- the table --- */

static const struct {
  const char *type;
  const constant *(*fold)(importer *, const onnx_node *);
} folds[] = {{"Shape", fold_shape},
             {"Size", fold_size},
             {"ConstantOfShape", fold_constant_of_shape},
             {"Constant", fold_constant},
             {"Transpose", fold_transpose}};

bool is_folded_type(const char *type) {
  for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
    if (!strcmp(folds[i].type, type)) return true;
  return find_fold(type) != NULL;
}

bool fold_node(importer *im, onnx_node *n) {
  bool takes = n->n_in && n->in[0];
  for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
    if (node_is(n, folds[i].type) && (takes || node_is(n, "Constant")))
      if (give(n, folds[i].fold(im, n))) return true;
  if (node_is(n, "Split") && takes) return fold_split(im, n);
  constant_fold fold = takes ? find_fold(n->type) : NULL;
  return fold && give(n, fold(im, n));
}
