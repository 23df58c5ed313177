/* Data sets of every form, mistakes in them, damaged files, and splits. */
#include "base/source.h"
#include "runtime/data_stats.h"
#include "runtime/dataset.h"
#include "runtime/file.h"
#include "runtime/message.h"
#include "runtime/split.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define PICKLES "tests/data/pickles"
#define EMOJI "examples/emoji/emoji.pkl"

static dataset *open_with(const dataset_options *o) {
  char *error = NULL;
  dataset *ds = dataset_open(o, &error);
  if (!ds) fail_msg("%s", error);
  return ds;
}

static dataset *open_file(const char *path) { return open_with(&(dataset_options){.path = path}); }

static void refused(const dataset_options *o, const char *part) {
  char *error = NULL;
  assert_null(dataset_open(o, &error));
  assert_non_null(error);
  if (!strstr(error, part)) fail_msg("`%s` does not say `%s`", error, part);
  assert_non_null(strstr(error, o->path)); /* the file is named */
  char *line = strchr(error, '\n');        /* one sentence, and a line of help at most */
  if (line) assert_memory_equal(line, DIAG_HELP, strlen(DIAG_HELP));
  assert_true(!line || !strchr(line + 1, '\n'));
  free(error);
}

/* make_pickles.py's images: pixel k of the N x H x W x C array is 7 k mod 251. */
static void check_small(const dataset *ds) {
  static const int32_t labels[] = {0, 2, 1, 2};
  assert_true(ds->n == 4 && ds->c == 3 && ds->h == 5 && ds->w == 6 && ds->bytes);
  assert_memory_equal(ds->labels, labels, sizeof labels);
  float chw[90];
  uint8_t hwc[90];
  for (int i = 0; i < 4; i++) {
    dataset_floats(ds, i, chw);
    dataset_pixels(ds, i, hwc);
    for (int k = 0; k < 90; k++) {
      int v = (i * 90 + k) * 7 % 251, c = k % 3, at = k / 3;
      assert_int_equal(hwc[k], v);
      assert_true(chw[c * 30 + at] == (float)v / 255.0f);
    }
  }
}

static void every_form_gives_the_same(void **state) {
  (void)state;
  DIR *d = opendir(PICKLES);
  assert_non_null(d);
  int count = 0;
  uint64_t hash = 0;
  for (struct dirent *e; (e = readdir(d));) {
    if (strncmp(e->d_name, "same-", 5)) continue;
    char *path = path_join(PICKLES, e->d_name);
    dataset *ds = open_file(path);
    check_small(ds);
    if (count++) assert_true(ds->hash == hash);
    hash = ds->hash;
    if (ds->label_names) assert_string_equal(ds->label_names[1], "bee");
    if (ds->filenames) assert_string_equal(ds->filenames[3], "d.png");
    assert_int_equal(ds->held_from, strstr(e->d_name, "train-test") ? 3 : 4);
    dataset_close(ds);
    free(path);
  }
  closedir(d);
  assert_true(count >= 50);
}

static void floats_keep_their_values(void **state) {
  (void)state;
  static const char *const file[] = {"f2", "f4", "f8", "f4-big", "f8-big", "lists", "lists-p0"};
  for (size_t f = 0; f < sizeof file / sizeof *file; f++) {
    char *path = message(PICKLES "/float-%s.pkl", file[f]);
    dataset *ds = open_file(path);
    float chw[90];
    assert_non_null(ds->floats);
    dataset_floats(ds, 2, chw);
    for (int k = 0; k < 90; k++)
      assert_true(chw[k % 3 * 30 + k / 3] == (float)((180 + k) * 7 % 251) / 256.0f);
    dataset_close(ds);
    free(path);
  }
}

