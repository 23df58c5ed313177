#include "differences.h"
#include <math.h>

/* Steps 1, 1/4, 1/16 .. : no step is right for all functions (rounding wants it large; curvature,
   and the kinks of relu and max, want it small). */
enum { STEPS = 14, ORDERS = 5, RATIO = 4 };

/* An estimate, and the most that the rounding of the function's values makes of it. */
typedef struct {
  double value, noise;
} estimate;

/* One formula's estimates: row[j] is the newest one extrapolated j times. */
typedef struct {
  estimate row[ORDERS];
  int n;
  double power; /* of the step in the error's series: 1, or 2 for central differences */
} table;

/* An extrapolated estimate: the derivative is within `bound` of it, if it is right about itself. */
typedef struct {
  double value, bound;
  int step;
} claim;

typedef struct {
  double expected, least;
  comparison c;
  claim claims[3 * STEPS * ORDERS];
  int n_claims, step;
} state;

static double relative(double a, double b, const state *s) {
  return fabs(a - b) / fmax(fmax(fabs(a), fabs(b)), s->least);
}

/* The estimates at a step and at the one before it (RATIO times as large), extrapolated to 0. */
static estimate extrapolated(estimate at, estimate before, double factor) {
  double share = 1 / (factor - 1);
  return (estimate){at.value + (at.value - before.value) * share,
                    at.noise * (1 + share) + before.noise * share};
}

/* Adds the plain estimate at the next step, and what it gives with those before it. An estimate is
   known as well as it is near to both that it is made from, and as the function's values are known.
   (Nearness alone says nothing of small steps: rounding may make the same value of two of them.) */
static void extend(table *t, estimate plain, state *s) {
  estimate above = plain;
  double factor = 1;
  for (int j = 0; j < ORDERS && j <= t->n; j++) {
    estimate before = t->row[j], at = above;
    s->c.error = fmin(s->c.error, relative(at.value, s->expected, s));
    t->row[j] = at;
    if (j == t->n || j + 1 == ORDERS) break;
    factor *= pow(RATIO, t->power);
    above = extrapolated(at, before, factor);
    double apart = fmax(fabs(above.value - at.value), fabs(above.value - before.value));
    s->claims[s->n_claims++] = (claim){above.value, apart + above.noise, s->step};
  }
  t->n++;
}

/* Steps that pass over a function's features agree by accident, until finer ones contradict them.
 */
static bool contradicted(const state *s, const claim *c) {
  for (const claim *o = s->claims; o < s->claims + s->n_claims; o++)
    if (o->step > c->step && fabs(o->value - c->value) > o->bound + c->bound) return true;
  return false;
}

static double resolution(const state *s) {
  double least = INFINITY;
  for (const claim *c = s->claims; c < s->claims + s->n_claims; c++)
    if (!contradicted(s, c)) least = fmin(least, c->bound / fmax(fabs(c->value), s->least));
  return least;
}

/* A smooth function's slopes from both sides draw together as the step falls; at a kink they stay
 * apart. */
static bool stays_apart(const double *gap, int n, double scale) {
  if (n < 4 || !(gap[n - 1] > 1e-3 * scale)) return false;
  for (int i = n - 3; i < n; i++)
    if (!(gap[i] > 0.8 * gap[i - 1])) return false;
  return true;
}

comparison compare_derivative(const derivative *d, double (*f)(void *self, double h), void *self) {
  state s = {
      .expected = d->expected, .least = d->least, .c = {.error = INFINITY, .resolution = INFINITY}};
  table forward = {.power = 1}, backward = {.power = 1}, central = {.power = 2};
  double at = f(self, 0), gap[STEPS], h = 1;
  s.c.infinite = !isfinite(at) || !isfinite(d->expected);
  if (s.c.infinite) return s.c;
  for (int k = 0; k < STEPS && !(s.c.error < 1e-9); k++, h /= RATIO) {
    s.step = k;
    double right = (f(self, h) - at) / h, left = (at - f(self, -h)) / h;
    extend(&central, (estimate){(right + left) / 2, d->noise / h}, &s);
    extend(&forward, (estimate){right, 2 * d->noise / h}, &s);
    extend(&backward, (estimate){left, 2 * d->noise / h}, &s);
    gap[k] = fabs(right - left);
    s.c.kink = stays_apart(gap, k + 1, fmax(fabs(right), fabs(left)));
  }
  s.c.resolution = resolution(&s);
  return s.c;
}
