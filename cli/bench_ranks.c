#include "cli/bench_ranks.h"
#include "base/timing.h"
#include "cli/table.h"
#include "cli/timed_program.h"
#include "runtime/message.h"
#include "runtime/shard_vector.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
  double sample, update;     /* seconds: a sample's gradient; what comes once a step */
  double bytes;              /* of the gradients */
  double latency, bandwidth; /* of messages */
  double add;                /* seconds: one gradient is added to another */
} costs;

enum { MOST_SAMPLES = 64, MOST_RANKS = 512 };

static double timed(const graph *g, const rank_bench *b, program_part part, int batch,
                    double *bytes) {
  timed_program p;
  const program_options o = {
      .train = true, .loss = true, .batch = batch, .threads = b->threads, .part = part};
  timed_program_prepare(&p, g, &o);
  const double t = timed_program_run(&p, b->budget);
  if (part == PART_GRADIENTS) *bytes = (double)program_state_bytes(p.p);
  timed_program_release(&p);
  return t;
}

/* Median seconds of adding one vector of gradients to another: two are read, one is written. */
static double time_add(size_t bytes) {
  enum { TIMES = 9 };
  const vector_form f = vector_form_of(bytes, 0, 1, 1);
  char *v = vectors_new(&f, 1), *other = vectors_new(&f, 1);
  double t[TIMES];
  for (int i = 0; i < TIMES; i++) {
    const double start = seconds_now();
    vector_add(&f, v, other);
    t[i] = seconds_now() - start;
  }
  free(v);
  free(other);
  return median_of(t, TIMES);
}

/* Beside the update, the gradients are weighed and moved once: read and written twice. */
static costs compute_costs(const graph *g, const rank_bench *b) {
  costs c = {.latency = b->latency, .bandwidth = b->bandwidth};
  const int batch = b->batch < MOST_SAMPLES ? b->batch : MOST_SAMPLES;
  c.sample = timed(g, b, PART_GRADIENTS, batch, &c.bytes) / batch;
  c.add = time_add((size_t)c.bytes);
  c.update = timed(g, b, PART_UPDATE, batch, NULL) + c.add * 4 / 3;
  return c;
}

/* --- messages --- */

/* Median seconds of an exchange of `bytes` with the neighbour; messages of the size that will be.
 */
static double time_swap(const ranks *r, char *out, char *in, size_t bytes, int times) {
  double *t = allocate((size_t)times * sizeof *t);
  for (int i = 0; i < times; i++) {
    const double start = seconds_now();
    if ((r->rank ^ 1) < r->n)
      ranks_must(r, r->api->swap(out, in, bytes, r->rank ^ 1), "measure messages");
    t[i] = seconds_now() - start;
  }
  const double m = median_of(t, times);
  free(t);
  return m;
}

static void measure_messages(const ranks *r, costs *c) {
  enum { SMALL = 64, LEAST = 1 << 16, MOST = 1 << 24 };
  const size_t half = (size_t)c->bytes / 2, large = half < LEAST  ? LEAST
                                                    : half < MOST ? half
                                                                  : MOST;
  char *out = allocate(large), *in = allocate(large);
  time_swap(r, out, in, large, 3);
  c->latency = time_swap(r, out, in, SMALL, 400);
  c->bandwidth = (double)large / (time_swap(r, out, in, large, 15) - c->latency);
  free(out);
  free(in);
}

/* A real exchange of gradients. */
static double measured_exchange(const ranks *r, const costs *c) {
  enum { TIMES = 15 };
  const vector_form f = vector_form_of((size_t)c->bytes, 0, r->n, 1);
  char *v = vectors_new(&f, 1), *other = vectors_new(&f, 1);
  double t[TIMES];
  for (int i = 0; i < TIMES; i++) {
    ranks_must(r, r->api->wait(), "measure messages");
    const double start = seconds_now();
    vector_exchange(&f, r, v, other);
    t[i] = seconds_now() - start;
  }
  free(v);
  free(other);
  return median_of(t, TIMES);
}

/* As vector_exchange does it. */
static double exchange_time(const costs *c, int n) {
  if (n == 1) return 0;
  const double rounds = log2(n);
  if (c->bytes < VECTOR_LEAST_HALVED)
    return rounds * (c->latency + c->bytes / c->bandwidth + c->add);
  const double share = 1 - 1.0 / n;
  return 2 * rounds * c->latency + share * (2 * c->bytes / c->bandwidth + c->add);
}

/* --- the table --- */

static void show_costs(const rank_bench *b, const costs *c) {
  printf("computation  %.3g ms a sample, %.3g ms an update, on %d thread%s\n", c->sample * 1e3,
         c->update * 1e3, b->threads, b->threads == 1 ? "" : "s");
  printf("messages     %.3g us, %.3g Gbit/s%s\n", c->latency * 1e6, c->bandwidth * 8e-9,
         b->bandwidth > 0 ? " (--network)" : "");
  printf("gradients    %.3g MB\n", c->bytes * 1e-6);
  if (b->r && b->r->n > 1 && !(b->r->n & (b->r->n - 1)))
    printf("exchange     %.3g ms measured on %d ranks, %.3g ms by the formula\n",
           measured_exchange(b->r, c) * 1e3, b->r->n, exchange_time(c, b->r->n) * 1e3);
}

static void add_row(table *t, const costs *c, int batch, int n) {
  const double exchange = exchange_time(c, n), one = batch * c->sample + c->update;
  const double strong = batch * c->sample / n + c->update + exchange, weak = one + exchange;
  table_add(t, "%d", n);
  table_add(t, "%.3g", exchange * 1e3);
  if (n > batch) {
    for (int i = 0; i < 3; i++) table_add(t, "-");
  } else {
    table_add(t, "%.4g", strong * 1e3);
    table_add(t, "%.0f", batch / strong);
    table_add(t, "%.0f%%", 100 * one / strong / n);
  }
  table_add(t, "%.0f", (double)n * batch / weak);
  table_add(t, "%.0f%%", 100 * one / weak);
}

static void show_scaling(const costs *c, int batch) {
  static const table_column column[] = {{"ranks", 0, 5, 0},          {"exchange ms", 0, 11, 3},
                                        {"step ms", 0, 8, 1},        {"samples/s", 0, 9, 0},
                                        {"of ideal", 0, 8, 0},       {"each: samples/s", 0, 15, 4},
                                        {"each: of ideal", 0, 14, 2}};
  printf("\nA batch of %d shared by all ranks, or a batch of %d for each:\n\n", batch, batch);
  table *t = table_new(column, sizeof column / sizeof *column);
  for (int n = 1; n <= MOST_RANKS; n *= 2) add_row(t, c, batch, n);
  table_print(t, "a wider terminal has everything");
}

void bench_ranks(const graph *g, const rank_bench *b) {
  costs c = compute_costs(g, b);
  if (b->bandwidth <= 0) measure_messages(b->r, &c);
  show_costs(b, &c);
  show_scaling(&c, b->batch);
}
