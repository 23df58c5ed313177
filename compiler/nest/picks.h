/* Picked axes: in `y[n,k] += select(v == id[n], w[v,k], 0)` one v counts, w is read at id, and the
   cost is not that of v. Where v is an output axis, as in the gradient by w, the sum goes through
   the points that it adds up, in order, and adds each to the element that is picked. */
#ifndef NETC_PICKS_H
#define NETC_PICKS_H
#include "effects.h"

/* The read of a whole number that axis ax must equal for n's term to be other than 0; or NULL. */
expr *picked_by(const nest *n, int ax);
/* Is the picked axis one of the output: is an element added to by number? Then the start and the
   only store are the element itself. */
bool picks_output(const nest *n);
#endif
