#include "lr_schedule.h"
#include <string.h>

/* (1 + cos(pi t)) / 2 for t in [0, 1] as cos^2(pi t / 2): Taylor's series, good to 1e-15. Not
   libm's, so that the rates, and with them the weights, are the same on every machine. */
static double half_cosine(double t) {
  double x = t * 1.57079632679489661923, term = 1, sum = 1;
  for (int k = 1; k < 13; k++) {
    term *= -x * x / ((2 * k - 1) * (2 * k));
    sum += term;
  }
  return sum * sum;
}

double schedule_rate(const lr_schedule *s, int epoch, int64_t step) {
  if (!s->kind) return s->lr;
  if (!strcmp(s->kind, "step")) {
    double rate = s->lr;
    for (double e = s->arg[0]; s->arg[0] >= 1 && e <= epoch; e += s->arg[0]) rate *= s->arg[1];
    return rate;
  }
  double done = (double)epoch * (double)s->steps + (double)step;
  double warm = s->arg[0] * (double)s->steps, all = (double)s->epochs * (double)s->steps;
  if (done < warm) return s->lr * (done + 1) / warm;
  double t = all - warm > 1 ? (done - warm) / (all - warm - 1) : 0;
  t = t > 1 ? 1 : t;
  double part = !strcmp(s->kind, "cosine") ? half_cosine(t) : 1 - t;
  return s->lr * (s->arg[1] + (1 - s->arg[1]) * part);
}
