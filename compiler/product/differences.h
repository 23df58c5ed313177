/* A derivative against differences of its function: forward, backward and central ones of falling
   step, each extrapolated to step 0 (Richardson; the table is Neville's, as in Ridders 1982). */
#ifndef NETC_DIFFERENCES_H
#define NETC_DIFFERENCES_H
#include <stdbool.h>

typedef struct {
  /* The least over all estimates: a wrong derivative agrees with none. */
  double error;
  /* How far the best two estimates are apart, as such an error: no more can be told. */
  double resolution;
  /* The slopes to both sides stay apart: there is no derivative to compare with. */
  bool kink;
  bool infinite; /* the function or what is expected of it is no number */
} comparison;

/* `expected` against the derivative of f(self, h) at h = 0. Errors are relative to either, or to
   `least`, if that is more. */
comparison compare_derivative(double expected, double least, double (*f)(void *self, double h),
                              void *self);
#endif
