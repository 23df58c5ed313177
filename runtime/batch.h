/* Batches: samples as a compiled step takes them, and the changes that augmentation makes. */
#ifndef NETC_BATCH_H
#define NETC_BATCH_H
#include "dataset.h"
#include "step_buffers.h"
#include <stddef.h>

typedef struct {
  bool flip; /* each sample is mirrored left to right with probability 1/2 */
  int shift; /* and moved by up to this many pixels each way; what comes in is 0 */
  uint64_t seed, epoch;
} augmentation;

/* Fills x (n x C x H x W) and labels from the samples index[0..n). `a` may be NULL. The draws
   depend on seed, epoch and sample alone: never on the batch that a sample is in. */
void batch_fill(const dataset *ds, const int64_t *index, int n, const augmentation *a, float *x,
                int32_t *labels);
/* Fills the first n places of every input and target of b. Changes are made to the first input, if
   it is images, and to targets of its height and width. */
void batch_give(const dataset *ds, const int64_t *index, int n, const augmentation *a,
                const step_buffers *b);
#endif
