/* Weight files, atomic files, run directories, early stopping, rates, augmentation, statistics. */
#include "cli/line_diff.h"
#include "runtime/atomic_file.h"
#include "runtime/batch.h"
#include "runtime/decimal_text.h"
#include "runtime/early_stop.h"
#include "runtime/evaluate.h"
#include "runtime/lr_schedule.h"
#include "runtime/message.h"
#include "runtime/plot.h"
#include "runtime/run_dir.h"
#include "runtime/safetensors.h"
#include "runtime/sha256.h"
#include "runtime/stats.h"
#include "runtime/value_loops.h"
#include "base/philox.h"
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <signal.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static char folder[] = "/tmp/netc-runtime-XXXXXX";

static const char *in_folder(const char *name) {
  static char path[4][300];
  static int next;
  next = (next + 1) % 4;
  snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
  return path[next];
}

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  char *command = message("rm -rf '%s'", folder);
  int status = system(command);
  free(command);
  return status;
}

/* --- safetensors --- */

/* A file of this header and `data` bytes of values; NULL if it is refused, with *error. */
static safetensors *parse(const char *header, size_t data, char **error, uint8_t **bytes) {
  size_t n = strlen(header);
  *bytes = allocate(8 + n + data);
  for (int i = 0; i < 8; i++) (*bytes)[i] = (uint8_t)((uint64_t)n >> (8 * i));
  memcpy(*bytes + 8, header, n);
  return safetensors_parse(*bytes, 8 + n + data, "test", error);
}

static void refused(const char *header, size_t data, const char *why) {
  char *error = NULL;
  uint8_t *bytes;
  assert_null(parse(header, data, &error, &bytes));
  assert_non_null(error);
  if (!strstr(error, why)) fail_msg("`%s` does not say `%s`", error, why);
  free(error);
  free(bytes);
}

static void test_hostile_headers(void **state) {
  (void)state;
  refused("[1, 2]", 0, "not valid JSON");
  refused("{\"a\": ", 0, "not valid JSON");
  refused("{} x", 0, "not valid JSON");
  refused("{\"a\": 1}", 0, "no dtype");
  refused("{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "unknown dtype");
  refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "shape");
  refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, "shape");
  refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4,
          "dimensions");
  refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}", 4,
          "shape");
  refused("{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,4]}}", 4,
          "shape");
  refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3, "beyond the end");
  refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "do not fit");
  refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "data_offsets");
  refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "data_offsets");
  refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
          "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
          4, "overlaps");
  refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "gap");
  refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 5, "belong to none");
  refused("{\"__metadata__\":{\"a\":1}}", 0, "metadata");
  refused("{\"a\":[[[[[[[[[[[[]]]]]]]]]]]]}", 0, "JSON");
}

/* The text is read as strtod reads it, to the bit. */
static void same_as_strtod(const char *text) {
  double v, must = strtod(text, NULL);
  if (!decimal_text(text, strlen(text), '.', &v)) fail_msg("%s is no number", text);
  if (memcmp(&v, &must, sizeof v)) fail_msg("%s is %.17g", text, v);
}

static void test_decimal_text(void **state) {
  (void)state;
  static const char *const numbers[] = {"0",
                                        "-0",
                                        "-0.000e5",
                                        "+.5",
                                        "5.",
                                        "-1.e5",
                                        "1e22",
                                        "1e23",
                                        "8.5e-27",
                                        "0.1e-6",
                                        "9007199254740993",
                                        "9007199254740992.5",
                                        "9223372036854775807",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "99999999999999999999",
                                        "123456789012345678e4",
                                        "0.000000000000000000012",
                                        "4.9e-324",
                                        "1.7976931348623157e308",
                                        "2.2250738585072011e-308"};
  static const char *const none[] = {"",     "-",  ".",   "e5",    "1e",    "1e+",
                                     "0x10", "1 ", "1,5", "1e400", "1.2.3", "nan"};
  double v;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) same_as_strtod(numbers[i]);
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    if (decimal_text(none[i], strlen(none[i]), '.', &v)) fail_msg("`%s` is %g", none[i], v);
  assert_true(decimal_text("-1,25", 5, ',', &v) && v == -1.25);
}

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state ^ *state >> 29;
}

