/* Pickles and .npz as named fields: every array (or list that can be one) whose first axis counts
   the samples. */
#ifndef NETC_NAMED_FIELDS_H
#define NETC_NAMED_FIELDS_H
#include "field.h"
#include "value.h"

/* root: what the file holds. NULL, or a malloc'd sentence that does not name the file. On success
   *out is the caller's to free. Pairs such as x_train and x_test become one field, with the test
   samples last. */
char *named_fields(value_heap *h, const value *root, field_set *out);
#endif
