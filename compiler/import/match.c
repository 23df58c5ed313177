/* An operator's `onnx` lines, read backwards. A step of the lines stands for a node of that type:
   names of the operator's inputs bind to values, of its weights to constants, of its settings to
   the numbers that stand in their place. What is an expression is checked when everything is bound.
   Steps that only give a tensor other dimensions (Flatten) are satisfied by any view that does. */
#include "layers.h"
#include <math.h>
#include <string.h>

/* SURE_STEPS: as many that the layer is meant, so that its input may be moved for it. */
enum {
  SURE_STEPS = 4,
  MAX_STEPS = 32,
  MAX_SETTINGS = 24,
  MAX_DECLS = 24,
  MAX_CHECKS = 96,
  MAX_NAMES = 32
};

typedef struct {
  const xexpr *x;
  double v;
  bool whole;
} check;

typedef struct {
  importer *im;
  const opdef *op;
  onnx_node *step[MAX_STEPS]; /* what each line stands for; NULL: nothing, or a view */
  value *in[MAX_INPUTS];
  const constant *weight[MAX_DECLS];
  double set[MAX_SETTINGS][2];
  bool has_set[MAX_SETTINGS][2];
  bool off[MAX_STEPS]; /* lines that these settings leave out */
  bool exchanged;      /* the inputs of the last line, where their order is all one */
  int n_check, n_step, n_view;
  check check[MAX_CHECKS];
} match;

static bool no(match *m, const char *fmt, const char *what) {
  m->im->why = arena_printf(m->im->a, fmt, printable(m->im->a, what));
  return false;
}

/* --- numbers --- */

static bool near(double a, double b, bool whole) {
  return whole ? a == b : fabs(a - b) <= 1e-6 * (fabs(b) + 1e-30) || (float)a == (float)b;
}

static bool set_setting(match *m, int i, int part, double v) {
  if (m->has_set[i][part]) return near(m->set[i][part], v, false);
  m->set[i][part] = v;
  m->has_set[i][part] = true;
  return true;
}

/* `let A = select(a == -1, S*Q, a)`: of a setting that may ask for what is left, the number itself.
 */
static void guess_setting(match *m, const xexpr *x, double v) {
  for (int i = 0; x->kind == X_NAME && i < m->op->n_let; i++) {
    const xexpr *of = m->op->let[i].v;
    if (strcmp(m->op->let[i].name, x->name) || of->kind != X_CALL || strcmp(of->name, "select"))
      continue;
    for (int s = 0; of->arg[2]->kind == X_NAME && s < m->op->n_set; s++)
      if (!strcmp(m->op->set[s].name, of->arg[2]->name) && !m->has_set[s][0])
        set_setting(m, s, 0, v);
  }
}

static bool bind_number(match *m, const xexpr *x, double v, bool whole) {
  if (x->kind == X_CALL && !strcmp(x->name, "float") && x->n == 1)
    return bind_number(m, x->arg[0], v, false);
  if (x->kind == X_NEG && x->arg[0]->kind == X_NAME) return bind_number(m, x->arg[0], -v, whole);
  if (x->kind == X_DIV && x->arg[0]->kind == X_NUM && x->arg[1]->kind == X_NAME && v != 0)
    return bind_number(m, x->arg[1], x->arg[0]->num / v, false);
  for (int i = 0; x->kind == X_NAME && i < m->op->n_set; i++) {
    const opsetting *s = &m->op->set[i];
    if (!s->pair && !strcmp(s->name, x->name)) return set_setting(m, i, 0, v);
    if (s->pair && !strcmp(s->name_h, x->name)) return set_setting(m, i, 0, v);
    if (s->pair && !strcmp(s->name_w, x->name)) return set_setting(m, i, 1, v);
  }
  if (m->n_check == MAX_CHECKS) return false;
  guess_setting(m, x, v);
  m->check[m->n_check++] = (check){x, v, whole};
  return true;
}

/* --- attributes --- */

static bool bind_attribute(match *m, const onnx_node *n, const onnx_arg *arg) {
  attribute other;
  const attribute *a = node_attr(n, arg->name);
  if (!a && schema_default(n, arg->name, spatial_rank(n), &other)) a = &other;
  if (!a) return no(m, "it has no attribute `%s`", arg->name);
  if (arg->text) {
    bool same = a->kind == ATTR_TEXT && !strcmp(a->text, arg->text);
    return same || no(m, "netc knows no such layer with this `%s`", arg->name);
  }
  if (!arg->list) {
    if (a->kind != ATTR_INT && a->kind != ATTR_FLOAT)
      return no(m, "its attribute `%s` is no number", arg->name);
    return bind_number(m, arg->x[0], a->number, a->kind == ATTR_INT);
  }
  if (a->kind != ATTR_LIST || a->n != arg->n)
    return no(m, "its attribute `%s` has another length", arg->name);
  for (int i = 0; i < a->n; i++)
    if (!bind_number(m, arg->x[i], a->list[i], true)) return no(m, "its `%s`", arg->name);
  return true;
}

