/* report.html: a comparison on one page that needs nothing else, on a phone too. */
#include "base/internal.h"
#include "cli/chart.h"
#include "base/source.h"
#include "cli/line_diff.h"
#include "cli/progress.h"
#include "cli/study.h"
#include "cli/version.h"
#include "runtime/atomic_file.h"
#include "runtime/message.h"
#include "runtime/plot.h"
#include "runtime/run_dir.h"
#include "runtime/stats.h"
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_REPORT_LINES = 4000 };

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<style>\n"
    ":root{--bg:#fff;--fg:#1c1c1e;--soft:#5c5c63;--line:#d9d9de;--card:#f6f6f8;--add:#dff3ea;"
    "--gone:#fde4e1;--lead:#dff3ea;"
    "--c0:#0072b2;--c1:#d55e00;--c2:#00805f;--c3:#b3508a;--c4:#a06c00;--c5:#2b8fc9;--c6:#000;"
    "--c7:#7a6000}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#161618;--fg:#ececf0;--soft:#a5a5ad;"
    "--line:#3a3a40;--card:#1f1f23;--add:#153d30;--gone:#4b2320;--lead:#153d30;"
    "--c0:#56b4e9;--c1:#ff8a3d;--c2:#2fc79b;--c3:#e59ac4;--c4:#f0b429;--c5:#9ad0f5;--c6:#fff;"
    "--c7:#d9c35a}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:76rem;padding:1rem;background:var(--bg);color:var(--fg);"
    "font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\n"
    "h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}\n"
    "p{margin:.5rem 0;max-width:60rem}.soft{color:var(--soft);font-size:.9rem}\n"
    "code{font:13px/1.45 ui-monospace,monospace}\n"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.8rem;"
    "border:1px solid var(--line)}\n"
    "th,td{padding:.35rem .4rem;text-align:right;border-bottom:1px solid var(--line);"
    "vertical-align:top;overflow-wrap:normal}\n"
    "th{font-weight:600;background:var(--card);vertical-align:bottom}"
    "th:first-child,td:first-child{text-align:left;font-weight:600}\n"
    "td i{font-style:normal;color:var(--soft);white-space:nowrap}"
    "tr.lead td{background:var(--lead)}ul{padding-left:1.2rem}\n"
    "@media(max-width:60rem){tr:first-child{display:none}table,tbody,tr,td{display:block}"
    "tr{border-bottom:2px solid var(--line);padding:.3rem 0}"
    "tr.lead{background:var(--lead)}tr.lead td{background:none}"
    "td,td:first-child{border:0;padding:.1rem .6rem;display:flex;justify-content:space-between;"
    "gap:1rem}td:first-child{font-size:1rem}td::before{content:attr(data-h);color:var(--soft)}"
    "td:first-child::before{content:none}}\n"
    ".charts{display:grid;gap:.75rem;margin:1rem 0;"
    "grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr))}\n"
    ".chart{display:block;width:100%;height:auto;border:1px solid var(--line);border-radius:6px;"
    "font:11px system-ui,sans-serif}.chart text{fill:var(--soft)}"
    ".chart .name{fill:var(--fg);font-size:13px}"
    ".chart .grid{stroke:var(--line)}.line{fill:none;stroke-width:2;stroke-linejoin:round}"
    ".dashed{stroke-dasharray:5 3}.band{opacity:.16}\n"
    ".legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.9rem}"
    ".legend svg{width:1.6rem;height:.6rem;margin-right:.4rem}\n"
    ".sources{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),"
    "1fr))}\n"
    ".source{border:1px solid var(--line);border-radius:6px;min-width:0}\n"
    ".source h3{font-size:.95rem;margin:0;padding:.4rem .6rem;background:var(--card)}\n"
    "pre{margin:0;padding:.4rem 0;font:13px/1.45 ui-monospace,monospace;white-space:pre-wrap}\n"
    "pre span{display:block;padding:0 .6rem 0 1.8rem;text-indent:-1.2rem}"
    "pre span::before{content:'  '}\n"
    "pre .new{background:var(--add)}pre .new::before{content:'+ '}"
    "pre .gone{background:var(--gone)}pre .gone::before{content:'- '}\n";

