/* The next batch is made on a thread of its own, while the step before it is computed. */
#ifndef NETC_PREFETCH_H
#define NETC_PREFETCH_H
#include "batch.h"

typedef struct prefetch prefetch;

/* For batches of at most b's program's. */
prefetch *prefetch_new(const step_buffers *b);
/* Waits for what is under way, if anything is. NULL is allowed. */
void prefetch_free(prefetch *p);
/* Begins with the samples index[0..n), which stay where they are until they are taken. */
void prefetch_begin(prefetch *p, const dataset *ds, const int64_t *index, int n,
                    const augmentation *a);
/* Puts the batch that was begun last into b. False where it is not that of index[0..n). */
bool prefetch_take(prefetch *p, const int64_t *index, int n, const step_buffers *b);
#endif
