#include "safetensors.h"
#include "atomic_file.h"
#include "message.h"
#include "torch_file.h"
#include "value.h"
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name;
  st_type type;
  size_t bytes;
} types[] = {{"F32", ST_F32, 4},   {"F64", ST_F64, 8},   {"F16", ST_F16, 2},   {"BF16", ST_BF16, 2},
             {"I64", ST_I64, 8},   {"U64", ST_OTHER, 8}, {"I32", ST_OTHER, 4}, {"U32", ST_OTHER, 4},
             {"I16", ST_OTHER, 2}, {"U16", ST_OTHER, 2}, {"I8", ST_OTHER, 1},  {"U8", ST_OTHER, 1},
             {"BOOL", ST_OTHER, 1}};

static const uint64_t max_header = 16 << 20, max_file = (uint64_t)1 << 40;

static uint64_t little_endian(const uint8_t *p, int bytes) {
  uint64_t v = 0;
  for (int i = bytes - 1; i >= 0; i--) v = v << 8 | p[i];
  return v;
}

/* A non-negative whole number of the header. */
static bool whole_number(json_object *j, int64_t *v) {
  if (!json_object_is_type(j, json_type_int)) return false;
  *v = json_object_get_int64(j);
  return *v >= 0;
}

/* Sets type, shape and count; *size is the bytes that they need. Returns what is wrong, or NULL. */
static const char *read_type_and_shape(json_object *j, st_tensor *t, uint64_t *size) {
  json_object *dtype = NULL, *shape = NULL;
  if (!json_object_is_type(j, json_type_object) || !json_object_object_get_ex(j, "dtype", &dtype) ||
      !json_object_is_type(dtype, json_type_string) ||
      !json_object_object_get_ex(j, "shape", &shape) ||
      !json_object_is_type(shape, json_type_array))
    return "has no dtype and shape";
  size_t element = 0;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i].name, json_object_get_string(dtype)))
      t->type = types[i].type, element = types[i].bytes;
  if (!element) return "has an unknown dtype";
  size_t rank = json_object_array_length(shape);
  if (rank > ST_MAX_RANK) return "has more than 8 dimensions";
  t->rank = (int)rank;
  t->count = 1;
  for (int i = 0; i < t->rank; i++)
    if (!whole_number(json_object_array_get_idx(shape, (size_t)i), &t->shape[i]) ||
        __builtin_mul_overflow(t->count, t->shape[i], &t->count))
      return "has an impossible shape";
  return __builtin_mul_overflow((uint64_t)t->count, element, size) ? "has an impossible shape"
                                                                   : NULL;
}

static const char *read_entry(json_object *j, st_tensor *t, const uint8_t *data, uint64_t room) {
  uint64_t size;
  const char *wrong = read_type_and_shape(j, t, &size);
  if (wrong) return wrong;
  json_object *offsets = NULL;
  int64_t from, to;
  if (!json_object_object_get_ex(j, "data_offsets", &offsets) ||
      !json_object_is_type(offsets, json_type_array) || json_object_array_length(offsets) != 2 ||
      !whole_number(json_object_array_get_idx(offsets, 0), &from) ||
      !whole_number(json_object_array_get_idx(offsets, 1), &to) || from > to)
    return "has no valid data_offsets";
  if ((uint64_t)to > room) return "lies beyond the end of the file";
  if ((uint64_t)(to - from) != size) return "has offsets that do not fit its shape";
  t->data = data + from;
  t->bytes = (size_t)size;
  return NULL;
}

