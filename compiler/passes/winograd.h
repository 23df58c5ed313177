/* What the parts of the pass `winograd` share. */
#ifndef NETC_WINOGRAD_H
#define NETC_WINOGRAD_H
#include "tile_math.h"

/* One index d[j * out + k * tap + c] of the data, with g[.. tap ..]. The longer of the two axes
   comes in tiles, and has the factor 1; the other one has the factor `step` (dilation), or -step
   where it is reversed. */
typedef struct {
  int out, tap; /* axes */
  int data_dim, kernel_dim;
  int64_t c, of_out, of_tap; /* of_out > 0 */
  int64_t step;
  bool reversed;
} pairing;

typedef struct {
  nestprog *p;
  tile_product **products;
  nest *n;
  expr *data, *kernel; /* reads */
  int n_pair;
  pairing pair[MAX_PAIRS];
  bool tiled_taps;    /* the taps come in tiles, not the outputs */
  int tile, few;      /* lengths of the one and of the other */
  int alpha, n_point; /* products for a tile along one axis, and along all */
  int batch;          /* the axis of samples ... */
  int64_t portion;    /* ... of which a chain takes so many at a time; 0: no chain */
} form;

/* Is n a convolution that pays in tiles? Fills in f but for p and products. */
bool winograd_matches(form *f, nest *n);
/* The axis that alone, and wholly, runs along dimension d; -1: none, index 0 of extent 1; -2: no
   such thing. */
int plain_axis(const nest *n, const access *x, int d);
/* How many dimensions an axis stands in. */
int dims_with(const access *x, int ax);
/* Of an operand: the pair that runs along dimension d, or NULL. */
const pairing *pair_along(const form *f, bool data, int d);
/* The axis of n that counts tiles. */
int tiled_axis(const form *f, const pairing *q);
/* Elements of a tile lie `step` apart; so many tiles begin at each place of the first step. */
int64_t tile_rounds(const form *f, const pairing *q);
int64_t tile_count(const form *f, const pairing *q);
/* Does the last tile reach beyond the axis? */
bool ragged(const form *f);
#endif
