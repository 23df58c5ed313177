/* Numbers as they stand in tables, to the double that is nearest, as strtod reads them, and many
   times as fast. */
#ifndef NETC_DECIMAL_TEXT_H
#define NETC_DECIMAL_TEXT_H
#include <stdbool.h>
#include <stddef.h>

/* All of text[0..n) as a decimal number with `mark` (or a point) before its fraction. False: it is
   none, or not finite. */
bool decimal_text(const char *text, size_t n, char mark, double *out);
#endif
