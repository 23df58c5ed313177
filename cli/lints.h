/* Settings that are allowed and seldom do what is meant. Each warning says why. */
#ifndef NETC_LINTS_H
#define NETC_LINTS_H
#include "cli/workload.h"
/* Adds warnings to the graph's diagnostics, which the caller prints; returns how many. w->ds and
   w->sp may be NULL: then only the network and its training values are looked at. */
int add_lints(const workload *w);
#endif
