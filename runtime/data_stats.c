#include "data_stats.h"
#include "hash.h"
#include "message.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  uint64_t hash;
  int64_t index;
} hashed_sample;

static size_t sample_size(const dataset *ds) {
  size_t pixels = (size_t)ds->c * (size_t)ds->h * (size_t)ds->w;
  return pixels * (ds->bytes ? 1 : sizeof *ds->floats);
}

static const uint8_t *sample(const dataset *ds, int64_t i) {
  const uint8_t *all = ds->bytes ? ds->bytes : (const uint8_t *)ds->floats;
  return all + (size_t)i * sample_size(ds);
}

static int by_hash_then_index(const void *a, const void *b) {
  const hashed_sample *x = a, *y = b;
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

void find_duplicates(const dataset *ds, int64_t *first) {
  hashed_sample *s = allocate((size_t)ds->n * sizeof *s);
  size_t bytes = sample_size(ds), head = 0;
  for (int64_t i = 0; i < ds->n; i++)
    s[i] = (hashed_sample){hash_bytes(0, sample(ds, i), bytes), i};
  qsort(s, (size_t)ds->n, sizeof *s, by_hash_then_index);
  for (size_t k = 0; k < (size_t)ds->n; k++) {
    if (s[k].hash != s[head].hash) head = k;
    int64_t i = s[k].index, j = s[head].index;
    bool same = memcmp(sample(ds, i), sample(ds, j), bytes) == 0;
    first[i] = same ? j : i;
  }
  free(s);
}

int64_t duplicates_across(const dataset *ds, const split *s) {
  int64_t *first = allocate((size_t)ds->n * sizeof *first), shared = 0;
  bool *trains = allocate((size_t)ds->n * sizeof *trains);
  find_duplicates(ds, first);
  for (int64_t i = 0; i < s->n_train; i++) trains[first[s->train[i]]] = true;
  for (int64_t i = 0; i < s->n_val; i++) shared += trains[first[s->val[i]]];
  free(trains);
  free(first);
  return shared;
}

/* One plane after the other; each sum is kept in double, so that its error stays below 1e-9. */
static void channel_moments(const dataset *ds, data_stats *s) {
  size_t plane = (size_t)ds->h * (size_t)ds->w, size = plane * (size_t)ds->c;
  float *chw = allocate(size * sizeof *chw);
  double *square = allocate((size_t)ds->c * sizeof *square), count = (double)ds->n * (double)plane;
  s->low = INFINITY, s->high = -INFINITY;
  for (int64_t i = 0; i < ds->n; i++) {
    dataset_floats(ds, i, chw);
    for (size_t k = 0; k < size; k++) {
      s->mean[k / plane] += chw[k];
      square[k / plane] += (double)chw[k] * chw[k];
      s->low = chw[k] < s->low ? chw[k] : s->low;
      s->high = chw[k] > s->high ? chw[k] : s->high;
    }
  }
  for (int c = 0; c < ds->c; c++) {
    s->mean[c] /= count;
    s->std[c] = sqrt(fmax(0, square[c] / count - s->mean[c] * s->mean[c]));
  }
  free(square);
  free(chw);
}

data_stats data_stats_make(const dataset *ds) {
  data_stats s = {.count = allocate((size_t)ds->classes * sizeof *s.count),
                  .mean = allocate((size_t)ds->c * sizeof *s.mean),
                  .std = allocate((size_t)ds->c * sizeof *s.std)};
  int64_t *first = allocate((size_t)ds->n * sizeof *first);
  find_duplicates(ds, first);
  for (int64_t i = 0; i < ds->n; i++) {
    s.count[ds->labels[i]]++;
    s.duplicates += first[i] != i;
    s.conflicting += ds->labels[first[i]] != ds->labels[i];
  }
  for (int c = 0; c < ds->classes; c++)
    if (s.count[c] > s.count[s.largest]) s.largest = c;
  channel_moments(ds, &s);
  free(first);
  return s;
}

void data_stats_free(data_stats *s) {
  free(s->count);
  free(s->mean);
  free(s->std);
}
