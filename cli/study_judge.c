/* From the rows of every run to means, spreads and what may be said of them. */
#include "cli/study.h"
#include "runtime/message.h"
#include "runtime/plot.h"
#include "runtime/run_dir.h"
#include "runtime/stats.h"
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SEEDS = 1000 };

static bool job_diverged(const job *j) {
  char *path = run_file(j->dir, "run.json");
  json_object *r = json_object_from_file(path), *status = NULL;
  bool diverged = r && json_object_object_get_ex(r, "status", &status) &&
                  !strcmp(json_object_get_string(status), "diverged");
  free(path);
  json_object_put(r);
  return diverged;
}

static bool read_seed(study *s, contestant *c, int i) {
  const job *j = &s->job[c->job[i]];
  seed_result *r = &c->seed[i];
  char *error = NULL;
  r->row = NEW_N(s->mem, epoch_row, c->epochs);
  r->n_row = metrics_read(j->dir, c->n_own, r->row, c->epochs, &error);
  if (r->n_row < 0) {
    report_failure(error);
    return false;
  }
  r->diverged = r->n_row < c->epochs && job_diverged(j);
  r->least = least_val_loss(r->row, r->n_row);
  for (int k = 0; k < r->n_row; k++)
    if (!r->best || row_better(&c->watch, &r->row[r->best - 1], &r->row[k])) r->best = k + 1;
  double train, val;
  if (r->n_row) c->measure = row_measure(r->row, &train, &val);
  return true;
}

typedef enum {
  TRAIN_LOSS,
  TRAIN_MEASURE,
  VAL_LOSS,
  VAL_MEASURE,
  BEST_MEASURE,
  BEST_LOSS,
  BEST_R2,
  LEAST_LOSS,
  LEAST_EPOCH,
  SECONDS
} measure;

static double seconds_of_epoch(const seed_result *r) {
  double v[4096];
  int n = r->n_row < 4096 ? r->n_row : 4096;
  for (int i = 0; i < n; i++) v[i] = r->row[i].seconds;
  return stats_mean(v, n);
}

static double measured(const epoch_row *r, bool validation) {
  double train, val;
  row_measure(r, &train, &val);
  return validation ? val : train;
}

static double value_of(const seed_result *r, measure m) {
  const epoch_row *last = &r->row[r->n_row - 1];
  switch (m) {
  case TRAIN_LOSS: return last->train_loss;
  case TRAIN_MEASURE: return measured(last, false);
  case VAL_LOSS: return last->val_loss;
  case VAL_MEASURE: return measured(last, true);
  case BEST_MEASURE: return measured(&r->row[r->best - 1], true);
  case BEST_R2: return r->row[r->best - 1].more[2];
  case BEST_LOSS: return r->row[r->best - 1].val_loss;
  case LEAST_LOSS: return r->row[r->least - 1].val_loss;
  case LEAST_EPOCH: return r->least;
  default: return seconds_of_epoch(r);
  }
}

static bool counts(const seed_result *r) { return !r->diverged && r->n_row > 0; }

static spread spread_of(const study *s, const contestant *c, measure m) {
  double v[MAX_SEEDS];
  int n = 0;
  for (int i = 0; i < s->n_seed; i++)
    if (counts(&c->seed[i])) v[n++] = value_of(&c->seed[i], m);
  return (spread){stats_mean(v, n), stats_deviation(v, n)};
}

static void summarize(const study *s, contestant *c) {
  verdict *v = &c->v;
  v->train_loss = spread_of(s, c, TRAIN_LOSS);
  v->train_measure = spread_of(s, c, TRAIN_MEASURE);
  v->val_loss = spread_of(s, c, VAL_LOSS);
  v->val_measure = spread_of(s, c, VAL_MEASURE);
  v->best_measure = spread_of(s, c, BEST_MEASURE);
  v->best_r2 = spread_of(s, c, BEST_R2);
  v->best_loss = spread_of(s, c, BEST_LOSS);
  v->least_loss = spread_of(s, c, LEAST_LOSS);
  v->least_epoch = spread_of(s, c, LEAST_EPOCH);
  v->seconds = spread_of(s, c, SECONDS);
  for (int i = 0; i < s->n_seed; i++) v->diverged += c->seed[i].diverged;
}

/* Is a better than b, by what both are measured by? */
static bool ahead(const contestant *a, const contestant *b) {
  const double x = a->v.best_measure.mean, y = b->v.best_measure.mean;
  return measure_falls(a->measure) ? x < y : x > y;
}

