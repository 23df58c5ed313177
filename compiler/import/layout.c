/* Values in another order than a layer's. A model's transpositions mostly undo one another: what
   PyTorch calls the last dimension are netc's channels, which stand second in the order of files.
   So a transposition, or a view that mixes dimensions, is only noted: the value is then another one
   whose axes (`fine`) come in another order, with some of them taken together. What minds the order
   asks for one (`in_order`), and only if it is not the layer's, a layer that moves elements is
   made. */
#include "layers.h"
#include <string.h>

/* A value as axes of another. Axes of size 1 are left out, but for the batch. */
typedef struct {
  value *of;
  int n, axis[MODEL_RANK], count[MODEL_RANK];
} layout;

static layout layout_of(value *v) {
  layout l = {.of = v->of ? v->of : v, .n = v->n_fine};
  memcpy(l.axis, v->fine, sizeof l.axis);
  memcpy(l.count, v->count, sizeof l.count);
  for (int i = 0; !v->of && i < v->rank; i++) {
    l.count[i] = i == 0 || v->dim[i] != 1;
    if (l.count[i]) l.axis[l.n++] = i;
  }
  return l;
}

static void set_dims(value *v, int rank, const int64_t *dim) {
  v->has_dims = true;
  v->rank = rank;
  memmove(v->dim, dim, (size_t)rank * sizeof *dim);
}

/* Axes in a row that are in a row in `of` too: one axis. In the order of `of` it is the layer's
 * own. */
static bool is_natural(const layout *l) {
  for (int i = 1; i < l->n; i++)
    if (l->axis[i] < l->axis[i - 1]) return false;
  return l->n > 0;
}

static void give_layout(importer *im, value *out, const layout *l) {
  value to = {0};
  out->of = l->of;
  out->n_fine = l->n;
  memcpy(out->fine, l->axis, sizeof l->axis);
  memcpy(out->count, l->count, sizeof l->count);
  if (is_natural(l) && netc_dims(im, out, &to)) out->layer = l->of->layer;
}

void give_transposed(importer *im, value *out, value *in, const int *perm) {
  layout from = layout_of(in), to = {.of = from.of};
  int64_t dim[MODEL_RANK];
  for (int i = 0; i < in->rank; i++) {
    int at = 0;
    for (int k = 0; k < perm[i]; k++) at += from.count[k];
    to.count[i] = from.count[perm[i]];
    for (int k = 0; k < to.count[i]; k++) to.axis[to.n++] = from.axis[at + k];
    dim[i] = in->dim[perm[i]];
  }
  set_dims(out, in->rank, dim);
  give_layout(im, out, &to);
}

int batch_axis(const value *v) {
  if (!v->of) return 0;
  for (int i = 0, at = 0; i < v->rank; at += v->count[i++])
    if (v->count[i] == 1 && v->fine[at] == 0) return i;
  return -1;
}

/* --- views --- */

/* `of` with axis `at` as two, of which the first has `size` elements. */
static bool split_axis(importer *im, layout *l, int at, int64_t size) {
  value *whole = l->of, *v = model_new_value(im->m, whole->name);
  int axis = l->axis[at];
  if (whole->rank == MODEL_RANK || l->n == MODEL_RANK) return false;
  v->layer = whole->layer;
  v->maker = whole->maker;
  v->has_dims = true;
  v->rank = whole->rank + 1;
  for (int i = 0; i < v->rank; i++) v->dim[i] = whole->dim[i - (i > axis)];
  v->dim[axis] = size, v->dim[axis + 1] /= size;
  l->of = v;
  for (int i = 0; i < l->n; i++) l->axis[i] += l->axis[i] > axis;
  for (int i = l->n++; i > at + 1; i--) l->axis[i] = l->axis[i - 1];
  l->axis[at + 1] = axis + 1;
  return true;
}

/* The axes that make up one dimension, from axis *at on. An open batch is a factor of one dimension
   on either side. */
