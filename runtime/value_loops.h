/* The loops over every value of every sample: what giving batches costs. They are compiled for the
   widest vectors that the machine may have, and give the same bits with any. */
#ifndef NETC_VALUE_LOOPS_H
#define NETC_VALUE_LOOPS_H
#include <stdint.h>

/* to[i] = from[i] * scale: bytes and whole numbers in double precision, rounded once. */
void values_of_bytes(const uint8_t *from, int64_t n, double scale, float *to);
void values_of_whole(const int32_t *from, int64_t n, double scale, float *to);
void values_scaled(const float *from, int64_t n, float scale, float *to);
/* to[i] = own * to[i] + rest * other[i] */
void values_mix(float *to, int64_t n, float own, const float *other, float rest);
/* Adds `times` times a whole number between -510 and 510 to each value, the sum of four random
   bytes less its mean: close to a normal distribution, whose spread is 147.80053. Value i has word
   i mod 4 of the counter whose second word is ctr[1] + i / 4 (philox.h). */
void values_add_noise(const uint32_t ctr[4], const uint32_t key[2], float times, int64_t n,
                      float *v);
/* Positions x of a row of w, read at x - right, or mirrored; what lies outside is 0. */
void values_move_row(const float *from, int w, int right, int mirror, float *to);
#endif
