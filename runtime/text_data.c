#include "text_data.h"
#include "message.h"
#include <stdlib.h>
#include <string.h>

uint32_t code_point(const uint8_t *p, size_t n, size_t *length) {
  *length = p[0] < 0x80   ? 1
            : p[0] < 0xc2 ? 0
            : p[0] < 0xe0 ? 2
            : p[0] < 0xf0 ? 3
            : p[0] < 0xf5 ? 4
                          : 0;
  if (*length > n) *length = 0;
  if (*length < 2) return p[0];
  uint32_t c = p[0] & (0x7fu >> *length);
  for (size_t i = 1; i < *length; i++) {
    if ((p[i] & 0xc0) != 0x80) *length = 0;
    c = c << 6 | (p[i] & 0x3f);
  }
  if (*length && (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))) *length = 0;
  return c;
}

/* Counts the characters there are; NULL, or where the text is none. */
static char *find_characters(const uint8_t *text, size_t n, uint8_t *seen, int64_t *count) {
  int64_t line = 1;
  *count = 0;
  for (size_t at = 0, length; at < n; at += length, ++*count) {
    uint32_t c = code_point(text + at, n - at, &length);
    if (!length)
      return message("line %lld, byte %zu of the file: no UTF-8; save it as UTF-8, or say "
                     "tokens=bytes",
                     (long long)line, at + 1);
    line += c == '\n';
    seen[c] = 1;
  }
  return NULL;
}

char *character_of(uint32_t c) {
  char s[5] = {0};
  if (c < 0x80) s[0] = (char)c;
  else if (c < 0x800) s[0] = (char)(0xc0 | c >> 6), s[1] = (char)(0x80 | (c & 63));
  else if (c < 0x10000)
    s[0] = (char)(0xe0 | c >> 12), s[1] = (char)(0x80 | (c >> 6 & 63)),
    s[2] = (char)(0x80 | (c & 63));
  else
    s[0] = (char)(0xf0 | c >> 18), s[1] = (char)(0x80 | (c >> 12 & 63)),
    s[2] = (char)(0x80 | (c >> 6 & 63)), s[3] = (char)(0x80 | (c & 63));
  return copy_string(s, strlen(s));
}

static void number_characters(const uint8_t *text, size_t n, const uint8_t *seen, data_field *f) {
  int32_t *number = allocate(CODE_POINTS * sizeof *number), *to = f->data;
  for (uint32_t c = 0; c < CODE_POINTS; c++)
    if (seen[c]) number[c] = (int32_t)f->below++;
  f->names = allocate((size_t)f->below * sizeof *f->names);
  for (uint32_t c = 0; c < CODE_POINTS; c++)
    if (seen[c]) f->names[number[c]] = character_of(c);
  for (size_t at = 0, length; at < n; at += length)
    *to++ = number[code_point(text + at, n - at, &length)];
  free(number);
}

static char *read_characters(const uint8_t *text, size_t n, data_field *f) {
  uint8_t *seen = allocate(CODE_POINTS);
  int64_t count;
  char *wrong = find_characters(text, n, seen, &count);
  if (!wrong) {
    field_allocate(f, FIELD_WHOLE, count);
    number_characters(text, n, seen, f);
  }
  free(seen);
  return wrong;
}

static void read_bytes(const uint8_t *text, size_t n, data_field *f) {
  field_allocate(f, FIELD_BYTES, (int64_t)n);
  memcpy(f->data, text, n);
  f->below = 256;
}

int64_t text_tokens(const char *text, size_t n, bool bytes) {
  int64_t count = 0;
  for (size_t i = 0; i < n; i++) count += bytes || ((uint8_t)text[i] & 0xc0) != 0x80;
  return count;
}

char *text_read(const char *text, size_t n, int64_t window, bool bytes, field_set *out) {
  *out = (field_set){0};
  data_field *f = field_add(out, "text");
  char *wrong = NULL;
  f->stored = message(bytes ? "bytes" : "characters");
  if (bytes) read_bytes((const uint8_t *)text, n, f);
  else wrong = read_characters((const uint8_t *)text, n, f);
  if (!wrong && f->count <= window)
    wrong = message("it has %lld %s, and one sample takes %lld and the one after them",
                    (long long)f->count, f->stored, (long long)window);
  if (wrong) {
    field_set_free(out);
    return wrong;
  }
  field_shape(f, 1, &window);
  f->step = 1;
  out->n = out->held_from = f->count - window;
  out->window = window;
  data_field *next = field_add(out, "next");
  f = &out->field[0];
  char *name = next->name;
  *next = *f;
  next->name = name;
  next->borrowed = true;
  next->names = NULL;
  next->stored = copy_string(f->stored, strlen(f->stored));
  next->data = bytes ? (void *)((uint8_t *)f->data + 1) : (void *)((int32_t *)f->data + 1);
  next->count--;
  return NULL;
}

int32_t *text_encode(const char *text, size_t n, char *const *vocabulary, int64_t below,
                     int64_t *n_token, int64_t *bad_at) {
  int32_t *out = allocate((n + 1) * sizeof *out);
  const uint8_t *p = (const uint8_t *)text;
  *bad_at = -1;
  *n_token = 0;
  for (size_t at = 0, length = 1; at < n; at += length) {
    int64_t k = p[at];
    if (vocabulary) {
      code_point(p + at, n - at, &length);
      if (!length) length = 1;
      for (k = 0;
           k < below && (strlen(vocabulary[k]) != length || memcmp(vocabulary[k], p + at, length));)
        k++;
    }
    if (k >= below) {
      *bad_at = (int64_t)at;
      return out;
    }
    out[(*n_token)++] = (int32_t)k;
  }
  return out;
}
