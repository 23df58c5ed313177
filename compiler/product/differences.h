/* A derivative against differences of its function: forward, backward and central ones of falling
   step, each extrapolated to step 0 (Richardson; the table is Neville's, as in Ridders 1982). */
#ifndef NETC_DIFFERENCES_H
#define NETC_DIFFERENCES_H
#include <stdbool.h>

/* What differences are held against. */
typedef struct {
  double expected;
  double least; /* errors are relative to the derivative, or to this if it is more */
  double noise; /* a value of the function is known to within this */
} derivative;

typedef struct {
  /* The least over all estimates: a wrong derivative agrees with none. */
  double error;
  /* How well the best estimate is known, as such an error: how far it is from the two that it is
     made of, and what the noise of the function's values is in it. Below this nothing can be told.
   */
  double resolution;
  /* The slopes to both sides stay apart: there is no derivative to compare with. */
  bool kink;
  bool infinite; /* the function or what is expected of it is no number */
} comparison;

/* `d->expected` against the derivative of f(self, h) at h = 0. */
comparison compare_derivative(const derivative *d, double (*f)(void *self, double h), void *self);
#endif