/* 1 to 25 digits, a point anywhere, exponents on either side of what is read without strtod. */
static void random_decimal(uint64_t *state, char *text) {
  const int n = 1 + (int)(next_random(state) % 25), point = (int)(next_random(state) % 30);
  const int e = (int)(next_random(state) % 80) - 40;
  char *p = text;
  if (next_random(state) % 2) *p++ = '-';
  for (int i = 0; i < n; i++) {
    if (i == point) *p++ = '.';
    *p++ = (char)('0' + next_random(state) % 10);
  }
  *p = 0;
  if (next_random(state) % 2) sprintf(p, "e%d", e);
}

/* Exactly between two doubles, and beside that: integers of 54 to 64 bits. */
static void between_doubles(uint64_t *state) {
  const uint64_t odd = next_random(state) >> 10 | UINT64_C(1) << 53 | 1;
  const uint64_t half = odd << next_random(state) % 11;
  char text[64];
  for (int d = -1; d <= 1; d++) {
    snprintf(text, sizeof text, "%" PRIu64, half + (uint64_t)d);
    same_as_strtod(text);
    snprintf(text, sizeof text, "%" PRIu64 "e%d", half + (uint64_t)d,
             (int)(next_random(state) % 56) - 28);
    same_as_strtod(text);
  }
}

static void test_decimals_at_random(void **state) {
  (void)state;
  char text[64];
  uint64_t random = 1;
  for (int i = 0; i < 300000; i++) {
    random_decimal(&random, text);
    same_as_strtod(text);
    const double x = (double)(int64_t)next_random(&random) / 9e18 * pow(10, i % 9);
    snprintf(text, sizeof text, i % 3 ? "%.*g" : "%.*e", 14 + i % 6, x);
    same_as_strtod(text);
    between_doubles(&random);
  }
}

static void test_truncated_everywhere(void **state) {
  (void)state;
  float v[6] = {1, 2, 3, 4, 5, 6};
  st_tensor t = {.name = "w",
                 .type = ST_F32,
                 .rank = 2,
                 .shape = {2, 3},
                 .count = 6,
                 .bytes = 24,
                 .data = (const uint8_t *)v};
  char *error = NULL;
  size_t n;
  assert_true(safetensors_write(in_folder("t.safetensors"), &t, 1, NULL, 0, &error));
  char *bytes = read_whole_file(in_folder("t.safetensors"), 1 << 20, &n, &error);
  for (size_t k = 0; k < n; k++) {
    assert_null(safetensors_parse(bytes, k, "cut", &error));
    free(error);
  }
  for (int i = 0; i < 8; i++) { /* a header length of any size */
    char was = bytes[i];
    bytes[i] = (char)0xff;
    assert_null(safetensors_parse(bytes, n, "long", &error));
    free(error);
    bytes[i] = was;
  }
  free(bytes);
}