static const contestant *leader_of(const study *s, const char *name) {
  const contestant *best = NULL;
  for (int i = 0; i < s->n; i++) {
    const contestant *c = &s->c[i];
    if (!strcmp(c->study, name) && !isnan(c->v.best_measure.mean) && (!best || ahead(c, best)))
      best = c;
  }
  return best;
}

/* Of two networks that saw other samples neither losses nor accuracies can be held together. */
static bool same_data(const contestant *a, const contestant *b) {
  return !strcmp(a->measure, b->measure) && a->data_hash == b->data_hash &&
         a->n_train == b->n_train && a->n_val == b->n_val;
}

/* Pairs are the seeds of which neither run diverged: the same seed gives both the same split. */
static double paired_with(const study *s, const contestant *a, const contestant *b) {
  double x[MAX_SEEDS], y[MAX_SEEDS];
  int n = 0;
  for (int i = 0; i < s->n_seed; i++)
    if (counts(&a->seed[i]) && counts(&b->seed[i])) {
      x[n] = value_of(&a->seed[i], BEST_MEASURE);
      y[n++] = value_of(&b->seed[i], BEST_MEASURE);
    }
  return stats_paired_p(x, y, n);
}

/* The curve of mean validation losses, as the report draws it: where it is lowest, and how it ends.
 */
typedef struct {
  int n, turn; /* epochs; the one of the least loss */
  double least, last;
} turning;

static turning turning_of(const study *s, const contestant *c) {
  double *mean, *dev;
  turning t = {.n = study_curve(s, c, CURVE_VAL_LOSS, &mean, &dev)};
  for (int i = 0; i < t.n; i++)
    if (!i || mean[i] < t.least) t.turn = i + 1, t.least = mean[i];
  t.last = t.n ? mean[t.n - 1] : 0;
  return t;
}

/* Validation loss turned well before the end and rose, while training loss went on to fall. */
static bool overfits(const contestant *c, const turning *t) {
  return t->last > 1.1 * t->least && c->v.train_loss.mean < 0.5 * t->last && t->turn < 0.9 * t->n;
}

/* Its lowest point is its end, or next to it and as low. */
static bool improves(const contestant *c, const turning *t) {
  return t->turn > 0.85 * t->n && t->last <= 1.01 * t->least &&
         (measure_falls(c->measure) || c->v.train_measure.mean < 0.97);
}

/* It learned nothing: always guessing the largest class, or the mean, is as good. NULL otherwise.
 */
static const char *no_better_than(const study *s, const contestant *c) {
  const verdict *v = &c->v;
  const double chance = c->majority + stats_share_error(c->majority, (double)c->n_val);
  if (!strcmp(c->measure, "mae") && v->best_r2.mean <= 0)
    return arena_printf(s->mem, "no better than always guessing the mean (R2 %.3f); ",
                        v->best_r2.mean);
  if (measure_falls(c->measure)) return NULL;
  if (v->best_measure.mean < chance)
    return arena_printf(s->mem, "no better than always guessing the largest class (%.3f); ",
                        c->majority);
  return v->val_measure.mean < chance ? "learned, then fell back to guessing; " : NULL;
}

/* What strikes the eye: each part only where the numbers leave little doubt. */
static const char *note_on(const study *s, const contestant *c) {
  const verdict *v = &c->v;
  const char *text = "";
  if (v->diverged)
    text = arena_printf(s->mem, "diverged with %d of %d seeds; ", v->diverged, s->n_seed);
  const contestant *leader = leader_of(s, c->study);
  if (leader && !same_data(c, leader))
    text = arena_printf(s->mem, "%sother data than `%s`, which it cannot be compared with; ", text,
                        leader->label);
  if (isnan(v->best_loss.mean)) return arena_printf(s->mem, "%snothing learned", text);
  const turning t = turning_of(s, c);
  const char *nothing = no_better_than(s, c);
  if (nothing) text = arena_printf(s->mem, "%s%s", text, nothing);
  else if (overfits(c, &t))
    text = arena_printf(s->mem,
                        "%soverfits: validation loss turns at epoch %d, and rises from %.3f to "
                        "%.3f; ",
                        text, t.turn, t.least, t.last);
  else if (improves(c, &t))
    text = arena_printf(s->mem, "%sstill improving at its last epoch; ", text);
  size_t n = strlen(text);
  return n ? arena_strndup(s->mem, text, n - 2) : "";
}

static int size_of_study(const study *s, const char *name) {
  int n = 0;
  for (int i = 0; i < s->n; i++) n += !strcmp(s->c[i].study, name);
  return n;
}

