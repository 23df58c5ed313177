/* What of a data set travels with the weights, in their metadata, so that predictions need nothing
   else: names of classes, vocabulary, columns, scale, layout. Values are JSON. */
#ifndef NETC_TRAVEL_H
#define NETC_TRAVEL_H
#include "dataset.h"
#include "graph/graph.h"
#include "safetensors.h"

enum { MAX_TRAVEL = 10 };

/* Metadata of ds and of the network trained on it; values are malloc'd. Returns how many. */
int travel_of(const dataset *ds, const graph *g, st_meta out[MAX_TRAVEL]);
/* A list of strings out of metadata, malloc'd with its strings; NULL: not there, or damaged. */
char **travel_list(const safetensors *st, const char *key, int64_t *n);
void travel_free(char **list, int64_t n);
#endif