static void test_round_trip(void **state) {
  (void)state;
  float w[3] = {0.5f, -0.0f, 1e-40f}, back[3];
  int64_t count = 12345678901;
  st_tensor t[] = {
      {.name = "z",
       .type = ST_F32,
       .rank = 1,
       .shape = {3},
       .count = 3,
       .bytes = 12,
       .data = (const uint8_t *)w},
      {.name = "a", .type = ST_I64, .count = 1, .bytes = 8, .data = (const uint8_t *)&count}};
  st_meta meta[] = {{"epoch", "7"}};
  char *error = NULL;
  const char *path = in_folder("round.safetensors");
  assert_true(safetensors_write(path, t, 2, meta, 1, &error));
  safetensors *s = safetensors_read(path, &error);
  assert_non_null(s);
  assert_int_equal(s->n, 2);
  assert_string_equal(s->tensor[0].name, "a"); /* sorted by name */
  assert_memory_equal(s->tensor[0].data, &count, 8);
  assert_true(safetensors_floats(safetensors_find(s, "z"), back));
  assert_memory_equal(back, w, sizeof w);
  assert_false(safetensors_floats(safetensors_find(s, "a"), back));
  assert_string_equal(safetensors_meta(s, "epoch"), "7");
  assert_null(safetensors_meta(s, "none"));
  safetensors_free(s);
}

static void test_other_float_types(void **state) {
  (void)state;
  char *error = NULL;
  uint8_t *bytes;
  float v[4];
  const char *header = "{\"h\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]},"
                       "\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[8,10]},"
                       "\"d\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[10,18]}}";
  const uint16_t half[] = {0x3c00, 0xc000, 0x0001, 0x7c00}, brain = 0x4049;
  const double d = 0.1;
  safetensors *s = parse(header, 18, &error, &bytes);
  assert_non_null(s);
  uint8_t *data = bytes + 8 + strlen(header);
  memcpy(data, half, 8);
  memcpy(data + 8, &brain, 2);
  memcpy(data + 10, &d, 8);
  assert_true(safetensors_floats(safetensors_find(s, "h"), v));
  assert_true(v[0] == 1 && v[1] == -2 && v[2] == 0x1p-24f && isinf(v[3]));
  assert_true(safetensors_floats(safetensors_find(s, "b"), v) && v[0] == 3.140625f);
  assert_true(safetensors_floats(safetensors_find(s, "d"), v) && v[0] == 0.1f);
  safetensors_free(s);
  free(bytes);
}

/* --- files --- */

static void test_failed_write_keeps_the_old(void **state) {
  (void)state;
  char *error = NULL, big[9000];
  const char *path = in_folder("kept");
  assert_true(atomic_write(path, "old", 3, &error));
  struct rlimit was, small = {4096, RLIM_INFINITY};
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &was);
  small.rlim_max = was.rlim_max;
  setrlimit(RLIMIT_FSIZE, &small); /* as a full disk: writes beyond 4 KB fail */
  memset(big, 'x', sizeof big);
  bool written = atomic_write(path, big, sizeof big, &error);
  setrlimit(RLIMIT_FSIZE, &was);
  assert_false(written);
  assert_non_null(strstr(error, "kept"));
  free(error);
  size_t n;
  char *text = read_whole_file(path, 100, &n, &error);
  assert_string_equal(text, "old");
  free(text);
  char *command = message("ls -A '%s' | grep -c '^.kept'", folder);
  assert_int_not_equal(system(command), 0); /* no temporary file is left */
  free(command);
}

static void test_append_and_limits(void **state) {
  (void)state;
  char *error = NULL;
  size_t n;
  const char *path = in_folder("log");
  assert_true(append_durable(path, "a\n", &error) && append_durable(path, "b\n", &error));
  char *text = read_whole_file(path, 4, &n, &error);
  assert_string_equal(text, "a\nb\n");
  free(text);
  assert_null(read_whole_file(path, 3, &n, &error));
  free(error);
  assert_null(read_whole_file(folder, 100, &n, &error));
  assert_non_null(strstr(error, "directory"));
  free(error);
  assert_false(atomic_write(in_folder("none/x"), "", 0, &error));
  free(error);
  assert_true(make_directories(in_folder("p/q/r"), &error));
  assert_true(make_directories(in_folder("p/q/r"), &error));
  assert_false(make_directories(in_folder("log/q"), &error));
  free(error);
}

static const metric_names none = {0};

