#include "differences.h"
#include <math.h>

/* Steps 1, 1/4, 1/16 .. : no step is right for all functions (rounding wants it large; curvature,
   and the kinks of relu and max, want it small). */
enum { STEPS = 14, ORDERS = 5, RATIO = 4 };

/* One formula's estimates: row[j] is the newest one extrapolated j times. */
typedef struct {
  double row[ORDERS];
  int n;
  double power; /* of the step in the error's series: 1, or 2 for central differences */
} table;

typedef struct {
  double expected, least;
  comparison c;
} state;

static double relative(double a, double b, const state *s) {
  return fabs(a - b) / fmax(fmax(fabs(a), fabs(b)), s->least);
}

/* Adds the plain estimate at the next step, and what it gives with those before it. An estimate is
   as good as it is near to both that it is made from. */
static void extend(table *t, double estimate, state *s) {
  double above = estimate, factor = 1;
  for (int j = 0; j < ORDERS && j <= t->n; j++) {
    double before = t->row[j], value = above;
    s->c.error = fmin(s->c.error, relative(value, s->expected, s));
    t->row[j] = value;
    if (j == t->n || j + 1 == ORDERS) break;
    factor *= pow(RATIO, t->power);
    above = value + (value - before) / (factor - 1);
    double apart = fmax(relative(above, value, s), relative(above, before, s));
    s->c.resolution = fmin(s->c.resolution, apart);
  }
  t->n++;
}

/* A smooth function's slopes from both sides draw together as the step falls; at a kink they stay
 * apart. */
static bool stays_apart(const double *gap, int n, double scale) {
  if (n < 4 || !(gap[n - 1] > 1e-3 * scale)) return false;
  for (int i = n - 3; i < n; i++)
    if (!(gap[i] > 0.8 * gap[i - 1])) return false;
  return true;
}

comparison compare_derivative(double expected, double least, double (*f)(void *self, double h),
                              void *self) {
  state s = {expected, least, {INFINITY, INFINITY, false, false}};
  table forward = {.power = 1}, backward = {.power = 1}, central = {.power = 2};
  double at = f(self, 0), gap[STEPS], h = 1;
  s.c.infinite = !isfinite(at) || !isfinite(expected);
  if (s.c.infinite) return s.c;
  for (int k = 0; k < STEPS && !(s.c.error < 1e-9); k++, h /= RATIO) {
    double right = (f(self, h) - at) / h, left = (at - f(self, -h)) / h;
    extend(&central, (right + left) / 2, &s);
    extend(&forward, right, &s);
    extend(&backward, left, &s);
    gap[k] = fabs(right - left);
    s.c.kink = stays_apart(gap, k + 1, fmax(fabs(right), fabs(left)));
  }
  return s.c;
}