static void mistakes_are_named(void **state) {
  (void)state;
  static const char *const wrong[][2] = {
      {"negative.pkl", "label -1 of sample 2 is negative"},
      {"beyond-names.pkl", "label 3 of sample 2"},
      {"lengths.pkl", "4 images but 3 labels"},
      {"float-labels.pkl", "labels are float64"},
      {"one-hot.pkl", "argmax"},
      {"string-labels.pkl", "labels: the value holds str"},
      {"no-images.pkl", "no images"},
      {"complex.pkl", "complex128"},
      {"pixel.pkl", "outside 0 to 255"},
      {"nan.pkl", "NaN"},
      {"ragged.pkl", "ragged"},
      {"ambiguous.pkl", "say images=KEY"},
      {"no-labels.pkl", "say labels=KEY"},
      {"layout.pkl", "layout=nhwc or layout=nchw"},
      {"flat.pkl", "rows of 90 values"},
      {"array.pkl", "a data set is a dictionary"},
      {"text.pkl", "a data set is a dictionary"},
      {"npy.npy", "numpy.savez"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char *path = message(PICKLES "/wrong-%s", wrong[i][0]);
    refused(&(dataset_options){.path = path}, wrong[i][1]);
    free(path);
  }
  refused(&(dataset_options){.path = "no/such.pkl"}, "no such file");
  refused(&(dataset_options){.path = "tests"}, "one folder is one class");
  refused(&(dataset_options){.path = "/dev/zero"}, "not a regular file");
}

static void options_settle_what_is_open(void **state) {
  (void)state;
  dataset *ds =
      open_with(&(dataset_options){.path = PICKLES "/wrong-ambiguous.pkl", .images = "data"});
  check_small(ds);
  dataset_close(ds);
  ds = open_with(&(dataset_options){
      .path = PICKLES "/wrong-flat.pkl", .layout = "nhwc", .c = 3, .h = 5, .w = 6});
  check_small(ds);
  dataset_close(ds);
  ds = open_with(&(dataset_options){.path = PICKLES "/wrong-flat.pkl", .c = 3, .h = 5, .w = 6});
  assert_int_equal(ds->bytes[1], 7); /* channel 0 comes first */
  dataset_close(ds);
  ds = open_with(&(dataset_options){.path = PICKLES "/wrong-layout.pkl", .layout = "nchw"});
  assert_int_equal(ds->layout, LAYOUT_NCHW);
  dataset_close(ds);
  ds = open_with(&(dataset_options){.path = EMOJI, .scale = 2, .classes = 7});
  float chw[3072];
  dataset_floats(ds, 0, chw);
  assert_true(chw[0] == 510.0f && ds->classes == 7);
  dataset_close(ds);
  refused(&(dataset_options){.path = EMOJI, .classes = 4}, "the network has 4 classes");
  refused(&(dataset_options){.path = EMOJI, .c = 1, .h = 28, .w = 28}, "takes 1x28x28");
  refused(&(dataset_options){.path = EMOJI, .images = "pictures"}, "no key `pictures`");
  refused(&(dataset_options){.path = EMOJI, .layout = "chwn"}, "layout `chwn`");
  refused(&(dataset_options){.path = EMOJI, .layout = "flat"}, "32x32x3");
  refused(&(dataset_options){.path = EMOJI, .images = "filenames"}, "holds str");
}

static void emoji_is_read(void **state) {
  (void)state;
  static const int64_t count[] = {106, 143, 123, 478, 155};
  dataset *ds = open_file(EMOJI);
  assert_true(ds->n == 1005 && ds->c == 3 && ds->h == 32 && ds->w == 32 && ds->classes == 5);
  assert_string_equal(ds->images_key, "data");
  data_stats s = data_stats_make(ds);
  assert_memory_equal(s.count, count, sizeof count);
  assert_int_equal(s.largest, 3);
  assert_int_equal(s.duplicates, 0);
  data_stats_free(&s);
  dataset_close(ds);
}

static void cifar_keeps_its_test_set(void **state) {
  (void)state;
  dataset *ds = open_file("tests/data/cifar10");
  assert_true(ds->n == 6 && ds->held_from == 5 && ds->classes == 10);
  assert_string_equal(ds->label_names[9], "truck");
  assert_string_equal(ds->filenames[5], "5.png");
  for (int i = 0; i < 6; i++) assert_int_equal(ds->bytes[i * 3072 + 17], 10 * i);
  char *error = NULL;
  split *s = split_make(ds, &(split_options){.seed = 1, .shuffle = true}, &error);
  assert_non_null(s);
  assert_true(s->n_train == 5 && s->n_val == 1 && s->val[0] == 5);
  split_free(s);
  dataset_close(ds);
}

/* Writes bytes to a file of its own and opens that: true if it is a data set. */
static bool opens(const char *path, const uint8_t *bytes, size_t n) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, n, f), n);
  fclose(f);
  char *error = NULL;
  dataset *ds = dataset_open(&(dataset_options){.path = path}, &error);
  assert_true(!ds == !!error);
  free(error);
  dataset_close(ds);
  return ds != NULL;
}

