/* libFuzzer target for the readers of folders: CIFAR, IDX, pictures, pictures with masks, sounds.
   The first byte chooses the kind and the second how much of the rest is the first of two files.
   scripts/fuzz.sh builds and runs it. */
#include "runtime/dataset.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const data_port picture = {.name = "input", .rank = 3, .dim = {3, 4, 4}},
                       tone = {.name = "input", .rank = 2, .dim = {8, 3}},
                       label = {.name = "label", .target = true, .is_int = true, .below = 2},
                       mask = {.name = "label",
                               .target = true,
                               .is_int = true,
                               .below = 3,
                               .rank = 2,
                               .dim = {4, 4}};
static const struct {
  const char *folder, *below[2], *file[2];
  const data_port *port[2];
  int mel;
} kinds[] = {
    {"cifar", {"", ""}, {"data_batch_1", "test_batch"}, {NULL, NULL}, 0},
    {"idx", {"", ""}, {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"}, {NULL, NULL}, 0},
    {"pictures", {"a", "b"}, {"a/1.png", "b/2.png"}, {&picture, &label}, 0},
    {"masks", {"images", "masks"}, {"images/1.png", "masks/1.png"}, {&picture, &mask}, 0},
    {"sounds", {"a", "b"}, {"a/1.wav", "b/2.wav"}, {&tone, &label}, 8},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static char root[] = "/tmp/fuzz-folder-XXXXXX";

static void remove_all(void) {
  char path[200];
  for (int k = 0; k < N_KINDS; k++) {
    for (int i = 0; i < 2; i++) {
      snprintf(path, sizeof path, "%s/%s/%s", root, kinds[k].folder, kinds[k].file[i]);
      unlink(path);
    }
    for (int i = 0; i < 2; i++) {
      snprintf(path, sizeof path, "%s/%s/%s", root, kinds[k].folder, kinds[k].below[i]);
      rmdir(path);
    }
    snprintf(path, sizeof path, "%s/%s", root, kinds[k].folder);
    rmdir(path);
  }
  rmdir(root);
}

static void make_folders(void) {
  char path[200];
  if (!mkdtemp(root)) abort();
  for (int k = 0; k < N_KINDS; k++) {
    snprintf(path, sizeof path, "%s/%s", root, kinds[k].folder);
    mkdir(path, 0700);
    for (int i = 0; i < 2; i++) {
      snprintf(path, sizeof path, "%s/%s/%s", root, kinds[k].folder, kinds[k].below[i]);
      mkdir(path, 0700);
    }
  }
  atexit(remove_all);
}

static void put(int kind, int file, const uint8_t *bytes, size_t n) {
  char path[200];
  snprintf(path, sizeof path, "%s/%s/%s", root, kinds[kind].folder, kinds[kind].file[file]);
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) abort();
}

static void look(int kind) {
  char path[200], *error = NULL;
  float values[64];
  data_port port[2];
  snprintf(path, sizeof path, "%s/%s", root, kinds[kind].folder);
  dataset_options o = {.path = path, .any = true, .mel = kinds[kind].mel};
  if (kinds[kind].port[0]) {
    port[0] = *kinds[kind].port[0], port[1] = *kinds[kind].port[1];
    o.port = port, o.n_port = 2;
    if (port[0].rank == 3) o.c = 3, o.h = 4, o.w = 4;
  }
  dataset *ds = dataset_open(&o, &error);
  if (!ds == !error) abort();
  for (int p = 0; ds && p < ds->n_port; p++)
    if (ds->n > 0 && dataset_field(ds, p)->size <= 64) dataset_port(ds, p, 0, values);
  dataset_close(ds);
  free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  static bool made;
  if (n < 2) return 0;
  if (!made) make_folders();
  made = true;
  const int kind = bytes[0] % N_KINDS;
  const size_t first = (n - 2) * bytes[1] / 255;
  put(kind, 0, bytes + 2, first);
  put(kind, 1, bytes + 2 + first, n - 2 - first);
  look(kind);
  return 0;
}
