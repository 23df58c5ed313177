/* The results of a comparison as a table, as JSON, and as CSV. */
#include "base/internal.h"
#include "cli/progress.h"
#include "cli/study.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "runtime/message.h"
#include "runtime/run_record.h"
#include "runtime/stats.h"
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "0.892 +- 0.024"; a single seed has no deviation. */
static const char *spread_text(char buf[48], spread v, int n_seed, int digits) {
  if (isnan(v.mean)) snprintf(buf, 48, "-");
  else if (n_seed < 2) snprintf(buf, 48, "%.*f", digits, v.mean);
  else snprintf(buf, 48, "%.*f +- %.*f", digits, v.mean, digits, v.deviation);
  return buf;
}

static const char *p_text(char buf[48], const verdict *v) {
  if (v->leads) snprintf(buf, 48, "best");
  else if (isnan(v->p_holm)) snprintf(buf, 48, "-");
  else snprintf(buf, 48, v->p_holm < 0.001 ? "<0.001" : "%.3f", v->p_holm);
  return buf;
}

/* As a person reads them: what the terminal has no room for goes from the highest rank on. */
static const table_column columns[] = {
    {"", 1, 8, 0},          {"params", 0, 10, 6},  {"MACs", 0, 11, 8},
    {"memory KB", 0, 0, 7}, {"s/epoch", 0, 0, 5},  {"train loss", 0, 15, 9},
    {"val loss", 0, 15, 3}, {"val acc", 0, 15, 4}, {"best val acc", 0, 15, 0},
    {"least at", 0, 0, 10}, {"p", 0, 6, 1},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns, VAL_COLUMN = 7 };

/* The columns of a study whose networks are measured by something else than accuracy. */
static const table_column *columns_by(const study *s, const char *measure) {
  table_column *own = NEW_N(s->mem, table_column, N_COLUMNS);
  memcpy(own, columns, sizeof columns);
  own[VAL_COLUMN].head = arena_printf(s->mem, "val %s", measure);
  own[VAL_COLUMN + 1].head = arena_printf(s->mem, "best val %s", measure);
  return own;
}

static void add_contestant(table *t, const study *s, const contestant *c) {
  const verdict *v = &c->v;
  char text[48];
  table_add(t, "%s", c->label);
  table_add(t, "%s", with_commas(text, c->params));
  table_add(t, "%s", with_commas(text, c->macs));
  table_add(t, "%s", with_commas(text, (int64_t)(c->train_bytes / 1024)));
  table_add(t, "%.3f", v->seconds.mean);
  table_add(t, "%s", spread_text(text, v->train_loss, s->n_seed, 3));
  table_add(t, "%s", spread_text(text, v->val_loss, s->n_seed, 3));
  table_add(t, "%s", spread_text(text, v->val_measure, s->n_seed, 3));
  table_add(t, "%s", spread_text(text, v->best_measure, s->n_seed, 3));
  table_add(t, "%s", spread_text(text, v->least_epoch, s->n_seed, 1));
  table_add(t, "%s", p_text(text, v));
}

static void print_notes(const study *s, const char *name) {
  for (int i = 0; i < s->n; i++) {
    if (strcmp(s->c[i].study, name) != 0 || !s->c[i].v.note[0]) continue;
    char *line = message("  %s: %s", s->c[i].label, s->c[i].v.note);
    print_wrapped(stdout, line, 4);
    free(line);
  }
}

static bool first_of_study(const study *s, int i) {
  return !i || strcmp(s->c[i].study, s->c[i - 1].study) != 0;
}

static void print_legend(const study *s) {
  const char *measure = s->c[0].measure;
  char *text = message(
      "Mean +- standard deviation over %d seed%s; losses and %s of the last epoch, but for "
      "best val %s. least at: epoch of the least validation loss. p: chance that best val %s "
      "differs so much from the best by luck (paired t-test over three seeds or more, with Holm's "
      "correction for several comparisons).%s",
      s->n_seed, s->n_seed == 1 ? "" : "s", measure_falls(measure) ? "the measure" : "accuracies",
      measure, measure, study_sampling_note(s));
  putchar('\n');
  print_wrapped(stdout, text, 0);
  free(text);
}

