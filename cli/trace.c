#include "cli/trace.h"
#include "base/timing.h"
#include "code/cache.h"
#include "cli/workload.h"
#include "compiler/product/program.h"
#include "runtime/evaluate.h"
#include <stdio.h>

enum { KEY_DUMP = 2000, KEY_TIME_PASSES, KEY_NO_CACHE };

#define TIME_PASSES                                                                                \
  {"time-passes",                                                                                  \
   KEY_TIME_PASSES,                                                                                \
   0,                                                                                              \
   0,                                                                                              \
   "tell on stderr what each pass of a compilation took, in time and memory",                      \
   9}
#define NO_CACHE                                                                                   \
  {"no-cache", KEY_NO_CACHE, 0, 0, "compile everything, and keep nothing (see `netc cache`)", 9}
static const struct argp_option times_options[] = {TIME_PASSES, NO_CACHE, {0}};
static const struct argp_option trace_options[] = {
    {"dump", KEY_DUMP, "STAGE", 0, "print a stage of the compilation, and end", 9},
    TIME_PASSES,
    NO_CACHE,
    {0}};

static void check_stage(struct argp_state *state, const char *name) {
  if (pipeline_has_stage(name)) return;
  fprintf(stderr, "Stages of the compilation:\n");
  pipeline_list(stderr);
  argp_error(state, "--dump: there is no stage `%s`", name);
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  switch (key) {
  case KEY_DUMP:
    check_stage(state, arg);
    pipeline_dump(arg);
    return 0;
  case KEY_TIME_PASSES: timing_enable(); return 0;
  case KEY_NO_CACHE: cache_disable(); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

const struct argp trace_argp = {trace_options, parse, 0, 0, 0, 0, 0};
const struct argp times_argp = {times_options, parse, 0, 0, 0, 0, 0};

bool only_dumps(void) { return pipeline_dumps(); }

int dump_program(const char *file, const train_flags *f, bool train) {
  graph *g = load_network(file, f, NULL);
  if (!g) return EXIT_WRONG_INPUT;
  program_options o = {
      .train = train,
      .loss = true,
      .batch = train ? (int)g->train.batch.v[0] : evaluation_batch(INT32_MAX),
      .threads = f->threads,
  };
  program_free(program_build(g, &o));
  graph_free(g);
  return EXIT_DONE;
}
