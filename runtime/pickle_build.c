#include "pickle_build.h"
#include "message.h"
#include "pickle_text.h"
#include <string.h>

typedef enum {
  MAKE_RECONSTRUCT, /* _reconstruct(ndarray, (0,), b"b"): an array to come */
  MAKE_NDARRAY,     /* only named, as the argument of the former */
  MAKE_DTYPE,
  MAKE_SCALAR,
  MAKE_FROMBUFFER,
  MAKE_ENCODE,
  MAKE_BYTES,
  MAKE_BYTEARRAY,
  MAKE_DICT,
  MAKE_SET,
  MAKE_TENSOR,
  MAKE_PARAMETER,
  MAKE_STORAGE /* and those after it, in the order of `storages` */
} constructor;

static const struct {
  const char *module, *name;
  constructor make;
} list[] = {
    {"numpy.core.multiarray", "_reconstruct", MAKE_RECONSTRUCT},  /* NumPy 1 */
    {"numpy._core.multiarray", "_reconstruct", MAKE_RECONSTRUCT}, /* NumPy 2 */
    {"numpy.core.multiarray", "scalar", MAKE_SCALAR},
    {"numpy._core.multiarray", "scalar", MAKE_SCALAR},
    {"numpy.core.numeric", "_frombuffer", MAKE_FROMBUFFER}, /* protocol 5 */
    {"numpy._core.numeric", "_frombuffer", MAKE_FROMBUFFER},
    {"numpy", "ndarray", MAKE_NDARRAY},
    {"numpy", "dtype", MAKE_DTYPE},
    {"_codecs", "encode", MAKE_ENCODE}, /* how protocols 0 to 2 carry bytes */
    {"builtins", "bytes", MAKE_BYTES},
    {"__builtin__", "bytes", MAKE_BYTES},
    {"builtins", "bytearray", MAKE_BYTEARRAY},
    {"__builtin__", "bytearray", MAKE_BYTEARRAY},
    {"builtins", "set", MAKE_SET},
    {"__builtin__", "set", MAKE_SET},
    {"builtins", "frozenset", MAKE_SET},
    {"__builtin__", "frozenset", MAKE_SET},
    {"collections", "OrderedDict", MAKE_DICT},
    {"sklearn.utils._bunch", "Bunch", MAKE_DICT}, /* scikit-learn's data sets: dictionaries */
    {"sklearn.utils", "Bunch", MAKE_DICT},
};

static bool named(const value_string *s, const char *name) {
  return s->n == strlen(name) && memcmp(s->p, name, s->n) == 0;
}

bool constructor_find(const value_string *module, const value_string *name, value *out) {
  for (size_t i = 0; i < sizeof list / sizeof *list; i++)
    if (named(module, list[i].module) && named(name, list[i].name)) {
      *out = (value){.kind = VAL_CLASS, .i = list[i].make};
      return true;
    }
  return false;
}

/* The names of torch's storages, each with the type of its elements. */
static const char *const storages[] = {
    "FloatStorage", "DoubleStorage", "HalfStorage", "BFloat16Storage", "LongStorage",
    "IntStorage",   "ShortStorage",  "CharStorage", "ByteStorage",     "BoolStorage"};
enum { N_STORAGES = sizeof storages / sizeof *storages };

bool tensor_constructor_find(const value_string *module, const value_string *name, value *out) {
  *out = (value){.kind = VAL_CLASS, .i = MAKE_TENSOR};
  if (named(module, "torch._utils") && named(name, "_rebuild_tensor_v2")) return true;
  out->i = MAKE_PARAMETER;
  if (named(module, "torch._utils") && named(name, "_rebuild_parameter")) return true;
  for (out->i = MAKE_STORAGE; out->i < MAKE_STORAGE + N_STORAGES; out->i++)
    if (named(module, "torch") && named(name, storages[out->i - MAKE_STORAGE])) return true;
  return false;
}

const char *storage_name(const value *class) {
  bool is = class->kind == VAL_CLASS && class->i >= MAKE_STORAGE;
  return is && class->i < MAKE_STORAGE + N_STORAGES ? storages[class->i - MAKE_STORAGE] : NULL;
}

static char *damaged(const char *what) {
  return message("the pickle is damaged: %s is not as NumPy or Python write it", what);
}

static char *too_much(void) {
  return message("the pickle asks for more memory than a file of its size can need");
}

static char *make_array(value_heap *h, value *out) {
  value_array *a = heap_alloc(h, sizeof *a);
  if (!a) return too_much();
  *out = (value){.kind = VAL_ARRAY, .array = a};
  return NULL;
}

static char *reconstruct(value_heap *h, const value_seq *args, value *out) {
  if (args->n < 1 || args->item[0].kind != VAL_CLASS || args->item[0].i != MAKE_NDARRAY)
    return damaged("an array");
  return make_array(h, out);
}

