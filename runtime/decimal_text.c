#include "decimal_text.h"
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  bool negative;
  uint64_t digits;  /* without the mark; wrong where there are more than 19 */
  int significant;  /* digits from the first that is not 0 */
  int64_t exponent; /* of 10 */
} parts;

static bool strtod_text(const char *p, size_t n, char mark, double *out) {
  char text[64], *end;
  if (n >= sizeof text) return false;
  memcpy(text, p, n);
  text[n] = 0;
  if ((end = memchr(text, mark, n))) *end = '.';
  *out = strtod(text, &end);
  return !*end && isfinite(*out);
}

static const char *add_digits(const char *p, const char *end, parts *to) {
  for (; p < end && *p >= '0' && *p <= '9'; p++) {
    to->digits = to->digits * 10 + (uint64_t)(*p - '0');
    to->significant += to->significant > 0 || *p != '0';
  }
  return p;
}

/* "e-5" and the end of the text. */
static bool read_exponent(const char *p, const char *end, parts *to) {
  const bool below = ++p < end && *p == '-';
  int64_t e = 0;
  if (p < end && (*p == '-' || *p == '+')) p++;
  const char *first = p;
  for (; p < end && *p >= '0' && *p <= '9' && e < 10000; p++) e = e * 10 + (*p - '0');
  to->exponent += below ? -e : e;
  return p == end && p != first;
}

static bool read_parts(const char *p, const char *end, char mark, parts *to) {
  *to = (parts){.negative = p < end && *p == '-'};
  if (p < end && (*p == '-' || *p == '+')) p++;
  const char *from = p;
  p = add_digits(p, end, to);
  bool any = p != from;
  if (p < end && (*p == '.' || *p == mark)) {
    from = ++p;
    p = add_digits(p, end, to);
    to->exponent = from - p;
    any |= p != from;
  }
  if (!any || (p < end && *p != 'e' && *p != 'E')) return false;
  return p == end || read_exponent(p, end, to);
}

/* One division or multiplication of exact numbers rounds once (Clinger 1990). */
static bool small(const parts *of, double *out) {
  static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const int64_t e = of->exponent;
  if (of->significant > 15 || e < -22 || e > 22) return false;
  *out = e < 0 ? (double)of->digits / power[-e] : (double)of->digits * power[e];
  return true;
}

/* The same with the bits that long double has beyond a double. It has rounded once by then: where
   its neighbours are other doubles, that may have been the wrong way. */
static bool medium(const parts *of, double *out) {
  static const long double power[] = {1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,
                                      1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
                                      1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L,
                                      1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};
  const int64_t e = of->exponent;
  if (LDBL_MANT_DIG < 64 || of->significant > 19 || e < -27 || e > 27) return false;
  const long double v = e < 0 ? (long double)of->digits / power[-e]
                              : (long double)of->digits * power[e],
                    step = v * LDBL_EPSILON;
  *out = (double)v;
  return (double)(v - step) == (double)(v + step);
}

bool decimal_text(const char *text, size_t n, char mark, double *out) {
  parts of;
  if (!read_parts(text, text + n, mark, &of)) return false;
  if (!small(&of, out) && !medium(&of, out)) return strtod_text(text, n, mark, out);
  if (of.negative) *out = -*out;
  return true;
}
