/* A step whose batch is cut into parts: each part has a gradient of its own (and batch norm the
   statistics of its samples), the parts are added by one fixed tree, then comes one update. What
   comes out depends on the number of parts alone, not on which process did which part. */
#ifndef NETC_SHARDS_H
#define NETC_SHARDS_H
#include "batch.h"
#include "ranks.h"
#include "step_buffers.h"

typedef struct shards shards;

/* What one step is about. */
typedef struct {
  const dataset *ds;
  const int64_t *index; /* n samples: the batch */
  int n;
  const augmentation *change; /* or NULL */
  void *params, *state;
  float lr;
  uint64_t seed, step;
  const step_buffers
      *buffers; /* of the largest part's program, where parts run in turn; the update's */
  bool stop;    /* this process is asked to stop */
} shard_step;

/* Sums over the batch's samples, on every rank. */
typedef struct {
  double loss, hits, error;
  bool stop; /* some rank was asked to stop */
} shard_sums;

/* Batches of `batch` samples, and of `rest` (0: none), in n parts that are as equal as it goes. r:
   NULL for a process alone; else r->n divides n. */
shards *shards_new(const struct graph *g, int n, int64_t batch, int64_t rest, int threads,
                   const ranks *r);
void shards_free(shards *s);
/* The program of the largest part: for buffers of its ports. */
program *shards_part(const shards *s);
/* The program whose params and state blocks are those of the run. */
program *shards_whole(const shards *s);
/* The workspace that a step needs, and the memory that the parts have of their own. */
size_t shards_work_bytes(const shards *s);
size_t shards_own_bytes(const shards *s);
shard_sums shards_run(shards *s, const shard_step *step);
#endif
