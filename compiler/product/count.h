/* Parameters and arithmetic, node by node. */
#ifndef NETC_COUNT_H
#define NETC_COUNT_H
#include "nest/nest.h"

/* Trained parameters and multiply-adds by node id; both arrays have n_node places. The nests are
   those of inference, simplified. */
void count_by_node(const nestprog *p, int n_node, int64_t *params, int64_t *macs);
#endif
