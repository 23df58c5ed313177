#include "class_field.h"
#include "message.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The place of the 1 in a row of 0, or -1. */
static int64_t hot_place(const data_field *f, int64_t sample) {
  int64_t at = -1;
  for (int64_t k = 0; k < f->size; k++) {
    double v = field_value(f, sample, k);
    if (v != 0 && (v != 1 || at >= 0)) return -1;
    if (v == 1) at = k;
  }
  return at;
}

bool is_one_hot(const data_field *f) {
  for (int64_t i = 0; f->size && i < f->count / f->size; i++)
    if (hot_place(f, i) < 0) return false;
  return f->size > 1;
}

/* Whole numbers in place of what f holds. */
static void replace(data_field *f, int32_t *values, int64_t n) {
  free(f->data);
  f->data = values;
  f->type = FIELD_WHOLE;
  f->count = n;
  field_shape(f, 0, NULL);
}

static void from_one_hot(field_set *s, data_field *f) {
  int32_t *v = allocate((size_t)s->n * sizeof *v);
  const int64_t classes = f->size;
  for (int64_t i = 0; i < s->n; i++) v[i] = (int32_t)hot_place(f, i);
  replace(f, v, s->n);
  f->below = classes;
  field_note(s,
             message("`%s` holds one-hot rows: the classes are the places of the ones", f->name));
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The different values, in order; at most `most` of them, else NULL. */
static double *different(const data_field *f, int64_t n, int64_t most, int64_t *count) {
  double *v = allocate((size_t)n * sizeof *v);
  for (int64_t i = 0; i < n; i++) v[i] = field_value(f, i, 0);
  qsort(v, (size_t)n, sizeof *v, by_value);
  *count = 0;
  for (int64_t i = 0; i < n; i++)
    if (!i || v[i] != v[*count - 1]) v[(*count)++] = v[i];
  if (*count <= most) return v;
  free(v);
  return NULL;
}

/* Labels such as 1, 2, 3 or -1, 1: numbered in their order, and named by what they were. */
static void renumber(field_set *s, data_field *f, const double *value, int64_t count) {
  int32_t *v = allocate((size_t)s->n * sizeof *v);
  for (int64_t i = 0; i < s->n; i++) {
    double x = field_value(f, i, 0);
    const double *at = bsearch(&x, value, (size_t)count, sizeof *value, by_value);
    v[i] = (int32_t)(at - value);
  }
  for (int64_t k = 0; f->names && k < f->below; k++) free(f->names[k]);
  free(f->names);
  replace(f, v, s->n);
  f->below = count;
  f->names = allocate((size_t)count * sizeof *f->names);
  for (int64_t k = 0; k < count; k++) f->names[k] = message("%.9g", value[k]);
  field_note(s, message("`%s` is from %.9g to %.9g: its %lld values are the classes, in order",
                        f->name, value[0], value[count - 1], (long long)count));
}

static char *too_many(const data_field *f, int64_t have, int64_t classes) {
  return message("`%s` has %lld different values, and the network has %lld classes\n      = help: "
                 "write `classes %lld;`%s",
                 f->name, (long long)have, (long long)classes, (long long)have,
                 f->type == FIELD_FLOATS && have > 20 ? " or, for a number to predict, `target 1;`"
                                                      : "");
}

/* Fewer names than the network has classes: the rest are numbers. */
static void fill_names(data_field *f, int64_t classes) {
  if (f->names && f->below < classes) {
    char **names = allocate((size_t)classes * sizeof *names);
    for (int64_t k = 0; k < classes; k++)
      names[k] = k < f->below ? f->names[k] : message("%lld", (long long)k);
    free(f->names);
    f->names = names;
  }
  f->below = classes;
}

char *field_to_classes(field_set *s, data_field *f, int64_t classes) {
  if (f->size > 1) from_one_hot(s, f);
  double least = 0, largest = 0;
  for (int64_t i = 0; i < s->n; i++) {
    least = fmin(least, field_value(f, i, 0));
    largest = fmax(largest, field_value(f, i, 0));
  }
  if (f->names && f->below > classes) return too_many(f, f->below, classes);
  if (least < 0 || largest >= (double)classes) {
    int64_t count;
    double *value = different(f, s->n, s->n, &count);
    if (count > classes) {
      free(value);
      return too_many(f, count, classes);
    }
    renumber(s, f, value, count);
    free(value);
  }
  if (f->type != FIELD_WHOLE) {
    int32_t *v = allocate((size_t)s->n * sizeof *v);
    for (int64_t i = 0; i < s->n; i++) v[i] = (int32_t)field_value(f, i, 0);
    replace(f, v, s->n);
  }
  if (!f->names || !f->below) f->below = f->names ? f->below : classes;
  fill_names(f, classes);
  return NULL;
}
