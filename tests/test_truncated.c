/* A small file of each kind that is read as data (the seeds of the fuzz targets), cut off after
   every byte: it is a data set all the same, as a table that ends early is, or the error
   names the file and has at most a line of help; in 300 MB, whatever its lengths announce. */
#include "runtime/dataset.h"
#include "runtime/file.h"
#include "runtime/message.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static char root[] = "/tmp/truncated-XXXXXX";

static char *below(const char *name) { return message("%s/%s", root, name); }

/* The seed without the bytes that choose what the fuzz target does. */
static uint8_t *seed(const char *name, size_t skip, size_t *n) {
  char *path = message("tests/corpus/%s", name), *error = NULL;
  uint8_t *bytes = file_read(path, n, &error);
  if (!bytes) fail_msg("%s", error);
  assert_true(*n > skip);
  memmove(bytes, bytes + skip, *n -= skip);
  free(path);
  return bytes;
}

static void put(const char *name, const uint8_t *bytes, size_t n) {
  char *path = below(name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, n, f), n);
  fclose(f);
  free(path);
}

static bool opens(const dataset_options *o, const char *file, size_t length) {
  char *error = NULL;
  dataset *ds = dataset_open(o, &error);
  if (!ds == !error) fail_msg("%s, %zu bytes: neither data nor an error", file, length);
  const char *line = error ? strchr(error, '\n') : NULL;
  if (error && ((line && strncmp(line, "\n      = help: ", 15)) || !strstr(error, root)))
    fail_msg("%s, %zu bytes: `%s`", file, length, error);
  const bool ok = ds != NULL;
  dataset_close(ds);
  free(error);
  return ok;
}

/* file is o.path, or lies in that folder. Cut anywhere it must not crash; whole it must open. */
static void cut_everywhere(const char *from, size_t skip, const char *file, dataset_options o) {
  size_t n;
  uint8_t *bytes = seed(from, skip, &n);
  for (size_t length = 0; length < n; length++) {
    put(file, bytes, length);
    opens(&o, file, length);
  }
  put(file, bytes, n);
  if (!opens(&o, file, n)) fail_msg("%s (%s), whole, is no data", file, from);
  free(bytes);
}

static void test_single_files(void **state) {
  (void)state;
  static const char *const from[] = {
      "fields/csv-header", "fields/csv-semicolon", "fields/csv-bom",
      "fields/csv-dates",  "fields/csv-thousands", "fields/text-utf8",
      "fields/idx-images", "npz/stored.npz",       "npz/deflated.npz"};
  char *path = below("file");
  for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
    dataset_options o = {.path = path, .any = true, .csv.missing_mean = true};
    cut_everywhere(from[i], strncmp(from[i], "npz", 3) != 0, "file", o);
  }
  free(path);
}

static const data_port picture[] = {{.name = "input", .rank = 3, .dim = {3, 4, 4}},
                                    {.name = "label", .target = true, .is_int = true, .below = 2}},
                       masks[] = {{.name = "input", .rank = 3, .dim = {3, 4, 4}},
                                  {.name = "label",
                                   .target = true,
                                   .is_int = true,
                                   .below = 4,
                                   .rank = 2,
                                   .dim = {4, 4}}},
                       tone[] = {{.name = "input", .rank = 2, .dim = {8, 3}},
                                 {.name = "label", .target = true, .is_int = true, .below = 2}};

static void make(const char *folder) {
  char *path = below(folder);
  mkdir(path, 0700);
  free(path);
}

static void copy(const char *from, size_t skip, const char *to) {
  size_t n;
  uint8_t *bytes = seed(from, skip, &n);
  put(to, bytes, n);
  free(bytes);
}

static void test_pictures(void **state) {
  (void)state;
  static const char *const from[] = {"rgb.png",    "rgba.png",     "palette.png", "grey16.png",
                                     "rgb.jpg",    "exif.jpg",     "cmyk.jpg",    "progressive.jpg",
                                     "lossy.webp", "lossless.webp"};
  make("pics"), make("pics/a"), make("pics/b");
  copy("image/rgb.png", 1, "pics/a/1.png");
  char *path = below("pics");
  dataset_options o = {.path = path, .n_port = 2, .port = picture, .c = 3, .h = 4, .w = 4};
  for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
    char *name = message("image/%s", from[i]);
    cut_everywhere(name, 1, "pics/b/2.png", o);
    free(name);
  }
  free(path);
}

static void test_masks(void **state) {
  (void)state;
  make("seg"), make("seg/images"), make("seg/masks");
  copy("image/rgb.png", 1, "seg/images/1.png");
  char *path = below("seg");
  dataset_options o = {.path = path, .n_port = 2, .port = masks, .c = 3, .h = 4, .w = 4};
  cut_everywhere("image/mask.png", 1, "seg/masks/1.png", o);
  cut_everywhere("image/palette.png", 1, "seg/masks/1.png", o);
  free(path);
}

static void test_sounds(void **state) {
  (void)state;
  static const char *const from[] = {"pcm8", "pcm16", "pcm24", "pcm32", "f32", "f64"};
  make("snd"), make("snd/a"), make("snd/b");
  copy("wav/pcm16", 0, "snd/a/1.wav");
  char *path = below("snd");
  dataset_options o = {.path = path, .n_port = 2, .port = tone, .mel = 8};
  for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
    char *name = message("wav/%s", from[i]);
    cut_everywhere(name, 0, "snd/b/2.wav", o);
    free(name);
  }
  free(path);
}

static void test_cifar(void **state) {
  (void)state;
  size_t n;
  char *error = NULL, *path = below("cifar");
  uint8_t *bytes = file_read("tests/data/cifar10/test_batch", &n, &error);
  if (!bytes) fail_msg("%s", error);
  make("cifar");
  for (int i = 1; i <= 5; i++) {
    char *name = message("cifar/data_batch_%d", i);
    put(name, bytes, n);
    free(name);
  }
  const dataset_options o = {.path = path};
  const size_t step = n / 500 + 1;
  for (size_t length = 0; length < n; length += step) {
    put("cifar/test_batch", bytes, length);
    assert_false(opens(&o, "test_batch", length));
  }
  put("cifar/test_batch", bytes, n);
  assert_true(opens(&o, "test_batch", n));
  free(bytes);
  free(path);
}

static int bounded(void **state) {
  (void)state;
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (!mkdtemp(root) || !f || fscanf(f, "%ld", &pages) != 1) return -1;
  fclose(f);
#ifndef __SANITIZE_ADDRESS__
  const rlim_t all = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + 300 * 1000000;
  return setrlimit(RLIMIT_AS, &(struct rlimit){all, all});
#else
  return 0;
#endif
}

static int removed(void **state) {
  (void)state;
  char *command = message("rm -rf '%s'", root);
  const int status = system(command);
  free(command);
  return status;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_single_files),
                                     cmocka_unit_test(test_pictures), cmocka_unit_test(test_masks),
                                     cmocka_unit_test(test_sounds), cmocka_unit_test(test_cifar)};
  return cmocka_run_group_tests(tests, bounded, removed);
}