void study_print_table(const study *s) {
  for (int from = 0, to; from < s->n; from = to) {
    if (s->c[from].study[0]) printf("%s%s\n", from ? "\n" : "", s->c[from].study);
    table *t = table_new(columns_by(s, s->c[from].measure), N_COLUMNS);
    for (to = from; to == from || (to < s->n && !first_of_study(s, to)); to++)
      add_contestant(t, s, &s->c[to]);
    table_print(t, "--csv has everything");
    print_notes(s, s->c[from].study);
  }
  print_legend(s);
}

static json_object *real(double v) {
  char text[40];
  snprintf(text, sizeof text, "%.9g", v);
  return isfinite(v) ? json_object_new_double_s(v, text) : NULL;
}

static void add_spread(json_object *j, const char *key, spread v) {
  json_object *o = json_object_new_object();
  json_object_object_add(o, "mean", real(v.mean));
  json_object_object_add(o, "std", real(v.deviation));
  json_object_object_add(j, key, o);
}

static json_object *seeds_json(const study *s, const contestant *c) {
  json_object *list = json_object_new_array();
  metric_names names = metric_names_of(!strcmp(c->measure, "mae") ? TASK_NUMBERS : TASK_NONE);
  names.n_own = c->n_own;
  memcpy(names.own, c->own, sizeof names.own);
  for (int i = 0; i < s->n_seed; i++) {
    const seed_result *r = &c->seed[i];
    json_object *o = json_object_new_object();
    json_object_object_add(o, "seed", json_object_new_int64((int64_t)s->job[c->job[i]].seed));
    json_object_object_add(o, "directory", json_object_new_string(s->job[c->job[i]].dir));
    json_object_object_add(o, "diverged", json_object_new_boolean(r->diverged));
    if (r->n_row) {
      json_object_object_add(o, "best", epoch_row_json(&r->row[r->best - 1], &names));
      json_object_object_add(o, "least_val_loss", epoch_row_json(&r->row[r->least - 1], &names));
      json_object_object_add(o, "final", epoch_row_json(&r->row[r->n_row - 1], &names));
    }
    json_object_array_add(list, o);
  }
  return list;
}

/* In columns of accuracies: nothing, where it is something else. */
static spread accuracy_of(const contestant *c, spread v) {
  return measure_falls(c->measure) ? (spread){NAN, NAN} : v;
}

static json_object *contestant_json(const study *s, const contestant *c) {
  const verdict *v = &c->v;
  json_object *j = json_object_new_object();
  json_object_object_add(j, "study", json_object_new_string(c->study));
  json_object_object_add(j, "label", json_object_new_string(c->label));
  json_object_object_add(j, "file", json_object_new_string(c->path));
  json_object_object_add(j, "settings", json_object_new_string(c->settings));
  json_object_object_add(j, "epochs", json_object_new_int(c->epochs));
  json_object_object_add(j, "params", json_object_new_int64(c->params));
  json_object_object_add(j, "macs", json_object_new_int64(c->macs));
  json_object_object_add(j, "train_bytes", json_object_new_int64((int64_t)c->train_bytes));
  json_object_object_add(j, "majority", real(c->majority));
  add_spread(j, "seconds_per_epoch", v->seconds);
  add_spread(j, "train_loss", v->train_loss);
  add_spread(j, "train_acc", accuracy_of(c, v->train_measure));
  add_spread(j, "val_loss", v->val_loss);
  add_spread(j, "val_acc", accuracy_of(c, v->val_measure));
  add_spread(j, "best_val_acc", accuracy_of(c, v->best_measure));
  json_object_object_add(j, "measure", json_object_new_string(c->measure));
  add_spread(j, "train_measure", v->train_measure);
  add_spread(j, "val_measure", v->val_measure);
  add_spread(j, "best_val_measure", v->best_measure);
  add_spread(j, "best_val_loss", v->best_loss);
  add_spread(j, "least_val_loss", v->least_loss);
  add_spread(j, "least_val_loss_epoch", v->least_epoch);
  json_object_object_add(j, "diverged", json_object_new_int(v->diverged));
  json_object_object_add(j, "best_of_study", json_object_new_boolean(v->leads));
  json_object_object_add(j, "p", real(v->p));
  json_object_object_add(j, "p_holm", real(v->p_holm));
  json_object_object_add(j, "note", json_object_new_string(v->note));
  json_object_object_add(j, "seeds", seeds_json(s, c));
  return j;
}

