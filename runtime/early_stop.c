#include "early_stop.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

/* The watched value, turned so that less is better. */
static double watched(const char *metric, const epoch_row *r) {
  if (!strcmp(metric, "val_acc")) return -r->val_acc;
  return !strcmp(metric, "train_loss") ? r->train_loss : r->val_loss;
}

bool row_better(const char *metric, const epoch_row *a, const epoch_row *b) {
  if (metric) return watched(metric, b) < watched(metric, a);
  if (isnan(a->val_loss)) return b->train_loss < a->train_loss; /* nothing validates */
  if (isnan(a->val_acc)) return b->val_loss < a->val_loss;
  return b->val_acc > a->val_acc || (b->val_acc == a->val_acc && b->val_loss < a->val_loss);
}

bool early_stop_after(early_stop *s, const epoch_row *row) {
  if (!s->metric) return false;
  double v = watched(s->metric, row);
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
