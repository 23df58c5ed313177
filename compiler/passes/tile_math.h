/* The matrices of convolutions in tiles (winograd.c): y = A' [(G g) * (B' d)]. */
#ifndef NETC_TILE_MATH_H
#define NETC_TILE_MATH_H
#include "nest/nest.h"

enum { MAX_ALPHA = 6, MAX_PAIRS = 2, MAX_TRANSFORMED = 36 };

typedef enum {
  TILE_DATA,   /* B': alpha x alpha */
  TILE_KERNEL, /* G: alpha x length */
  TILE_INVERSE /* A': length x alpha */
} tile_matrix;

/* The products that were taken already: a tile of the same shape repeats their steps. */
typedef struct tile_product tile_product;
static inline int power_of(int x, int n) { return n ? x * power_of(x, n - 1) : 1; }
/* The matrix times v along each of n_dim dimensions: v, all different, becomes the result. */
void tile_multiply(exprs *x, tile_product **known, tile_matrix m, int alpha, int length, int n_dim,
                   expr **v);
#endif
