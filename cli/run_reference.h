/* A run's directory stands for its network, its weights and its data, in every command. */
#ifndef NETC_RUN_REFERENCE_H
#define NETC_RUN_REFERENCE_H
#include <stdbool.h>

/* The network file of the run in directory `path`: the file that it was started with, if that is
   still what it was, else the copy in the directory. `path` itself where it is no run. */
const char *run_network(const char *path);
/* The best weights of the run that run_network was last asked for; NULL: it was no run. */
const char *run_weights(void);
/* What a --weights names: a file, or the best weights of the run in a directory. */
const char *weights_named(const char *path);
/* How that run split its data: its seed as text, its parts as "800/205", and whether samples were
   shuffled; NULL: it was no run. */
const char *run_seed(void);
const char *run_split(void);
bool run_shuffle(void);
/* Its data set, as run.json names it, with --data too; NULL: it was no run, or the data set is not
   there any more. */
const char *run_data(void);
#endif
