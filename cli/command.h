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

int command_train(int argc, char **argv);
int command_eval(int argc, char **argv);
int command_predict(int argc, char **argv);
int command_summary(int argc, char **argv);
int command_fmt(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_sweep(int argc, char **argv);
int command_lint(int argc, char **argv);
int command_check(int argc, char **argv);
int command_data(int argc, char **argv);
int command_pack(int argc, char **argv);
int command_build(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_export(int argc, char **argv);
int command_help(int argc, char **argv);
int command_version(int argc, char **argv);
extern const struct argp train_argp, eval_argp, predict_argp, summary_argp, fmt_argp, compare_argp,
    sweep_argp, lint_argp, check_argp, data_argp, pack_argp, build_argp, bench_argp, export_argp,
    help_argp, version_argp;

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
/* Prints "netc: error: ..." and frees text; returns EXIT_WRONG_INPUT. */
int report_failure(char *text);
/* Prints a json-c object on stdout and releases it; false if stdout cannot be written. */
bool print_json(void *json);
#endif
