#include "shards.h"
#include "memory_block.h"
#include "message.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_SIZES = 4, MAX_DEPTH = 20, HEADER = 8 }; /* HEADER: doubles before the floats */
enum { H_LOSS, H_HITS, H_ERROR, H_STOP };

typedef struct {
  size_t offset, bytes;
} region;

struct shards {
  int n, n_size;
  int64_t size[MAX_SIZES]; /* of parts, the largest first */
  program *part[MAX_SIZES], *update;
  const ranks *r;
  int n_stat;
  region *stat; /* running statistics in the params block */
  size_t gradient_bytes, stat_bytes, vector_bytes;
  char *before;           /* the statistics as the step began */
  char *level[MAX_DEPTH]; /* a vector for each level of the tree; made when it is needed */
  char *all;              /* vectors of every part, where ranks are no power of two */
};

/* A part's vector: HEADER doubles, the gradients, the statistics. Sums run over all of it. */
static double *header(char *v) { return (double *)(void *)v; }
static char *gradients(char *v) { return v + HEADER * sizeof(double); }
static char *statistics(const shards *s, char *v) { return gradients(v) + s->gradient_bytes; }

static int64_t size_of(const shards *s, int64_t n, int k) { return n / s->n + (k < n % s->n); }
static int64_t begin_of(const shards *s, int64_t n, int k) {
  const int64_t more = n % s->n;
  return k * (n / s->n) + (k < more ? k : more);
}

static void add_size(shards *s, int64_t size) {
  if (!size) return;
  int at = 0;
  while (at < s->n_size && s->size[at] > size) at++;
  if (at < s->n_size && s->size[at] == size) return;
  memmove(s->size + at + 1, s->size + at, (size_t)(s->n_size - at) * sizeof *s->size);
  s->size[at] = size;
  s->n_size++;
}

static void find_statistics(shards *s) {
  region g;
  while (program_statistic(s->update, s->n_stat, &g.offset, &g.bytes)) {
    s->stat = realloc(s->stat, (size_t)(s->n_stat + 1) * sizeof *s->stat);
    if (!s->stat) abort();
    s->stat[s->n_stat++] = g;
    s->stat_bytes += g.bytes;
  }
}

static char *new_vector(const shards *s, size_t n) {
  char *v = aligned_alloc(64, (n * s->vector_bytes + 63) / 64 * 64);
  if (!v) abort();
  memset(v, 0, n * s->vector_bytes);
  return v;
}

shards *shards_new(const struct graph *g, int n, int64_t batch, int64_t rest, int threads,
                   const ranks *r) {
  shards *s = allocate(sizeof *s);
  s->n = n;
  s->r = r;
  add_size(s, (batch + n - 1) / n);
  add_size(s, batch / n);
  add_size(s, (rest + n - 1) / n);
  add_size(s, rest / n);
  program_options o = {.train = true, .loss = true, .threads = threads, .part = PART_GRADIENTS};
  for (int i = 0; i < s->n_size; i++) {
    o.batch = (int)s->size[i];
    s->part[i] = program_build(g, &o);
  }
  o.part = PART_UPDATE;
  s->update = program_build(g, &o);
  find_statistics(s);
  s->gradient_bytes = program_state_bytes(s->part[0]);
  s->vector_bytes = (HEADER * sizeof(double) + s->gradient_bytes + s->stat_bytes + 63) / 64 * 64;
  s->before = allocate(s->stat_bytes + 1);
  return s;
}

void shards_free(shards *s) {
  if (!s) return;
  for (int i = 0; i < s->n_size; i++) program_free(s->part[i]);
  program_free(s->update);
  for (int i = 0; i < MAX_DEPTH; i++) free(s->level[i]);
  free(s->all);
  free(s->stat);
  free(s->before);
  free(s);
}

program *shards_part(const shards *s) { return s->part[0]; }
program *shards_whole(const shards *s) { return s->update; }

size_t shards_work_bytes(const shards *s) {
  size_t most = program_work_bytes(s->update);
  for (int i = 0; i < s->n_size; i++) {
    const size_t own = program_work_bytes(s->part[i]);
    most = own > most ? own : most;
  }
  return most;
}

/* Between the params block and one piece of memory. */
static void take_statistics(const shards *s, const char *params, char *to) {
  for (int i = 0; i < s->n_stat; to += s->stat[i++].bytes)
    memcpy(to, params + s->stat[i].offset, s->stat[i].bytes);
}
static void put_statistics(const shards *s, char *params, const char *from) {
  for (int i = 0; i < s->n_stat; from += s->stat[i++].bytes)
    memcpy(params + s->stat[i].offset, from, s->stat[i].bytes);
}

/* Vectors are multiples of 64 bytes, and so aligned: these loops are bound by memory. */
typedef float pack __attribute__((vector_size(64)));
static size_t n_packs(const shards *s) {
  return (s->vector_bytes - HEADER * sizeof(double)) / sizeof(pack);
}

static void add_vector(const shards *s, char *restrict to, char *restrict from) {
  pack *a = (pack *)(void *)gradients(to);
  const pack *b = (const pack *)(const void *)gradients(from);
  for (int i = 0; i < HEADER; i++) header(to)[i] += header(from)[i];
  for (size_t i = 0, n = n_packs(s); i < n; i++) a[i] += b[i];
}

