/* Compiled code against the interpreter, to the bit: training and inference, on every instruction
   set that this machine runs, with one thread and several; an object against the JIT; derived
   gradients against differences. */
#include "cases.h"
#include "base/philox.h"
#include "passes/passes.h"
#include "product/network.h"
#include "product/pipeline.h"
#include "product/weights.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 2 };

const char *const outcome_name[N_OUTCOMES] = {"right",          "infinite", "refused", "different",
                                              "wrong gradient", "crashed",  "too long"};

typedef struct {
  const char *name, *cpu, *features;
  bool threads;
} target;

static const target targets[] = {
    {"this machine", NULL, NULL, false},
    {"threads", NULL, NULL, true},
    {"avx2", "x86-64-v3", "+avx2,+fma", false},
    {"sse with fma", "x86-64-v2", "+fma,+avx", true},
};
enum { N_TARGETS = sizeof targets / sizeof *targets };

static bool runs_here(const target *t) {
  if (!t->cpu) return true;
  return strstr(t->features, "avx2") ? __builtin_cpu_supports("avx2")
                                     : __builtin_cpu_supports("fma");
}

/* --- the interpreter's side --- */

typedef struct {
  const graph *g;
  bool train;
  int batch;
  compilation c;
  double **data;
} oracle;

static int64_t elements(const tensor *t) {
  int64_t n = 1;
  for (int d = 0; d < t->rank; d++) n *= t->dim[d];
  return n;
}

static tensor *find_tensor(nestprog *p, const char *name) {
  for (int i = 0; i < p->n_tensor; i++)
    if (!strcmp(p->tensor[i]->name, name)) return p->tensor[i];
  return NULL;
}

float random_at(uint32_t stream, uint32_t i) {
  uint32_t ctr[4] = {i, stream, 0, 0}, key[2] = {7, 7}, r[4];
  philox4x32_10(ctr, key, r);
  return (float)(r[0] >> 8) * 0x1p-24f;
}

void *zeroed(size_t bytes) {
  bytes = (bytes + 127) / 64 * 64;
  return memset(aligned_alloc(64, bytes), 0, bytes);
}

/* The nests whose arithmetic is the definition: nothing is fused here. */
static void oracle_build(oracle *o) {
  o->c = (compilation){.g = o->g, .opt = {.train = o->train, .loss = true, .batch = o->batch}};
  if (o->train) o->c.optimizer = &o->g->train.optimizer[0];
  pipeline_run(&o->c, "order");
  winograd(o->c.p);
  nestprog *p = o->c.p;
  o->data = calloc((size_t)p->n_tensor + 1, sizeof *o->data);
  for (int i = 0; i < p->n_tensor; i++)
    o->data[i] = calloc((size_t)elements(p->tensor[i]), sizeof(double));
  if (p->lr) o->data[p->lr->id][0] = (double)0.05f;
}

static void oracle_free(oracle *o) {
  if (!o->c.p) return;
  for (int i = 0; i < o->c.p->n_tensor; i++) free(o->data[i]);
  free(o->data);
  compilation_free(&o->c);
}

/* --- the compiled side --- */

typedef struct {
  program *p;
  run_args args;
  void **port;
} subject;

static int64_t port_elements(const subject *s, int i) {
  return program_port(s->p, i)->count * program_batch(s->p);
}

/* Samples for inputs and targets, zeros for what the program writes. */
static void make_ports(subject *s) {
  s->port = calloc((size_t)program_n_ports(s->p) + 1, sizeof *s->port);
  for (int i = 0; i < program_n_ports(s->p); i++) {
    const port_info *p = program_port(s->p, i);
    int64_t n = port_elements(s, i);
    float *x = s->port[i] = zeroed((size_t)n * 4);
    for (int64_t k = 0; k < n && p->role <= PORT_TARGET; k++) {
      float u = random_at((uint32_t)i + 1, (uint32_t)k);
      if (p->is_int) ((int32_t *)s->port[i])[k] = (int32_t)(u * (float)p->below);
      else x[k] = u - 0.3f;
    }
  }
}

