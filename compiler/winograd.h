/* winograd: convolutions in tiles with fewer multiplications (winograd.c). */
#ifndef NETC_WINOGRAD_H
#define NETC_WINOGRAD_H
#include "nest.h"

/* Rewrites every convolution, and gradient of one, for which it saves work. Changes the rounding,
   by the nests alone. Requires canonical nests. */
void winograd(nestprog *p);
#endif
