/* libFuzzer target for data sets: any bytes give a data set or a sentence. Build and run with
   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -iquote . -iquote compiler \
     tests/fuzz_pickle.c runtime/{pickle,pickle_build,pickle_text,value,array,lists,layout}.c \
     runtime/{keys,samples,dataset,cifar,npz,file,message}.c compiler/arena.c -lzip -lm
   ./a.out -rss_limit_mb=512 CORPUS tests/data/pickles */
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
  dataset_options o = {.path = path};
  dataset *ds = dataset_open(&o, &error);
  if (!ds == !error) abort();
  if (ds) {
    float *chw = malloc((size_t)ds->c * (size_t)ds->h * (size_t)ds->w * sizeof *chw);
    for (int64_t i = 0; i < ds->n && i < 3; i++) dataset_floats(ds, i, chw);
    free(chw);
  }
  dataset_close(ds);
  free(error);
  close(fd);
  return 0;
}
