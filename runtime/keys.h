/* Which keys of a file hold the images and the labels: named by the user, or found by the names
   that people use. */
#ifndef NETC_KEYS_H
#define NETC_KEYS_H
#include "samples.h"

typedef struct {
  data_part part[2]; /* training and test, or only one */
  int n;
  const value *label_names; /* or NULL */
  const char *left_out;     /* images of a validation set beside a test set, or NULL */
} data_keys;

/* root: what the file holds. NULL, or a malloc'd sentence that names the keys there are and says
   how to choose. Keys in *out point into constants and options. */
char *find_keys(const value *root, const dataset_options *o, data_keys *out);
/* The one key of a dictionary that has a usual name of images or inputs, and that of labels or
   targets; NULL: none, or several. */
typedef struct {
  const char *x, *y;
} usual_keys;
usual_keys usual_keys_of(const value *dict);
/* "x" or "y" for such a key; NULL for any other. */
const char *usual_name(const usual_keys *u, const value *key);
const value *find_label_names(const value *root);
/* Records what the file holds, for `netc data`; at most 64 keys, once. */
void note_entries(dataset *ds, const value *root);
#endif
