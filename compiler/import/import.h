/* ONNX models as network files. */
#ifndef NETC_IMPORT_H
#define NETC_IMPORT_H
#include "graph/graph.h"
#include "model.h"

/* A tensor for the weight file of the new network. */
typedef struct {
  const char *name; /* "conv1.weight" */
  const constant *k;
} import_weight;

typedef struct {
  const char *text; /* the network file */
  bool ends_in_softmax;
  int n_weight;
  import_weight *weight;
  int n_fact;
  const model_fact *fact; /* of its data, as weight files say it: names of classes, .. */
} import_result;

typedef struct {
  const char *title;  /* the comment on the first line */
  const char *output; /* the result to compute; NULL: the model's only one */
  bool logits;        /* leave out a softmax at the end */
} import_options;

/* Reads a model, and writes it as a network. False with *error a text in the arena, a line for each
   reason: all nodes that are no layers are named at once. */
bool import_model(arena *a, const uint8_t *bytes, size_t n, const model_files *files,
                  const import_options *o, import_result *r, const char **error);
#endif
