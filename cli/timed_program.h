/* A compiled program on random data, timed. */
#ifndef NETC_TIMED_PROGRAM_H
#define NETC_TIMED_PROGRAM_H
#include "product/program.h"
#include "runtime/memory_block.h"
#include "runtime/step_buffers.h"

typedef struct {
  program *p;
  memory_block mem;
  step_buffers buffers;
  run_args args;
} timed_program;

void timed_program_prepare(timed_program *s, const struct graph *g, const program_options *o);
void timed_program_release(timed_program *s);
/* Median seconds of one run of the whole program, of at least 5 and of about `budget` seconds. */
double timed_program_run(timed_program *s, double budget);
double median_of(double *v, int n); /* sorts v */
#endif
