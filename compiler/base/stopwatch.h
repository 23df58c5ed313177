/* The one clock for durations. */
#ifndef NETC_STOPWATCH_H
#define NETC_STOPWATCH_H
#include <time.h>

/* Seconds since some fixed moment. */
static inline double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
#endif
