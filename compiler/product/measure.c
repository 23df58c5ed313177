/* What this machine can do, measured by code from the same code generator: its FMA peak and the
   rate at which it reads memory. */
#include "base/internal.h"
#include "base/workers.h"
#include "base/timing.h"
#include "passes/passes.h"
#include "pipeline.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  nestprog *p;
  nest *n;
} builder;

static int add_axis(builder *b, const char *name, int64_t extent, bool reduce) {
  b->n->axis[b->n->n_axis] = (axis){name, extent, reduce};
  return b->n->n_axis++;
}

/* A tensor with one dimension for each axis given, read or written at those axes. */
static access over(builder *b, const char *name, int rank, const int *ax) {
  int64_t dim[MAX_DIMS];
  affine ix[MAX_DIMS];
  for (int d = 0; d < rank; d++) {
    dim[d] = b->n->axis[ax[d]].extent;
    ix[d] = aff_axis(ax[d], 1);
  }
  return access_of(b->p->ex, tensor_new(b->p, name, T_TEMP, rank, dim), ix);
}

static expr *read_over(builder *b, const char *name, int rank, const int *ax) {
  return e_read(b->p->ex, over(b, name, rank, ax));
}

static builder begin(arena *mem) {
  builder b = {.p = nestprog_new(mem)};
  b.p->nests = b.n = nest_new(b.p, "measure", NULL);
  b.n->red = R_SUM;
  b.n->canonical = true;
  return b;
}

static void store_sum(builder *b, access out) { nest_store(b->n, out, e_acc(b->p->ex)); }

/* One nest, run once for every share, each with memory of its own. */
typedef struct {
  kernel_fn fn;
  const kernel_call *call;
  int64_t domain;
  char **work;
} measurement;

static void run_once(void *self, int me, int group, int share) {
  const measurement *w = self;
  void *arg[8];
  (void)me, (void)group;
  for (int a = 0; a < w->call->n_arg; a++) arg[a] = w->work[share] + arg_offset(&w->call->arg[a]);
  w->fn(arg, 0, w->domain);
}

static char *cleared(size_t bytes) {
  char *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (!memory) out_of_memory();
  return memset(memory, 0, bytes);
}

static double least_of_rounds(measurement *w, int threads, int rounds) {
  double best = 1e9;
  for (int r = 0; r < rounds; r++) {
    double t = seconds_now();
    workers_run(&(shared_work){1, &threads, run_once, w}, threads);
    t = seconds_now() - t;
    if (t < best) best = t;
  }
  return best;
}

/* Runs the one nest of b on every thread, each with memory of its own; the least seconds of some.
 */
static double least_seconds(builder *b, const machine *m, int threads, int rounds) {
  kernel_fn fn[1];
  halo(b->p);
  schedule_program(b->p, m->info, 1);
  group_program(b->p, m->info);
  memory_plan plan_ = plan(b->p);
  kernel_list *l = kernels_collect(b->p, "m");
  jit *j = jit_compile(l, m, 1, fn);
  measurement w = {fn[0], &l->call[0], b->n->sched->domain,
                   calloc((size_t)threads, sizeof *w.work)};
  for (int i = 0; i < threads; i++) w.work[i] = cleared((size_t)plan_.bytes[BLOCK_WORK]);
  double best = least_of_rounds(&w, threads, rounds);
  for (int i = 0; i < threads; i++) free(w.work[i]);
  free(w.work);
  jit_free(j);
  return best;
}

static double peak_gflops(const machine *m, int threads) {
  enum { DEPTH = 100000 };
  arena *mem = arena_new();
  builder b = begin(mem);
  int i = add_axis(&b, "i", 8, false), j = add_axis(&b, "j", 3 * m->info->lanes, false);
  add_axis(&b, "k", DEPTH, true);
  b.n->term = e_op(b.p->ex, E_MUL, read_over(&b, "x", 1, &i), read_over(&b, "w", 1, &j), NULL);
  store_sum(&b, over(&b, "y", 2, (int[]){i, j}));
  double t = least_seconds(&b, m, threads, 15);
  arena_free(mem);
  return 2.0 * 8 * 3 * m->info->lanes * DEPTH * threads / t / 1e9;
}

static double read_gbytes(const machine *m, int threads) {
  enum { ROWS = 1 << 18 };
  arena *mem = arena_new();
  builder b = begin(mem);
  int j = add_axis(&b, "j", 64, false), k = add_axis(&b, "k", ROWS, true);
  b.n->term = read_over(&b, "x", 2, (int[]){k, j});
  store_sum(&b, over(&b, "y", 1, &j));
  double t = least_seconds(&b, m, threads, 5);
  arena_free(mem);
  return 4.0 * 64 * ROWS * threads / t / 1e9;
}

void machine_measure(int threads, double *gflops, double *gbytes) {
  char *error = NULL;
  machine *m = machine_new(NULL, NULL, NULL, &error);
  *gflops = peak_gflops(m, threads);
  *gbytes = read_gbytes(m, threads);
  machine_free(m);
}
