#include "field.h"
#include "message.h"
#include "value_loops.h"
#include <stdlib.h>
#include <string.h>

data_field *field_add(field_set *s, const char *name) {
  data_field *grown = realloc(s->field, (size_t)(s->n_field + 1) * sizeof *grown);
  if (!grown) abort();
  s->field = grown;
  data_field *f = &s->field[s->n_field++];
  *f = (data_field){.name = copy_string(name, strlen(name)), .scale = 1, .size = 1, .step = 1};
  return f;
}

static size_t element_bytes(field_type t) { return t == FIELD_BYTES ? 1 : 4; }

void field_allocate(data_field *f, field_type t, int64_t count) {
  f->type = t;
  f->count = count;
  f->data = allocate((size_t)count * element_bytes(t));
}

void field_shape(data_field *f, int rank, const int64_t *dim) {
  f->rank = rank;
  f->size = 1;
  for (int i = 0; i < rank; i++) f->size *= f->dim[i] = dim[i];
  f->step = f->size;
}

data_field *field_find(const field_set *s, const char *name) {
  for (int i = 0; i < s->n_field; i++)
    if (!strcasecmp(s->field[i].name, name)) return &s->field[i];
  return NULL;
}

void field_free(data_field *f) {
  for (int64_t i = 0; f->names && i < f->below; i++) free(f->names[i]);
  free(f->names);
  for (int64_t i = 0; i < f->n_character; i++) free(f->characters[i]);
  free(f->characters);
  if (!f->borrowed) free(f->data);
  free(f->name);
  free(f->stored);
  *f = (data_field){0};
}

void field_set_free(field_set *s) {
  for (int i = 0; i < s->n_field; i++) field_free(&s->field[i]);
  for (int i = 0; i < s->n_note; i++) free(s->note[i]);
  free(s->columns);
  free(s->field);
  free(s->note);
  *s = (field_set){0};
}

void field_note(field_set *s, char *sentence) {
  char **grown = realloc(s->note, (size_t)(s->n_note + 1) * sizeof *grown);
  if (!grown) abort();
  s->note = grown;
  s->note[s->n_note++] = sentence;
}

void note_left_out(field_set *s, const char *val, const char *test) {
  field_note(s, message("`%s` is left out, for there is `%s` too; to validate on it, save it in "
                        "a file of its own and say val=\"FILE\"",
                        val, test));
}

/* Where element k of a sample lies. */
static int64_t place(const data_field *f, int64_t sample, int64_t k) {
  return sample * f->step + (f->run ? k / f->run * f->plane + k % f->run : k);
}

double field_value(const data_field *f, int64_t sample, int64_t k) {
  const int64_t at = place(f, sample, k);
  if (f->type == FIELD_BYTES) return ((const uint8_t *)f->data)[at];
  return f->type == FIELD_WHOLE ? ((const int32_t *)f->data)[at] : ((const float *)f->data)[at];
}

static void floats_of_columns(const data_field *f, int64_t sample, float *out) {
  for (int64_t k = 0; k < f->size; k += f->run)
    values_scaled((const float *)f->data + place(f, sample, k), f->run, (float)f->scale, out + k);
}

void field_floats(const data_field *f, int64_t sample, float *out) {
  const int64_t at = sample * f->step;
  if (f->run && f->type == FIELD_FLOATS) floats_of_columns(f, sample, out);
  else if (f->type == FIELD_FLOATS)
    values_scaled((const float *)f->data + at, f->size, (float)f->scale, out);
  else if (f->type == FIELD_BYTES)
    values_of_bytes((const uint8_t *)f->data + at, f->size, f->scale, out);
  else values_of_whole((const int32_t *)f->data + at, f->size, f->scale, out);
}

void field_whole(const data_field *f, int64_t sample, int32_t *out) {
  const int64_t at = sample * f->step;
  if (f->type == FIELD_WHOLE) memcpy(out, (const int32_t *)f->data + at, (size_t)f->size * 4);
  else
    for (int64_t k = 0; k < f->size; k++) out[k] = (int32_t)field_value(f, sample, k);
}

char *field_shape_text(const data_field *f) {
  char *s = message("%s", "");
  for (int i = 0; i < f->rank; i++)
    s = free_and(s, message("%s%s%lld", s, i ? "x" : "", (long long)f->dim[i]));
  return s;
}

char *field_describe(const data_field *f, int64_t n) {
  char *s = message("`%s` (%s, %lld", f->name, f->stored ? f->stored : "numbers", (long long)n);
  for (int i = 0; i < f->rank; i++) s = free_and(s, message("%s x %lld", s, (long long)f->dim[i]));
  if (f->type == FIELD_WHOLE && f->names)
    return free_and(s, message("%s, %lld different ones)", s, (long long)f->below));
  if (f->type == FIELD_WHOLE && f->below && f->below <= 1000000)
    return free_and(s, message("%s, below %lld)", s, (long long)f->below));
  return free_and(s, message("%s)", s));
}

char *fields_describe(const field_set *s) {
  char *all = message("%s", "");
  for (int i = 0; i < s->n_field && i < 12; i++) {
    char *one = field_describe(&s->field[i], s->n);
    all = free_and(all, message("%s%s%s", all, i ? ", " : "", one));
    free(one);
  }
  if (s->n_field > 12) all = free_and(all, message("%s and %d more", all, s->n_field - 12));
  return all;
}

void field_find_below(data_field *f) {
  int64_t largest = -1, least = 0;
  for (int64_t i = 0; i < f->count; i++) {
    int64_t v =
        f->type == FIELD_BYTES ? ((const uint8_t *)f->data)[i] : ((const int32_t *)f->data)[i];
    if (v > largest) largest = v;
    if (v < least) least = v;
  }
  f->below = least < 0 ? 0 : largest + 1;
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

void field_set_words(data_field *f, char **word, int64_t n) {
  char **sorted = allocate((size_t)n * sizeof *sorted);
  memcpy(sorted, word, (size_t)n * sizeof *sorted);
  qsort(sorted, (size_t)n, sizeof *sorted, by_text);
  int64_t different = 0;
  for (int64_t i = 0; i < n; i++)
    if (!i || strcmp(sorted[i], sorted[different - 1])) sorted[different++] = sorted[i];
  field_allocate(f, FIELD_WHOLE, n);
  for (int64_t i = 0; i < n; i++) {
    char **at = bsearch(&word[i], sorted, (size_t)different, sizeof *sorted, by_text);
    ((int32_t *)f->data)[i] = (int32_t)(at - sorted);
  }
  f->below = different;
  f->names = allocate((size_t)different * sizeof *f->names);
  for (int64_t i = 0; i < different; i++) f->names[i] = copy_string(sorted[i], strlen(sorted[i]));
  for (int64_t i = 0; i < n; i++) free(word[i]);
  free(word);
  free(sorted);
  f->stored = f->stored ? f->stored : message("words");
}
