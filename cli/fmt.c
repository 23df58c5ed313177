/* netc fmt: one canonical layout for network files. */
#include "lang/fmt.h"
#include "cli/command.h"
#include "runtime/atomic_file.h"
#include "runtime/message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  bool in_place, check;
  int n;
  char **file;
} fmt_command;

enum { KEY_CHECK = 1 };

static const struct argp_option options[] = {
    {"in-place", 'i', 0, 0, "rewrite the files that are laid out otherwise", 0},
    {"check", KEY_CHECK, 0, 0, "print nothing; exit status 1 if a file is laid out otherwise", 0},
    {0}};

static const char doc[] = "Prints network files in one canonical layout; comments are kept.";

static error_t parse(int key, char *arg, struct argp_state *state) {
  fmt_command *c = state->input;
  switch (key) {
  case 'i': c->in_place = true; break;
  case KEY_CHECK: c->check = true; break;
  case ARGP_KEY_ARG: c->file[c->n++] = arg; break;
  case ARGP_KEY_NO_ARGS: argp_error(state, "which network file?"); break;
  case ARGP_KEY_END:
    if (c->in_place && c->check) argp_error(state, "-i and --check exclude each other");
    break;
  default: return ARGP_ERR_UNKNOWN;
  }
  return 0;
}

/* A formatted text to where it belongs; the exit status. */
static int deliver(const fmt_command *c, const char *path, const char *was, const char *text) {
  char *error = NULL;
  bool same = !strcmp(was, text);
  if (c->check) {
    if (!same) fprintf(stderr, "netc: %s is laid out otherwise (`netc fmt -i` changes it)\n", path);
    return same ? EXIT_DONE : EXIT_WRONG_INPUT;
  }
  if (!c->in_place) {
    fputs(text, stdout);
    return EXIT_DONE;
  }
  if (same || atomic_write(path, text, strlen(text), &error)) return EXIT_DONE;
  return report_failure(error);
}

static int format_file(const fmt_command *c, const char *path) {
  char *error = NULL;
  size_t n;
  char *text = read_whole_file(path, 1 << 24, &n, &error);
  if (!text) return report_failure(error);
  if (strlen(text) != n) {
    free(text);
    return report_failure(message("`%s` is not a text: it has zero bytes", path));
  }
  arena *a = arena_new();
  diag *d = diag_new(a);
  char *formatted = format_source(a, d, path, text);
  diag_print(d, stderr);
  int status = formatted ? deliver(c, path, text, formatted) : EXIT_WRONG_INPUT;
  arena_free(a);
  free(text);
  return status;
}

const struct argp fmt_argp = {options, parse, "FILE.net...", doc, 0, 0, 0};

int command_fmt(int argc, char **argv) {
  fmt_command c = {.file = allocate((size_t)argc * sizeof(char *))};
  parse_command(&fmt_argp, argc, argv, &c);
  int status = EXIT_DONE;
  for (int i = 0; i < c.n; i++)
    if (format_file(&c, c.file[i]) != EXIT_DONE) status = EXIT_WRONG_INPUT;
  free(c.file);
  return status;
}
