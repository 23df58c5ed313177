/* Objects against the JIT: the same bits, the same speed; and the loader against hostile bytes.
   `test_object reference NET BATCH` prints what tests/object/drive.c prints, computed by the
   interpreter under the rule of machines without fused multiply-add (WebAssembly). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/link.h"
#include "product/network.h"
#include "product/object.h"
#include "product/pipeline.h"
#include "product/program.h"
#include "runtime/atomic_file.h"
#include "runtime/message.h"
#include "runtime/safetensors.h"
#include "runtime/weight_file.h"
#include "tests/object/samples.h"
#include "product/weights.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <string.h>
#include <time.h>

#define SMALL "tests/object/small.net"
#define EMOJI "models/emoji.net"
#define TILES "tests/object/tiles.net"
enum { STEPS = 25 };

/* --- an object, loaded into this process --- */

typedef struct {
  graph *g;
  object_sizes size;
  void *handle;
  void (*init)(void *params, uint64_t seed);
  void (*infer)(const void *params, const float *x, float *y, void *work);
  float (*train)(void *params, void *state, const float *x, const int32_t *labels, float lr,
                 uint64_t step, void *work);
  int (*load)(void *params, const void *safetensors, size_t bytes);
} library;

static void *symbol(const library *l, const char *name) { return dlsym(l->handle, name); }

static void load_library(library *l, const object *o) {
  char path[] = "/tmp/netc-test-XXXXXX", *error = NULL;
  size_t n, shared_n;
  char *code = object_bytes(o, OBJECT_CODE, &n), *shared = link_shared(code, n, &shared_n, &error);
  assert_non_null(shared);
  assert_true(mkstemp(path) >= 0);
  assert_true(atomic_write(path, shared, shared_n, &error));
  l->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!l->handle) fail_msg("%s", dlerror());
  remove(path);
  *(void **)&l->init = symbol(l, "net_init");
  *(void **)&l->infer = symbol(l, "net_infer");
  *(void **)&l->train = symbol(l, "net_train");
  *(void **)&l->load = symbol(l, "net_load");
  free(code);
  free(shared);
}

static library library_new(const char *net, int batch, bool train, const void *weights) {
  char *error = NULL;
  library l = {.g = graph_load(net, NULL)};
  assert_non_null(l.g);
  object_options options = {
      .prefix = "net", .batch = batch, .train = train, .weights = weights, .ident = "test"};
  object *o = object_new(l.g, &options, &error);
  if (!o) fail_msg("%s", error);
  l.size = object_size(o);
  load_library(&l, o);
  object_free(o);
  return l;
}

static void library_free(library *l) {
  dlclose(l->handle);
  graph_free(l->g);
}

/* --- memory --- */

static void *block(int64_t bytes) {
  size_t n = (size_t)(bytes + 64) / 64 * 64;
  void *p = aligned_alloc(64, n);
  memset(p, 0, n);
  return p;
}

/* One network's blocks and samples. */
typedef struct {
  void *params, *state, *infer_work, *train_work;
  float *x, *y, *logits, *losses;
  int32_t *labels;
} blocks;

static blocks blocks_new(const object_sizes *s) {
  return (blocks){block(s->params),
                  block(s->state),
                  block(s->infer),
                  block(s->train),
                  block(4 * s->batch * s->input),
                  block(4 * s->batch * s->classes),
                  block(4 * s->batch * s->classes),
                  block(4 * s->batch),
                  block(4 * s->batch)};
}

