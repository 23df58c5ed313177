/* Random initial values, to the same bits in the compiler and in object files. */
#ifndef NETC_DRAW_H
#define NETC_DRAW_H
#include "philox.h"

/* How a parameter begins: at one value, or drawn. */
enum { DRAW_NOTHING, DRAW_UNIFORM, DRAW_NORMAL };

/* Element k of the tensor whose name is hashed in stream, uniform in [-1, 1). */
static inline float draw_uniform(int64_t k, uint32_t stream, const uint32_t key[2]) {
  const uint32_t at[4] = {(uint32_t)(k >> 2), (uint32_t)(k >> 34), stream,
                          0x696e6974u /* "init" */};
  uint32_t r[4];
  philox4x32_10(at, key, r);
  return (float)(r[k & 3] >> 8) * 0x1p-23f - 1.0f;
}

/* Of mean 0 and variance 1: the sum of twelve uniform values, which is exact on every machine. */
static inline float draw_normal(int64_t k, uint32_t stream, const uint32_t key[2]) {
  int32_t sum = -6 * (1 << 24);
  for (uint32_t part = 0; part < 3; part++) {
    const uint32_t at[4] = {(uint32_t)k, (uint32_t)(k >> 32) + (part << 24), stream,
                            0x6e6f726du /* "norm" */};
    uint32_t r[4];
    philox4x32_10(at, key, r);
    for (int i = 0; i < 4; i++) sum += (int32_t)(r[i] >> 8);
  }
  return (float)sum * 0x1p-24f;
}

static inline float draw_value(int kind, int64_t k, uint32_t stream, const uint32_t key[2]) {
  return kind == DRAW_NORMAL ? draw_normal(k, stream, key) : draw_uniform(k, stream, key);
}
#endif
