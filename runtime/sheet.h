/* Contact sheets: samples of a data set side by side, each with a caption. */
#ifndef NETC_SHEET_H
#define NETC_SHEET_H
#include "dataset.h"
#include "image.h"

/* Samples index[0..n) in rows of `columns`, small ones enlarged, large ones reduced. caption[i]
   goes below sample i (cut to its width); NULL: the name of its class. One to four channels; other
   counts show the first as grey. */
image sheet_make(const dataset *ds, const int64_t *index, int n, int columns,
                 const char *const *caption);
#endif
