/* The cost model beside the measurement: `netc bench --model`. */
#ifndef NETC_BENCH_MODEL_H
#define NETC_BENCH_MODEL_H

/* A sum of products: what a run of it took, and what the scheduler expected, in microseconds. */
typedef struct {
  char *name; /* malloc'd */
  double measured, expected;
} model_row;

/* Prints the rows, how far off the expectation is, and how often it orders two of them as the
   measurement does. */
void print_model(const model_row *row, int n);
#endif