const char *study_sampling_note(const study *s) {
  const contestant *best = leader_of(s, s->c[0].study);
  if (!best || measure_falls(best->measure) || best->majority == 0) return "";
  const double share = best->v.best_measure.mean, n = (double)best->n_val;
  return arena_printf(s->mem,
                      " An accuracy of %.2f on %.0f samples has itself a standard error of %.3f.",
                      share, n, stats_share_error(share, n));
}

/* Each of a study's networks is held against its best: one question for each, asked at once. */
static void correct(study *s, int from) {
  const int n = size_of_study(s, s->c[from].study);
  double *p = NEW_N(s->mem, double, n), *adjusted = NEW_N(s->mem, double, n);
  for (int i = 0; i < n; i++) p[i] = s->c[from + i].v.p;
  stats_holm(p, adjusted, n);
  for (int i = 0; i < n; i++) s->c[from + i].v.p_holm = adjusted[i];
}

bool study_judge(study *s) {
  for (int i = 0; i < s->n; i++) {
    contestant *c = &s->c[i];
    c->measure = "loss";
    c->seed = NEW_N(s->mem, seed_result, s->n_seed);
    for (int k = 0; k < s->n_seed; k++)
      if (!read_seed(s, c, k)) return false;
    summarize(s, c);
  }
  for (int i = 0; i < s->n; i++) {
    contestant *c = &s->c[i];
    const contestant *leader = leader_of(s, c->study);
    c->v.leads = c == leader && size_of_study(s, c->study) > 1;
    c->v.p = leader && c != leader && same_data(c, leader) ? paired_with(s, c, leader) : NAN;
    c->v.note = note_on(s, c);
  }
  for (int i = 0; i < s->n; i++)
    if (!i || strcmp(s->c[i].study, s->c[i - 1].study) != 0) correct(s, i);
  return true;
}

/* Epochs that every run which counts has; 0 if none counts. */
static int common_epochs(const study *s, const contestant *c) {
  int least = 0;
  for (int i = 0; i < s->n_seed; i++)
    if (counts(&c->seed[i]) && (!least || c->seed[i].n_row < least)) least = c->seed[i].n_row;
  return least;
}

static epoch_row mean_row(const study *s, const contestant *c, int at) {
  epoch_row sum = {.epoch = at + 1};
  int n = 0;
  for (int i = 0; i < s->n_seed; i++) {
    if (!counts(&c->seed[i])) continue;
    const epoch_row *r = &c->seed[i].row[at];
    sum.train_loss += r->train_loss;
    sum.train_acc += r->train_acc;
    sum.val_loss += r->val_loss;
    sum.val_acc += r->val_acc;
    for (int k = 0; k < METRIC_VALUES; k++) sum.more[k] += r->more[k];
    for (int k = 0; k < MAX_METRICS; k++) sum.own[k] += r->own[k];
    n++;
  }
  sum.train_loss /= n;
  sum.train_acc /= n;
  sum.val_loss /= n;
  sum.val_acc /= n;
  for (int k = 0; k < METRIC_VALUES; k++) sum.more[k] /= n;
  for (int k = 0; k < MAX_METRICS; k++) sum.own[k] /= n;
  return sum;
}

int study_mean_curve(const study *s, const contestant *c, epoch_row **row) {
  int n = common_epochs(s, c);
  *row = NEW_N(s->mem, epoch_row, n + 1);
  for (int i = 0; i < n; i++) (*row)[i] = mean_row(s, c, i);
  return n;
}

static double column_of(const epoch_row *r, curve_column column) {
  switch (column) {
  case CURVE_TRAIN_LOSS: return r->train_loss;
  case CURVE_VAL_LOSS: return r->val_loss;
  case CURVE_TRAIN_MEASURE: return measured(r, false);
  default: return measured(r, true);
  }
}

int study_curve(const study *s, const contestant *c, curve_column column, double **mean,
                double **dev) {
  const int n = common_epochs(s, c);
  *mean = NEW_N(s->mem, double, n + 1);
  *dev = NEW_N(s->mem, double, n + 1);
  for (int at = 0; at < n; at++) {
    double v[MAX_SEEDS];
    int k = 0;
    for (int i = 0; i < s->n_seed; i++)
      if (counts(&c->seed[i])) v[k++] = column_of(&c->seed[i].row[at], column);
    (*mean)[at] = stats_mean(v, k);
    (*dev)[at] = stats_deviation(v, k);
  }
  return n;
}
