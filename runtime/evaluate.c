#include "evaluate.h"
#include "batch.h"
#include "message.h"
#include <math.h>
#include <stdlib.h>
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

/* What every rank computed of its batch, port by port; for a process alone the program's own. */
typedef struct {
  const ranks *r;
  const step_buffers *b;
  char *all[MAX_PORTS]; /* NULL: what metrics do not look at */
} shared_ports;

static size_t port_bytes(const step_buffers *b, int i) {
  return (size_t)program_batch(b->p) * (size_t)program_port(b->p, i)->count * 4;
}

static shared_ports shared_ports_new(const ranks *r, const step_buffers *b) {
  shared_ports s = {r, b, {0}};
  const bool inputs = program_port_of(b->p, PORT_TARGET, 0) < 0;
  for (int i = 0; r && i < b->n_port; i++)
    if (inputs || program_port(b->p, i)->role != PORT_INPUT)
      s.all[i] = allocate((size_t)r->n * port_bytes(b, i));
  return s;
}

static void shared_ports_free(shared_ports *s) {
  for (int i = 0; i < MAX_PORTS; i++) free(s->all[i]);
}

static void share(const shared_ports *s) {
  for (int i = 0; i < s->b->n_port; i++)
    if (s->all[i])
      ranks_must(s->r, s->r->api->gather(s->b->port[i], s->all[i], port_bytes(s->b, i)),
                 "share the validation");
}

static step_buffers ports_of_rank(const shared_ports *s, int rank) {
  step_buffers b = *s->b;
  for (int i = 0; i < b.n_port; i++) {
    if (!s->all[i]) continue;
    b.port[i] = s->all[i] + (size_t)rank * port_bytes(s->b, i);
    if (s->b->losses == s->b->port[i]) b.losses = b.port[i];
  }
  return b;
}

/* Samples [at, at + size), at most n. */
typedef struct {
  int64_t at;
  int size;
} stretch;

static stretch batch_at(const step_buffers *b, int64_t n, int64_t at) {
  const int batch = program_batch(b->p);
  return (stretch){at, n - at < batch ? (int)(n > at ? n - at : 0) : batch};
}

static void run_batch(const step_buffers *b, void *params, const dataset *ds, const int64_t *index,
                      stretch s) {
  run_args a = {.params = params, .work = b->work, .port = b->port};
  if (!s.size) return;
  batch_give(ds, index + s.at, s.size, NULL, b);
  pad(b, s.size);
  program_run(b->p, &a);
}

/* A round: a batch on every rank; then each takes in all of them, in order. */
static void run_round(const shared_ports *ports, void *params, const dataset *ds,
                      const int64_t *index, int64_t n, int64_t at, metric *m, double *sum,
                      const answers *out) {
  const int batch = program_batch(ports->b->p), n_rank = ports->r ? ports->r->n : 1;
  const int rank = ports->r ? ports->r->rank : 0;
  run_batch(ports->b, params, ds, index, batch_at(ports->b, n, at + rank * batch));
  share(ports);
  for (int k = 0; k < n_rank; k++) {
    const step_buffers b = ports_of_rank(ports, k);
    const stretch s = batch_at(&b, n, at + k * batch);
    for (int i = 0; i < s.size; i++) *sum += b.losses[i];
    metric_add(m, b.port, s.size, false);
    if (out) keep_answers(out, &b, m, s.size, s.at);
  }
}

evaluation evaluate(const step_buffers *b, void *params, const dataset *ds, const int64_t *index,
                    int64_t n, const answers *out, const ranks *r) {
  evaluation e = {0};
  const int64_t round = (int64_t)program_batch(b->p) * (r ? r->n : 1);
  metric m = metric_new(b->p);
  shared_ports ports = shared_ports_new(r, b);
  double sum = 0;
  for (int64_t at = 0; at < n; at += round)
    run_round(&ports, params, ds, index, n, at, &m, &sum, out);
  shared_ports_free(&ports);
  e.loss = n ? sum / (double)n : NAN;
  e.accuracy = n ? metric_accuracy(&m) : NAN;
  e.correct = (int64_t)m.hits;
  metric_values(&m, e.value);
  for (int i = 0; i < m.names.n_own; i++) e.own[i] = metric_own(&m, i);
  metric_free(&m);
  return e;
}
