/* netc COMMAND [OPTIONS] FILE...: finds the command and hands over to it. */
#include "cli/command.h"
#include "cli/version.h"
#include "base/nearest_word.h"
#include "runtime/message.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const command commands[] = {
    {"train", "compile a network and train it", command_train},
    {"summary", "show layers, parameters and memory", command_summary},
    {"eval", "measure trained weights on a data set", command_eval},
    {"predict", "classify image files", command_predict},
    {"build", "compile to an object file and a C header", command_build},
    {"compare", "train networks over several seeds, side by side", command_compare},
    {"sweep", "train every alternative that a file names", command_sweep},
    {"fmt", "lay a network file out in the one canonical way", command_fmt},
    {"lint", "warn of settings that seldom do what is meant", command_lint},
    {"check", "compare derived gradients with finite differences", command_check},
    {"export", "write an ONNX model", command_export},
    {"bench", "time every layer, against the machine's peak", command_bench},
    {"data", "show what a data set holds", command_data},
    {"pack", "turn a folder of images into a data set", command_pack},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *to) {
  fprintf(to, "Usage: netc COMMAND [OPTIONS] FILE...\n\n"
              "Compiles neural networks described in text, trains them and runs them.\n\n");
  for (int i = 0; i < N_COMMANDS; i++)
    fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
  fprintf(to,
          "\n`netc COMMAND --help` tells the options of a command; `netc --version` the version.\n"
          "Exit status: 0 done; 1 the input was wrong or the work failed; 2 the command line was "
          "wrong;\n128 + N a run was ended by signal N, with its checkpoint written.\n");
}

static int unknown(const char *word) {
  const char *names[N_COMMANDS];
  for (int i = 0; i < N_COMMANDS; i++) names[i] = commands[i].name;
  fprintf(stderr, "netc: error: there is no %s `%s`\n", *word == '-' ? "option" : "command", word);
  const char *near = *word == '-' ? NULL : nearest_word(word, names, N_COMMANDS);
  if (near) fprintf(stderr, "      = help: did you mean `netc %s`?\n", near);
  else fprintf(stderr, "      = help: `netc --help` lists the commands\n");
  return EXIT_USAGE;
}

static int run_command(const command *c, int argc, char **argv) {
  char *name = message("netc %s", c->name);
  argv[0] = name;
  argp_err_exit_status = EXIT_USAGE;
  int status = c->run(argc, argv);
  free(name);
  if (fflush(stdout) != 0 || ferror(stdout)) {
    fprintf(stderr, "netc: error: cannot write to standard output: %s\n", strerror(errno));
    return status ? status : EXIT_WRONG_INPUT;
  }
  return status;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    print_help(stderr);
    return EXIT_USAGE;
  }
  if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
    print_help(stdout);
    return EXIT_DONE;
  }
  if (!strcmp(argv[1], "--version")) {
    puts("netc " NETC_VERSION);
    return EXIT_DONE;
  }
  for (int i = 0; i < N_COMMANDS; i++)
    if (!strcmp(argv[1], commands[i].name)) return run_command(&commands[i], argc - 1, argv + 1);
  return unknown(argv[1]);
}
