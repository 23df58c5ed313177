/* The learning rate of every step. It depends on the counts alone, never on what came before, so
   that a resumed run uses the same rates. */
#ifndef NETC_LR_SCHEDULE_H
#define NETC_LR_SCHEDULE_H
#include <stdint.h>

typedef struct {
  const char *kind; /* NULL: constant. "step", "cosine", "linear" */
  double arg[2];    /* step: every n epochs times g; else: warm-up epochs, final fraction of lr */
  double lr;
  int epochs;
  int64_t steps; /* of one epoch */
} lr_schedule;

/* The rate of step `step` (from 0) of epoch `epoch` (from 0). After a linear warm-up over arg[0]
   epochs, `cosine` falls along half a cosine (Loshchilov, Hutter: "SGDR", 2017) and `linear` along
   a line from lr to lr * arg[1] at the last step. */
double schedule_rate(const lr_schedule *s, int epoch, int64_t step);
#endif
