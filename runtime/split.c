#include "split.h"
#include "message.h"
#include "series.h"
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

static bool parts_fit(const int64_t part[3], int64_t n) {
  int64_t left = n;
  for (int i = 0; i < 3; left -= part[i++])
    if (part[i] < 0 || part[i] > left) return false;
  return true;
}

/* "800/205", "800/100/105" */
static char *parts_text(const int64_t part[3], int parts) {
  const long long a = (long long)part[0], b = (long long)part[1], c = (long long)part[2];
  return parts < 3 ? message("%lld/%lld", a, b) : message("%lld/%lld/%lld", a, b, c);
}

static char *check_parts(const dataset *ds, const split_options *o, const int64_t part[3],
                         int64_t n) {
  char *text = parts_text(part, o->parts), *wrong = NULL;
  const bool all = o->is_fraction && o->fraction[0] >= 1; /* `split 1.0`: nothing validates */
  if (!parts_fit(part, n))
    wrong = message("split %s needs more samples than there are: `%s` has %lld", text, ds->path,
                    (long long)n);
  else if (part[0] == 0)
    wrong = message("split %s of `%s` leaves no sample to train on", text, ds->path);
  else if (part[1] == 0 && !all)
    wrong = message("split %s of `%s` leaves no sample to validate with", text, ds->path);
  else if (part[2] == 0 && o->parts == 3)
    wrong = message("split %s of `%s` leaves no sample for the test", text, ds->path);
  free(text);
  return wrong;
}

/* Fractions of n, each end rounded, so that parts which add up to 1 use every sample. */
static void part_counts(const split_options *o, int64_t n, int64_t part[3]) {
  double sum = 0;
  int64_t at = 0;
  for (int i = 0; i < 3; i++) {
    const double share = o->parts == 1 && i == 1 ? 1 - sum : i < o->parts ? o->fraction[i] : 0;
    sum += share;
    const int64_t end = (int64_t)floor((double)n * fmin(sum, 1) + 0.5);
    part[i] = o->is_fraction ? end - at : o->count[i];
    at = end;
  }
}

/* How many of the n samples that are to be split go where. */
static char *split_counts(const dataset *ds, const split_options *o, int64_t n, int64_t part[3]) {
  if (o->is_fraction && !(o->fraction[0] > 0 && o->fraction[0] <= 1))
    return message("a split of %g is not a fraction between 0 and 1", o->fraction[0]);
  if (o->parts == 3 && ds->test_from < ds->n)
    return message("`%s` has its own test set: give two parts, for training and validation",
                   ds->path);
  part_counts(o, n, part);
  return check_parts(ds, o, part, n);
}

/* Windows of a text, one behind the other, whose tokens (and the one after them) end before `to`.
 */
static int64_t list_windows(int64_t from, int64_t to, int64_t window, int64_t *out) {
  int64_t n = 0;
  for (int64_t at = from; at + window < to; at += window) out[n++] = at;
  return n;
}

/* Where validation and test begin, and where they end, in tokens. */
static char *text_bounds(const dataset *ds, const split_options *o, int64_t tokens,
                         int64_t bound[3]) {
  const split_options usual = {.parts = 1, .is_fraction = true, .fraction = {0.9}};
  const bool own_test = ds->test_from < ds->n, own_val = ds->held_from < ds->test_from;
  const int64_t to = own_test ? ds->test_from : tokens;
  double sum = 0;
  if (o->given && !o->is_fraction)
    return message("a text is split by a fraction, as in `split 0.9`: its end validates");
  if (o->given && o->parts == 3 && own_test)
    return message("`%s` has its own test set: give two parts, for training and validation",
                   ds->path);
  if (!o->given) o = &usual;
  for (int i = 0; i < 3; i++) {
    sum += o->parts == 1 && i == 1 ? 1 - sum : i < o->parts ? o->fraction[i] : 0;
    bound[i] = sum >= 1 - 1e-9 ? to : (int64_t)((double)to * sum);
  }
  if (own_val && o == &usual) bound[0] = ds->held_from, bound[1] = bound[2] = to;
  if (own_test) bound[2] = tokens;
  return NULL;
}

static split *split_text(const dataset *ds, const split_options *o, char **error) {
  const int64_t window = ds->fields.window, tokens = ds->n + window;
  int64_t bound[3] = {0};
  *error = text_bounds(ds, o, tokens, bound);
  if (*error) return NULL;
  split *s = allocate(sizeof *s);
  s->train = allocate((size_t)(tokens / window + 4) * sizeof *s->train);
  s->n_train = list_windows(0, bound[0], window, s->train);
  s->val = s->train + s->n_train;
  s->n_val = list_windows(bound[0], bound[1], window, s->val);
  s->test = s->val + s->n_val;
  s->n_test = list_windows(bound[1], bound[2], window, s->test);
  s->windows = bound[0] > window ? bound[0] - window : 0;
  const bool all = o->given && o->fraction[0] >= 1;
  if (s->n_train && (s->n_val || all) && (s->n_test || bound[2] == bound[1])) return s;
  *error = message("`%s` is too short to be split: %lld tokens, in windows of %lld", ds->path,
                   (long long)tokens, (long long)window);
  split_free(s);
  return NULL;
}

