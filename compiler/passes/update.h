/* What a training step does with gradients: clipping, the optimizer, the average of the weights. */
#ifndef NETC_UPDATE_H
#define NETC_UPDATE_H
#include "nest/nest.h"

struct opuse;

/* For every tensor, the last nest that reads or writes it. Numbers the nests' places. */
nest **find_last_uses(nestprog *p);
/* A nest of nothing yet over the elements of two tensors of one shape, and where they are. */
nest *elementwise_nest(nestprog *p, tensor *to, tensor *from, access *to_at, access *from_at);
/* Appends the updates of the parameters among the first n tensors; d[i] is the gradient of tensor
   i, or NULL. False if the optimizer's text is wrong. */
bool append_updates(nestprog *p, const struct opuse *optimizer, int n, tensor **d);
#endif
