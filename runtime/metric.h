/* How good predictions are, by what they are compared with: classes, a class for every position, or
   numbers. */
#ifndef NETC_METRIC_H
#define NETC_METRIC_H
#include "product/program.h"

typedef enum {
  TASK_CLASSES, /* one class a sample: accuracy */
  TASK_TOKENS,  /* a class for each position of a sequence: accuracy, bits a position */
  TASK_PIXELS,  /* a class for each pixel: accuracy, intersection over union */
  TASK_LABELS,  /* numbers that are yes or no, each by itself: accuracy, F1 */
  TASK_NUMBERS, /* mean absolute error, R2 */
  TASK_NONE     /* no prediction that could be compared */
} metric_task;

enum { METRIC_VALUES = 3 };
/* Names of the values beyond accuracy that a task has, in metrics.csv: "val_mae". */
typedef struct {
  int n;
  const char *name[METRIC_VALUES];
} metric_names;

typedef struct {
  metric_task task;
  int target, prediction; /* ports */
  int64_t classes, positions;
  double hits, compared;  /* positions that are right, and all */
  double error, bits;     /* sums: absolute errors, -log2 of the right class */
  double squared;         /* of errors */
  double yes, said, told; /* labels: that are yes, that are told so, and rightly */
  double *sum, *square;   /* numbers: of the targets, by output */
  int64_t *both, *either; /* pixels: by class */
  int64_t samples;
} metric;

/* By the first prediction and the first target of the program (or the input, where there is no
   target). */
metric metric_new(const program *p);
void metric_free(metric *m);
void metric_clear(metric *m);
/* Takes in n samples. `quick`: accuracy and absolute errors only. */
void metric_add(metric *m, void *const *port, int n, bool quick);
double metric_accuracy(const metric *m);                        /* NaN: the task has none */
void metric_values(const metric *m, double out[METRIC_VALUES]); /* as metric_names_of says */
metric_names metric_names_of(metric_task t);
/* The class of one position of a sample: that of the largest of `classes` values, `positions`
   apart. */
int metric_class(const float *prediction, int64_t classes, int64_t positions, int64_t position);
#endif
