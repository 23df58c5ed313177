/* What a run needs to go on to the same bits: weights, optimizer state, and the counts below. The
   random numbers need nothing, for they depend on seed and counts alone. */
#ifndef NETC_CHECKPOINT_H
#define NETC_CHECKPOINT_H
#include "early_stop.h"
#include "product/program.h"
#include "weight_file.h"

/* A setting as run.json records it. */
typedef struct {
  const char *key, *json; /* "lr", "0.07" */
  bool fixed;             /* a resumed run must have the same */
} run_setting;

typedef struct {
  int epoch;       /* complete ones */
  int64_t step;    /* complete ones of the epoch that is running */
  double loss_sum; /* over the samples of that epoch so far */
  int64_t correct;
  double error_sum; /* absolute errors, where numbers are predicted */
  double seconds;   /* spent on that epoch so far */
  bool stopped;     /* by early stopping */
  epoch_row best;   /* epoch 0: none yet */
  early_stop stop;  /* metric and patience come from the settings */
} train_state;

bool checkpoint_save(const char *path, const weight_copy *w, const train_state *s,
                     const run_setting *setting, int n_setting, char **error);
/* False with *error if the file is damaged, or is of a run with other (fixed) settings. */
bool checkpoint_load(const char *path, const program *p, void *params, void *state, train_state *s,
                     const run_setting *setting, int n_setting, char **error);
#endif
