#include "evaluate.h"
#include "batch.h"
#include <math.h>
#include <string.h>

int evaluation_batch(int64_t n) {
  if (n <= 48) return n < 1 ? 1 : (int)n;
  int best = 32;
  int64_t least = INT64_MAX;
  for (int b = 24; b <= 48; b++) {
    int64_t computed = (n + b - 1) / b * b;
    if (computed <= least) least = computed, best = b;
  }
  return best;
}

int largest_of(const float *v, int n) {
  int best = 0;
  for (int i = 1; i < n; i++)
    if (v[i] > v[best] || isnan(v[best])) best = i;
  return best;
}

void probabilities(const float *logits, int n, double *out) {
  double largest = logits[largest_of(logits, n)], sum = 0;
  for (int i = 0; i < n; i++) sum += out[i] = exp(logits[i] - largest);
  for (int i = 0; i < n; i++) out[i] /= sum;
}

/* Fills the batch up with copies of its first sample. */
static void pad(const step_buffers *b, int have) {
  for (int k = 0; k < b->n_given; k++) {
    const size_t bytes = (size_t)program_port(b->p, k)->count * 4;
    char *at = b->port[k];
    for (int i = have; i < program_batch(b->p); i++) memcpy(at + (size_t)i * bytes, at, bytes);
  }
}

static void keep_class(const answers *out, const float *row, int classes, int64_t at) {
  int k = largest_of(row, classes);
  if (out->predicted) out->predicted[at] = k;
  if (!out->probability) return;
  double sum = 0;
  for (int j = 0; j < classes; j++) sum += exp((double)row[j] - row[k]);
  out->probability[at] = (float)(1 / sum);
}

static void keep_answers(const answers *out, const step_buffers *b, const metric *m, int n,
                         int64_t at) {
  if (m->prediction < 0) return;
  const size_t count = (size_t)program_port(b->p, m->prediction)->count;
  const float *y = b->port[m->prediction];
  for (int i = 0; i < n; i++, y += count) {
    if (m->task == TASK_CLASSES) keep_class(out, y, (int)count, at + i);
    if (out->prediction) memcpy(out->prediction + (size_t)(at + i) * count, y, count * sizeof *y);
  }
}

evaluation evaluate(const step_buffers *b, void *params, const dataset *ds, const int64_t *index,
                    int64_t n, const answers *out) {
  evaluation e = {0};
  const int batch = program_batch(b->p);
  run_args a = {.params = params, .work = b->work, .port = b->port};
  metric m = metric_new(b->p);
  double sum = 0;
  for (int64_t at = 0; at < n; at += batch) {
    int have = n - at < batch ? (int)(n - at) : batch;
    batch_give(ds, index + at, have, NULL, b);
    pad(b, have);
    program_run(b->p, &a);
    for (int i = 0; i < have; i++) sum += b->losses[i];
    metric_add(&m, b->port, have, false);
    if (out) keep_answers(out, b, &m, have, at);
  }
  e.loss = n ? sum / (double)n : NAN;
  e.accuracy = n ? metric_accuracy(&m) : NAN;
  e.correct = (int64_t)m.hits;
  metric_values(&m, e.value);
  metric_free(&m);
  return e;
}
