/* Initial weights, to the same bits as the compiler's weights.c, and other small loops. */
#include "embed.h"
#include "base/draw.h"

static void init_tensor(const embed_tensor *t, float *params, uint64_t seed) {
  const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  embed_walk w = embed_start(t);
  for (int64_t k = 0; k < t->count; k++, embed_next(t, &w))
    params[w.at] = t->drawn ? draw_value(t->drawn, k, t->stream, key) * t->init : t->init;
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
