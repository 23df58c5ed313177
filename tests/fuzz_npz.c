/* libFuzzer target for NumPy's files: any bytes, as one array without the zip around it (whose
   check sums stop most changes) and as an archive, give values or a sentence. scripts/fuzz.sh
   builds and runs it. */
#include "runtime/npz.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void look(bool (*read)(value_heap *, const uint8_t *, size_t, value *, char **),
                 const uint8_t *bytes, size_t n) {
  value_heap *h = heap_new(npz_budget(n));
  value v;
  char *error = NULL;
  if (!read(h, bytes, n, &v, &error) && !error) abort();
  free(error);
  heap_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  look(npy_read, bytes, n);
  look(npz_read, bytes, n);
  return 0;
}
