/* Which epoch is the best so far, and when to give up waiting for a better one. */
#ifndef NETC_EARLY_STOP_H
#define NETC_EARLY_STOP_H
#include "metric.h"
#include <stdbool.h>

/* One row of metrics.csv. Losses are means over samples; accuracies lie in [0, 1], and are NaN
   where no classes are told. `more` are the values of the task (metric.h). */
typedef struct {
  int epoch; /* from 1 */
  double train_loss, train_acc, val_loss, val_acc, seconds;
  double more[METRIC_VALUES];
  double own[MAX_METRICS]; /* metrics that the file names */
} epoch_row;

/* The value that decides which epoch is best. */
typedef struct {
  const char *metric; /* NULL: by accuracy. "val_loss", "val_acc", "train_loss" .. */
  int own;            /* it is that one of the file's, from 1; 0: none of them */
  bool rises;         /* such a one is better where it is larger */
} watch;

typedef struct {
  watch of;       /* its metric is NULL: never stops */
  int patience;   /* epochs without a better value that are borne */
  int best_epoch; /* by that value; 0: none yet */
  double best;
} early_stop;

/* True if b is a better result than a. By the metric that `stop` watches; without one, the higher
   validation accuracy and, of equal ones (or where there is none), the lower validation loss.
   Earlier epochs win ties. */
bool row_better(const watch *w, const epoch_row *a, const epoch_row *b);
/* Takes in one more epoch. True: stop now. */
bool early_stop_after(early_stop *s, const epoch_row *row);
/* What a row tells beside its losses: "acc", or "mae" (mean absolute error) where numbers are
   predicted; NULL: nothing. *val is NaN where nothing validates. */
const char *row_quality(const epoch_row *r, double *train, double *val);
/* What runs are held against one another by: row_quality's, and "loss" where there is none. */
const char *row_measure(const epoch_row *r, double *train, double *val);
/* Is a lower value of that better? Only of "acc" it is not. */
bool measure_falls(const char *measure);
#endif
