/* Layers, operators, losses, optimizers, networks of odd shapes, those of models/ and others'
   against PyTorch's figures (tests/golden/layers, operators, small, models and families): the first
   results, how far a step moves each parameter, averages, and the losses of 20 steps, from weights,
   inputs and targets that a formula gives. An independent judge: no interpreter of netc's has a
   part in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "product/network.h"
#include "product/program.h"
#include "runtime/lr_schedule.h"
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 20, MAX_PORTS = 16 };

static double value(const char *name, const char *more, uint32_t i) {
  uint32_t z = 2166136261u;
  while (*name) z = (z ^ (unsigned char)*name++) * 16777619u;
  while (*more) z = (z ^ (unsigned char)*more++) * 16777619u;
  z += (i + 1) * 2654435761u;
  z = (z ^ (z >> 15)) * 2246822519u;
  z ^= z >> 13;
  return (z >> 8) * 0x1p-24 - 0.5;
}

/* What deep networks begin with: within +-1/sqrt(fan in), and near 1 for the factors of norms;
   gently, norms have small factors and positive biases. */
static double fan(const param_info *w, double v, bool gently) {
  const size_t n = strlen(w->name);
  const bool factor = n > 6 && !strcmp(w->name + n - 6, "weight");
  if (w->rank > 1) return v * 2 / sqrt((double)(w->count / w->shape[0]));
  if (gently) return (factor ? 0.25 : 0.5) + v * 0.0625;
  return factor ? 1 + v * 0.25 : v * 0.25;
}

static void *block(size_t bytes) {
  bytes = (bytes + 127) / 64 * 64;
  return memset(aligned_alloc(64, bytes), 0, bytes);
}

typedef struct {
  const char *path;
  char *text; /* of the file, figures included */
  graph *g;
  program *p;
  int batch, bad;
  bool deep, gently; /* weights by `fan` */
  void *port[MAX_PORTS];
  run_args a;
  int64_t outputs;
  float *prediction, *losses;
} subject;

static void fill_port(const subject *s, int i) {
  const port_info *io = program_port(s->p, i);
  const double up = io->role == PORT_TARGET ? 0.5 : 0;
  if (io->role != PORT_INPUT && io->role != PORT_TARGET) return;
  for (int64_t k = 0; k < io->count * s->batch; k++) {
    const double v = value(io->name, "", (uint32_t)k);
    if (io->is_int) ((int32_t *)s->port[i])[k] = (int32_t)floor((v + 0.5) * (double)io->below);
    else ((float *)s->port[i])[k] = (float)(v + up);
  }
}

static void make_ports(subject *s) {
  assert_true(program_n_ports(s->p) <= MAX_PORTS);
  for (int i = 0; i < program_n_ports(s->p); i++) {
    const port_info *io = program_port(s->p, i);
    s->port[i] = block((size_t)(io->count * s->batch) * 4);
    if (io->role == PORT_PREDICTION) s->prediction = s->port[i], s->outputs = io->count * s->batch;
    if (io->role == PORT_LOSS) s->losses = s->port[i];
    fill_port(s, i);
  }
}

static double first_weight(const subject *s, const param_info *w, int64_t k) {
  const double v = value(w->name, "", (uint32_t)k);
  return (double)(float)(s->deep ? fan(w, v, s->gently) : v);
}

/* Frozen ones too; what data give (running statistics, means) stays as it begins. */
static bool is_weight(const param_info *w) {
  return !w->in_state && !w->is_int64 && !strstr(w->name, ".running_") &&
         strncmp(w->name, "normalize", 9) != 0;
}

static void set_weights(const subject *s) {
  for (int i = 0; i < program_n_params(s->p); i++) {
    const param_info *w = program_param(s->p, i);
    if (!is_weight(w)) continue;
    float *v = block((size_t)w->count * 4);
    for (int64_t k = 0; k < w->count; k++) v[k] = (float)first_weight(s, w, k);
    program_import(s->p, i, s->a.params, v);
    free(v);
  }
}

static subject subject_open(const char *path) {
  subject s = {.path = path, .deep = strstr(path, "/models/") || strstr(path, "/families/")};
  size_t room = 0;
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  assert_true(getdelim(&s.text, &room, 0, f) > 0);
  fclose(f);
  s.gently = strstr(s.text, "# gently");
  s.g = graph_load(path, NULL);
  if (!s.g) fail_msg("%s does not compile", path);
  s.batch = (int)s.g->train.batch.v[0];
  s.p = program_build(s.g, &(program_options){.train = true, .batch = s.batch, .threads = 1});
  make_ports(&s);
  s.a = (run_args){.params = block(program_params_bytes(s.p)),
                   .state = block(program_state_bytes(s.p)),
                   .work = block(program_work_bytes(s.p))};
  program_init(s.p, s.a.params, s.a.state, 1);
  set_weights(&s);
  return s;
}