static void test_run_directories(void **state) {
  (void)state;
  char *error = NULL, *a = run_dir_next(in_folder("runs/net"), &error),
       *b = run_dir_next(in_folder("runs/net"), &error);
  assert_string_equal(a, in_folder("runs/net"));
  assert_string_equal(b, in_folder("runs/net-2"));
  assert_false(run_dir_holds_run(a));
  assert_true(metrics_write(a, &none, NULL, 0, &error));
  assert_true(run_dir_holds_run(a));
  run_dir_clear(a);
  assert_false(run_dir_holds_run(a));
  free(a);
  free(b);
}

static void test_metrics(void **state) {
  (void)state;
  char *error = NULL;
  epoch_row row[2] = {{1, 0.1 + 0.2, 1.0 / 3, 2.5, 0.875, 0.25, {0}, {0}},
                      {2, 1e-9, 1, 1e9, 0, 12, {0}, {0}}},
            back[9];
  char *dir = run_dir_next(in_folder("metrics"), &error), *path = run_file(dir, "metrics.csv");
  assert_true(metrics_write(dir, &none, row, 1, &error) &&
              metrics_append(dir, &none, &row[1], &error));
  assert_int_equal(metrics_read(dir, 0, back, 9, &error), 2);
  assert_true(fabs(back[0].train_acc - 1.0 / 3) < 1e-9 && back[1].val_loss == 1e9);
  assert_int_equal(metrics_read(dir, 0, back, 1, &error), 1);
  assert_true(append_durable(path, "3,0.5,0.5", &error)); /* cut off by a crash */
  assert_int_equal(metrics_read(dir, 0, back, 9, &error), 2);
  assert_true(atomic_write(path, "x,y\n1,2\n", 8, &error));
  assert_int_equal(metrics_read(dir, 0, back, 9, &error), -1);
  free(error);
  free(path);
  free(dir);
}

/* --- decisions --- */

static void test_early_stopping(void **state) {
  (void)state;
  const double loss[] = {1.0, 0.8, 0.9, 0.8, 0.85, 0.7};
  early_stop s = {.of = {.metric = "val_loss"}, .patience = 3};
  int stopped = 0;
  for (int i = 0; i < 6 && !stopped; i++)
    if (early_stop_after(&s, &(epoch_row){.epoch = i + 1, .val_loss = loss[i]})) stopped = i + 1;
  assert_int_equal(stopped, 5); /* an equal value is no better one: epoch 2 was the best */
  assert_int_equal(s.best_epoch, 2);
  early_stop none = {0};
  for (int i = 0; i < 50; i++)
    assert_false(early_stop_after(&none, &(epoch_row){.epoch = i + 1, .val_loss = i}));
  early_stop acc = {.of = {.metric = "val_acc"}, .patience = 1};
  assert_false(early_stop_after(&acc, &(epoch_row){.epoch = 1, .val_acc = 0.5}));
  assert_false(early_stop_after(&acc, &(epoch_row){.epoch = 2, .val_acc = 0.6}));
  assert_true(early_stop_after(&acc, &(epoch_row){.epoch = 3, .val_acc = 0.6}));
}

static void test_best_epoch(void **state) {
  (void)state;
  epoch_row a = {.epoch = 1, .val_acc = 0.8, .val_loss = 0.5, .train_loss = 0.4},
            b = {.epoch = 2, .val_acc = 0.8, .val_loss = 0.4, .train_loss = 0.6},
            c = {.epoch = 3, .val_acc = 0.9, .val_loss = 0.9, .train_loss = 0.1};
  assert_true(row_better(&(watch){.metric = NULL}, &a, &b));
  assert_true(row_better(&(watch){.metric = NULL}, &b, &c));
  assert_false(row_better(&(watch){.metric = NULL}, &a, &a));
  assert_false(row_better(&(watch){.metric = "val_loss"}, &b, &c));
  assert_true(row_better(&(watch){.metric = "train_loss"}, &b, &c));
  epoch_row rows[] = {a, b, c};
  assert_int_equal(least_val_loss(rows, 3), 2);
  assert_int_equal(least_val_loss(rows, 0), 0);
}