static void cut_files_are_refused(void **state) {
  (void)state;
  static const char *const file[] = {"same-numpy1-p4.pkl", "same-numpy2-p5.pkl",
                                     "same-other-keys.pkl", "same-python2-cPickle-p2.pkl",
                                     "same-npz-compressed.npz"};
  char path[] = "/tmp/netc-test-XXXXXX", *error = NULL;
  close(mkstemp(path));
  for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
    char *from = path_join(PICKLES, file[i]);
    size_t n;
    uint8_t *bytes = file_read(from, &n, &error);
    assert_non_null(bytes);
    for (size_t cut = 0; cut < n; cut++) assert_false(opens(path, bytes, cut));
    assert_true(opens(path, bytes, n));
    for (size_t at = 0; at < n; at += 3) { /* a changed byte may go unnoticed, but does no harm */
      bytes[at] ^= (uint8_t)(1 << at % 8);
      opens(path, bytes, n);
      bytes[at] ^= (uint8_t)(1 << at % 8);
    }
    free(bytes);
    free(from);
  }
  size_t n;
  uint8_t *bytes = file_read(EMOJI, &n, &error);
  assert_non_null(bytes);
  for (size_t cut = 0; cut < n; cut += n / 40) assert_false(opens(path, bytes, cut));
  assert_false(opens(path, bytes, n - 1));
  free(bytes);
  unlink(path);
}

static void split_of(dataset *ds, const split_options *o, int64_t train, int64_t val) {
  char *error = NULL;
  split *s = split_make(ds, o, &error);
  assert_non_null(s);
  assert_true(s->n_train == train && s->n_val == val);
  bool *seen = allocate((size_t)ds->n);
  for (int64_t i = 0; i < train + val; i++) {
    int64_t index = i < train ? s->train[i] : s->val[i - train];
    assert_true(index >= 0 && index < ds->n && !seen[index]);
    seen[index] = true;
    if (!o->shuffle) assert_int_equal(index, i);
  }
  int64_t *order = allocate((size_t)train * sizeof *order),
          *again = allocate((size_t)train * sizeof *again);
  split_epoch_order(s, 1, 3, true, order);
  split_epoch_order(s, 1, 3, true, again);
  assert_memory_equal(order, again, (size_t)train * sizeof *order);
  split_epoch_order(s, 1, 4, true, again);
  assert_memory_not_equal(order, again, (size_t)train * sizeof *order);
  split_epoch_order(s, 1, 4, false, again);
  assert_memory_equal(s->train, again, (size_t)train * sizeof *order);
  free(order);
  free(again);
  free(seen);
  split_free(s);
}

static void no_split(dataset *ds, const split_options *o, const char *part) {
  char *error = NULL;
  assert_null(split_make(ds, o, &error));
  if (!strstr(error, part)) fail_msg("`%s` does not say `%s`", error, part);
  free(error);
}

static void splits(void **state) {
  (void)state;
  dataset *ds = open_file(EMOJI);
  split_of(ds, &(split_options){.given = true, .parts = 2, .count = {800, 205}, .shuffle = true},
           800, 205);
  split_of(ds, &(split_options){.given = true, .parts = 2, .count = {400, 100}}, 400, 100);
  split_of(ds, &(split_options){.given = true, .parts = 1, .is_fraction = true, .fraction = {0.8}},
           804, 201);
  split_of(ds, &(split_options){.shuffle = true, .seed = 9}, 804, 201);
  no_split(ds, &(split_options){.given = true, .parts = 2, .count = {800, 206}}, "has 1005");
  no_split(ds, &(split_options){.given = true, .parts = 2, .count = {INT64_MAX, INT64_MAX}},
           "has 1005");
  no_split(ds, &(split_options){.given = true, .parts = 2, .count = {0, 5}}, "train on");
  no_split(ds, &(split_options){.given = true, .parts = 2, .count = {5, 0}}, "validate");
  split_of(ds, &(split_options){.given = true, .parts = 1, .is_fraction = true, .fraction = {1}},
           1005, 0);
  no_split(ds, &(split_options){.given = true, .parts = 1, .is_fraction = true, .fraction = {1.5}},
           "fraction");
  split_of(ds, &(split_options){.given = true, .parts = 3, .count = {800, 100, 105}}, 800, 100);
  no_split(ds, &(split_options){.given = true, .parts = 3, .count = {800, 205, 1}}, "has 1005");
  no_split(ds, &(split_options){.given = true, .parts = 3, .count = {800, 205, 0}}, "the test");
  dataset_close(ds);
}

