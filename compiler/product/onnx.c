#include "onnx.h"
#include "onnx.pb-c.h"
#include <math.h>
#include <string.h>

enum { IR_VERSION = 8, OPSET = 17, MAX_MODEL = 0x7fffffff };

/* A name in an operator's onnx lines, and the value that it stands for in the model. */
typedef struct {
  const char *name, *value;
} bound;

typedef struct {
  const graph *g;
  arena *a;
  const program *p;
  const void *params;
  Onnx__GraphProto *out;
  size_t n_node, n_initializer;
  bool *used;         /* parameters that are in the model already */
  const node *node;   /* the layer being written ... */
  const char **value; /* ... the values of all layers before it, by id ... */
  int n_bound;
  bound *bound; /* ... and what the names in its lines mean */
  int n_constant;
  xenv env;
} exporter;

static char *text(exporter *e, const char *s) { return arena_strdup(e->a, s); }

static bool wrong(exporter *e, loc at, const char *what, const char *name) {
  char help[200];
  snprintf(help, sizeof help, "in the onnx lines of `%.100s`", e->node->op->name);
  diag_error(e->g->d, at, help, what, name);
  return false;
}

/* --- initializers --- */

static Onnx__TensorProto *add_tensor(exporter *e, const char *name, int type, int rank,
                                     const int64_t *dim) {
  Onnx__TensorProto *t = NEW(e->a, Onnx__TensorProto);
  onnx__tensor_proto__init(t);
  t->name = text(e, name);
  t->has_data_type = true;
  t->data_type = type;
  t->n_dims = (size_t)rank;
  t->dims = NEW_N(e->a, int64_t, rank + 1);
  for (int i = 0; i < rank; i++) t->dims[i] = dim[i];
  PUSH(e->a, e->out->initializer, e->n_initializer, t);
  return t;
}

static void add_weight(exporter *e, int i) {
  const param_info *w = program_param(e->p, i);
  if (e->used[i]) return;
  e->used[i] = true;
  int type =
      w->is_int64 ? ONNX__TENSOR_PROTO__DATA_TYPE__INT64 : ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
  Onnx__TensorProto *t = add_tensor(e, w->name, type, w->rank, w->shape);
  void *data = arena_alloc(e->a, (size_t)w->count * (w->is_int64 ? sizeof(int64_t) : 4));
  program_export(e->p, i, e->params, data);
  if (w->is_int64) t->int64_data = data, t->n_int64_data = (size_t)w->count;
  else t->float_data = data, t->n_float_data = (size_t)w->count;
}

static const char *constant_name(exporter *e) {
  return arena_printf(e->a, "%s.constant%d", e->node->counted, ++e->n_constant);
}

static const char *add_scalar(exporter *e, double v) {
  const char *name = constant_name(e);
  Onnx__TensorProto *t = add_tensor(e, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 0, NULL);
  t->n_float_data = 1;
  t->float_data = NEW(e->a, float);
  *t->float_data = (float)v;
  return name;
}

static bool whole_numbers(exporter *e, const onnx_arg *arg, int64_t *to) {
  for (int i = 0; i < arg->n; i++) {
    double v;
    if (!xexpr_eval(arg->x[i], &e->env, e->g->d, &v)) return false;
    if (v != floor(v) || fabs(v) > 1e9)
      return wrong(e, arg->x[i]->at, "a whole number stands here%s; others are float(..)", "");
    to[i] = (int64_t)v;
  }
  return true;
}

static const char *add_vector(exporter *e, const onnx_arg *arg) {
  const char *name = constant_name(e);
  const int64_t n = arg->n;
  Onnx__TensorProto *t = add_tensor(e, name, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 1, &n);
  t->n_int64_data = (size_t)n;
  t->int64_data = NEW_N(e->a, int64_t, n);
  return whole_numbers(e, arg, t->int64_data) ? name : NULL;
}

/* --- nodes --- */

static const bound *find_bound(const exporter *e, const char *name) {
  for (int i = 0; i < e->n_bound; i++)
    if (!strcmp(e->bound[i].name, name)) return &e->bound[i];
  return NULL;
}

