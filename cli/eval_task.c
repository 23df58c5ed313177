#include "cli/eval_task.h"
#include "cli/command.h"
#include "cli/table.h"
#include "runtime/message.h"
#include <json-c/json.h>
#include <math.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORST = 10 };

/* All that is known after the samples have been run. */
typedef struct {
  const dataset *ds;
  const int64_t *index;
  int64_t n, outputs;
  const port_info *target;
  int target_port;
  metric_task task;
  metric_names names;
  evaluation e;
  float *prediction;
  double *residual; /* of numbers: the largest of a sample, by absolute value */
  int64_t *worst;   /* positions of the WORST largest */
  int n_worst;
} report;

static json_object *real(double v) {
  char text[40];
  snprintf(text, sizeof text, "%.9g", v);
  return isfinite(v) ? json_object_new_double_s(v, text) : NULL;
}

/* ---- numbers ---- */

static void target_of(const report *r, int64_t i, float *out) {
  dataset_port(r->ds, r->target_port, r->index[i], out);
}

static void keep_worst(report *r, int64_t i) {
  int at = r->n_worst < WORST ? r->n_worst++ : WORST;
  while (at > 0 && fabs(r->residual[r->worst[at - 1]]) < fabs(r->residual[i])) {
    if (at < WORST) r->worst[at] = r->worst[at - 1];
    at--;
  }
  if (at < WORST) r->worst[at] = i;
}

/* Mean and root of the mean square of all residuals (prediction - truth). */
static void find_residuals(report *r, double *mean, double *rms) {
  float *truth = allocate((size_t)r->outputs * sizeof *truth);
  double sum = 0, square = 0;
  for (int64_t i = 0; i < r->n; i++) {
    target_of(r, i, truth);
    for (int64_t k = 0; k < r->outputs; k++) {
      double d = (double)r->prediction[i * r->outputs + k] - truth[k];
      sum += d;
      square += d * d;
      if (fabs(d) >= fabs(r->residual[i])) r->residual[i] = d;
    }
    keep_worst(r, i);
  }
  *mean = sum / ((double)r->n * (double)r->outputs);
  *rms = sqrt(square / ((double)r->n * (double)r->outputs));
  free(truth);
}

static void print_worst(const report *r) {
  static const table_column columns[] = {
      {"sample", 0, 8, 0}, {"prediction", 0, 12, 0}, {"truth", 0, 12, 0}, {"residual", 0, 12, 0}};
  if (r->outputs != 1) return;
  table *t = table_new(columns, 4);
  for (int i = 0; i < r->n_worst; i++) {
    float truth;
    const int64_t k = r->worst[i];
    target_of(r, k, &truth);
    table_add(t, "%lld", (long long)r->index[k]);
    table_add(t, "%.6g", (double)r->prediction[k]);
    table_add(t, "%.6g", (double)truth);
    table_add(t, "%+.6g", r->residual[k]);
  }
  printf("\nlargest residuals\n");
  table_print(t, "--json has everything");
}

static void add_worst(json_object *j, const report *r) {
  json_object *list = json_object_new_array();
  for (int i = 0; i < r->n_worst; i++) {
    json_object *o = json_object_new_object();
    json_object_object_add(o, "sample", json_object_new_int64(r->index[r->worst[i]]));
    json_object_object_add(o, "residual", real(r->residual[r->worst[i]]));
    json_object_array_add(list, o);
  }
  json_object_object_add(j, "worst", list);
}

/* Mean absolute error, root of the mean square and R2 of one output. */
static void judge_output(const report *r, int64_t k, double value[3]) {
  float *truth = allocate((size_t)r->outputs * sizeof *truth);
  double first = 0, sum = 0, square = 0, error = 0, missed = 0;
  for (int64_t i = 0; i < r->n; i++) {
    target_of(r, i, truth);
    const double d = (double)r->prediction[i * r->outputs + k] - truth[k];
    if (!i) first = truth[k];
    sum += truth[k] - first;
    square += (truth[k] - first) * (truth[k] - first);
    error += fabs(d);
    missed += d * d;
  }
  free(truth);
  value[0] = error / (double)r->n;
  value[1] = sqrt(missed / (double)r->n);
  value[2] = 1 - missed / (square - sum * sum / (double)r->n);
}

enum { MOST_OUTPUTS = 100 }; /* more are pixels, say, and told together only */