/* Attributes that the step does not speak of must be as they are where nobody gives them. */
static bool others_are_default(match *m, const onnx_node *n, const onnx_step *s) {
  for (int i = 0; i < n->n_attr; i++) {
    bool spoken = false;
    for (int k = 0; k < s->n_arg; k++)
      spoken |= s->arg[k].name && !strcmp(s->arg[k].name, n->attr[i].name);
    if (!spoken && !attr_is_default(n, &n->attr[i], spatial_rank(n)))
      return no(m, "netc knows no such layer with this `%s`", n->attr[i].name);
  }
  return true;
}

/* --- inputs --- */

static bool match_step(match *m, int k, value *v);

static int step_named(const match *m, const char *name) {
  for (int i = 0; i < m->op->n_onnx; i++)
    if (!m->off[i] && !strcmp(m->op->onnx[i].out, name)) return i;
  return -1;
}

/* -1: the dimension that is left. */
static bool is_rest(const xexpr *x) {
  return x->kind == X_NEG && x->arg[0]->kind == X_NUM && x->arg[0]->num == 1;
}

/* Dimensions may be given by 0 and -1 in a model: those that they stand for are bound, and the
   batch is 0, as the operators' lines have it. */
static bool bind_dims(match *m, const onnx_arg *arg, const value *v) {
  value other = {.name = v->name}, *to = &other;
  if (!netc_dims(m->im, v, to) || to->rank != arg->n)
    return no(m, "`%s` has another rank", to->name);
  for (int i = 0; i < arg->n; i++) {
    bool batch = !i && to->dim[0] == m->im->batch;
    if (is_rest(arg->x[i])) continue;
    if (!bind_number(m, arg->x[i], batch ? 0 : (double)to->dim[i], true)) return false;
  }
  return true;
}

static bool bind_list(match *m, const onnx_node *n, const onnx_arg *arg, const value *v) {
  if (!strcmp(n->type, "Reshape") && n->out[0]->has_dims) return bind_dims(m, arg, n->out[0]);
  if (!v->k || !v->k->i || v->k->n != arg->n) return no(m, "input `%s` is not constant", v->name);
  for (int i = 0; i < arg->n; i++)
    if (!bind_number(m, arg->x[i], (double)v->k->i[i], true)) return false;
  return true;
}

static bool bind_input(match *m, int i, value *v) {
  if (v->k || (m->in[i] && m->in[i] != v && m->in[i]->layer != v->layer)) return false;
  m->in[i] = v;
  return true;
}

static bool bind_weight(match *m, int i, const value *v) {
  if (!v->k || !v->k->f) return no(m, "its input `%s` is not constant", v->name);
  if (m->weight[i] && m->weight[i] != v->k) return false;
  m->weight[i] = v->k;
  return true;
}

static bool bind_constant(match *m, const xexpr *x, const value *v) {
  if (!v->k || v->k->n != 1) return no(m, "its input `%s` is not one number", v->name);
  return bind_number(m, x, v->k->f ? (double)v->k->f[0] : (double)v->k->i[0], v->k->i != NULL);
}

static bool bind_argument(match *m, const onnx_node *n, const onnx_arg *arg, value *v) {
  const opdef *op = m->op;
  if (arg->list) return v && bind_list(m, n, arg, v);
  const xexpr *x = arg->x[0];
  int step = x->kind == X_NAME ? step_named(m, x->name) : -1;
  for (int i = 0; x->kind == X_NAME && i < op->n_decl; i++)
    if (!strcmp(op->decl[i].name, x->name))
      return v ? bind_weight(m, i, v) : op->decl[i].when != NULL;
  if (!v) return no(m, "an input is missing%s", "");
  if (step >= 0) return match_step(m, step, v);
  for (int i = 0; x->kind == X_NAME && i < op->n_in; i++)
    if (!strcmp(op->in[i].name, x->name)) return bind_input(m, i, v);
  return bind_constant(m, x, v);
}

