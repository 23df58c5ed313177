/* Reading: protobuf-c checks lengths against the file; everything else is checked here. */
#include "model.h"
#include "onnx.pb-c.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY_FACTOR = 12, MEMORY_LEAST = 1 << 20 };
#define MAX_TENSOR (INT64_C(1) << 30) /* elements */

typedef struct {
  model *m;
  const model_files *files;
  const char *error; /* the first one */
  int64_t room;      /* elements that tensors may still take */
  int n_slot;        /* of the table of values by name; a power of two */
  value **slot;
} reader;

/* The first thing that is wrong is told. */
static bool wrong(reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(reader *r, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  if (!r->error) r->error = arena_vprintf(r->m->a, fmt, ap);
  va_end(ap);
  return false;
}

/* A name of the file's, for a message. */
static const char *shown(const reader *r, const char *name) {
  return printable(r->m->a, name ? name : "");
}

const char *printable(arena *a, const char *name) {
  enum { LONGEST = 80 };
  char *s = arena_strndup(a, name, strnlen(name, LONGEST));
  for (char *c = s; *c; c++)
    if ((unsigned char)*c < 32 || *c == 127 || *c == '`') *c = '?';
  return s;
}

/* --- memory of protobuf-c: a small file may not ask for much --- */

typedef struct {
  size_t left;
} budget;

static void *budget_alloc(void *data, size_t n) {
  budget *b = data;
  if (n > b->left) return NULL;
  b->left -= n;
  return malloc(n);
}

static void budget_free(void *data, void *p) {
  (void)data;
  free(p);
}

/* --- constants --- */

constant *constant_new(arena *a, bool floats, int rank, const int64_t *dim) {
  constant *k = NEW(a, constant);
  k->rank = rank;
  k->n = 1;
  for (int i = 0; i < rank; i++) k->n *= k->dim[i] = dim[i];
  if (floats) k->f = NEW_N(a, float, k->n + 1);
  else k->i = NEW_N(a, int64_t, k->n + 1);
  return k;
}

static float half_to_float(uint16_t h) {
  int sign = h >> 15, exponent = h >> 10 & 31, fraction = h & 1023;
  double v = exponent == 31  ? (fraction ? NAN : INFINITY)
             : exponent == 0 ? ldexp(fraction, -24)
                             : ldexp(fraction + 1024, exponent - 25);
  return (float)(sign ? -v : v);
}

static float bfloat_to_float(uint16_t h) {
  uint32_t bits = (uint32_t)h << 16;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

/* One element of raw little-endian data, into element i of the constant. */
static void take_raw(constant *k, int64_t i, int type, const uint8_t *p) {
  union {
    uint16_t h;
    int32_t w;
    int64_t l;
    float f;
    double d;
  } u;
  switch (type) {
  case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT: memcpy(&u.f, p, 4), k->f[i] = u.f; break;
  case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE: memcpy(&u.d, p, 8), k->f[i] = (float)u.d; break;
  case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
    memcpy(&u.h, p, 2), k->f[i] = half_to_float(u.h);
    break;
  case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
    memcpy(&u.h, p, 2), k->f[i] = bfloat_to_float(u.h);
    break;
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT64: memcpy(&u.l, p, 8), k->i[i] = u.l; break;
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT32: memcpy(&u.w, p, 4), k->i[i] = u.w; break;
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT8: k->i[i] = (int8_t)*p; break;
  default: k->i[i] = *p; break;
  }
}

/* Bytes of one element; 0: a type that netc does not read. */
static int width_of(int type) {
  switch (type) {
  case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT32: return 4;
  case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT64: return 8;
  case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
  case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16: return 2;
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
  case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
  case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL: return 1;
  default: return 0;
  }
}

static bool is_float(int type) {
  return type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ||
         type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE ||
         type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 ||
         type == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
}

/* Elements in the message's typed fields. */
static void take_typed(constant *k, const Onnx__TensorProto *t) {
  bool half = t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16;
  for (int64_t i = 0; i < k->n; i++)
    if (t->n_float_data) k->f[i] = t->float_data[i];
    else if (t->n_double_data) k->f[i] = (float)t->double_data[i];
    else if (t->n_int64_data) k->i[i] = t->int64_data[i];
    else if (k->i) k->i[i] = t->int32_data[i];
    else if (half) k->f[i] = half_to_float((uint16_t)t->int32_data[i]);
    else k->f[i] = bfloat_to_float((uint16_t)t->int32_data[i]);
}

static size_t typed_elements(const Onnx__TensorProto *t) {
  int type = t->data_type;
  if (type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT) return t->n_float_data;
  if (type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE) return t->n_double_data;
  if (type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64) return t->n_int64_data;
  return t->n_int32_data;
}

/* An entry of external_data as a whole number that is not negative; `otherwise` if there is none.
 */
static bool external_number(const Onnx__TensorProto *t, const char *key, size_t *out) {
  for (size_t i = 0; i < t->n_external_data; i++) {
    const Onnx__StringStringEntryProto *e = t->external_data[i];
    char *end;
    if (!e->key || !e->value || strcmp(e->key, key)) continue;
    unsigned long long v = strtoull(e->value, &end, 10);
    if (*end || end == e->value || *e->value == '-' || v > SIZE_MAX / 2) return false;
    *out = (size_t)v;
  }
  return true;
}

static const uint8_t *external_bytes(reader *r, const Onnx__TensorProto *t, size_t need) {
  const char *location = NULL;
  size_t offset = 0, n = 0, length = need;
  char *why = NULL;
  for (size_t i = 0; i < t->n_external_data; i++)
    if (t->external_data[i]->key && !strcmp(t->external_data[i]->key, "location"))
      location = t->external_data[i]->value;
  if (!location || *location == '/' || strstr(location, ".."))
    return wrong(r, "tensor `%s` lies in a file that is not beside the model", shown(r, t->name)),
           NULL;
  if (!external_number(t, "offset", &offset) || !external_number(t, "length", &length))
    return wrong(r, "tensor `%s` has no proper place in its file", shown(r, t->name)), NULL;
  const uint8_t *p = r->files ? r->files->read(r->files->self, location, &n, &why) : NULL;
  if (!p) {
    wrong(r, "tensor `%s`: %s: %s", shown(r, t->name), shown(r, location),
          why ? why : "no such file");
    free(why);
    return NULL;
  }
  if (length == need && offset <= n && need <= n - offset) return p + offset;
  return wrong(r, "tensor `%s` does not fit in the file that should hold it", shown(r, t->name)),
         NULL;
}

static bool fill(reader *r, constant *k, const Onnx__TensorProto *t) {
  size_t width = (size_t)width_of(t->data_type), need = (size_t)k->n * width;
  const uint8_t *raw = NULL;
  if (t->has_data_location && t->data_location == 1) {
    if (!(raw = external_bytes(r, t, need))) return false;
  } else if (t->has_raw_data && t->raw_data.len) {
    if (t->raw_data.len != need)
      return wrong(r, "tensor `%s` has more or fewer bytes than its shape says", shown(r, t->name));
    raw = t->raw_data.data;
  } else if (typed_elements(t) != (size_t)k->n) {
    return wrong(r, "tensor `%s` has more or fewer values than its shape says", shown(r, t->name));
  }
  for (int64_t i = 0; raw && i < k->n; i++) take_raw(k, i, t->data_type, raw + (size_t)i * width);
  if (!raw && k->n) take_typed(k, t);
  return true;
}

static const constant *read_tensor(reader *r, const Onnx__TensorProto *t) {
  int64_t n = 1;
  if (!t->has_data_type || !width_of(t->data_type))
    return wrong(r, "tensor `%s` has a type that netc does not read", shown(r, t->name)), NULL;
  if (t->n_dims > MODEL_RANK)
    return wrong(r, "tensor `%s` has more than 8 dimensions", shown(r, t->name)), NULL;
  for (size_t i = 0; i < t->n_dims; i++) {
    if (t->dims[i] < 0 || t->dims[i] > MAX_TENSOR)
      return wrong(r, "tensor `%s` has a dimension out of range", shown(r, t->name)), NULL;
    n *= t->dims[i];
    if (n > r->room) return wrong(r, "tensor `%s` is too large", shown(r, t->name)), NULL;
  }
  bool is_external = t->has_data_location && t->data_location == 1;
  if (!is_external && !t->raw_data.len && typed_elements(t) != (size_t)n)
    return wrong(r, "tensor `%s` has more or fewer values than its shape says", shown(r, t->name)),
           NULL;
  r->room -= n;
  constant *k = constant_new(r->m->a, is_float(t->data_type), (int)t->n_dims, t->dims);
  return fill(r, k, t) ? k : NULL;
}

/* --- values by name --- */

void value_note_dims(value *v) {
  v->has_dims = true;
  v->rank = v->k->rank;
  memcpy(v->dim, v->k->dim, sizeof v->dim);
}

static size_t hash_of(const char *s) {
  uint64_t h = 14695981039346656037u;
  for (; *s; s++) h = (h ^ (unsigned char)*s) * 1099511628211u;
  return (size_t)(h ^ h >> 32);
}

value *model_new_value(model *m, const char *name) {
  value *v = NEW(m->a, value);
  v->name = name;
  PUSH(m->a, m->value, m->n_value, v);
  return v;
}

value *model_constant(model *m, const char *name, const constant *k) {
  value *v = model_new_value(m, name);
  v->k = k;
  value_note_dims(v);
  return v;
}

value *model_number(model *m, double v) {
  constant *k = constant_new(m->a, true, 0, NULL);
  k->f[0] = (float)v;
  return model_constant(m, "", k);
}

bool node_is(const onnx_node *n, const char *type) { return !strcmp(n->type, type); }

static value *value_named(reader *r, const char *name) {
  size_t i = hash_of(name) & (size_t)(r->n_slot - 1);
  for (; r->slot[i]; i = (i + 1) & (size_t)(r->n_slot - 1))
    if (!strcmp(r->slot[i]->name, name)) return r->slot[i];
  return r->slot[i] = model_new_value(r->m, arena_strdup(r->m->a, name));
}

/* --- nodes --- */

const attribute *node_attr(const onnx_node *n, const char *name) {
  for (int i = 0; i < n->n_attr; i++)
    if (!strcmp(n->attr[i].name, name)) return &n->attr[i];
  return NULL;
}

double attr_number(const onnx_node *n, const char *name, double otherwise) {
  const attribute *a = node_attr(n, name);
  return a && (a->kind == ATTR_INT || a->kind == ATTR_FLOAT) ? a->number : otherwise;
}

void node_set_attr(model *m, onnx_node *n, attribute a) {
  attribute *old = NULL;
  for (int i = 0; i < n->n_attr; i++)
    if (!strcmp(n->attr[i].name, a.name)) old = &n->attr[i];
  if (old) *old = a;
  else PUSH(m->a, n->attr, n->n_attr, a);
}

onnx_node *model_new_node(model *m, const onnx_node *like, const char *type, int n_in) {
  onnx_node *n = NEW(m->a, onnx_node);
  *n = (onnx_node){.type = type, .name = like ? like->name : "", .n_in = n_in, .n_out = 1};
  n->in = NEW_N(m->a, value *, n_in + 1);
  n->out = NEW(m->a, value *);
  n->out[0] = model_new_value(m, like ? like->out[0]->name : "");
  n->out[0]->maker = n;
  return n;
}

static void read_list(reader *r, const Onnx__AttributeProto *p, attribute *to) {
  to->kind = ATTR_LIST;
  to->floats = p->n_floats > 0;
  to->n = (int)(to->floats ? p->n_floats : p->n_ints);
  to->list = NEW_N(r->m->a, double, to->n + 1);
  for (int i = 0; i < to->n; i++)
    to->list[i] = to->floats ? (double)p->floats[i] : (double)p->ints[i];
}

/* A list of strings as one, with spaces between. */
static const char *joined_strings(reader *r, const Onnx__AttributeProto *p) {
  const char *all = "";
  for (size_t i = 0; i < p->n_strings && i < MODEL_RANK; i++)
    all = arena_printf(r->m->a, "%s%s%.*s", all, i ? " " : "", (int)(p->strings[i].len & 0xff),
                       (const char *)p->strings[i].data);
  return all;
}

static bool read_attribute(reader *r, const Onnx__AttributeProto *p, attribute *to) {
  *to = (attribute){.name = arena_strdup(r->m->a, p->name ? p->name : "")};
  int type = p->has_type ? (int)p->type : 0;
  if (type == 1 || (!type && p->has_f)) to->kind = ATTR_FLOAT, to->number = (double)p->f;
  else if (type == 2 || (!type && p->has_i)) to->kind = ATTR_INT, to->number = (double)p->i;
  else if (type == 8) to->kind = ATTR_TEXT, to->text = joined_strings(r, p);
  else if (type == 4 || (!type && p->t)) {
    to->kind = ATTR_TENSOR;
    return p->t ? (to->tensor = read_tensor(r, p->t)) != NULL
                : wrong(r, "attribute `%s` holds nothing", shown(r, p->name));
  } else if (type == 3 || (!type && p->has_s)) {
    to->kind = ATTR_TEXT;
    to->text = arena_strndup(r->m->a, p->has_s ? (const char *)p->s.data : "", p->s.len);
  } else if (type == 6 || type == 7 || (!type && (p->n_ints || p->n_floats))) read_list(r, p, to);
  return true;
}

static bool read_results(reader *r, const Onnx__NodeProto *p, onnx_node *n) {
  for (int i = 0; i < n->n_out; i++) {
    const char *name = p->output[i];
    value *v = n->out[i] = *name ? value_named(r, name) : model_new_value(r->m, "");
    if (v->maker || v->k) return wrong(r, "two nodes make `%s`", shown(r, name));
    v->maker = n;
    v->result = i;
  }
  return n->n_out > 0 || wrong(r, "node `%s` makes nothing", shown(r, p->name));
}

static const char *full_type(arena *a, const Onnx__NodeProto *p) {
  const char *type = p->op_type ? p->op_type : "", *domain = p->domain ? p->domain : "";
  if (!*domain || !strcmp(domain, "ai.onnx")) return arena_strdup(a, type);
  return arena_printf(a, "%s.%s", domain, type);
}

static bool read_node(reader *r, const Onnx__NodeProto *p) {
  model *m = r->m;
  onnx_node *n = NEW(m->a, onnx_node);
  n->type = full_type(m->a, p);
  n->name = arena_strdup(m->a, p->name ? p->name : "");
  n->n_in = (int)p->n_input, n->n_out = (int)p->n_output, n->n_attr = (int)p->n_attribute;
  n->in = NEW_N(m->a, value *, n->n_in + 1);
  n->out = NEW_N(m->a, value *, n->n_out + 1);
  n->attr = NULL;
  for (int i = 0; i < n->n_in; i++)
    if (*p->input[i]) n->in[i] = value_named(r, p->input[i]);
  int n_attr = n->n_attr;
  n->n_attr = 0;
  for (int i = 0; i < n_attr; i++) {
    attribute a;
    if (!read_attribute(r, p->attribute[i], &a)) return false;
    PUSH(m->a, n->attr, n->n_attr, a);
  }
  PUSH(m->a, m->node, m->n_node, n);
  return read_results(r, p, n);
}

/* --- the graph --- */

static bool read_initializers(reader *r, const Onnx__GraphProto *g) {
  for (size_t i = 0; i < g->n_initializer; i++) {
    const Onnx__TensorProto *t = g->initializer[i];
    if (!t->name || !*t->name) return wrong(r, "an initializer has no name");
    value *v = value_named(r, t->name);
    if (v->k) return wrong(r, "there are two initializers `%s`", shown(r, t->name));
    if (!(v->k = read_tensor(r, t))) return false;
    value_note_dims(v);
  }
  return true;
}

static bool read_input(reader *r, const Onnx__ValueInfoProto *p) {
  if (!p->name) return wrong(r, "an input has no name");
  value *v = value_named(r, p->name);
  if (v->k) return true; /* an initializer: its value is given */
  const Onnx__TypeProto__Tensor *t =
      p->type && p->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? p->type->tensor_type
                                                                            : NULL;
  PUSH(r->m->a, r->m->input, r->m->n_input, v);
  v->is_whole = t && (t->elem_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64 ||
                      t->elem_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT32);
  if (!t || !t->shape || t->shape->n_dim > MODEL_RANK) return true;
  v->rank = (int)t->shape->n_dim;
  v->has_dims = true;
  for (int i = 0; i < v->rank; i++) {
    const Onnx__TensorShapeProto__Dimension *d = t->shape->dim[i];
    bool given = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    if (given && (d->dim_value < 0 || d->dim_value > MAX_TENSOR))
      return wrong(r, "input `%s` has a dimension out of range", shown(r, p->name));
    v->dim[i] = given ? d->dim_value : ANY_BATCH;
  }
  return true;
}

static bool read_ports(reader *r, const Onnx__GraphProto *g) {
  for (size_t i = 0; i < g->n_input; i++)
    if (!read_input(r, g->input[i])) return false;
  for (size_t i = 0; i < g->n_output; i++) {
    if (!g->output[i]->name) return wrong(r, "an output has no name");
    value *v = value_named(r, g->output[i]->name);
    PUSH(r->m->a, r->m->output, r->m->n_output, v);
  }
  return r->m->n_output > 0 || wrong(r, "the model has no output");
}

/* Sorts the nodes so that each comes after what it reads; the file's order where that is free. */
static bool order_nodes(reader *r) {
  model *m = r->m;
  int n_done = 0, n_ready = 0;
  onnx_node **ready = NEW_N(m->a, onnx_node *, m->n_node + 1);
  for (int i = 0; i < m->n_node; i++) {
    onnx_node *n = m->node[i];
    for (int k = 0; k < n->n_in; k++)
      if (n->in[k] && n->in[k]->maker) n->waits++;
    if (!n->waits) ready[n_ready++] = n;
  }
  for (; n_done < n_ready; n_done++)
    for (int o = 0; o < ready[n_done]->n_out; o++)
      for (int u = 0; u < ready[n_done]->out[o]->n_user; u++)
        if (--ready[n_done]->out[o]->user[u]->waits == 0)
          ready[n_ready++] = ready[n_done]->out[o]->user[u];
  if (n_ready < m->n_node) return wrong(r, "the nodes of the model form a circle");
  m->node = ready;
  return true;
}

static void note_users(model *m) {
  for (int i = 0; i < m->n_node; i++)
    for (int k = 0; k < m->node[i]->n_in; k++) {
      value *v = m->node[i]->in[k];
      if (v) PUSH(m->a, v->user, v->n_user, m->node[i]);
    }
}

static bool read_graph(reader *r, const Onnx__GraphProto *g) {
  if (g->n_node > MODEL_NODES) return wrong(r, "the model has more than 100000 nodes");
  size_t names = g->n_initializer + g->n_input + g->n_output + 16;
  for (size_t i = 0; i < g->n_node; i++) names += g->node[i]->n_input + g->node[i]->n_output;
  for (r->n_slot = 64; (size_t)r->n_slot < 2 * names;) r->n_slot *= 2;
  r->slot = NEW_N(r->m->a, value *, r->n_slot);
  r->m->name = arena_strdup(r->m->a, g->name ? g->name : "");
  if (!read_initializers(r, g) || !read_ports(r, g)) return false;
  for (size_t i = 0; i < g->n_node; i++)
    if (!read_node(r, g->node[i])) return false;
  note_users(r->m);
  return order_nodes(r);
}

static bool read_opset(reader *r, const Onnx__ModelProto *p) {
  int64_t version = 0;
  for (size_t i = 0; i < p->n_opset_import; i++) {
    const char *domain = p->opset_import[i]->domain;
    if (!domain || !*domain || !strcmp(domain, "ai.onnx")) version = p->opset_import[i]->version;
  }
  if (version < MODEL_OPSET_FIRST || version > 1000)
    return wrong(r, "the model is of an operator set that netc does not read (6 and newer)");
  r->m->opset = (int)version;
  return true;
}

/* What the model's writer knew of its data. */
static void read_facts(model *m, const Onnx__ModelProto *p) {
  for (size_t i = 0; i < p->n_metadata_props; i++) {
    const Onnx__StringStringEntryProto *e = p->metadata_props[i];
    if (!e->key || !e->value) continue;
    model_fact f = {arena_strdup(m->a, e->key), arena_strdup(m->a, e->value)};
    PUSH(m->a, m->fact, m->n_fact, f);
  }
}

model *model_read(arena *a, const uint8_t *bytes, size_t n, const model_files *files,
                  const char **error) {
  model *m = NEW(a, model);
  m->a = a;
  reader r = {.m = m, .files = files, .room = MAX_TENSOR};
  budget b = {n * MEMORY_FACTOR + MEMORY_LEAST};
  ProtobufCAllocator memory = {budget_alloc, budget_free, &b};
  Onnx__ModelProto *p = onnx__model_proto__unpack(&memory, n, bytes);
  if (!p) wrong(&r, "this is no ONNX model, or a damaged one");
  else if (!p->graph) wrong(&r, "the model holds no graph");
  else if (read_opset(&r, p)) read_graph(&r, p->graph);
  if (p) read_facts(m, p), onnx__model_proto__free_unpacked(p, &memory);
  *error = r.error;
  return r.error ? NULL : m;
}
