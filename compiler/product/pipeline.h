/* The passes in order, and what they hand on. */
#ifndef NETC_PIPELINE_H
#define NETC_PIPELINE_H
#include "code/back.h"
#include "graph/graph.h"
#include "passes/plan.h"
#include "program.h"

typedef struct compilation {
  const graph *g;
  program_options opt;
  const opuse *optimizer; /* for training */
  dtype real;             /* of floats: F64 to check gradients */
  machine *machine;
  const char *prefix; /* of the names of functions; NULL: "k" */
  arena *mem;
  nestprog *p;
  memory_plan memory;
  kernel_list *kernels;
  /* Called after every pass, unless it is NULL. */
  void (*after)(const struct compilation *c, const char *pass, bool keeps_bits, void *arg);
  void *after_arg;
} compilation;

/* Runs every pass up to code generation. `stop` (a pass's name, or NULL) ends the run after that
   pass. Verifies the nests after every pass. */
void pipeline_run(compilation *c, const char *stop);
/* "training step, batch 64": what is compiled. */
void pipeline_title(const compilation *c, char title[64]);
void compilation_free(compilation *c);

/* What a caller knows of a tensor that it gives or gets. */
port_info describe_port(const tensor *t);

struct weight_table;
/* A program from a compilation whose graph, options, optimizer and precision are set. With F64,
   every float behind the pointers of run_args is a double. */
program *program_compile(const compilation *c);
const struct weight_table *program_weights(const program *p);
/* The nests it was compiled from. */
const nestprog *program_nests(const program *p);
#endif
