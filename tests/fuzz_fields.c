/* libFuzzer target for the readers of tables, texts, IDX and WAV files, and for the matching of
   fields and ports: any bytes give a data set or a sentence. The first byte chooses the network.
   scripts/fuzz.sh builds and runs it. */
#include "runtime/dataset.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const data_port networks[][2] = {
    {{.name = "input", .rank = 1, .dim = {4}},
     {.name = "label", .target = true, .is_int = true, .below = 3}},
    {{.name = "input", .rank = 1, .dim = {3}, .is_int = true, .below = 256},
     {.name = "label", .target = true, .rank = 1, .dim = {3}, .is_int = true, .below = 256}},
    {{.name = "input", .rank = 3, .dim = {1, 4, 4}}, {.name = "label", .target = true, .rank = 0}},
    {{.name = "input", .rank = 2, .dim = {8, 3}},
     {.name = "label", .target = true, .rank = 1, .dim = {2}}}};
enum { N_NETWORKS = sizeof networks / sizeof *networks };

static dataset_options options(uint8_t choice, const char *path) {
  dataset_options o = {.path = path, .any = true, .bytes = choice & 16, .mel = choice & 32 ? 8 : 0};
  o.csv.missing_mean = choice & 64;
  o.csv.series = choice & 128;
  o.csv.horizon = choice & 16 ? 2 : 0;
  if (choice % 8 >= N_NETWORKS) return o;
  o.n_port = 2;
  o.port = networks[choice % 8];
  if (o.port[0].rank == 3) o.c = 1, o.h = 4, o.w = 4;
  return o;
}

static void look(const dataset *ds) {
  float values[64];
  for (int64_t i = 0; i < ds->n && i < 3; i++)
    for (int p = 0; p < ds->n_port; p++)
      if (dataset_field(ds, p)->size <= 64) dataset_port(ds, p, i, values);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  int fd = memfd_create("fuzz", 0);
  char path[64], *error = NULL;
  if (n < 1) {
    close(fd);
    return 0;
  }
  if (fd < 0 || write(fd, bytes + 1, n - 1) != (ssize_t)n - 1) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  dataset_options o = options(*bytes, path);
  dataset *ds = dataset_open(&o, &error);
  if (!ds == !error) abort();
  if (ds) look(ds);
  dataset_close(ds);
  free(error);
  close(fd);
  return 0;
}
