/* netc COMMAND [OPTIONS] FILE...: finds the command and hands over to it. */
#include "cli/command.h"
#include "cli/manual.h"
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
  fprintf(stderr, "netc: error: cannot write to standard output: %s\n", strerror(errno));
  _exit(status ? status : EXIT_WRONG_INPUT);
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
