/* A compiled network with trained weights, ready to run: what eval and predict share. */
#ifndef NETC_INFERENCE_H
#define NETC_INFERENCE_H
#include "graph/graph.h"
#include "runtime/evaluate.h"
#include "runtime/memory_block.h"

typedef struct {
  step_buffers b;
  void *params;
  memory_block memory;
} inference;

/* False with *error (malloc'd) if the weights cannot be read or do not fit. */
bool inference_open(inference *f, const graph *g, int batch, bool loss, int threads,
                    const char *weights, char **error);
/* The same of any options. */
bool inference_open_as(inference *f, const graph *g, const program_options *o, const char *weights,
                       char **error);
void inference_close(inference *f);
#endif
