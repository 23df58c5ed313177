/* An object file of the network, loaded into this process, against the JIT: the same initial
   weights, the same training steps, the same inference, to the bit. */
#include "cases.h"
#include "cli/link.h"
#include "product/object.h"
#include "product/program.h"
#include "runtime/atomic_file.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS = 2 };

typedef struct {
  object_sizes size;
  void *handle;
  void (*init)(void *params, uint64_t seed);
  void (*infer)(const void *params, const float *x, float *y, void *work);
  float (*train)(void *params, void *state, const float *x, const int32_t *labels, float lr,
                 uint64_t step, void *work);
} library;

static bool refuse(verdict *v, const char *what, const char *why) {
  v->outcome = DIFFERENT;
  snprintf(v->what, sizeof v->what, "object: %s%s", what, why ? why : "");
  return false;
}

static bool load(library *l, const object *o, verdict *v) {
  char path[] = "/tmp/netc-random-XXXXXX", *error = NULL;
  size_t n, shared_n;
  char *code = object_bytes(o, OBJECT_CODE, &n), *shared = link_shared(code, n, &shared_n, &error);
  int file = mkstemp(path);
  if (!shared || file < 0 || !atomic_write(path, shared, shared_n, &error))
    return refuse(v, "not linked: ", error);
  close(file);
  l->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  remove(path);
  if (!l->handle) return refuse(v, "not loaded: ", dlerror());
  *(void **)&l->init = dlsym(l->handle, "net_init");
  *(void **)&l->infer = dlsym(l->handle, "net_infer");
  *(void **)&l->train = dlsym(l->handle, "net_train");
  free(code), free(shared);
  return true;
}

static bool library_new(library *l, const graph *g, int batch, verdict *v) {
  char *error = NULL;
  object_options options = {.prefix = "net", .batch = batch, .train = true, .ident = "random"};
  object *o = object_new(g, &options, &error);
  if (!o) return false; /* a clear refusal: objects do less than the JIT */
  l->size = object_size(o);
  bool ok = load(l, o, v);
  object_free(o);
  return ok;
}

/* What both sides need to run. */
typedef struct {
  void *params, *state, *work;
  float *y, loss;
} run;

static run run_new(size_t params, size_t state, size_t work, size_t y) {
  return (run){zeroed(params), zeroed(state), zeroed(work), zeroed(4 * y), 0};
}

static void run_free(run *r) { free(r->params), free(r->state), free(r->work), free(r->y); }

static void run_library(const library *l, run *r, const float *x, const int32_t *labels) {
  l->init(r->params, 3);
  for (int i = 0; i < STEPS; i++)
    r->loss = l->train(r->params, r->state, x, labels, 0.05f, (uint64_t)i, r->work);
  l->infer(r->params, x, r->y, r->work);
}

static void run_jit(run *r, const graph *g, int batch, float *x, int32_t *labels) {
  program_options o = {.train = true, .batch = batch, .threads = 2};
  program *train = program_build(g, &o), *infer;
  float *losses = zeroed((size_t)batch * 4);
  o.train = false;
  infer = program_build(g, &o);
  free(r->work);
  r->work = zeroed(program_work_bytes(train) + program_work_bytes(infer));
  run_args a = {.params = r->params,
                .state = r->state,
                .work = r->work,
                .x = x,
                .labels = labels,
                .logits = r->y,
                .losses = losses,
                .lr = 0.05f,
                .seed = (uint64_t)g->train.seed.v[0]};
  program_init(train, r->params, r->state, 3);
  for (a.step = 0; a.step < STEPS; a.step++) program_run(train, &a);
  for (int i = 0; i < batch; i++) r->loss += losses[i];
  r->loss /= (float)batch;
  a.step = 0; /* what an object counts with */
  program_run(infer, &a);
  program_free(train), program_free(infer), free(losses);
}

/* Objects with the functions of one image and one label: others have other signatures. */
static bool simple(const graph *g) {
  return g->n_input == 1 && g->n_target == 1 && !g->input[0]->is_int && g->target[0]->is_int;
}

bool judge_object(const graph *g, int batch, verdict *v) {
  library l = {0};
  if (!simple(g)) return true;
  if (!library_new(&l, g, batch, v)) return v->outcome != DIFFERENT;
  const object_sizes *s = &l.size;
  size_t n_y = (size_t)(batch * s->classes);
  run a = run_new((size_t)s->params, (size_t)s->state, (size_t)(s->train + s->infer), n_y);
  run b = run_new((size_t)s->params, (size_t)s->state, 0, n_y);
  float *x = zeroed((size_t)(batch * s->input) * 4);
  int n_label = batch;
  for (int d = 0; d < g->target[0]->shape.rank; d++) n_label *= (int)g->target[0]->shape.dim[d];
  int32_t *labels = zeroed((size_t)n_label * 4);
  for (int64_t i = 0; i < batch * s->input; i++) x[i] = random_at(1, (uint32_t)i) - 0.3f;
  for (int i = 0; i < n_label; i++)
    labels[i] = (int32_t)(random_at(2, (uint32_t)i) * (float)g->classes);
  run_library(&l, &a, x, labels);
  run_jit(&b, g, batch, x, labels);
  bool ok = !memcmp(a.params, b.params, (size_t)s->params) || refuse(v, "trained weights", NULL);
  ok = ok && (!memcmp(a.y, b.y, 4 * n_y) || refuse(v, "results", NULL));
  ok = ok && (!memcmp(&a.loss, &b.loss, 4) || refuse(v, "losses", NULL));
  run_free(&a), run_free(&b), free(x), free(labels);
  dlclose(l.handle);
  return ok;
}
