/* The same made-up samples on every machine, and a hash of results. */
#include <stdint.h>

static inline uint32_t next_random(uint32_t *s) { return *s = *s * 1664525u + 1013904223u; }

static inline void make_samples(float *x, int64_t n, int32_t *labels, int batch, int classes,
                                uint32_t seed) {
  for (int64_t i = 0; i < n; i++) x[i] = (float)(next_random(&seed) >> 8) * 0x1p-24f;
  for (int i = 0; i < batch; i++)
    labels[i] = (int32_t)((next_random(&seed) >> 8) % (uint32_t)classes);
}

/* FNV-1a, 64 bits. */
static inline uint64_t hash_bytes(const void *data, int64_t n) {
  uint64_t h = 14695981039346656037u;
  for (int64_t i = 0; i < n; i++) h = (h ^ ((const uint8_t *)data)[i]) * 1099511628211u;
  return h;
}
