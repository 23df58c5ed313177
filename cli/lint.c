/* netc lint: warnings about a network and its training, without training it. */
#include "cli/lints.h"
#include <json-c/json.h>
#include <stdio.h>

typedef struct {
  train_flags f;
  const char *file;
} lint_command;

static error_t parse(int key, char *arg, struct argp_state *state) {
  lint_command *c = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &c->f; break;
  default: return option_file(state, key, arg, &c->file);
  }
  return 0;
}

static const char doc[] =
    "Warns of settings in FILE.net that are allowed and seldom do what is meant, each with its "
    "reason."
    "\vWarnings go to stderr; the exit status is 0 if the file is right, whatever it is warned of.";

static int lint(const lint_command *c) {
  workload w = {.g = load_network(c->file, &c->f, NULL)};
  bool ok = w.g != NULL;
  if (ok && w.g->has_train && (w.g->train.data || c->f.data)) {
    workload_close(&w);
    ok = workload_open(&w, c->file, &c->f, NULL);
  }
  if (!ok) return EXIT_WRONG_INPUT;
  int n = add_lints(&w);
  diag_print(w.g->d, stderr);
  if (c->f.json) {
    json_object *j = json_object_new_object();
    json_object_object_add(j, "warnings", json_object_new_int(n));
    print_json(j);
  } else {
    printf("%s: %d warning%s\n", c->file, n, n == 1 ? "" : "s");
  }
  workload_close(&w);
  return EXIT_DONE;
}

int command_lint(int argc, char **argv) {
  static const struct argp_child children[] = {{&train_flags_argp, 0, 0, 0}, {0}};
  static const struct argp parser = {NULL, parse, "FILE.net", doc, children, 0, 0};
  lint_command c = {0};
  train_flags_init(&c.f);
  argp_parse(&parser, argc, argv, 0, NULL, &c);
  return lint(&c);
}
