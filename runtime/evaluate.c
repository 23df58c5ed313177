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
static void pad(const step_buffers *b, const dataset *ds, int have) {
  size_t sample = (size_t)ds->c * (size_t)ds->h * (size_t)ds->w;
  for (int i = have; i < program_batch(b->p); i++) {
    memcpy(b->x + (size_t)i * sample, b->x, sample * sizeof *b->x);
    b->labels[i] = b->labels[0];
  }
}

static void keep_answers(const answers *out, const float *logits, int n, int classes, int64_t at) {
  for (int i = 0; i < n; i++) {
    const float *row = logits + (size_t)i * (size_t)classes;
    int k = largest_of(row, classes);
    if (out->predicted) out->predicted[at + i] = k;
    if (out->probability) {
      double sum = 0;
      for (int j = 0; j < classes; j++) sum += exp((double)row[j] - row[k]);
      out->probability[at + i] = (float)(1 / sum);
    }
  }
}

evaluation evaluate(const step_buffers *b, void *params, const dataset *ds, const int64_t *index,
                    int64_t n, const answers *out) {
  evaluation e = {0};
  const int batch = program_batch(b->p), classes = b->classes;
  run_args a = {.params = params, .work = b->work, .x = b->x, .labels = b->labels};
  a.logits = b->logits;
  a.losses = b->losses;
  double sum = 0;
  for (int64_t at = 0; at < n; at += batch) {
    int have = n - at < batch ? (int)(n - at) : batch;
    batch_fill(ds, index + at, have, NULL, b->x, b->labels);
    pad(b, ds, have);
    program_run(b->p, &a);
    for (int i = 0; i < have; i++) {
      sum += b->losses[i];
      e.correct += largest_of(b->logits + (size_t)i * (size_t)classes, classes) == b->labels[i];
    }
    if (out) keep_answers(out, b->logits, have, classes, at);
  }
  e.loss = sum / (double)n;
  e.accuracy = (double)e.correct / (double)n;
  return e;
}
