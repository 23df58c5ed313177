/* One position after the other (passes/stepwise.c): the same bits as the whole window at once, in
   compiled code from a workspace of NaNs, and by the interpreter after every pass; later inputs are
   not looked at; and a network that reads later positions stays a program like any other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "compiler/product/network.h"
#include "compiler/product/pipeline.h"
#include "compiler/product/weights.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name, *text;
  int64_t positions; /* 0: not one by one */
} network;

#define TRAIN "train { lr 0.01; optimizer sgd; }"
#define ENDS " dense 11; " TRAIN
static const network networks[] = {
    {"gpt",
     "input 16 of 11; target 16 of 11; embed 24; position; repeat 2 { "
     "add {} { layernorm; attention heads=3 causal=1; }; "
     "add {} { layernorm; dense 40 gelu; dense 24; }; } layernorm;" ENDS,
     16},
    {"as many positions as channels",
     "input 24 of 11; target 24 of 11; embed 24; position; "
     "add {} { layernorm; attention heads=2 causal=1; }; layernorm;" ENDS,
     24},
    {"odd, long",
     "input 101 of 11; target 101 of 11; embed 20; rope; "
     "add {} { rmsnorm; attention heads=4 causal=1 bias=0; }; rmsnorm;" ENDS,
     101},
    {"blocks", "input 128 of 11; target 128 of 11; embed 32; attention heads=2 causal=1;" ENDS,
     128},
    {"heads with rope",
     "input 20 of 11; target 20 of 11; embed 16; x: rmsnorm; q: dense @x 16; q2: rope @q heads=2; "
     "k: dense @x 16; k2: rope @k heads=2; v: dense @x 16; attention @q2 @k2 @v heads=2 "
     "causal=1;" ENDS,
     20},
    {"wide",
     "input 10 of 11; target 10 of 11; embed 320; add {} { attention heads=4 causal=1; }; "
     "dense 1280 gelu; gru 320; dense 192;" ENDS,
     10},
    {"lstm", "input 13 of 11; target 13 of 11; embed 9; lstm 17; lstm 12;" ENDS, 13},
    {"gru", "input 13 of 11; target 13 of 11; embed 9; gru 17; add {} { gru 17; };" ENDS, 13},
    {"rnn", "input 9 of 11; target 9 of 11; embed 9; rnn 8;" ENDS, 9},
    {"ssm", "input 19 of 11; target 19 of 11; embed 16; ssm; dense 16 silu; ssm;" ENDS, 19},
    {"mixed",
     "input 18 of 11; target 18 of 11; embed 16; lstm 16; layernorm; attention heads=2 causal=1; "
     "gru 16;" ENDS,
     18},
    {"causal convolutions",
     "input 30 of 11; target 30 of 11; embed 16; conv 16 k3 p=causal relu; "
     "conv 16 k3 d4 p=causal bn relu; dw k5 p=causal;" ENDS,
     30},
    {"batch norm", "input 12 of 11; target 12 of 11; embed 16; bn relu; dense 16 bn relu;" ENDS,
     12},
    {"running means of one's own",
     "op before(x[N,L,C]) -> y[N,L,C] { y[n,l,c] += select(m <= l, x[n,m,c], 0) / L "
     "for n:N, l:L, c:C, m:L; } "
     "input 14 of 11; target 14 of 11; embed 7; before; tanh; before;" ENDS,
     14},
    {"a window of one's own",
     "op near(x[N,L,C]) -> y[N,L,C] { s[n,l,m] += x[n,l,c] * x[n,m,c] for n:N, l:L, m:L, c:C; "
     "e[n,l,m] = select(m < l, select(l - m < 5, exp(s[n,l,m]), 0), 0); "
     "y[n,l,c] += e[n,l,m] * x[n,m,c] for n:N, l:L, c:C, m:L; } "
     "input 14 of 11; target 14 of 11; embed 7; layernorm; near; layernorm;" ENDS,
     14},
    {"the first position, everywhere",
     "op first(x[N,L,C]) -> y[N,L,C] { y[n,l,c] = x[n,l,c] + x[n,0,c]; } "
     "input 14 of 11; target 14 of 11; embed 7; first; lstm 5;" ENDS,
     14},
    {"positions joined",
     "input 14 of 11; target 14 of 11; embed 8; concat { dense 8; } { lstm 8; } {};" ENDS, 14},
    {"attention both ways", "input 16 of 11; target 16 of 11; embed 8; attention heads=2;" ENDS, 0},
    {"convolution both ways", "input 16 of 11; target 16 of 11; embed 8; conv 8 k3 p1;" ENDS, 0},
    {"one position ahead",
     "op ahead(x[N,L,C]) -> y[N,L,C] { y[n,l,c] += select(m <= l + 1, x[n,m,c], 0) "
     "for n:N, l:L, c:C, m:L; } "
     "input 16 of 11; target 16 of 11; embed 8; ahead;" ENDS,
     0},
    {"a scale over all positions",
     "op even(x[N,L,C]) -> y[N,L,C] { m[n,c] += x[n,l,c]; y[n,l,c] = x[n,l,c] - m[n,c] / L; } "
     "input 16 of 11; target 16 of 11; embed 8; even;" ENDS,
     0},
    {"backwards", "input 16 of 11; target 16 of 11; embed 8; reverse; lstm 8; reverse;" ENDS, 0},
    {"of the whole text",
     "input 16 of 11; classes 11; embed 8; lstm 8; gap; linear classes; " TRAIN, 0},
};

typedef struct {
  program *p;
  run_args a;
  int32_t *x;
  float *y;
  int64_t n, values; /* positions; values of the prediction */
  void *port[2];
} subject;

