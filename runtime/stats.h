/* The statistics of comparisons. */
#ifndef NETC_STATS_H
#define NETC_STATS_H

/* NaN for n == 0. */
double stats_mean(const double *v, int n);
/* Standard deviation of the population that v is a sample of (divides by n - 1); 0 for n < 2. */
double stats_deviation(const double *v, int n);
/* Student's paired test on a[i] - b[i]: the probability (two-sided) of a mean difference at least
   as large if there were none. 1 where all pairs are equal. NaN where nothing can be said: for n <
   3, and where all differ by the same amount, which leaves no spread to hold the difference
   against. */
double stats_paired_p(const double *a, const double *b, int n);
/* Holm's correction (1979) of n probabilities that were asked at once: adjusted[i] is the least
   level at which p[i] would still count. NaN are not among those asked, and stay. */
void stats_holm(const double *p, double *adjusted, int n);
/* P(|T| >= |t|) for Student's T with `freedom` degrees of freedom. */
double stats_student_p(double t, double freedom);
/* Standard error of a share p of n independent trials. */
double stats_share_error(double p, double n);
#endif
