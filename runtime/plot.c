#include "plot.h"
#include "message.h"
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Colours of Okabe and Ito, which people with any kind of colour blindness can tell apart. */
static const char *const colour[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                     "#E69F00", "#56B4E9", "#000000", "#8A6D00"};
enum { N_COLOURS = sizeof colour / sizeof *colour };

int least_val_loss(const epoch_row *row, int n) {
  int best = 0;
  for (int i = 1; i < n; i++)
    if (row[i].val_loss < row[best].val_loss) best = i;
  return n ? row[best].epoch : 0;
}

/* gnuplot reading its script from a temporary file that is already unlinked: nothing to block on,
   nothing left behind. */
static pid_t start_gnuplot(FILE *script, int out) {
  pid_t pid = 0;
  posix_spawn_file_actions_t a;
  char *argv[] = {"gnuplot", "-", NULL};
  fflush(script);
  rewind(script);
  posix_spawn_file_actions_init(&a);
  posix_spawn_file_actions_adddup2(&a, fileno(script), STDIN_FILENO);
  if (out >= 0) posix_spawn_file_actions_adddup2(&a, out, STDOUT_FILENO);
  else posix_spawn_file_actions_addopen(&a, STDOUT_FILENO, "/dev/null", 1, 0);
  posix_spawn_file_actions_addopen(&a, STDERR_FILENO, "/dev/null", 1, 0);
  lseek(fileno(script), 0, SEEK_SET);
  if (posix_spawnp(&pid, "gnuplot", &a, NULL, argv, environ) != 0) pid = 0;
  posix_spawn_file_actions_destroy(&a);
  return pid;
}