/* Rows of `count` windows whose targets begin at row `from`. */
static int64_t rows_of(const series_form *f, int64_t from, int64_t count) {
  return count ? count + (from ? f->steps : series_rows(f)) - 1 : 0;
}

/* Rows of each part: fractions are of the rows, counts of windows. */
static char *series_parts(const dataset *ds, const split_options *o, int64_t rows,
                          int64_t part[3]) {
  const series_form *f = &ds->fields.series;
  split_options as = *o;
  int64_t from = 0;
  for (int i = 0; i < 3 && !o->is_fraction; from += as.count[i++])
    as.count[i] = rows_of(f, from, o->count[i] < rows ? o->count[i] : rows);
  char *wrong = split_counts(ds, &as, rows, part);
  return wrong && !o->is_fraction && !parts_fit(part, rows)
             ? free_and(wrong,
                        message("%s; a sample takes %lld rows", wrong, (long long)series_rows(f)))
             : wrong;
}

/* Where rows of a series stop to be trained on, and to validate, and where they end. A window looks
   back into rows before its part, but not into those of another file. */
static char *series_bounds(const dataset *ds, const split_options *o, int64_t rows,
                           int64_t bound[3], int64_t first[3]) {
  const split_options usual = {.parts = 1, .is_fraction = true, .fraction = {0.8}};
  const bool own_test = ds->test_from < ds->n, own_val = ds->held_from < ds->test_from;
  const int64_t to = own_test ? ds->test_from : rows;
  int64_t part[3] = {ds->held_from, to - ds->held_from, 0};
  if (o->given && own_val)
    return message("`%s` has a validation set of its own: leave out `split`", ds->path);
  char *wrong = own_val ? NULL : series_parts(ds, o->given ? o : &usual, to, part);
  bound[0] = part[0];
  bound[1] = part[0] + part[1];
  bound[2] = own_test ? rows : bound[1] + part[2];
  if (own_val) first[1] = first[2] = ds->held_from;
  if (own_test) first[2] = ds->test_from;
  return wrong;
}

static split *split_series(const dataset *ds, const split_options *o, char **error) {
  const series_form *f = &ds->fields.series;
  const int64_t rows = ds->n - 1 + series_rows(f);
  int64_t bound[3] = {0}, first[3] = {0};
  *error = series_bounds(ds, o, rows, bound, first);
  if (*error) return NULL;
  split *s = allocate(sizeof *s);
  s->train = allocate((size_t)ds->n * sizeof *s->train);
  s->n_train = list_series(f, 0, 0, bound[0], s->train);
  s->val = s->train + s->n_train;
  s->n_val = list_series(f, first[1], bound[0], bound[1], s->val);
  s->test = s->val + s->n_val;
  s->n_test = list_series(f, first[2], bound[1], bound[2], s->test);
  const bool empty = (bound[1] > bound[0] && !s->n_val) || (bound[2] > bound[1] && !s->n_test);
  if (s->n_train && !empty) return s;
  *error = message("`%s` is too short to be split: %lld rows, of which a sample takes %lld",
                   ds->path, (long long)rows, (long long)series_rows(f));
  split_free(s);
  return NULL;
}

split *split_make(const dataset *ds, const split_options *o, char **error) {
  const split_options usual = {.parts = 1, .is_fraction = true, .fraction = {0.8}};
  const bool own = !o->given && ds->held_from < ds->test_from;
  int64_t part[3] = {ds->held_from, ds->test_from - ds->held_from, 0};
  if (ds->fields.window) return split_text(ds, o, error);
  if (ds->fields.series.length) return split_series(ds, o, error);
  if (!own) *error = split_counts(ds, o->given ? o : &usual, ds->test_from, part);
  if (*error) return NULL;
  int64_t *order = allocate((size_t)ds->n * sizeof *order);
  for (int64_t i = 0; i < ds->n; i++) order[i] = i;
  /* The data set's own boundaries are kept; only a split of netc's making draws its members. */
  if (o->shuffle && !own) shuffle_indices(order, ds->test_from, o->seed, PURPOSE_SPLIT, 0);
  if (ds->test_from < ds->n) part[2] = ds->n - ds->test_from;
  split *s = allocate(sizeof *s);
  *s = (split){part[0], part[1], part[2], order, order + part[0], order + part[0] + part[1], 0};
  if (ds->test_from < ds->n) s->test = order + ds->test_from;
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
