/* What a person sees of a run: a bar on stderr while an epoch runs (on a terminal only), and a line
   per epoch on stdout. */
#ifndef NETC_PROGRESS_H
#define NETC_PROGRESS_H
#include "runtime/train.h"

typedef struct {
  bool table; /* epoch lines on stdout */
  bool bar;   /* stderr is a terminal */
  bool plot;  /* curves in the terminal after every epoch */
  int epochs;
  double drawn;                  /* when the bar was last drawn */
  double started, done_at_start; /* when the first step was seen, and the epochs done by then */
  bool bar_shown;
  metric_task task;
  const metric_names *names;
  int best_shown; /* the best epoch of the lines so far */
} progress;

void progress_init(progress *p, bool table, bool plot, int epochs);
/* Takes the bar off the screen. */
void progress_clear(progress *p);
/* For a train_observer; self is a progress. */
void progress_step(void *self, const train_progress *s);
void progress_epoch(void *self, const epoch_row *rows, int n, int best);
/* "1,069,509" in buf. */
const char *with_commas(char buf[32], int64_t v);
#endif
