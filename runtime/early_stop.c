#include "early_stop.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

/* A value that only some tasks have, by its name in metrics.csv. */
static double task_value(const char *metric, const epoch_row *r) {
  for (int t = 0; t <= TASK_NONE; t++) {
    const metric_names names = metric_names_of((metric_task)t);
    for (int i = 0; i < names.n; i++)
      if (!strcmp(names.name[i], metric)) return r->more[i];
  }
  return r->val_loss;
}

/* Turned so that less is better. */
static double turned(const watch *w, const epoch_row *r) {
  const char *metric = w->metric;
  if (w->own) return w->rises ? -r->own[w->own - 1] : r->own[w->own - 1];
  static const char *const rising[] = {"val_r2", "val_iou", "val_f1"};
  if (!strcmp(metric, "val_acc")) return -r->val_acc;
  if (!strcmp(metric, "train_loss")) return r->train_loss;
  const double v = task_value(metric, r);
  for (int i = 0; i < 3; i++)
    if (!strcmp(metric, rising[i])) return -v;
  return v;
}

/* The watched value; what is no number (0 of 0 found) is worse than any. */
static double watched(const watch *w, const epoch_row *r) {
  const double v = turned(w, r);
  return isnan(v) ? INFINITY : v;
}

bool row_better(const watch *w, const epoch_row *a, const epoch_row *b) {
  if (w->metric) return watched(w, b) < watched(w, a);
  if (isnan(a->val_loss)) return b->train_loss < a->train_loss; /* nothing validates */
  if (isnan(a->val_acc)) return b->val_loss < a->val_loss;
  return b->val_acc > a->val_acc || (b->val_acc == a->val_acc && b->val_loss < a->val_loss);
}

bool early_stop_after(early_stop *s, const epoch_row *row) {
  if (!s->of.metric) return false;
  double v = watched(&s->of, row);
  if (!s->best_epoch || v < s->best) {
    s->best = v;
    s->best_epoch = row->epoch;
  }
  return row->epoch - s->best_epoch >= s->patience;
}

const char *row_quality(const epoch_row *r, double *train, double *val) {
  const bool numbers = isnan(r->train_acc);
  *train = numbers ? r->more[0] : r->train_acc;
  *val = numbers ? r->more[1] : r->val_acc;
  return isnan(*train) ? NULL : numbers ? "mae" : "acc";
}

const char *row_measure(const epoch_row *r, double *train, double *val) {
  const char *name = row_quality(r, train, val);
  if (name) return name;
  *train = r->train_loss;
  *val = r->val_loss;
  return "loss";
}

bool measure_falls(const char *measure) { return strcmp(measure, "acc") != 0; }
