#include "cli/lints.h"
#include "runtime/message.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_op(const node *n, const char *name) { return n->op && !strcmp(n->op->name, name); }

static bool uses_loss(const graph *g, const char *name) {
  return g->has_train && g->train.n_loss && !strcmp(g->train.loss->use.op->name, name);
}

static int lint_output(const graph *g) {
  if (!is_op(g->output, "softmax") || !uses_loss(g, "cross_entropy")) return 0;
  diag_warning(g->d, g->output->at, "leave the last `softmax` out: the loss contains it",
               "`softmax` before `cross_entropy` takes the softmax twice, which flattens the "
               "gradients and slows learning");
  return 1;
}

/* A gate, or weights of a mean: one of several inputs of a layer. Such a value may be between 0
 * and 1. */
static bool is_one_of_several(const graph *g, const node *n) {
  for (int i = n->id + 1; i < g->n_node; i++)
    for (int k = 0; k < g->node[i]->n_in; k++)
      if (g->node[i]->in[k] == n) return g->node[i]->n_in > 1;
  return false;
}

/* One warning for the first hidden use of an activation that starves the layers below of gradient.
 */
static int lint_hidden(const graph *g, const char *name, const char *why) {
  for (int i = 0; i < g->n_node; i++)
    if (is_op(g->node[i], name) && g->node[i] != g->output && !is_one_of_several(g, g->node[i])) {
      diag_warning(g->d, g->node[i]->at, "`relu` is the usual choice between layers", "%s", why);
      return 1;
    }
  return 0;
}

static int lint_activations(const graph *g) {
  return lint_hidden(
             g, "sigmoid",
             "`sigmoid` as a hidden activation shrinks the gradient to at most a quarter at "
             "every layer: deep layers hardly learn") +
         lint_hidden(g, "softmax",
                     "`softmax` as a hidden activation makes the channels of a layer sum to 1, so "
                     "that little of what they hold gets through");
}

/* torch's F.normalize has the word for something else. */
static int lint_normalize(const graph *g) {
  for (int i = 0; i < g->n_node; i++)
    if (is_op(g->node[i], "normalize") && g->node[i]->in[0]->op) {
      diag_warning(
          g->d, g->node[i]->at, "`lpnorm` divides each vector by its length",
          "`normalize` goes by the training samples' mean and deviation, which are measured "
          "behind inputs only");
      return 1;
    }
  return 0;
}

static double momentum_of(const opuse *u) {
  for (int i = 0; i < u->n_set; i++)
    if (!strcmp(u->set[i].name, "momentum")) return u->set[i].v[0];
  return 0;
}

/* Rates beyond which plain training with the optimizer crawls or diverges more often than not. */
static void usual_rates(const opuse *u, double *low, double *high) {
  if (!strcmp(u->op->name, "sgd")) {
    double longer =
        1 / (1 - fmin(momentum_of(u), 0.99)); /* momentum lengthens every step so much */
    *low = 0.002 / longer;
    *high = 0.4 / sqrt(longer);
  } else if (!strncmp(u->op->name, "adam", 4)) {
    *low = 1e-5;
    *high = 0.02;
  } else {
    *low = 0;
    *high = INFINITY;
  }
}

static int lint_rate(const graph *g) {
  const traincfg *t = &g->train;
  if (!g->has_train || !t->n_optimizer || !t->optimizer[0].op || !t->lr.n) return 0;
  double low, high, lr = t->lr.v[0];
  usual_rates(&t->optimizer[0], &low, &high);
  if (lr >= low && lr <= high) return 0;
  diag_warning(g->d, t->lr.at, NULL,
               "a learning rate of %g is far %s the usual range of `%s`, "
               "%.2g to %.2g: training %s",
               lr, lr < low ? "below" : "above", t->optimizer[0].op->name, low, high,
               lr < low ? "will crawl" : "may diverge");
  return 1;
}

static int lint_batch(const workload *w) {
  const values *batch = &w->g->train.batch;
  if (!w->sp || batch->v[0] <= (double)w->sp->n_train) return 0;
  diag_warning(w->g->d, batch->at, NULL,
               "a batch of %.0f is larger than the training split of %lld samples, which make one "
               "step an epoch",
               batch->v[0], (long long)w->sp->n_train);
  return 1;
}

static int64_t *count_classes(const workload *w, const int64_t *index, int64_t n) {
  int64_t *count = allocate((size_t)w->g->classes * sizeof *count);
  for (int64_t i = 0; i < n; i++) count[w->ds->labels[index[i]]]++;
  return count;
}

