#include "npz.h"
#include "message.h"
#include "pickle.h"
#include <stdlib.h>
#include <string.h>
#include <zip.h>

/* ---- .npy: a magic word, a version, the length of a header, the header, the elements ---- */

/* The header is a Python dictionary in one line: the text behind `'key':`, or NULL. */
static const char *header_value(const char *header, const char *key) {
  const char *p = strstr(header, key);
  if (!p) return NULL;
  p += strlen(key);
  while (*p == '\'' || *p == '"' || *p == ' ') p++;
  if (*p++ != ':') return NULL;
  while (*p == ' ') p++;
  return p;
}

/* What other archives are called; NULL: it is one of arrays, or unknown. */
static const char *other_archive(zip_t *zip) {
  static const struct {
    const char *entry, *what;
  } known[] = {
      {"[Content_Types].xml", "a spreadsheet or document of an office program; save it as CSV"},
      {"data.pkl", "a file of torch.save; save its arrays with numpy.savez"},
      {"model.json", "a model, not a data set"}};
  for (zip_int64_t i = 0; i < zip_get_num_entries(zip, 0) && i < 20; i++) {
    const char *name = zip_get_name(zip, (zip_uint64_t)i, 0),
               *last = name ? strrchr(name, '/') : NULL;
    for (size_t k = 0; name && k < sizeof known / sizeof *known; k++)
      if (!strcmp(last ? last + 1 : name, known[k].entry)) return known[k].what;
  }
  return NULL;
}

static bool header_dtype(const char *p, value_dtype *t) {
  if (!p || (*p != '\'' && *p != '"')) return false;
  const char *end = strchr(p + 1, *p);
  return end && dtype_parse(p + 1, (size_t)(end - p - 1), t);
}

/* "(3, 4)", "(3,)", "()": the number of extents, or -1. */
static int header_shape(const char *p, int64_t shape[ARRAY_DIMS]) {
  int n = 0;
  if (!p || *p++ != '(') return -1;
  for (;;) {
    while (*p == ' ' || *p == ',') p++;
    if (*p == ')') return n;
    if (*p < '0' || *p > '9' || n == ARRAY_DIMS) return -1;
    char *end;
    shape[n++] = strtoll(p, &end, 10); /* saturates, and is then too large for the file */
    p = *end == 'L' ? end + 1 : end;
  }
}

/* Finds the header and where the elements begin; a malloc'd copy, or NULL. */
static char *npy_header(const uint8_t *bytes, size_t n, size_t *data_at) {
  if (n < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0 || bytes[6] < 1 || bytes[6] > 3) return NULL;
  size_t width = bytes[6] == 1 ? 2 : 4, length = 0;
  if (n < 8 + width) return NULL;
  for (size_t i = width; i-- > 0;) length = length << 8 | bytes[8 + i];
  if (length > n - 8 - width || length > 1 << 20) return NULL;
  *data_at = 8 + width + length;
  return copy_string((const char *)bytes + 8 + width, length);
}

static bool npy_objects(value_heap *h, value_array *a, const uint8_t *bytes, size_t n,
                        char **error) {
  value v;
  if (!pickle_read(h, bytes, n, &v, error)) return false;
  const value_seq *objects = v.kind == VAL_ARRAY && v.array->built ? v.array->objects : NULL;
  if (objects && (int64_t)objects->n == a->count) {
    a->objects = objects;
    return true;
  }
  *error = message("its objects do not agree with its shape");
  return false;
}