/* Three parts share no sample, use every one, and the first two are those of a split in two. */
static void splits_with_a_test(void **state) {
  (void)state;
  dataset *ds = open_file(EMOJI);
  char *error = NULL;
  const split_options three = {.given = true,
                               .parts = 3,
                               .is_fraction = true,
                               .fraction = {0.8, 0.1, 0.1},
                               .seed = 3,
                               .shuffle = true};
  const split_options two = {
      .given = true, .parts = 2, .count = {804, 101}, .seed = 3, .shuffle = true};
  split *a = split_make(ds, &three, &error), *b = split_make(ds, &two, &error);
  assert_true(a->n_train == 804 && a->n_val == 101 && a->n_test == 100 && b->n_test == 0);
  assert_memory_equal(a->train, b->train, 905 * sizeof *a->train);
  int64_t seen = 0;
  for (int64_t i = 0; i < 1005; i++) seen += a->train[i];
  assert_int_equal(seen, 1005 * 1004 / 2);
  split_free(a);
  split_free(b);
  /* a test set of its own stays out of every split */
  ds->test_from = ds->held_from = 900;
  a = split_make(ds, &(split_options){.given = true, .parts = 2, .count = {800, 100}}, &error);
  assert_true(a->n_train == 800 && a->n_val == 100 && a->n_test == 105 && a->test[0] == 900);
  split_free(a);
  no_split(ds, &three, "its own test set");
  dataset_close(ds);
}

static void duplicates_are_counted(void **state) {
  (void)state;
  uint8_t pixels[6] = {1, 2, 3, 2, 1, 1};
  int32_t labels[6] = {0, 1, 0, 0, 0, 0};
  dataset ds = {.path = "here", .n = 6, .h = 1, .w = 1, .c = 1, .bytes = pixels, .labels = labels};
  ds.classes = 2, ds.held_from = 6;
  int64_t first[6];
  static const int64_t expected[6] = {0, 1, 2, 1, 0, 0};
  find_duplicates(&ds, first);
  assert_memory_equal(first, expected, sizeof first);
  data_stats s = data_stats_make(&ds);
  assert_true(s.duplicates == 3 && s.conflicting == 1);
  data_stats_free(&s);
  split sp = {.n_train = 3, .n_val = 3, .train = (int64_t[]){1, 2, 5}, .val = (int64_t[]){0, 3, 4}};
  assert_int_equal(duplicates_across(&ds, &sp), 3);
}

/* Known answers of Philox4x32-10 stand behind these: a change of the order is a change of results.
 */
static void shuffles_are_pinned(void **state) {
  (void)state;
  int64_t a[8], b[8];
  for (int i = 0; i < 8; i++) a[i] = b[i] = i;
  shuffle_indices(a, 8, 1, 2, 3);
  shuffle_indices(b, 8, 1, 2, 3);
  assert_memory_equal(a, b, sizeof a);
  static const int64_t expected[8] = {2, 6, 4, 7, 0, 1, 5, 3};
  assert_memory_equal(a, expected, sizeof a);
  int first[5] = {0};
  for (uint64_t epoch = 0; epoch < 50000; epoch++) {
    int64_t v[5] = {0, 1, 2, 3, 4};
    shuffle_indices(v, 5, 7, 1, epoch);
    first[v[0]]++;
  }
  for (int i = 0; i < 5; i++) assert_in_range(first[i], 9600, 10400); /* 4.5 standard deviations */
}

/* Row r of the series is a = r, b = 1000 + r, c = 2000 + r. */
static void write_series(char *path, int from, int rows) {
  FILE *f = fopen(path, "w");
  fputs("a,b,c\n", f);
  for (int r = from; r < from + rows; r++) fprintf(f, "%d,%d,%d\n", r, 1000 + r, 2000 + r);
  fclose(f);
}

static dataset_options series_options(const char *path, const data_port port[2], int64_t horizon) {
  static const char *const target[] = {"c"};
  dataset_options o = {.path = path, .n_port = 2, .port = port};
  o.csv = (csv_options){.n_target = 1, .target = target, .series = true, .horizon = horizon};
  return o;
}

