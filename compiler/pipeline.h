/* The passes in order, and what they hand on. */
#ifndef NETC_PIPELINE_H
#define NETC_PIPELINE_H
#include "back.h"
#include "graph.h"
#include "plan.h"
#include "program.h"

typedef struct {
  const graph *g;
  program_options opt;
  machine *machine;
  arena *mem;
  nestprog *p;
  memory_plan memory;
  kernel_list *kernels;
} compilation;

/* Runs every pass up to code generation. `stop` (a pass's name, or NULL) ends the run after that
   pass; opt.dump prints a stage on the way. Verifies the nests after every pass. */
void pipeline_run(compilation *c, const char *stop);
void compilation_free(compilation *c);
/* Is there a stage of that name? (also "llvm" and "asm") */
bool pipeline_has_stage(const char *name);
/* The stages' names and one line each, for --help. */
void pipeline_list(FILE *to);
#endif
