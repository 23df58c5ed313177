/* Lists of lists of numbers, and lists of arrays, as one array. */
#ifndef NETC_LISTS_H
#define NETC_LISTS_H
#include "value.h"

/* Makes one array of v: an array as it is, a list (tuple, array of objects) of arrays of one type
   and shape, or nested lists of numbers (elements become float64). *whole: every element is an
   integer. Elements go to the heap. NULL, or a malloc'd sentence: "is a dict", "is ragged: ...". */
char *value_to_array(value_heap *h, const value *v, value_array *out, bool *whole);
#endif