static void test_rates(void **state) {
  (void)state;
  lr_schedule s = {.lr = 0.1, .epochs = 10, .steps = 5};
  assert_true(schedule_rate(&s, 9, 4) == 0.1);
  s = (lr_schedule){{"step", {[SCHEDULE_EVERY] = 3, [SCHEDULE_TIMES] = 0.5}, false}, 0.8, 10, 5};
  assert_true(schedule_rate(&s, 2, 4) == 0.8 && schedule_rate(&s, 3, 0) == 0.4 &&
              schedule_rate(&s, 9, 0) == 0.1);
  s = (lr_schedule){{"cosine", {0}, false}, 1, 10, 5};
  for (int i = 0; i < 50; i++) {
    double t = i / 49.0;
    assert_true(fabs(schedule_rate(&s, i / 5, i % 5) - (1 + cos(M_PI * t)) / 2) < 1e-14);
  }
  s = (lr_schedule){{"linear", {[SCHEDULE_WARMUP] = 1, [SCHEDULE_FINAL] = 0.1}, false}, 1, 10, 5};
  assert_true(fabs(schedule_rate(&s, 0, 0) - 0.2) < 1e-15);
  assert_true(schedule_rate(&s, 1, 0) == 1);
  assert_true(fabs(schedule_rate(&s, 9, 4) - 0.1) < 1e-15);
}

/* Figures of torch.optim.lr_scheduler.OneCycleLR and ExponentialLR. */
static void test_rates_of_torch(void **state) {
  (void)state;
  static const int at[] = {0, 1, 7, 14, 15, 30, 49};
  static const double cycle[] = {0.032,  0.0416276817221798, 0.416,
                                 0.8,    0.798389724039225,  0.45369469155,
                                 3.2e-06},
                      fade[] = {0.8, 0.72, 0.8 * 0.4782969};
  const schedule_rule rule = {
      "onecycle",
      {[SCHEDULE_PCT_START] = 0.3, [SCHEDULE_DIV] = 25, [SCHEDULE_FINAL_DIV] = 1e4},
      false};
  lr_schedule s = {rule, 0.8, 10, 5};
  for (int i = 0; i < 7; i++)
    assert_true(fabs(schedule_rate(&s, at[i] / 5, at[i] % 5) - cycle[i]) < 1e-11);
  s = (lr_schedule){{"exponential", {[SCHEDULE_TIMES] = 0.9}, true}, 0.8, 10, 5};
  for (int i = 0; i < 3; i++)
    assert_true(fabs(schedule_rate(&s, at[i] / 5, at[i] % 5) - fade[i]) < 1e-15);
  s.rule.in_steps = false;
  assert_true(fabs(schedule_rate(&s, 7, 3) - fade[2]) < 1e-15);
  s = (lr_schedule){{"constant", {[SCHEDULE_WARMUP] = 8}, true}, 0.8, 10, 5};
  assert_true(schedule_rate(&s, 1, 1) == 0.8 * 7 / 8 && schedule_rate(&s, 1, 2) == 0.8);
}

static void test_augmentation(void **state) {
  (void)state;
  const augment_form form = {.planes = 1, .h = 4, .w = 4, .image = true};
  float pixels[16], x[16], copy[16];
  bool changed = false, mirrored = false;
  for (int i = 0; i < 16; i++) pixels[i] = (float)(i + 1);
  for (uint64_t epoch = 0; epoch < 40; epoch++) {
    augmentation a = {.flip = true, .seed = 3, .epoch = epoch};
    memcpy(x, pixels, sizeof x);
    augment_place(&a, 0, &form, x, copy);
    changed |= memcmp(x, pixels, sizeof x) != 0;
    mirrored |= x[0] == 4 && x[3] == 1 && x[12] == 16;
  }
  assert_true(changed && mirrored);
  for (uint64_t epoch = 0; epoch < 40; epoch++) {
    augmentation a = {.shift = 1, .seed = 3, .epoch = epoch};
    memcpy(x, pixels, sizeof x);
    augment_place(&a, 0, &form, x, copy);
    assert_true(x[5] == 6 || x[5] == 1 || x[5] == 2 || x[5] == 3 || x[5] == 5 || x[5] == 7 ||
                x[5] == 9 || x[5] == 10 || x[5] == 11);
  }
}