/* The colours of lines, bands and dots. */
static void colour_classes(FILE *f) {
  for (int i = 0; i < CHART_COLOURS; i++)
    fprintf(f, ".line.c%d{stroke:var(--c%d)}.band.c%d,.dot.c%d{fill:var(--c%d)}\n", i, i, i, i, i);
  fputs("</style>\n", f);
}

static void escaped(FILE *f, const char *s, size_t n) {
  for (size_t i = 0; i < n && s[i]; i++) switch (s[i]) {
    case '<': fputs("&lt;", f); break;
    case '>': fputs("&gt;", f); break;
    case '&': fputs("&amp;", f); break;
    case '"': fputs("&quot;", f); break;
    default: fputc(s[i], f);
    }
}

static void text(FILE *f, const char *s) { escaped(f, s, strlen(s)); }

/* On a phone each cell is a line of its own, and says what it is. */
static void open_cell(FILE *f, const char *what) { fprintf(f, "<td data-h=\"%s\"><span>", what); }
static void close_cell(FILE *f) { fputs("</span></td>", f); }

static void spread_cell(FILE *f, const char *what, spread v, int n_seed, int digits) {
  open_cell(f, what);
  if (isnan(v.mean)) fputs("&ndash;", f);
  else if (n_seed < 2) fprintf(f, "%.*f", digits, v.mean);
  else fprintf(f, "%.*f <i>&plusmn; %.*f</i>", digits, v.mean, digits, v.deviation);
  close_cell(f);
}

static void p_cell(FILE *f, const verdict *v) {
  open_cell(f, "p");
  if (v->leads) fputs("best", f);
  else if (isnan(v->p_holm)) fputs("&ndash;", f);
  else if (v->p_holm < 0.001) fputs("&lt;&nbsp;0.001", f);
  else fprintf(f, "%.3f", v->p_holm);
  close_cell(f);
}

static void table_row(FILE *f, const study *s, const contestant *c) {
  const verdict *v = &c->v;
  char a[32], b[32];
  fprintf(f, "<tr%s><td>", v->leads ? " class=\"lead\"" : "");
  text(f, c->label);
  fputs("</td>", f);
  spread_cell(f, arena_printf(s->mem, "best val %s", c->measure), v->best_measure, s->n_seed, 3);
  p_cell(f, v);
  spread_cell(f, arena_printf(s->mem, "val %s", c->measure), v->val_measure, s->n_seed, 3);
  spread_cell(f, "val loss", v->val_loss, s->n_seed, 3);
  spread_cell(f, arena_printf(s->mem, "train %s", c->measure), v->train_measure, s->n_seed, 3);
  spread_cell(f, "train loss", v->train_loss, s->n_seed, 3);
  spread_cell(f, "least val loss", v->least_loss, s->n_seed, 3);
  spread_cell(f, "at epoch", v->least_epoch, s->n_seed, 1);
  fprintf(f,
          "<td data-h=\"s / epoch\">%.3f</td><td data-h=\"parameters\">%s</td>"
          "<td data-h=\"MACs\">%s</td><td data-h=\"memory, MB\">%.2f</td></tr>\n",
          v->seconds.mean, with_commas(a, c->params), with_commas(b, c->macs),
          (double)c->train_bytes / 1048576);
}

static void table_of(FILE *f, const study *s, int from, int to) {
  const char *by = s->c[from].measure;
  fprintf(f,
          "<table>\n<tr><th></th><th>best val %s</th><th>p</th><th>val %s</th>"
          "<th>val loss</th><th>train %s</th><th>train loss</th><th>least val loss</th>"
          "<th>at epoch</th><th>s / epoch</th><th>parameters</th><th>MACs</th><th>memory, "
          "MB</th></tr>\n",
          by, by, by);
  for (int i = from; i < to; i++) table_row(f, s, &s->c[i]);
  fputs("</table>\n", f);
}

static void notes(FILE *f, const study *s, int from, int to) {
  fputs("<ul>\n", f);
  for (int i = from; i < to; i++) {
    fputs("<li><b>", f);
    text(f, s->c[i].label);
    fputs("</b>: ", f);
    text(f, s->c[i].settings);
    if (s->c[i].v.note[0]) {
      fputs(". <i>", f);
      text(f, s->c[i].v.note);
      fputs("</i>", f);
    }
    fputs("</li>\n", f);
  }
  fputs("</ul>\n", f);
}

