/* libFuzzer target: the loader that objects carry, on any bytes. See scripts/fuzz.sh. */
#include "runtime/embed/load.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, unsigned long n);

int LLVMFuzzerTestOneInput(const uint8_t *data, unsigned long n) {
  static const embed_tensor tensors[] = {
      {.count = 6,
       .rank = 2,
       .file_rank = 2,
       .extent = {2, 3},
       .stride = {1, 2},
       .shape = {2, 3},
       .name = 0,
       .name_bytes = 1},
      {.count = 1, .offset = 6, .is_int64 = 1, .name = 1, .name_bytes = 2}};
  float params[7];
  int32_t status = netc_embed_load(tensors, 2, "acd", params, data, n);
  return status <= 0 && status >= EMBED_TRUNCATED ? 0 : -1;
}
