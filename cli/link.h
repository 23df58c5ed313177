/* The system's C compiler as a linker. */
#ifndef NETC_LINK_H
#define NETC_LINK_H
#include <stddef.h>
/* The shared library made of one object with $CC (default cc); malloc'd, or NULL with *error
   (malloc'd). Its messages go to stderr. */
char *link_shared(const char *object, size_t n, size_t *out_n, char **error);
#endif
