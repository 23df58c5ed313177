/* A network file together with its data: what most commands begin with. */
#ifndef NETC_WORKLOAD_H
#define NETC_WORKLOAD_H
#include "cli/flags.h"
#include "runtime/dataset.h"
#include "runtime/split.h"

typedef struct {
  graph *g;
  dataset *ds;
  split *sp;
} workload;

/* The graph with the flags' overrides; extra may be NULL, and comes before them
   where both have a word. NULL after
   every error was printed. */
graph *load_network(const char *path, const train_flags *f, const overrides *extra);
/* Opens the graph's data set (or the one of --data). False after the error was printed. */
bool open_data(workload *w, const char *data_option);
/* Network, data and split. False after every error was printed. */
bool workload_open(workload *w, const char *path, const train_flags *f, const overrides *extra);
void workload_close(workload *w);
/* What split the file asks for; seed and order as given. */
split_options split_of(const graph *g, bool shuffle);
/* The graph's ports as a data set sees them: inputs, then targets; in the graph's arena. */
data_port *ports_of(const graph *g, int *n);
#endif
