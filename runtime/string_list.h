/* Lists and arrays of strings. */
#ifndef NETC_STRING_LIST_H
#define NETC_STRING_LIST_H
#include "value.h"

/* How many strings v is a list (or an array with one axis) of; -1: it is none. */
int64_t count_strings(const value *v);
/* String i of them, fit to be shown: control characters become question marks; malloc'd. */
char *string_at(const value *v, int64_t i);
#endif
