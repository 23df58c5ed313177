/* Batches: samples as a compiled step takes them, changed by augmentation. */
#ifndef NETC_BATCH_H
#define NETC_BATCH_H
#include "augment.h"
#include "dataset.h"
#include "step_buffers.h"
#include <stddef.h>

/* Fills the first n places of every input and target of b from the samples index[0..n). `a` may be
   NULL. The first input is augmented, where it is floats; what lies as its positions do (masks)
   moves with it. */
void batch_give(const dataset *ds, const int64_t *index, int n, const augmentation *a,
                const step_buffers *b);
/* The same on several threads: the same bits. */
void batch_give_shared(const dataset *ds, const int64_t *index, int n, const augmentation *a,
                       const step_buffers *b, int threads);
#endif
