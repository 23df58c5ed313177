/* The training loop. It draws nothing on the screen: whoever runs it watches through an observer.
 */
#ifndef NETC_TRAIN_H
#define NETC_TRAIN_H
#include "checkpoint.h"
#include "dataset.h"
#include "graph/graph.h"
#include "ranks.h"
#include "split.h"

typedef struct {
  int64_t done, samples; /* of this epoch */
  int epoch, epochs;     /* from 1 */
  double loss;           /* mean over the samples so far */
} train_progress;

/* Every function may be NULL. */
typedef struct {
  void *self;
  /* Compiled, and about to begin (or go on) with epoch `first` (from 1). */
  void (*compiled)(void *self, double seconds, int first, metric_task task,
                   const metric_names *names);
  /* Something to know, which is no error: weights that do not fit. */
  void (*note)(void *self, const char *text);
  void (*step)(void *self, const train_progress *p);
  void (*epoch)(void *self, const epoch_row *rows, int n, int best);
} train_observer;

typedef struct {
  const graph *g;
  const dataset *ds;
  const split *sp;
  const char *dir;     /* NULL: nothing is written */
  const char *weights; /* start from these; NULL: initial values by the seed */
  bool resume;         /* go on from dir's checkpoint, if it has one */
  bool clear;          /* dir holds an older run, which is to go */
  bool shuffle;
  bool results_only; /* keep metrics.csv and run.json alone: a checkpoint only until the end */
  int threads;
  const ranks *ranks; /* the processes that share the run, or NULL; only rank 0 has a dir */
  int n_setting;
  const run_setting *setting; /* every setting of the run, for run.json and the checkpoint */
  const char *const *about;   /* pairs of key and JSON text, ended by NULL, for run.json */
  const train_observer *observer;
} train_options;

typedef enum {
  TRAIN_DONE,
  TRAIN_STOPPED,     /* by early stopping: as good as done */
  TRAIN_INTERRUPTED, /* by a signal, with its checkpoint written */
  TRAIN_DIVERGED,    /* a loss was not finite */
  TRAIN_FAILED       /* weights do not fit, cannot write ... */
} train_outcome;

typedef struct {
  train_outcome outcome;
  char *error; /* of the last two; malloc'd */
  metric_task task;
  metric_names names; /* as long as the graph */
  int n_row, best;    /* best: epoch of the best result, from 1; 0: none */
  epoch_row *row;     /* malloc'd */
  double compile_seconds, seconds;
  double waited; /* seconds in which no step could run, for its batch was not made yet */
  size_t bytes;  /* parameters, optimizer state and workspaces */
} train_result;

/* Trains g on ds. r is to be released with train_result_free whatever came out. */
void train_network(const train_options *o, train_result *r);
void train_result_free(train_result *r);
#endif
