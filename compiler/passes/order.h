/* The parts of the pass `order` (order.c). */
#ifndef NETC_ORDER_H
#define NETC_ORDER_H
#include "nest/nest.h"
/* Replaces a long sum by partial sums and, behind it, their sum; false if it is not worth it. */
bool split_sum(nestprog *p, nest *n);
#endif