static int by_place(const void *a, const void *b) {
  const st_tensor *x = a, *y = b;
  if (x->data != y->data) return x->data < y->data ? -1 : 1;
  return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static bool read_metadata(safetensors *s, json_object *j) {
  if (!json_object_is_type(j, json_type_object)) return false;
  s->meta = allocate((size_t)json_object_object_length(j) * sizeof *s->meta);
  json_object_object_foreach(j, key, value) {
    if (!json_object_is_type(value, json_type_string)) return false;
    s->meta[s->n_meta++] = (st_meta){key, json_object_get_string(value)};
  }
  return true;
}

/* Fills s from the parsed header; returns what is wrong (malloc'd), or NULL. */
static char *read_header(safetensors *s, const uint8_t *data, uint64_t room) {
  s->tensor = allocate((size_t)json_object_object_length(s->json) * sizeof *s->tensor);
  json_object_object_foreach((json_object *)s->json, key, value) {
    if (!strcmp(key, "__metadata__")) {
      if (!read_metadata(s, value)) return message("its __metadata__ is not a map of strings");
      continue;
    }
    st_tensor *t = &s->tensor[s->n++];
    t->name = key;
    const char *wrong = read_entry(value, t, data, room);
    if (wrong) return message("tensor `%.100s` %s", key, wrong);
  }
  qsort(s->tensor, (size_t)s->n, sizeof *s->tensor, by_place);
  const uint8_t *end = data;
  for (int i = 0; i < s->n; end = s->tensor[i].data + s->tensor[i].bytes, i++)
    if (s->tensor[i].data != end)
      return message("tensor `%.100s` %s", s->tensor[i].name,
                     s->tensor[i].data < end ? "overlaps another" : "leaves a gap before it");
  if ((uint64_t)(end - data) != room)
    return message("%llu bytes after the last tensor belong to none",
                   (unsigned long long)(room - (uint64_t)(end - data)));
  return NULL;
}

static json_object *parse_json(const char *text, uint64_t n) {
  json_tokener *tokener = json_tokener_new_ex(8); /* a header nests three deep */
  json_object *j = json_tokener_parse_ex(tokener, text, (int)n);
  size_t used = json_tokener_get_parse_end(tokener);
  bool done = json_tokener_get_error(tokener) == json_tokener_success;
  for (; done && used < n; used++) done = text[used] == ' ' || text[used] == '\n';
  json_tokener_free(tokener);
  if (done && json_object_is_type(j, json_type_object)) return j;
  json_object_put(j);
  return NULL;
}

safetensors *safetensors_parse(const void *bytes, size_t n, const char *shown, char **error) {
  const uint8_t *p = bytes;
  uint64_t header = n < 8 ? 0 : little_endian(p, 8);
  char *wrong = NULL;
  safetensors *s = allocate(sizeof *s);
  if (n < 10) wrong = message("it has only %zu bytes", n);
  else if (header > n - 8 || header > max_header)
    wrong = message("its header of %llu bytes does not fit the file", (unsigned long long)header);
  else if (!(s->json = parse_json((const char *)p + 8, header)))
    wrong = message("its header is not valid JSON");
  else wrong = read_header(s, p + 8 + header, n - 8 - header);
  if (!wrong) return s;
  *error = message("`%s` is not a valid safetensors file: %s", shown, wrong);
  free(wrong);
  safetensors_free(s);
  return NULL;
}

safetensors *safetensors_read(const char *path, char **error) {
  size_t n;
  char *bytes = read_whole_file(path, max_file, &n, error);
  if (!bytes) return NULL;
  bool torch = torch_file_begins(bytes, n);
  safetensors *s =
      torch ? torch_file_parse(bytes, n, path, error) : safetensors_parse(bytes, n, path, error);
  if (s && !torch) s->owned = bytes;
  else free(bytes);
  return s;
}

void safetensors_free(safetensors *s) {
  if (!s) return;
  json_object_put(s->json);
  free(s->tensor);
  free(s->meta);
  free(s->owned);
  if (s->heap) heap_free(s->heap);
  free(s);
}

const st_tensor *safetensors_find(const safetensors *s, const char *name) {
  for (int i = 0; i < s->n; i++)
    if (!strcmp(s->tensor[i].name, name)) return &s->tensor[i];
  return NULL;
}

const char *safetensors_meta(const safetensors *s, const char *key) {
  for (int i = 0; i < s->n_meta; i++)
    if (!strcmp(s->meta[i].key, key)) return s->meta[i].value;
  return NULL;
}

/* IEEE half to float: exact for every value. */
static float half_to_float(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3ff;
  uint32_t bits;
  float f;
  if (exponent == 0) {
    f = (float)mantissa * 0x1p-24f;
    return sign ? -f : f;
  }
  bits = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | mantissa << 13;
  memcpy(&f, &bits, 4);
  return f;
}

static float element(const st_tensor *t, int64_t i) {
  uint32_t bits;
  uint64_t wide;
  double d;
  float f;
  switch (t->type) {
  case ST_F64:
    wide = little_endian(t->data + 8 * i, 8);
    memcpy(&d, &wide, 8);
    return (float)d;
  case ST_F16: return half_to_float((uint16_t)little_endian(t->data + 2 * i, 2));
  case ST_BF16: bits = (uint32_t)little_endian(t->data + 2 * i, 2) << 16; break;
  default: bits = (uint32_t)little_endian(t->data + 4 * i, 4);
  }
  memcpy(&f, &bits, 4);
  return f;
}

bool safetensors_floats(const st_tensor *t, float *out) {
  if (t->type == ST_I64 || t->type == ST_OTHER) return false;
  for (int64_t i = 0; i < t->count; i++) out[i] = element(t, i);
  return true;
}

static int by_name(const void *a, const void *b) {
  return strcmp((*(const st_tensor *const *)a)->name, (*(const st_tensor *const *)b)->name);
}

static json_object *header_entry(const st_tensor *t, uint64_t at) {
  json_object *j = json_object_new_object(), *shape = json_object_new_array(),
              *offsets = json_object_new_array();
  for (int i = 0; i < t->rank; i++)
    json_object_array_add(shape, json_object_new_int64(t->shape[i]));
  json_object_array_add(offsets, json_object_new_int64((int64_t)at));
  json_object_array_add(offsets, json_object_new_int64((int64_t)(at + t->bytes)));
  json_object_object_add(j, "dtype", json_object_new_string(t->type == ST_I64 ? "I64" : "F32"));
  json_object_object_add(j, "shape", shape);
  json_object_object_add(j, "data_offsets", offsets);
  return j;
}

static json_object *make_header(const st_tensor **t, int n, const st_meta *meta, int n_meta) {
  json_object *header = json_object_new_object(), *strings = json_object_new_object();
  for (int i = 0; i < n_meta; i++)
    json_object_object_add(strings, meta[i].key, json_object_new_string(meta[i].value));
  if (n_meta) json_object_object_add(header, "__metadata__", strings);
  else json_object_put(strings);
  uint64_t at = 0;
  for (int i = 0; i < n; at += t[i]->bytes, i++)
    json_object_object_add(header, t[i]->name, header_entry(t[i], at));
  return header;
}

static bool write_file(FILE *f, const char *header, const st_tensor **t, int n) {
  size_t length = strlen(header), padded = (length + 7) & ~(size_t)7;
  uint8_t size[8];
  for (int i = 0; i < 8; i++) size[i] = (uint8_t)((uint64_t)padded >> (8 * i));
  bool ok = fwrite(size, 1, 8, f) == 8 && fwrite(header, 1, length, f) == length &&
            fwrite("        ", 1, padded - length, f) == padded - length;
  for (int i = 0; ok && i < n; i++) ok = fwrite(t[i]->data, 1, t[i]->bytes, f) == t[i]->bytes;
  return ok;
}

bool safetensors_write(const char *path, const st_tensor *t, int n, const st_meta *meta, int n_meta,
                       char **error) {
  atomic_file a;
  if (!atomic_open(&a, path, error)) return false;
  const st_tensor **sorted = allocate((size_t)n * sizeof *sorted);
  for (int i = 0; i < n; i++) sorted[i] = &t[i];
  qsort(sorted, (size_t)n, sizeof *sorted, by_name);
  json_object *header = make_header(sorted, n, meta, n_meta);
  /* A short write is remembered by the stream; atomic_commit reports it. */
  write_file(a.f, json_object_to_json_string_ext(header, JSON_C_TO_STRING_PLAIN), sorted, n);
  json_object_put(header);
  free(sorted);
  return atomic_commit(&a, error);
}
