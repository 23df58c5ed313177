#include "dataset.h"
#include "cifar.h"
#include "data_form.h"
#include "file.h"
#include "keys.h"
#include "message.h"
#include "npz.h"
#include "pickle.h"
#include "samples.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dataset *gather_root(const value *root, value_heap *h, const dataset_options *o,
                            char **error) {
  data_keys keys;
  *error = find_keys(root, o, &keys);
  if (*error) return NULL;
  gatherer g;
  gather_begin(&g, o);
  note_entries(g.ds, root);
  for (int i = 0; i < keys.n && !*error; i++) *error = gather_part(&g, h, &keys.part[i]);
  if (*error) {
    gather_abandon(&g);
    return NULL;
  }
  dataset *ds = gather_end(&g, keys.label_names, error);
  if (ds && keys.n == 2) {
    const value *test = keys.part[1].labels;
    ds->test_from = ds->n - (test->kind == VAL_ARRAY ? test->array->count : (int64_t)test->seq->n);
  }
  return ds;
}

static dataset *open_values(data_form form, const uint8_t *bytes, size_t n,
                            const dataset_options *o, char **error) {
  bool npz = form == FORM_NPZ, ok;
  value_heap *h = heap_new(npz ? npz_budget(n) : pickle_budget(n));
  value root;
  ok = npz ? npz_read(h, bytes, n, &root, error) : pickle_read(h, bytes, n, &root, error);
  dataset *ds = ok ? gather_root(&root, h, o, error) : NULL;
  heap_free(h);
  return ds;
}

/* What the file is, from its first bytes: nothing is read whole that is no data set. */
static data_form form_of(const char *path, char **error) {
  uint8_t head[FORM_HEAD];
  size_t n = sizeof head;
  return file_head(path, head, &n, error) ? data_form_of(head, n, error) : FORM_REFUSED;
}

static dataset *open_file(const dataset_options *o, char **error) {
  data_form form = form_of(o->path, error);
  if (form == FORM_TEXT) *error = message("it is text, not a pickle or an .npz");
  if (form == FORM_IDX) *error = message("it is an IDX file, not a pickle or an .npz");
  size_t n;
  uint8_t *bytes = *error ? NULL : file_read(o->path, &n, error);
  dataset *ds = bytes ? open_values(form, bytes, n, o, error) : NULL;
  free(bytes);
  return ds;
}

dataset *dataset_open(const dataset_options *o, char **error) {
  *error = NULL;
  if (is_directory(o->path)) return cifar_open(o, error);
  dataset *ds = open_file(o, error);
  if (!ds) *error = free_and(*error, message("`%s`: %s", o->path, *error));
  return ds;
}

static void free_names(char **names, int64_t n) {
  for (int64_t i = 0; names && i < n; i++) free(names[i]);
  free(names);
}

void dataset_close(dataset *ds) {
  if (!ds) return;
  free_names(ds->label_names, ds->classes);
  free_names(ds->filenames, ds->n);
  free((void *)ds->bytes);
  free((void *)ds->floats);
  free((void *)ds->labels);
  free(ds->images_key);
  free(ds->labels_key);
  for (int i = 0; i < ds->n_entry; i++) {
    free(ds->entry[i].key);
    free(ds->entry[i].what);
  }
  free(ds->entry);
  free(ds->stored_type);
  free(ds->path);
  free(ds);
}

static size_t sample_at(const dataset *ds, int64_t index, size_t *size) {
  if (index < 0 || index >= ds->n) {
    fprintf(stderr, "netc: internal error: sample %lld of %lld\n", (long long)index,
            (long long)ds->n);
    abort();
  }
  *size = (size_t)ds->c * (size_t)ds->h * (size_t)ds->w;
  return (size_t)index * *size;
}

void dataset_floats(const dataset *ds, int64_t index, float *chw) {
  size_t size, at = sample_at(ds, index, &size);
  if (ds->floats)
    for (size_t i = 0; i < size; i++) chw[i] = ds->floats[at + i] * ds->scale;
  else
    for (size_t i = 0; i < size; i++) chw[i] = ds->byte_value[ds->bytes[at + i]];
}

/* The range that is shown as black to white. */
static void shown_range(const float *v, size_t n, float *low, float *high) {
  *low = *high = v[0];
  for (size_t i = 1; i < n; i++) {
    if (v[i] < *low) *low = v[i];
    if (v[i] > *high) *high = v[i];
  }
  if (*low >= 0 && *high <= 1) *low = 0, *high = 1;
  if (*high <= *low) *high = *low + 1;
}

void dataset_pixels(const dataset *ds, int64_t index, uint8_t *hwc) {
  size_t size, at = sample_at(ds, index, &size), plane = (size_t)ds->h * (size_t)ds->w;
  size_t c = (size_t)ds->c;
  float low = 0, high = 1;
  if (ds->floats) shown_range(ds->floats + at, size, &low, &high);
  for (size_t i = 0; i < size; i++) {
    size_t from = at + i % c * plane + i / c;
    if (ds->bytes) hwc[i] = ds->bytes[from];
    else hwc[i] = (uint8_t)((ds->floats[from] - low) / (high - low) * 255 + 0.5f);
  }
}

const char *dataset_class_name(const dataset *ds, int label, char buf[16]) {
  if (ds->label_names && label >= 0 && label < ds->classes) return ds->label_names[label];
  snprintf(buf, 16, "%d", label);
  return buf;
}
