/* report.html: a comparison on one page that needs nothing else, on a phone too. */
#include "cli/line_diff.h"
#include "cli/progress.h"
#include "cli/study.h"
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

enum { MAX_REPORT_LINES = 2000 };

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<style>\n"
    ":root{--bg:#fff;--fg:#1c1c1e;--soft:#5c5c63;--line:#d9d9de;--card:#f6f6f8;--mark:#fff0c9;"
    "--lead:#dff3ea}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#161618;--fg:#ececf0;--soft:#a5a5ad;--line:#"
    "3a3a40;"
    "--card:#1f1f23;--mark:#4d3d10;--lead:#153d30}}\n"
    "body{margin:0 auto;max-width:80rem;padding:1rem;background:var(--bg);color:var(--fg);"
    "font:16px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}\n"
    "p{margin:.5rem 0;max-width:60rem}.soft{color:var(--soft);font-size:.9rem}\n"
    ".scroll{overflow-x:auto;border:1px solid var(--line);border-radius:6px}\n"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.85rem}"
    "\n"
    "th,td{padding:.35rem .5rem;text-align:right;white-space:nowrap;border-bottom:1px solid "
    "var(--line)}\n"
    "th{font-weight:600;background:var(--card)}tr:last-child td{border-bottom:0}\n"
    "th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:var(--card)}\n"
    "tr.lead td{background:var(--lead)}ul{padding-left:1.2rem}\n"
    "figure{margin:1rem 0;background:#fff;border:1px solid var(--line);border-radius:6px;"
    "padding:.5rem;overflow-x:auto}\n"
    "figure svg{display:block;width:100%;height:auto;min-width:34rem}\n"
    ".sources{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),"
    "1fr))}\n"
    ".source{border:1px solid var(--line);border-radius:6px;min-width:0}\n"
    ".source h3{font-size:.95rem;margin:0;padding:.4rem .6rem;background:var(--card)}\n"
    "pre{margin:0;padding:.4rem 0;overflow-x:auto;font:13px/1.45 ui-monospace,monospace}\n"
    "pre span{display:block;padding:0 .6rem;min-width:max-content}\n"
    "pre span.new{background:var(--mark)}pre span.new::before{content:'+ '}"
    "pre span:not(.new)::before{content:'  ';white-space:pre}\n"
    "</style>\n";

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

static void spread_cell(FILE *f, spread v, int n_seed, int digits) {
  if (isnan(v.mean)) fputs("<td>&ndash;</td>", f);
  else if (n_seed < 2) fprintf(f, "<td>%.*f</td>", digits, v.mean);
  else fprintf(f, "<td>%.*f &plusmn; %.*f</td>", digits, v.mean, digits, v.deviation);
}

static void p_cell(FILE *f, const verdict *v) {
  if (v->leads) fputs("<td>best</td>", f);
  else if (isnan(v->p_holm)) fputs("<td>&ndash;</td>", f);
  else if (v->p_holm < 0.001) fputs("<td>&lt; 0.001</td>", f);
  else fprintf(f, "<td>%.3f</td>", v->p_holm);
}

static void table_row(FILE *f, const study *s, const contestant *c) {
  const verdict *v = &c->v;
  char a[32], b[32];
  fprintf(f, "<tr%s><td>", v->leads ? " class=\"lead\"" : "");
  text(f, c->label);
  fputs("</td>", f);
  spread_cell(f, v->best_acc, s->n_seed, 3);
  p_cell(f, v);
  spread_cell(f, v->val_acc, s->n_seed, 3);
  spread_cell(f, v->val_loss, s->n_seed, 3);
  spread_cell(f, v->train_acc, s->n_seed, 3);
  spread_cell(f, v->train_loss, s->n_seed, 3);
  spread_cell(f, v->least_loss, s->n_seed, 3);
  spread_cell(f, v->least_epoch, s->n_seed, 1);
  fprintf(f, "<td>%.3f</td><td>%s</td><td>%s</td><td>%.2f</td></tr>\n", v->seconds.mean,
          with_commas(a, c->params), with_commas(b, c->macs), (double)c->train_bytes / 1048576);
}

