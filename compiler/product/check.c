/* check: derived gradients against differences, on the very network.
   The training program is compiled in double precision with plain SGD at a rate of 1, so that
   (weights before) - (weights after) is the gradient. A probe is a direction d in the space of one
   parameter: half of it along the gradient, half random, or a single element. The derivative along
   it, g.d, is compared with differences of the loss (differences.h). */
#include "base/draw.h"
#include "base/internal.h"
#include "base/source.h"
#include "differences.h"
#include "lang/syntax.h"
#include "pipeline.h"
#include "weights.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PROBES = 6, ROUNDINGS = 8 };

typedef struct {
  program *p;
  run_args args;
  double *params, *scratch, *state; /* scratch: a copy that a run may change */
  void **port;
  size_t bytes;
  int batch;
  uint64_t seed;
  double *gradient;
  /* What the last places of weights and inputs change: in every value of the gradient, and in the
     loss. */
  double *rounding, noise;
} checker;

static double uniform(uint64_t seed, uint32_t stream, uint64_t i) {
  uint32_t ctr[4] = {(uint32_t)i, (uint32_t)(i >> 32), stream, 0x63686b00u}, r[4];
  uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  philox4x32_10(ctr, key, r);
  return (double)r[0] * 0x1p-31 - 1;
}

static void *block(size_t bytes) {
  bytes = (bytes + 127) / 64 * 64;
  void *p = allocated(aligned_alloc(64, bytes));
  return memset(p, 0, bytes);
}

/* Drawn weights are sqrt(6) times as large as for training (He et al. 2015), so that gradients do
   not fade on their way through deep networks, below what differences of a loss can resolve.
   Constants (batch norm's 1 and 0) are moved a little: a gradient must be right away from them. */
static void random_weights(checker *c) {
  const weight_table *w = program_weights(c->p);
  for (int i = 0; i < w->n; i++) {
    const tensor *t = w->tensor[i];
    if (w->info[i].in_state) continue;
    int drawn = weight_draws(t);
    for (int64_t k = 0; k < w->info[i].count; k++) {
      double u = uniform(c->seed, (uint32_t)i, (uint64_t)k);
      double v = drawn ? (drawn == DRAW_UNIFORM ? 2.449489742783178 : 1) * u * t->init
                       : t->init + (t->role == T_PARAM ? 0.1 * u : 0);
      c->params[t->offset / 8 + k] = v;
    }
  }
}

static const opdef *plain_descent(const graph *g) {
  static const char text[] =
      "op descent(w[..], g[..]) -> w[..] optimizer { w[..] = w[..] - lr * g[..]; }";
  syntax s;
  diag *d = diag_new(g->mem);
  if (!parse_source(g->mem, d, diag_add_source(d, "check", text, strlen(text)), &s))
    internal_error("check", text);
  return s.ops;
}

static bool is_given(const port_info *port) {
  return port->role == PORT_INPUT || port->role == PORT_TARGET;
}

/* What the network is given: numbers from 0 to 1, and whole numbers from all of their range. */
static void draw_port(const checker *c, int p) {
  const port_info *port = program_port(c->p, p);
  for (int64_t i = 0; is_given(port) && i < port->count * c->batch; i++) {
    double u = uniform(c->seed, 0x78 + (uint32_t)p, (uint64_t)i) / 2 + 0.5;
    if (port->is_int) ((int32_t *)c->port[p])[i] = (int32_t)(u * (double)port->below);
    else ((double *)c->port[p])[i] = u;
  }
}

static void make_ports(checker *c) {
  int n = program_n_ports(c->p);
  c->port = allocated(calloc((size_t)n + 1, sizeof *c->port));
  for (int i = 0; i < n; i++) {
    c->port[i] = block((size_t)(program_port(c->p, i)->count * c->batch) * 8);
    draw_port(c, i);
  }
}

static checker checker_new(const graph *g, int batch, uint64_t seed) {
  const opuse sgd = {.op = plain_descent(g)};
  compilation comp = {
      .g = g, .opt = {.train = true, .batch = batch}, .optimizer = &sgd, .real = F64};
  checker c = {.p = program_compile(&comp), .batch = batch, .seed = seed};
  c.bytes = program_params_bytes(c.p);
  c.params = block(c.bytes);
  c.scratch = block(c.bytes);
  c.state = block(program_state_bytes(c.p));
  make_ports(&c);
  c.args = (run_args){.params = c.scratch,
                      .state = c.state,
                      .work = block(program_work_bytes(c.p)),
                      .port = c.port,
                      .lr = 1,
                      .seed = seed,
                      .step = 1};
  random_weights(&c);
  return c;
}

