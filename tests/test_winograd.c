/* Convolutions in tiles: the same values as the plain sums in double precision, and a rounding
   error not much above theirs in single precision; where it applies, and where it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "compiler/base/philox.h"
#include "compiler/product/network.h"
#include "compiler/product/pipeline.h"
#include "compiler/passes/passes.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name, *text;
  int batch;
  int inverses, chains; /* nests of the training program that it makes, chains among them */
} network;

#define LAST " gap; linear classes; train { lr 0.05; optimizer sgd; }"
#define HEAVY " gap; linear classes; train { lr 0.05; optimizer sgd momentum=0.9 decay=0.001; }"
static const network networks[] = {
    {"tiles of 4", "input 16x8x8; classes 3; conv 32 k3 p1 relu; conv 32 k3 p1;" LAST, 12, 5, 0},
    {"tiles of 2", "input 16x6x6; classes 3; conv 32 k3 p1 relu; conv 32 k3 p1;" LAST, 16, 3, 0},
    {"no border", "input 16x10x10; classes 3; conv 32 k3 relu; conv 32 k3 p1;" LAST, 12, 5, 0},
    {"5 x 5", "input 16x8x8; classes 3; conv 32 k5 p2 relu; conv 32 k5 p2;" LAST, 12, 5, 5},
    {"heavy epilogue", "input 16x8x8; classes 3; conv 32 k3 p1 sigmoid; conv 32 k3 p1 tanh;" HEAVY,
     12, 5, 0},
    {"portions", "input 16x16x16; classes 3; conv 16 k3 p1 bn relu; conv 16 k3 p1;" LAST, 24, 5, 5},
    /* 100 tiles of 36 products, 48 channels: one sample is more than a portion should be. */
    {"single samples", "input 16x40x40; classes 3; conv 32 k3 p1 relu; conv 24 k3 p1;" LAST, 3, 5,
     5},
    {"odd sizes", "input 16x11x7; classes 3; conv 32 k3 p1 relu; conv 32 k3 p1 relu;" LAST, 12, 5,
     0},
    {"odd sizes, 5 x 5", "input 16x9x11; classes 3; conv 32 k5 p2 relu; conv 32 k5 p2;" LAST, 12, 3,
     3},
    {"dilation", "input 16x8x8; classes 3; conv 32 k3 d2 p2 relu; conv 32 k3 d2 p2;" LAST, 12, 5,
     0},
    {"dilation, odd sizes",
     "input 16x22x23; classes 3; conv 32 k3 d2 p2 tanh; conv 32 k3 d2 p2;" LAST, 6, 5, 5},
};

enum { N_NETWORKS = sizeof networks / sizeof *networks };

typedef struct {
  compilation c;
  double **data;
} run;

static int64_t elements(const tensor *t) {
  int64_t n = 1;
  for (int d = 0; d < t->rank; d++) n *= t->dim[d];
  return n;
}

static double uniform(const char *name, int64_t i) {
  uint32_t h = 5381;
  while (*name) h = h * 33 + (unsigned char)*name++;
  uint32_t ctr[4] = {(uint32_t)i, 0, h, 1}, key[2] = {5, 6}, r[4];
  philox4x32_10(ctr, key, r);
  return (float)(r[0] * 0x1p-31 - 1);
}

static graph *load(const network *n) {
  graph *g = graph_load_text("test.net", n->text, strlen(n->text), NULL);
  assert_non_null(g);
  return g;
}

/* One training step from the same values; in tiles, or plainly. */
static run step(const graph *g, int batch, bool tiles, bool exact) {
  run r = {
      .c = {.g = g, .opt = {.train = true, .batch = batch}, .optimizer = &g->train.optimizer[0]}};
  pipeline_run(&r.c, "order");
  if (tiles) winograd(r.c.p);
  verify(r.c.p);
  nestprog *p = r.c.p;
  r.data = NEW_N(r.c.mem, double *, p->n_tensor);
  for (int i = 0; i < p->n_tensor; i++) {
    const tensor *t = p->tensor[i];
    bool given = t->role == T_INPUT || t->role == T_PARAM || t->role == T_HYPER;
    r.data[i] = NEW_N(r.c.mem, double, elements(t));
    for (int64_t k = 0; given && k < elements(t); k++)
      r.data[i][k] = uniform(t->name, k) / (t->role == T_PARAM ? 8 : 1);
  }
  for (int k = 0; k < batch; k++) ((int32_t *)r.data[p->label->id])[k] = k % g->classes;
  interp(p, r.data, exact, 3, 0);
  return r;
}

