#ifndef NETC_CONFUSION_H
#define NETC_CONFUSION_H
#include <stdbool.h>
#include <stdint.h>

/* Writes a confusion matrix as a picture (SVG, light or dark as its viewer): count[truth * n +
   predicted], each row shaded by its shares. False with *error (malloc'd). */
bool confusion_write(const char *path, const char *const *name, const int64_t *count, int n,
                     char **error);
#endif
