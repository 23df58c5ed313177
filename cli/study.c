/* What compare and sweep have in common as commands. */
#include "cli/study.h"
#include "runtime/atomic_file.h"
#include "runtime/message.h"
#include "runtime/run_dir.h"
#include <stdio.h>
#include <stdlib.h>

enum { KEY_SEEDS = 1, KEY_CSV, KEY_RESUME };

static const struct argp_option options[] = {
    {"seeds", KEY_SEEDS, "N", 0, "train each over N seeds, from the file's seed on (default 3)", 1},
    {"output", 'o', "DIR", 0, "directory of the results", 3},
    {"resume", KEY_RESUME, "DIR", 0, "the same as -o: finished runs in DIR are not repeated", 3},
    {"csv", KEY_CSV, 0, 0, "print CSV instead of the table", 3},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  study *s = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = state->child_inputs[1] = &s->flags; break;
  case KEY_SEEDS: s->n_seed = (int)option_whole(state, "--seeds", arg, 1, 1000); break;
  case 'o':
  case KEY_RESUME: s->dir = arg; break;
  case KEY_CSV: s->csv = true; break;
  case ARGP_KEY_END:
    if (s->csv && s->flags.json) argp_error(state, "--csv and --json exclude each other");
    break;
  default: return ARGP_ERR_UNKNOWN;
  }
  return 0;
}

static const struct argp_child children[] = {
    {&value_flags_argp, 0, 0, 0}, {&work_flags_argp, 0, 0, 0}, {0}};
const struct argp study_argp = {options, parse, 0, 0, children, 0, 0};

static void print_results(const study *s) {
  if (s->flags.json) {
    print_json(study_json(s));
  } else if (s->csv) {
    char *csv = study_csv(s);
    fputs(csv, stdout);
    free(csv);
  } else {
    study_print_table(s);
  }
}

int study_run(study *s) {
  char *error = NULL;
  if (!study_plan(s)) return EXIT_WRONG_INPUT;
  if (!make_directories(s->dir, &error) || !run_dir_lock(s->dir, &error))
    return report_failure(error);
  int status = study_train(s);
  if (status != EXIT_DONE) return status;
  if (!study_judge(s) || !study_report(s)) return EXIT_WRONG_INPUT;
  print_results(s);
  fprintf(stderr, "report: %s/report.html\n", s->dir);
  return EXIT_DONE;
}
