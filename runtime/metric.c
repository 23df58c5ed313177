#include "metric.h"
#include "message.h"
#include "step_buffers.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static metric_task task_of(const port_info *target, const port_info *prediction) {
  if (!target->is_int && target->count != prediction->count) return TASK_NONE;
  if (!target->is_int && target->shares) return TASK_SHARES;
  if (!target->is_int) return target->binary ? TASK_LABELS : TASK_NUMBERS;
  if (prediction->count != target->count * target->below) return TASK_NONE;
  return target->rank == 0 ? TASK_CLASSES : target->rank == 1 ? TASK_TOKENS : TASK_PIXELS;
}

static int64_t own_sums(const program *p, int i) {
  const int port = program_port_of(p, PORT_METRIC, i);
  return port < 0 ? 0 : program_port(p, port)->count;
}

static void make_own(metric *m, const program *p) {
  m->p = p;
  m->names.n_own = program_n_metrics(p);
  for (int i = 0; i < m->names.n_own; i++) {
    m->names.own[i] = program_metric(p, i);
    if (own_sums(p, i)) m->own[i] = allocate((size_t)own_sums(p, i) * sizeof *m->own[i]);
  }
}

/* `target input`: the input that is wanted too; -1: none. */
static int wanted_input(const program *p) {
  for (int i = 0; i < program_n_ports(p); i++)
    if (program_port(p, i)->wanted) return i;
  return -1;
}

static metric of_task(const program *p) {
  metric m = {.task = TASK_NONE, .target = program_port_of(p, PORT_TARGET, 0)};
  m.prediction = program_port_of(p, PORT_PREDICTION, 0);
  if (m.target < 0) m.target = wanted_input(p);
  if (m.target < 0 || m.prediction < 0) return m;
  const port_info *target = program_port(p, m.target), *y = program_port(p, m.prediction);
  m.task = task_of(target, y);
  m.positions = target->count;
  m.classes = target->below;
  if (m.task == TASK_SHARES) {
    m.classes = target->shape[0];
    m.positions /= m.classes;
  }
  if (m.task == TASK_NUMBERS) {
    m.sum = allocate((size_t)m.positions * sizeof *m.sum);
    m.square = allocate((size_t)m.positions * sizeof *m.square);
  }
  if (m.task == TASK_PIXELS) {
    m.both = allocate((size_t)m.classes * sizeof *m.both);
    m.either = allocate((size_t)m.classes * sizeof *m.either);
  }
  return m;
}

metric metric_new(const program *p) {
  metric m = of_task(p);
  m.names = metric_names_of(m.task);
  make_own(&m, p);
  return m;
}

void metric_free(metric *m) {
  for (int i = 0; i < m->names.n_own; i++) free(m->own[i]);
  free(m->sum);
  free(m->square);
  free(m->both);
  free(m->either);
  m->sum = m->square = NULL;
  m->both = m->either = NULL;
}

void metric_clear(metric *m) {
  m->hits = m->compared = m->error = m->bits = m->squared = 0;
  m->yes = m->said = m->told = 0;
  m->samples = 0;
  for (int i = 0; i < m->names.n_own; i++)
    if (m->own[i]) memset(m->own[i], 0, (size_t)own_sums(m->p, i) * sizeof *m->own[i]);
  if (m->sum) memset(m->sum, 0, (size_t)m->positions * sizeof *m->sum);
  if (m->square) memset(m->square, 0, (size_t)m->positions * sizeof *m->square);
  if (m->both) memset(m->both, 0, (size_t)m->classes * sizeof *m->both);
  if (m->either) memset(m->either, 0, (size_t)m->classes * sizeof *m->either);
}

int metric_class(const float *prediction, int64_t classes, int64_t positions, int64_t position) {
  const float *v = prediction + position;
  int best = 0;
  for (int64_t k = 1; k < classes; k++)
    if (v[k * positions] > v[best * positions] || isnan(v[best * positions])) best = (int)k;
  return best;
}

static double bits_of(const metric *m, const float *v, int best, int32_t truth) {
  double sum = 0, largest = v[best * m->positions];
  for (int64_t k = 0; k < m->classes; k++) sum += exp(v[k * m->positions] - largest);
  return (log(sum) - (v[truth * m->positions] - largest)) / M_LN2;
}

static void add_classes(metric *m, const int32_t *truth, const float *y, bool quick) {
  for (int64_t i = 0; i < m->positions; i++) {
    int k = metric_class(y, m->classes, m->positions, i);
    m->hits += k == truth[i];
    if (quick) continue;
    if (m->task == TASK_TOKENS) m->bits += bits_of(m, y + i, k, truth[i]);
    if (m->task != TASK_PIXELS) continue;
    m->both[k] += k == truth[i];
    m->either[k]++;
    m->either[truth[i]] += k != truth[i];
  }
}

