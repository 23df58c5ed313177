/* The ways in which people save a data set, brought to one: a dictionary of arrays. */
#ifndef NETC_SAVED_FORM_H
#define NETC_SAVED_FORM_H
#include "value.h"

/* Makes of *root, where it is one of these, a dictionary with x_train, y_train and so on:
     ((x, y), (x, y)) or three such pairs                     training, (validation,) test
     (x, y, x, y) or (x, x, y, y), or six arrays              the same, told by their lengths
     {"train": .., "val": .., "test": ..}                     each a dictionary, pair or list
     [(x, y), ..] or [{"x": .., "y": ..}, ..]                 one entry for each sample
   Several arrays of one length become arr_0, arr_1 and so on, as in an .npz. Anything else stays as
   it is. NULL, or a malloc'd sentence. New values lie in the heap. */
char *name_parts(value_heap *h, value *root);
#endif
