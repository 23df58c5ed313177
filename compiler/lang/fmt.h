/* `netc fmt`: one canonical layout for a network file. */
#ifndef NETC_FMT_H
#define NETC_FMT_H
#include "base/source.h"

/* The text (zero-terminated) in canonical layout, in the arena; NULL if it does not parse: d has
   the errors. One statement a line; a body in braces on its line while it fits in 80 columns
   (of blocks and repeats: if it is one statement);
   comments and single blank lines are kept; operators keep the layout of their own. Idempotent. */
char *format_source(arena *a, diag *d, const char *shown_name, const char *text);
#endif
