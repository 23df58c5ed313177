/* A part of grad (versions.c). */
#ifndef NETC_VERSIONS_H
#define NETC_VERSIONS_H
#include "nest/nest.h"

/* States that are read and written within a step: a tensor for each of their values. Returns one
   for which that cannot be done, or NULL. */
const tensor *version_states(nestprog *p);
#endif
