/* `loss .. weights=balanced`: what each class weighs, by the samples that are trained on. */
#ifndef NETC_CLASS_WEIGHTS_H
#define NETC_CLASS_WEIGHTS_H
#include "dataset.h"
#include "graph/graph.h"

/* Gives balanced losses their weights: samples / (classes * samples of the class), as
   scikit-learn's class_weight="balanced"; positions count where there are several. A class that
   does not occur weighs 1. index: the samples that count, n of them; NULL: the first n. */
void class_weights_measure(graph *g, const dataset *ds, const int64_t *index, int64_t n);
#endif
