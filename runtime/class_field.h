/* Classes from what people keep them as: whole numbers from anywhere, words, one-hot rows. */
#ifndef NETC_CLASS_FIELD_H
#define NETC_CLASS_FIELD_H
#include "field.h"

/* Is every sample a row with one 1 and else 0? */
bool is_one_hot(const data_field *f);
/* Makes f one whole number in [0, classes) for each of s->n samples, with names where there are
   any, and a note of what was done. NULL, or a malloc'd sentence. */
char *field_to_classes(field_set *s, data_field *f, int64_t classes);
#endif