/* dtype("u1", False, True); its state follows. */
static char *make_dtype(value_heap *h, const value_seq *args, value *out) {
  value_dtype *t = heap_alloc(h, sizeof *t);
  if (!t) return too_much();
  if (args->n < 1 || !is_string(&args->item[0]) ||
      !dtype_parse(args->item[0].s->p, args->item[0].s->n, t))
    return damaged("an element type");
  *out = (value){.kind = VAL_DTYPE, .dtype = t};
  return NULL;
}

/* (version, "<", subtype, names, fields, size, alignment, flags[, metadata]) */
static char *dtype_set_state(value_dtype *t, const value *state) {
  if (state->kind != VAL_TUPLE || state->seq->n < 2 || !is_string(&state->seq->item[1]) ||
      state->seq->item[1].s->n != 1)
    return damaged("an element type");
  char order = state->seq->item[1].s->p[0];
  const char *here = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? ">=|" : "<=|";
  if (!strchr("<>=|", order)) return damaged("an element type");
  t->swapped = !strchr(here, order) && t->size > 1;
  return NULL;
}

/* The extents in a tuple (or, of one dimension, a number); -1 dimensions: not a shape. */
static int read_shape(const value *v, int64_t shape[ARRAY_DIMS]) {
  if (v->kind == VAL_INT) return shape[0] = v->i, 1;
  if ((v->kind != VAL_TUPLE && v->kind != VAL_LIST) || v->seq->n > ARRAY_DIMS) return -1;
  for (size_t i = 0; i < v->seq->n; i++) {
    if (v->seq->item[i].kind != VAL_INT) return -1;
    shape[i] = v->seq->item[i].i;
  }
  return (int)v->seq->n;
}

/* Points an array at its elements: bytes or, for objects, a list. Everything is checked here. */
static char *fill_array(value_array *a, const value_dtype *t, const value *shape, char order,
                        const value *contents, uint64_t limit) {
  int64_t extent[ARRAY_DIMS];
  int n_dim = read_shape(shape, extent);
  a->type = *t;
  if (n_dim < 0)
    return message("an array of more than %d dimensions, or without any shape", ARRAY_DIMS);
  if (t->kind == 'O') {
    if (contents->kind != VAL_LIST) return damaged("an array of objects");
    if (contents->seq->n > limit) limit = contents->seq->n;
  } else if (!is_string(contents)) return damaged("the contents of an array");
  uint64_t have = t->kind == 'O' ? contents->seq->n : contents->s->n;
  uint64_t unit = t->kind == 'O' ? 1 : (uint64_t)t->size;
  if (!array_shape(a, n_dim, extent, order, limit) || (uint64_t)a->count * unit != have)
    return message("the pickle is damaged: an array's shape does not agree with its %llu %s",
                   (unsigned long long)have, t->kind == 'O' ? "objects" : "bytes");
  if (t->kind == 'O') a->objects = contents->seq;
  else a->data = (const uint8_t *)contents->s->p;
  a->built = true;
  return NULL;
}

/* (version, shape, dtype, is_fortran, contents), or the same without the version. */
static char *array_set_state(value_array *a, const value *state, uint64_t limit) {
  if (state->kind != VAL_TUPLE || state->seq->n < 4 || state->seq->n > 5)
    return damaged("an array");
  const value *v = state->seq->item + (state->seq->n - 4);
  if (v[1].kind != VAL_DTYPE || (v[2].kind != VAL_BOOL && v[2].kind != VAL_INT))
    return damaged("an array");
  return fill_array(a, v[1].dtype, &v[0], v[2].i ? 'F' : 'C', &v[3], limit);
}

char *object_set_state(value *object, const value *state, uint64_t limit) {
  if (object->kind == VAL_ARRAY) return array_set_state(object->array, state, limit);
  if (object->kind == VAL_DTYPE) return dtype_set_state(object->dtype, state);
  /* Attributes of a dictionary with methods, beside its items, which are all that counts here. */
  if (object->kind == VAL_DICT && state->kind == VAL_DICT) return NULL;
  return message("the pickle sets the state of an object, which netc does not run");
}

/* Reorders the axes of an array that was filled in the order of its memory. */
static char *transpose(value_array *a, const value *axes) {
  int64_t order[ARRAY_DIMS];
  value_array old = *a;
  unsigned seen = 0;
  if (read_shape(axes, order) != a->n_dim) return damaged("the order of an array's axes");
  for (int i = 0; i < a->n_dim; i++) {
    if (order[i] < 0 || order[i] >= a->n_dim || seen >> order[i] & 1)
      return damaged("the order of an array's axes");
    seen |= 1u << order[i];
    a->shape[i] = old.shape[order[i]];
    a->stride[i] = old.stride[order[i]];
  }
  return NULL;
}

