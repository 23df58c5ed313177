/* netc bench: where the time of a training step and of an inference goes, nest by nest. */
#include "cli/bench_model.h"
#include "cli/command.h"
#include "base/timing.h"
#include "cli/bench_ranks.h"
#include "cli/flags.h"
#include "cli/table.h"
#include "cli/timed_program.h"
#include "product/network.h"
#include "product/program.h"
#include "runtime/message.h"
#include "runtime/ranks.h"
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *file;
  int batch, threads;
  double budget; /* seconds spent on each measurement */
  bool json, inference, model;
  double latency, bandwidth; /* --network: seconds, bytes a second */
} bench_command;

static const struct argp_option options[] = {
    {"batch", 'b', "N", 0, "samples of a training step, instead of the file's", 1},
    {"threads", 't', "N", 0, "threads (default: every CPU)", 1},
    {"seconds", 's', "S", 0, "time to spend on each measurement (default 0.5)", 1},
    {"inference", 'i', 0, 0,
     "show the nests of inference, at --batch, instead of the training step's", 1},
    {"network", 'n', "US,GBIT", 0,
     "what a training step takes on up to 512 machines whose messages take US microseconds and "
     "GBIT Gbit/s; under mpirun both are measured. See docs/many-machines.md",
     1},
    {"model", 'm', 0, 0,
     "beside every sum of products, the time that the scheduler expected when it chose the tile",
     1},
    {"json", 'j', 0, 0, "print one JSON object instead of tables", 1},
    {0}};

static void read_network(struct argp_state *state, const char *arg, bench_command *c) {
  double us, gbit;
  char end;
  if (sscanf(arg, "%lf,%lf%c", &us, &gbit, &end) != 2 || !(us >= 0) || !(gbit > 0))
    argp_error(state, "--network takes microseconds and Gbit/s as in 2,100, not `%s`", arg);
  c->latency = us * 1e-6;
  c->bandwidth = gbit * 1e9 / 8;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  bench_command *c = state->input;
  switch (key) {
  case 'b': c->batch = (int)option_whole(state, "--batch", arg, 1, 65536); break;
  case 't': c->threads = (int)option_whole(state, "--threads", arg, 1, 1024); break;
  case 's':
    c->budget = option_real(state, "--seconds", arg);
    if (c->budget <= 0) argp_error(state, "--seconds takes a number above 0, not `%s`", arg);
    break;
  case 'n': read_network(state, arg, c); break;
  case 'i': c->inference = true; break;
  case 'j': c->json = true; break;
  case 'm': c->model = true; break;
  default: return option_file(state, key, arg, &c->file);
  }
  return 0;
}

static const char doc[] =
    "Times the compiled training step and inference of FILE.net on random images: every layer and "
    "direction, its GFLOP/s, and its share of this machine's FMA peak and memory bandwidth, both "
    "measured in the same run. All times are medians.";

/* --- running --- */

/* Median seconds of every step of the program, into t. */
static void time_steps(timed_program *s, double budget, double *t) {
  int n = program_n_steps(s->p), runs = 0, most = 500;
  double *all = malloc(sizeof(double) * (size_t)(n * most)), start = seconds_now();
  while (runs < most && (runs < 5 || seconds_now() - start < budget)) {
    for (int i = 0; i < n; i++) {
      double t0 = seconds_now();
      program_run_step(s->p, &s->args, i);
      all[i * most + runs] = seconds_now() - t0;
    }
    runs++;
  }
  for (int i = 0; i < n; i++) t[i] = median_of(all + i * most, runs);
  free(all);
}

/* --- results --- */

typedef struct {
  double peak, bandwidth;        /* GFLOP/s, GB/s */
  double train, infer1, infer32; /* seconds */
  double compile, compile_infer; /* seconds */
  double flops, contraction_flops, contraction_seconds;
  int batch, threads;
} figures;

