#include "shards.h"
#include "base/workers.h"
#include "memory_block.h"
#include "message.h"
#include "metric.h"
#include "shard_vector.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_SIZES = 4, MAX_DEPTH = 20 };

typedef struct {
  size_t offset, bytes;
} region;

/* What one thread does parts with; in a lane of its own it shares nothing with the others. */
typedef struct {
  program *part[MAX_SIZES];
  step_buffers buffers; /* of the largest part's program: ports and workspace */
  char *params;         /* a copy, where running statistics are written; else NULL */
  bool copied;          /* in this step */
  metric metric;
} lane;

struct shards {
  int n, n_size;
  int64_t size[MAX_SIZES]; /* of parts, the largest first */
  int first, count;        /* the parts of this process */
  int n_lane;              /* more than 1: parts run side by side */
  lane *lane;
  memory_block memory; /* of the lanes, where there are several */
  program *update;
  const ranks *r;
  int n_stat;
  region *stat; /* running statistics in the params block */
  vector_form form;
  char *before;           /* the statistics as the step began */
  char *level[MAX_DEPTH]; /* a vector for each level of the tree; made when it is needed */
  char *all;              /* vectors of every part, where ranks are no power of two */
  char *own;              /* of the parts of this process, where they run side by side */
};

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

/* Returns their bytes. */
static size_t find_statistics(shards *s) {
  region g;
  size_t total = 0;
  while (program_statistic(s->update, s->n_stat, &g.offset, &g.bytes)) {
    s->stat = realloc(s->stat, (size_t)(s->n_stat + 1) * sizeof *s->stat);
    if (!s->stat) abort();
    s->stat[s->n_stat++] = g;
    total += g.bytes;
  }
  return total;
}

/* A part on each thread has no barriers inside, and no tensor that is small for several threads.
   It pays where the threads get as many parts, or nearly, and memory allows for a vector of each.
 */
static int lanes_for(int parts, int threads, size_t vector_bytes) {
  static const double most_bytes = 1e9;
  const int lanes = parts < threads ? parts : threads;
  const int turns = (parts + lanes - 1) / lanes;
  const bool even = turns * threads <= parts + parts / 8;
  return even && (double)vector_bytes * parts < most_bytes ? lanes : 1;
}

static void build_parts(shards *s, const struct graph *g, int threads) {
  program_options o = {.train = true, .loss = true, .threads = threads, .part = PART_GRADIENTS};
  for (int i = 0; i < s->n_size; i++) {
    o.batch = (int)s->size[i];
    s->lane[0].part[i] = program_build(g, &o);
    for (int k = 1; k < s->n_lane; k++) s->lane[k].part[i] = program_twin(s->lane[0].part[i]);
  }
}

static size_t most_work(const shards *s) {
  size_t most = 0;
  for (int i = 0; i < s->n_size; i++) {
    const size_t own = program_work_bytes(s->lane[0].part[i]);
    most = own > most ? own : most;
  }
  return most;
}

static void allocate_lanes(shards *s) {
  program *p = s->lane[0].part[0];
  const int batch = program_batch(p);
  const size_t work = most_work(s), params = s->n_stat ? program_params_bytes(p) : 0;
  memory_reserve(&s->memory, (size_t)s->n_lane * (memory_rounded(work) + memory_rounded(params) +
                                                  step_buffers_bytes(p, batch)));
  for (lane *l = s->lane; l < s->lane + s->n_lane; l++) {
    void *own = memory_take(&s->memory, work), *copy = memory_take(&s->memory, params);
    l->params = s->n_stat ? copy : NULL;
    step_buffers_take(&l->buffers, &s->memory, l->part[0], batch, own);
  }
  memory_all_taken(&s->memory);
  s->own = vectors_new(&s->form, (size_t)s->count);
}

