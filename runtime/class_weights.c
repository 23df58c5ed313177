#include "class_weights.h"
#include "message.h"
#include <stdlib.h>

/* The port of the data set that a target is; -1: none. */
static int port_of(const graph *g, const port *target) {
  for (int i = 0; i < g->n_target; i++)
    if (g->target[i] == target) return g->n_input + i;
  return -1;
}

static void measure(graph *g, lossuse *l, const dataset *ds, const int64_t *index, int64_t n) {
  int at = -1;
  for (int i = 0; i < l->n_with && at < 0; i++) at = port_of(g, l->with[i]);
  if (at < 0) return;
  const port *target = g->target[at - g->n_input];
  const int64_t classes = target->below, each = shape_elements(&target->shape);
  if (!classes) return;
  int32_t *label = allocate((size_t)each * sizeof *label);
  int64_t *count = allocate((size_t)classes * sizeof *count);
  for (int64_t i = 0; i < n; i++) {
    dataset_port(ds, at, index ? index[i] : i, label);
    for (int64_t k = 0; k < each; k++) count[label[k]]++;
  }
  l->n_table = (int)classes;
  l->table = NEW_N(g->mem, double, classes);
  for (int64_t c = 0; c < classes; c++)
    l->table[c] = count[c] ? (double)n * (double)each / ((double)classes * (double)count[c]) : 1;
  free(label);
  free(count);
}

void class_weights_measure(graph *g, const dataset *ds, const int64_t *index, int64_t n) {
  for (int i = 0; i < g->train.n_loss; i++)
    if (g->train.loss[i].balanced) measure(g, &g->train.loss[i], ds, index, n);
}
