#include "held_parts.h"
#include "hash.h"
#include "message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t element_bytes(const data_field *f) { return f->type == FIELD_BYTES ? 1 : 4; }

static char *other_form(const data_field *a, const data_field *b) {
  char *x = field_shape_text(a), *y = field_shape_text(b);
  char *text = message("`%s` is %s %s, and in the first file it is %s %s", b->name, b->stored, y,
                       a->stored, x);
  free(x);
  free(y);
  return text;
}

/* The number that a's names give to value v of b, or -1. */
static int64_t number_in(const data_field *a, const data_field *b, int64_t v) {
  char number[24];
  snprintf(number, sizeof number, "%lld", (long long)v);
  const char *name = b->names && v < b->below ? b->names[v] : number;
  for (int64_t k = 0; k < a->below; k++)
    if (!strcmp(a->names[k], name)) return k;
  return -1;
}

/* The values of b in a's numbering. */
static char *renumbered(const data_field *a, const data_field *b, int32_t *out) {
  for (int64_t i = 0; i < b->count; i++) {
    const int32_t v = ((const int32_t *)b->data)[i];
    const int64_t k = number_in(a, b, v);
    if (k < 0)
      return b->names && v < b->below
                 ? message("it has a class `%s`, which the training samples have not", b->names[v])
                 : message("it has a class %d, which the training samples have not", v);
    out[i] = (int32_t)k;
  }
  return NULL;
}

static char *append_field(data_field *a, const data_field *b) {
  if (a->type != b->type || a->size != b->size || a->scale != b->scale) return other_form(a, b);
  const size_t bytes = element_bytes(a), have = (size_t)a->count * bytes,
               more = (size_t)b->count * bytes;
  char *wrong = NULL;
  a->data = realloc(a->data, have + more);
  if (!a->data) abort();
  void *to = (uint8_t *)a->data + have;
  if (a->names && a->type == FIELD_WHOLE) wrong = renumbered(a, b, to);
  else memcpy(to, b->data, more);
  if (!a->names && b->below > a->below) a->below = b->below;
  a->count += b->count;
  return wrong;
}

/* Pixels and labels that the data set itself holds, where they are those of a field. */
static void follow(dataset *ds, const void *was, data_field *f) {
  if (ds->bytes == was) ds->bytes = f->data;
  else if (ds->floats == was) ds->floats = f->data;
  else if (ds->labels == was) ds->labels = f->data;
}

static bool used_before(const dataset *ds, int port) {
  for (int i = 0; i < port; i++)
    if (ds->port_field[i] == ds->port_field[port]) return true;
  return false;
}

/* Labels that are a copy of their field. */
static void extend_labels(dataset *ds, int64_t n) {
  for (int i = 0; i < ds->n_port && ds->labels; i++) {
    const data_field *f = dataset_field(ds, i);
    if (f->type != FIELD_WHOLE || f->rank || f->count != n || ds->labels == f->data) continue;
    int32_t *all = realloc((void *)ds->labels, (size_t)n * sizeof *all);
    if (!all) abort();
    memcpy(all, f->data, (size_t)n * sizeof *all);
    ds->labels = all;
    return;
  }
}

static void append_filenames(dataset *ds, const dataset *more) {
  const int64_t n = ds->n + more->n;
  if (!ds->filenames) return;
  ds->filenames = realloc(ds->filenames, (size_t)n * sizeof *ds->filenames);
  if (!ds->filenames) abort();
  for (int64_t i = ds->n; i < n; i++)
    ds->filenames[i] = message("%s", more->filenames ? more->filenames[i - ds->n] : "");
}

char *dataset_append(dataset *ds, const dataset *more) {
  char *wrong = NULL;
  for (int i = 0; i < ds->n_port && !wrong; i++) {
    data_field *a = &ds->fields.field[ds->port_field[i]];
    const void *was = a->data;
    if (used_before(ds, i)) continue;
    wrong = append_field(a, dataset_field(more, i));
    follow(ds, was, a);
  }
  if (wrong) return wrong;
  append_filenames(ds, more);
  ds->n = ds->fields.n = ds->n + more->n;
  extend_labels(ds, ds->n);
  ds->hash = hash_bytes(ds->hash, &more->hash, sizeof more->hash);
  return NULL;
}