static const double *values_of(const run *r, const tensor *like) {
  for (int i = 0; i < r->c.p->n_tensor; i++)
    if (!strcmp(r->c.p->tensor[i]->name, like->name)) return r->data[i];
  fail_msg("no tensor %s", like->name);
  return NULL;
}

/* Root mean square of the difference over that of the values, over logits or updated weights. */
static double relative_error(const run *r, const run *exact, trole role) {
  double off = 0, all = 0;
  for (int i = 0; i < exact->c.p->n_tensor; i++) {
    const tensor *t = exact->c.p->tensor[i];
    if (t->role != role) continue;
    const double *got = values_of(r, t), *want = exact->data[i];
    for (int64_t k = 0; k < elements(t); k++) {
      off += (got[k] - want[k]) * (got[k] - want[k]);
      all += want[k] * want[k];
    }
  }
  assert_true(all > 0);
  return sqrt(off / all);
}

static void same_values(void **state) {
  (void)state;
  for (int i = 0; i < N_NETWORKS; i++) {
    graph *g = load(&networks[i]);
    run plain = step(g, networks[i].batch, false, true),
        tiles = step(g, networks[i].batch, true, true);
    double logits = relative_error(&tiles, &plain, T_LOGITS),
           weights = relative_error(&tiles, &plain, T_PARAM);
    if (!(logits < 1e-12 && weights < 1e-12))
      fail_msg("%s: %g %g", networks[i].name, logits, weights);
    compilation_free(&plain.c);
    compilation_free(&tiles.c);
    graph_free(g);
  }
}

static void rounding_stays_small(void **state) {
  (void)state;
  for (int i = 0; i < N_NETWORKS; i++) {
    graph *g = load(&networks[i]);
    run exact = step(g, networks[i].batch, false, true);
    run plain = step(g, networks[i].batch, false, false),
        tiles = step(g, networks[i].batch, true, false);
    double usual = relative_error(&plain, &exact, T_LOGITS),
           here = relative_error(&tiles, &exact, T_LOGITS);
    if (!(here < 6 * usual))
      fail_msg("%s: error %g, of plain sums %g", networks[i].name, here, usual);
    compilation_free(&exact.c);
    compilation_free(&plain.c);
    compilation_free(&tiles.c);
    graph_free(g);
  }
}

static void counts(const nestprog *p, int *inverses, int *chains) {
  *inverses = 0;
  *chains = p->n_chain;
  for (const nest *n = p->nests; n; n = n->next) *inverses += !strncmp(n->name, "inverse of", 10);
}

static void applies_where_it_saves_work(void **state) {
  (void)state;
  for (int i = 0; i < N_NETWORKS; i++) {
    graph *g = load(&networks[i]);
    compilation c = {.g = g,
                     .opt = {.train = true, .batch = networks[i].batch},
                     .optimizer = &g->train.optimizer[0]};
    int inverses, chains;
    pipeline_run(&c, "winograd");
    counts(c.p, &inverses, &chains);
    if (inverses != networks[i].inverses || chains != networks[i].chains)
      fail_msg("%s: %d in tiles, %d in chains", networks[i].name, inverses, chains);
    compilation_free(&c);
    graph_free(g);
  }
}

static void not_elsewhere(void **state) {
  (void)state;
  static const network none[] = {
      {"strides", "input 16x16x16; classes 3; conv 32 k3 s2 p1 relu; conv 32 k3 s2 p1;" LAST, 12, 0,
       0},
      {"few channels", "input 3x16x16; classes 3; conv 4 k3 p1 relu;" LAST, 12, 0, 0},
      {"one sample", "input 16x8x8; classes 3; conv 64 k3 p1 relu; conv 64 k3 p1;" LAST, 1, 0, 0},
  };
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    graph *g = load(&none[i]);
    compilation c = {.g = g,
                     .opt = {.train = true, .batch = none[i].batch},
                     .optimizer = &g->train.optimizer[0]};
    int inverses, chains;
    pipeline_run(&c, "winograd");
    counts(c.p, &inverses, &chains);
    if (inverses) fail_msg("%s: %d in tiles", none[i].name, inverses);
    compilation_free(&c);
    graph_free(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_values),
      cmocka_unit_test(rounding_stays_small),
      cmocka_unit_test(applies_where_it_saves_work),
      cmocka_unit_test(not_elsewhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
