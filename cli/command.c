/* What the commands share. */
#include "cli/command.h"
#include "cli/run_reference.h"
#include "cli/usage_error.h"
#include "base/source.h"
#include "base/decimal.h"
#include "base/internal.h"
#include "runtime/message.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_USAGE = 2000 };

/* argp's own help, under -h too. */
static const struct argp_option help_options[] = {
    {"help", 'h', 0, 0, "show this help", -1},
    {"help", '?', 0, OPTION_HIDDEN, 0, -1},
    {"usage", KEY_USAGE, 0, 0, "show a short usage message", -1},
    {0}};

static error_t parse_help(int key, char *arg, struct argp_state *state) {
  (void)arg;
  if (key == 'h' || key == '?') argp_state_help(state, state->out_stream, ARGP_HELP_STD_HELP);
  else if (key == KEY_USAGE)
    argp_state_help(state, state->out_stream, ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK);
  else return ARGP_ERR_UNKNOWN;
  return 0;
}

void parse_command(const struct argp *argp, int argc, char **argv, void *input) {
  static const struct argp help = {help_options, parse_help, 0, 0, 0, 0, 0};
  const struct argp_child both[] = {{argp, 0, 0, 0}, {&help, 0, 0, 0}, {0}};
  const struct argp all = {.children = both};
  usage_begin(argp, argv[0]);
  argp_parse(&all, argc, argv, ARGP_NO_HELP, NULL, input);
  usage_end();
}

long option_whole(struct argp_state *state, const char *name, const char *text, long least,
                  long most) {
  char *end;
  errno = 0;
  long v = strtol(text, &end, 10);
  if (errno || end == text || *end || v < least || v > most)
    argp_error(state, "%s takes a whole number from %ld to %ld, not `%s`", name, least, most, text);
  return v;
}

double option_real(struct argp_state *state, const char *name, const char *text) {
  const char *end;
  double v = decimal(text, &end);
  if (end == text || *end || v - v != 0)
    argp_error(state, "%s takes a number, not `%s`", name, text);
  return v;
}

error_t option_file(struct argp_state *state, int key, char *arg, const char **file) {
  if (key == ARGP_KEY_NO_ARGS) argp_error(state, "which network file?");
  if (key != ARGP_KEY_ARG) return ARGP_ERR_UNKNOWN;
  if (*file) argp_error(state, "one network file at a time, not also `%s`", arg);
  *file = run_network(arg);
  return 0;
}

static bool plain(const char *word) {
  return *word &&
         !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                            "-_./=:,+@%")];
}

char *command_line(int argc, char **argv) {
  char *line = NULL;
  size_t n;
  FILE *f = allocated(open_memstream(&line, &n));
  fputs(argv[0], f);
  for (int i = 1; i < argc; i++) {
    if (plain(argv[i])) {
      fprintf(f, " %s", argv[i]);
      continue;
    }
    fputs(" '", f);
    for (const char *p = argv[i]; *p; p++) fprintf(f, *p == '\'' ? "'\\'%c" : "%c", *p);
    fputc('\'', f);
  }
  fclose(f);
  return line;
}

int report_failure(char *text) {
  diag_tell(DIAG_FAILURE, "%s", text);
  free(text);
  return EXIT_WRONG_INPUT;
}

bool print_json(void *json) {
  char *text = clean_utf8(json_object_to_json_string_ext(
      json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
  puts(text);
  free(text);
  json_object_put(json);
  return fflush(stdout) == 0;
}
