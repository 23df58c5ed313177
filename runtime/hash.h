/* A 64-bit content hash, to tell whether two data sets or sources are the same. Not for security.
 */
#ifndef NETC_HASH_H
#define NETC_HASH_H
#include <stdint.h>
#include <string.h>

static inline uint64_t hash_mix(uint64_t h) { /* the finalizer of MurmurHash3 */
  h = (h ^ h >> 33) * 0xff51afd7ed558ccdull;
  h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ull;
  return h ^ h >> 33;
}

/* Start with h = 0, or with the hash of what came before. */
static inline uint64_t hash_bytes(uint64_t h, const void *data, size_t n) {
  const uint8_t *p = data;
  h ^= n * 0x9e3779b97f4a7c15ull;
  for (; n >= 8; p += 8, n -= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    h = (h ^ word) * 0x9fb21c651e98df25ull;
    h ^= h >> 32;
  }
  uint64_t rest = 0;
  memcpy(&rest, p, n);
  return hash_mix(h ^ rest);
}
#endif