static void weigh(const shards *s, char *v, float weight) {
  pack *a = (pack *)(void *)gradients(v);
  for (size_t i = 0, n = n_packs(s); i < n; i++) a[i] *= weight;
}

/* Equal parts weigh the same: their sum is weighed, once. */
static bool equal_parts(const shards *s, const shard_step *step) { return step->n % s->n == 0; }

/* Part k: forward, backward, and what comes of it, weighed by its share of the samples. */
static void run_part(shards *s, const shard_step *step, int k, char *v) {
  const int64_t size = size_of(s, step->n, k);
  if (!size) {
    memset(v, 0, s->vector_bytes);
    return;
  }
  int which = 0;
  while (s->size[which] != size) which++;
  step_buffers b = step_buffers_for(step->buffers, s->part[which]);
  batch_give(step->ds, step->index + begin_of(s, step->n, k), (int)size, step->change, &b);
  run_args a = {.params = step->params,
                .state = gradients(v),
                .work = b.work,
                .port = b.port,
                .lr = step->lr,
                .seed = step->seed,
                .step = step->step * (uint64_t)s->n + (uint64_t)k};
  program_run(s->part[which], &a);
  take_statistics(s, step->params, statistics(s, v));
  put_statistics(s, step->params, s->before);
  if (!equal_parts(s, step)) weigh(s, v, (float)((double)size / step->n));
  memset(v, 0, HEADER * sizeof(double));
  for (int64_t i = 0; i < size; i++) header(v)[H_LOSS] += b.losses[i];
  metric_clear(step->metric);
  metric_add(step->metric, b.port, (int)size, true);
  header(v)[H_HITS] = step->metric->hits;
  header(v)[H_ERROR] = step->metric->error;
}

static char *level_vector(shards *s, int depth) {
  if (!s->level[depth]) s->level[depth] = new_vector(s, 1);
  return s->level[depth];
}

/* The tree: halves, the left one the larger. Equal shares of a power of two of ranks are subtrees.
 */
static int middle(int from, int to) { return from + (to - from + 1) / 2; }

static void run_tree(shards *s, const shard_step *step, int from, int to, int depth, char *v) {
  if (to - from == 1) {
    run_part(s, step, from, v);
    return;
  }
  run_tree(s, step, from, middle(from, to), depth + 1, v);
  char *right = level_vector(s, depth);
  run_tree(s, step, middle(from, to), to, depth + 1, right);
  add_vector(s, v, right);
}

/* The same over vectors that are there, one after the other; the sum is left in the first. */
static void add_tree(const shards *s, char *all, int from, int to) {
  if (to - from == 1) return;
  add_tree(s, all, from, middle(from, to));
  add_tree(s, all, middle(from, to), to);
  add_vector(s, all + (size_t)from * s->vector_bytes,
             all + (size_t)middle(from, to) * s->vector_bytes);
}

/* Recursive doubling: a + b is b + a to the bit, so that every rank ends with the same sum. */
static char *exchange_halves(shards *s, char *v) {
  char *other = level_vector(s, MAX_DEPTH - 2);
  for (int d = 1; d < s->r->n; d *= 2) {
    ranks_must(s->r, s->r->api->swap(v, other, s->vector_bytes, s->r->rank ^ d),
               "exchange gradients");
    add_vector(s, v, other);
  }
  return v;
}

static char *gather_parts(shards *s, const shard_step *step, int from, int count) {
  if (!s->all) s->all = new_vector(s, (size_t)s->n + (size_t)count);
  char *own = s->all + (size_t)s->n * s->vector_bytes;
  for (int i = 0; i < count; i++) run_part(s, step, from + i, own + (size_t)i * s->vector_bytes);
  header(own)[H_STOP] += step->stop;
  ranks_must(s->r, s->r->api->gather(own, s->all, (size_t)count * s->vector_bytes),
             "exchange gradients");
  add_tree(s, s->all, 0, s->n);
  return s->all;
}

/* The sum over all parts, on every rank. */
static char *sum_of_parts(shards *s, const shard_step *step) {
  const int ranks = s->r ? s->r->n : 1, count = s->n / ranks;
  const int from = s->r ? s->r->rank * count : 0;
  if (ranks & (ranks - 1)) return gather_parts(s, step, from, count);
  char *v = level_vector(s, MAX_DEPTH - 1);
  run_tree(s, step, from, from + count, 0, v);
  header(v)[H_STOP] += step->stop;
  return ranks > 1 ? exchange_halves(s, v) : v;
}

shard_sums shards_run(shards *s, const shard_step *step) {
  take_statistics(s, step->params, s->before);
  char *v = sum_of_parts(s, step);
  const shard_sums sums = {header(v)[H_LOSS], header(v)[H_HITS], header(v)[H_ERROR],
                           header(v)[H_STOP] > 0};
  if (s->n > 1 && equal_parts(s, step)) weigh(s, v, (float)(1.0 / s->n));
  put_statistics(s, step->params, statistics(s, v));
  memcpy(step->state, gradients(v), s->gradient_bytes);
  const step_buffers b = step_buffers_for(step->buffers, s->update);
  run_args a = {.params = step->params,
                .state = step->state,
                .work = b.work,
                .port = b.port,
                .lr = step->lr,
                .seed = step->seed,
                .step = step->step};
  program_run(s->update, &a);
  return sums;
}
