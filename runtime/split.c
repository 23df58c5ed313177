#include "split.h"
#include "message.h"
#include "base/philox.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { /* "SPLT", "EPOC", "DRAW" */
       PURPOSE_SPLIT = 0x53504c54,
       PURPOSE_EPOCH = 0x45504f43,
       PURPOSE_DRAW = 0x44524157
};

/* floor(r * m / 2^64) for m < 2^32: uniform on [0, m) up to a bias of m / 2^64. */
static uint64_t scale_draw(uint32_t hi, uint32_t lo, uint64_t m) {
  return (hi * m + ((lo * m) >> 32)) >> 32;
}

void shuffle_indices(int64_t *v, int64_t n, uint64_t seed, uint32_t purpose, uint64_t epoch) {
  const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  if (n > UINT32_MAX) abort();
  for (int64_t i = n - 1; i > 0; i--) {
    const uint32_t ctr[4] = {(uint32_t)i, purpose, (uint32_t)epoch, (uint32_t)(epoch >> 32)};
    uint32_t r[4];
    philox4x32_10(ctr, key, r);
    int64_t j = (int64_t)scale_draw(r[0], r[1], (uint64_t)i + 1), t = v[i];
    v[i] = v[j];
    v[j] = t;
  }
}

/* Decides the counts; false with *error if they do not fit the data. */
static bool split_counts(const dataset *ds, const split_options *o, int64_t *train, int64_t *val,
                         char **error) {
  const long long n = (long long)ds->n;
  if (!o->given && ds->test_from < ds->n) {
    *train = ds->test_from;
    *val = ds->n - ds->test_from;
  } else if (!o->given || o->is_fraction) {
    double fraction = o->given ? o->fraction : 0.8;
    if (!(fraction > 0 && fraction <= 1)) {
      *error = message("a split of %g is not a fraction between 0 and 1", fraction);
      return false;
    }
    *train = (int64_t)floor((double)n * fraction + 0.5);
    *val = n - *train;
  } else {
    *train = o->train;
    *val = o->val;
  }
  const long long t = (long long)*train, v = (long long)*val;
  if (t < 0 || v < 0 || t > n || v > n - t)
    *error = message("split %lld/%lld needs more samples than there are: `%s` has %lld", t, v,
                     ds->path, n);
  else if (t == 0)
    *error = message("split %lld/%lld of `%s` leaves no sample to train on", t, v, ds->path);
  else if (v == 0 && !(o->given && o->is_fraction && o->fraction == 1))
    *error = message("split %lld/%lld of `%s` leaves no sample to validate with", t, v, ds->path);
  else return true;
  return false;
}

/* Windows of a text, one behind the other, whose tokens (and the one after them) end before `to`.
 */
static int64_t list_windows(int64_t from, int64_t to, int64_t window, int64_t *out) {
  int64_t n = 0;
  for (int64_t at = from; at + window < to; at += window) out[n++] = at;
  return n;
}

/* A text's end validates. */
static split *split_text(const dataset *ds, const split_options *o, char **error) {
  const int64_t window = ds->fields.window, tokens = ds->n + window;
  if (o->given && !o->is_fraction) {
    *error = message("a text is split by a fraction, as in `split 0.9`: its end validates");
    return NULL;
  }
  const int64_t train = (int64_t)((double)tokens * (o->given ? o->fraction : 0.9));
  split *s = allocate(sizeof *s);
  s->train = allocate((size_t)(tokens / window + 2) * sizeof *s->train);
  s->n_train = list_windows(0, train, window, s->train);
  s->val = s->train + s->n_train;
  s->n_val = list_windows(train, tokens, window, s->val);
  s->windows = train > window ? train - window : 0;
  if (s->n_train && (s->n_val || (o->given && o->fraction == 1))) return s;
  *error = message("`%s` is too short to be split: %lld tokens, in windows of %lld", ds->path,
                   (long long)tokens, (long long)window);
  split_free(s);
  return NULL;
}

split *split_make(const dataset *ds, const split_options *o, char **error) {
  int64_t train, val;
  if (ds->fields.window) return split_text(ds, o, error);
  if (!split_counts(ds, o, &train, &val, error)) return NULL;
  int64_t *order = allocate((size_t)ds->n * sizeof *order);
  for (int64_t i = 0; i < ds->n; i++) order[i] = i;
  /* The data set's own boundary is kept; only a split of netc's making draws its members. */
  if (o->shuffle && (o->given || ds->test_from == ds->n))
    shuffle_indices(order, ds->n, o->seed, PURPOSE_SPLIT, 0);
  split *s = allocate(sizeof *s);
  *s = (split){train, val, order, order + train, 0};
  return s;
}

void split_free(split *s) {
  if (!s) return;
  free(s->train);
  free(s);
}

void split_epoch_order(const split *s, uint64_t seed, uint64_t epoch, bool shuffle,
                       int64_t *order) {
  memcpy(order, s->train, (size_t)s->n_train * sizeof *order);
  if (shuffle) shuffle_indices(order, s->n_train, seed, PURPOSE_EPOCH, epoch);
}

void split_epoch_draw(const split *s, uint64_t seed, uint64_t epoch, int64_t count,
                      int64_t *order) {
  const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  const uint64_t from = (uint64_t)(s->windows ? s->windows : s->n_train);
  for (int64_t i = 0; i < count; i++) {
    const uint32_t ctr[4] = {(uint32_t)i, PURPOSE_DRAW ^ (uint32_t)(i >> 32), (uint32_t)epoch,
                             (uint32_t)(epoch >> 32)};
    uint32_t r[4];
    philox4x32_10(ctr, key, r);
    const uint64_t bits = (uint64_t)r[0] << 32 | r[1];
    const int64_t k = (int64_t)((unsigned __int128)bits * from >> 64);
    order[i] = s->windows ? k : s->train[k];
  }
}
