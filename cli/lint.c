/* netc lint: warnings about a network and its training, without training it. */
#include "cli/lints.h"
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  train_flags f;
  const char *file;
} lint_command;

static const struct argp_option options[] = {
    {"json", 'j', 0, 0, "print one JSON object instead of a line", 3}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  lint_command *c = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &c->f; break;
  case 'j': c->f.json = true; break;
  default: return option_file(state, key, arg, &c->file);
  }
  return 0;
}

static const char doc[] =
    "Warns of settings in FILE.net that are allowed and seldom do what is meant, each with its "
    "reason."
    "\vWarnings go to stderr; the exit status is 0 if the file is right, whatever it is warned of.";

/* The messages as a list: file, line, column, code, message, help. */
static json_object *messages_of(diag *d) {
  char *text = NULL;
  size_t n = 0;
  FILE *to = open_memstream(&text, &n);
  json_object *list = json_object_new_array();
  if (!to) return list;
  diag_set_style(DIAG_JSON, to);
  diag_print(d, to);
  diag_set_style(DIAG_TEXT, NULL);
  fclose(to);
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
    json_object_array_add(list, json_tokener_parse(line));
  free(text);
  return list;
}

static int lint(const lint_command *c) {
  workload w = {.g = load_network(c->file, &c->f, NULL)};
  bool ok = w.g != NULL;
  if (ok && w.g->has_train && (w.g->train.data || c->f.data)) {
    workload_close(&w);
    ok = workload_open(&w, c->file, &c->f, NULL);
  }
  if (!ok) return EXIT_WRONG_INPUT;
  int n = add_lints(&w);
  json_object *messages = c->f.json ? messages_of(w.g->d) : NULL;
  if (c->f.json) {
    json_object *j = json_object_new_object();
    json_object_object_add(j, "warnings", json_object_new_int(n));
    json_object_object_add(j, "messages", messages);
    print_json(j);
  } else {
    diag_print(w.g->d, stderr);
    printf("%s: %d warning%s\n", c->file, n, n == 1 ? "" : "s");
  }
  workload_close(&w);
  return EXIT_DONE;
}

static const struct argp_child children[] = {{&value_flags_argp, 0, 0, 0}, {0}};
const struct argp lint_argp = {options, parse, "FILE.net", doc, children, 0, 0};

int command_lint(int argc, char **argv) {
  lint_command c = {0};
  train_flags_init(&c.f);
  parse_command(&lint_argp, argc, argv, &c);
  return lint(&c);
}
