/* How good predictions are, by what they are compared with: classes, a class for every position, or
   numbers. */
#ifndef NETC_METRIC_H
#define NETC_METRIC_H
#include "graph/graph.h"
#include "product/program.h"

typedef enum {
  TASK_CLASSES, /* one class a sample: accuracy */
  TASK_TOKENS,  /* a class for each position of a sequence: accuracy, bits a position */
  TASK_PIXELS,  /* a class for each pixel: accuracy, intersection over union */
  TASK_LABELS,  /* numbers that are yes or no, each by itself: accuracy, F1 */
  TASK_SHARES,  /* a share for each class: accuracy of the class with the largest */
  TASK_NUMBERS, /* mean absolute error, R2 */
  TASK_NONE     /* no prediction that could be compared */
} metric_task;

enum { METRIC_VALUES = 3 };
/* Names of the values beyond accuracy, in metrics.csv: those that a task has ("val_mae"), and those
   that the file names. */
typedef struct {
  int n;
  const char *name[METRIC_VALUES];
  int n_own;
  const char *own[MAX_METRICS];
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
  const program *p;
  metric_names names;
  double *own[MAX_METRICS]; /* sums over the samples; NULL: not of this program */
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
double metric_own(const metric *m, int i);                      /* of m->names.own[i] */
metric_names metric_names_of(metric_task t);                    /* without those of the file */
/* The class of one position of a sample: that of the largest of `classes` values, `positions`
   apart. */
int metric_class(const float *prediction, int64_t classes, int64_t positions, int64_t position);
#endif
