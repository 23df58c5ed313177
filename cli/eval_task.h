/* What `netc eval` says of networks that tell no classes of whole samples: numbers and their
   residuals, classes of pixels, classes of positions. */
#ifndef NETC_EVAL_TASK_H
#define NETC_EVAL_TASK_H
#include "cli/inference.h"
#include "runtime/dataset.h"

/* Measures the samples index[0..n) and prints; the exit status. */
int eval_task(const inference *f, const dataset *ds, const int64_t *index, int64_t n, bool json);
#endif
