/* Weight files of a network: which tensors go where, by their names in program_param. */
#ifndef NETC_WEIGHT_FILE_H
#define NETC_WEIGHT_FILE_H
#include "product/program.h"
#include "safetensors.h"

/* Fills the params block (and the state block unless NULL) from a file's tensors. Nothing is
   written unless every tensor is there with its shape. False with *error one message that lists
   all that is missing, of the wrong shape, or unknown to the network (the last unless `extra`). */
bool weights_import(const program *p, const safetensors *st, const char *shown, bool extra,
                    void *params, void *state, char **error);
bool weights_load(const program *p, const char *path, void *params, char **error);
/* Those that fit by name and shape, for training that goes on with another network: *note tells
   (malloc'd) what was left out and what the file lacks, if anything. False if none fits. */
bool weights_load_fitting(const program *p, const char *path, void *params, char **note,
                          char **error);
/* A copy of the params block (and the state block unless NULL) in the order of files. */
typedef struct {
  int n, n_params; /* tensors; the first n_params are those of the params block */
  st_tensor *tensor;
} weight_copy;
weight_copy weights_export(const program *p, const void *params, const void *state);
void weights_free(weight_copy *w);
/* Writes a copy, with or without its optimizer state, whole or not at all. */
bool weights_write(const weight_copy *w, const char *path, bool with_state, const st_meta *meta,
                   int n_meta, char **error);
/* Export and write in one: the params block, and the state block unless NULL. */
bool weights_save(const program *p, const char *path, const void *params, const void *state,
                  const st_meta *meta, int n_meta, char **error);
/* The layer to name when training breaks down: the first whose weights are not finite, else the one
   with the largest weight. *finite tells which; *largest is that weight. */
const char *weights_suspect(const program *p, const void *params, bool *finite, double *largest);
#endif
