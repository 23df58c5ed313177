#include "normalize.h"
#include "message.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums of each channel, around its first value: exact enough for columns such as years. */
typedef struct {
  int64_t channels, each; /* values of a channel in a sample */
  double *first, *sum, *square, count;
} moments;

static void add_sample(moments *m, const float *x, bool is_first) {
  for (int64_t c = 0; c < m->channels; c++) {
    if (is_first) m->first[c] = x[c * m->each];
    for (int64_t k = 0; k < m->each; k++) {
      double d = x[c * m->each + k] - m->first[c];
      m->sum[c] += d;
      m->square[c] += d * d;
    }
  }
  m->count += (double)m->each;
}

static void finish(const moments *m, float *mean, float *std) {
  for (int64_t c = 0; c < m->channels; c++) {
    double shift = m->sum[c] / m->count;
    double variance = m->square[c] / m->count - shift * shift;
    mean[c] = (float)(m->first[c] + shift);
    std[c] = variance > 0 && (float)sqrt(variance) > 0 ? (float)sqrt(variance) : 1;
  }
}

static void set_tensor(const program *p, const char *layer, const char *name, const float *v,
                       void *params) {
  char *full = message("%s.%s", layer, name);
  for (int i = 0; i < program_n_params(p); i++)
    if (!strcmp(program_param(p, i)->name, full)) program_import(p, i, params, v);
  free(full);
}

static void measure(const program *p, const char *layer, const dataset *ds, int port,
                    const split *sp, void *params) {
  const port_info *info = program_port(p, port);
  moments m = {.channels = info->rank ? info->shape[0] : 1};
  m.each = info->count / m.channels;
  double *sums = allocate(3 * (size_t)m.channels * sizeof *sums);
  float *x = allocate((size_t)info->count * sizeof *x),
        *out = allocate(2 * (size_t)m.channels * sizeof *out);
  m.first = sums, m.sum = sums + m.channels, m.square = sums + 2 * m.channels;
  for (int64_t i = 0; i < sp->n_train; i++) {
    dataset_port(ds, port, sp->train[i], x);
    add_sample(&m, x, !i);
  }
  finish(&m, out, out + m.channels);
  set_tensor(p, layer, "mean", out, params);
  set_tensor(p, layer, "std", out + m.channels, params);
  free(sums);
  free(x);
  free(out);
}

int normalize_port(const graph *g, const node *n) {
  if (!n->op || strcmp(n->op->name, "normalize") != 0 || n->in[0]->op) return -1;
  for (int k = 0; k < g->n_input; k++)
    if (g->input[k] == n->in[0]->port) return k;
  return -1;
}

void normalize_measure(const program *p, const graph *g, const dataset *ds, const split *sp,
                       void *params) {
  for (int i = 0; i < g->n_node; i++) {
    const int port = normalize_port(g, g->node[i]);
    if (port >= 0) measure(p, g->node[i]->name, ds, port, sp, params);
  }
}
