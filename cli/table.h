/* Tables on stdout that fit the terminal: where it is too narrow, columns are left out, the least
   important first, and named below. In a pipe every column is there. */
#ifndef NETC_TABLE_H
#define NETC_TABLE_H

typedef struct {
  const char *head;
  int left;  /* text stands to the left, numbers to the right */
  int least; /* columns that it takes at least */
  int rank;  /* 0: always there; the highest ranks go first */
} table_column;

typedef struct table table;

table *table_new(const table_column *column, int n);
/* The next cell of the row at hand, printf-like. */
void table_add(table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints and frees it. `rest` tells where what was left out is to be had. */
void table_print(table *t, const char *rest);
#endif
