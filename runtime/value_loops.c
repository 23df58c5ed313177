#include "value_loops.h"
#include "base/philox.h"
#include <string.h>

/* A loop is there for several machines, and the dynamic linker picks: glibc on x86 knows how. */
#if defined(__x86_64__) && defined(__GLIBC__)
#define WIDE __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define WIDE
#endif

WIDE void values_of_bytes(const uint8_t *restrict from, int64_t n, double scale,
                          float *restrict to) {
  for (int64_t i = 0; i < n; i++) to[i] = (float)(from[i] * scale);
}

WIDE void values_of_whole(const int32_t *restrict from, int64_t n, double scale,
                          float *restrict to) {
  for (int64_t i = 0; i < n; i++) to[i] = (float)(from[i] * scale);
}

WIDE void values_scaled(const float *restrict from, int64_t n, float scale, float *restrict to) {
  for (int64_t i = 0; i < n; i++) to[i] = from[i] * scale;
}

WIDE void values_mix(float *restrict to, int64_t n, float own, const float *restrict other,
                     float rest) {
  for (int64_t i = 0; i < n; i++) to[i] = own * to[i] + rest * other[i];
}

enum { COUNTERS = 64 };

/* The words of COUNTERS counters, one after the other in the second word. */
WIDE static void draw_words(const uint32_t ctr[4], uint32_t first, const uint32_t key[2],
                            uint32_t *restrict word) {
  for (uint32_t i = 0; i < COUNTERS; i++) {
    const uint32_t at[4] = {ctr[0], first + i, ctr[2], ctr[3]};
    philox4x32_10(at, key, word + 4 * i);
  }
}

/* Two bytes are added to two others at a time. */
WIDE static void add_sums(const uint32_t *restrict word, float times, int64_t n,
                          float *restrict v) {
  for (int64_t i = 0; i < n; i++) {
    const uint32_t pairs = (word[i] & 0xff00ff) + (word[i] >> 8 & 0xff00ff);
    v[i] += times * (float)((int)((pairs & 0xffff) + (pairs >> 16)) - 510);
  }
}

void values_add_noise(const uint32_t ctr[4], const uint32_t key[2], float times, int64_t n,
                      float *v) {
  uint32_t word[4 * COUNTERS];
  for (int64_t at = 0; at < n; at += 4 * COUNTERS) {
    draw_words(ctr, ctr[1] + (uint32_t)(at / 4), key, word);
    add_sums(word, times, n - at < 4 * COUNTERS ? n - at : 4 * COUNTERS, v + at);
  }
}

void values_move_row(const float *from, int w, int right, int mirror, float *to) {
  const int begin = right < 0 ? 0 : right < w ? right : w, end = right < 0 ? w + right : w;
  memset(to, 0, (size_t)begin * sizeof *to);
  const int n = end > begin ? end - begin : 0;
  if (n && !mirror) memcpy(to + begin, from + begin - right, (size_t)n * sizeof *to);
  for (int x = begin; mirror && x < begin + n; x++) to[x] = from[w - 1 - (x - right)];
  if (begin + n < w) memset(to + begin + n, 0, (size_t)(w - begin - n) * sizeof *to);
}
