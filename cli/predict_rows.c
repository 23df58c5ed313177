#include "cli/predict_rows.h"
#include "cli/command.h"
#include "cli/data_fields.h"
#include "cli/inference.h"
#include "cli/table.h"
#include "cli/workload.h"
#include "runtime/batch.h"
#include "runtime/message.h"
#include "runtime/travel.h"
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VALUES = 12 }; /* columns of numbers in a table */

typedef struct {
  const predict_rows_options *o;
  table *t;
  int64_t outputs;
  int64_t ahead; /* of a series: rows before the first that is told */
  bool classes;  /* the outputs are logits of classes */
  bool binary;   /* or each of yes or no */
  bool shares;   /* or those of classes, which add up to 1 */
} printer;

static const char *class_name(const predict_rows_options *o, int k, char buf[16]) {
  if (o->names && k < o->n_names) return o->names[k];
  snprintf(buf, 16, "%d", k);
  return buf;
}

static int take_likeliest(double *p, int n) {
  int best = 0;
  for (int i = 1; i < n; i++)
    if (p[i] > p[best]) best = i;
  return best;
}

static void add_classes(const printer *p, int64_t row, const float *y, json_object *j) {
  const int n = (int)p->outputs;
  double *share = allocate((size_t)n * sizeof *share);
  json_object *top = json_object_new_array();
  char number[16];
  probabilities(y, n, share);
  for (int i = 0; i < p->o->top && i < n; i++) {
    const int k = take_likeliest(share, n);
    if (p->t) {
      if (i) table_add(p->t, "%s", "");
      else table_add(p->t, "%lld", (long long)row);
      table_add(p->t, "%s", class_name(p->o, k, number));
      table_add(p->t, "%.4f", share[k]);
    }
    json_object *a = json_object_new_object();
    json_object_object_add(a, "class", json_object_new_int(k));
    json_object_object_add(a, "name", json_object_new_string(class_name(p->o, k, number)));
    json_object_object_add(a, "probability", json_object_new_double(share[k]));
    json_object_array_add(top, a);
    share[k] = -1;
  }
  json_object_object_add(j, "top", top);
  free(share);
}

static void make_values(const printer *p, const float *y, double *v) {
  if (p->shares) probabilities(y, (int)p->outputs, v);
  else
    for (int64_t k = 0; k < p->outputs; k++)
      v[k] = p->binary ? 1 / (1 + exp(-(double)y[k])) : (double)y[k];
}

static void add_numbers(const printer *p, int64_t row, const float *y, json_object *j) {
  const bool probable = p->binary || p->shares;
  json_object *values = json_object_new_array();
  double *v = allocate((size_t)p->outputs * sizeof *v);
  char text[32];
  make_values(p, y, v);
  if (p->t) table_add(p->t, "%lld", (long long)row);
  for (int64_t k = 0; k < p->outputs; k++) {
    snprintf(text, sizeof text, "%.9g", v[k]);
    json_object_array_add(values, json_object_new_double_s(v[k], text));
    if (p->t && k < MOST_VALUES) table_add(p->t, probable ? "%.4f" : "%.6g", v[k]);
  }
  free(v);
  json_object_object_add(j, probable ? "probabilities" : "prediction", values);
}

static void add_row(const printer *p, int64_t row, const float *y) {
  json_object *j = json_object_new_object();
  json_object_object_add(j, "row", json_object_new_int64(row));
  if (p->classes) add_classes(p, row, y, j);
  else add_numbers(p, row, y, j);
  if (p->o->list) json_object_array_add(p->o->list, j);
  else json_object_put(j);
}

