/* How a command compiles, and what it tells of that: --dump, --time-passes and --no-cache. */
#ifndef NETC_TRACE_H
#define NETC_TRACE_H
#include "cli/command.h"
#include "cli/flags.h"

/* Children of the commands' own parsers, without an input: all options; all but --dump. */
extern const struct argp trace_argp, times_argp;
/* Was --dump given? Then the command only compiles. */
bool only_dumps(void);
/* Compiles the training step of the file, or what `eval` runs; returns the exit status. */
int dump_program(const char *file, const train_flags *f, bool train);
#endif
