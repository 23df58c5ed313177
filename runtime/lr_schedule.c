#include "lr_schedule.h"
#include <math.h>
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

/* from at t = 0, to at t = 1 */
static double along_cosine(double from, double to, double t) {
  return to + (from - to) * half_cosine(t);
}

static double one_cycle(const lr_schedule *s, double done, double all) {
  const double *v = s->rule.value, first = s->lr / v[SCHEDULE_DIV];
  const double top = v[SCHEDULE_PCT_START] * all - 1, last = all - 1;
  if (done <= top) return top > 0 ? along_cosine(first, s->lr, done / top) : s->lr;
  return along_cosine(s->lr, first / v[SCHEDULE_FINAL_DIV], fmin(1, (done - top) / (last - top)));
}

static double power(double base, double n) {
  double p = 1;
  for (; n >= 1; n = floor(n / 2), base *= base)
    if (fmod(n, 2) == 1) p *= base;
  return p;
}

/* After the warm-up, which takes `warm` of `all` steps. */
static double fall(const lr_schedule *s, double done, double warm, double all) {
  double t = all - warm > 1 ? (done - warm) / (all - warm - 1) : 0;
  t = t > 1 ? 1 : t;
  const double part = !strcmp(s->rule.kind, "cosine") ? half_cosine(t) : 1 - t;
  const double final = s->rule.value[SCHEDULE_FINAL];
  return s->lr * (final + (1 - final) * part);
}

bool schedule_looks_ahead(const schedule_rule *r) {
  static const char *const kinds[] = {"cosine", "linear", "onecycle"};
  for (int i = 0; r->kind && i < 3; i++)
    if (!strcmp(r->kind, kinds[i])) return true;
  return false;
}

double schedule_rate(const lr_schedule *s, int epoch, int64_t step) {
  const schedule_rule *r = &s->rule;
  const double done = (double)epoch * (double)s->steps + (double)step;
  const double all = (double)s->epochs * (double)s->steps;
  const double count = r->in_steps ? done : epoch;
  if (!r->kind) return s->lr;
  if (!strcmp(r->kind, "onecycle")) return one_cycle(s, done, all);
  const double warm = r->value[SCHEDULE_WARMUP] * (r->in_steps ? 1 : (double)s->steps);
  if (done < warm) return s->lr * (done + 1) / warm;
  if (schedule_looks_ahead(r)) return fall(s, done, warm, all);
  if (!strcmp(r->kind, "constant")) return s->lr;
  if (!strcmp(r->kind, "exponential")) return s->lr * power(r->value[SCHEDULE_TIMES], count);
  double rate = s->lr;
  for (double e = r->value[SCHEDULE_EVERY]; e <= count; e += r->value[SCHEDULE_EVERY])
    rate *= r->value[SCHEDULE_TIMES];
  return rate;
}
