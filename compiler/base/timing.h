/* Where the time of a compilation goes (--time-passes). */
#ifndef NETC_TIMING_H
#define NETC_TIMING_H
#include <stdbool.h>
#include <stdint.h>

/* Seconds since some fixed moment. */
double seconds_now(void);
/* Seconds of processor time of this thread: what another program takes does not count. */
double seconds_worked(void);
/* From now on parts are noted; without it nothing here does anything. */
void timing_enable(void);
/* Adds to the part of this name, which lives as long as the program; bytes below 0 were given back.
   From any thread. */
void timing_add(const char *part, double seconds, int64_t bytes);
/* Prints the parts to stderr in the order in which they were first noted, those whose names begin
   with "LLVM" also together; forgets them. `what` was compiled. */
void timing_report(const char *what);
#endif
