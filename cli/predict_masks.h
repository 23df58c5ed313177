/* Predictions of networks that tell a class for every pixel of a picture: masks. */
#ifndef NETC_PREDICT_MASKS_H
#define NETC_PREDICT_MASKS_H
#include "cli/inference.h"
#include "runtime/image.h"

typedef struct {
  const char *folder; /* where masks are written, or NULL */
  const char *const *names;
  int n_names;
  void *list; /* a json-c array to add to; NULL: print a table */
} predict_masks_options;

/* Does the network take one image and tell a class of every pixel? */
bool tells_masks(const graph *g);
/* One picture, whose pixels stand in the network's input. False with *error. */
bool predict_mask(const graph *g, const predict_masks_options *o, inference *f, const char *path,
                  char **error);
#endif
