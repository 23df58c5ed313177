/* What compare and sweep have in common as commands. */
#include "cli/study.h"
#include "runtime/atomic_file.h"
#include "runtime/message.h"
#include "runtime/run_dir.h"
#include <stdio.h>
#include <stdlib.h>

enum { KEY_SEEDS = 1, KEY_CSV, KEY_RESUME, KEY_SHARD, KEY_MERGE };

static const struct argp_option options[] = {
    {"seeds", KEY_SEEDS, "N", 0, "train each over N seeds, from the file's seed on (default 3)", 1},
    {"output", 'o', "DIR", 0, "directory of the results", 3},
    {"resume", KEY_RESUME, "DIR", 0, "the same as -o: finished runs in DIR are not repeated", 3},
    {"shard", KEY_SHARD, "I/N", 0,
     "do part I of N of the runs, and no report: for several machines on one -o", 2},
    {"merge", KEY_MERGE, 0, 0, "train nothing: the report of the runs that the parts did in -o", 2},
    {"csv", KEY_CSV, 0, 0, "print CSV instead of the table", 3},
    {0}};

static void parse_shard(struct argp_state *state, const char *text) {
  study *s = state->input;
  char end;
  if (sscanf(text, "%d/%d%c", &s->shard, &s->n_shard, &end) != 2 || s->shard < 1 ||
      s->n_shard > 100000 || s->shard > s->n_shard)
    argp_error(state, "--shard takes a part and how many there are, as in 1/4, not `%s`", text);
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  study *s = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = state->child_inputs[1] = &s->flags; break;
  case KEY_SEEDS: s->n_seed = (int)option_whole(state, "--seeds", arg, 1, 1000); break;
  case 'o':
  case KEY_RESUME: s->dir = arg; break;
  case KEY_CSV: s->csv = true; break;
  case KEY_SHARD: parse_shard(state, arg); break;
  case KEY_MERGE: s->merge = true; break;
  case ARGP_KEY_END:
    if (s->csv && s->flags.json) argp_error(state, "--csv and --json exclude each other");
    if (s->merge && s->shard) argp_error(state, "--merge comes after the parts of --shard");
    if ((s->merge || s->shard) && s->flags.force)
      argp_error(state, "--force would remove what other parts have done");
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

/* A part writes to the runs that are its own, beside the others. */
static bool take_directory(const study *s, char **error) {
  if (!make_directories(s->dir, error)) return false;
  return s->shard || s->ranks ? run_dir_share(s->dir, error) : run_dir_lock(s->dir, error);
}

/* False where a run is missing, after saying how many. */
static bool all_done(const study *s) {
  int missing = 0, first = 0;
  for (int i = 0; i < s->n_job; i++)
    if (!s->job[i].done && !missing++) first = i;
  if (!missing) return true;
  const job *j = &s->job[first];
  report_failure(message("`%s` lacks %d of %d runs, such as that of `%s` with seed %llu\n"
                         "      = help: --shard does the parts; without --merge what is missing is "
                         "done here",
                         s->dir, missing, s->n_job, j->who->label, (unsigned long long)j->seed));
  return false;
}

/* Under mpirun the ranks take runs as they come; rank 0 makes the report of all. */
static int train_all(study *s) {
  if (!s->ranks) return study_train(s);
  char *keys = message("%s", ""), *error;
  for (int i = 0; i < s->n_job; i++) {
    char *longer = message("%s%s:%d;", keys, s->job[i].key, s->job[i].epochs);
    free(keys);
    keys = longer;
  }
  error = ranks_compare(s->ranks, keys, "set of runs (files, options or data)");
  free(keys);
  if (error) return report_failure(error);
  const int status = study_train(s);
  if (status == EXIT_DONE) ranks_must(s->ranks, s->ranks->api->wait(), "wait for the other ranks");
  return status;
}

int study_run(study *s) {
  char *error = NULL;
  s->ranks = ranks_here(&error);
  if (error) return report_failure(error);
  if (s->ranks) ranks_hush(s->ranks);
  if (!study_plan(s) || (s->merge && !all_done(s))) return EXIT_WRONG_INPUT;
  if (!take_directory(s, &error)) return report_failure(error);
  int status = s->merge ? EXIT_DONE : train_all(s);
  if (status != EXIT_DONE || s->shard || (s->ranks && s->ranks->rank)) return status;
  if (!study_judge(s) || !study_report(s)) return EXIT_WRONG_INPUT;
  print_results(s);
  fprintf(stderr, "report: %s/report.html\n", s->dir);
  return EXIT_DONE;
}
