/* A part of grad (versions.c). */
#ifndef NETC_VERSIONS_H
#define NETC_VERSIONS_H
#include "nest/nest.h"

/* States that are read and written within a step: a tensor for each of their values. Returns one
   for which that cannot be done, or NULL. */
const tensor *version_states(nestprog *p);
/* By tensor id: what a nest adds to that an earlier one has written. */
bool *find_added_to(const nestprog *p);
/* Where such a tensor is read before it is added to, what has been read stays, as a tensor of its
   own. It is whole by then: an operator may read nothing else. */
void keep_read_values(nestprog *p);
#endif
