/* Validation and test sets that are files of their own: behind the samples of the first. */
#ifndef NETC_HELD_PARTS_H
#define NETC_HELD_PARTS_H
#include "dataset.h"

/* Puts the samples of `more`, which was opened with the same ports, behind those of ds. Classes are
   told by their names where ds has them. NULL, or a malloc'd sentence that does not name a file. */
char *dataset_append(dataset *ds, const dataset *more);
#endif