/* What is read between pixels, where it comes to whole ones, is what is moved by whole ones;
   classes move with their image. */
static void test_turning(void **state) {
  (void)state;
  const augment_form image = {2, 9, 7, true, false}, classes = {1, 9, 7, true, true};
  float v[126], w[126], copy[126];
  int turned = 0;
  for (int64_t sample = 0; sample < 50; sample++) {
    augmentation a = {.flip = true, .shift = 2, .seed = 1, .epoch = 4};
    for (int i = 0; i < 126; i++) v[i] = w[i] = (float)i;
    augment_place(&a, sample, &image, v, copy);
    a.rotate = 1e-9;
    augment_place(&a, sample, &image, w, copy);
    for (int i = 0; i < 126; i++) assert_true(fabsf(v[i] - w[i]) < 1e-3f);
    a.rotate = 40, a.crop = 0.5; /* left half of class 3, in an image that says so by its value */
    for (int i = 0; i < 126; i++) v[i] = i % 7 < 3 ? 1 : 0;
    int32_t mask[63];
    for (int i = 0; i < 63; i++) mask[i] = i % 7 < 3 ? 3 : 0;
    memcpy(w, mask, sizeof mask);
    augment_place(&a, sample, &image, v, copy);
    augment_place(&a, sample, &classes, w, copy);
    memcpy(mask, w, sizeof mask);
    for (int i = 0; i < 63; i++) {
      assert_true(mask[i] == 0 || mask[i] == 3);
      if (v[i] > 0.999f) assert_int_equal(mask[i], 3);
      turned += mask[i] == 3;
    }
  }
  assert_in_range(turned, 50 * 63 / 5, 50 * 63 / 2); /* 3/7 of all, less what comes in */
}

static void test_noise_and_mixing(void **state) {
  (void)state;
  const augment_form form = {.planes = 1, .h = 8, .w = 8, .image = true};
  const int64_t train[] = {7, 8, 9};
  augmentation a = {.noise = 0.5, .mixup = 1, .cutout = 4, .seed = 2, .train = train, .n_train = 3};
  double sum = 0, square = 0, share = 0, spread = 0;
  int own = 0, met[10] = {0}, cut = 0;
  static float v[40000];
  augment_noise(&a, 5, 40000, v);
  for (int i = 0; i < 40000; i++) sum += (double)v[i], square += (double)v[i] * (double)v[i];
  assert_true(fabs(sum / 40000) < 0.01 && fabs(sqrt(square / 40000) - 0.5) < 0.01);
  for (int64_t i = 0; i < 4000; i++) {
    const augment_mix m = augment_partner(&a, i), again = augment_partner(&a, i);
    assert_true(m.share == again.share && m.sample == again.sample && m.own == again.own);
    share += m.share, spread += m.share * m.share, own += m.own, met[m.sample]++;
    for (int k = 0; k < 64; k++) v[k] = 1;
    augment_cutout(&a, i, &form, v);
    for (int k = 0; k < 64; k++) cut += v[k] == 0;
  }
  /* Beta(1, 1) is uniform */
  assert_true(fabs(share / 4000 - 0.5) < 0.02 && fabs(spread / 4000 - 1 / 3.0) < 0.02);
  assert_in_range(own, 1900, 2100);
  for (int k = 7; k < 10; k++) assert_in_range(met[k], 1200, 1470);
  assert_in_range(cut / 4000, 10, 13); /* 16, less what lies outside */
}

