/* netc check: the derived gradients of a network against finite differences. */
#include "cli/command.h"
#include "product/network.h"
#include "product/program.h"
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
  const char *file;
  long batch, seed;
  bool json, passes;
} check_command;

enum { KEY_PASSES = 1 };

static const struct argp_option options[] = {
    {"batch", 'b', "N", 0, "samples in the random batch (default 2)", 1},
    {"seed", 's', "N", 0, "seed of weights, images and probes (default 1)", 1},
    {"check-passes", KEY_PASSES, 0, 0,
     "compare what the program computes after every pass of the compiler instead, and name the "
     "first "
     "that changed a result",
     1},
    {"json", 'j', 0, 0, "print one JSON object instead of a table", 1},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  check_command *c = state->input;
  switch (key) {
  case 'b': c->batch = option_whole(state, "--batch", arg, 1, 4096); break;
  case 's': c->seed = option_whole(state, "--seed", arg, 0, 2147483647); break;
  case 'j': c->json = true; break;
  case KEY_PASSES: c->passes = true; break;
  default: return option_file(state, key, arg, &c->file);
  }
  return 0;
}

static const char doc[] =
    "Compares the gradients that netc derived for FILE.net with central differences, in double "
    "precision, on random weights and images."
    "\vEvery parameter tensor is probed along several directions: mixes of the gradient with "
    "noise, "
    "and its largest element alone. Exit status 1 if any relative error exceeds 1e-6, "
    "or nothing can be compared, since a value is infinite.";

/* What all rows say together. */
typedef struct {
  double worst, resolution;
  int zero, kinks;
  bool infinite, passed;
} findings;

static findings find(const check_row *rows, int n) {
  findings f = {0};
  for (int i = 0; i < n; i++) {
    if (!(rows[i].error <= f.worst)) f.worst = rows[i].error;
    if (rows[i].resolution > f.resolution) f.resolution = rows[i].resolution;
    f.zero += rows[i].zero;
    f.kinks += rows[i].kinks;
    f.infinite |= rows[i].infinite;
  }
  f.passed = f.worst < CHECK_TOLERANCE && !f.infinite;
  return f;
}

static void print_row(const check_row *r) {
  printf("%-32s %8d  ", r->name, r->probes);
  if (r->infinite) {
    printf("-\n");
    return;
  }
  printf("%.1e", r->error);
  if (r->zero) printf("  (the gradient is zero here)");
  if (r->kinks) printf("  (%d at kinks)", r->kinks);
  if (r->resolution > 0) printf("  (%.1e where differences tell no more)", r->resolution);
  printf("\n");
}

static void print_notes(const findings *f, int n) {
  if (f->zero)
    printf("%d of %d gradients are zero with these weights and samples, so their rules were not "
           "exercised: try --seed or --batch\n",
           f->zero, n);
  if (f->kinks)
    printf("%d probes start where the loss has a kink, and its slopes to both sides differ: there "
           "is no derivative to compare with\n",
           f->kinks);
  if (f->resolution > 0)
    printf("some probes agree as far as differences tell, which is %.1e and no more: the loss "
           "hardly depends on them, or is rough\n",
           f->resolution);
}

static void print_verdict(const findings *f) {
  if (f->infinite) {
    printf("not compared: the loss or a gradient is infinite or no number with these weights and "
           "samples (a max= over nothing is minus infinity)\n");
    return;
  }
  printf("worst relative error %.1e: %s\n", f->worst,
         f->passed ? "the derived gradients agree with central differences"
                   : "the derived gradients are WRONG");
}

static void print_rows(const check_row *rows, int n, const findings *f) {
  printf("%-32s %8s  %s\n", "parameter", "probes", "relative error");
  for (int i = 0; i < n; i++) print_row(&rows[i]);
  if (!f->infinite) print_notes(f, n);
  print_verdict(f);
}