/* The node's inputs in the order given, or the first two exchanged. */
static bool bind_inputs(match *m, const onnx_node *n, const onnx_step *s, bool exchanged) {
  int at = 0;
  for (int i = 0; i < s->n_arg; i++) {
    if (s->arg[i].name) continue;
    int from = exchanged && at < 2 ? 1 - at : at;
    if (!bind_argument(m, n, &s->arg[i], from < n->n_in ? n->in[from] : NULL)) return false;
    at++;
  }
  for (; at < n->n_in; at++)
    if (n->in[at]) return no(m, "it has an input `%s` that netc's layer has not", n->in[at]->name);
  return true;
}

/* --- steps --- */

/* A step that is only a view, on the layer that v's values come from. */
static bool match_view(match *m, const onnx_step *s, value *v) {
  if (!is_view_type(s->type) || !v->layer || s->arg[0].x[0]->kind != X_NAME) return false;
  value *from = v->layer->natural, to = {0}, seen = {0};
  onnx_node step = {.type = s->type, .name = "", .n_in = 1, .n_out = 1, .in = &from};
  if (!view_dims(m->im, &step, from, &to) || !netc_dims(m->im, v, &seen) || !same_dims(&to, &seen))
    return false;
  value *own = model_new_value(m->im->m, v->name);
  own->layer = v->layer;
  model_dims(m->im, from, own);
  return bind_argument(m, &step, &s->arg[0], own);
}

/* The one list of numbers that a step has, of axes; -1: it has another. */
static int literal_list(const onnx_step *s, double axes[MODEL_RANK]) {
  int n = 0;
  for (int i = 1; i < s->n_arg; i++) {
    if (!s->arg[i].list || n || s->arg[i].n > MODEL_RANK) return -1;
    for (; n < s->arg[i].n; n++) {
      if (s->arg[i].x[n]->kind != X_NUM) return -1;
      axes[n] = s->arg[i].x[n]->num;
    }
  }
  return n;
}

/* One number, in as many places as the step's list says. */
static bool match_same(match *m, const onnx_step *s, const constant *k) {
  if (strcmp(s->type, "Expand") || s->n_arg != 2 || s->arg[1].n != k->rank || !k->f) return false;
  for (int64_t i = 0; i < k->n; i++)
    if ((double)k->f[i] != s->arg[0].x[0]->num) return false;
  for (int i = 0; i < k->rank; i++)
    if (!bind_number(m, s->arg[1].x[i], (double)k->dim[i], true)) return false;
  return true;
}

/* A constant that a step would have made: what it would have been made from. */
static bool match_constant(match *m, const onnx_step *s, value *v) {
  if (!s->n_arg || s->arg[0].list) return false;
  double axes[MODEL_RANK];
  if (s->arg[0].x[0]->kind != X_NUM && s->arg[0].x[0]->kind != X_NAME) return false;
  if (s->arg[0].x[0]->kind == X_NUM) return match_same(m, s, v->k);
  int n = literal_list(s, axes);
  const constant *k = n < 0 ? NULL : constant_before(m->im, s->type, v->k, n, axes);
  if (!k) return no(m, "its input `%s` is not constant", v->name);
  value *from = model_new_value(m->im->m, v->name);
  from->k = k;
  value_note_dims(from);
  onnx_node step = {.type = s->type, .name = "", .n_in = 1, .n_out = 1, .in = &from};
  return bind_argument(m, &step, &s->arg[0], from);
}

static bool is_symmetric(const char *type) { return !strcmp(type, "Add") || !strcmp(type, "Mul"); }

static bool match_node(match *m, int k, onnx_node *n) {
  const onnx_step *s = &m->op->onnx[k];
  if (m->step[k]) return m->step[k] == n;
  m->step[k] = n;
  m->n_step++;
  if (!others_are_default(m, n, s)) return false;
  for (int i = 0; i < s->n_arg; i++)
    if (s->arg[i].name && !bind_attribute(m, n, &s->arg[i])) return false;
  match before = *m;
  bool exchanged = m->exchanged && m->n_step == 1;
  if (bind_inputs(m, n, s, exchanged)) return true;
  if (exchanged || !is_symmetric(n->type) || n->n_in != 2) return false;
  *m = before;
  return bind_inputs(m, n, s, true);
}

/* A view of what no layer has as it is: of transposed values, taken together, or of another view.
 */
static bool is_of_no_layer(const match *m, const onnx_node *n, const value *v) {
  const value *from = n->n_in ? n->in[0] : NULL;
  value seen = {0};
  if (!is_view_type(n->type) || !v->layer || !from || from->k) return false;
  if (!from->layer) return true;
  return from->layer == v->layer && netc_dims(m->im, from, &seen) &&
         !same_dims(&seen, v->layer->natural);
}