static void bind(exporter *e, const char *name, const char *value) {
  PUSH(e->a, e->bound, e->n_bound, ((bound){name, value}));
}

static int find_weight(const exporter *e, const node *n, const opdecl *d) {
  const char *name = arena_printf(e->a, "%s.%s", n->name, d->name);
  for (int i = 0; i < program_n_params(e->p); i++)
    if (!strcmp(program_param(e->p, i)->name, name)) return i;
  return -1;
}

/* The shape in files that the layer would give the weight. */
static int shape_of(exporter *e, const opdecl *d, int64_t *shape) {
  int rank = 0;
  for (int k = 0; k < d->n_dim; k++) {
    double v = 1;
    int group = d->n_file ? d->file_group[k] : k;
    xexpr_eval(d->dim[d->n_file ? d->file_dim[k] : k].extent, &e->env, e->g->d, &v);
    if (group == rank) shape[rank++] = 1;
    shape[group] *= (int64_t)v;
  }
  return rank;
}

/* The first dimension that is not 1. */
static int64_t leading(int rank, const int64_t *shape) {
  int i = 0;
  while (i < rank - 1 && shape[i] == 1) i++;
  return rank ? shape[i] : 1;
}

/* The weight of another layer as this one reads it: the same, or a copy of another shape, which is
   transposed if no dimension but those of 1 differs in any other way. */
static const char *owners_weight(exporter *e, const opdecl *d, int i) {
  const param_info *w = program_param(e->p, i);
  int64_t shape[6];
  const int rank = shape_of(e, d, shape);
  if (rank == w->rank && !memcmp(shape, w->shape, sizeof *shape * (size_t)rank)) {
    add_weight(e, i);
    return w->name;
  }
  const char *name = arena_printf(e->a, "%s.%s", e->node->counted, d->name);
  Onnx__TensorProto *t = add_tensor(e, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, rank, shape);
  float *from = arena_alloc(e->a, (size_t)w->count * 4),
        *to = arena_alloc(e->a, (size_t)w->count * 4);
  program_export(e->p, i, e->params, from);
  const int64_t rows = leading(rank, shape), columns = w->count / rows;
  const bool turned = leading(w->rank, w->shape) != rows;
  for (int64_t k = 0; k < w->count; k++)
    to[k] = from[turned ? k % columns * rows + k / columns : k];
  t->float_data = to;
  t->n_float_data = (size_t)w->count;
  return name;
}

/* The name of a weight of the layer; "" (ONNX's word for an input left out) if it has none such. */
static const char *weight_value(exporter *e, const opdecl *d) {
  int i = find_weight(e, e->node, d);
  if (i >= 0) {
    add_weight(e, i);
    return program_param(e->p, i)->name;
  }
  i = e->node->owner ? find_weight(e, e->node->owner, d) : -1;
  return i < 0 ? "" : owners_weight(e, d, i);
}

/* The value that stands for one input of a step, or NULL after an error. */
static const char *input_value(exporter *e, const onnx_arg *arg) {
  const opdef *op = e->node->op;
  double v;
  if (arg->list) return add_vector(e, arg);
  if (arg->text) return wrong(e, arg->at, "an input is no string%s", ""), NULL;
  const xexpr *x = arg->x[0];
  const bound *b = x->kind == X_NAME ? find_bound(e, x->name) : NULL;
  if (b) return b->value;
  for (int i = 0; x->kind == X_NAME && i < op->n_decl; i++)
    if (!strcmp(op->decl[i].name, x->name)) return weight_value(e, &op->decl[i]);
  return xexpr_eval(x, &e->env, e->g->d, &v) ? add_scalar(e, v) : NULL;
}

static void fill_string(exporter *e, const onnx_arg *arg, Onnx__AttributeProto *a) {
  a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
  a->has_s = true;
  a->s.len = strlen(arg->text);
  a->s.data = (uint8_t *)text(e, arg->text);
}