static void print_outputs(const report *r) {
  static const table_column columns[] = {{"output", 0, 6, 0},
                                         {"mean abs. error", 0, 15, 0},
                                         {"root mean square", 0, 16, 1},
                                         {"R2", 0, 8, 0}};
  if (r->outputs < 2 || r->outputs > MOST_OUTPUTS) return;
  table *t = table_new(columns, 4);
  for (int64_t k = 0; k < r->outputs; k++) {
    double value[3];
    judge_output(r, k, value);
    table_add(t, "%lld", (long long)k + 1);
    table_add(t, "%.6g", value[0]);
    table_add(t, "%.6g", value[1]);
    if (isfinite(value[2])) table_add(t, "%.4f", value[2]);
    else table_add(t, "-");
  }
  putchar('\n');
  table_print(t, "--json has everything");
}

static void add_outputs(const report *r, json_object *j) {
  static const char *const key[] = {"mae", "rmse", "r2"};
  if (r->outputs < 2 || r->outputs > MOST_OUTPUTS) return;
  json_object *list = json_object_new_array();
  for (int64_t k = 0; k < r->outputs; k++) {
    double value[3];
    json_object *o = json_object_new_object();
    judge_output(r, k, value);
    for (int i = 0; i < 3; i++) json_object_object_add(o, key[i], real(value[i]));
    json_object_array_add(list, o);
  }
  json_object_object_add(j, "outputs", list);
}

static void tell_numbers(report *r, json_object *j) {
  double mean, rms;
  find_residuals(r, &mean, &rms);
  if (j) {
    json_object_object_add(j, "mae", real(r->e.value[1]));
    json_object_object_add(j, "rmse", real(rms));
    json_object_object_add(j, "r2", real(r->e.value[2]));
    json_object_object_add(j, "mean_residual", real(mean));
    add_outputs(r, j);
    add_worst(j, r);
    return;
  }
  printf("mean absolute error  %.6g\nroot mean square     %.6g\nR2                   %.4f\n"
         "mean residual        %+.6g\n",
         r->e.value[1], rms, r->e.value[2], mean);
  print_outputs(r);
  print_worst(r);
}

/* ---- yes or no ---- */

typedef struct {
  double yes, said, told, right; /* that are yes, that are told so, and rightly; told rightly */
} label_count;

static label_count count_label(const report *r, int64_t label) {
  float *truth = allocate((size_t)r->outputs * sizeof *truth);
  label_count c = {0};
  for (int64_t i = 0; i < r->n; i++) {
    target_of(r, i, truth);
    const bool is = truth[label] > 0.5f, said = r->prediction[i * r->outputs + label] > 0;
    c.yes += is;
    c.said += said;
    c.told += is && said;
    c.right += is == said;
  }
  free(truth);
  return c;
}

/* Accuracy, precision, recall, F1; not a number where nothing was told, or nothing is yes. */
static void judge_label(const report *r, int64_t label, double value[5]) {
  const label_count c = count_label(r, label);
  value[0] = c.right / (double)r->n;
  value[1] = c.told / c.said;
  value[2] = c.told / c.yes;
  value[3] = 2 * c.told / (c.yes + c.said);
  value[4] = c.yes;
}

static void add_labels(const report *r, json_object *j) {
  static const char *const key[] = {"accuracy", "precision", "recall", "f1", "positives"};
  json_object *list = json_object_new_array();
  for (int64_t k = 0; k < r->outputs; k++) {
    double value[5];
    json_object *o = json_object_new_object();
    judge_label(r, k, value);
    for (int i = 0; i < 5; i++) json_object_object_add(o, key[i], real(value[i]));
    json_object_array_add(list, o);
  }
  json_object_object_add(j, "f1", real(r->e.value[0]));
  json_object_object_add(j, "labels", list);
}

static void print_labels(const report *r) {
  static const table_column columns[] = {{"label", 0, 5, 0},     {"accuracy", 0, 8, 0},
                                         {"precision", 0, 9, 0}, {"recall", 0, 8, 0},
                                         {"F1", 0, 8, 0},        {"positives", 0, 9, 1}};
  table *t = table_new(columns, 6);
  for (int64_t k = 0; k < r->outputs; k++) {
    double value[5];
    judge_label(r, k, value);
    table_add(t, "%lld", (long long)k + 1);
    for (int i = 0; i < 4; i++)
      if (isnan(value[i])) table_add(t, "-");
      else table_add(t, "%.4f", value[i]);
    table_add(t, "%.0f", value[4]);
  }
  putchar('\n');
  table_print(t, "--json has everything");
}

static void tell_labels(const report *r, json_object *j) {
  enum { MOST_LABELS = 100 }; /* more are pixels, say, and told together only */
  if (j && r->outputs <= MOST_LABELS) add_labels(r, j);
  else if (j) json_object_object_add(j, "f1", real(r->e.value[0]));
  if (j) return;
  printf("F1  %.4f\n", r->e.value[0]);
  if (r->outputs <= MOST_LABELS) print_labels(r);
}

