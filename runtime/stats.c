#include "stats.h"
#include <math.h>

double stats_mean(const double *v, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += v[i];
  return n ? sum / n : NAN;
}

double stats_deviation(const double *v, int n) {
  double mean = stats_mean(v, n), sum = 0;
  for (int i = 0; i < n; i++) sum += (v[i] - mean) * (v[i] - mean);
  return n < 2 ? 0 : sqrt(sum / (n - 1));
}

/* The continued fraction of the incomplete beta function (NIST Digital Library of Mathematical
   Functions, 8.17.22) by Lentz's method, for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x) {
  const double tiny = 1e-300;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (fabs(d) < tiny ? tiny : d);
  double f = d;
  for (int m = 1; m < 500; m++) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    f *= c * d;
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    f *= c * d;
    if (fabs(c * d - 1) < 1e-15) break;
  }
  return f;
}

/* The regularized incomplete beta function I_x(a, b). */
static double incomplete_beta(double a, double b, double x) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double stats_student_p(double t, double freedom) {
  return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t));
}

double stats_paired_p(const double *a, const double *b, int n) {
  double mean = 0, sum = 0;
  for (int i = 0; i < n; i++) mean += (a[i] - b[i]) / n;
  for (int i = 0; i < n; i++) sum += (a[i] - b[i] - mean) * (a[i] - b[i] - mean);
  if (n < 3) return NAN;
  const double error = sqrt(sum / (n - 1) / n);
  if (error <= 1e-12 * fabs(mean)) return mean == 0 ? 1 : NAN;
  return stats_student_p(mean / error, n - 1);
}

void stats_holm(const double *p, double *adjusted, int n) {
  int m = 0;
  for (int i = 0; i < n; i++) m += !isnan(p[i]);
  for (int i = 0; i < n; i++) {
    adjusted[i] = p[i];
    for (int k = 0; k < n; k++) {
      if (isnan(p[i]) || !(p[k] <= p[i])) continue;
      int smaller = 0; /* how many come before k; equal ones in their order */
      for (int l = 0; l < n; l++) smaller += p[l] < p[k] || (p[l] == p[k] && l < k);
      adjusted[i] = fmax(adjusted[i], fmin(1, (m - smaller) * p[k]));
    }
  }
}

double stats_share_error(double p, double n) { return sqrt(p * (1 - p) / n); }