/* A step's name, malloc'd; those that share it (the edges of a border) are numbered. */
static char *row_name(const program *p, int step) {
  const step_info own = program_step(p, step);
  int before = 0, all = 0;
  for (int i = 0; i < program_n_steps(p); i++) {
    const bool same = !strcmp(program_step(p, i).name, own.name);
    all += same;
    before += same && i < step;
  }
  return all > 1 ? message("%s #%d", own.name, before + 1) : message("%s", own.name);
}

/* What the cost model expects of a step, by the peak that was measured. */
static double expected_us(const step_info *i, const figures *f) {
  return 2 * i->expected / f->peak / 1e3;
}

static json_object *step_object(const char *name, const step_info *i, double t, const figures *f) {
  json_object *o = json_object_new_object();
  json_object_object_add(o, "name", json_object_new_string(name));
  json_object_object_add(o, "layer", json_object_new_string(i->layer));
  json_object_object_add(o, "us", json_object_new_double(t * 1e6));
  json_object_object_add(o, "gflops", json_object_new_double(i->flops / t / 1e9));
  json_object_object_add(o, "peak_share", json_object_new_double(i->flops / t / 1e9 / f->peak));
  json_object_object_add(o, "gbytes", json_object_new_double(i->bytes / t / 1e9));
  if (i->expected > 0)
    json_object_object_add(o, "model_us", json_object_new_double(expected_us(i, f)));
  return o;
}

/* More than the memory gives comes out of the caches: a share of it would say nothing. */
static void add_step(table *rows, const char *name, const step_info *i, double t,
                     const figures *f) {
  const double rate = i->bytes / t / 1e9;
  table_add(rows, "%s", name);
  table_add(rows, "%.1f", t * 1e6);
  table_add(rows, "%.1f", i->flops / t / 1e9);
  table_add(rows, "%.0f%%", 100 * i->flops / t / 1e9 / f->peak);
  table_add(rows, "%.1f", rate);
  if (rate <= f->bandwidth) table_add(rows, "%.0f%%", 100 * rate / f->bandwidth);
  else table_add(rows, "cache");
}

static const table_column step_columns[] = {{"nest", 1, 30, 0},   {"us", 0, 8, 0},
                                            {"GFLOP/s", 0, 7, 0}, {"peak", 0, 5, 1},
                                            {"GB/s", 0, 7, 3},    {"memory", 0, 6, 2}};
enum { N_STEP_COLUMNS = sizeof step_columns / sizeof *step_columns };

/* The sums of products among the steps, whose times are t. */
static void report_model(const program *p, const double *t, const figures *f) {
  int n = 0, steps = program_n_steps(p);
  model_row *row = malloc(sizeof *row * (size_t)(steps + 1));
  for (int i = 0; i < steps; i++) {
    const step_info info = program_step(p, i);
    if (info.expected > 0)
      row[n++] = (model_row){row_name(p, i), t[i] * 1e6, expected_us(&info, f)};
  }
  print_model(row, n);
  for (int i = 0; i < n; i++) free(row[i].name);
  free(row);
}

static json_object *report_steps(timed_program *s, figures *f, const bench_command *c) {
  int n = program_n_steps(s->p);
  double *t = malloc(sizeof(double) * (size_t)(n + 1));
  json_object *list = json_object_new_array();
  time_steps(s, c->budget, t);
  table *rows = c->json || c->model ? NULL : table_new(step_columns, N_STEP_COLUMNS);
  for (int i = 0; i < n; i++) {
    step_info info = program_step(s->p, i);
    f->flops += info.flops;
    if (info.contraction) f->contraction_flops += info.flops, f->contraction_seconds += t[i];
    char *name = row_name(s->p, i);
    if (rows) add_step(rows, name, &info, t[i], f);
    else json_object_array_add(list, step_object(name, &info, t[i], f));
    free(name);
  }
  if (rows) table_print(rows, "--json has everything");
  else if (!c->json) report_model(s->p, t, f);
  free(t);
  return list;
}