static table *new_table(const printer *p) {
  static const table_column classes[] = {
      {"row", 0, 5, 0}, {"class", 1, 20, 0}, {"probability", 0, 11, 1}};
  static const table_column numbers[MOST_VALUES + 1] = {
      {"row", 0, 5, 0},  {"prediction", 0, 12, 0}, {"y2", 0, 12, 1},  {"y3", 0, 12, 2},
      {"y4", 0, 12, 3},  {"y5", 0, 12, 4},         {"y6", 0, 12, 5},  {"y7", 0, 12, 6},
      {"y8", 0, 12, 7},  {"y9", 0, 12, 8},         {"y10", 0, 12, 9}, {"y11", 0, 12, 10},
      {"y12", 0, 12, 11}};
  static const table_column one[] = {{"row", 0, 5, 0}, {"probability", 0, 12, 0}};
  if (p->binary && p->outputs == 1) return table_new(one, 2);
  const int64_t shown = p->outputs < MOST_VALUES ? p->outputs : MOST_VALUES;
  return p->classes ? table_new(classes, 3) : table_new(numbers, (int)shown + 1);
}

static void run_all(const printer *p, const inference *f, const dataset *ds) {
  const int batch = program_batch(f->b.p);
  const float *y = f->b.port[program_port_of(f->b.p, PORT_PREDICTION, 0)];
  run_args a = {.params = f->params, .work = f->b.work, .port = f->b.port};
  int64_t *index = allocate((size_t)batch * sizeof *index);
  const int64_t first = 1 + (ds->fields.series.length ? p->ahead : 0);
  for (int64_t at = 0; at < ds->n; at += batch) {
    const int have = ds->n - at < batch ? (int)(ds->n - at) : batch;
    for (int i = 0; i < have; i++) index[i] = at + i;
    batch_give(ds, index, have, NULL, &f->b);
    program_run(f->b.p, &a);
    for (int i = 0; i < have; i++) add_row(p, first + at + i, y + (size_t)i * (size_t)p->outputs);
  }
  free(index);
}

/* Data for the inputs alone, in the form that the weights were trained on. */
static dataset *open_inputs(const graph *g, const predict_rows_options *o, char **error) {
  safetensors *st = safetensors_read(o->weights, error);
  if (!st) return NULL;
  const char *scale = safetensors_meta(st, "scale");
  dataset_options d = {.path = o->path, .c = (int)g->c, .h = (int)g->h, .w = (int)g->w};
  d.port = ports_of(g, &d.n_port);
  d.n_port = g->n_input;
  d.images = g->train.images;
  d.layout = g->train.layout;
  d.scale = scale ? strtod(scale, NULL) : g->train.scale;
  d.mel = (int)g->train.data_mel;
  d.rate = safetensors_meta(st, "rate") ? atoi(safetensors_meta(st, "rate")) : 0;
  d.columns = safetensors_meta(st, "columns");
  d.csv = (csv_options){.all_input = true,
                        .series = g->train.data_series,
                        .missing_mean = g->train.data_missing_mean,
                        .known = d.columns};
  dataset *ds = dataset_open(&d, error);
  safetensors_free(st);
  return ds;
}

int predict_rows(const graph *g, const predict_rows_options *o) {
  char *error = NULL;
  inference f;
  dataset *ds = open_inputs(g, o, &error);
  if (!ds) return report_failure(error);
  print_notes(ds);
  if (!inference_open(&f, g, evaluation_batch(ds->n), false, o->threads, o->weights, &error)) {
    dataset_close(ds);
    return report_failure(error);
  }
  printer p = {.o = o, .classes = g->n_target && g->classes && !g->target[0]->shape.rank};
  const port_info *y = program_port(f.b.p, program_port_of(f.b.p, PORT_PREDICTION, 0));
  p.outputs = y->count;
  p.ahead = ds->fields.series.length - 1 + (int64_t)g->train.data_horizon;
  p.binary = y->binary;
  p.shares = y->shares && y->rank == 1;
  p.t = o->list ? NULL : new_table(&p);
  run_all(&p, &f, ds);
  if (p.t) table_print(p.t, "--json has everything");
  inference_close(&f);
  dataset_close(ds);
  return EXIT_DONE;
}
