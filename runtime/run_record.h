/* run.json: what a run was, exactly, and how it ended. */
#ifndef NETC_RUN_RECORD_H
#define NETC_RUN_RECORD_H
#include "train.h"

/* `status`: "running", "done", "stopped", "interrupted", "diverged". r may be NULL (at the start).
 */
bool run_record_write(const train_options *o, const char *status, const train_result *r,
                      char **error);
const char *train_outcome_word(train_outcome t);
/* One row as a JSON object (json_object *). */
void *epoch_row_json(const epoch_row *r, const metric_names *names);
#endif
