/* Tables of text (CSV, TSV): a row is a sample, a column that is numbers throughout is floats, any
   other one is words. */
#ifndef NETC_CSV_H
#define NETC_CSV_H
#include "field.h"
#include <stddef.h>

typedef struct {
  int n_target, n_drop; /* names of columns, or their numbers from 1 */
  const char *const *target, *const *drop;
  bool series;       /* a row is a moment: what the target was belongs to the input too */
  int64_t horizon;   /* of a series: rows from a window's last to the first of its target */
  bool all_input;    /* there is no target: every column is for the input */
  bool missing_mean; /* numbers that are missing become their column's mean, words a word of their
                        own; else an error */
  const char
      *known; /* what travelled with weights: whose means are taken (csv_columns.h), or NULL */
} csv_options;

/* A file of the table. Others after the first have its columns, and its header or none. */
typedef struct {
  const char *path, *text;
  size_t n;
  int64_t row; /* the first that is in it: csv_read sets this */
} csv_part;

/* Does this text look like a table: lines of two cells or more, of equal number? */
bool looks_like_csv(const char *text, size_t n);
/* One field for every column that is not dropped, in order; those of the target come last, after
   n_input others. NULL, or a malloc'd sentence with line and column, without the first file's name.
 */
char *csv_read(csv_part *part, int n_part, const csv_options *o, field_set *out, int *n_input);
#endif
