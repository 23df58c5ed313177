/* check --check-passes: what the program computes, by the interpreter, after every pass.
   Passes that may change the order of additions are held to the first program in double precision;
   passes that keep every bit to the program before them in single precision; and the code at the
   end to the last program. */
#include "base/internal.h"
#include "base/philox.h"
#include "nest/nest.h"
#include "pipeline.h"
#include "weights.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double tolerance = 1e-8; /* of the largest value of a tensor */

/* One result of a program: weights and states after the step, predictions, losses, metrics. */
typedef struct {
  const char *name;
  int64_t n;
  double *value;
} result;

typedef struct {
  int n;
  result *of;
} results;

typedef struct {
  uint64_t seed;
  results first, last; /* of the first program in double, of the last one in single precision */
  int n_row;
  pass_row *row;
} examiner;

/* --- data --- */

static double uniform(uint64_t seed, const char *name, int64_t i) {
  uint32_t ctr[4] = {(uint32_t)i, (uint32_t)(i >> 32), weight_stream(name), 0x70617373u}, r[4];
  uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  philox4x32_10(ctr, key, r);
  return (double)(r[0] >> 8) * 0x1p-23 - 1;
}

/* The same for a tensor of this name in every program. */
static double initial_value(const tensor *t, uint64_t seed, int64_t i) {
  double u = uniform(seed, t->name, i);
  bool drawn = t->decl && t->decl->init == INIT_UNIFORM;
  switch (t->role) {
  case T_INPUT: return u;
  case T_HYPER: return (float)0.05;
  case T_PARAM: return (float)(drawn ? 2.4 * u * t->init : t->init + 0.1 * u);
  case T_STATE:
  case T_OPT: return (float)t->init;
  default: return 0;
  }
}

static void fill(const tensor *t, uint64_t seed, double *to) {
  for (int64_t i = 0; i < tensor_elements(t); i++) {
    if (!is_whole(t)) to[i] = initial_value(t, seed, i);
    else ((int32_t *)to)[i] = (int32_t)((uniform(seed, t->name, i) / 2 + 0.5) * (double)t->below);
  }
}

static bool is_result(const tensor *t) {
  return !is_whole(t) &&
         (t->role == T_PARAM || t->role == T_STATE || t->role == T_OPT || t->role >= T_LOGITS);
}

/* --- running the interpreter --- */

static double **buffers_new(const nestprog *p, uint64_t seed) {
  double **data = allocated(calloc((size_t)p->n_tensor + 1, sizeof *data));
  for (int i = 0; i < p->n_tensor; i++) {
    data[i] = allocated(calloc((size_t)tensor_elements(p->tensor[i]) + 1, sizeof(double)));
    fill(p->tensor[i], seed, data[i]);
  }
  return data;
}

/* Keeps the results' buffers and frees the others. */
static results results_of(const nestprog *p, double **data) {
  results r = {.of = allocated(calloc((size_t)p->n_tensor + 1, sizeof(result)))};
  for (int i = 0; i < p->n_tensor; i++) {
    const tensor *t = p->tensor[i];
    if (is_result(t)) r.of[r.n++] = (result){strdup(t->name), tensor_elements(t), data[i]};
    else free(data[i]);
  }
  free(data);
  return r;
}

static results run_nests(const nestprog *p, bool exact, uint64_t seed) {
  double **data = buffers_new(p, seed);
  interp(p, data, exact, seed, 0);
  return results_of(p, data);
}

static void results_free(results *r) {
  for (int i = 0; i < r->n; i++) {
    free((void *)(uintptr_t)r->of[i].name);
    free(r->of[i].value);
  }
  free(r->of);
  *r = (results){0};
}

/* --- comparing --- */

static const result *named(const results *r, const char *name) {
  for (int i = 0; i < r->n; i++)
    if (!strcmp(r->of[i].name, name)) return &r->of[i];
  return NULL;
}

static double largest(const result *r) {
  double m = 0;
  for (int64_t i = 0; i < r->n; i++) m = fmax(m, fabs(r->value[i]));
  return m;
}

/* The greatest difference in shares of the tensor's greatest value; infinite where one of the two
   alone is no number. */
static double difference(const result *a, const result *b) {
  double scale = fmax(largest(a), 1e-30), worst = 0;
  for (int64_t i = 0; i < a->n; i++) {
    double x = a->value[i], y = b->value[i];
    if (x == y || (isnan(x) && isnan(y))) continue;
    double d = isfinite(x) && isfinite(y) ? fabs(x - y) / scale : INFINITY;
    worst = fmax(worst, d);
  }
  return worst;
}

