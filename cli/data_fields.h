/* What `netc data` says of data sets that are not labelled images. */
#ifndef NETC_DATA_FIELDS_H
#define NETC_DATA_FIELDS_H
#include "runtime/dataset.h"

bool print_fields(const dataset *ds, bool json);
#endif
