/* SHA-256 (FIPS 180-4): names the exact sources of a run in run.json. */
#ifndef NETC_SHA256_H
#define NETC_SHA256_H
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint32_t h[8];
  uint64_t bytes;
  uint8_t block[64];
} sha256;
void sha256_start(sha256 *s);
void sha256_add(sha256 *s, const void *data, size_t n);
/* 64 hexadecimal digits and a 0 byte. */
void sha256_hex(sha256 *s, char out[65]);
#endif