static void blocks_free(blocks *b) {
  void *all[] = {b->params, b->state,  b->infer_work, b->train_work, b->x,
                 b->y,      b->logits, b->losses,     b->labels};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void samples(const blocks *b, const object_sizes *s, uint32_t seed) {
  make_samples(b->x, s->batch * s->input, b->labels, s->batch, (int)s->classes, seed);
}

/* --- the same bits as the JIT --- */

static float mean(const float *v, int n) {
  float sum = 0;
  for (int i = 0; i < n; i++) sum += v[i];
  return sum / (float)n;
}

static float jit_step(program *p, const graph *g, blocks *b, uint64_t step) {
  run_args a = {.params = b->params,
                .state = b->state,
                .work = b->train_work,
                .x = b->x,
                .labels = b->labels,
                .logits = b->logits,
                .losses = b->losses,
                .lr = 0.05f,
                .seed = (uint64_t)g->train.seed.v[0],
                .step = step};
  program_run(p, &a);
  return mean(b->losses, program_batch(p));
}

static void jit_infer(program *p, blocks *b) {
  run_args a = {.params = b->params, .work = b->infer_work, .x = b->x, .logits = b->y};
  program_run(p, &a);
}

static void same(const void *a, const void *b, int64_t n, const char *what) {
  if (memcmp(a, b, (size_t)n)) fail_msg("%s differ between the object and the JIT", what);
}

static void compare_with_jit(const char *net, int batch) {
  library l = library_new(net, batch, true, NULL);
  const object_sizes *s = &l.size;
  program *infer = program_build(l.g, &(program_options){.batch = batch, .threads = 1});
  program *train =
      program_build(l.g, &(program_options){.train = true, .batch = batch, .threads = 2});
  assert_int_equal(program_params_bytes(train), s->params);
  assert_int_equal(program_state_bytes(train), s->state);
  blocks ours = blocks_new(s), theirs = blocks_new(s);
  free(theirs.train_work); /* two threads may need more than the object's one */
  theirs.train_work = block((int64_t)program_work_bytes(train));
  l.init(ours.params, 7);
  program_init(train, theirs.params, theirs.state, 7);
  same(ours.params, theirs.params, s->params, "initial weights");
  for (int i = 0; i < STEPS; i++) {
    samples(&ours, s, (uint32_t)i);
    samples(&theirs, s, (uint32_t)i);
    float a =
        l.train(ours.params, ours.state, ours.x, ours.labels, 0.05f, (uint64_t)i, ours.train_work);
    float b = jit_step(train, l.g, &theirs, (uint64_t)i);
    same(&a, &b, sizeof a, "losses");
  }
  same(ours.params, theirs.params, s->params, "trained weights");
  same(ours.state, theirs.state, s->state, "optimizer states");
  l.infer(ours.params, ours.x, ours.y, ours.infer_work);
  jit_infer(infer, &theirs);
  same(ours.y, theirs.y, 4 * s->batch * s->classes, "logits");
  program_free(infer);
  program_free(train);
  blocks_free(&ours);
  blocks_free(&theirs);
  library_free(&l);
}

static void test_bits_small(void **unused) {
  (void)unused;
  compare_with_jit(SMALL, 6);
}

static void test_bits_emoji(void **unused) {
  (void)unused;
  compare_with_jit(EMOJI, 10);
}

static void test_bits_tiles(void **unused) {
  (void)unused;
  compare_with_jit(TILES, 24);
}

static void test_embedded(void **unused) {
  (void)unused;
  library plain = library_new(SMALL, 2, true, NULL);
  blocks b = blocks_new(&plain.size);
  float *y = block(4 * 2 * plain.size.classes);
  samples(&b, &plain.size, 1);
  plain.init(b.params, 3);
  plain.infer(b.params, b.x, y, b.infer_work);
  library only = library_new(SMALL, 2, false, b.params),
          both = library_new(SMALL, 2, true, b.params);
  assert_int_equal(only.size.params, 0);
  assert_null(only.init);
  assert_null(only.load);
  only.infer(NULL, b.x, b.y, b.infer_work);
  same(b.y, y, 4 * 2 * plain.size.classes, "logits of embedded weights");
  void *params = block(both.size.params);
  both.init(params, 99);
  same(params, b.params, both.size.params, "weights to train on from");
  both.infer(NULL, b.x, b.y, b.infer_work);
  same(b.y, y, 4 * 2 * plain.size.classes, "logits of embedded weights");
  free(params);
  free(y);
  blocks_free(&b);
  library_free(&plain);
  library_free(&only);
  library_free(&both);
}

/* --- speed --- */

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The quickest of many runs of each, taken in turns. */
static double latency_ratio(const library *l, program *p, blocks *b) {
  double object = 1e9, jit = 1e9;
  for (int i = 0; i < 300; i++) {
    double t0 = now();
    l->infer(b->params, b->x, b->y, b->infer_work);
    double t1 = now();
    jit_infer(p, b);
    double t2 = now();
    if (t1 - t0 < object) object = t1 - t0;
    if (t2 - t1 < jit) jit = t2 - t1;
  }
  return object / jit;
}

static void test_latency(void **unused) {
  (void)unused;
  library l = library_new(EMOJI, 1, false, NULL);
  program *p = program_build(l.g, &(program_options){.batch = 1, .threads = 1});
  blocks b = blocks_new(&l.size);
  double ratio = 9;
  l.init(b.params, 1);
  for (int round = 0; round < 10 && ratio > 1.03; round++) ratio = latency_ratio(&l, p, &b);
  print_message("latency of the object: %.3f of the JIT's\n", ratio);
  assert_true(ratio <= 1.03);
  program_free(p);
  blocks_free(&b);
  library_free(&l);
}

/* --- the loader --- */

static char *weights_as_file(const program *p, const void *params, size_t *n) {
  char path[] = "/tmp/netc-test-XXXXXX", *error = NULL;
  const st_meta about = {"note", "\\ \" {\"conv1.weight\": [}"};
  assert_true(mkstemp(path) >= 0);
  if (!weights_save(p, path, params, NULL, &about, 1, &error)) fail_msg("%s", error);
  char *bytes = read_whole_file(path, 1 << 30, n, &error);
  remove(path);
  return bytes;
}

/* Loads a copy that ends where readable memory ends: one byte too far and the test dies. */
static int load_copy(const library *l, void *params, const char *bytes, size_t n) {
  size_t page = 65536, room = (n + page - 1) / page * page;
  char *memory =
      mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(memory != MAP_FAILED);
  mprotect(memory + room, page, PROT_NONE);
  memcpy(memory + room - n, bytes, n);
  int status = l->load(params, memory + room - n, n);
  munmap(memory, room + page);
  return status;
}

static void test_loader(void **unused) {
  (void)unused;
  library l = library_new(SMALL, 1, false, NULL);
  program *p = program_build(l.g, &(program_options){.batch = 1, .threads = 1});
  blocks b = blocks_new(&l.size);
  size_t n;
  l.init(b.params, 11);
  char *file = weights_as_file(p, b.params, &n);
  void *loaded = block(l.size.params), *clean = block(l.size.params);
  assert_int_equal(load_copy(&l, loaded, file, n), 0);
  same(loaded, b.params, l.size.params, "loaded weights");
  uint64_t header = 8;
  memcpy(&header, file, 8);
  memset(loaded, 0, (size_t)l.size.params);
  for (size_t cut = 0; cut < n; cut += cut < header + 64 ? 1 : 97) {
    assert_true(load_copy(&l, loaded, file, cut) < 0);
    same(loaded, clean, l.size.params, "weights after a refused file");
  }
  uint32_t r = 1;
  for (int i = 0; i < 20000; i++) { /* damaged headers: loaded or refused, and no more */
    size_t at = next_random(&r) % (header + 8);
    char was = file[at];
    file[at] = i % 2 ? "{}[]\":,\\09"[(next_random(&r) >> 8) % 10] : (char)(next_random(&r) >> 16);
    int status = load_copy(&l, loaded, file, n);
    assert_true(status <= 0 && status >= -5);
    file[at] = was;
  }
  free(file);
  free(loaded);
  free(clean);
  program_free(p);
  blocks_free(&b);
  library_free(&l);
}

/* --- other ports than an image and a class --- */

enum { MOST_PORTS = 8 };
typedef struct {
  void *params, *state, *infer_work, *train_work;
  void *port[MOST_PORTS]; /* of the training step: inputs, targets, predictions, losses */
} port_blocks;

static void draw_port(const port_info *p, int batch, void *to, uint32_t seed) {
  int32_t unused[1];
  float *x = to;
  make_samples(x, p->count * batch, unused, 1, 1, seed);
  for (int64_t i = 0; p->is_int && i < p->count * batch; i++)
    ((int32_t *)to)[i] = (int32_t)((uint32_t)(x[i] * 65536) % (uint32_t)p->below);
}

static port_blocks port_blocks_new(program *train, const object_sizes *s, int64_t work) {
  port_blocks b = {block(s->params), block(s->state), block(s->infer), block(work), {0}};
  assert_true(program_n_ports(train) <= MOST_PORTS);
  for (int i = 0; i < program_n_ports(train); i++)
    b.port[i] = block(4 * program_port(train, i)->count * s->batch);
  return b;
}

static void port_blocks_free(port_blocks *b) {
  free(b->params), free(b->state), free(b->infer_work), free(b->train_work);
  for (int i = 0; i < MOST_PORTS; i++) free(b->port[i]);
}

/* The inputs and predictions of inference among the ports of training. */
static void inference_ports(const program *train, void *const *port, void **of) {
  for (int i = 0, n = 0; i < program_n_ports(train); i++) {
    port_role role = program_port(train, i)->role;
    if (role == PORT_INPUT || role == PORT_PREDICTION) of[n++] = port[i];
  }
}

typedef float (*train_ports)(const library *l, port_blocks *b, uint64_t step);
typedef void (*infer_ports)(const library *l, port_blocks *b, void **port);

static void compare_ports_with_jit(const char *net, train_ports step, infer_ports infer_with) {
  library l = library_new(net, 3, true, NULL);
  program *infer = program_build(l.g, &(program_options){.batch = 3, .threads = 1}),
          *train = program_build(l.g, &(program_options){.train = true, .batch = 3, .threads = 2});
  port_blocks ours = port_blocks_new(train, &l.size, l.size.train),
              theirs = port_blocks_new(train, &l.size, (int64_t)program_work_bytes(train));
  void *port[MOST_PORTS];
  l.init(ours.params, 7);
  program_init(train, theirs.params, theirs.state, 7);
  same(ours.params, theirs.params, l.size.params, "initial weights");
  for (int i = 0; i < STEPS; i++) {
    for (int k = 0; program_port(train, k)->role <= PORT_TARGET; k++) {
      draw_port(program_port(train, k), 3, ours.port[k], (uint32_t)(10 * i + k));
      draw_port(program_port(train, k), 3, theirs.port[k], (uint32_t)(10 * i + k));
    }
    run_args a = {.params = theirs.params,
                  .state = theirs.state,
                  .work = theirs.train_work,
                  .port = theirs.port,
                  .lr = 0.05f,
                  .step = (uint64_t)i,
                  .seed = (uint64_t)l.g->train.seed.v[0]};
    float loss = step(&l, &ours, (uint64_t)i), want;
    program_run(train, &a);
    want = mean(theirs.port[program_n_ports(train) - 1], 3);
    same(&loss, &want, sizeof loss, "losses");
  }
  same(ours.params, theirs.params, l.size.params, "trained weights");
  inference_ports(train, ours.port, port);
  infer_with(&l, &ours, port);
  inference_ports(train, theirs.port, port);
  program_run(infer, &(run_args){.params = theirs.params, .work = theirs.infer_work, .port = port});
  for (int i = 0; i < program_n_ports(train) - 1; i++)
    same(ours.port[i], theirs.port[i], 4 * 3 * program_port(train, i)->count, "ports");
  program_free(infer);
  program_free(train);
  port_blocks_free(&ours);
  port_blocks_free(&theirs);
  library_free(&l);
}

static float train_tokens(const library *l, port_blocks *b, uint64_t step) {
  return l->train(b->params, b->state, b->port[0], b->port[1], 0.05f, step, b->train_work);
}

static void infer_tokens(const library *l, port_blocks *b, void **port) {
  l->infer(b->params, port[0], port[1], b->infer_work);
}

static float train_several(const library *l, port_blocks *b, uint64_t step) {
  float (*train)(void *params, void *state, const float *float_, const int32_t *right,
                 const float *y, const int32_t *kind, float lr, uint64_t step, void *work);
  *(void **)&train = symbol(l, "net_train");
  return train(b->params, b->state, b->port[0], b->port[1], b->port[2], b->port[3], 0.05f, step,
               b->train_work);
}

static void infer_several(const library *l, port_blocks *b, void **port) {
  void (*infer)(const void *params, const float *float_, const int32_t *right, float *value,
                float *other, void *work);
  *(void **)&infer = symbol(l, "net_infer");
  infer(b->params, port[0], port[1], port[2], port[3], b->infer_work);
}

static void test_bits_ports(void **unused) {
  (void)unused;
  compare_ports_with_jit("tests/object/tokens.net", train_tokens, infer_tokens);
  compare_ports_with_jit("tests/object/several.net", train_several, infer_several);
}

static void test_header_of_ports(void **unused) {
  (void)unused;
  graph *g = graph_load("tests/object/several.net", NULL);
  object_options options = {.prefix = "net", .batch = 2, .train = true, .ident = "test"};
  char *error = NULL;
  object *o = object_new(g, &options, &error);
  char *header = object_header(o);
  static const char *const lines[] = {
      "  NET_FLOAT__COUNT = 50, ", "  NET_RIGHT_BELOW = 10, ",
      "input   float_       2 x 5 x 5 floats",
      "target  kind         1 whole number below 4 (int32_t)",
      "void net_infer(const void *params, const float *float_, const int32_t *right, float *value, "
      "float *other, void *work);"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (!strstr(header, lines[i])) fail_msg("no `%s` in\n%s", lines[i], header);
  free(header);
  object_free(o);
  graph_free(g);
}

static void test_no_such_machine(void **unused) {
  (void)unused;
  graph *g = graph_load(SMALL, NULL);
  object_options o = {.prefix = "net", .batch = 1, .ident = "test", .triple = "z80-none-none"};
  char *error = NULL;
  assert_null(object_new(g, &o, &error));
  assert_non_null(strstr(error, "--target"));
  free(error);
  o.triple = "aarch64-linux-gnu";
  o.cpu = "cortex-a1000";
  assert_null(object_new(g, &o, &error));
  assert_non_null(strstr(error, "cortex-a1000"));
  free(error);
  graph_free(g);
}

/* --- what machines without fused multiply-add must give --- */

typedef struct {
  compilation c;
  double **data;
} interpreted;

static interpreted interpreted_new(const graph *g, machine *m, int batch, bool train) {
  interpreted p = {.c = {.g = g, .machine = m}};
  p.c.opt = (program_options){.train = train, .batch = batch, .threads = 1};
  if (train) p.c.optimizer = &g->train.optimizer[0];
  pipeline_run(&p.c, NULL);
  p.data = calloc((size_t)p.c.p->n_tensor, sizeof *p.data);
  for (int i = 0; i < p.c.p->n_tensor; i++) p.data[i] = block(2 * tensor_bytes(p.c.p->tensor[i]));
  return p;
}

static void interpreted_free(interpreted *p) {
  for (int i = 0; i < p->c.p->n_tensor; i++) free(p->data[i]);
  free(p->data);
  compilation_free(&p->c);
}

/* Between the doubles of the interpreter and a block of floats. */
static void move_block(interpreted *p, int which, float *to_or_from, bool out) {
  for (int i = 0; i < p->c.p->n_tensor; i++) {
    const tensor *t = p->c.p->tensor[i];
    if (t->block != which || t->role == T_TEMP) continue;
    for (int64_t k = 0; k < tensor_bytes(t) / 4; k++) {
      if (out) to_or_from[t->offset / 4 + k] = (float)p->data[i][k];
      else p->data[i][k] = to_or_from[t->offset / 4 + k];
    }
  }
}

static void put(interpreted *p, const tensor *t, const float *v, int64_t n) {
  for (int64_t k = 0; k < n; k++) p->data[t->id][k] = v[k];
}

static void show(const char *what, const void *data, int64_t n) {
  printf("%s %016llx\n", what, (unsigned long long)hash_bytes(data, n));
}

static void interpret_infer(interpreted *p, blocks *b, const object_sizes *s, const char *what) {
  move_block(p, BLOCK_PARAMS, b->params, false);
  put(p, p->c.p->x, b->x, s->batch * s->input);
  interp(p->c.p, p->data, false, 0, 0);
  move_block(p, p->c.p->logits->block, b->y, true);
  show(what, b->y, 4 * s->batch * s->classes);
}

static float interpret_step(interpreted *p, blocks *b, const object_sizes *s, uint64_t step) {
  float lr = 0.05f;
  put(p, p->c.p->x, b->x, s->batch * s->input);
  memcpy(p->data[p->c.p->label->id], b->labels, 4 * (size_t)s->batch);
  put(p, p->c.p->lr, &lr, 1);
  interp(p->c.p, p->data, false, (uint64_t)p->c.g->train.seed.v[0], step);
  move_block(p, p->c.p->losses->block, b->losses, true);
  return mean(b->losses, s->batch);
}

static int reference(const char *net, int batch) {
  char *error = NULL;
  graph *g = graph_load(net, NULL);
  machine *m = machine_new("wasm32-unknown-unknown", NULL, NULL, &error);
  if (!g || !m) return 1;
  library l = library_new(net, batch, true, NULL);
  const object_sizes *s = &l.size;
  interpreted infer = interpreted_new(g, m, batch, false),
              train = interpreted_new(g, m, batch, true);
  blocks b = blocks_new(s);
  float losses[STEPS];
  l.init(b.params, 7);
  show("init", b.params, s->params);
  samples(&b, s, 1);
  interpret_infer(&infer, &b, s, "logits");
  move_block(&train, BLOCK_PARAMS, b.params, false);
  for (int i = 0; i < STEPS; i++) {
    samples(&b, s, 2 + (uint32_t)i);
    losses[i] = interpret_step(&train, &b, s, (uint64_t)i);
  }
  show("losses", losses, sizeof losses);
  move_block(&train, BLOCK_STATE, b.state, true);
  move_block(&train, BLOCK_PARAMS, b.params, true);
  show("state", b.state, s->state);
  show("params", b.params, s->params);
  interpret_infer(&infer, &b, s, "trained");
  blocks_free(&b);
  interpreted_free(&infer);
  interpreted_free(&train);
  library_free(&l);
  machine_free(m);
  graph_free(g);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 4 && !strcmp(argv[1], "reference")) return reference(argv[2], atoi(argv[3]));
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bits_small),      cmocka_unit_test(test_bits_emoji),
      cmocka_unit_test(test_bits_tiles),      cmocka_unit_test(test_embedded),
      cmocka_unit_test(test_loader),          cmocka_unit_test(test_bits_ports),
      cmocka_unit_test(test_header_of_ports), cmocka_unit_test(test_no_such_machine),
      cmocka_unit_test(test_latency),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