static bool match_step(match *m, int k, value *v) {
  onnx_node *n = v->maker;
  const onnx_step *s = &m->op->onnx[k];
  match before = *m;
  if (n && !v->result && !strcmp(n->type, s->type)) {
    if (is_of_no_layer(m, n, v) && match_view(m, s, v)) return true;
    *m = before;
    if (match_node(m, k, n)) return true;
    *m = before;
  }
  if (v->k) return match_constant(m, s, v);
  return match_view(m, s, v);
}

/* The step that computes the result: views may follow it. */
static int last_step(const match *m) {
  const opdef *op = m->op;
  int k = op->n_onnx - 1;
  while (k >= 0 && m->off[k]) k--;
  while (k > 0 && is_view_type(op->onnx[k].type) && op->onnx[k].n_arg &&
         op->onnx[k].arg[0].x[0]->kind == X_NAME && !m->off[k - 1] &&
         !strcmp(op->onnx[k].arg[0].x[0]->name, op->onnx[k - 1].out))
    k--;
  return k;
}

/* --- when everything is bound --- */

/* A dimension in the file that is one setting by itself tells what it is. */
static bool bind_sizes(match *m) {
  for (int i = 0; i < m->op->n_decl; i++) {
    const opdecl *d = &m->op->decl[i];
    const constant *k = m->weight[i];
    for (int e = 0; k && e < d->n_file; e++) {
      int group = d->file_group[e];
      bool alone = (e == 0 || d->file_group[e - 1] != group) &&
                   (e == d->n_file - 1 || d->file_group[e + 1] != group);
      const xexpr *x = d->dim[d->file_dim[e]].extent;
      if (group >= k->rank) return no(m, "`%s` has another rank", d->name);
      if (alone && x->kind == X_NAME && !bind_number(m, x, (double)k->dim[group], true))
        return false;
    }
    if (d->when && !bind_number(m, d->when, k != NULL, true)) return false;
  }
  return true;
}

static bool complete_setting(match *m, node *n, int i) {
  const opsetting *s = &m->op->set[i];
  xenv env;
  double v = 0;
  if (!node_env(n, 1, m->im->d, &env)) return false;
  if (s->pair && s->dflt && s->dflt->kind == X_NAME)
    for (int k = 0; k < i; k++)
      if (m->op->set[k].pair && !strcmp(m->op->set[k].name, s->dflt->name))
        for (int p = 0; p < 2; p++)
          if (!m->has_set[i][p]) set_setting(m, i, p, n->set[k].v[p]);
  for (int p = 0; p < 1 + s->pair; p++)
    if (!m->has_set[i][p]) {
      if (!s->dflt) return no(m, "nothing tells its `%s`", s->name);
      if (!xexpr_eval(s->dflt, &env, m->im->d, &v)) return false;
      m->set[i][p] = v;
    }
  /* What is the default but for rounding is the default. */
  bool usual = s->dflt && xexpr_eval(s->dflt, &env, m->im->d, &v) && !s->pair;
  if (usual && near(m->set[i][0], v, false)) m->set[i][0] = v;
  n->set[i] = (setting){s->name, {m->set[i][0], m->set[i][s->pair]}};
  return true;
}

static bool checks_hold(match *m, const node *n) {
  xenv env;
  if (!node_env(n, 1, m->im->d, &env)) return false;
  for (int i = 0; i < m->n_check; i++) {
    double v;
    if (!xexpr_eval(m->check[i].x, &env, m->im->d, &v)) return false;
    if (!near(v, m->check[i].v, m->check[i].whole))
      return no(m, "its numbers are not those of `%s`", m->op->name);
  }
  return true;
}

static bool weights_fit(match *m, const node *n) {
  xenv env;
  if (!node_env(n, 1, m->im->d, &env)) return false;
  for (int i = 0; i < m->op->n_decl; i++) {
    const opdecl *d = &m->op->decl[i];
    double dim[MODEL_RANK] = {1, 1, 1, 1, 1, 1, 1, 1}, v;
    int groups = d->n_file ? d->file_group[d->n_file - 1] + 1 : 0;
    if (!m->weight[i]) continue;
    for (int e = 0; e < d->n_file; e++) {
      if (!xexpr_eval(d->dim[d->file_dim[e]].extent, &env, m->im->d, &v)) return false;
      dim[d->file_group[e]] *= v;
    }
    if (groups != m->weight[i]->rank) return no(m, "`%s` has another rank", d->name);
    for (int g = 0; g < groups; g++)
      if (dim[g] != (double)m->weight[i]->dim[g]) return no(m, "`%s` has another shape", d->name);
  }
  return true;
}

/* --- layers --- */

