/* The statistics of the training samples, for the layers that take inputs to mean 0 and spread 1.
 */
#ifndef NETC_NORMALIZE_H
#define NETC_NORMALIZE_H
#include "dataset.h"
#include "graph/graph.h"
#include "product/program.h"
#include "split.h"

/* The input that layer n is the `normalize` of, right behind it; -1: it is none. */
int normalize_port(const graph *g, const node *n);
/* Sets the tensors `mean` and `std` of every layer `normalize` right behind an input: the mean and
   the standard deviation (of the population, as scikit-learn's StandardScaler) of each channel or
   column over the training samples; of constant ones the deviation is 1. */
void normalize_measure(const program *p, const graph *g, const dataset *ds, const split *sp,
                       void *params);
#endif
