/* Initial weights, to the same bits as the compiler's weights.c, and other small loops. */
#include "embed.h"
#include "base/philox.h"

static void init_tensor(const embed_tensor *t, float *params, uint64_t seed) {
  const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  uint32_t r[4];
  r[0] = r[1] = r[2] = r[3] = 0;
  embed_walk w = embed_start(t);
  for (int64_t k = 0; k < t->count; k++, embed_next(t, &w)) {
    const uint32_t counter[4] = {(uint32_t)(k >> 2), (uint32_t)(k >> 34), t->stream,
                                 0x696e6974u /* "init" */};
    if (t->drawn && (k & 3) == 0) philox4x32_10(counter, key, r);
    float drawn = ((float)(r[k & 3] >> 8) * 0x1p-23f - 1.0f) * t->init;
    params[w.at] = t->drawn ? drawn : t->init;
  }
}

/* The whole block: gaps between tensors become zeros. */
void netc_embed_init(const embed_tensor *t, int32_t n, float *params, int64_t floats,
                     uint64_t seed) {
  for (int64_t i = 0; i < floats; i++) params[i] = 0;
  for (int32_t i = 0; i < n; i++) init_tensor(&t[i], params, seed);
}

void netc_embed_copy(float *to, const float *from, int64_t floats) {
  for (int64_t i = 0; i < floats; i++) to[i] = from[i];
}

/* In order, rounded to float after each addition. */
float netc_embed_mean(const float *v, int32_t n) {
  float sum = 0;
  for (int32_t i = 0; i < n; i++) sum += v[i];
  return sum / (float)n;
}