bool same_dims(const value *a, const value *b) {
  int rank = a->rank > b->rank ? a->rank : b->rank;
  for (int i = 0; i < rank; i++)
    if ((i < a->rank ? a->dim[i] : 1) != (i < b->rank ? b->dim[i] : 1)) return false;
  return a->has_dims && b->has_dims;
}

/* The layer's result as ONNX has it: batch, channels, and the rest. */
static void give_natural(importer *im, layer *l) {
  l->natural = model_new_value(im->m, l->hint);
  l->natural->layer = l;
  l->natural->has_dims = true;
  l->natural->dim[0] = im->batch;
  l->natural->rank =
      1 + shape_in_files(&l->n->shape, l->n->port && l->n->port->is_int, l->natural->dim + 1);
}

static void add_layer(importer *im, layer *l) {
  l->order = im->n_layer;
  PUSH(im->a, im->layer, im->n_layer, l);
}

/* A vector where the operator takes an image is one of 1 x 1; and back. */
static bool seen_as(const opinput *in, const shape *from, shape *to) {
  int rank = in->n_dim - 1;
  *to = *from;
  if (in->every || from->rank == rank) return true;
  bool pixel = from->rank == 3 && from->dim[0] == 1 && from->dim[1] == 1;
  if (!(pixel && rank == 1) && !(from->rank == 1 && rank == 3)) return false;
  for (int i = 0; i < rank; i++) to->dim[i] = 1;
  to->rank = rank;
  to->dim[rank - 1] = from->dim[from->rank - 1];
  return true;
}

/* An input's shape is free until a layer reads it: what lies in memory is the same. */
static bool adopt_dims(importer *im, layer *input, const value *seen) {
  int rank = seen->rank - 1;
  if (input->n_in || input->taken || input->n->port || rank < 1 || rank > MAX_RANK) return false;
  input->n->shape.rank = rank;
  for (int i = 0; i < rank; i++) input->n->shape.dim[i] = seen->dim[1 + (i + 1) % rank];
  give_natural(im, input);
  return true;
}

/* The same elements in other dimensions, by a layer that gives them these. */
static layer *as_view(importer *im, const char *type, layer *from, const value *seen) {
  onnx_node *view = model_new_node(im->m, NULL, type, 2);
  constant *k = constant_new(im->a, false, 1, (const int64_t[]){seen->rank});
  view->in[0] = model_new_value(im->m, from->hint);
  view->in[0]->layer = from;
  view->in[1] = model_new_value(im->m, "");
  view->in[1]->k = k;
  view->n_in = 1 + !strcmp(type, "Reshape");
  view->axes_known = true;
  model_dims(im, from->natural, view->in[0]);
  if (view->n_in > 1) model_dims(im, seen, view->out[0]);
  view->out[0]->name = from->hint;
  layer *l = match_layer(im, view);
  return l && (same_dims(seen, l->natural) || view->n_in == 1) ? l : NULL;
}

/* At once, or by way of all in a row. */
static layer *with_dims(importer *im, layer *from, const value *seen) {
  bool flat = seen->rank == 2;
  layer *l = flat ? NULL : as_view(im, "Reshape", from, seen);
  if (l) return l;
  layer *row = from->natural->rank == 2 ? from : as_view(im, "Flatten", from, seen);
  if (!row && flat) row = as_view(im, "Reshape", from, seen);
  if (!row || same_dims(seen, row->natural)) return row;
  return flat ? NULL : as_view(im, "Reshape", row, seen);
}

/* Does an operator only give its input other dimensions? */
static bool is_view(const opdef *op) {
  for (int i = 0; i < op->n_onnx; i++)
    if (!is_view_type(op->onnx[i].type)) return false;
  return true;
}

/* The layer whose result is input i, in its dimensions; if it has others, one between. */
static bool shows_layer(match *m, int i, layer *l) {
  value seen = {0};
  importer *im = m->im;
  if (!netc_dims(im, m->in[i], &seen)) return false;
  if (same_dims(&seen, l->in[i]->natural) || adopt_dims(im, l->in[i], &seen)) return true;
  if (is_view(m->op)) return false;
  l->in[i] = with_dims(im, l->in[i], &seen);
  return l->in[i] != NULL;
}

static bool is_whole(const layer *l) { return l->n->port && l->n->port->is_int; }

/* Dimensions of one at the end are dimensions too, where the layer takes so many. */
static void give_rank(match *m, int i, layer *l) {
  const opinput *in = &m->op->in[i];
  value seen = {0};
  shape as;
  if (seen_as(in, &l->in[i]->n->shape, &as) || is_view(m->op)) return;
  if (!netc_dims(m->im, m->in[i], &seen) || seen.rank != in->n_dim || l->in[i]->n->port) return;
  layer *view = as_view(m->im, "Reshape", l->in[i], &seen);
  if (view) l->in[i] = view;
}

