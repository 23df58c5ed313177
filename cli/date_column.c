#include "cli/date_column.h"
#include "runtime/message.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The numbers of a date as they are written, and where a month stood as a word. */
typedef struct {
  int n, month_at; /* month_at: -1: it is a number */
  double v[8];
} written;

static int month_named(const char *p) {
  static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
  for (int m = 0; m < 12; m++)
    if (!strncasecmp(p, names + 3 * m, 3)) return m + 1;
  return 0;
}

/* False: something else than a date's numbers, its marks and the name of a month. */
static bool read_date(const char *p, written *w) {
  *w = (written){.month_at = -1};
  while (*p && w->n < 8) {
    if (isdigit((unsigned char)*p)) {
      char *end;
      w->v[w->n++] = (double)strtol(p, &end, 10);
      if (end - p > 4 && !strchr("-/. :TtZ", *end)) return false;
      p = end;
    } else if (isalpha((unsigned char)*p) && month_named(p)) {
      w->month_at = w->n;
      w->v[w->n++] = month_named(p);
      while (isalpha((unsigned char)*p)) p++;
    } else if (strchr("-/. :,TtZ+", *p)) p++;
    else return false;
  }
  return w->n >= 2;
}

/* Days since some day of the proleptic Gregorian calendar (Hinnant, days_from_civil). */
static double days_of(double year, double month, double day) {
  const long y = (long)year - (month <= 2), m = (long)month;
  const long era_day = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5;
  return (double)(y * 365 + y / 4 - y / 100 + y / 400 + era_day) + day;
}

enum { YEAR_FIRST, DAY_FIRST, MONTH_FIRST, MONTH_YEAR, N_READINGS };

/* Days of what is written, in one of the readings; -1: it cannot be read so. */
static double moment(const written *w, int reading) {
  static const int at[N_READINGS][3] = {{0, 1, 2}, {2, 1, 0}, {2, 0, 1}, {1, 0, -1}};
  const int *k = at[reading], parts = reading == MONTH_YEAR || w->n == 2 ? 2 : 3;
  if (w->n < parts || (parts == 2 && reading != YEAR_FIRST && reading != MONTH_YEAR)) return -1;
  double year = w->v[k[0]];
  const double month = w->v[k[1]], day = parts == 3 ? w->v[k[2]] : 1;
  if (w->month_at >= 0 && w->month_at != k[1]) return -1;
  if (reading == YEAR_FIRST && year < 1000 && w->month_at < 0) return -1;
  if (year < 100) year += year < 50 ? 2000 : 1900;
  if (year < 1000 || year > 3000 || month < 1 || month > 12 || day < 1 || day > 31) return -1;
  double of_day = 0, unit = 1.0 / 24;
  for (int i = parts; i < w->n && i < parts + 3; i++, unit /= 60) of_day += w->v[i] * unit;
  return of_day < 2 ? days_of(year, month, day) + of_day : -1;
}

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The middle of the steps, where all of them go up; else 0. */
static double middle_step(double *at, int64_t n) {
  for (int64_t i = 0; i + 1 < n; i++) {
    at[i] = at[i + 1] - at[i];
    if (!(at[i] > 0)) return 0;
  }
  qsort(at, (size_t)(n - 1), sizeof *at, by_size);
  return at[(n - 1) / 2];
}

static double step_of_words(const data_field *f, int64_t n, int reading, double *at) {
  for (int64_t i = 0; i < n; i++) {
    written w;
    const char *word = f->names[(int64_t)field_value(f, i, 0)];
    if (!read_date(word, &w) || (at[i] = moment(&w, reading)) < 0) return 0;
  }
  return middle_step(at, n);
}

/* Numbers say when only under a name that says so; dates as numbers are not told exactly. */
static double step_of_numbers(const data_field *f, int64_t n) {
  static const char *const names[] = {"date", "time", "timestamp", "datetime", "ds",
                                      "year", "unix", "day",       "yyyymmdd"};
  bool named = false;
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) named |= !strcasecmp(f->name, names[k]);
  const double all = field_value(f, n - 1, 0) - field_value(f, 0, 0), step = all / (double)(n - 1);
  for (int64_t i = 1; i < n && named; i++) named = field_value(f, i, 0) >= field_value(f, i - 1, 0);
  if (!named || !(all > 0)) return 0;
  if (!strcasecmp(f->name, "year")) return step >= 1 ? 365 * step : 0;
  const double first = field_value(f, 0, 0);
  return first > 1e11 ? step / 86400e3 : first > 1e8 ? step / 86400 : 1;
}

double date_step(const data_field *f, int64_t n) {
  if (n < 16) return 0;
  if (!f->names) return step_of_numbers(f, n);
  double *at = allocate((size_t)n * sizeof *at), step = 0;
  for (int reading = 0; reading < N_READINGS && !step; reading++)
    step = step_of_words(f, n, reading, at);
  free(at);
  return step;
}
