/* Does a column of a table say when? Then its rows are a series. */
#ifndef NETC_DATE_COLUMN_H
#define NETC_DATE_COLUMN_H
#include "runtime/field.h"

/* Days from one row to the next (the middle one of all), where a column of n rows holds dates or
   times that rise from row to row; 0: it does not. */
double date_step(const data_field *f, int64_t n);
#endif