/* Is this the form that the file will mean? That is the one with the fewest inputs seen otherwise.
 */
static bool reads_as_this(const match *m, const layer *l) {
  int own = 0;
  shape as;
  for (int i = 0; i < l->n_in; i++) own += l->n->as[i].rank != l->in[i]->n->shape.rank;
  for (const opdef *op = m->im->ops; own && op; op = op->next) {
    int views = 0;
    bool fits = op->n_in == l->n_in && !strcmp(op->name, m->op->name);
    for (int i = 0; fits && i < l->n_in; i++) {
      const shape *s = &l->in[i]->n->shape;
      fits = seen_as(&op->in[i], s, &as);
      views += fits && as.rank != s->rank;
    }
    if (fits && views < own) return false;
  }
  return true;
}

/* Where it would be read as another form, inputs get the rank that this one takes. */
static bool give_exact_ranks(match *m, layer *l) {
  node *n = l->n;
  if (is_view(m->op) || reads_as_this(m, l)) return true;
  for (int i = 0; i < l->n_in; i++) {
    value seen = {0};
    if (n->as[i].rank == n->in[i]->shape.rank) continue;
    bool fits = netc_dims(m->im, m->in[i], &seen) && seen.rank <= m->op->in[i].n_dim;
    for (; fits && seen.rank < m->op->in[i].n_dim; seen.rank++) seen.dim[seen.rank] = 1;
    layer *view = fits ? as_view(m->im, "Reshape", l->in[i], &seen) : NULL;
    if (!view) return no(m, "`%s` takes these in another way", m->op->name);
    l->in[i] = view;
    n->in[i] = view->n;
  }
  return true;
}

static bool connect(match *m, layer *l) {
  node *n = l->n;
  n->n_in = l->n_in = m->op->n_in;
  n->in = NEW_N(m->im->a, node *, n->n_in + 1);
  n->as = NEW_N(m->im->a, shape, n->n_in + 1);
  for (int i = 0; i < n->n_in; i++) {
    if (m->in[i] && m->n_step >= SURE_STEPS) settle(m->im, m->in[i]);
    if (!m->in[i] || !m->in[i]->layer) return no(m, "an input is not known%s", "");
    l->in[i] = m->in[i]->layer;
    if (m->op->in[i].is_int != is_whole(l->in[i]))
      return no(m, "its input `%s` is not of the kind that netc's layer takes", m->in[i]->name);
    if (!shows_layer(m, i, l))
      return no(m, "its input `%s` has other dimensions in netc", m->in[i]->name);
    give_rank(m, i, l);
    n->in[i] = l->in[i]->n;
    if (!seen_as(&m->op->in[i], &n->in[i]->shape, &n->as[i]))
      return no(m, "its input `%s` has a rank that netc's layer does not take", m->in[i]->name);
    m->n_view += n->as[i].rank != n->in[i]->shape.rank;
  }
  return give_exact_ranks(m, l);
}

static void keep_weights(match *m, layer *l) {
  for (int i = 0; i < m->op->n_decl; i++) {
    layer_weight w = {m->op->decl[i].name, m->weight[i]};
    if (w.k) PUSH(m->im->a, l->weight, l->n_weight, w);
  }
}

static layer *finish_as(match *m) {
  layer *l = NEW(m->im->a, layer);
  node *n = l->n = NEW(m->im->a, node);
  n->op = m->op;
  n->name = m->op->name;
  n->at = NOWHERE;
  n->set = NEW_N(m->im->a, setting, m->op->n_set + 1);
  if (!bind_sizes(m) || !connect(m, l)) return NULL;
  for (; n->n_set < m->op->n_set; n->n_set++)
    if (!complete_setting(m, n, n->n_set)) return NULL;
  if (!checks_hold(m, n) || !weights_fit(m, n)) return NULL;
  if (!node_shape(m->im->a, m->im->d, n))
    return no(m, "its sizes do not fit `%s`", m->op->name), NULL;
  keep_weights(m, l);
  for (int i = 0; i < l->n_in; i++) l->in[i]->taken = true;
  return l;
}

/* Values that a setting may have which no line gives by itself: what its words stand for, and the
   numbers of the model that lines say something about. */
static int candidates(const match *m, int i, double v[MAX_CHECKS]) {
  int n = 0;
  for (int k = 0; k < m->op->set[i].n_word && n < MAX_CHECKS; k++) v[n++] = -1 - k;
  for (int k = 0; k < m->n_check && n < MAX_CHECKS; k++) {
    bool seen = false;
    for (int j = 0; j < n; j++) seen |= v[j] == m->check[k].v;
    if (!seen) v[n++] = m->check[k].v;
  }
  return n;
}