static void compare(examiner *x, const char *pass, bool bits, const results *want,
                    const results *got) {
  pass_row row = {.pass = pass, .bits = bits, .ok = true};
  for (int i = 0; i < want->n; i++) {
    const result *b = named(got, want->of[i].name);
    double d = b && b->n == want->of[i].n ? difference(&want->of[i], b) : INFINITY;
    if (d <= row.error) continue;
    row.error = d;
    free((void *)(uintptr_t)row.where);
    row.where = strdup(want->of[i].name);
  }
  row.ok = row.error <= (bits ? 0 : tolerance);
  x->row = allocated(realloc(x->row, sizeof *x->row * (size_t)(x->n_row + 1)));
  x->row[x->n_row++] = row;
}

/* --- after every pass --- */

static void examine(const compilation *c, const char *pass, bool keeps_bits, void *arg) {
  examiner *x = arg;
  if (c->opt.train && !strcmp(pass, "lower")) return; /* no gradients yet: another program */
  results now = run_nests(c->p, false, x->seed);
  if (keeps_bits) {
    compare(x, pass, true, &x->last, &now);
  } else {
    results exact = run_nests(c->p, true, x->seed);
    if (x->first.n) compare(x, pass, false, &x->first, &exact);
    results_free(x->first.n ? &exact : &x->first);
    if (!x->first.n) x->first = exact;
  }
  results_free(&x->last);
  x->last = now;
}

/* --- the code --- */

static void *block(size_t bytes) {
  bytes = (bytes + 127) / 64 * 64;
  return memset(allocated(aligned_alloc(64, bytes)), 0, bytes);
}

/* A tensor of the program as the caller holds it, filled or read. */
static void give(const tensor *t, uint64_t seed, float *to) {
  for (int64_t i = 0; i < tensor_elements(t); i++) {
    if (!is_whole(t)) to[i] = (float)initial_value(t, seed, i);
    else ((int32_t *)to)[i] = (int32_t)((uniform(seed, t->name, i) / 2 + 0.5) * (double)t->below);
  }
}

static void take(results *r, const tensor *t, const float *from) {
  result x = {strdup(t->name), tensor_elements(t), NULL};
  x.value = allocated(calloc((size_t)x.n + 1, sizeof(double)));
  for (int64_t i = 0; i < x.n; i++) x.value[i] = (double)from[i];
  r->of[r->n++] = x;
}

static float *weight_place(const weight_table *w, int i, const run_args *a) {
  return (float *)(w->info[i].in_state ? a->state : a->params) + w->tensor[i]->offset / 4;
}

static results run_code(program *p, const nestprog *nests, uint64_t seed) {
  const weight_table *w = program_weights(p);
  void **port = allocated(calloc((size_t)nests->n_port + 1, sizeof *port));
  run_args a = {.params = block(program_params_bytes(p)),
                .state = block(program_state_bytes(p)),
                .work = block(program_work_bytes(p)),
                .lr = 0.05f,
                .seed = seed,
                .port = port};
  for (int i = 0; i < nests->n_port; i++) {
    port[i] = block((size_t)tensor_elements(nests->port[i]) * 4);
    give(nests->port[i], seed, port[i]);
  }
  for (int i = 0; i < w->n; i++) give(w->tensor[i], seed, weight_place(w, i, &a));
  program_run(p, &a);
  results r = {.of = allocated(calloc((size_t)(w->n + nests->n_port) + 1, sizeof(result)))};
  for (int i = 0; i < w->n; i++) take(&r, w->tensor[i], weight_place(w, i, &a));
  for (int i = 0; i < nests->n_port; i++) {
    if (is_result(nests->port[i])) take(&r, nests->port[i], port[i]);
    free(port[i]);
  }
  free(a.params), free(a.state), free(a.work), free(port);
  return r;
}

pass_row *program_check_passes(const graph *g, bool train, int batch, uint64_t seed, int *n) {
  examiner x = {.seed = seed};
  compilation c = {.g = g,
                   .opt = {.train = train, .loss = true, .batch = batch},
                   .after = examine,
                   .after_arg = &x};
  if (train) c.optimizer = &g->train.optimizer[0];
  program *p = program_compile(&c);
  results code = run_code(p, program_nests(p), seed);
  compare(&x, "code", true, &x.last, &code);
  results_free(&code);
  results_free(&x.first);
  results_free(&x.last);
  program_free(p);
  *n = x.n_row;
  return x.row;
}

void pass_rows_free(pass_row *row, int n) {
  for (int i = 0; i < n; i++) free((void *)(uintptr_t)row[i].where);
  free(row);
}