static void test_answers(void **state) {
  (void)state;
  const float logits[] = {1, 3, 3, NAN}, nan_first[] = {NAN, -1};
  double p[3];
  assert_int_equal(largest_of(logits, 4), 1);
  assert_int_equal(largest_of(nan_first, 2), 1);
  probabilities(logits, 3, p);
  assert_true(fabs(p[0] + p[1] + p[2] - 1) < 1e-15 && p[1] == p[2] && p[1] > p[0]);
  assert_int_equal(evaluation_batch(205), 41); /* five batches without waste */
  for (int64_t n = 1; n < 300; n++)
    assert_true(evaluation_batch(n) >= 1 && evaluation_batch(n) <= n);
}

/* --- numbers --- */

static void test_statistics(void **state) {
  (void)state;
  const double a[] = {1, 2, 3, 4, 5.5}, b[] = {1.2, 1.7, 3.6, 4.9, 5.8};
  assert_true(fabs(stats_mean(a, 5) - 3.1) < 1e-15);
  assert_true(fabs(stats_deviation(a, 5) - 1.74642492) < 1e-8);
  assert_true(stats_deviation(a, 1) == 0 && isnan(stats_mean(a, 0)));
  assert_true(fabs(stats_paired_p(a, b, 5) - 0.1668023216197901) < 1e-12); /* scipy's ttest_rel */
  assert_true(fabs(stats_student_p(0.1, 1) - 0.936548965138893) < 1e-12);
  assert_true(fabs(stats_student_p(30, 9) - 2.4837047041582635e-10) < 1e-20);
  assert_true(fabs(stats_student_p(2.7764451051977987, 4) - 0.05) < 1e-12);
  assert_true(stats_paired_p(a, a, 5) == 1 && isnan(stats_paired_p(a, b, 2)));
  const double c[] = {0.1, 0.2, 0.3, 0.4}, d[] = {0.2, 0.3, 0.4, 0.5};
  assert_true(isnan(stats_paired_p(c, d, 4))); /* equal differences: no spread, nothing to say */
  const double p[] = {0.01, 0.04, NAN, 0.03, 0.005}, holm[] = {0.03, 0.06, NAN, 0.06, 0.02};
  double adjusted[5]; /* R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") */
  stats_holm(p, adjusted, 5);
  for (int i = 0; i < 5; i++)
    assert_true(isnan(holm[i]) ? isnan(adjusted[i]) : fabs(adjusted[i] - holm[i]) < 1e-12);
  assert_true(fabs(stats_share_error(0.88, 205) - 0.0227) < 1e-4);
}