static void legend(FILE *f, const study *s, int from, int to) {
  fputs("<div class=\"legend\">", f);
  for (int i = from; i < to; i++) {
    fprintf(f, "<span><svg viewBox=\"0 0 32 12\"><path class=\"line c%d%s\" d=\"M0 6H32\"/></svg>",
            (i - from) % CHART_COLOURS, (i - from) / CHART_COLOURS % 2 ? " dashed" : "");
    text(f, s->c[i].label);
    fputs("</span>", f);
  }
  fputs("</div>\n", f);
}

static void charts(FILE *f, const study *s, int from, int to) {
  static const char *const accuracy[] = {"training loss", "validation loss", "training accuracy",
                                         "validation accuracy"},
                           *const mae[] = {"training loss", "validation loss",
                                           "training error (MAE)", "validation error (MAE)"};
  const bool is_share = !measure_falls(s->c[from].measure);
  const char *const *title = is_share ? accuracy : mae;
  const int end = strcmp(s->c[from].measure, "loss") ? CURVE_VAL_MEASURE : CURVE_VAL_LOSS;
  chart_series *series = allocate((size_t)(to - from) * sizeof *series);
  legend(f, s, from, to);
  fputs("<div class=\"charts\">\n", f);
  for (int column = CURVE_TRAIN_LOSS; column <= end; column++) {
    for (int i = from; i < to; i++) {
      double *mean, *dev;
      const int n = study_curve(s, &s->c[i], (curve_column)column, &mean, &dev);
      series[i - from] = (chart_series){n, i - from, mean, s->n_seed > 1 ? dev : NULL};
    }
    chart_svg(f, title[column], series, to - from, is_share && column >= CURVE_TRAIN_MEASURE);
  }
  fputs("</div>\n", f);
  free(series);
}

/* One text; lines that the first one does not have are marked, and those that it alone has. */
static void source(FILE *f, const contestant *c, const char *base) {
  diff_line *line = allocate(2 * MAX_REPORT_LINES * sizeof *line);
  const int n = line_diff(base, c->text, line, 2 * MAX_REPORT_LINES);
  fputs("<div class=\"source\"><h3>", f);
  text(f, c->path);
  fputs("</h3><pre>", f);
  for (int i = 0; i < n; i++) {
    const char kind = line[i].kind;
    fprintf(f, "<span%s>", kind == '+' ? " class=\"new\"" : kind == '-' ? " class=\"gone\"" : "");
    escaped(f, line[i].at, line[i].n);
    fputs("</span>", f);
  }
  fputs("</pre></div>\n", f);
  free(line);
}

static bool file_before(const study *s, int i) {
  for (int k = 0; k < i; k++)
    if (!strcmp(s->c[k].path, s->c[i].path)) return true;
  return false;
}

static void sources(FILE *f, const study *s) {
  fputs("<h2>Sources</h2>\n<p class=\"soft\">Marked against the first text: + is new, "
        "- is gone.</p>\n"
        "<div class=\"sources\">\n",
        f);
  for (int i = 0; i < s->n; i++)
    if (!file_before(s, i)) source(f, &s->c[i], s->c[0].text);
  fputs("</div>\n", f);
}

static int end_of_study(const study *s, int from) {
  int to = from + 1;
  while (to < s->n && !strcmp(s->c[to].study, s->c[from].study)) to++;
  return to;
}

/* "DIR/curves" or "DIR/curves-NAME", malloc'd. */
static char *picture_base(const study *s, const char *name) {
  return name[0] ? message("%s/curves-%s", s->dir, name) : message("%s/curves", s->dir);
}

/* The processor's name as the kernel tells it. */
static const char *processor_name(char *buf, size_t room) {
  char line[256];
  FILE *f = fopen("/proc/cpuinfo", "r");
  snprintf(buf, room, "unknown processor");
  while (f && fgets(line, sizeof line, f)) {
    char *colon = strchr(line, ':');
    if (!colon || strncmp(line, "model name", 10) != 0) continue;
    snprintf(buf, room, "%.*s", (int)strcspn(colon + 2, "\n<>&"), colon + 2);
    break;
  }
  if (f) fclose(f);
  return buf;
}

