/* The directory of a training run: its name, its metrics.csv, and what it may not overwrite. */
#ifndef NETC_RUN_DIR_H
#define NETC_RUN_DIR_H
#include "early_stop.h"
#include <stddef.h>

/* "DIR/FILE", malloc'd. */
char *run_file(const char *dir, const char *file);
/* Makes and returns (malloc'd) the first free one of PATH, PATH-2, PATH-3 ... NULL: *error. */
char *run_dir_next(const char *path, char **error);
/* True if dir holds (part of) a training run. */
bool run_dir_holds_run(const char *dir);
/* Keeps every other process from writing to the existing directory until this process and the ones
   that it forks have ended. False: *error. */
bool run_dir_lock(const char *dir, char **error);
/* The same, but others who share it may write there too (each to its own part). */
bool run_dir_share(const char *dir, char **error);
/* Removes the files of an earlier run, and nothing else. */
void run_dir_clear(const char *dir);
/* Removes the temporary files that a killed run may have left. */
void run_dir_tidy(const char *dir);
/* Writes metrics.csv anew with these rows, whole or not at all. */
bool metrics_write(const char *dir, const metric_names *names, const epoch_row *row, int n,
                   char **error);
bool metrics_append(const char *dir, const metric_names *names, const epoch_row *row, char **error);
/* Reads at most `limit` rows of a metrics.csv, whose last n_own columns are metrics that the file
   names, into row; returns how many, or -1 with *error. */
int metrics_read(const char *dir, int n_own, epoch_row *row, int limit, char **error);
#endif