static void test_sha256(void **state) {
  (void)state;
  sha256 s;
  char hex[65];
  sha256_start(&s);
  sha256_add(&s, "abc", 3);
  sha256_hex(&s, hex);
  assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  sha256_start(&s);
  char many[1000];
  memset(many, 'a', sizeof many);
  for (int i = 0; i < 1000; i++) sha256_add(&s, many, sizeof many);
  sha256_hex(&s, hex);
  assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_line_diff(void **state) {
  (void)state;
  diff_line d[10];
  assert_int_equal(line_diff("a\nb\nc\n", "a\nx\nc  \nd\n", d, 10), 5);
  const char kinds[] = " -+ +", first[] = "abxcd";
  for (int i = 0; i < 5; i++)
    assert_true(d[i].kind == kinds[i] && d[i].n == 1 && *d[i].at == first[i]);
  assert_int_equal(line_diff("", "a", d, 10), 1);
  assert_true(d[0].kind == '+');
  assert_int_equal(line_diff("a", "", d, 10), 1);
  assert_true(d[0].kind == '-');
}

/* Whatever vectors the machine has: each value is that of the plain formula, to the bit. */
static void test_value_loops(void **state) {
  (void)state;
  enum { N = 603 };
  uint8_t byte[N];
  int32_t whole[N];
  float a[N], b[N], to[N];
  for (int i = 0; i < N; i++) {
    byte[i] = (uint8_t)(i * 37);
    whole[i] = (i - 300) * 7054321;
    a[i] = sinf((float)i), b[i] = cosf((float)i) * 3;
  }
  for (int n = 0; n <= N; n = n < 20 ? n + 1 : n < N ? N : N + 1) {
    volatile double exact;
    volatile float product, other;
    values_of_bytes(byte, n, 1 / 255.0, to);
    for (int i = 0; i < n; i++) exact = byte[i] * (1 / 255.0), assert_true(to[i] == (float)exact);
    values_of_whole(whole, n, 0.1, to);
    for (int i = 0; i < n; i++) exact = whole[i] * 0.1, assert_true(to[i] == (float)exact);
    values_scaled(a, n, 0.3f, to);
    for (int i = 0; i < n; i++) product = a[i] * 0.3f, assert_true(to[i] == product);
    memcpy(to, a, sizeof to);
    values_mix(to, n, 0.7f, b, 0.3f);
    for (int i = 0; i < n; i++) {
      product = 0.7f * a[i], other = 0.3f * b[i];
      assert_true(to[i] == product + other);
    }
  }
}

static void test_noise_loop(void **state) {
  (void)state;
  enum { N = 603 };
  const uint32_t ctr[4] = {5, 1000, 3, 0}, key[2] = {7, 9};
  float to[N];
  for (int i = 0; i < N; i++) to[i] = (float)i;
  values_add_noise(ctr, key, 0.01f, N, to);
  for (uint32_t i = 0; i < N; i++) {
    uint32_t word[4];
    philox4x32_10((uint32_t[4]){5, 1000 + i / 4, 3, 0}, key, word);
    int sum = -510;
    for (int shift = 0; shift < 32; shift += 8) sum += word[i % 4] >> shift & 255;
    volatile float noise = 0.01f * (float)sum;
    assert_true(to[i] == (float)i + noise);
  }
}

static void test_moved_rows(void **state) {
  (void)state;
  const float from[5] = {1, 2, 3, 4, 5};
  for (int mirror = 0; mirror < 2; mirror++)
    for (int right = -7; right <= 7; right++) {
      float to[5];
      values_move_row(from, 5, right, mirror, to);
      for (int x = 0; x < 5; x++) {
        const int at = x - right;
        const float want = at < 0 || at > 4 ? 0 : from[mirror ? 4 - at : at];
        assert_true(to[x] == want);
      }
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_hostile_headers),
                                     cmocka_unit_test(test_truncated_everywhere),
                                     cmocka_unit_test(test_decimal_text),
                                     cmocka_unit_test(test_decimals_at_random),
                                     cmocka_unit_test(test_round_trip),
                                     cmocka_unit_test(test_other_float_types),
                                     cmocka_unit_test(test_failed_write_keeps_the_old),
                                     cmocka_unit_test(test_append_and_limits),
                                     cmocka_unit_test(test_run_directories),
                                     cmocka_unit_test(test_metrics),
                                     cmocka_unit_test(test_early_stopping),
                                     cmocka_unit_test(test_best_epoch),
                                     cmocka_unit_test(test_rates),
                                     cmocka_unit_test(test_rates_of_torch),
                                     cmocka_unit_test(test_augmentation),
                                     cmocka_unit_test(test_turning),
                                     cmocka_unit_test(test_noise_and_mixing),
                                     cmocka_unit_test(test_value_loops),
                                     cmocka_unit_test(test_noise_loop),
                                     cmocka_unit_test(test_moved_rows),
                                     cmocka_unit_test(test_answers),
                                     cmocka_unit_test(test_statistics),
                                     cmocka_unit_test(test_sha256),
                                     cmocka_unit_test(test_line_diff)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
