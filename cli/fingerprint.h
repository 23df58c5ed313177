/* A network's identity: two graphs with the same fingerprint compute the same function and the same
   gradients, however their files are written. */
#ifndef NETC_FINGERPRINT_H
#define NETC_FINGERPRINT_H
#include "graph/graph.h"
/* 64 hexadecimal digits. Covers nodes, settings, shapes, and the definitions of their operators, of
   the loss and of optimizer `0`; not comments, labels, data or training values. */
void graph_fingerprint(const graph *g, char out[65]);
#endif
