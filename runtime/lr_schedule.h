/* The learning rate of every step. It depends on the counts alone, never on what came before, so
   that a resumed run uses the same rates. */
#ifndef NETC_LR_SCHEDULE_H
#define NETC_LR_SCHEDULE_H
#include "graph/graph.h"

typedef struct {
  schedule_rule rule;
  double lr;
  int epochs;
  int64_t steps; /* of one epoch */
} lr_schedule;

/* The rate of step `step` (from 0) of epoch `epoch` (from 0). It rises along a line over the
   warm-up. `cosine` (Loshchilov, Hutter: "SGDR", 2017) and `linear` then fall to the final rate at
   the last step; `step` and `exponential` are torch's StepLR and ExponentialLR (by steps, where the
   rule says so); `onecycle` is OneCycleLR (Smith, Topin: "Super-convergence", 2019), lr its highest
   rate. */
double schedule_rate(const lr_schedule *s, int epoch, int64_t step);
/* Do the rates depend on how many epochs there will be? */
bool schedule_looks_ahead(const schedule_rule *r);
#endif
