#include "cli/progress.h"
#include "runtime/plot.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_init(progress *p, bool table, bool plot, int epochs) {
  *p = (progress){.table = table, .plot = plot, .epochs = epochs, .bar = isatty(STDERR_FILENO)};
}

void progress_clear(progress *p) {
  if (p->bar_shown) fputs("\r\033[K", stderr);
  p->bar_shown = false;
}

void progress_step(void *self, const train_progress *s) {
  progress *p = self;
  if (!p->bar || now() - p->drawn < 0.05) return;
  char bar[31];
  int full = (int)(30 * s->done / s->samples);
  memset(bar, '#', 30);
  memset(bar + full, '.', (size_t)(30 - full));
  bar[30] = 0;
  fprintf(stderr, "\repoch %d/%d [%s] %lld/%lld  loss %.4f ", s->epoch, s->epochs, bar,
          (long long)s->done, (long long)s->samples, s->loss);
  fflush(stderr);
  p->drawn = now();
  p->bar_shown = true;
}

/* A loss in 10 columns, also when it is far out. */
static const char *loss_text(char buf[24], double loss) {
  snprintf(buf, 24, loss < 1e4 ? "%.4f" : "%.3e", loss);
  return buf;
}

static void print_line(progress *p, const epoch_row *r, bool best) {
  if (r->epoch == 1 || !p->best_shown)
    printf("%5s  %10s  %9s  %9s  %7s  %7s\n", "epoch", "train loss", "train acc", "val loss",
           "val acc", "seconds");
  p->best_shown = 1;
  char train[24], val[24];
  printf("%5d  %10s  %9.4f  %9s  %7.4f  %7.2f%s\n", r->epoch, loss_text(train, r->train_loss),
         r->train_acc, loss_text(val, r->val_loss), r->val_acc, r->seconds, best ? " *" : "");
  fflush(stdout);
}

void progress_epoch(void *self, const epoch_row *rows, int n, int best) {
  progress *p = self;
  progress_clear(p);
  if (p->plot) plot_terminal(rows, n, p->epochs);
  if (p->table) print_line(p, &rows[n - 1], best == rows[n - 1].epoch);
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