static bool wait_for(pid_t gnuplot) {
  int status = 0;
  if (gnuplot <= 0) return false;
  while (waitpid(gnuplot, &status, 0) < 0)
    if (errno != EINTR) return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The name of a picture may belong to a link or a pipe by now: it is replaced, not followed. */
static bool place(atomic_file *picture) {
  char *error = NULL;
  bool ok = atomic_commit(picture, &error);
  free(error);
  return ok;
}

bool plot_wait(plot_job *job) {
  bool ok = wait_for(job->pid);
  if (ok) {
    bool svg = place(&job->svg), png = place(&job->png);
    ok = svg && png;
  }
  atomic_abandon(&job->svg);
  atomic_abandon(&job->png);
  *job = (plot_job){0};
  return ok;
}

static void write_value(FILE *f, double v) {
  if (isnan(v)) fputs(" NaN", f);
  else fprintf(f, " %.9g", v);
}

/* Columns: epoch; loss and quality of training; the same of validation. */
static void write_rows(FILE *f, const char *name, const epoch_row *row, int n) {
  fprintf(f, "$%s << EOD\n", name);
  for (int i = 0; i < n; i++) {
    double train, val;
    row_quality(&row[i], &train, &val);
    fprintf(f, "%d", row[i].epoch);
    write_value(f, row[i].train_loss);
    write_value(f, train);
    write_value(f, row[i].val_loss);
    write_value(f, val);
    fputc('\n', f);
  }
  fputs("EOD\n", f);
}

/* The second panel of a picture: its name, the highest value of its axis. NULL: there is none. */
static const char *quality_label(const epoch_row *row, bool validation, const char **highest) {
  double train, val;
  const char *name = row_quality(row, &train, &val);
  if (!name || (validation && isnan(val))) return NULL;
  *highest = strcmp(name, "acc") ? "*" : "1";
  if (validation) return strcmp(name, "acc") ? "validation error (MAE)" : "validation accuracy";
  return strcmp(name, "acc") ? "mean absolute error" : "accuracy (share of samples right)";
}

/* A string of gnuplot: single quotes are doubled. What an SVG cannot hold (control characters,
   bytes that are no UTF-8, the end of its CDATA sections) is replaced. */
static void write_string(FILE *f, const char *text) {
  char *clean = clean_utf8(text);
  fputc('\'', f);
  for (const char *s = clean; *s; s++) {
    if (*s == '\'') fputc('\'', f);
    bool bad = (unsigned char)*s < ' ' || *s == 127 || (*s == '>' && s > clean && s[-1] == ']');
    fputc(bad ? ' ' : *s, f);
  }
  fputc('\'', f);
  free(clean);
}

/* A path, of which every byte counts. */
static void write_path(FILE *f, const char *path) {
  fputc('\'', f);
  for (const char *s = path; *s; s++) {
    if (*s == '\'') fputc('\'', f);
    fputc(*s, f);
  }
  fputc('\'', f);
}

static const char style[] = "set encoding utf8\n"
                            "set style line 100 lc rgb '#d8d8d8' lw 1\n"
                            "set grid ytics ls 100\n"
                            "set border 3 lc rgb '#606060'\n"
                            "set tics nomirror out scale 0.6 tc rgb '#303030'\n"
                            "set xlabel 'epoch' offset 0,0.3 tc rgb '#303030'\n"
                            "set key outside top center horizontal reverse Left samplen 1.5 "
                            "width 1 tc rgb '#303030' noenhanced\n";

/* Both formats of one picture: `body` draws it. */
static void write_terminals(FILE *f, const plot_job *job, const char *layout) {
  fprintf(
      f,
      "do for [t=1:2] {\n"
      "if (t == 1) { set terminal svg size 960,440 font 'sans-serif,13' background '#ffffff' }\n"
      "if (t == 2) { set terminal pngcairo size 960,440 font 'sans,10' background '#ffffff' }\n");
  fputs("if (t == 1) { set output ", f);
  write_path(f, job->svg.temporary);
  fputs(" } else { set output ", f);
  write_path(f, job->png.temporary);
  fprintf(f, " }\n%s", layout);
}

/* Shading from the epoch of the least validation loss to the end, if epochs come after it. */
static bool write_shading(FILE *f, const epoch_row *row, int n) {
  int turn = least_val_loss(row, n);
  if (!turn || turn >= row[n - 1].epoch) return false;
  fprintf(f,
          "set object 1 rectangle from first %d, graph 0 to first %d, graph 1 fc rgb '#E69F00' "
          "fs transparent solid 0.15 noborder behind\n",
          turn, row[n - 1].epoch);
  return true;
}

static void write_panel(FILE *f, const char *label, int train, int val, const epoch_row *best,
                        bool shaded) {
  const bool loss = train == 2;
  fprintf(f, "set ylabel '%s' tc rgb '#303030'\n", label);
  fprintf(f,
          "plot $rows using 1:%d with linespoints lc rgb '%s' lw 2 pt 7 ps 0.5 title 'training', "
          "$rows using 1:%d with linespoints lc rgb '%s' lw 2 dt 1 pt 5 ps 0.5 title 'validation'",
          train, colour[0], val, colour[1]);
  double quality[2], shown = NAN;
  if (best) row_quality(best, &quality[0], &quality[1]);
  if (best) shown = loss ? best->val_loss : quality[1];
  if (!isnan(shown))
    fprintf(f,
            ", '+' using (%d):(%.9g) every ::0::0 with points pt 6 ps 2.2 lw 2 lc rgb '#000000' "
            "title 'best: epoch %d, %.3f'",
            best->epoch, shown, best->epoch, shown);
  if (shaded)
    fputs(", NaN with boxes fs solid 0.25 noborder lc rgb '#E69F00' title 'overfitting'", f);
  fputc('\n', f);
}

/* The axis of `epochs` epochs, with a tick at whole ones only. */
static void write_epoch_axis(FILE *f, int epochs) {
  int step = 1;
  while (epochs > 12 * step) step = step == 1 ? 2 : step == 2 ? 5 : 2 * step;
  fprintf(f, "set xrange [1:%d]\nset xtics %d\n", epochs > 1 ? epochs : 2, step);
}

/* Both files of a picture, empty and under temporary names, and the script to draw them by. NULL:
   there is nothing to draw on. */
static FILE *start_script(plot_job *job, const char *base, int n) {
  char *error = NULL, *svg = message("%s.svg", base), *png = message("%s.png", base);
  *job = (plot_job){0};
  FILE *f = NULL;
  if (n && atomic_open(&job->svg, svg, &error) && atomic_open(&job->png, png, &error))
    f = tmpfile();
  if (!f) {
    atomic_abandon(&job->svg);
    atomic_abandon(&job->png);
  }
  free(error);
  free(svg);
  free(png);
  return f;
}

static void begin_drawing(plot_job *job, FILE *script) {
  job->pid = start_gnuplot(script, -1);
  fclose(script);
  if (job->pid) return;
  atomic_abandon(&job->svg);
  atomic_abandon(&job->png);
}

plot_job plot_curves(const char *dir, const char *title, const epoch_row *row, int n, int best) {
  plot_job job;
  char *base = message("%s/curves", dir);
  FILE *f = start_script(&job, base, n);
  free(base);
  if (!f) return job;
  write_rows(f, "rows", row, n);
  fputs(style, f);
  write_epoch_axis(f, row[n - 1].epoch);
  bool shaded = write_shading(f, row, n);
  write_terminals(f, &job, "");
  const char *highest, *label = quality_label(row, false, &highest);
  fprintf(f, "set multiplot layout 1,%d title ", label ? 2 : 1);
  write_string(f, title);
  fputs(" noenhanced font ',13'\nset yrange [0:*]\n", f);
  const epoch_row *b = best ? &row[best - 1] : NULL;
  write_panel(f, "loss (mean per sample)", 2, 4, b, shaded);
  if (label) {
    fprintf(f, "set yrange [0:%s]\n", highest);
    write_panel(f, label, 3, 5, b, shaded);
  }
  fputs("unset multiplot\nunset output\n}\n", f);
  begin_drawing(&job, f);
  return job;
}

static void write_overlay_panel(FILE *f, const plot_series *s, int n, const char *label,
                                int column) {
  fprintf(f, "set ylabel '%s' tc rgb '#303030'\nplot ", label);
  for (int i = 0; i < n; i++) {
    const char *how = s[i].n > 1 ? "lines" : "points pt 7"; /* no line goes through one epoch */
    fprintf(f, "%s$s%d using 1:%d with %s lw 2 dt %d lc rgb '%s' title ", i ? ", " : "", i, column,
            how, 1 + i / N_COLOURS, colour[i % N_COLOURS]);
    write_string(f, s[i].name);
  }
  fputc('\n', f);
}

plot_job plot_overlay(const char *base, const char *title, const plot_series *s, int n) {
  plot_job job;
  FILE *f = start_script(&job, base, n);
  if (!f) return job;
  int longest = 1;
  for (int i = 0; i < n; i++) {
    longest = s[i].row[s[i].n - 1].epoch > longest ? s[i].row[s[i].n - 1].epoch : longest;
    char name[24];
    snprintf(name, sizeof name, "s%d", i);
    write_rows(f, name, s[i].row, s[i].n);
  }
  fputs(style, f);
  write_epoch_axis(f, longest);
  write_terminals(f, &job, "");
  const char *highest, *label = quality_label(s[0].row, true, &highest);
  fprintf(f, "set multiplot layout 1,%d title ", label ? 2 : 1);
  write_string(f, title);
  fputs(" noenhanced font ',13'\n", f);
  write_overlay_panel(f, s, n, "validation loss", 4);
  if (label) {
    fprintf(f, "set yrange [0:%s]\n", highest);
    write_overlay_panel(f, s, n, label, 5);
  }
  fputs("unset multiplot\nunset output\nset yrange [*:*]\n}\n", f);
  begin_drawing(&job, f);
  return job;
}

/* Over the last drawing; without the form feeds that gnuplot puts before every page. */
static void show_drawing(FILE *drawn) {
  fputs("\033[H\033[J", stderr); /* home, and clear */
  rewind(drawn);
  for (int c; (c = getc(drawn)) != EOF;)
    if (c != '\f') putc(c, stderr);
  fflush(stderr);
}

void plot_terminal(const epoch_row *row, int n, int epochs, int columns, int lines) {
  FILE *f = tmpfile();
  if (!f) return;
  write_rows(f, "rows", row, n);
  write_epoch_axis(f, epochs);
  fprintf(f, "set style data lines\nset terminal dumb noenhanced size %d,%d\n", columns, lines);
  fputs("set key outside top center horizontal\n"
        "set tics nomirror\nset border 3\nset yrange [0:*]\n"
        "plot $rows using 1:2 title 'train loss', "
        "$rows using 1:4 title 'val loss'\n",
        f);
  double train, val;
  const char *name = row_quality(row, &train, &val), *highest;
  if (quality_label(row, false, &highest))
    fprintf(f,
            "set yrange [0:%s]\nplot $rows using 1:3 title 'train %s', "
            "$rows using 1:5 title 'val %s'\n",
            highest, name, name);
  FILE *drawn = tmpfile();
  if (drawn) {
    wait_for(start_gnuplot(f, fileno(drawn)));
    show_drawing(drawn);
    fclose(drawn);
  }
  fclose(f);
}