static subject subject_new(const oracle *o, const target *t, const judge_options *j) {
  program_options opt = {.train = o->train,
                         .loss = true,
                         .batch = o->batch,
                         .threads = t->threads ? j->threads : 1,
                         .quick = j->quick,
                         .cpu = t->cpu,
                         .features = t->features};
  subject s = {.p = program_build(o->g, &opt)};
  s.args = (run_args){.params = zeroed(program_params_bytes(s.p)),
                      .state = zeroed(program_state_bytes(s.p)),
                      .work = zeroed(program_work_bytes(s.p)),
                      .lr = 0.05f,
                      .seed = 42};
  make_ports(&s);
  s.args.port = s.port;
  program_init(s.p, s.args.params, s.args.state, 3);
  memset(s.args.work, 0xff, program_work_bytes(s.p)); /* NaN: nothing may rest on fresh memory */
  return s;
}

static void subject_free(subject *s) {
  free(s->args.params), free(s->args.state), free(s->args.work);
  for (int i = 0; i < program_n_ports(s->p); i++) free(s->port[i]);
  free(s->port);
  program_free(s->p);
}

static void data_to_oracle(const subject *s, oracle *o) {
  const weight_table *w = program_weights(s->p);
  for (int i = 0; i < program_n_ports(s->p); i++) {
    const tensor *t = o->c.p->port[i];
    int64_t n = port_elements(s, i);
    if (is_whole(t)) memcpy(o->data[t->id], s->port[i], (size_t)n * 4);
    else
      for (int64_t k = 0; k < n; k++) o->data[t->id][k] = (double)((float *)s->port[i])[k];
  }
  for (int i = 0; i < w->n; i++) {
    const float *from = w->info[i].in_state ? s->args.state : s->args.params;
    const tensor *t = find_tensor(o->c.p, w->info[i].name);
    for (int64_t k = 0; t && k < w->info[i].count; k++)
      o->data[t->id][k] = (double)from[w->tensor[i]->offset / 4 + k];
  }
}

static bool same(float a, double b) {
  float f = (float)b;
  return !memcmp(&a, &f, sizeof f) || (a == 0 && f == 0) || (isnan(a) && isnan(f));
}

/* Is a value of the interpreter's, in between or at the end, beyond all numbers? Notes of which
   term of a maximum won say so of none by -inf. */
static bool all_finite(const oracle *o) {
  for (int i = 0; i < o->c.p->n_tensor; i++) {
    const tensor *t = o->c.p->tensor[i];
    bool note = !strncmp(t->name, "won.", 4);
    for (int64_t k = 0; !note && !is_whole(t) && k < elements(t); k++)
      if (!isfinite(o->data[i][k])) return false;
  }
  return true;
}

static bool equal(verdict *v, const char *name, const float *got, const double *want, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    if (same(got[i], want[i])) continue;
    v->outcome = DIFFERENT;
    snprintf(v->what, sizeof v->what, "%s[%ld] of %ld: compiled %.9g, interpreted %.9g", name,
             (long)i, (long)n, (double)got[i], want[i]);
    return false;
  }
  return true;
}

static bool compare(const subject *s, oracle *o, verdict *v) {
  const weight_table *w = program_weights(s->p);
  nestprog *p = o->c.p;
  for (int i = 0; i < program_n_ports(s->p); i++) {
    const port_info *port = program_port(s->p, i);
    if (port->role > PORT_TARGET &&
        !equal(v, port->name, s->port[i], o->data[p->port[i]->id], port_elements(s, i)))
      return false;
  }
  for (int i = 0; i < w->n; i++) {
    const float *got = w->info[i].in_state ? s->args.state : s->args.params;
    const tensor *t = find_tensor(p, w->info[i].name);
    got += w->tensor[i]->offset / 4;
    if (t && !equal(v, w->info[i].name, got, o->data[t->id], w->info[i].count)) return false;
  }
  return true;
}

/* --- one network --- */

static void begin(verdict *v, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(v->doing, sizeof v->doing, format, args);
  va_end(args);
}

static void run_oracle(oracle *o, const subject *s) {
  data_to_oracle(s, o);
  for (int k = 0; k < (o->train ? STEPS : 1); k++)
    interp(o->c.p, o->data, false, s->args.seed, (uint64_t)k);
}

