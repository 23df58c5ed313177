/* Small networks of odd shapes against PyTorch's figures (tests/golden/small): results of a
   training step, and of the next one, from weights and samples that a formula gives. An independent
   judge: no interpreter of netc's has a part in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "graph/graph.h"
#include "product/program.h"
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double value(const char *name, uint32_t i) {
  uint32_t z = 2166136261u;
  while (*name) z = (z ^ (unsigned char)*name++) * 16777619u;
  z += (i + 1) * 2654435761u;
  z = (z ^ (z >> 15)) * 2246822519u;
  z ^= z >> 13;
  return (z >> 8) * 0x1p-24 - 0.5;
}

static void *block(size_t bytes) {
  bytes = (bytes + 127) / 64 * 64;
  return memset(aligned_alloc(64, bytes), 0, bytes);
}

static void set_weights(program *p, void *params) {
  for (int i = 0; i < program_n_params(p); i++) {
    const param_info *w = program_param(p, i);
    if (w->is_int64 || strstr(w->name, ".running_")) continue; /* frozen ones too */
    float *v = block((size_t)w->count * 4);
    for (int64_t k = 0; k < w->count; k++) v[k] = (float)value(w->name, (uint32_t)k);
    program_import(p, i, params, v);
    free(v);
  }
}

/* The numbers after `# word`, against what was computed; the count of differences. */
static int compare(const char *text, const char *word, const float *got, int64_t n) {
  int bad = 0;
  const char *at = strstr(text, word);
  assert_non_null(at);
  at += strlen(word);
  for (int64_t i = 0; i < n; i++) {
    char *end;
    double want = strtod(at, &end);
    assert_true(end != at);
    at = end;
    if (fabs(want - (double)got[i]) <= 2e-5 * (1 + fabs(want))) continue;
    print_error("  %s[%d]: %.9g, PyTorch has %.9g\n", word + 2, (int)i, (double)got[i], want);
    bad++;
  }
  return bad;
}

static run_args arguments(const graph *g, program *p, int batch) {
  int64_t n = g->c * g->h * g->w * batch;
  float *x = block((size_t)n * 4);
  int32_t *labels = block((size_t)batch * 4);
  for (int64_t i = 0; i < n; i++) x[i] = (float)value("x", (uint32_t)i);
  for (int i = 0; i < batch; i++) labels[i] = (int32_t)(i * 7 % g->classes);
  return (run_args){.params = block(program_params_bytes(p)),
                    .state = block(program_state_bytes(p)),
                    .work = block(program_work_bytes(p)),
                    .x = x,
                    .labels = labels,
                    .logits = block((size_t)(batch * g->classes) * 4),
                    .losses = block((size_t)batch * 4),
                    .lr = 0.1f};
}

static void arguments_free(run_args *a) {
  free(a->params), free(a->state), free(a->work), free(a->logits), free(a->losses);
  free((void *)(uintptr_t)a->x);
  free((void *)(uintptr_t)a->labels);
}

static int check_file(const char *path) {
  char *text = NULL;
  size_t room = 0;
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  assert_true(getdelim(&text, &room, 0, f) > 0);
  fclose(f);
  graph *g = graph_load(path, NULL);
  assert_non_null(g);
  int batch = (int)g->train.batch.v[0], bad;
  program *p = program_build(g, &(program_options){.train = true, .batch = batch, .threads = 1});
  run_args a = arguments(g, p, batch);
  program_init(p, a.params, a.state, 1);
  set_weights(p, a.params);
  program_run(p, &a);
  bad = compare(text, "# before", a.logits, batch * g->classes);
  program_run(p, &a);
  bad += compare(text, "# after", a.logits, batch * g->classes);
  if (bad) print_error("%s: %d values differ\n", path, bad);
  arguments_free(&a);
  program_free(p);
  graph_free(g);
  free(text);
  return bad;
}

static void test_small(void **state) {
  (void)state;
  glob_t found;
  int bad = 0;
  assert_int_equal(glob("tests/golden/small/*.net", 0, NULL, &found), 0);
  assert_true(found.gl_pathc > 10);
  for (size_t i = 0; i < found.gl_pathc; i++) bad += check_file(found.gl_pathv[i]);
  globfree(&found);
  assert_int_equal(bad, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_small)};
  return cmocka_run_group_tests_name("small networks = PyTorch", tests, NULL, NULL);
}