static bool fill_attribute(exporter *e, const onnx_arg *arg, Onnx__AttributeProto *a) {
  a->has_type = true;
  if (arg->text) {
    fill_string(e, arg, a);
    return true;
  }
  const xexpr *x = arg->x[0];
  if (!arg->list && x->kind == X_CALL && !strcmp(x->name, "float") && x->n == 1) {
    double v;
    if (!xexpr_eval(x->arg[0], &e->env, e->g->d, &v)) return false;
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    a->has_f = true;
    a->f = (float)v;
    return true;
  }
  int64_t *v = NEW_N(e->a, int64_t, arg->n);
  if (!whole_numbers(e, arg, v)) return false;
  if (arg->list) {
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    a->n_ints = (size_t)arg->n;
    a->ints = v;
  } else {
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    a->has_i = true;
    a->i = *v;
  }
  return true;
}

static Onnx__NodeProto *add_node(exporter *e, const char *type, const char *out) {
  Onnx__NodeProto *n = NEW(e->a, Onnx__NodeProto);
  onnx__node_proto__init(n);
  n->name = text(e, out);
  n->op_type = text(e, type);
  n->n_output = 1;
  n->output = NEW(e->a, char *);
  n->output[0] = text(e, out);
  PUSH(e->a, e->out->node, e->n_node, n);
  return n;
}

/* A list of no axes, where a pack has no dimensions: what is done along them is nothing. */
static bool does_nothing(const onnx_step *s) {
  for (int i = 0; i < s->n_arg; i++)
    if (s->arg[i].list && !s->arg[i].n) return true;
  return false;
}

static bool add_step(exporter *e, const onnx_step *s, const char *out) {
  if (does_nothing(s)) {
    Onnx__NodeProto *same = add_node(e, "Identity", out);
    const char *from = input_value(e, &s->arg[0]);
    if (from) PUSH(e->a, same->input, same->n_input, text(e, from));
    return from != NULL;
  }
  Onnx__NodeProto *n = add_node(e, s->type, out);
  for (int i = 0; i < s->n_arg; i++) {
    const onnx_arg *arg = &s->arg[i];
    if (arg->name) {
      Onnx__AttributeProto *a = NEW(e->a, Onnx__AttributeProto);
      onnx__attribute_proto__init(a);
      a->name = text(e, arg->name);
      if (!fill_attribute(e, arg, a)) return false;
      PUSH(e->a, n->attribute, n->n_attribute, a);
    } else {
      const char *value = input_value(e, arg);
      if (!value) return false;
      PUSH(e->a, n->input, n->n_input, text(e, value));
    }
  }
  while (n->n_input && !*n->input[n->n_input - 1]) n->n_input--;
  return true;
}

static bool is_taken(const exporter *e, const char *name) {
  const opdef *op = e->node->op;
  for (int i = 0; i < op->n_decl; i++)
    if (!strcmp(op->decl[i].name, name)) return true;
  return find_bound(e, name) != NULL;
}

/* A vector as an image of 1 x 1, or back, where the operator sees it so. */
static const char *viewed_value(exporter *e, const node *n, int i) {
  const char *value = e->value[n->in[i]->id];
  if (n->as[i].rank == n->in[i]->shape.rank) return value;
  const char *out = arena_printf(e->a, "%s.in%d", n->counted, i + 1);
  bool to_vector = n->as[i].rank == 1;
  Onnx__NodeProto *v = add_node(e, to_vector ? "Flatten" : "Unsqueeze", out);
  PUSH(e->a, v->input, v->n_input, text(e, value));
  if (to_vector) return out;
  const int64_t two = 2;
  const char *axes = constant_name(e);
  Onnx__TensorProto *t = add_tensor(e, axes, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 1, &two);
  t->n_int64_data = 2;
  t->int64_data = NEW_N(e->a, int64_t, 2);
  t->int64_data[0] = 2, t->int64_data[1] = 3;
  PUSH(e->a, v->input, v->n_input, text(e, axes));
  return out;
}

static bool is_active(exporter *e, const onnx_step *s) {
  double v = 1;
  return !s->when || (xexpr_eval(s->when, &e->env, e->g->d, &v) && v != 0);
}

/* The last of the steps that this layer's settings ask for. */
static int last_step(exporter *e, const opdef *op) {
  int last = op->n_onnx - 1;
  while (last > 0 && !is_active(e, &op->onnx[last])) last--;
  return last;
}