static void checker_free(checker *c) {
  free(c->gradient);
  free(c->rounding);
  free(c->params);
  free(c->scratch);
  free(c->state);
  free(c->args.work);
  for (int i = 0; i < program_n_ports(c->p); i++) free(c->port[i]);
  free(c->port);
  program_free(c->p);
}

/* The mean loss at params + h d, d covering `count` values from `at`; leaves the updated weights in
   scratch. */
static double loss_at(checker *c, int64_t at, int64_t count, const double *d, double h) {
  memcpy(c->scratch, c->params, c->bytes);
  for (int64_t i = 0; i < count; i++) c->scratch[at + i] += h * d[i];
  program_run(c->p, &c->args);
  double sum = 0;
  for (int p = 0; p < program_n_ports(c->p); p++)
    for (int i = 0; program_port(c->p, p)->role == PORT_LOSS && i < c->batch; i++)
      sum += ((double *)c->port[p])[i];
  return sum / c->batch;
}

/* --- probes --- */

/* The loss along a direction. */
typedef struct {
  checker *c;
  int64_t at, count;
  const double *d;
} ray;

static double loss_along(void *self, double h) {
  const ray *r = self;
  return loss_at(r->c, r->at, r->count, r->d, h);
}

static void note_probe(check_row *row, const comparison *c) {
  row->probes++;
  row->infinite |= c->infinite;
  if (c->infinite) return;
  if (c->error < CHECK_TOLERANCE) row->error = fmax(row->error, c->error);
  else if (c->kink) row->kinks++;
  else if (c->error <= c->resolution) row->resolution = fmax(row->resolution, c->resolution);
  else row->error = fmax(row->error, c->error);
}

static double norm(const double *v, int64_t n) {
  double s = 0;
  for (int64_t i = 0; i < n; i++) s += v[i] * v[i];
  return sqrt(s);
}

/* Direction of probe k: gradient and noise in equal parts; for the last, the largest element alone.
 */
static void direction(const checker *c, int tensor, int k, int64_t n, const double *g, double *d) {
  double gn = norm(g, n), rn;
  if (k == PROBES - 1) {
    int64_t top = 0;
    for (int64_t i = 0; i < n; i++) {
      d[i] = 0;
      if (fabs(g[i]) > fabs(g[top])) top = i;
    }
    d[top] = 1;
    return;
  }
  for (int64_t i = 0; i < n; i++)
    d[i] = uniform(c->seed, (uint32_t)(1000 + tensor * PROBES + k), (uint64_t)i);
  rn = norm(d, n);
  for (int64_t i = 0; i < n; i++) d[i] = d[i] / rn + (gn > 0 ? g[i] / gn : 0);
}

/* A slope below this, of a direction of length 2 at most, is compared as if it were this: of what
   is below the rounding of the gradient, no share is asked. */
static double least_slope(const double *rounding, int64_t n) {
  return fmax(1e-7, 4 * norm(rounding, n) / CHECK_TOLERANCE);
}

static check_row check_tensor(checker *c, int i) {
  const weight_table *w = program_weights(c->p);
  int64_t n = w->info[i].count, at = w->tensor[i]->offset / 8;
  const double *gradient = c->gradient + at;
  double *d = malloc(sizeof(double) * (size_t)n), least = least_slope(c->rounding + at, n);
  check_row row = {.name = w->info[i].name, .zero = norm(gradient, n) == 0};
  for (int k = 0; k < PROBES; k++) {
    double expected = 0;
    direction(c, i, k, n, gradient, d);
    for (int64_t e = 0; e < n; e++) expected += gradient[e] * d[e];
    comparison found = compare_derivative(&(derivative){expected, least, c->noise}, loss_along,
                                          &(ray){c, at, n, d});
    note_probe(&row, &found);
  }
  free(d);
  return row;
}

/* --- the derived gradient, and how well it is known --- */

static double take_gradient(checker *c, double *to) {
  double loss = loss_at(c, 0, 0, NULL, 0);
  for (size_t i = 0; i < c->bytes / 8; i++) to[i] = c->params[i] - c->scratch[i];
  return loss;
}

