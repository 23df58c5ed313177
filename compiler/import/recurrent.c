/* LSTM, GRU and RNN: a layer for each direction, with PyTorch's order of gates. */
#include "axes.h"
#include <string.h>

/* Where ONNX has the gate that PyTorch has at this place. */
typedef struct {
  const char *type;
  int n;
  int gate[4];
  const char *activations[2]; /* of one direction, and of two */
} gates;
static const gates table[] = {
    /* i o f c, for i f g o */
    {"LSTM", 4, {0, 2, 3, 1}, {"Sigmoid Tanh Tanh", "Sigmoid Tanh Tanh Sigmoid Tanh Tanh"}},
    /* z r h, for r z n */
    {"GRU", 3, {1, 0, 2}, {"Sigmoid Tanh", "Sigmoid Tanh Sigmoid Tanh"}},
    {"RNN", 1, {0}, {"Tanh", "Tanh Tanh"}},
};

static value *input(const onnx_node *n, int i) { return i < n->n_in ? n->in[i] : NULL; }

/* The gates of one direction, from row `first` on of k [directions, rows, width..]. */
static const constant *ordered(importer *im, const constant *k, const gates *g, int direction,
                               int64_t first, int64_t o) {
  const int64_t width = k->rank == 3 ? k->dim[2] : 1;
  const int64_t dim[2] = {g->n * o, width};
  constant *c = constant_new(im->a, true, k->rank - 1, dim);
  const float *from = k->f + (direction * k->dim[1] + first) * width;
  for (int i = 0; i < g->n; i++)
    memcpy(c->f + i * o * width, from + g->gate[i] * o * width, (size_t)(o * width) * sizeof *c->f);
  return c;
}

static value *weight(importer *im, const constant *k) {
  value *v = model_new_value(im->m, "");
  v->k = k;
  value_note_dims(v);
  return v;
}

static const constant *zeros(importer *im, int64_t n) { return constant_new(im->a, true, 1, &n); }

static layer *reversed(importer *im, const onnx_node *n, value **x) {
  static const int64_t number[] = {-1, -1000000000, 2, -1};
  const int64_t one = 1;
  onnx_node *c = model_new_node(im->m, n, "Slice", 5);
  c->in[0] = *x;
  for (int i = 0; i < 4; i++) {
    constant *k = constant_new(im->a, false, 1, &one);
    k->i[0] = number[i];
    c->in[i + 1] = weight(im, k);
  }
  c->axes_known = true;
  *x = c->out[0];
  return match_layer(im, c);
}

/* One direction over x [batch, channels, length]. */
static value *direction_of(importer *im, const onnx_node *n, const gates *g, value *x, int d) {
  const constant *w = n->in[1]->k, *r = n->in[2]->k;
  const constant *b = input(n, 3) ? n->in[3]->k : NULL;
  int64_t o = r->dim[2];
  onnx_node *c = model_new_node(im->m, n, n->type, 5);
  c->in[0] = x;
  c->in[1] = weight(im, ordered(im, w, g, d, 0, o));
  c->in[2] = weight(im, ordered(im, r, g, d, 0, o));
  for (int i = 0; i < 2; i++)
    c->in[3 + i] = weight(im, b ? ordered(im, b, g, d, i * g->n * o, o) : zeros(im, g->n * o));
  c->axes_known = true;
  return match_layer(im, c) ? c->out[0] : NULL;
}

static bool is_zero(const value *v) {
  if (!v) return true;
  for (int64_t i = 0; v->k && v->k->f && i < v->k->n; i++)
    if (v->k->f[i] != 0) return false;
  return v->k && v->k->f;
}

static bool has_dims(const value *v, int rank, int64_t second, int64_t third) {
  const constant *k = v ? v->k : NULL;
  return k && k->f && k->rank == rank && k->dim[1] == second && (rank < 3 || k->dim[2] == third);
}

