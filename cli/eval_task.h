/* What `netc eval` says of networks that tell no classes of whole samples: numbers and their
   residuals, classes of pixels, classes of positions. */
#ifndef NETC_EVAL_TASK_H
#define NETC_EVAL_TASK_H
#include "cli/inference.h"
#include "runtime/dataset.h"
#include "runtime/evaluate.h"
#include <json-c/json.h>

/* Measures the samples index[0..n) and prints; the exit status. */
int eval_task(const inference *f, const dataset *ds, const int64_t *index, int64_t n, bool json);
/* The metrics that the file names: a line each, or keys of j. */
void tell_own(const metric_names *names, const evaluation *e, json_object *j);
#endif
