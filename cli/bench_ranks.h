/* Do several machines pay? Computation as measured here, messages as measured between the ranks at
   hand or as told, and from both what a training step takes on up to 512 ranks. */
#ifndef NETC_BENCH_RANKS_H
#define NETC_BENCH_RANKS_H
#include "graph/graph.h"
#include "runtime/ranks.h"
#include <stdbool.h>

typedef struct {
  int batch, threads;
  double budget;             /* seconds for each measurement */
  double latency, bandwidth; /* seconds, bytes a second; 0: measured, which needs ranks */
  const ranks *r;            /* or NULL */
} rank_bench;

void bench_ranks(const graph *g, const rank_bench *b);
#endif