static void *block(size_t bytes) {
  bytes = (bytes + 127) / 64 * 64;
  return memset(aligned_alloc(64, bytes), 0xff, bytes);
}

static subject subject_new(const graph *g, int threads, bool stepwise) {
  program_options o = {.batch = 1, .threads = threads, .stepwise = stepwise};
  subject s = {.p = program_build(g, &o)};
  s.n = program_port(s.p, 0)->count;
  s.values = program_port(s.p, 1)->count;
  s.a = (run_args){.params = block(program_params_bytes(s.p)),
                   .work = block(program_work_bytes(s.p))};
  s.port[0] = s.x = block((size_t)s.n * 4);
  s.port[1] = s.y = block((size_t)s.values * 4);
  program_init(s.p, s.a.params, NULL, 3);
  return s;
}

static void subject_free(subject *s) {
  free(s->a.params);
  free(s->a.work);
  free(s->x);
  free(s->y);
  program_free(s->p);
}

static int32_t token(int64_t round, int64_t i) { return (int32_t)((i * 7 + i * i + round) % 11); }

static int differences(const char *what, const float *got, const float *want, int64_t n) {
  int bad = 0;
  for (int64_t i = 0; i < n; i++)
    if (memcmp(&got[i], &want[i], sizeof *got) && (got[i] != 0 || want[i] != 0) && bad++ < 3)
      print_error("  %s, value %ld: %a, at once %a\n", what, (long)i, (double)got[i],
                  (double)want[i]);
  return bad;
}

/* Twice, the second time from what the first left: position 0 begins anew. */
static int compare_compiled(const network *n, subject *whole, subject *steps) {
  int bad = 0;
  for (int64_t round = 0; round < 2; round++) {
    for (int64_t i = 0; i < whole->n; i++) whole->x[i] = token(round, i), steps->x[i] = 10;
    whole->a.port = whole->port;
    program_run(whole->p, &whole->a);
    for (int64_t i = 0; i < whole->n; i++) {
      steps->x[i] = token(round, i);
      steps->a.port = steps->port;
      program_run_position(steps->p, &steps->a, i);
    }
    bad += differences(n->name, steps->y, whole->y, whole->values);
  }
  return bad;
}

/* --- the interpreter, after every pass --- */

typedef struct {
  const network *n;
  const subject *whole;
  int bad;
} examiner;

static double *values_of(const tensor *t, const examiner *e) {
  double *to = calloc((size_t)tensor_elements(t) + 1, sizeof *to);
  if (t->role == T_INPUT) memcpy(to, e->whole->x, (size_t)tensor_elements(t) * 4);
  const weight_table *w = program_weights(e->whole->p);
  for (int i = 0; i < w->n; i++)
    for (int64_t k = 0; !strcmp(w->info[i].name, t->name) && k < w->info[i].count; k++)
      to[k] = (double)((float *)e->whole->a.params)[w->tensor[i]->offset / 4 + k];
  return to;
}

static void examine(const compilation *c, const char *pass, bool keeps_bits, void *arg) {
  examiner *e = arg;
  (void)keeps_bits;
  if (!c->p->stepwise) return;
  double **data = calloc((size_t)c->p->n_tensor + 1, sizeof *data);
  float *y = calloc((size_t)e->whole->values, sizeof *y);
  for (int i = 0; i < c->p->n_tensor; i++) data[i] = values_of(c->p->tensor[i], e);
  interp(c->p, data, false, 0, 0);
  for (int64_t i = 0; i < e->whole->values; i++) y[i] = (float)data[c->p->port[1]->id][i];
  int bad = differences(e->n->name, y, e->whole->y, e->whole->values);
  if (bad) print_error("  interpreted, after %s\n", pass);
  e->bad += bad;
  for (int i = 0; i < c->p->n_tensor; i++) free(data[i]);
  free(data);
  free(y);
}

static int compare_interpreted(const network *n, const graph *g, const subject *whole) {
  examiner e = {n, whole, 0};
  compilation c = {.g = g,
                   .opt = {.batch = 1, .threads = 1, .stepwise = true},
                   .after = examine,
                   .after_arg = &e};
  program_free(program_compile(&c));
  return e.bad;
}

static int compare_shared(const network *n, const graph *g, subject *whole) {
  subject steps = subject_new(g, 2, true);
  int bad = compare_compiled(n, whole, &steps);
  subject_free(&steps);
  return bad;
}

static void test_network(void **state) {
  const network *n = *state;
  graph *g = graph_load_text("test.net", n->text, strlen(n->text), NULL);
  assert_non_null(g);
  subject whole = subject_new(g, 1, false), steps = subject_new(g, 1, true);
  assert_int_equal(program_positions(whole.p), 0);
  assert_int_equal(program_positions(steps.p), n->positions);
  int bad = 0;
  if (n->positions) bad += compare_compiled(n, &whole, &steps);
  if (n->positions) bad += compare_interpreted(n, g, &whole);
  if (n->positions) bad += compare_shared(n, g, &whole);
  subject_free(&whole);
  subject_free(&steps);
  graph_free(g);
  assert_int_equal(bad, 0);
}

int main(void) {
  struct CMUnitTest tests[sizeof networks / sizeof *networks];
  for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
    tests[i] = (struct CMUnitTest){networks[i].name, test_network, NULL, NULL,
                                   (void *)(uintptr_t)&networks[i]};
  return _cmocka_run_group_tests("one position after the other", tests,
                                 sizeof tests / sizeof *tests, NULL, NULL);
}