static bool take_axes(importer *im, layout *l, int *at, int64_t dim, int *count) {
  int64_t have = 1, want = known_part(dim);
  bool open = is_open(dim);
  *count = 0;
  /* A batch of one sample. */
  while (want == 1 && !open && *at < l->n && l->of->dim[l->axis[*at]] == 1) (*at)++, (*count)++;
  while (have < want || open) {
    if (*at == l->n) return false;
    int64_t size = l->of->dim[l->axis[*at]];
    if (is_open(size) && !open) return false;
    if (is_open(size)) open = false;
    if (have * known_part(size) > want) {
      if (want % have || size % (want / have) || !split_axis(im, l, *at, want / have)) return false;
      size = want / have;
    }
    have *= known_part(size);
    (*at)++, (*count)++;
  }
  return have == want;
}

bool give_view(importer *im, value *out, value *in, const value *to) {
  layout l = layout_of(in);
  int at = 0;
  for (int i = 0; i < to->rank; i++)
    if (!take_axes(im, &l, &at, to->dim[i], &l.count[i])) return false;
  /* A batch of one sample at the end, which no dimension asked for. */
  while (at < l.n && l.of->dim[l.axis[at]] == 1) l.n--;
  if (at != l.n) return false;
  set_dims(out, to->rank, to->dim);
  give_layout(im, out, &l);
  return true;
}

/* --- layers that move elements --- */

/* Runs of axes that stay together are moved as one. */
static void take_together(importer *im, layout *l, int64_t *dim) {
  value *v = model_new_value(im->m, l->of->name);
  int first[MODEL_RANK], place[MODEL_RANK], n = 0;
  for (int i = 0; i < l->n; i++)
    if (i > 1 && l->axis[i] == l->axis[i - 1] + 1) dim[n - 1] *= l->of->dim[l->axis[i]];
    else first[n] = l->axis[i], dim[n++] = l->of->dim[l->axis[i]];
  v->layer = l->of->layer;
  v->has_dims = true;
  v->rank = n;
  for (int i = 0; i < n; i++) {
    place[i] = 0;
    for (int k = 0; k < n; k++) place[i] += first[k] < first[i];
    v->dim[place[i]] = dim[i];
  }
  l->of = v;
  l->n = n;
  memcpy(l->axis, place, sizeof place);
}

/* The layer's values in l's order, batch first. */
static layer *moved(importer *im, layout *l) {
  int64_t dim[MODEL_RANK];
  take_together(im, l, dim);
  onnx_node *t = model_new_node(im->m, l->of->maker, "Transpose", 1);
  attribute perm = {.name = "perm", .kind = ATTR_LIST, .n = l->n};
  perm.list = NEW_N(im->a, double, l->n + 1);
  for (int i = 0; i < l->n; i++) perm.list[i] = l->axis[i];
  node_set_attr(im->m, t, perm);
  t->in[0] = l->of;
  t->axes_known = true;
  t->out[0]->name = l->of->name;
  return match_layer(im, t);
}

bool settle(importer *im, value *v) {
  value seen = {0};
  if (v->layer || v->k) return true;
  if (!v->of || !v->of->layer || !netc_dims(im, v, &seen)) return false;
  layout l = layout_of(v);
  bool ready = im->n_lead == 1 && l.n && l.axis[0] == 0 && l.count[0] == 1;
  if (!ready) im->why = "it mixes the samples of a batch";
  else if (is_natural(&l)) v->layer = l.of->layer;
  else v->layer = moved(im, &l);
  return v->layer != NULL;
}

value *in_order(importer *im, value *v, const int *want) {
  value *to = model_new_value(im->m, v->name);
  bool same = !v->of || v->layer;
  for (int i = 0; i < v->rank; i++) same &= want[i] == i;
  if (same) return v;
  give_transposed(im, to, v, want);
  value *of = to->of;
  same = of->rank == to->rank && to->n_fine == to->rank;
  for (int i = 0; same && i < to->n_fine; i++) same &= to->fine[i] == i && to->count[i] == 1;
  if (same) return of;
  settle(im, to);
  return to;
}

