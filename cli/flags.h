/* The options that the training commands share, read with argp. */
#ifndef NETC_FLAGS_H
#define NETC_FLAGS_H
#include "cli/command.h"
#include "graph/graph.h"

enum { MAX_OVERRIDES = 8 };

typedef struct {
  int n_override;
  const char *word[MAX_OVERRIDES],
      *text[MAX_OVERRIDES]; /* --epochs, --batch, --lr, --seed, --split */
  const char *data;         /* --data: relative to where netc runs */
  const char *weights;
  int threads; /* at least 1 */
  bool shuffle, json, force;
} train_flags;

/* Children of the commands' own parsers; their input is a train_flags. The first: what takes the
   place of the file's values; the second: how the work is done. */
extern const struct argp value_flags_argp, work_flags_argp;
/* The defaults. */
void train_flags_init(train_flags *f);
/* CPUs that this process may use. */
int available_threads(void);
#endif