static void print_totals(const figures *f) {
  printf("\ntraining step, batch %d     %8.3f ms  %7.1f GFLOP/s\n", f->batch, f->train * 1e3,
         f->flops / f->train / 1e9);
  if (f->contraction_seconds > 0)
    printf("  its convolutions, linear  %8.3f ms  %7.1f GFLOP/s, %.0f%% of the FMA peak\n",
           f->contraction_seconds * 1e3, f->contraction_flops / f->contraction_seconds / 1e9,
           100 * f->contraction_flops / f->contraction_seconds / 1e9 / f->peak);
  printf("inference, batch 1          %8.3f ms\n", f->infer1 * 1e3);
  printf("inference, batch 32         %8.3f ms\n", f->infer32 * 1e3);
  printf("compile, training step      %8.1f ms\n", f->compile * 1e3);
  printf("compile, inference          %8.1f ms\n", f->compile_infer * 1e3);
}

static void add(json_object *o, const char *key, double v) {
  json_object_object_add(o, key, json_object_new_double(v));
}

static void print_object(const char *file, const figures *f, json_object *steps) {
  json_object *o = json_object_new_object();
  json_object_object_add(o, "file", json_object_new_string(file));
  json_object_object_add(o, "batch", json_object_new_int(f->batch));
  json_object_object_add(o, "threads", json_object_new_int(f->threads));
  add(o, "train_step_ms", f->train * 1e3);
  add(o, "infer_ms", f->infer1 * 1e3);
  add(o, "infer32_ms", f->infer32 * 1e3);
  add(o, "compile_ms", f->compile * 1e3);
  add(o, "compile_infer_ms", f->compile_infer * 1e3);
  add(o, "peak_gflops", f->peak);
  add(o, "bandwidth_gbytes", f->bandwidth);
  add(o, "step_gflops", f->flops / f->train / 1e9);
  add(o, "contraction_gflops", f->contraction_flops / f->contraction_seconds / 1e9);
  json_object_object_add(o, "steps", steps);
  print_json(o);
}

static int batch_of(const graph *g, const bench_command *c) {
  return c->batch ? c->batch : (int)g->train.batch.v[0];
}

static double bench_inference(const graph *g, const bench_command *c, int batch, double *compile) {
  timed_program s;
  timed_program_prepare(&s, g, &(program_options){.batch = batch, .threads = c->threads});
  double t = timed_program_run(&s, c->budget);
  if (compile) *compile = program_compile_seconds(s.p);
  timed_program_release(&s);
  return t;
}

static void bench(const graph *g, const bench_command *c) {
  figures f = {.batch = batch_of(g, c), .threads = c->threads};
  machine_measure(c->threads, &f.peak, &f.bandwidth);
  timed_program s;
  const program_options o = {.train = !c->inference, .batch = f.batch, .threads = c->threads};
  timed_program_prepare(&s, g, &o);
  f.compile = program_compile_seconds(s.p);
  if (!c->json) {
    printf("%d thread%s: FMA peak %.1f GFLOP/s, memory %.1f GB/s\n\n", c->threads,
           c->threads == 1 ? "" : "s", f.peak, f.bandwidth);
  }
  json_object *steps = report_steps(&s, &f, c);
  f.train = timed_program_run(&s, c->budget);
  timed_program_release(&s);
  f.infer1 = bench_inference(g, c, 1, &f.compile_infer);
  f.infer32 = bench_inference(g, c, 32, NULL);
  if (c->json) {
    print_object(c->file, &f, steps);
    return;
  }
  json_object_put(steps);
  print_totals(&f);
}

const struct argp bench_argp = {options, parse, "FILE.net", doc, NULL, NULL, NULL};

int command_bench(int argc, char **argv) {
  bench_command c = {.threads = available_threads(), .budget = 0.5};
  parse_command(&bench_argp, argc, argv, &c);
  char *error = NULL;
  const ranks *r = ranks_here(&error);
  if (error) return report_failure(error);
  graph *g = graph_load(c.file, NULL);
  if (!g) return EXIT_WRONG_INPUT;
  if (r) ranks_hush(r);
  if (r || c.bandwidth > 0)
    bench_ranks(g, &(rank_bench){batch_of(g, &c), c.threads, c.budget, c.latency, c.bandwidth, r});
  else bench(g, &c);
  graph_free(g);
  return EXIT_DONE;
}
