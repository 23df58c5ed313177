/* libFuzzer target: any bytes as a data set of any format give samples or one sentence.
   scripts/fuzz.sh builds and runs it. */
#include "runtime/dataset.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  int fd = memfd_create("fuzz", 0);
  char path[64], *error = NULL;
  if (fd < 0 || write(fd, bytes, n) != (ssize_t)n) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  dataset_options o = {.path = path, .any = true};
  dataset *ds = dataset_open(&o, &error);
  if (!ds == !error) abort();
  if (ds && (ds->bytes || ds->floats)) {
    float *chw = malloc((size_t)ds->c * (size_t)ds->h * (size_t)ds->w * sizeof *chw);
    for (int64_t i = 0; i < ds->n && i < 3; i++) dataset_floats(ds, i, chw);
    free(chw);
  }
  dataset_close(ds);
  free(error);
  close(fd);
  return 0;
}
