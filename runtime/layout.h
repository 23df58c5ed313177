/* Which axis of a stored array is which: rows, columns, channels. */
#ifndef NETC_LAYOUT_H
#define NETC_LAYOUT_H
#include "dataset.h"
#include "value.h"

typedef struct {
  image_layout layout;
  int h, w, c;
  int64_t step_n, step_c, step_h, step_w; /* bytes from one to the next */
} image_axes;

/* Reads an array of images by its shape, the options, and what the network takes. NULL, or a
   malloc'd sentence: the shape is none of images, or could be read in two ways. */
char *find_axes(const value_array *a, const dataset_options *o, image_axes *out);
#endif