static void explain(FILE *f, const study *s) {
  const char *by = s->c[0].measure;
  fprintf(f,
          "<p class=\"soft\">Mean &plusmn; standard deviation over %d seed%s, which draw initial "
          "weights, split and order. Losses and %s are those of the last epoch unless the "
          "column says otherwise. p is the chance that the best validation %s differs so much "
          "from that of the best by luck (paired t-test over three seeds or more, with Holm's "
          "correction for several comparisons).%s ",
          s->n_seed, s->n_seed == 1 ? "" : "s", measure_falls(by) ? "errors" : "accuracies",
          measure_falls(by) ? by : "accuracy", study_sampling_note(s));
  fputs("Times were taken with several runs side by side, one thread each. Curves are means over "
        "the seeds, with the standard deviation as a band.</p>\n",
        f);
}

static void origin(FILE *f, const study *s) {
  char date[40], processor[128];
  const time_t now = time(NULL);
  struct tm tm;
  localtime_r(&now, &tm);
  strftime(date, sizeof date, "%Y-%m-%d %H:%M %Z", &tm);
  fprintf(f, "<p class=\"soft\">%s, netc " NETC_VERSION ", %s, %d CPUs<br><code>", date,
          processor_name(processor, sizeof processor), available_threads());
  text(f, s->command ? s->command : "");
  fputs("</code></p>\n", f);
}

static void page(FILE *f, const study *s) {
  fputs(head, f);
  colour_classes(f);
  fputs("<title>", f);
  text(f, s->title);
  fputs("</title></head><body>\n<h1>", f);
  text(f, s->title);
  fputs("</h1>\n", f);
  origin(f, s);
  explain(f, s);
  for (int from = 0, to; from < s->n; from = to) {
    to = end_of_study(s, from);
    if (s->c[from].study[0]) {
      fputs("<h2>", f);
      text(f, s->c[from].study);
      fputs("</h2>\n", f);
    }
    table_of(f, s, from, to);
    charts(f, s, from, to);
    notes(f, s, from, to);
  }
  sources(f, s);
  fputs("</body></html>\n", f);
}

static plot_job draw_study(const study *s, int from, int to) {
  plot_series *series = allocate((size_t)(to - from) * sizeof *series);
  int n = 0;
  for (int i = from; i < to; i++) {
    epoch_row *row;
    int rows = study_mean_curve(s, &s->c[i], &row);
    if (rows) series[n++] = (plot_series){s->c[i].label, row, rows};
  }
  char *base = picture_base(s, s->c[from].study);
  plot_job job = plot_overlay(base, s->c[from].study[0] ? s->c[from].study : s->title, series, n);
  free(base);
  free(series);
  return job;
}

static void draw_all(const study *s) {
  bool drawn = true;
  for (int from = 0, to; from < s->n; from = to) {
    to = end_of_study(s, from);
    plot_job job = draw_study(s, from, to);
    drawn = plot_wait(&job) && drawn;
  }
  if (!drawn)
    diag_tell(DIAG_REMARK, "some curves are missing, for gnuplot (Debian: gnuplot-nox) did not "
                           "run or there was nothing to draw");
}

static bool write_text(const study *s, const char *name, const char *content) {
  char *path = run_file(s->dir, name), *clean = clean_utf8(content), *error = NULL;
  bool ok = atomic_write(path, clean, strlen(clean), &error);
  free(clean);
  free(path);
  if (!ok) report_failure(error);
  return ok;
}

static bool write_page(const study *s) {
  char *content = NULL;
  size_t n;
  FILE *f = allocated(open_memstream(&content, &n));
  page(f, s);
  fclose(f);
  bool ok = write_text(s, "report.html", content);
  free(content);
  return ok;
}

bool study_report(const study *s) {
  draw_all(s);
  char *csv = study_csv(s);
  json_object *j = study_json(s);
  bool ok = write_text(s, "results.csv", csv) &&
            write_text(s, "results.json",
                       json_object_to_json_string_ext(j, JSON_C_TO_STRING_PRETTY |
                                                             JSON_C_TO_STRING_SPACED |
                                                             JSON_C_TO_STRING_NOSLASHESCAPE)) &&
            write_page(s);
  json_object_put(j);
  free(csv);
  return ok;
}