/* With the settings that are bound, or with up to `more` of the others as the model's numbers. */
static layer *finish_with(match *m, int from, int more) {
  match before = *m;
  layer *l = finish_as(m);
  for (int i = from; more && !l && i < m->op->n_set; i++) {
    double v[MAX_CHECKS];
    if (before.has_set[i][0] || m->op->set[i].pair) continue;
    int n = candidates(&before, i, v);
    for (int k = 0; k < n && !l; k++) {
      *m = before;
      if (set_setting(m, i, 0, v[k])) l = finish_with(m, i + 1, more - 1);
    }
  }
  return l;
}

static layer *finish(match *m) { return finish_with(m, 0, m->n_check ? 2 : 0); }

/* More lines say more; of operators with as many, the one that takes its inputs as they are, then
   the one with fewer settings. */
static bool is_better(const match *a, const match *b) {
  if (a->n_step != b->n_step) return a->n_step > b->n_step;
  if (a->n_view != b->n_view) return a->n_view < b->n_view;
  return a->op->n_set < b->op->n_set;
}

typedef struct {
  match m;
  layer *l;
} best_match;

/* Does the layer do the same to every element, or has the node said which axes it means? Else the
   first dimension must count the samples. */
static bool any_lead(const importer *im, const opdef *op, const onnx_node *n) {
  bool all = im->n_lead == 1 || n->axes_known;
  if (all) return true;
  for (int i = 0; i < op->n_in; i++)
    if (op->in[i].n_dim != 2 || !strstr(op->in[i].dim[1], "..") ||
        strcmp(op->in[i].dim[1], op->in[0].dim[1]))
      return false;
  return true;
}

/* --- lines that depend on settings --- */

static bool mentions(const xexpr *x, const char *name) {
  if (!x) return false;
  if (x->kind == X_NAME && !strcmp(x->name, name)) return true;
  for (int i = 0; i < x->n; i++)
    if (mentions(x->arg[i], name)) return true;
  return false;
}

static bool any_line_mentions(const opdef *op, const char *name) {
  for (int i = 0; i < op->n_onnx; i++)
    if (mentions(op->onnx[i].when, name)) return true;
  return false;
}

/* Which lines hold for the settings that are chosen; `form` 0: what is exported, else the lines of
   another form in which models have the layer. False: there are none. */
static bool choose_lines(match *m, int form) {
  const opdef *op = m->op;
  int n = 0;
  xenv env = {1, {"imported"}, {form}};
  for (int i = 0; i < op->n_set; i++)
    if (m->has_set[i][0]) {
      env.name[env.n] = op->set[i].name, env.v[env.n++] = m->set[i][0];
      for (int k = 0; k < op->set[i].n_word && env.n < MAX_NAMES; k++)
        env.name[env.n] = op->set[i].word[k], env.v[env.n++] = -1 - k;
    }
  for (int i = 0; i < op->n_onnx; i++) {
    const xexpr *when = op->onnx[i].when;
    double v = 1;
    bool own = mentions(when, "imported");
    m->off[i] = (form && !own) || (when && (!xexpr_eval(when, &env, m->im->d, &v) || v == 0));
    n += !m->off[i];
  }
  return n > 0;
}

static layer *try_lines(match *m, onnx_node *n) {
  int k = last_step(m);
  if (k < 0 || strcmp(m->op->onnx[k].type, n->type)) return NULL;
  match before = *m;
  layer *l = match_node(m, k, n) ? finish(m) : NULL;
  if (l || !is_symmetric(n->type)) return l;
  *m = before;
  m->exchanged = true;
  return match_node(m, k, n) ? finish(m) : NULL;
}

static void keep_better(best_match *best, const match *m, layer *l) {
  if (l && (!best->l || is_better(m, &best->m))) *best = (best_match){*m, l};
}

/* What a setting may be that lines depend on: yes, no, a word, or a whole number of the node. */
static int choices(const opsetting *s, const onnx_node *n, double v[MAX_CHECKS]) {
  int k = 0;
  for (int c = 1; c >= -s->n_word && k < MAX_CHECKS; c--) v[k++] = c;
  for (int i = 0; i < n->n_in && k < MAX_CHECKS; i++) {
    const constant *in = n->in[i] ? n->in[i]->k : NULL;
    if (in && in->i && in->n == 1 && in->i[0] > 1) v[k++] = (double)in->i[0];
  }
  return k;
}