/* Windows are columns x rows; what is told lies `horizon` rows behind them and further. */
static void windows_of_a_series(void **state) {
  (void)state;
  char path[] = "/tmp/netc-series-XXXXXX";
  close(mkstemp(path));
  write_series(path, 0, 50);
  for (int horizon = 0; horizon < 4; horizon += 3) {
    const int columns = horizon ? 3 : 2; /* what is told now is not given */
    const data_port port[2] = {{.name = "input", .rank = 2, .dim = {columns, 6}},
                               {.name = "label", .target = true, .rank = 1, .dim = {4}}};
    dataset_options o = series_options(path, port, horizon);
    dataset *ds = open_with(&o);
    assert_int_equal(ds->n, 50 - (6 - 1 + horizon + 4) + 1);
    for (int64_t s = 0; s < ds->n; s++) {
      float x[18], y[4];
      dataset_port(ds, 0, s, x);
      dataset_port(ds, 1, s, y);
      for (int k = 0; k < columns * 6; k++) assert_true(x[k] == (float)(k / 6 * 1000 + s + k % 6));
      for (int k = 0; k < 4; k++) assert_true(y[k] == (float)(2000 + s + 5 + horizon + k));
    }
    dataset_close(ds);
  }
  unlink(path);
}

/* What is told in one part is told in no other; the end validates; counts say the same again. */
static void series_do_not_leak(void **state) {
  (void)state;
  char path[] = "/tmp/netc-series-XXXXXX", more[] = "/tmp/netc-series-XXXXXX", *error = NULL;
  close(mkstemp(path));
  close(mkstemp(more));
  write_series(path, 0, 100);
  write_series(more, 500, 30);
  const data_port port[2] = {{.name = "input", .rank = 2, .dim = {3, 6}},
                             {.name = "label", .target = true, .rank = 1, .dim = {4}}};
  dataset_options o = series_options(path, port, 2);
  dataset *ds = open_with(&o);
  split_options by = {
      .given = true, .parts = 3, .is_fraction = true, .fraction = {.7, .2, .1}, .shuffle = true};
  split *s = split_make(ds, &by, &error);
  assert_int_equal(s->train[s->n_train - 1] + 5 + 2 + 3, 69); /* its last row that is told */
  assert_int_equal(s->val[0] + 5 + 2, 70);
  assert_int_equal(s->val[s->n_val - 1] + 5 + 2 + 3, 89);
  assert_int_equal(s->test[0] + 5 + 2, 90);
  assert_int_equal(s->test[s->n_test - 1] + 5 + 2 + 3, 99);
  split_options counts = {.given = true, .parts = 3};
  memcpy(counts.count, (int64_t[]){s->n_train, s->n_val, s->n_test}, sizeof counts.count);
  split *again = split_make(ds, &counts, &error);
  assert_true(again && again->n_train == s->n_train && again->n_val == s->n_val);
  assert_true(again->val[0] == s->val[0] && again->test[0] == s->test[0]);
  split_free(s);
  split_free(again);
  dataset_close(ds);
  o.test = more; /* no window lies in both files */
  ds = open_with(&o);
  s = split_make(ds, &(split_options){0}, &error);
  assert_int_equal(s->val[s->n_val - 1] + 5 + 2 + 3, 99);
  assert_int_equal(s->test[0], 100);
  assert_int_equal(s->n_test, 30 - (6 - 1 + 2 + 4) + 1);
  split_free(s);
  dataset_close(ds);
  write_series(more, 500, 9);
  refused(&o, "it has 9 rows, and a window of the network takes 6, and 5 more are told of it");
  unlink(path);
  unlink(more);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_form_gives_the_same),
      cmocka_unit_test(floats_keep_their_values),
      cmocka_unit_test(mistakes_are_named),
      cmocka_unit_test(options_settle_what_is_open),
      cmocka_unit_test(emoji_is_read),
      cmocka_unit_test(cifar_keeps_its_test_set),
      cmocka_unit_test(cut_files_are_refused),
      cmocka_unit_test(splits),
      cmocka_unit_test(splits_with_a_test),
      cmocka_unit_test(duplicates_are_counted),
      cmocka_unit_test(shuffles_are_pinned),
      cmocka_unit_test(windows_of_a_series),
      cmocka_unit_test(series_do_not_leak),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