static void table(FILE *f, const study *s, int from, int to) {
  fputs(
      "<div class=\"scroll\"><table>\n<tr><th></th><th>best val acc</th><th>p</th><th>val acc</th>"
      "<th>val loss</th><th>train acc</th><th>train loss</th><th>least val loss</th>"
      "<th>at epoch</th><th>s / epoch</th><th>parameters</th><th>MACs</th><th>memory, "
      "MB</th></tr>\n",
      f);
  for (int i = from; i < to; i++) table_row(f, s, &s->c[i]);
  fputs("</table></div>\n", f);
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

/* The picture's SVG, without its XML prologue. */
static void figure(FILE *f, const char *base) {
  char *path = message("%s.svg", base), *error = NULL;
  size_t n;
  char *svg = read_whole_file(path, 1 << 26, &n, &error), *start = svg ? strstr(svg, "<svg") : NULL;
  if (start) fprintf(f, "<figure>%s</figure>\n", start);
  free(error);
  free(svg);
  free(path);
}

/* One text; lines that the first one does not have are marked. */
static void source(FILE *f, const contestant *c, const char *base) {
  bool *changed = allocate(MAX_REPORT_LINES);
  int n = lines_changed(base, c->text, changed, MAX_REPORT_LINES);
  const char *p = c->text;
  fputs("<div class=\"source\"><h3>", f);
  text(f, c->path);
  fputs("</h3><pre>", f);
  for (int i = 0; i < n; i++) {
    size_t length = strcspn(p, "\n");
    fprintf(f, "<span%s>", changed[i] ? " class=\"new\"" : "");
    escaped(f, p, length);
    fputs("</span>", f);
    p += length + (p[length] == '\n');
  }
  fputs("</pre></div>\n", f);
  free(changed);
}

static bool file_before(const study *s, int i) {
  for (int k = 0; k < i; k++)
    if (!strcmp(s->c[k].path, s->c[i].path)) return true;
  return false;
}

static void sources(FILE *f, const study *s) {
  fputs("<h2>Sources</h2>\n<p class=\"soft\">Marked lines are not in the first text.</p>\n"
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

static void explain(FILE *f, const study *s) {
  const long long n_val = (long long)s->c[0].n_val;
  fprintf(
      f,
      "<p class=\"soft\">Mean &plusmn; standard deviation over %d seed%s, which draw initial "
      "weights, split and order. Losses and accuracies are those of the last epoch unless the "
      "column says otherwise. p is the chance that the best validation accuracy differs so much "
      "from that of the best by luck (paired t-test over the seeds). An accuracy of 0.88 on %lld "
      "samples has itself a standard error of %.3f. Times were taken with several runs side by "
      "side, one thread each. Curves are means over the seeds.</p>\n",
      s->n_seed, s->n_seed == 1 ? "" : "s", n_val, stats_share_error(0.88, (double)n_val));
}

static void page(FILE *f, const study *s) {
  fputs(head, f);
  fputs("<title>", f);
  text(f, s->title);
  fputs("</title></head><body>\n<h1>", f);
  text(f, s->title);
  fputs("</h1>\n", f);
  explain(f, s);
  for (int from = 0, to; from < s->n; from = to) {
    to = end_of_study(s, from);
    if (s->c[from].study[0]) {
      fputs("<h2>", f);
      text(f, s->c[from].study);
      fputs("</h2>\n", f);
    }
    table(f, s, from, to);
    char *base = picture_base(s, s->c[from].study);
    figure(f, base);
    free(base);
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
    fprintf(stderr,
            "netc: note: some curves are missing, for gnuplot (Debian: gnuplot-nox) did not "
            "run or there was nothing to draw\n");
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
  FILE *f = open_memstream(&content, &n);
  if (!f) abort();
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