shards *shards_new(const struct graph *g, int n, int64_t batch, int64_t rest, int threads,
                   const ranks *r) {
  shards *s = allocate(sizeof *s);
  s->n = n;
  s->r = r;
  s->count = n / (r ? r->n : 1);
  s->first = r ? r->rank * s->count : 0;
  add_size(s, (batch + n - 1) / n);
  add_size(s, batch / n);
  add_size(s, (rest + n - 1) / n);
  add_size(s, rest / n);
  program_options o = {.train = true, .loss = true, .threads = threads, .part = PART_UPDATE};
  o.batch = (int)s->size[s->n_size - 1];
  s->update = program_build(g, &o);
  const size_t statistics = find_statistics(s);
  s->form = vector_form_of(program_params_bytes(s->update), statistics, n, threads);
  s->n_lane = lanes_for(s->count, threads, s->form.bytes);
  s->lane = allocate((size_t)s->n_lane * sizeof *s->lane);
  build_parts(s, g, s->n_lane > 1 ? 1 : threads);
  s->form = vector_form_of(program_state_bytes(s->lane[0].part[0]), statistics, n, threads);
  s->before = allocate(statistics + 1);
  for (int k = 0; k < s->n_lane; k++) s->lane[k].metric = metric_new(s->lane[k].part[0]);
  if (s->n_lane > 1) allocate_lanes(s);
  return s;
}

void shards_free(shards *s) {
  if (!s) return;
  for (int k = s->n_lane; k-- > 0;) {
    for (int i = 0; i < s->n_size; i++) program_free(s->lane[k].part[i]);
    metric_free(&s->lane[k].metric);
  }
  program_free(s->update);
  for (int i = 0; i < MAX_DEPTH; i++) free(s->level[i]);
  memory_release(&s->memory);
  free(s->lane);
  free(s->own);
  free(s->all);
  free(s->stat);
  free(s->before);
  free(s);
}

program *shards_part(const shards *s) { return s->lane[0].part[0]; }
program *shards_whole(const shards *s) { return s->update; }

size_t shards_work_bytes(const shards *s) {
  const size_t update = program_work_bytes(s->update);
  const size_t parts = s->n_lane > 1 ? 0 : most_work(s);
  return update > parts ? update : parts;
}

size_t shards_own_bytes(const shards *s) { return s->memory.size; }

/* Between the params block and one piece of memory. */
static void take_statistics(const shards *s, const char *params, char *to) {
  for (int i = 0; i < s->n_stat; to += s->stat[i++].bytes)
    memcpy(to, params + s->stat[i].offset, s->stat[i].bytes);
}
static void put_statistics(const shards *s, char *params, const char *from) {
  for (int i = 0; i < s->n_stat; from += s->stat[i++].bytes)
    memcpy(params + s->stat[i].offset, from, s->stat[i].bytes);
}

/* Equal parts weigh the same: their sum is weighed, once. */
static bool equal_parts(const shards *s, const shard_step *step) { return step->n % s->n == 0; }

/* Part k: forward, backward, and what comes of it, weighed by its share of the samples. */
static void run_part(shards *s, const shard_step *step, lane *l, int k, char *v) {
  const int64_t size = size_of(s, step->n, k);
  if (!size) {
    memset(v, 0, s->form.bytes);
    return;
  }
  int which = 0;
  while (s->size[which] != size) which++;
  char *params = l->params ? l->params : step->params;
  step_buffers b = step_buffers_for(l->buffers.p ? &l->buffers : step->buffers, l->part[which]);
  batch_give(step->ds, step->index + begin_of(s, step->n, k), (int)size, step->change, &b);
  run_args a = {.params = params,
                .state = vector_gradients(v),
                .work = b.work,
                .port = b.port,
                .lr = step->lr,
                .seed = step->seed,
                .step = step->step * (uint64_t)s->n + (uint64_t)k};
  program_run(l->part[which], &a);
  take_statistics(s, params, vector_statistics(&s->form, v));
  put_statistics(s, params, s->before);
  if (!equal_parts(s, step)) vector_weigh(&s->form, v, (float)((double)size / step->n));
  memset(v, 0, VECTOR_HEADER * sizeof(double));
  for (int64_t i = 0; i < size; i++) vector_header(v)[H_LOSS] += b.losses[i];
  metric_clear(&l->metric);
  metric_add(&l->metric, b.port, (int)size, true);
  vector_header(v)[H_HITS] = l->metric.hits;
  vector_header(v)[H_ERROR] = l->metric.error;
}

