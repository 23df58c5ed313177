/* Loss and accuracy of a network over some samples of a data set. */
#ifndef NETC_EVALUATE_H
#define NETC_EVALUATE_H
#include "dataset.h"
#include "metric.h"
#include "ranks.h"
#include "step_buffers.h"

typedef struct {
  double loss;     /* mean over the samples */
  double accuracy; /* in [0, 1]; NaN where the task has none */
  int64_t correct;
  double value[METRIC_VALUES]; /* of the task, as metric_names_of says */
  double own[MAX_METRICS];     /* metrics that the file names */
} evaluation;

/* Where the answer for each sample goes; any pointer may be NULL. */
typedef struct {
  int32_t *predicted;
  float *probability; /* softmax of the predicted class */
  float *prediction;  /* all values of the first prediction */
} answers;

/* A batch size that wastes little of the last batch: near 32, and at most n. */
int evaluation_batch(int64_t n);
/* Position of the largest of n values; the first of equal ones; NaN is never the largest. */
int largest_of(const float *v, int n);
/* Softmax of n logits in double precision, for showing. */
void probabilities(const float *logits, int n, double *out);
/* b->p is an inference program with losses. Samples beyond the last are padded with the first
   sample of the batch and do not count. Sums are taken in double in the order of `index`. `out` may
   be NULL. r: NULL, or ranks that share the batches; each ends with the same, to the bit. */
evaluation evaluate(const step_buffers *b, void *params, const dataset *ds, const int64_t *index,
                    int64_t n, const answers *out, const ranks *r);
#endif