/* _frombuffer(bytes, dtype, shape, order[, axis_order]) */
static char *frombuffer(value_heap *h, const value_seq *args, uint64_t limit, value *out) {
  const value *v = args->item;
  if (args->n < 4 || v[1].kind != VAL_DTYPE || v[1].dtype->kind == 'O' || !is_string(&v[3]) ||
      v[3].s->n != 1)
    return damaged("an array");
  char *wrong = make_array(h, out), order = v[3].s->p[0];
  if (wrong) return wrong;
  if (!strchr("CFK", order) || (order == 'K' && args->n < 5)) return damaged("an array");
  wrong = fill_array(out->array, v[1].dtype, &v[2], order == 'F' ? 'F' : 'C', &v[0], limit);
  return wrong || order != 'K' ? wrong : transpose(out->array, &v[4]);
}

/* scalar(dtype, bytes): a number, or a string. */
static char *make_scalar(value_heap *h, const value_seq *args, value *out) {
  if (args->n != 2 || args->item[0].kind != VAL_DTYPE || !is_string(&args->item[1]))
    return damaged("a NumPy scalar");
  const value_dtype *t = args->item[0].dtype;
  const value_string *s = args->item[1].s;
  if ((int64_t)s->n != t->size) return damaged("a NumPy scalar");
  if (t->kind == 'f' && t->size <= 8)
    *out = (value){.kind = VAL_FLOAT, .f = element_float(t, (const uint8_t *)s->p)};
  else if (strchr("biu", t->kind)) {
    *out = (value){.kind = t->kind == 'b' ? VAL_BOOL : VAL_INT};
    if (!element_int(t, (const uint8_t *)s->p, &out->i)) out->kind = VAL_HUGE;
  } else return make_string(h, VAL_BYTES, s->p, s->n, out) ? NULL : too_much();
  return NULL;
}

/* encode(text, "latin1") */
static char *encode(value_heap *h, const value_seq *args, value *out) {
  if (args->n < 1 || args->item[0].kind != VAL_TEXT) return damaged("an encoded string");
  if (args->n > 1 && !string_is(&args->item[1], "latin1") && !string_is(&args->item[1], "latin-1"))
    return message("the pickle encodes a string otherwise than as latin1, which netc does not do");
  const value_string *s = args->item[0].s;
  char *bytes = heap_alloc(h, s->n);
  size_t n;
  if (!bytes) return too_much();
  if (!text_to_latin1(s->p, s->n, bytes, &n)) return damaged("an encoded string");
  return make_string(h, VAL_BYTES, bytes, n, out) ? NULL : too_much();
}

/* bytes(), bytes(b"..."), bytearray("...", "latin-1") */
static char *make_bytes(value_heap *h, const value_seq *args, value *out) {
  if (args->n == 0) return make_string(h, VAL_BYTES, "", 0, out) ? NULL : too_much();
  if (args->item[0].kind == VAL_TEXT) return encode(h, args, out);
  if (args->n != 1 || args->item[0].kind != VAL_BYTES) return damaged("a byte string");
  *out = args->item[0];
  return NULL;
}

/* set([...]), OrderedDict([(key, value), ...]) */
static char *make_container(value_heap *h, const value_seq *args, bool dict, value *out) {
  value_seq *s = heap_seq(h);
  const value *items = args->n ? &args->item[0] : NULL;
  if (!s) return too_much();
  *out = (value){.kind = dict ? VAL_DICT : VAL_SET, .seq = s};
  if (!items) return NULL;
  if (args->n != 1 || items->kind != VAL_LIST) return damaged("a set or ordered dictionary");
  for (size_t i = 0; i < items->seq->n; i++) {
    const value *v = &items->seq->item[i];
    bool pair = (v->kind == VAL_LIST || v->kind == VAL_TUPLE) && v->seq->n == 2;
    if (dict && !pair) return damaged("an ordered dictionary");
    if (!seq_append(h, s, dict ? v->seq->item : v, dict ? 2 : 1)) return too_much();
  }
  return NULL;
}

bool makes_dict(const value *class) { return class->i == MAKE_DICT; }

char *constructor_call(value_heap *h, const value *class, const value *args, uint64_t limit,
                       value *out) {
  const value_seq *a = args->seq;
  switch ((constructor) class->i) {
  case MAKE_RECONSTRUCT: return reconstruct(h, a, out);
  case MAKE_DTYPE: return make_dtype(h, a, out);
  case MAKE_SCALAR: return make_scalar(h, a, out);
  case MAKE_FROMBUFFER: return frombuffer(h, a, limit, out);
  case MAKE_ENCODE: return encode(h, a, out);
  case MAKE_BYTES:
  case MAKE_BYTEARRAY: return make_bytes(h, a, out);
  case MAKE_DICT: return make_container(h, a, true, out);
  case MAKE_SET: return make_container(h, a, false, out);
  case MAKE_TENSOR: return *out = *args, NULL;
  case MAKE_PARAMETER:
    if (a->n) return *out = a->item[0], NULL;
    break;
  case MAKE_STORAGE:
  case MAKE_NDARRAY: break;
  }
  return damaged("an array");
}
