#include "idx.h"
#include "file.h"
#include "gzip.h"
#include "message.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t big_endian(const uint8_t *p, int bytes) {
  uint64_t v = 0;
  for (int i = 0; i < bytes; i++) v = v << 8 | p[i];
  return v;
}

static int element_size(int type) {
  static const int8_t size[] = {1, 1, 0, 2, 4, 4, 8};
  return type >= 8 && type <= 14 ? size[type - 8] : 0;
}

static double element(const uint8_t *p, int type) {
  uint32_t word = type == 13 ? (uint32_t)big_endian(p, 4) : 0;
  uint64_t wide = type == 14 ? big_endian(p, 8) : 0;
  float f;
  double d;
  memcpy(&f, &word, 4);
  memcpy(&d, &wide, 8);
  switch (type) {
  case 8: return *p;
  case 9: return (int8_t)*p;
  case 11: return (int16_t)big_endian(p, 2);
  case 12: return (int32_t)big_endian(p, 4);
  default: return type == 13 ? (double)f : d;
  }
}

/* Extents: the first counts the samples. The elements of all, or -1: not what the file holds. */
static int64_t read_extents(const uint8_t *bytes, size_t n, int64_t dim[FIELD_RANK + 1],
                            int *rank) {
  *rank = bytes[3];
  const size_t head = 4 + 4 * (size_t)*rank;
  int64_t count = 1;
  if (*rank < 1 || *rank > FIELD_RANK + 1 || n < head) return -1;
  for (int i = 0; i < *rank; i++) {
    dim[i] = (int64_t)big_endian(bytes + 4 + 4 * i, 4);
    if (dim[i] < 1 || __builtin_mul_overflow(count, dim[i], &count)) return -1;
  }
  const int64_t room = (int64_t)(n - head) / element_size(bytes[2]);
  return count == room && (int64_t)(n - head) == count * element_size(bytes[2]) ? count : -1;
}

static char *fill(data_field *f, const uint8_t *from, int type, int64_t count) {
  const int size = element_size(type);
  field_allocate(f, type == 8 ? FIELD_BYTES : type < 13 ? FIELD_WHOLE : FIELD_FLOATS, count);
  for (int64_t i = 0; i < count; i++, from += size) {
    double v = element(from, type);
    if (!isfinite((float)v)) return message("it holds a NaN or an infinity");
    if (f->type == FIELD_BYTES) ((uint8_t *)f->data)[i] = (uint8_t)v;
    else if (f->type == FIELD_WHOLE) ((int32_t *)f->data)[i] = (int32_t)v;
    else ((float *)f->data)[i] = (float)v;
  }
  if (f->type != FIELD_FLOATS) field_find_below(f);
  return NULL;
}

char *idx_read(const uint8_t *bytes, size_t n, const char *name, field_set *s) {
  static const char *const types[] = {"uint8", "int8",    "",       "int16 array",
                                      "int32", "float32", "float64"};
  int64_t dim[FIELD_RANK + 1];
  int rank;
  if (n < 8 || bytes[0] || bytes[1] || !element_size(bytes[2])) return message("it is no IDX file");
  const int64_t count = read_extents(bytes, n, dim, &rank);
  if (count < 0) return message("its header announces other extents than the file holds");
  if (s->n && dim[0] != s->n)
    return message("it has %lld samples, and the file beside it %lld", (long long)dim[0],
                   (long long)s->n);
  s->n = s->held_from = dim[0];
  data_field *f = field_add(s, name);
  f->stored = message("%s", types[bytes[2] - 8]);
  char *wrong = fill(f, bytes + 4 + 4 * (size_t)rank, bytes[2], count);
  field_shape(f, rank - 1, dim + 1);
  return wrong;
}

static char *read_file(const char *path, const char *name, field_set *s) {
  char *wrong = NULL;
  size_t n;
  uint8_t *bytes = file_read_unpacked(path, &n, &wrong);
  if (bytes) wrong = idx_read(bytes, n, name, s);
  free(bytes);
  return wrong ? free_and(wrong, message("`%s`: %s", path, wrong)) : NULL;
}

/* The file of that part ("train", "t10k") and content ("images-idx3") in a folder; NULL: none. */
static char *find_file(const char *folder, const char *part, const char *content) {
  const char *hyphen = strchr(content, '-');
  char *kind = copy_string(content, (size_t)(hyphen - content)), *path = NULL;
  for (int i = 0; i < 4 && !path; i++) {
    path = message("%s/%s-%s%c%s-ubyte%s", folder, part, kind, i % 2 ? '.' : '-', hyphen + 1,
                   i < 2 ? "" : ".gz");
    if (!file_exists(path)) path = free_and(path, NULL);
  }
  free(kind);
  return path;
}

static char *read_part(const char *folder, const char *part, field_set *s) {
  char *images = find_file(folder, part, "images-idx3"),
       *labels = find_file(folder, part, "labels-idx1");
  char *wrong = NULL;
  if (!images || !labels)
    wrong =
        message("`%s` holds no %s-%s-ubyte", folder, part, images ? "labels-idx1" : "images-idx3");
  if (!wrong) wrong = read_file(images, "images", s);
  if (!wrong) wrong = read_file(labels, "labels", s);
  free(images);
  free(labels);
  return wrong;
}

/* The test set's samples behind those of the training set. */
static char *append(field_set *s, field_set *test) {
  for (int i = 0; i < 2; i++) {
    data_field *a = &s->field[i], *b = &test->field[i];
    if (a->type != b->type || a->size != b->size)
      return message("training and test files have other shapes");
    const size_t bytes = a->type == FIELD_BYTES ? 1 : 4;
    a->data = realloc(a->data, (size_t)(a->count + b->count) * bytes);
    if (!a->data) abort();
    memcpy((uint8_t *)a->data + (size_t)a->count * bytes, b->data, (size_t)b->count * bytes);
    a->count += b->count;
    if (b->below > a->below) a->below = b->below;
  }
  s->held_from = s->n;
  s->n += test->n;
  return NULL;
}

bool idx_folder(const char *path) {
  char *file = find_file(path, "train", "images-idx3");
  free(file);
  return file != NULL;
}

static char *open_folder(const char *folder, field_set *out) {
  field_set test = {0};
  char *wrong = read_part(folder, "train", out), *file = find_file(folder, "t10k", "images-idx3");
  if (!wrong && file) wrong = read_part(folder, "t10k", &test);
  if (!wrong && file) wrong = append(out, &test);
  free(file);
  field_set_free(&test);
  return wrong;
}

char *idx_open(const char *path, field_set *out) {
  *out = (field_set){0};
  const char *slash = strrchr(path, '/');
  char *folder = is_directory(path) ? message("%s", path)
                 : slash            ? copy_string(path, (size_t)(slash - path) + (slash == path))
                                    : message(".");
  const bool known =
      is_directory(path) || (idx_folder(folder) && strstr(slash ? slash : path, "train-"));
  char *wrong = known ? open_folder(folder, out) : read_file(path, "x", out);
  free(folder);
  if (wrong) field_set_free(out);
  return wrong;
}
