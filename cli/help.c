/* netc help, netc version. */
#include "cli/command.h"
#include "cli/manual.h"
#include "cli/version.h"
#include "base/nearest_word.h"
#include "base/source.h"
#include "runtime/message.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *topic, *shell;
  bool man;
} help_command;

enum { KEY_MAN = 1, KEY_COMPLETION };

static const struct argp_option help_options[] = {
    {"man", KEY_MAN, 0, 0, "print the manual page (for `man -l -`)", 1},
    {"completion", KEY_COMPLETION, "SHELL", 0, "print the completion for bash, zsh or fish", 1},
    {0}};

static error_t parse_help(int key, char *arg, struct argp_state *state) {
  help_command *c = state->input;
  switch (key) {
  case KEY_MAN: c->man = true; break;
  case KEY_COMPLETION: c->shell = arg; break;
  case ARGP_KEY_ARG:
    if (c->topic) argp_error(state, "one command at a time, not also `%s`", arg);
    c->topic = arg;
    break;
  default: return ARGP_ERR_UNKNOWN;
  }
  return 0;
}

const struct argp help_argp = {
    help_options,
    parse_help,
    "[COMMAND]",
    "Tells what the commands are, or how one of them is used."
    "\vWhere netc is installed the pages are at hand as `man netc-train` and so on. Completion "
    "without an installation: `source <(netc help --completion=bash)`.",
    0,
    0,
    0};

static error_t parse_version(int key, char *arg, struct argp_state *state) {
  if (key == ARGP_KEY_ARG) argp_error(state, "there is nothing to say of `%s`", arg);
  return ARGP_ERR_UNKNOWN;
}

const struct argp version_argp = {0, parse_version, 0, "Tells the version.", 0, 0, 0};

void write_overview(FILE *to) {
  fprintf(to, "Usage: netc COMMAND [OPTIONS] FILE...\n\n"
              "Compiles neural networks described in text, trains them and runs them.\n\n");
  for (int i = 0; i < n_commands; i++)
    fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
  fprintf(to,
          "\n`netc help COMMAND` tells the options of a command; `netc --version` the version.\n"
          "Exit status: 0 done; 1 the input was wrong or the work failed; 2 the command line was "
          "wrong;\n128 + N a run was ended by signal N, with its checkpoint written.\n");
}

int unknown_command(const char *word) {
  const char **names = allocate((size_t)n_commands * sizeof *names);
  for (int i = 0; i < n_commands; i++) names[i] = commands[i].name;
  const char *near = *word == '-' ? NULL : nearest_word(word, names, n_commands);
  char *help =
      near ? message("did you mean `netc %s`?", near) : message("`netc --help` lists the commands");
  diag_tell(DIAG_USAGE, "there is no %s `%s`" DIAG_HELP "%s", *word == '-' ? "option" : "command",
            word, help);
  free(help);
  free(names);
  return EXIT_USAGE;
}

const command *find_command(const char *name) {
  for (int i = 0; i < n_commands; i++)
    if (!strcmp(name, commands[i].name)) return &commands[i];
  return NULL;
}

/* What `netc COMMAND --help` prints. */
static int show_help(const command *c) {
  char *name = message("netc %s", c->name), help[] = "--help", *argv[] = {name, help, NULL};
  int status = c->run(2, argv);
  free(name);
  return status;
}

int command_help(int argc, char **argv) {
  help_command h = {0};
  parse_command(&help_argp, argc, argv, &h);
  if (h.shell && !write_completion(stdout, h.shell))
    return report_failure(message("no completion for `%s`: bash, zsh and fish have one", h.shell));
  if (h.shell) return EXIT_DONE;
  const command *c = h.topic ? find_command(h.topic) : NULL;
  if (h.topic && !c) return unknown_command(h.topic);
  if (h.man) write_manual(stdout, c);
  else if (c) return show_help(c);
  else write_overview(stdout);
  return EXIT_DONE;
}

int command_version(int argc, char **argv) {
  parse_command(&version_argp, argc, argv, NULL);
  puts("netc " NETC_VERSION);
  return EXIT_DONE;
}
