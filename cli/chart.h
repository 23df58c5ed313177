/* Line charts as inline SVG, in the colours of the page that they stand in (its CSS variables --fg,
   --soft, --line, and --c0 .. --c7 for the lines). */
#ifndef NETC_CHART_H
#define NETC_CHART_H
#include <stdbool.h>
#include <stdio.h>

enum { CHART_COLOURS = 8 };

typedef struct {
  int n;              /* epochs, from 1 */
  int colour;         /* any number: it wraps, and later rounds are dashed */
  const double *mean; /* of every epoch */
  const double *dev;  /* standard deviation, drawn as a band; NULL: none */
} chart_series;

/* title is plain text; share: the values are shares, and the axis ends at 1. */
void chart_svg(FILE *f, const char *title, const chart_series *s, int n, bool share);
#endif
