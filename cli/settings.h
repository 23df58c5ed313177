/* The settings of a run in words, as run.json, checkpoints and the tables of compare and sweep have
   them. */
#ifndef NETC_SETTINGS_H
#define NETC_SETTINGS_H
#include "cli/workload.h"
#include "runtime/checkpoint.h"

typedef struct {
  int n;
  run_setting *setting; /* in the graph's arena */
  const char **about;   /* pairs, ended by NULL: the record's other parts */
} run_settings;

/* Everything that decides the bits of a run (fixed), and the rest that run.json tells. */
run_settings describe_run(const workload *w, const train_flags *f);
/* "sgd momentum=0.9": an operator and those settings that are not at their defaults' place. */
const char *describe_use(const graph *g, const opuse *u);
#endif
