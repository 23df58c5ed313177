/* A stream of random numbers: the same on every machine for the same seed (splitmix64, Steele, Lea
   and Flood 2014). */
#ifndef RANDOM_H
#define RANDOM_H
#include <stdbool.h>
#include <stdint.h>

typedef struct {
  uint64_t state;
} stream;

static inline uint64_t next(stream *s) {
  uint64_t z = s->state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* 0 .. n-1 */
static inline int below(stream *s, int n) { return (int)(next(s) % (uint64_t)n); }
/* lo .. hi */
static inline int between(stream *s, int lo, int hi) {
  return hi <= lo ? lo : lo + below(s, hi - lo + 1);
}
static inline bool chance(stream *s, int percent) { return below(s, 100) < percent; }

/* A size: one is frequent, and so are the widths of vectors and their neighbours. */
static inline int size_up_to(stream *s, int most) {
  static const int edges[] = {15, 16, 17, 31, 32, 33};
  int n = chance(s, 20)   ? 1
          : chance(s, 30) ? edges[below(s, 6)]
          : chance(s, 70) ? between(s, 2, 9)
                          : between(s, 1, 33);
  return n <= most ? n : between(s, 1, most);
}
#endif