static int lint_missing(const workload *w, const int64_t *count) {
  int warnings = 0;
  char number[16];
  for (int k = 0; k < w->g->classes && warnings < 5; k++) {
    if (count[k]) continue;
    diag_warning(w->g->d, w->g->train.split_at, NULL,
                 "no sample of class `%s` is in the training split: the network cannot learn it",
                 dataset_class_name(w->ds, k, number));
    warnings++;
  }
  return warnings;
}

static int lint_balance(const workload *w, const int64_t *count) {
  int most = 0, least = 0;
  const int classes = (int)w->g->classes;
  for (int k = 1; k < classes; k++) {
    most = count[k] > count[most] ? k : most;
    least = count[k] < count[least] ? k : least;
  }
  double share = (double)count[most] / (double)w->sp->n_train;
  if (!w->sp->n_val || !count[least]) return 0;
  if (w->g->train.n_loss && w->g->train.loss->balanced) return 0;
  if (count[most] < 3 * count[least] || share < 1.5 / classes) return 0;
  int64_t *val = count_classes(w, w->sp->val, w->sp->n_val);
  char a[16], b[16];
  diag_warning(w->g->d, w->g->train.data_at, NULL,
               "classes are out of balance: %lld samples of `%s` to %lld of `%s`; always guessing "
               "`%s` scores a validation accuracy of %.3f, so look at the recall of each class too",
               (long long)count[most], dataset_class_name(w->ds, most, a), (long long)count[least],
               dataset_class_name(w->ds, least, b), dataset_class_name(w->ds, most, a),
               (double)val[most] / (double)w->sp->n_val);
  free(val);
  return 1;
}

/* Root of the mean square of an input port's values, over at most 500 training samples. */
static double typical_value(const workload *w, int port, int64_t count) {
  const int64_t n = w->sp->n_train < 500 ? w->sp->n_train : 500;
  float *v = allocate((size_t)count * sizeof *v);
  double square = 0;
  for (int64_t i = 0; i < n; i++) {
    dataset_port(w->ds, port, w->sp->train[i * w->sp->n_train / n], v);
    for (int64_t k = 0; k < count; k++) square += (double)v[k] * (double)v[k];
  }
  free(v);
  return sqrt(square / ((double)n * (double)count));
}

static int lint_range(const workload *w) {
  int n_port, warnings = 0;
  const data_port *port = ports_of(w->g, &n_port);
  for (int i = 0; i < n_port && !w->g->train.normalize; i++) {
    if (port[i].target || port[i].is_int) continue;
    const double typical = typical_value(w, i, port_size(&port[i]));
    if ((typical < 5 && typical > 0.04) || typical == 0) continue;
    diag_warning(w->g->d, w->g->train.data_at,
                 "`normalize;` in `train` makes it a part of the network",
                 "the values of input `%s` are around %.3g (root of their mean square), far from 1",
                 port[i].name, typical);
    warnings++;
  }
  return warnings;
}

/* A window of several rows over an image of one, or of several columns over one. */
static bool beyond_line(const node *n, const shape *line) {
  for (int i = 0; i < n->op->n_set && n->n_in && n->in[0]->shape.rank == 3; i++) {
    const int64_t *size = n->in[0]->shape.dim;
    if (!n->op->set[i].pair || strcmp(n->set[i].name, "k") != 0) continue;
    for (int d = 0; d < 2; d++)
      if (line->dim[d] == 1 && size[d] == 1 && n->set[i].v[d] > 1) return true;
  }
  return false;
}

static int lint_line(const graph *g) {
  const shape *line = &g->input[0]->shape;
  if (line->rank != 3 || (line->dim[0] == 1) == (line->dim[1] == 1)) return 0;
  for (int i = 0; i < g->n_node; i++) {
    const node *n = g->node[i];
    if (!n->op || !beyond_line(n, line)) continue;
    const char *help =
        arena_printf(g->mem, "a sequence is written `input %lldx%lld;`", (long long)line->dim[2],
                     (long long)(line->dim[0] * line->dim[1]));
    diag_warning(g->d, n->at, help,
                 "the windows of `%s` are images, and the input is one line: most of each window "
                 "lies in the padding",
                 n->op->name);
    return 1;
  }
  return 0;
}

int add_lints(const workload *w) {
  int n = lint_output(w->g) + lint_activations(w->g) + lint_normalize(w->g) + lint_rate(w->g) +
          lint_line(w->g);
  if (!w->sp) return n;
  n += lint_batch(w) + lint_range(w);
  if (!w->ds->labels) return n;
  int64_t *count = count_classes(w, w->sp->train, w->sp->n_train);
  n += lint_missing(w, count) + lint_balance(w, count);
  free(count);
  return n;
}