/* For every choice of the settings that lines depend on, from number i on. */
static void try_choices(match *m, int i, onnx_node *n, best_match *best) {
  const opdef *op = m->op;
  while (i < op->n_set && (op->set[i].pair || !any_line_mentions(op, op->set[i].name))) i++;
  match before = *m;
  double v[MAX_CHECKS];
  if (i < op->n_set)
    for (int k = choices(&op->set[i], n, v) - 1; k >= 0; k--) {
      *m = before;
      set_setting(m, i, 0, v[k]);
      try_choices(m, i + 1, n, best);
    }
  else
    for (int form = 0; *m = before, choose_lines(m, form); form++)
      keep_better(best, m, try_lines(m, n));
}

static void try_form(importer *im, const opdef *op, onnx_node *n, best_match *best) {
  match m = {.im = im, .op = op};
  if (op->n_onnx > MAX_STEPS || op->n_set > MAX_SETTINGS || op->n_decl > MAX_DECLS) return;
  try_choices(&m, 0, n, best);
}

/* An operator for any number of dimensions is tried for each. */
static void try_operator(importer *im, opdef *op, onnx_node *n, best_match *best) {
  const opdef *before = NULL;
  if (op->kind != OP_LAYER || !op->n_onnx || !any_lead(im, op, n)) return;
  for (int r = 2; r <= MAX_RANK + 1; r++) {
    int rank[MAX_INPUTS], len[MAX_PACKS];
    for (int i = 0; i < op->n_in; i++) rank[i] = r;
    bool fits = op_fits(op, op->n_in, rank, len);
    const opdef *form = fits ? op_form(im->a, op, len) : op;
    if (form != before) try_form(im, form, n, best);
    before = form;
  }
}

/* The result has the rank of what went in, in ONNX; netc may count trailing ones otherwise. */
static void give_result(importer *im, onnx_node *n, layer *l) {
  value *v = n->out[0], *in = NULL;
  l->hint = v->name;
  give_natural(im, l);
  for (int i = 0; i < n->n_in && !in; i++)
    if (n->in[i] && !n->in[i]->k) in = n->in[i];
  add_layer(im, l);
  v->layer = l;
  if (v->has_dims) return; /* the layer's lines end in views, of which the model has its own */
  model_dims(im, l->natural, v);
  if (n->axes_known) return;
  for (; in && v->rank > in->rank && v->dim[v->rank - 1] == 1; v->rank--) {
  }
  for (; in && v->rank < in->rank; v->rank++) v->dim[v->rank] = 1;
}

static layer *match_steps(importer *im, onnx_node *n, int least) {
  best_match best = {.l = NULL};
  im->why = NULL;
  for (opdef *op = im->ops; op; op = op->next) try_operator(im, op, n, &best);
  if (!best.l || best.m.n_step < least) return NULL;
  give_result(im, n, best.l);
  return best.l;
}

layer *match_layer(importer *im, onnx_node *n) { return match_steps(im, n, 1); }

layer *match_several(importer *im, onnx_node *n) { return match_steps(im, n, 2); }

static bool take_lead(importer *im, const value *v) {
  if (!v->has_dims || v->rank < im->n_lead) return false;
  im->batch = 1;
  im->has_input = true;
  for (int i = 0; i < im->n_lead; i++) {
    im->lead[i] = v->dim[i];
    if (v->dim[i] == ANY_BATCH && im->n_lead > 1) return false;
    im->batch = v->dim[i] == ANY_BATCH ? ANY_BATCH : im->batch * v->dim[i];
  }
  return im->batch == ANY_BATCH || im->batch > 0;
}

layer *layer_input(importer *im, value *v) {
  layer *l = NEW(im->a, layer);
  node *n = l->n = NEW(im->a, node);
  value seen = {0};
  if (!im->has_input && !take_lead(im, v)) return NULL;
  if (!netc_dims(im, v, &seen)) return NULL;
  if (seen.rank == 1) seen.dim[seen.rank++] = 1;
  int rank = seen.rank - 1;
  if (rank > MAX_RANK) return NULL;
  n->shape.rank = rank;
  for (int i = 0; i < rank; i++) n->shape.dim[i] = seen.dim[1 + (i + !v->is_whole) % rank];
  if (v->is_whole) {
    port *p = NEW(im->a, port);
    *p = (port){.name = v->name, .is_int = true};
    n->port = p;
  }
  for (int i = 0; i < rank; i++)
    if (n->shape.dim[i] < 1) return NULL;
  n->name = "input";
  l->hint = v->name;
  give_natural(im, l);
  add_layer(im, l);
  v->layer = l;
  return l;
}