void *study_json(const study *s) {
  json_object *j = json_object_new_object(), *list = json_object_new_array();
  json_object_object_add(j, "title", json_object_new_string(s->title));
  json_object_object_add(j, "directory", json_object_new_string(s->dir));
  json_object_object_add(j, "seeds", json_object_new_int(s->n_seed));
  for (int i = 0; i < s->n; i++) json_object_array_add(list, contestant_json(s, &s->c[i]));
  json_object_object_add(j, "results", list);
  return j;
}

/* A field of CSV (RFC 4180). */
static void csv_field(FILE *f, const char *text) {
  if (!strpbrk(text, ",\"\n")) {
    fputs(text, f);
    return;
  }
  fputc('"', f);
  for (; *text; text++) {
    if (*text == '"') fputc('"', f);
    fputc(*text, f);
  }
  fputc('"', f);
}

static void csv_spread(FILE *f, spread v) {
  if (isnan(v.mean)) fputs(",,", f);
  else fprintf(f, ",%.9g,%.9g", v.mean, v.deviation);
}

static void csv_contestant(FILE *f, const contestant *c) {
  const verdict *v = &c->v;
  csv_field(f, c->study);
  fputc(',', f);
  csv_field(f, c->label);
  fprintf(f, ",%d,%lld,%lld,%zu", c->epochs, (long long)c->params, (long long)c->macs,
          c->train_bytes);
  csv_spread(f, v->seconds);
  csv_spread(f, v->train_loss);
  csv_spread(f, accuracy_of(c, v->train_measure));
  csv_spread(f, v->val_loss);
  csv_spread(f, accuracy_of(c, v->val_measure));
  csv_spread(f, accuracy_of(c, v->best_measure));
  csv_spread(f, v->least_loss);
  csv_spread(f, v->least_epoch);
  if (isnan(v->p)) fprintf(f, ",%d,,", v->diverged);
  else fprintf(f, ",%d,%.6g,%.6g", v->diverged, v->p, v->p_holm);
  fprintf(f, ",%s", c->measure);
  csv_spread(f, v->train_measure);
  csv_spread(f, v->val_measure);
  csv_spread(f, v->best_measure);
  fputc('\n', f);
}

char *study_csv(const study *s) {
  char *text = NULL;
  size_t n;
  FILE *f = allocated(open_memstream(&text, &n));
  fputs("study,label,epochs,params,macs,train_bytes,seconds_per_epoch,seconds_per_epoch_std,"
        "train_loss,train_loss_std,train_acc,train_acc_std,val_loss,val_loss_std,val_acc,"
        "val_acc_std,best_val_acc,best_val_acc_std,least_val_loss,least_val_loss_std,"
        "least_val_loss_epoch,least_val_loss_epoch_std,diverged,p,p_holm,measure,"
        "train_measure,train_measure_std,val_measure,val_measure_std,best_val_measure,"
        "best_val_measure_std\n",
        f);
  for (int i = 0; i < s->n; i++) csv_contestant(f, &s->c[i]);
  fclose(f);
  return text;
}
