/* Comparisons: several networks or settings, each trained over several seeds, next to one another.
   `netc compare` and `netc sweep` differ only in where the contestants come from. */
#ifndef NETC_STUDY_H
#define NETC_STUDY_H
#include "cli/workload.h"
#include "runtime/early_stop.h"
#include "runtime/ranks.h"

/* What came of one seed, as far as the contestant's own epochs go. */
typedef struct {
  epoch_row *row; /* in the study's arena */
  int n_row;
  bool diverged;
  int best, least; /* epochs of the best result and of the least validation loss; 0: none */
} seed_result;

/* Values over the seeds that did not diverge. */
typedef struct {
  double mean, deviation;
} spread;

typedef struct {
  spread train_loss, val_loss, train_measure, val_measure; /* of the last epoch */
  spread best_measure, best_loss, best_r2;                 /* of the best epoch */
  spread least_loss, least_epoch; /* of the epoch of least validation loss */
  spread seconds;                 /* of an epoch */
  int diverged;
  double p;         /* that best_measure differs from the leader's by chance alone; NaN: unknown */
  double p_holm;    /* the same, corrected for all the comparisons of its study */
  bool leads;       /* the best mean best_measure of its study */
  const char *note; /* what strikes the eye, in words; may be "" */
} verdict;

typedef struct {
  const char *study, *label, *path; /* study: "" in compare */
  overrides over;                   /* what a variant puts in place of the file's values */
  /* filled in by study_plan */
  const char *text, *settings; /* the source; "lr 0.07, batch 10, ..." */
  uint64_t data_hash;          /* of the data set */
  int n_own;                   /* metrics that the file names, and their columns */
  const char *own[MAX_METRICS];
  watch watch; /* what early stopping watches */
  int64_t params, macs, n_train, n_val;
  size_t train_bytes;
  double majority; /* what always guessing the largest class scores in validation */
  int epochs;
  int *job; /* of every seed */
  /* filled in by study_judge */
  seed_result *seed;
  const char *measure; /* what runs are held against one another by: "acc", "mae", "loss" */
  verdict v;
} contestant;

/* One training run; equal runs, and runs that begin like a longer one, are one job. */
typedef struct {
  char key[65];
  const char *dir;
  const contestant *who;
  uint64_t seed;
  int epochs;
  bool done;      /* by an earlier call */
  bool elsewhere; /* another shard's */
} job;

typedef struct {
  arena *mem;
  const char *title, *dir, *file; /* file: as given, for messages */
  const char *command;            /* the command line */
  train_flags flags;
  int n_seed;
  bool csv;
  int shard, n_shard; /* --shard: this part of so many, from 1; 0: everything */
  const ranks *ranks; /* processes of mpirun that share the runs, or NULL */
  bool merge;         /* --merge: nothing is trained any more */
  int n;
  contestant *c;
  int n_job;
  job *job;
} study;

/* Loads every contestant, and finds out which runs are needed. False after errors were printed. */
bool study_plan(study *s);
/* Trains what is not done yet, flags.threads runs at a time. Returns the exit status. */
int study_train(study *s);
/* Reads the results; fills in seed and v of every contestant. False after an error was printed. */
bool study_judge(study *s);
/* Mean over the seeds that did not diverge, epoch by epoch, as far as all of them go. */
int study_mean_curve(const study *s, const contestant *c, epoch_row **row);
/* The same of one column, with the standard deviation over the seeds. The arrays are in the study's
   arena. */
typedef enum {
  CURVE_TRAIN_LOSS,
  CURVE_VAL_LOSS,
  CURVE_TRAIN_MEASURE,
  CURVE_VAL_MEASURE
} curve_column;
int study_curve(const study *s, const contestant *c, curve_column column, double **mean,
                double **dev);
/* " An accuracy of 0.90 on 205 samples has itself a standard error of 0.021.", of the first study's
   best; "" where samples are not right or wrong one by one. In the study's arena. */
const char *study_sampling_note(const study *s);
void study_print_table(const study *s);
/* Everything as a json_object. */
void *study_json(const study *s);
/* results.csv as text, malloc'd. */
char *study_csv(const study *s);
/* Pictures, results.csv, results.json and report.html in the study's directory. */
bool study_report(const study *s);
/* The whole command, from contestants to report; the exit status. */
int study_run(study *s);

/* The options that compare and sweep share on top of train_flags; input: a study. */
extern const struct argp study_argp;
#endif
