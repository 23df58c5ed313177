/* Predictions for every sample of a data file: rows of a table, arrays of an .npz or a pickle. */
#ifndef NETC_PREDICT_ROWS_H
#define NETC_PREDICT_ROWS_H
#include "graph/graph.h"

typedef struct {
  const char *weights, *path;
  int top, threads;
  const char *const *names; /* of the classes, or NULL */
  int n_names;
  void *list; /* a json-c array to add to; NULL: print a table */
} predict_rows_options;

/* The exit status. */
int predict_rows(const graph *g, const predict_rows_options *o);
#endif
