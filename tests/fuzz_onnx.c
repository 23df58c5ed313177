/* libFuzzer target: any bytes as an ONNX model become a network or one sentence.
   scripts/fuzz.sh builds and runs it. */
#include "import/import.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  arena *a = arena_new();
  const char *error = NULL;
  import_result r = {0};
  import_options o = {.title = "fuzz"};
  bool ok = import_model(a, bytes, n, NULL, &o, &r, &error);
  if (ok ? !r.text : !error) abort();
  arena_free(a);
  return 0;
}
