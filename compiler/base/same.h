/* Are two names the same? Most differ in their first letter, and lists of names are searched for
   every layer of a network. */
#ifndef NETC_SAME_H
#define NETC_SAME_H
#include <stdbool.h>
#include <string.h>

static inline bool same_name(const char *a, const char *b) { return *a == *b && !strcmp(a, b); }
#endif
