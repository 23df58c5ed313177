/* NumPy's arrays as values: element types, shapes, and elements in any byte order and layout. */
#include "value.h"
#include <math.h>
#include <string.h>

static const bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

static bool size_fits_kind(char kind, int64_t size) {
  switch (kind) {
  case 'b': return size == 1;
  case 'i':
  case 'u': return size == 1 || size == 2 || size == 4 || size == 8;
  case 'f': return size == 2 || size == 4 || size == 8 || size == 12 || size == 16;
  case 'c': return size == 8 || size == 16 || size == 24 || size == 32;
  case 'O': return size == 8 || size == 4;
  case 'M':
  case 'm': return size == 8;
  default: return kind == 'S' || kind == 'U' || kind == 'V';
  }
}

bool dtype_parse(const char *p, size_t n, value_dtype *out) {
  *out = (value_dtype){0};
  if (n && strchr("<>=|", *p)) {
    out->swapped = *p == (big_endian ? '<' : '>');
    p++, n--;
  }
  if (n == 1 && *p == '?') {
    *out = (value_dtype){'b', false, 1};
    return true;
  }
  if (n < 1) return false;
  out->kind = *p;
  size_t i = 1;
  for (; i < n && p[i] >= '0' && p[i] <= '9' && out->size < INT32_MAX; i++)
    out->size = out->size * 10 + (p[i] - '0');
  if (i < n && (*p != 'M' && *p != 'm')) return false; /* M8[ns] carries a unit */
  if (out->kind == 'O' && out->size == 0) out->size = 8;
  if (out->kind == 'U') out->size *= 4;
  return size_fits_kind(out->kind, out->size);
}

bool array_shape(value_array *a, int n_dim, const int64_t *shape, char order, uint64_t limit) {
  if (n_dim < 0 || n_dim > ARRAY_DIMS) return false;
  uint64_t unit = a->type.kind == 'O' ? 1 : (uint64_t)a->type.size, bytes = unit;
  bool empty = false;
  for (int i = 0; i < n_dim; i++) {
    if (shape[i] < 0) return false;
    empty |= shape[i] == 0;
  }
  a->n_dim = n_dim;
  a->count = empty ? 0 : 1;
  for (int k = 0; k < n_dim; k++) {
    int i = order == 'F' ? k : n_dim - 1 - k;
    a->shape[i] = shape[i];
    a->stride[i] = (int64_t)bytes;
    if (empty) continue;
    if (__builtin_mul_overflow(bytes, (uint64_t)shape[i], &bytes) || bytes > limit) return false;
    if (__builtin_mul_overflow(a->count, shape[i], &a->count)) return false;
  }
  return empty || (bytes <= limit && (uint64_t)a->count <= limit);
}

static int64_t array_offset(const value_array *a, int64_t i) {
  int64_t at = 0;
  for (int d = a->n_dim - 1; d >= 0; d--) {
    at += i % a->shape[d] * a->stride[d];
    i /= a->shape[d];
  }
  return at;
}

const uint8_t *array_at(const value_array *a, int64_t i) { return a->data + array_offset(a, i); }

const value *array_object(const value_array *a, int64_t i) {
  return &a->objects->item[array_offset(a, i)];
}

/* The bits of an element of up to 8 bytes as a number of this machine. */
static uint64_t element_bits(const value_dtype *t, const uint8_t *at) {
  uint64_t bits = 0;
  if (!t->swapped && !big_endian) {
    memcpy(&bits, at, (size_t)(t->size <= 8 ? t->size : 8));
    return bits;
  }
  bool high_first = t->swapped != big_endian;
  for (int i = 0; i < t->size; i++) bits = bits << 8 | at[high_first ? i : t->size - 1 - i];
  return bits;
}

bool element_int(const value_dtype *t, const uint8_t *at, int64_t *out) {
  uint64_t bits = element_bits(t, at);
  if (t->kind == 'i' && t->size < 8) {
    uint64_t sign = (uint64_t)1 << (t->size * 8 - 1);
    bits = (bits ^ sign) - sign;
  }
  *out = (int64_t)bits;
  return t->kind != 'u' || *out >= 0;
}

/* IEEE half precision: 1 sign, 5 exponent, 10 fraction bits. */
static double half_float(uint16_t h) {
  int exponent = h >> 10 & 31, fraction = h & 1023;
  double v = exponent == 31  ? (fraction ? NAN : INFINITY)
             : exponent == 0 ? ldexp(fraction, -24)
                             : ldexp(fraction + 1024, exponent - 25);
  return h >> 15 ? -v : v;
}

double element_float(const value_dtype *t, const uint8_t *at) {
  uint64_t bits = element_bits(t, at);
  if (t->kind == 'f' && t->size == 2) return half_float((uint16_t)bits);
  if (t->kind == 'f' && t->size == 4) {
    uint32_t low = (uint32_t)bits;
    float f;
    memcpy(&f, &low, sizeof f);
    return f;
  }
  if (t->kind == 'f') {
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
  }
  int64_t i;
  element_int(t, at, &i);
  return (double)i;
}
