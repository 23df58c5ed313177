/* What of each tensor has been written, as boxes with steps; and whether what a nest reads lies
   within. Only what is certain counts: a read whose elements are no such box, or hang on conditions
   of several axes, is taken as right, and what is written as all of the box around it. */
#ifndef NETC_REGIONS_H
#define NETC_REGIONS_H
#include "nest.h"

typedef struct regions regions;
regions *regions_new(arena *mem, int n_tensor);
/* n writes there; what is written through a part of a tensor's memory counts as all of it. Has n,
   with what it wrote before, now written all of the tensor alone? */
bool region_write(regions *r, const nest *n, const access *out);
void region_write_all(regions *r, tensor *t);
/* Has all been written that n reads there, in its term (where all its reads are in range and its
   guards hold) or in what it stores? */
bool region_written(const regions *r, const nest *n, const access *in, bool in_term);
/* Has all been written of t from these indices on, so many elements along each dimension? */
bool region_box_written(const regions *r, const tensor *t, const int64_t *from, const int64_t *dim);
#endif
