/* libFuzzer target for weight files: any bytes give tensors whose values can all be read, or a
   sentence. scripts/fuzz.sh builds and runs it. */
#include "runtime/message.h"
#include "runtime/safetensors.h"
#include "runtime/torch_file.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  char *error = NULL;
  safetensors *s = torch_file_begins(bytes, n) ? torch_file_parse(bytes, n, "fuzz", &error)
                                               : safetensors_parse(bytes, n, "fuzz", &error);
  if (!s) {
    if (!error) abort();
    free(error);
    return 0;
  }
  for (int i = 0; i < s->n; i++) {
    float *v = allocate((size_t)s->tensor[i].count * sizeof *v);
    safetensors_floats(&s->tensor[i], v);
    free(v);
  }
  safetensors_free(s);
  return 0;
}
