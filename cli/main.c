/* netc COMMAND [OPTIONS] FILE...: finds the command and hands over to it. */
#include "cli/command.h"
#include "base/source.h"
#include "cli/manual.h"
#include "cli/terminal.h"
#include "code/cache.h"
#include "runtime/message.h"
#include "runtime/ranks.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int run_command(const command *c, int argc, char **argv) {
  char *name = message("netc %s", c->name);
  argv[0] = name;
  argp_err_exit_status = EXIT_USAGE;
  int status = c->run(argc, argv);
  ranks_finish(status);
  free(name);
  return status;
}

/* argp ends the program itself after --help: a full disk is noticed there too. */
static void end_output(int status, void *unused) {
  (void)unused;
  if (fflush(stdout) == 0 && !ferror(stdout)) return;
  diag_tell(DIAG_FAILURE, "cannot write to standard output: %s", strerror(errno));
  _exit(status ? status : EXIT_WRONG_INPUT);
}

/* --diagnostics=json, anywhere on the command line, is every command's. */
static bool take_diagnostics(int *argc, char **argv) {
  static const char option[] = "--diagnostics=";
  for (int i = 1; i < *argc && strcmp(argv[i], "--"); i++) {
    if (strncmp(argv[i], option, sizeof option - 1)) continue;
    const char *how = argv[i] + sizeof option - 1;
    if (strcmp(how, "json") && strcmp(how, "text")) return false;
    diag_set_style(strcmp(how, "json") ? DIAG_TEXT : DIAG_JSON, NULL);
    memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof *argv);
    --*argc, i--;
  }
  return true;
}

int main(int argc, char **argv) {
  static const struct {
    const char *option, *command;
  } alias[] = {{"--help", "help"},
               {"-h", "help"},
               {"-?", "help"},
               {"--version", "version"},
               {"-V", "version"}};
  on_exit(end_output, NULL);
  diag_set_columns(terminal_columns(stderr));
  if (!take_diagnostics(&argc, argv)) {
    diag_tell(DIAG_USAGE, "--diagnostics takes json or text");
    return EXIT_USAGE;
  }
  cache_enable();
  if (argc < 2) {
    write_overview(stderr);
    return EXIT_USAGE;
  }
  const char *word = argv[1];
  for (size_t i = 0; i < sizeof alias / sizeof *alias; i++)
    if (!strcmp(word, alias[i].option)) word = alias[i].command;
  const command *c = find_command(word);
  return c ? run_command(c, argc - 1, argv + 1) : unknown_command(word);
}
