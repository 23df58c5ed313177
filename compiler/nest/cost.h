/* Work counted on nests. */
#ifndef NETC_COST_H
#define NETC_COST_H
#include "nest.h"
/* Floating-point operations of a nest: every scalar function counts one, a fused multiply-add two.
 */
double nest_flops(const nest *n);
#endif
