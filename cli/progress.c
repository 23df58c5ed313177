#include "cli/progress.h"
#include "base/source.h"
#include "base/timing.h"
#include "cli/terminal.h"
#include "runtime/plot.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void progress_init(progress *p, bool table, bool plot, int epochs) {
  *p = (progress){.table = table, .epochs = epochs, .bar = isatty(STDERR_FILENO)};
  p->plot = plot && p->bar && isatty(STDOUT_FILENO);
  if (plot && !p->plot) diag_tell(DIAG_REMARK, "--plot draws on a terminal only");
}

void progress_clear(progress *p) {
  if (p->bar_shown) fputs("\r\033[K", stderr);
  p->bar_shown = false;
}

/* Seconds until the last epoch ends, from what went by since the first step that was seen. */
static double seconds_left(progress *p, const train_progress *s) {
  const double done = s->epoch - 1 + (double)s->done / (double)s->samples;
  if (!p->started) {
    p->started = seconds_now();
    p->done_at_start = done;
  }
  const double fresh = done - p->done_at_start;
  return fresh > 0 ? (seconds_now() - p->started) / fresh * (s->epochs - done) : -1;
}

void progress_step(void *self, const train_progress *s) {
  progress *p = self;
  if (!p->bar) return;
  const double left = seconds_left(p, s);
  if (seconds_now() - p->drawn < 0.05) return;
  char before[48], after[96], time[32], bar[41];
  snprintf(before, sizeof before, "epoch %d/%d ", s->epoch, s->epochs);
  snprintf(after, sizeof after, " %lld/%lld  loss %.4f  %s%s", (long long)s->done,
           (long long)s->samples, s->loss, left < 0 ? "" : duration_text(time, left),
           left < 0 ? "" : " left");
  const int room = terminal_columns(stderr) - 3 - (int)(strlen(before) + strlen(after));
  fprintf(stderr, "\r%s", before);
  if (room >= 4)
    fprintf(stderr, "[%s]",
            bar_text(bar, room > 40 ? 40 : room, (double)s->done / (double)s->samples));
  fprintf(stderr, "%.*s\033[K", (int)strlen(after) + (room < 0 ? room : 0), after);
  fflush(stderr);
  p->drawn = seconds_now();
  p->bar_shown = true;
}

/* A loss in 10 columns, also when it is far out. */
static const char *loss_text(char buf[24], double loss) {
  snprintf(buf, 24, loss < 1e4 ? "%.4f" : "%.3e", loss);
  return buf;
}

/* The value of the task that stands in the last column: R2, intersection over union, bits. */
static const char *last_value(const epoch_row *r, metric_task task, double *v) {
  if (task == TASK_NUMBERS) return *v = r->more[2], "val R2";
  if (task == TASK_LABELS) return *v = r->more[0], "val F1";
  if (task == TASK_TOKENS) return *v = r->more[0], "val bits";
  return task == TASK_PIXELS ? (*v = r->more[0], "val IoU") : NULL;
}

/* A value in its column; a dash where there is none. */
static const char *value_text(char buf[24], double v) {
  if (isnan(v)) return "-";
  snprintf(buf, 24, fabs(v) < 1e4 ? "%.4f" : "%.3e", v);
  return buf;
}

/* "val iou_mask" of "val_iou_mask". */
static const char *own_title(char buf[40], const char *column) {
  snprintf(buf, 40, "val %.35s", column + strlen("val_"));
  return buf;
}

static int own_width(const char *column) {
  const int n = (int)strlen(column);
  return n < 8 ? 8 : n > 39 ? 39 : n;
}

/* How many of the file's own metrics the screen has room for; a file has all. */
static int own_shown(const progress *p, bool last) {
  const int columns = terminal_columns(stdout);
  int room = columns - 51 - (last ? 10 : 0), n = 0;
  if (!columns) return p->names->n_own;
  while (n < p->names->n_own && (room -= 2 + own_width(p->names->own[n])) >= 0) n++;
  return n;
}

static void print_header(const progress *p, const epoch_row *r, const char *last) {
  double train, val;
  const char *quality = row_quality(r, &train, &val);
  char a[24], b[24];
  snprintf(a, sizeof a, "train %s", quality ? quality : "acc");
  snprintf(b, sizeof b, "val %s", quality ? quality : "acc");
  printf("%5s  %10s  %9s  %9s  %7s", "epoch", "train loss", a, "val loss", b);
  if (last) printf("  %8s", last);
  char title[40];
  for (int i = 0; i < own_shown(p, last); i++) printf("  %8s", own_title(title, p->names->own[i]));
  printf("  %7s\n", "seconds");
}

static void print_epoch(progress *p, const epoch_row *r, bool best) {
  double train, val, more = NAN;
  const char *last = last_value(r, p->task, &more);
  if (r->epoch == 1 || !p->best_shown || p->plot) print_header(p, r, last);
  p->best_shown = 1;
  row_quality(r, &train, &val);
  char a[24], b[24], c[24], d[24];
  printf("%5d  %10s  %9s  %9s  %7s", r->epoch, loss_text(a, r->train_loss), value_text(b, train),
         isnan(r->val_loss) ? "-" : loss_text(c, r->val_loss), value_text(d, val));
  if (last) printf("  %8s", value_text(a, more));
  for (int i = 0; i < own_shown(p, last); i++)
    printf("  %*s", own_width(p->names->own[i]), value_text(a, r->own[i]));
  printf("  %7.2f%s\n", r->seconds, best ? " *" : "");
  fflush(stdout);
}

/* Two pictures and the line below them fill the screen at most. */
static void draw_curves(const progress *p, const epoch_row *rows, int n) {
  const int columns = terminal_columns(stderr), lines = (terminal_lines(stderr) - 6) / 2;
  plot_terminal(rows, n, p->epochs, columns > 120 ? 119 : columns - 1,
                lines > 16  ? 16
                : lines < 7 ? 7
                            : lines);
}

void progress_epoch(void *self, const epoch_row *rows, int n, int best) {
  progress *p = self;
  progress_clear(p);
  if (p->plot && n > 1) draw_curves(p, rows, n); /* one epoch makes no curve */
  if (p->table) print_epoch(p, &rows[n - 1], best == rows[n - 1].epoch);
}

const char *with_commas(char buf[32], int64_t v) {
  char digits[24];
  int n = snprintf(digits, sizeof digits, "%lld", (long long)v), k = 0;
  for (int i = 0; i < n; i++) {
    if (i && (n - i) % 3 == 0 && digits[i - 1] != '-') buf[k++] = ',';
    buf[k++] = digits[i];
  }
  buf[k] = 0;
  return buf;
}
