/* From values to samples: images of any stored type and layout, labels, names. */
#ifndef NETC_SAMPLES_H
#define NETC_SAMPLES_H
#include "dataset.h"
#include "value.h"

/* Where the arrays of a data set lie: one part, or several that follow one another. */
typedef struct {
  const value *images, *labels, *filenames; /* filenames may be NULL */
  const char *images_key, *labels_key;
} data_part;

/* Gathers parts into a data set. The first part decides shape and type; the others must agree. */
typedef struct {
  const dataset_options *o;
  dataset *ds;
  bool lost_filenames; /* some part has none that fit */
  bool is_bool;        /* pixels are 0 or 1, and are not scaled */
} gatherer;

void gather_begin(gatherer *g, const dataset_options *o);
/* NULL, or a malloc'd sentence that does not name the file. h: room for what is converted. */
char *gather_part(gatherer *g, value_heap *h, const data_part *p);
/* Checks labels against the classes, takes the names (a value or NULL), sets scale and hash. On a
   wrong data set *error, as above. Frees the data set then. */
dataset *gather_end(gatherer *g, const value *label_names, char **error);
void gather_abandon(gatherer *g);
#endif