/* Of n values each a little beside itself: by some fifty units in the last place, so that sums
   round anew at each of their terms. */
static void disturb(const checker *c, uint32_t stream, double *v, size_t n) {
  static const double last_places = 1e-14;
  for (size_t i = 0; i < n; i++) v[i] *= 1 + last_places * uniform(c->seed, stream, i);
}

static void disturb_inputs(checker *c, uint32_t stream) {
  for (int i = 0; i < program_n_ports(c->p); i++) {
    const port_info *port = program_port(c->p, i);
    draw_port(c, i);
    if (is_given(port) && !port->is_int)
      disturb(c, stream + (uint32_t)i, c->port[i], (size_t)(port->count * c->batch));
  }
}

/* Where terms cancel (a bias before batch norm has no gradient but their rounding), a gradient is
   known as well as it stays the same while the last places of what it is computed from change; and
   so is the loss. */
static void measure_rounding(checker *c, double loss, double *other, double *weights) {
  memcpy(weights, c->params, c->bytes);
  c->noise = 0x1p-52 * fabs(loss);
  for (uint32_t run = 0; run < ROUNDINGS; run++) {
    memcpy(c->params, weights, c->bytes);
    disturb(c, 2000 + run, c->params, c->bytes / 8);
    disturb_inputs(c, 3000 + run * 64);
    c->noise = fmax(c->noise, fabs(take_gradient(c, other) - loss));
    for (size_t i = 0; i < c->bytes / 8; i++)
      c->rounding[i] = fmax(c->rounding[i], fabs(other[i] - c->gradient[i]));
  }
  memcpy(c->params, weights, c->bytes);
  for (int i = 0; i < program_n_ports(c->p); i++) draw_port(c, i);
}

static void find_gradient(checker *c) {
  double *other = block(c->bytes), *weights = block(c->bytes);
  c->gradient = block(c->bytes);
  c->rounding = block(c->bytes);
  double loss = take_gradient(c, c->gradient);
  measure_rounding(c, loss, other, weights);
  free(other);
  free(weights);
}

/* --- what a check costs --- */

/* Loss and gradient at once, so often for a tensor at least: most differences agree after half of
   their steps. */
static const double RUNS_OF_TENSOR = 20.0 * PROBES;
/* More operations than this take hours. */
static const double MOST_OPERATIONS = 2e13;

static const node *layer_of(const graph *g, const char *name) {
  for (int i = 0; i < g->n_node; i++)
    if (!strcmp(g->node[i]->name, name)) return g->node[i];
  return NULL;
}

static int trained_tensors(const weight_table *w) {
  int n = 0;
  for (int i = 0; i < w->n; i++) n += w->info[i].trained;
  return n;
}

/* Refuses what would not end, at the layer that costs most of it. */
static bool affordable(const checker *c, const graph *g) {
  double runs = ROUNDINGS + RUNS_OF_TENSOR * trained_tensors(program_weights(c->p));
  double most = 0, all = 0;
  const char *layer = "";
  for (int i = 0; i < program_n_steps(c->p); i++) {
    step_info s = program_step(c->p, i);
    if (s.flops > most) most = s.flops, layer = s.layer;
    all += s.flops;
  }
  if (all * runs <= MOST_OPERATIONS) return true;
  const node *n = layer_of(g, layer);
  diag_error(g->d, n ? n->at : NOWHERE,
             "check it with smaller sizes (the derived code is the same), or with --batch 1",
             "checking takes some %.0e operations, most of them here: more than %.0e are not tried",
             all * runs, MOST_OPERATIONS);
  diag_print(g->d, stderr);
  return false;
}

check_row *program_check(const graph *g, int batch, uint64_t seed, check_progress *progress,
                         int *n) {
  checker c = checker_new(g, batch, seed);
  const weight_table *w = program_weights(c.p);
  check_row *rows = NULL;
  *n = 0;
  if (affordable(&c, g)) {
    rows = allocated(calloc((size_t)w->n + 1, sizeof *rows));
    find_gradient(&c);
  }
  for (int i = 0; rows && i < w->n; i++)
    if (w->info[i].trained) {
      if (progress) progress(w->info[i].name, *n, trained_tensors(w));
      rows[*n] = check_tensor(&c, i);
      rows[*n].name = strdup(rows[*n].name);
      ++*n;
    }
  checker_free(&c);
  return rows;
}
