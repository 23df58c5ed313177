#include "cli/timed_program.h"
#include "base/timing.h"
#include <stdlib.h>

/* Whole numbers from all of a port's range, other values from 0 to 1. */
static void fill_port(const port_info *p, int batch, void *to) {
  uint32_t r = 1;
  for (int64_t i = 0; i < batch * p->count; i++) {
    r = r * 1664525u + 1013904223u;
    const float v = (float)(r >> 8) * 0x1p-24f;
    if (p->is_int) ((int32_t *)to)[i] = (int32_t)((double)v * (double)p->below);
    else ((float *)to)[i] = v;
  }
}

void timed_program_prepare(timed_program *s, const struct graph *g, const program_options *o) {
  const int batch = o->batch;
  *s = (timed_program){.p = program_build(g, o)};
  size_t part[] = {program_params_bytes(s->p), program_state_bytes(s->p), program_work_bytes(s->p)};
  size_t total = step_buffers_bytes(s->p, batch);
  void *at[3];
  for (int i = 0; i < 3; i++) total += memory_rounded(part[i]);
  memory_reserve(&s->mem, total);
  for (int i = 0; i < 3; i++) at[i] = memory_take(&s->mem, part[i]);
  step_buffers_take(&s->buffers, &s->mem, s->p, batch, at[2]);
  memory_all_taken(&s->mem);
  program_init(s->p, at[0], at[1], 1);
  for (int i = 0; i < s->buffers.n_given; i++)
    fill_port(program_port(s->p, i), batch, s->buffers.port[i]);
  s->args = (run_args){.params = at[0],
                       .state = at[1],
                       .work = at[2],
                       .port = s->buffers.port,
                       .lr = 1e-6f,
                       .seed = 1};
}

void timed_program_release(timed_program *s) {
  program_free(s->p);
  memory_release(&s->mem);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double median_of(double *v, int n) {
  qsort(v, (size_t)n, sizeof *v, by_value);
  return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

enum { MAX_RUNS = 20000 };

double timed_program_run(timed_program *s, double budget) {
  double *t = malloc(sizeof(double) * MAX_RUNS), start = seconds_now();
  int n = 0;
  for (int i = 0; i < 5; i++) program_run(s->p, &s->args);
  while (n < MAX_RUNS && (n < 5 || seconds_now() - start < budget)) {
    double t0 = seconds_now();
    program_run(s->p, &s->args);
    t[n++] = seconds_now() - t0;
  }
  double m = median_of(t, n);
  free(t);
  return m;
}
