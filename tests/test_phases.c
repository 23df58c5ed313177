/* A training step in two parts, gradients and update, gives the bits of the step in one piece; and
   what is done to the gradients between them counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "compiler/product/network.h"
#include "compiler/product/program.h"
#include <stdlib.h>
#include <string.h>

enum { BATCH = 4, STEPS = 3 };

static const char *const networks[] = {
    "input 3x8x8; classes 4; conv 16 k3 p1 bn relu; conv 16 k3 p1 relu; maxpool 2; linear classes; "
    "train { loss cross_entropy; optimizer adam; lr 0.01; }",
    "input 3x8x8; classes 4; add { conv 8 k3 p1; } { conv 8 k1; } gelu; linear 40 tanh; "
    "linear classes; train { loss cross_entropy; optimizer sgd momentum=0.9 nesterov; lr 0.05; }"};

typedef struct {
  program *p;
  run_args a;
} subject;

static void *block(size_t bytes) {
  bytes = (bytes + 127) / 64 * 64;
  return memset(aligned_alloc(64, bytes), 0, bytes);
}

static subject subject_new(const graph *g, program_part part, int threads) {
  program_options o = {
      .train = true, .loss = true, .batch = BATCH, .threads = threads, .part = part};
  subject s = {.p = program_build(g, &o)};
  float *x = block(sizeof *x * BATCH * 3 * 8 * 8);
  int32_t *labels = block(sizeof *labels * BATCH);
  for (int i = 0; i < BATCH * 3 * 8 * 8; i++) x[i] = (float)(i * 7919 % 1000) / 1000;
  for (int i = 0; i < BATCH; i++) labels[i] = i % 4;
  s.a = (run_args){.params = block(program_params_bytes(s.p)),
                   .state = block(program_state_bytes(s.p)),
                   .work = block(program_work_bytes(s.p)),
                   .x = x,
                   .labels = labels,
                   .logits = block(sizeof(float) * BATCH * 4),
                   .losses = block(sizeof(float) * BATCH),
                   .lr = 0.05f,
                   .seed = 1};
  program_init(s.p, s.a.params, part == PART_GRADIENTS ? NULL : s.a.state, 3);
  return s;
}

static void subject_free(subject *s) {
  void *all[] = {s->a.params,
                 s->a.state,
                 s->a.work,
                 (void *)(uintptr_t)s->a.x,
                 s->a.logits,
                 s->a.losses,
                 (void *)(uintptr_t)s->a.labels};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  program_free(s->p);
}

static void same_params(const subject *s, const subject *t) {
  assert_int_equal(program_params_bytes(s->p), program_params_bytes(t->p));
  assert_memory_equal(s->a.params, t->a.params, program_params_bytes(s->p));
}

/* A step in two programs; between them the gradients are multiplied by `factor`. */
static void step_apart(subject *gradients, subject *update, float factor) {
  const size_t bytes = program_state_bytes(gradients->p);
  assert_true(bytes && bytes <= program_state_bytes(update->p));
  program_run(gradients->p, &gradients->a);
  float *g = gradients->a.state;
  for (size_t i = 0; i < bytes / sizeof *g; i++) g[i] *= factor;
  memcpy(update->a.state, g, bytes);
  /* Running statistics are written with the gradients, weights with the update. */
  memcpy(update->a.params, gradients->a.params, program_params_bytes(update->p));
  program_run(update->p, &update->a);
  memcpy(gradients->a.params, update->a.params, program_params_bytes(update->p));
}

static void phases_keep_every_bit(const graph *g, int threads) {
  subject whole = subject_new(g, PART_STEP, threads);
  subject gradients = subject_new(g, PART_GRADIENTS, threads);
  subject update = subject_new(g, PART_UPDATE, threads);
  for (int i = 0; i < STEPS; i++) {
    whole.a.step = gradients.a.step = update.a.step = (uint64_t)i;
    program_run(whole.p, &whole.a);
    step_apart(&gradients, &update, 1);
  }
  same_params(&whole, &update);
  subject_free(&whole);
  subject_free(&gradients);
  subject_free(&update);
}

static void steps_in_phases(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
    graph *g = graph_load_text("test.net", networks[i], strlen(networks[i]), NULL);
    assert_non_null(g);
    phases_keep_every_bit(g, 1);
    phases_keep_every_bit(g, 2);
    graph_free(g);
  }
}

/* Gradients that are set to zero leave the weights of plain descent as they are. */
static void gradients_may_be_changed(void **state) {
  (void)state;
  static const char text[] = "input 3x8x8; classes 4; conv 4 k3; linear classes; "
                             "train { loss cross_entropy; optimizer sgd; lr 0.1; }";
  graph *g = graph_load_text("test.net", text, strlen(text), NULL);
  assert_non_null(g);
  subject gradients = subject_new(g, PART_GRADIENTS, 1), update = subject_new(g, PART_UPDATE, 1);
  subject fresh = subject_new(g, PART_STEP, 1);
  step_apart(&gradients, &update, 0);
  same_params(&update, &fresh);
  step_apart(&gradients, &update, 1);
  assert_true(memcmp(update.a.params, fresh.a.params, program_params_bytes(fresh.p)));
  subject_free(&gradients);
  subject_free(&update);
  subject_free(&fresh);
  graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(steps_in_phases),
                                     cmocka_unit_test(gradients_may_be_changed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
