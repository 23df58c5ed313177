#ifndef NETC_LINE_DIFF_H
#define NETC_LINE_DIFF_H
#include <stddef.h>

typedef struct {
  char kind; /* ' ' in both, '+' in the text only, '-' in the base only */
  const char *at;
  size_t n; /* without blanks at the end, which do not count */
} diff_line;

/* The lines of two texts by a longest common subsequence; what was removed stands before what came
   for it. Returns how many there are, at most room. */
int line_diff(const char *base, const char *text, diff_line *out, int room);
#endif