static void print_object(const char *file, const check_row *rows, int n, const findings *f) {
  json_object *o = json_object_new_object(), *list = json_object_new_array();
  for (int i = 0; i < n; i++) {
    json_object *r = json_object_new_object();
    json_object_object_add(r, "parameter", json_object_new_string(rows[i].name));
    json_object_object_add(r, "probes", json_object_new_int(rows[i].probes));
    json_object_object_add(r, "error", json_object_new_double(rows[i].error));
    json_object_object_add(r, "zero_gradient", json_object_new_boolean(rows[i].zero));
    json_object_object_add(r, "kinks", json_object_new_int(rows[i].kinks));
    json_object_object_add(r, "resolution", json_object_new_double(rows[i].resolution));
    json_object_array_add(list, r);
  }
  json_object_object_add(o, "file", json_object_new_string(file));
  json_object_object_add(o, "worst_error", json_object_new_double(f->worst));
  json_object_object_add(o, "infinite", json_object_new_boolean(f->infinite));
  json_object_object_add(o, "passed", json_object_new_boolean(f->passed));
  json_object_object_add(o, "parameters", list);
  print_json(o);
}

static void show_progress(const char *parameter, int done, int of) {
  fprintf(stderr, "\r\033[K%d of %d: %.60s", done, of, parameter);
}

static int check_gradients(const graph *g, const check_command *c) {
  int n;
  bool terminal = isatty(STDERR_FILENO);
  check_row *rows =
      program_check(g, (int)c->batch, (uint64_t)c->seed, terminal ? show_progress : NULL, &n);
  if (terminal && rows) fputs("\r\033[K", stderr);
  if (!rows) return EXIT_WRONG_INPUT;
  findings f = find(rows, n);
  if (c->json) print_object(c->file, rows, n, &f);
  else print_rows(rows, n, &f);
  for (int i = 0; i < n; i++) free((void *)(uintptr_t)rows[i].name);
  free(rows);
  return f.passed ? EXIT_DONE : EXIT_WRONG_INPUT;
}

/* --- --check-passes --- */

static void print_pass(const pass_row *r) {
  printf("  %-9s %-22s", r->pass, r->bits ? "the same bits" : "the same to rounding");
  if (r->error == 0) printf(" yes\n");
  else printf(" %s: %.1e in %s\n", r->ok ? "yes" : "NO", r->error, r->where);
}

static json_object *pass_object(const pass_row *r) {
  json_object *o = json_object_new_object();
  json_object_object_add(o, "pass", json_object_new_string(r->pass));
  json_object_object_add(o, "bits", json_object_new_boolean(r->bits));
  json_object_object_add(o, "ok", json_object_new_boolean(r->ok));
  json_object_object_add(o, "error", json_object_new_double(r->error));
  if (r->where) json_object_object_add(o, "tensor", json_object_new_string(r->where));
  return o;
}

/* The first pass that is wrong, or NULL; its name is static. */
static const char *check_program(const graph *g, const check_command *c, bool train,
                                 json_object *list) {
  int n;
  const char *wrong = NULL;
  pass_row *row = program_check_passes(g, train, (int)c->batch, (uint64_t)c->seed, &n);
  if (!c->json) printf("%s\n", train ? "training" : "inference");
  for (int i = 0; i < n; i++) {
    if (!row[i].ok && !wrong) wrong = row[i].pass;
    if (c->json) json_object_array_add(list, pass_object(&row[i]));
    else print_pass(&row[i]);
  }
  pass_rows_free(row, n);
  return wrong;
}

static int check_passes(const graph *g, const check_command *c) {
  json_object *o = json_object_new_object();
  const char *wrong = NULL;
  for (int train = 1; train >= 0; train--) {
    json_object *list = json_object_new_array();
    const char *first = check_program(g, c, train, list);
    if (!wrong) wrong = first;
    json_object_object_add(o, train ? "training" : "inference", list);
  }
  json_object_object_add(o, "passed", json_object_new_boolean(!wrong));
  json_object_object_add(o, "wrong", wrong ? json_object_new_string(wrong) : NULL);
  if (c->json) print_json(o);
  else if (wrong) printf("the first pass that changed a result: %s\n", wrong);
  else printf("every pass keeps what the network computes\n");
  if (!c->json) json_object_put(o);
  return wrong ? EXIT_WRONG_INPUT : EXIT_DONE;
}

const struct argp check_argp = {options, parse, "FILE.net", doc, NULL, NULL, NULL};

int command_check(int argc, char **argv) {
  check_command c = {.batch = 2, .seed = 1};
  parse_command(&check_argp, argc, argv, &c);
  graph *g = graph_load(c.file, NULL);
  if (!g) return EXIT_WRONG_INPUT;
  int status = c.passes ? check_passes(g, &c) : check_gradients(g, &c);
  graph_free(g);
  return status;
}
