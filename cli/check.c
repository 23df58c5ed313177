/* netc check: the derived gradients of a network against finite differences. */
#include "cli/command.h"
#include "graph/graph.h"
#include "product/program.h"
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

/* In double precision, an honest gradient agrees far better than this. */
static const double tolerance = 1e-6;

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
    "and its largest element alone. Exit status 1 if any relative error exceeds 1e-6.";

static void print_rows(const check_row *rows, int n, double worst) {
  int zero = 0;
  printf("%-32s %8s  %s\n", "parameter", "probes", "relative error");
  for (int i = 0; i < n; i++)
    printf("%-32s %8d  %.1e%s\n", rows[i].name, rows[i].probes, rows[i].error,
           rows[i].zero ? "  (the gradient is zero here)" : "");
  for (int i = 0; i < n; i++) zero += rows[i].zero;
  if (zero)
    printf("%d of %d gradients are zero with these weights and samples, so their rules were not "
           "exercised: try --seed or --batch\n",
           zero, n);
  printf("worst relative error %.1e: %s\n", worst,
         worst < tolerance ? "the derived gradients agree with central differences"
                           : "the derived gradients are WRONG");
}

static void print_object(const char *file, const check_row *rows, int n, double worst) {
  json_object *o = json_object_new_object(), *list = json_object_new_array();
  for (int i = 0; i < n; i++) {
    json_object *r = json_object_new_object();
    json_object_object_add(r, "parameter", json_object_new_string(rows[i].name));
    json_object_object_add(r, "probes", json_object_new_int(rows[i].probes));
    json_object_object_add(r, "error", json_object_new_double(rows[i].error));
    json_object_object_add(r, "zero_gradient", json_object_new_boolean(rows[i].zero));
    json_object_array_add(list, r);
  }
  json_object_object_add(o, "file", json_object_new_string(file));
  json_object_object_add(o, "worst_error", json_object_new_double(worst));
  json_object_object_add(o, "passed", json_object_new_boolean(worst < tolerance));
  json_object_object_add(o, "parameters", list);
  print_json(o);
}

static int check_gradients(const graph *g, const check_command *c) {
  int n;
  double worst = 0;
  check_row *rows = program_check(g, (int)c->batch, (uint64_t)c->seed, &n);
  for (int i = 0; i < n; i++)
    if (!(rows[i].error <= worst)) worst = rows[i].error;
  if (c->json) print_object(c->file, rows, n, worst);
  else print_rows(rows, n, worst);
  for (int i = 0; i < n; i++) free((void *)(uintptr_t)rows[i].name);
  free(rows);
  return worst < tolerance ? EXIT_DONE : EXIT_WRONG_INPUT;
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
