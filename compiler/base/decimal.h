/* Numbers as people write them: digits, a point, an exponent. strtod alone would also take
   hexadecimal ones (the `0x2` of `p0x2`), "inf" and "nan". */
#ifndef NETC_DECIMAL_H
#define NETC_DECIMAL_H
#include <ctype.h>
#include <stdlib.h>

/* The number at the beginning of text; *end is behind it, or text itself where there is none. */
static inline double decimal(const char *text, const char **end) {
  const char *digits = text + (*text == '-' || *text == '+');
  const char *first = digits + (*digits == '.');
  *end = text;
  if (!isdigit((unsigned char)*first)) return 0;
  if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
    *end = digits + 1;
    return 0;
  }
  char *behind;
  double v = strtod(text, &behind);
  *end = behind;
  return v;
}
#endif