/* --- nodes that do the same to every element --- */

static const char *const pointwise_types[] = {
#define POINTWISE(type) #type,
#include "onnx_pointwise.def"
#undef POINTWISE
};

bool is_pointwise_type(const char *type) {
  for (size_t i = 0; i < sizeof pointwise_types / sizeof *pointwise_types; i++)
    if (!strcmp(pointwise_types[i], type)) return true;
  return false;
}

/* Is v, dimension for dimension, axes of `of` and nothing taken together? */
static bool is_permuted(const value *v) {
  if (!v->of || v->of->rank != v->rank) return false;
  for (int i = 0; i < v->rank; i++)
    if (v->count[i] != (i == 0 || v->dim[i] != 1)) return false;
  return true;
}

/* Where each of v's dimensions stands in `of`; those of size 1 take the places that are left. */
static void places(const value *v, int at[MODEL_RANK]) {
  bool taken[MODEL_RANK] = {false};
  int k = 0, free = 0;
  for (int i = 0; i < v->n_fine; i++) taken[v->fine[i]] = true;
  for (int i = 0; i < v->rank; i++) {
    if (v->count[i]) at[i] = v->fine[k++];
    else {
      while (taken[free]) free++;
      at[i] = free++;
    }
  }
}

static value *constant_in_order(importer *im, value *c, int rank, const int *want) {
  if (c->k->n == 1 || c->rank > rank) return c;
  onnx_node *t = model_new_node(im->m, c->maker, "Transpose", 1);
  value *wide = t->in[0] = model_new_value(im->m, c->name);
  int64_t dim[MODEL_RANK];
  attribute perm = {.name = "perm", .kind = ATTR_LIST, .n = rank};
  perm.list = NEW_N(im->a, double, rank + 1);
  for (int i = 0; i < rank; i++) {
    dim[i] = i < rank - c->rank ? 1 : c->dim[i - rank + c->rank];
    perm.list[i] = want[i];
  }
  wide->k = constant_viewed(im, c->k, rank, dim);
  value_note_dims(wide);
  node_set_attr(im->m, t, perm);
  t->out[0]->name = c->name;
  return fold_node(im, t) ? t->out[0] : c;
}

onnx_node *in_place(importer *im, onnx_node *n) {
  value *lead = NULL;
  int at[MODEL_RANK], want[MODEL_RANK];
  int64_t dim[MODEL_RANK] = {0};
  if (!is_pointwise_type(n->type)) return NULL;
  for (int i = 0; i < n->n_in; i++)
    if (n->in[i] && n->in[i]->of && !n->in[i]->layer && (!lead || n->in[i]->rank > lead->rank))
      lead = n->in[i];
  if (!lead || !is_permuted(lead)) return NULL;
  places(lead, at);
  for (int i = 0; i < lead->rank; i++) want[at[i]] = i;
  onnx_node *c = model_new_node(im->m, n, n->type, n->n_in);
  for (int i = 0; i < n->n_attr; i++) node_set_attr(im->m, c, n->attr[i]);
  for (int i = 0; i < n->n_in; i++) {
    value *v = n->in[i];
    if (v && !v->k && v->rank != lead->rank) return NULL;
    c->in[i] = !v     ? NULL
               : v->k ? constant_in_order(im, v, lead->rank, want)
                      : in_order(im, v, want);
    for (int d = 0; v && !v->k && d < v->rank; d++)
      if (v->dim[d] == ANY_BATCH || v->dim[d] > dim[d] || !dim[d])
        if (dim[d] != ANY_BATCH) dim[d] = v->dim[d];
  }
  value *y = c->out[0];
  y->name = n->out[0]->name;
  y->has_dims = true;
  y->rank = lead->rank;
  for (int i = 0; i < y->rank; i++) y->dim[i] = dim[want[i]];
  give_transposed(im, n->out[0], y, at);
  return c;
}
