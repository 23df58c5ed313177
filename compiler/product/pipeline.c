/* The pass table: the whole compiler at a glance. */
#include "base/internal.h"
#include "pipeline.h"
#include "base/timing.h"
#include "passes/passes.h"
#include <string.h>

/* Operators were tried when the file was checked. */
static void wrong_library(const compilation *c) {
  diag_print(c->g->d, stderr);
  internal_error(c->p ? c->p->stage : "lower", "an operator of the library is wrong");
}

static void run_lower(compilation *c) {
  c->p = lower(c->g, c->opt.train, c->opt.train || c->opt.loss, c->opt.batch, c->mem);
  if (!c->p) wrong_library(c);
  c->p->threads = c->opt.threads > 0 ? c->opt.threads : 1;
  c->p->no_fma = c->machine && !c->machine->info->fma;
}
static void run_grad(compilation *c) {
  if (!c->opt.train) return;
  bool ok = true;
  if (c->opt.part == PART_GRADIENTS) ok = gradients(c->p);
  else if (c->opt.part == PART_UPDATE) ok = updates(c->p, c->optimizer);
  else ok = grad(c->p, c->optimizer);
  if (!ok) wrong_library(c);
}
static void run_gather(compilation *c) { gather(c->p); }
static void run_simplify(compilation *c) { simplify(c->p); }
static void run_pick(compilation *c) { pick(c->p); }
static void run_order(compilation *c) { order(c->p); }
static void run_fuse(compilation *c) { fuse(c->p); }
static void run_winograd(compilation *c) { winograd(c->p); }
static void run_stepwise(compilation *c) {
  if (c->opt.stepwise) stepwise(c->p);
}
static void run_halo(compilation *c) {
  c->p->real = c->real;
  halo(c->p);
}
static void run_skip(compilation *c) { skip_program(c->p); }
static void run_block(compilation *c) { block_program(c->p, c->machine->info); }
static void run_sched(compilation *c) {
  exprs_settle(c->p->ex); /* from here on no pass makes an expression */
  schedule_program(c->p, c->machine->info, c->p->threads);
}
static void run_group(compilation *c) { group_program(c->p, c->machine->info); }
static void run_plan(compilation *c) { c->memory = plan(c->p); }
static void run_kernels(compilation *c) {
  c->kernels = kernels_collect(c->p, c->prefix ? c->prefix : "k");
}

typedef struct {
  const char *name, *does;
  void (*run)(compilation *c);
  bool keeps_bits; /* else the order of additions may change */
} pass;

/* What each pass needs is what stands above it. After `winograd` the bits are fixed. */
static const pass passes[] = {
    {"lower", "operators become nests; weights and running statistics become tensors", run_lower,
     false},
    {"grad", "backward nests and the optimizer's updates", run_grad, false},
    {"gather", "every nest writes each element once; strides split into residue classes",
     run_gather, false},
    {"simplify", "constants folded, unit axes and dead nests dropped", run_simplify, false},
    {"pick", "sums that take one term of many read, or add, by number", run_pick, false},
    {"order", "sums over 16 lanes chosen, operands packed", run_order, false},
    {"fuse", "producers inlined, elementwise nests moved into the stores of what they read",
     run_fuse, true},
    {"winograd", "convolutions in tiles, with fewer multiplications", run_winograd, false},
    {"stepwise", "one position after the other, where none reads later ones (`generate`)",
     run_stepwise, true},
    {"halo", "borders of zeros, guards, strides", run_halo, true},
    {"skip", "zeros and unused values of selections by position left out", run_skip, true},
    {"block", "sums cut to what the second-level cache holds", run_block, true},
    {"sched", "register tiles, loop order, what threads share", run_sched, true},
    {"group", "which nests run without waiting for each other", run_group, true},
    {"plan", "every tensor's place in memory", run_plan, true},
    {"kernels", "equal nests share one function", run_kernels, true},
};
enum { N_PASSES = sizeof passes / sizeof *passes };

bool pipeline_has_stage(const char *name) {
  for (int i = 0; i < N_PASSES; i++)
    if (!strcmp(passes[i].name, name)) return true;
  return !strcmp(name, "llvm") || !strcmp(name, "asm");
}

void pipeline_list(FILE *to) {
  for (int i = 0; i < N_PASSES; i++) fprintf(to, "  %-9s %s\n", passes[i].name, passes[i].does);
  fprintf(to, "  %-9s %s\n  %-9s %s\n", "llvm", "LLVM IR", "asm", "assembly for this machine");
}

void pipeline_title(const compilation *c, char title[64]) {
  snprintf(title, 64, "%s, batch %d", c->opt.train ? "training step" : "inference", c->opt.batch);
}

static const char *dump_stage;

void pipeline_dump(const char *stage) { dump_stage = stage; }
bool pipeline_dumps(void) { return dump_stage != NULL; }

static void dump_program(const compilation *c, const char *stage) {
  dump_nests(c->p, stdout);
  if (!strcmp(stage, "plan")) dump_places(c->p, stdout);
}

static bool dumps(const char *stage) { return dump_stage && !strcmp(dump_stage, stage); }

static void run_pass(compilation *c, const pass *x) {
  double start = seconds_worked();
  int64_t had = (int64_t)arena_bytes(c->mem);
  x->run(c);
  timing_add(x->name, seconds_worked() - start, (int64_t)arena_bytes(c->mem) - had);
  c->p->stage = x->name;
  start = seconds_worked(), had = (int64_t)arena_bytes(c->mem);
  verify(c->p);
  timing_add("(verify)", seconds_worked() - start, (int64_t)arena_bytes(c->mem) - had);
  if (dumps(x->name)) dump_program(c, x->name);
  if (c->after) c->after(c, x->name, x->keeps_bits, c->after_arg);
}

void pipeline_run(compilation *c, const char *stop) {
  c->mem = arena_new();
  for (int i = 0; i < N_PASSES; i++) {
    run_pass(c, &passes[i]);
    if (stop && !strcmp(stop, passes[i].name)) return;
  }
  if (dumps("llvm")) dump_code(c->kernels, c->machine, false, stdout);
  if (dumps("asm")) dump_code(c->kernels, c->machine, true, stdout);
}

void compilation_free(compilation *c) {
  arena_free(c->mem);
  c->mem = NULL;
}
