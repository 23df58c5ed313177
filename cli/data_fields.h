/* What `netc data` says of data sets that are not labelled images. */
#ifndef NETC_DATA_FIELDS_H
#define NETC_DATA_FIELDS_H
#include "runtime/dataset.h"

/* How many samples are the data set's own parts, where it has such. */
void print_own_parts(const dataset *ds);
/* What the reader did that its user should know, to stderr. */
void print_notes(const dataset *ds);
bool print_fields(const dataset *ds, bool json);
#endif