bool npy_read(value_heap *h, const uint8_t *bytes, size_t n, value *out, char **error) {
  size_t at;
  int64_t shape[ARRAY_DIMS];
  char *header = npy_header(bytes, n, &at);
  value_array *a = heap_alloc(h, sizeof *a);
  *error = NULL;
  if (!header || !a) {
    *error = message("it is no whole .npy array");
    free(header);
    return false;
  }
  const char *order = header_value(header, "fortran_order");
  int n_dim = header_shape(header_value(header, "shape"), shape);
  if (!order || n_dim < 0 || !header_dtype(header_value(header, "descr"), &a->type))
    *error = message("its header names no type and shape that netc reads");
  else if (!array_shape(a, n_dim, shape, *order == 'T' ? 'F' : 'C', n - at))
    *error = message("its header announces more elements than the file holds");
  else a->data = bytes + at;
  free(header);
  if (!*error && a->type.kind == 'O') npy_objects(h, a, bytes + at, n - at, error);
  a->built = !*error;
  *out = (value){.kind = VAL_ARRAY, .array = a};
  return a->built;
}

/* ---- .npz ---- */

size_t npz_budget(size_t n) { return n > SIZE_MAX / 256 ? SIZE_MAX / 2 : 128 * n + (64 << 20); }

/* Unpacks entry i into the heap; NULL with *error. */
static uint8_t *unpack(value_heap *h, zip_t *zip, const zip_stat_t *entry, char **error) {
  uint8_t *bytes = entry->size < SIZE_MAX / 2 ? heap_alloc(h, entry->size) : NULL;
  if (!bytes) {
    *error = message("it unpacks to more memory than an archive of its size should");
    return NULL;
  }
  zip_file_t *f = zip_fopen_index(zip, entry->index, 0);
  bool whole = f && zip_fread(f, bytes, entry->size) == (zip_int64_t)entry->size;
  if (f && zip_fclose(f) != 0) whole = false;
  if (whole) return bytes;
  *error = message("it cannot be unpacked (%s)", f ? "damaged data" : zip_strerror(zip));
  return NULL;
}

static bool read_entry(value_heap *h, zip_t *zip, zip_uint64_t i, value_seq *dict, char **error) {
  zip_stat_t entry;
  char *why = NULL;
  value pair[2];
  if (zip_stat_index(zip, i, 0, &entry) != 0 || !(entry.valid & ZIP_STAT_SIZE)) {
    *error = message("entry %llu of the archive is damaged", (unsigned long long)i);
    return false;
  }
  size_t length = strlen(entry.name);
  if (length < 4 || strcmp(entry.name + length - 4, ".npy") != 0) return true; /* not an array */
  char *name = arena_strndup(h->mem, entry.name, length - 4);
  if (zip_name_locate(zip, entry.name, 0) != (zip_int64_t)i) {
    *error = message("the archive holds two arrays named `%s`", name);
    return false;
  }
  const uint8_t *bytes = unpack(h, zip, &entry, &why);
  if (bytes && npy_read(h, bytes, entry.size, &pair[1], &why) &&
      make_string(h, VAL_TEXT, name, length - 4, &pair[0]) && seq_append(h, dict, pair, 2))
    return true;
  *error = message("array `%s`: %s", name, why ? why : "it takes too much memory");
  free(why);
  return false;
}

bool npz_read(value_heap *h, const uint8_t *bytes, size_t n, value *out, char **error) {
  zip_error_t why;
  zip_error_init(&why);
  zip_source_t *source = zip_source_buffer_create(bytes, n, 0, &why);
  zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY, &why) : NULL;
  value_seq *dict = heap_seq(h);
  bool ok = zip && dict;
  if (!zip) {
    *error = message("the archive is damaged or cut short (%s)", zip_error_strerror(&why));
    if (source) zip_source_free(source);
  }
  const char *other = zip ? other_archive(zip) : NULL;
  if (other) ok = false, *error = message("it is %s", other);
  for (zip_int64_t i = 0; ok && i < zip_get_num_entries(zip, 0); i++)
    ok = read_entry(h, zip, (zip_uint64_t)i, dict, error);
  if (zip) zip_discard(zip);
  zip_error_fini(&why);
  *out = (value){.kind = VAL_DICT, .seq = dict};
  return ok;
}
