/* Tables whose rows follow one another in time: samples are windows of rows, targets are rows that
   come after them. */
#ifndef NETC_SERIES_H
#define NETC_SERIES_H
#include "match.h"

/* s: columns, the first n_input of them for the input, the rest for the target; they become the
   fields of the ports, in which windows overlap. begin[0..n_begin): the first rows of the files
   that the table came from, which no window crosses. NULL, or a malloc'd sentence. */
char *make_series(field_set *s, int n_input, int64_t horizon, const data_port *port, int n_port,
                  const int64_t *begin, int n_begin);
/* Rows of a window and of what is told of it, from its first to its last. */
int64_t series_rows(const series_form *f);
/* The windows whose targets lie in the rows from..to, and which begin at row `first` or later:
   out[0..], or only their number where out is NULL. */
int64_t list_series(const series_form *f, int64_t first, int64_t from, int64_t to, int64_t *out);
#endif