static void subject_close(subject *s) {
  for (int i = 0; i < program_n_ports(s->p); i++) free(s->port[i]);
  free(s->a.params), free(s->a.state), free(s->a.work), free(s->text);
  program_free(s->p);
  graph_free(s->g);
}

/* The text behind `# word`; NULL: not there. */
static const char *figures(const subject *s, const char *word, const char *name) {
  char want[200];
  snprintf(want, sizeof want, "# %s%s%s ", word, *name ? " " : "", name);
  const char *at = strstr(s->text, want);
  return at ? at + strlen(want) : NULL;
}

static void differs(subject *s, const char *what, int i, double got, double want) {
  print_error("%s: %s[%d] is %.9g, PyTorch has %.9g\n", s->path, what, i, got, want);
  s->bad++;
}

static void compare_results(subject *s) {
  const char *at = figures(s, "before", "");
  assert_non_null(at);
  for (int i = 0; i < s->outputs && i < 64; i++) {
    char *end;
    const double want = strtod(at, &end), got = (double)s->prediction[i];
    assert_true(end != at);
    at = end;
    if (!(fabs(got - want) <= 1e-6 * (1 + fabs(want)))) differs(s, "result", i, got, want);
  }
}

/* How far the weights are from where they began (or from 0), along the directions. */
static void compare_weights(subject *s, const char *word, bool from_start) {
  for (int i = 0; i < program_n_params(s->p); i++) {
    const param_info *w = program_param(s->p, i);
    if (!w->trained) continue;
    const char *at = figures(s, word, w->name);
    if (!at) fail_msg("%s: PyTorch has no %s", s->path, w->name);
    float *v = block((size_t)w->count * 4);
    double along = 0, want = strtod(at, NULL);
    program_export(s->p, i, s->a.params, v);
    for (int64_t k = 0; k < w->count; k++) {
      const double start = from_start ? first_weight(s, w, k) : 0;
      along += ((double)v[k] - start) * value(w->name, " direction", (uint32_t)k);
    }
    free(v);
    if (!(fabs(along - want) <= 1e-6 + 1e-5 * fabs(want))) differs(s, w->name, 0, along, want);
  }
}

static void compare_loss(subject *s, int step) {
  const char *at = figures(s, "losses", "");
  char *end;
  double want = 0, got = 0;
  assert_non_null(at);
  for (int i = 0; i <= step; i++, at = end) want = strtod(at, &end);
  for (int i = 0; i < s->batch; i++) got += (double)s->losses[i] / s->batch;
  if (!(fabs(got - want) <= 1e-4)) differs(s, "loss", step, got, want);
}

static double rate(const traincfg *t, int step) {
  const int64_t n = t->epoch_steps ? t->epoch_steps : STEPS;
  const lr_schedule s = {t->schedule, t->lr.v[0], (int)(STEPS / n), n};
  return schedule_rate(&s, (int)(step / n), step % n);
}

static int check_file(const char *path) {
  subject s = subject_open(path);
  s.a.port = s.port;
  for (int step = 0; step < STEPS; step++) {
    s.a.step = (uint64_t)step;
    s.a.lr = (float)rate(&s.g->train, step);
    program_run(s.p, &s.a);
    if (!step) compare_results(&s);
    if (!step && strstr(s.text, "# moved")) compare_weights(&s, "moved", true);
    compare_loss(&s, step);
  }
  if (strstr(s.text, "# averaged")) {
    program_average(s.p, s.a.state, s.a.params);
    compare_weights(&s, "averaged", false);
  }
  const int bad = s.bad;
  subject_close(&s);
  return bad;
}

static void check_folder(const char *pattern, size_t at_least) {
  glob_t found;
  int bad = 0;
  assert_int_equal(glob(pattern, 0, NULL, &found), 0);
  assert_true(found.gl_pathc >= at_least);
  for (size_t i = 0; i < found.gl_pathc; i++) bad += check_file(found.gl_pathv[i]);
  globfree(&found);
  assert_int_equal(bad, 0);
}

static void test_layers(void **state) {
  (void)state;
  check_folder("tests/golden/layers/*.net", 50);
}

static void test_operators(void **state) {
  (void)state;
  check_folder("tests/golden/operators/*.net", 93);
}

static void test_small(void **state) {
  (void)state;
  check_folder("tests/golden/small/*.net", 18);
}

static void test_families(void **state) {
  (void)state;
  check_folder("tests/golden/families/*.net", 12);
}

static void test_models(void **state) {
  (void)state;
  check_folder("tests/golden/models/*.net", 23);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_layers), cmocka_unit_test(test_operators), cmocka_unit_test(test_small),
      cmocka_unit_test(test_families), cmocka_unit_test(test_models)};
  return cmocka_run_group_tests_name("networks = PyTorch", tests, NULL, NULL);
}
