/* The commands, and what they share: exit statuses and how they read their arguments. */
#ifndef NETC_COMMAND_H
#define NETC_COMMAND_H
#include <argp.h>
#include <stdbool.h>

enum { EXIT_DONE = 0, EXIT_WRONG_INPUT = 1, EXIT_USAGE = 2 };

typedef struct {
  const char *name, *summary;
  int (*run)(int argc, char **argv); /* argv[0] is "netc NAME"; returns the exit status */
  const struct argp *argp;
} command;

/* What the commands are and how they read their arguments: the one text of `--help`, of the manual
   pages and of the shells' completion. */
extern const command commands[];
extern const int n_commands;

#define COMMAND(name)                                                                              \
  int command_##name(int argc, char **argv);                                                       \
  extern const struct argp name##_argp
COMMAND(train);
COMMAND(eval);
COMMAND(predict);
COMMAND(generate);
COMMAND(new);
COMMAND(summary);
COMMAND(fmt);
COMMAND(compare);
COMMAND(sweep);
COMMAND(lint);
COMMAND(check);
COMMAND(data);
COMMAND(pack);
COMMAND(build);
COMMAND(bench);
COMMAND(export);
COMMAND(import);
COMMAND(runs);
COMMAND(draw);
COMMAND(explain);
COMMAND(cache);
COMMAND(lsp);
COMMAND(help);
COMMAND(version);
#undef COMMAND

/* NULL if there is none of this name. */
const command *find_command(const char *name);
/* Says that there is no such command, and which one is near; returns EXIT_USAGE. */
int unknown_command(const char *word);
/* Reads a command's arguments into `input`, with --help, -h and --usage added; a wrong command line
   ends the program with EXIT_USAGE. */
void parse_command(const struct argp *argp, int argc, char **argv, void *input);
/* For argp: a whole number in [least, most], or the usage error that ends the program. */
long option_whole(struct argp_state *state, const char *name, const char *text, long least,
                  long most);
double option_real(struct argp_state *state, const char *name, const char *text);
/* The default case of an argp parser whose one argument is a network file: puts it into *file. */
error_t option_file(struct argp_state *state, int key, char *arg, const char **file);
/* The command line as it can be typed again, malloc'd. argv[0] is "netc NAME". */
char *command_line(int argc, char **argv);
/* Prints "netc: error: ..." and frees text; returns EXIT_WRONG_INPUT. */
int report_failure(char *text);
/* Prints a json-c object on stdout and releases it; false if stdout cannot be written. */
bool print_json(void *json);
#endif