static char *level_vector(shards *s, int depth) {
  if (!s->level[depth]) s->level[depth] = vectors_new(&s->form, 1);
  return s->level[depth];
}

/* Parts [from, to) one after the other, with few vectors: one for each level of the tree. */
static void run_tree(shards *s, const shard_step *step, int from, int to, int depth, char *v) {
  if (to - from == 1) {
    run_part(s, step, s->lane, from, v);
    return;
  }
  run_tree(s, step, from, vector_middle(from, to), depth + 1, v);
  char *right = level_vector(s, depth);
  run_tree(s, step, vector_middle(from, to), to, depth + 1, right);
  vector_add(&s->form, v, right);
}

typedef struct {
  shards *s;
  const shard_step *step;
  char *v;
} side_by_side;

static void run_share(void *self, int me, int group, int share) {
  const side_by_side *w = self;
  lane *l = &w->s->lane[me];
  (void)group;
  if (l->params && !l->copied)
    memcpy(l->params, w->step->params, program_params_bytes(w->s->update));
  l->copied = true;
  run_part(w->s, w->step, l, w->s->first + share, w->v + (size_t)share * w->s->form.bytes);
}

/* The parts of this process, each into a vector of its own. */
static void run_parts(shards *s, const shard_step *step, char *v) {
  side_by_side w = {s, step, v};
  for (int k = 0; k < s->n_lane; k++) s->lane[k].copied = false;
  workers_run(&(shared_work){1, &s->count, run_share, &w}, s->n_lane);
}

static char *gather_parts(shards *s, const shard_step *step) {
  if (!s->all) s->all = vectors_new(&s->form, (size_t)s->n + (size_t)s->count);
  char *own = s->all + (size_t)s->n * s->form.bytes;
  run_parts(s, step, own);
  vector_header(own)[H_STOP] += step->stop;
  ranks_must(s->r, s->r->api->gather(own, s->all, (size_t)s->count * s->form.bytes),
             "exchange gradients");
  vectors_sum(&s->form, s->all, s->n);
  return s->all;
}

/* The sum over all parts, on every rank. */
static char *sum_of_parts(shards *s, const shard_step *step) {
  const int ranks = s->r ? s->r->n : 1;
  if (ranks & (ranks - 1)) return gather_parts(s, step);
  char *v = s->n_lane > 1 ? s->own : level_vector(s, MAX_DEPTH - 1);
  if (s->n_lane > 1) {
    run_parts(s, step, v);
    vectors_sum(&s->form, v, s->count);
  } else run_tree(s, step, s->first, s->first + s->count, 0, v);
  vector_header(v)[H_STOP] += step->stop;
  if (ranks > 1) vector_exchange(&s->form, s->r, v, level_vector(s, MAX_DEPTH - 2));
  return v;
}

shard_sums shards_run(shards *s, const shard_step *step) {
  take_statistics(s, step->params, s->before);
  char *v = sum_of_parts(s, step);
  const double *h = vector_header(v);
  const shard_sums sums = {h[H_LOSS], h[H_HITS], h[H_ERROR], h[H_STOP] > 0};
  if (s->n > 1 && equal_parts(s, step)) vector_weigh(&s->form, v, (float)(1.0 / s->n));
  put_statistics(s, step->params, vector_statistics(&s->form, v));
  memcpy(step->state, vector_gradients(v), s->form.gradient_bytes);
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