static bool add_steps(exporter *e, const opdef *op) {
  const int end = last_step(e, op);
  for (int i = 0; i <= end; i++) {
    const onnx_step *s = &op->onnx[i];
    bool last = i == end;
    if (!is_active(e, s)) continue;
    if (last != !strcmp(s->out, op->out))
      return wrong(e, s->at, "the last line, and only it, makes the result `%s`", op->out);
    if (is_taken(e, s->out)) return wrong(e, s->at, "there is a `%s` already", s->out);
    const char *name = e->node->counted;
    const char *out = last ? name : arena_printf(e->a, "%s.%s", name, s->out);
    if (!add_step(e, s, out)) return false;
    bind(e, s->out, out);
  }
  return true;
}

/* All steps of one layer; the last one makes the operator's result. */
static bool add_layer(exporter *e, const node *n) {
  const opdef *op = n->op;
  e->node = n;
  e->n_bound = e->n_constant = 0;
  if (!node_env(n, 1, e->g->d, &e->env)) return false;
  if (e->env.n < (int)(sizeof e->env.v / sizeof *e->env.v))
    e->env.name[e->env.n] = "imported", e->env.v[e->env.n++] = 0;
  if (!op->n_onnx) {
    diag_error(e->g->d, n->at, "give it `onnx` lines (docs/language.md)",
               "`%s` has no form in ONNX", op->name);
    return false;
  }
  for (int i = 0; i < n->n_in; i++) bind(e, op->in[i].name, viewed_value(e, n, i));
  if (!add_steps(e, op)) return false;
  e->value[n->id] = n->counted;
  return true;
}

/* --- the model around them --- */

/* A dimension of 0 is the open one. */
static Onnx__ValueInfoProto *described(exporter *e, const char *name, int type, int rank,
                                       const int64_t *dim) {
  Onnx__ValueInfoProto *v = NEW(e->a, Onnx__ValueInfoProto);
  onnx__value_info_proto__init(v);
  v->name = text(e, name);
  v->type = NEW(e->a, Onnx__TypeProto);
  onnx__type_proto__init(v->type);
  v->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  Onnx__TypeProto__Tensor *t = v->type->tensor_type = NEW(e->a, Onnx__TypeProto__Tensor);
  onnx__type_proto__tensor__init(t);
  t->has_elem_type = true;
  t->elem_type = type;
  t->shape = NEW(e->a, Onnx__TensorShapeProto);
  onnx__tensor_shape_proto__init(t->shape);
  for (int i = 0; i < rank; i++) {
    Onnx__TensorShapeProto__Dimension *d = NEW(e->a, Onnx__TensorShapeProto__Dimension);
    onnx__tensor_shape_proto__dimension__init(d);
    d->value_case = dim[i] ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
                           : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    if (dim[i]) d->dim_value = dim[i];
    else d->dim_param = text(e, "batch");
    PUSH(e->a, t->shape->dim, t->shape->n_dim, d);
  }
  return v;
}

static const char *input_name(const graph *g, int i) {
  return g->n_input == 1 ? "x" : g->input[i]->name;
}

static void add_inputs(exporter *e, int batch) {
  const graph *g = e->g;
  for (int i = 0; i < g->n_input; i++) {
    const port *p = g->input[i];
    int64_t dim[1 + MAX_RANK] = {batch};
    int rank = 1 + shape_in_files(&p->shape, p->is_int, dim + 1);
    int type =
        p->is_int ? ONNX__TENSOR_PROTO__DATA_TYPE__INT64 : ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    Onnx__ValueInfoProto *v = described(e, input_name(g, i), type, rank, dim);
    PUSH(e->a, e->out->input, e->out->n_input, v);
  }
}

/* One of the model's results; what is a vector is one there, too. */
static void add_output(exporter *e, const node *n, const char *name, int batch) {
  int64_t dim[1 + MAX_RANK] = {batch};
  int rank = 1 + shape_in_files(&n->shape, false, dim + 1);
  bool vector = shape_elements(&n->shape) == n->shape.dim[n->shape.rank - 1];
  if (vector) rank = 2;
  Onnx__NodeProto *last = add_node(e, vector ? "Flatten" : "Identity", name);
  PUSH(e->a, last->input, last->n_input, text(e, e->value[n->id]));
  Onnx__ValueInfoProto *v = described(e, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, rank, dim);
  PUSH(e->a, e->out->output, e->out->n_output, v);
}