static void add_numbers(metric *m, const float *truth, const float *y, bool quick) {
  for (int64_t i = 0; i < m->positions; i++) {
    double e = (double)y[i] - truth[i];
    m->error += fabs(e);
    if (quick) continue;
    m->squared += e * e;
    m->sum[i] += truth[i];
    m->square[i] += (double)truth[i] * truth[i];
  }
}

/* A prediction above 0 is above one half behind its sigmoid. */
static void add_labels(metric *m, const float *truth, const float *y) {
  for (int64_t i = 0; i < m->positions; i++) {
    const bool is = truth[i] > 0.5f, said = y[i] > 0;
    m->hits += is == said;
    m->yes += is;
    m->said += said;
    m->told += is && said;
  }
}

static void add_shares(metric *m, const float *truth, const float *y) {
  for (int64_t i = 0; i < m->positions; i++)
    m->hits += metric_class(truth, m->classes, m->positions, i) ==
               metric_class(y, m->classes, m->positions, i);
}

static bool of_floats(metric_task t) { return t == TASK_NUMBERS || t == TASK_LABELS; }

/* What the program summed up for each sample. */
static void add_own(metric *m, void *const *port, int n) {
  for (int k = 0; k < m->names.n_own; k++) {
    const int at = program_port_of(m->p, PORT_METRIC, k);
    const int64_t count = own_sums(m->p, k);
    const float *sums = at < 0 ? NULL : port[at];
    for (int i = 0; sums && i < n; i++, sums += count)
      for (int64_t j = 0; j < count; j++) m->own[k][j] += sums[j];
  }
}

double metric_own(const metric *m, int i) {
  return m->own[i] && m->samples ? program_metric_value(m->p, i, m->own[i], m->samples) : NAN;
}

void metric_add(metric *m, void *const *port, int n, bool quick) {
  if (!quick) add_own(m, port, n);
  m->samples += n;
  if (m->task == TASK_NONE) return;
  const size_t outputs = (size_t)m->positions * (of_floats(m->task) ? 1 : (size_t)m->classes);
  for (int i = 0; i < n; i++) {
    const float *y = (const float *)port[m->prediction] + (size_t)i * outputs;
    const size_t at = (size_t)i * (size_t)m->positions;
    const float *numbers = port[m->target];
    if (m->task == TASK_NUMBERS) add_numbers(m, numbers + at, y, quick);
    else if (m->task == TASK_LABELS) add_labels(m, numbers + at, y);
    else if (m->task == TASK_SHARES) add_shares(m, numbers + (size_t)i * outputs, y);
    else add_classes(m, (const int32_t *)port[m->target] + at, y, quick);
  }
  m->compared += (double)n * (double)m->positions;
}

double metric_accuracy(const metric *m) {
  return m->task == TASK_NUMBERS || m->task == TASK_NONE ? NAN : m->hits / m->compared;
}

/* 1 - (squared errors) / (spread of the targets around their means), over all outputs together. */
static double r_squared(const metric *m) {
  double spread = 0, n = (double)m->samples;
  for (int64_t i = 0; i < m->positions; i++) spread += m->square[i] - m->sum[i] * m->sum[i] / n;
  return spread > 0 ? 1 - m->squared / spread : NAN;
}

/* The mean over the classes that occur, in truth or prediction. */
static double mean_iou(const metric *m) {
  double sum = 0;
  int n = 0;
  for (int64_t k = 0; k < m->classes; k++)
    if (m->either[k]) sum += (double)m->both[k] / (double)m->either[k], n++;
  return n ? sum / n : NAN;
}

metric_names metric_names_of(metric_task t) {
  if (t == TASK_NUMBERS) return (metric_names){.n = 3, .name = {"train_mae", "val_mae", "val_r2"}};
  if (t == TASK_LABELS) return (metric_names){.n = 1, .name = {"val_f1"}};
  if (t == TASK_TOKENS) return (metric_names){.n = 1, .name = {"val_bits"}};
  if (t == TASK_PIXELS) return (metric_names){.n = 1, .name = {"val_iou"}};
  return (metric_names){0};
}

void metric_values(const metric *m, double out[METRIC_VALUES]) {
  out[0] = out[1] = out[2] = NAN;
  if (m->task == TASK_NUMBERS) out[1] = m->error / m->compared, out[2] = r_squared(m);
  if (m->task == TASK_LABELS) out[0] = m->told > 0 ? 2 * m->told / (m->yes + m->said) : 0;
  if (m->task == TASK_TOKENS) out[0] = m->bits / m->compared;
  if (m->task == TASK_PIXELS) out[0] = mean_iou(m);
}