/* ---- classes of positions ---- */

static void count_pixels(const report *r, int64_t *both, int64_t *either, int64_t *truth_count) {
  const int64_t positions = r->target->count, classes = r->target->below;
  int32_t *truth = allocate((size_t)positions * sizeof *truth);
  for (int64_t i = 0; i < r->n; i++) {
    dataset_port(r->ds, r->target_port, r->index[i], truth);
    for (int64_t p = 0; p < positions; p++) {
      int k = metric_class(r->prediction + i * positions * classes, classes, positions, p);
      truth_count[truth[p]]++;
      either[k]++;
      both[k] += k == truth[p];
      either[truth[p]] += k != truth[p];
    }
  }
  free(truth);
}

static void tell_pixels(const report *r, json_object *j) {
  static const table_column columns[] = {
      {"class", 1, 8, 0}, {"IoU", 0, 8, 0}, {"positions", 0, 10, 1}};
  const int64_t classes = r->target->below;
  int64_t *count = allocate(3 * (size_t)classes * sizeof *count);
  const data_field *f = dataset_field(r->ds, r->target_port);
  json_object *list = json_object_new_array();
  count_pixels(r, count, count + classes, count + 2 * classes);
  table *t = table_new(columns, 3);
  for (int64_t k = 0; k < classes; k++) {
    const double iou = (double)count[k] / (double)count[classes + k];
    json_object_array_add(list, real(iou));
    if (f->names) table_add(t, "%s", f->names[k]);
    else table_add(t, "%lld", (long long)k);
    if (isfinite(iou)) table_add(t, "%.4f", iou);
    else table_add(t, "-");
    table_add(t, "%lld", (long long)count[2 * classes + k]);
  }
  if (j) {
    json_object_object_add(j, "iou", real(r->e.value[0]));
    json_object_object_add(j, "iou_by_class", list);
    free(count);
    return;
  }
  json_object_put(list);
  printf("mean IoU  %.4f\n\n", r->e.value[0]);
  table_print(t, "--json has everything");
  free(count);
}

static void tell_tokens(const report *r, json_object *j) {
  if (j) json_object_object_add(j, "bits", real(r->e.value[0]));
  else printf("bits a position  %.4f\nperplexity       %.4f\n", r->e.value[0], exp2(r->e.value[0]));
}

void tell_own(const metric_names *names, const evaluation *e, json_object *j) {
  for (int i = 0; i < names->n_own; i++) {
    const char *name = names->own[i] + strlen("val_");
    if (j) json_object_object_add(j, name, real(e->own[i]));
    else printf("%s  %.4f\n", name, e->own[i]);
  }
}

static void tell(report *r, json_object *j) {
  if (j) {
    json_object_object_add(j, "samples", json_object_new_int64(r->n));
    json_object_object_add(j, "loss", real(r->e.loss));
    json_object_object_add(j, "accuracy", real(r->e.accuracy));
  } else {
    printf("%lld samples, loss %.4f", (long long)r->n, r->e.loss);
    if (isfinite(r->e.accuracy)) printf(", accuracy %.4f", r->e.accuracy);
    putchar('\n');
  }
  tell_own(&r->names, &r->e, j);
  if (r->task == TASK_NUMBERS) tell_numbers(r, j);
  if (r->task == TASK_LABELS) tell_labels(r, j);
  if (r->task == TASK_PIXELS) tell_pixels(r, j);
  if (r->task == TASK_TOKENS) tell_tokens(r, j);
}

int eval_task(const inference *f, const dataset *ds, const int64_t *index, int64_t n, bool json) {
  metric m = metric_new(f->b.p);
  report r = {.ds = ds, .index = index, .n = n, .task = m.task, .target_port = m.target};
  int64_t worst[WORST];
  if (m.target >= 0) r.target = program_port(f->b.p, m.target);
  if (m.prediction >= 0) r.outputs = program_port(f->b.p, m.prediction)->count;
  r.names = m.names;
  metric_free(&m);
  r.worst = worst;
  r.residual = allocate((size_t)n * sizeof *r.residual);
  const bool keep = r.task == TASK_NUMBERS || r.task == TASK_PIXELS || r.task == TASK_LABELS;
  r.prediction = keep ? allocate((size_t)(n * r.outputs) * sizeof *r.prediction) : NULL;
  answers a = {.prediction = r.prediction};
  r.e = evaluate(&f->b, f->params, ds, index, n, keep ? &a : NULL, NULL);
  json_object *j = json ? json_object_new_object() : NULL;
  tell(&r, j);
  if (j) print_json(j);
  free(r.residual);
  free(r.prediction);
  return EXIT_DONE;
}