static const char *trouble(const onnx_node *n, const gates *g, int64_t *directions) {
  const value *x = input(n, 0), *r = input(n, 2);
  if (!x || !x->has_dims || x->rank != 3) return "its input is not known";
  if (!r || !r->k || r->k->rank != 3) return "its weights are not constant";
  int64_t o = r->k->dim[2], in = x->dim[2];
  *directions = r->k->dim[0];
  if (!has_dims(input(n, 1), 3, g->n * o, in) || !has_dims(r, 3, g->n * o, o) ||
      n->in[1]->k->dim[0] != *directions || *directions < 1 || *directions > 2)
    return "its weights have other shapes";
  if (input(n, 3) &&
      (!has_dims(input(n, 3), 2, 2 * g->n * o, 0) || n->in[3]->k->dim[0] != *directions))
    return "its biases have another shape";
  if (input(n, 4) && !input(n, 4)->k) return "its sequences differ in length";
  if (!is_zero(input(n, 5)) || !is_zero(input(n, 6))) return "it does not begin with zeros";
  if (input(n, 7)) return "it has peepholes";
  const attribute *f = node_attr(n, "activations");
  bool usual = !f || (f->kind == ATTR_TEXT && !strcmp(f->text, g->activations[*directions - 1]));
  if (node_attr(n, "clip") || !usual) return "it has other activations";
  if (!strcmp(n->type, "GRU") && attr_number(n, "linear_before_reset", 0) == 0)
    return "its reset gate comes before the product (`linear_before_reset=0`)";
  return NULL;
}

/* Both directions' values as channels of one. */
static value *together(importer *im, const onnx_node *n, value *a, value *b) {
  if (!b) return a;
  onnx_node *c = model_new_node(im->m, n, "Concat", 2);
  c->in[0] = a, c->in[1] = b;
  c->axes_known = true;
  node_set_attr(im->m, c, (attribute){.name = "axis", .kind = ATTR_INT, .number = 1});
  return match_layer(im, c) ? c->out[0] : NULL;
}

/* y [batch, directions * width, length] as ONNX has it. */
static bool give_outputs(importer *im, onnx_node *n, value *y, value *last, int64_t directions) {
  bool first = attr_number(n, "layout", 0) != 0;
  static const int usual[] = {3, 1, 0, 2}, batch_first[] = {0, 3, 1, 2};
  static const int state[] = {1, 0, 2}, same[] = {0, 1, 2};
  value *apart = model_new_value(im->m, y->name), *end = model_new_value(im->m, y->name);
  int64_t o = y->dim[1] / directions;
  value to = {.has_dims = true, .rank = 4, .dim = {y->dim[0], directions, o, y->dim[2]}};
  value ends = {.has_dims = true, .rank = 3, .dim = {y->dim[0], directions, o}};
  if (!give_view(im, apart, y, &to)) return false;
  give_transposed(im, n->out[0], apart, first ? batch_first : usual);
  if (n->n_out < 2 || !last) return true;
  if (!give_view(im, end, last, &ends)) return false;
  give_transposed(im, n->out[1], end, first ? same : state);
  return true;
}

/* The state after the last step. */
static value *last_state(importer *im, const onnx_node *n, value *y) {
  value *last = model_new_value(im->m, y->name);
  part p = {y->dim[2] - 1, y->dim[2], 1};
  return part_along(im, n, y, last, 2, &p) ? last : NULL;
}

static bool build(importer *im, onnx_node *n, const gates *g, int64_t directions) {
  static const int usual[] = {1, 2, 0}, batch_first[] = {0, 2, 1};
  bool first = attr_number(n, "layout", 0) != 0, ends = n->n_out > 1 && n->out[1]->n_user;
  const attribute *d = node_attr(n, "direction");
  bool back = d && d->kind == ATTR_TEXT && !strcmp(d->text, "reverse");
  value *x = in_order(im, n->in[0], first ? batch_first : usual), *y[2] = {NULL}, *end[2] = {NULL};
  for (int i = 0; i < directions; i++) {
    bool turn = i || back;
    value *from = x;
    if (turn && !reversed(im, n, &from)) return false;
    y[i] = direction_of(im, n, g, from, i);
    if (!y[i]) return false;
    end[i] = ends ? last_state(im, n, y[i]) : NULL;
    if (turn && !reversed(im, n, &y[i])) return false;
  }
  value *all = together(im, n, y[0], y[1]);
  value *last = ends && end[0] ? together(im, n, end[0], end[1]) : NULL;
  return all && give_outputs(im, n, all, last, directions);
}

onnx_node *normal_recurrent(importer *im, onnx_node *n) {
  const gates *g = table;
  int64_t directions = 0;
  while (strcmp(g->type, n->type)) g++;
  n->reason = im->n_lead == 1 ? trouble(n, g, &directions) : "its batch is not known";
  if (n->reason) return n;
  if (build(im, n, g, directions)) return NULL;
  n->reason = im->why ? im->why : "";
  return n;
}
