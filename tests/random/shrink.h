/* A failing text made small. */
#ifndef SHRINK_H
#define SHRINK_H
#include <stdbool.h>

/* The smallest text found (malloc'd) for which fails(text, arg) holds, as it does for `text`. Works
   on any text of statements in braces, whatever its words mean; takes some `seconds`. */
char *shrink(const char *text, bool (*fails)(const char *text, void *arg), void *arg,
             double seconds);
#endif
