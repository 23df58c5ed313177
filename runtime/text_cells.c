#include "text_cells.h"
#include "message.h"
#include "text_data.h"
#include <stdlib.h>
#include <string.h>

/* The next character of a cell, which is UTF-8; what is not is one byte. */
static uint32_t next_character(const char **p) {
  size_t length;
  const uint32_t c = code_point((const uint8_t *)*p, strnlen(*p, 4), &length);
  *p += length ? length : 1;
  return length ? c : 0;
}

void find_cell_characters(data_field *f) {
  uint8_t *seen = allocate(CODE_POINTS);
  for (int64_t k = 0; k < f->below; k++)
    for (const char *p = f->names[k]; *p;) seen[next_character(&p)] = 1;
  for (uint32_t c = 1; c < CODE_POINTS; c++) f->n_character += seen[c];
  f->characters = allocate((size_t)(f->n_character + 1) * sizeof *f->characters);
  int64_t n = 0;
  for (uint32_t c = 1; c < CODE_POINTS; c++)
    if (seen[c]) f->characters[n++] = character_of(c);
  free(seen);
}

data_field *text_column(field_set *s, int n_input, const data_port *port, int n_port) {
  data_field *only = NULL;
  bool wanted = false;
  for (int i = 0; i < n_port; i++)
    wanted |= !port[i].target && port[i].is_int && port[i].rank == 1 && port[i].dim[0] > 1;
  for (int i = 0; i < n_input && wanted; i++) {
    if (!s->field[i].names) continue;
    if (only) return NULL;
    only = &s->field[i];
  }
  if (only && !only->characters) find_cell_characters(only);
  return only;
}

static int32_t *numbers_of(const data_field *f) {
  int32_t *number = allocate(CODE_POINTS * sizeof *number);
  for (int64_t k = 0; k < f->n_character; k++) {
    const char *p = f->characters[k];
    if (*p) number[next_character(&p)] = (int32_t)k + 1;
  }
  return number;
}

/* False: the text is longer. */
static bool put_text(const char *p, const int32_t *number, int64_t length, int32_t *to) {
  int64_t n = 0;
  for (; *p && n < length; n++) to[n] = number[next_character(&p)];
  return !*p;
}

data_field text_of_cells(field_set *s, const data_field *f, int64_t rows, int64_t length) {
  data_field out = {.scale = 1, .below = f->n_character + 1};
  int32_t *number = numbers_of(f);
  int64_t cut = 0;
  field_allocate(&out, FIELD_WHOLE, rows * length);
  field_shape(&out, 1, &length);
  for (int64_t r = 0; r < rows; r++)
    cut += !put_text(f->names[(int64_t)field_value(f, r, 0)], number, length,
                     (int32_t *)out.data + r * length);
  free(number);
  if (cut)
    field_note(s, message("%lld of %lld texts in `%s` are longer than %lld characters, and are cut",
                          (long long)cut, (long long)rows, f->name, (long long)length));
  out.stored = message("characters");
  out.names = allocate((size_t)out.below * sizeof *out.names);
  out.names[0] = message("%s", "");
  for (int64_t k = 1; k < out.below; k++) out.names[k] = message("%s", f->characters[k - 1]);
  return out;
}

static int by_size(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

int64_t sentence_length(const data_field *f) {
  int64_t *length = allocate((size_t)(f->below + 1) * sizeof *length), blanks = 0;
  for (int64_t k = 0; k < f->below; k++)
    for (const char *p = f->names[k]; *p; length[k]++) blanks += next_character(&p) == ' ';
  qsort(length, (size_t)f->below, sizeof *length, by_size);
  const int64_t most = f->below ? length[(f->below - 1) * 19 / 20] : 0;
  free(length);
  return blanks >= 2 * f->below ? most : 0;
}