static bool judge_target(oracle *o, const target *t, const judge_options *opt, verdict *v) {
  const char *what = o->train ? "training" : "inference";
  begin(v, "compiling for %s, %s", what, t->name);
  subject s = subject_new(o, t, opt);
  if (!o->c.p) {
    begin(v, "interpreting %s", what);
    oracle_build(o);
    run_oracle(o, &s);
  }
  begin(v, "running %s, %s", what, t->name);
  for (int k = 0; k < (o->train ? STEPS : 1); k++) {
    s.args.step = (uint64_t)k;
    program_run(s.p, &s.args);
  }
  bool ok = compare(&s, o, v);
  subject_free(&s);
  return ok;
}

/* Compiling is what takes the time: unless all is asked for, each network meets one target, in
   turn, in training and at times in inference. */
static bool chosen(int target, bool train, const judge_options *opt) {
  return opt->every || (target == opt->turn % N_TARGETS && (train || opt->inference));
}

static bool judge_program(const graph *g, bool train, const judge_options *opt, verdict *v) {
  oracle o = {.g = g, .train = train, .batch = (int)g->train.batch.v[0]};
  bool ok = true;
  for (int i = 0; i < N_TARGETS && ok; i++)
    if (runs_here(&targets[i]) && chosen(i, train, opt)) ok = judge_target(&o, &targets[i], opt, v);
  v->infinite |= o.c.p && !all_finite(&o);
  oracle_free(&o);
  return ok;
}

/* Where differences tell nothing, nothing was compared; where they tell little, so little counts.
 */
static void note_row(const check_row *r, verdict *v, const char **name) {
  double error = r->resolution > 1e-3 ? r->resolution : r->error;
  v->infinite |= r->infinite;
  v->unclear |= r->kinks || r->resolution > 0;
  if (r->infinite || error <= v->gradient) return;
  v->gradient = error;
  *name = r->name;
}

/* False, with `clear`: they differ; without it: beside kinks, differences tell too little. */
static bool gradients_agree(const graph *g, uint64_t seed, verdict *v, bool *clear) {
  int n, batch = (int)g->train.batch.v[0];
  const char *name = "";
  check_row *rows = program_check(g, batch < 4 ? batch : 4, seed, NULL, &n);
  v->gradient = 0;
  *clear = false;
  for (int i = 0; i < n; i++) note_row(&rows[i], v, &name);
  for (int i = 0; i < n; i++) *clear |= !rows[i].infinite && rows[i].error >= CHECK_TOLERANCE;
  bool ok = v->gradient < CHECK_TOLERANCE;
  if (!ok) {
    v->outcome = GRADIENT;
    snprintf(v->what, sizeof v->what, "%s: relative error %.1e", name, v->gradient);
  }
  for (int i = 0; i < n; i++) free((void *)(uintptr_t)rows[i].name);
  free(rows);
  return ok;
}

/* Other weights lie elsewhere, so where the first tell too little, others are asked. */
static bool judge_gradients(const graph *g, verdict *v) {
  bool ok = false, clear = false;
  begin(v, "checking gradients");
  for (uint64_t seed = 1; seed <= 3 && !ok && !clear; seed++)
    ok = gradients_agree(g, seed, v, &clear);
  return ok;
}

void judge(const char *text, const judge_options *opt, verdict *v) {
  v->outcome = CRASHED; /* until it is known better */
  begin(v, "reading");
  graph *g = graph_load_text("random.net", text, strlen(text), NULL);
  bool ok = true;
  if (!g) {
    v->outcome = REFUSED;
    return;
  }
  for (int train = 0; train < 2 && ok; train++) ok = judge_program(g, train, opt, v);
  /* Differences see through what `stop` hides. */
  if (ok && opt->gradients && !v->infinite && !strstr(text, "stop(")) ok = judge_gradients(g, v);
  if (ok && opt->object && !v->infinite) {
    begin(v, "comparing an object with the JIT");
    ok = judge_object(g, (int)g->train.batch.v[0], v);
  }
  if (ok) v->outcome = RIGHT;
  if (!ok && v->infinite) v->outcome = INFINITE;
  graph_free(g);
}
