/* The columns of a table, joined to what a network takes: numbers side by side, categories as whole
   numbers or as one-hot columns. */
#ifndef NETC_CSV_FIELDS_H
#define NETC_CSV_FIELDS_H
#include "match.h"

/* s: columns, the first n_input of them for the input, the rest for the target. A column that bears
   the name of a port is left alone. NULL, or a malloc'd sentence. */
char *join_columns(field_set *s, int n_input, const data_port *port, int n_port);
#endif