static void add_outputs(exporter *e, int batch) {
  const traincfg *t = &e->g->train;
  int n = 0;
  for (int i = 0; i < t->n_loss; i++) {
    const node *p = t->loss[i].prediction;
    bool seen = !loss_target(&t->loss[i]);
    for (int k = 0; k < i; k++) seen |= t->loss[k].prediction == p && loss_target(&t->loss[k]);
    if (seen) continue;
    const char *other = p->label && strcmp(p->label, p->counted) ? p->label : NULL;
    add_output(e, p, n++ ? (other ? other : arena_printf(e->a, "logits%d", n)) : "logits", batch);
  }
  if (!n) add_output(e, e->g->output, "logits", batch);
}

static void add_facts(exporter *e, const data_facts *facts, Onnx__ModelProto *m) {
  m->metadata_props = NEW_N(e->a, Onnx__StringStringEntryProto *, facts->n + 1);
  for (int i = 0; i < facts->n; i++) {
    Onnx__StringStringEntryProto *p = NEW(e->a, Onnx__StringStringEntryProto);
    onnx__string_string_entry_proto__init(p);
    p->key = text(e, facts->fact[i].key);
    p->value = text(e, facts->fact[i].value);
    m->metadata_props[m->n_metadata_props++] = p;
  }
}

static uint8_t *pack(exporter *e, const data_facts *facts, const char *version, size_t *bytes) {
  Onnx__ModelProto m = ONNX__MODEL_PROTO__INIT;
  Onnx__OperatorSetIdProto set = ONNX__OPERATOR_SET_ID_PROTO__INIT, *sets[1] = {&set};
  set.domain = text(e, "");
  set.has_version = m.has_ir_version = true;
  set.version = OPSET;
  m.ir_version = IR_VERSION;
  m.producer_name = text(e, "netc");
  m.producer_version = text(e, version);
  m.n_opset_import = 1;
  m.opset_import = sets;
  m.graph = e->out;
  add_facts(e, facts, &m);
  *bytes = onnx__model_proto__get_packed_size(&m);
  if (*bytes > MAX_MODEL) {
    diag_error(e->g->d, NOWHERE, NULL, "%s: an ONNX file holds at most 2 GB", e->g->path);
    return NULL;
  }
  uint8_t *to = arena_alloc(e->a, *bytes);
  onnx__model_proto__pack(&m, to);
  return to;
}

/* Every operator that lacks a form is told of, once. */
static bool add_layers(exporter *e) {
  bool ok = true;
  for (int i = 0; i < e->g->n_node; i++) {
    const node *n = e->g->node[i];
    bool said = false;
    for (int j = 0; j < i && !ok; j++) said |= e->g->node[j]->op == n->op;
    if (n->op && !said) ok &= add_layer(e, n);
  }
  return ok;
}

uint8_t *onnx_encode(const graph *g, const program *p, const void *params, int batch,
                     const data_facts *facts, const char *version, size_t *bytes) {
  exporter e = {.g = g, .a = g->mem, .p = p, .params = params};
  e.out = NEW(e.a, Onnx__GraphProto);
  onnx__graph_proto__init(e.out);
  e.out->name = text(&e, g->name);
  e.used = NEW_N(e.a, bool, program_n_params(p) + 1);
  e.value = NEW_N(e.a, const char *, g->n_node);
  for (int i = 0; i < g->n_input; i++) e.value[g->input[i]->node->id] = input_name(g, i);
  uint8_t *model = NULL;
  if (add_layers(&e)) {
    add_outputs(&e, batch);
    add_inputs(&e, batch);
    e.out->n_node = e.n_node;
    e.out->n_initializer = e.n_initializer;
    model = pack(&e, facts, version, bytes);
  }
  diag_print(g->d, stderr);
  return model;
}
