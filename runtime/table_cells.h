/* What cells of tables are, and rows whose cells stand apart by blanks only. */
#ifndef NETC_TABLE_CELLS_H
#define NETC_TABLE_CELLS_H
#include <stdbool.h>
#include <stddef.h>

/* A number as people write it: decimal_text's, also with thousands apart by commas (where the mark
   before the fraction is a comma: by points, if a comma follows), behind or before a currency's
   sign, or in percent ("12 %" is 12). */
bool written_number(const char *text, size_t n, char mark, double *out);
/* NA, ?, nothing .. */
bool missing_word(const char *text, size_t n);
/* Where the blanks at p end, and where the cell at p does that ends at a blank, or behind its
   quotes; neither goes beyond a line. */
const char *after_blanks(const char *p, const char *end);
const char *after_blank_cell(const char *p, const char *end);
/* The cells of the first line. */
int count_blank_cells(const char *text, const char *end);
/* Are the first lines cells apart by blanks: three lines or more of equal number, three cells or
   more, all numbers but the first or the last of a line, or what has quotes? */
bool looks_blank_separated(const char *text, const char *end);
/* A copy of text[0..n) in UTF-8: what is not is read as Latin-1, and as Windows
   extends it. Malloc'd. */
char *utf8_of(const char *text, size_t n);
#endif
