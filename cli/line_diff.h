#ifndef NETC_LINE_DIFF_H
#define NETC_LINE_DIFF_H
#include <stdbool.h>
/* Marks the lines of `text` that a longest common subsequence with the lines of `base` leaves out.
   changed[i] is for line i; returns how many lines text has (at most `room`). Blanks at the ends of
   lines do not count. */
int lines_changed(const char *base, const char *text, bool *changed, int room);
#endif
