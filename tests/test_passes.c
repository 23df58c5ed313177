/* Passes alone: tests/passes/NAME.nest holds a program of nests, the passes to run (`run: ..`), and
   behind `---` what must come out. Where the first of them is `lower` it holds a network; what
   follows makes it a training step. `BLESS=1 build/test_passes` writes the expectations anew. And
   what is printed after any pass up to winograd is read back to the same text. */
#define access file_access /* nest.h has another one */
#include <unistd.h>
#undef access
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "compiler/code/target.h"
#include "compiler/product/network.h"
#include "compiler/passes/passes.h"
#include "compiler/product/pipeline.h"
#include "runtime/file.h"
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const target_info *machine_of_test(void) {
  return target_find("x86_64-unknown-linux-gnu", "+avx2,+fma");
}

static void run_grad(nestprog *p) { assert_true(grad(p, p->graph->train.optimizer)); }
static void run_gradients(nestprog *p) { assert_true(gradients(p)); }
static void run_updates(nestprog *p) { assert_true(updates(p, p->graph->train.optimizer)); }
static void run_stepwise(nestprog *p) { assert_true(stepwise(p)); }
static void run_block(nestprog *p) { block_program(p, machine_of_test()); }
static void run_sched(nestprog *p) { schedule_program(p, machine_of_test(), 1); }
static void run_group(nestprog *p) { group_program(p, machine_of_test()); }
static void run_plan(nestprog *p) { plan(p); }

static const struct {
  const char *name;
  void (*run)(nestprog *p);
} passes[] = {{"grad", run_grad},       {"gradients", run_gradients},
              {"updates", run_updates}, {"gather", gather},
              {"simplify", simplify},   {"pick", pick},
              {"order", order},         {"fuse", fuse},
              {"winograd", winograd},   {"stepwise", run_stepwise},
              {"halo", halo},           {"skip", skip_program},
              {"block", run_block},     {"sched", run_sched},
              {"group", run_group},     {"plan", run_plan}};

static char *dumped(const nestprog *p) {
  char *text = NULL;
  size_t size;
  FILE *f = open_memstream(&text, &size);
  dump_nests(p, f);
  if (!strcmp(p->stage, "plan")) dump_places(p, f);
  fclose(f);
  return text;
}

static void run_pass(nestprog *p, const char *name) {
  for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
    if (strcmp(passes[i].name, name)) continue;
    passes[i].run(p);
    bool of_grad = passes[i].run == run_gradients || passes[i].run == run_updates;
    p->stage = of_grad ? "grad" : passes[i].name;
    verify(p);
    return;
  }
  fail_msg("there is no pass `%s`", name);
}

/* The program of nests behind the line `run: ..`. */
static nestprog *read_program(arena *mem, const char *path, const char *text) {
  char *error = NULL;
  nestprog *p = read_nests(mem, text, &error);
  if (!p) fail_msg("%s: %s (counted from the line behind `run:`)", path, error);
  return p;
}

/* The network behind it, up to `---`. */
static graph *read_network(const char *path, const char *text) {
  const char *mark = strstr(text, "\n---\n");
  size_t n = mark ? (size_t)(mark - text) : strlen(text);
  graph *g = graph_load_text(path, text, n, NULL);
  if (!g) fail_msg("%s: its network has errors", path);
  return g;
}

/* The passes that a file's line `run: a b` names, on the program behind it. */
static char *transformed(const char *path, const char *text) {
  arena *mem = arena_new();
  const char *run = strstr(text, "run:");
  if (!run) fail_msg("%s: no line `run: ..`", path);
  char *line = arena_strndup(mem, run + 4, strcspn(run + 4, "\n"));
  const char *behind = run + 4 + strlen(line) + 1;
  char *word = strtok(line, " ");
  bool lowers = word && !strcmp(word, "lower");
  if (lowers) word = strtok(NULL, " ");
  graph *g = lowers ? read_network(path, behind) : NULL;
  nestprog *p = g ? lower(g, word, word, 2, mem) : read_program(mem, path, behind);
  if (g) p->stage = "lower";
  verify(p);
  for (; word; word = strtok(NULL, " ")) run_pass(p, word);
  char *out = dumped(p);
  arena_free(mem);
  graph_free(g);
  return out;
}

static void write_expectation(const char *path, const char *text, size_t head, const char *got) {
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fprintf(f, "%.*s---\n%s", (int)head, text, got);
  fclose(f);
}

static bool as_expected(const char *path) {
  size_t n;
  char *error = NULL, *text = (char *)file_read(path, &n, &error);
  if (!text) fail_msg("%s", error);
  text = realloc(text, n + 1);
  text[n] = 0;
  char *mark = strstr(text, "\n---\n");
  char *got = transformed(path, text);
  bool ok = mark && !strcmp(mark + 5, got);
  if (!ok && getenv("BLESS")) {
    write_expectation(path, text, mark ? (size_t)(mark + 1 - text) : n, got);
    ok = true;
  }
  if (!ok) fprintf(stderr, "%s gives now:\n%s", path, got);
  free(got);
  free(text);
  return ok;
}

static void passes_alone(void **state) {
  (void)state;
  glob_t found;
  int wrong = 0;
  assert_int_equal(glob("tests/passes/*.nest", 0, NULL, &found), 0);
  for (size_t i = 0; i < found.gl_pathc; i++) wrong += !as_expected(found.gl_pathv[i]);
  globfree(&found);
  assert_int_equal(wrong, 0);
}

/* --- verify: tests/verify/NAME.nest says what is wrong (`must: ..`), or that it must hold --- */

/* What verify prints of a program before it aborts; "hold" if it does not. */
static char *verified(const char *path, nestprog *p) {
  char *text = calloc(1, 1 << 16);
  int end[2], status;
  size_t n = 0;
  assert_int_equal(pipe(end), 0);
  pid_t child = fork();
  if (!child) {
    dup2(end[1], STDERR_FILENO);
    signal(SIGABRT, SIG_DFL);
    verify(p);
    _exit(0);
  }
  close(end[1]);
  for (ssize_t got; (got = read(end[0], text + n, 65535 - n)) > 0;) n += (size_t)got;
  close(end[0]);
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && !WEXITSTATUS(status)) strcpy(text, "hold");
  else if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) fail_msg("%s: no abort", path);
  return text;
}

static bool verified_as_it_must(const char *path) {
  arena *mem = arena_new();
  size_t n;
  char *error = NULL, *file = (char *)file_read(path, &n, &error);
  char *text = arena_strndup(mem, file, n), *must = strstr(text, "must: ");
  if (!must) fail_msg("%s: no line `must: ..`", path);
  must = arena_strndup(mem, must + 6, strcspn(must + 6, "\n"));
  nestprog *p = read_nests(mem, strstr(text, must) + strlen(must) + 1, &error);
  if (!p) fail_msg("%s: %s", path, error);
  char *got = verified(path, p);
  bool ok = strstr(got, must) != NULL;
  if (!ok) fprintf(stderr, "%s must give `%s`, and gives: %s\n", path, must, got);
  free(got);
  free(file);
  arena_free(mem);
  return ok;
}

static void verify_finds_what_is_wrong(void **state) {
  (void)state;
  glob_t found;
  int wrong = 0;
  assert_int_equal(glob("tests/verify/*.nest", 0, NULL, &found), 0);
  for (size_t i = 0; i < found.gl_pathc; i++) wrong += !verified_as_it_must(found.gl_pathv[i]);
  globfree(&found);
  assert_int_equal(wrong, 0);
}

static const char *const networks[] = {
    "input 3x8x8; classes 4; conv 16 k3 s2 p1 bn relu; dropout 0.3; maxpool 3 s2; linear classes; "
    "train { loss cross_entropy; optimizer adam; lr 0.01; }",
    "input 3x16x16; classes 4; add { conv 16 k3 p1; } { conv 16 k1; } gelu; conv 16 k3 p1 relu; "
    "gap; linear classes; train { loss cross_entropy; optimizer sgd momentum=0.9; lr 0.05; }",
    "input 2x4x4; classes 2; conv 4 k1; repeat 30 { gelu; } linear classes; "
    "train { loss cross_entropy; optimizer sgd; lr 0.05; }"};

static void printed_and_read(const graph *g, const char *stage) {
  compilation c = {.g = g, .opt = {.train = true, .loss = true, .batch = 8, .threads = 1}};
  char *error = NULL;
  arena *mem = arena_new();
  c.optimizer = &g->train.optimizer[0];
  pipeline_run(&c, stage);
  char *first = dumped(c.p);
  nestprog *p = read_nests(mem, first, &error);
  if (!p) fail_msg("after %s: %s", stage, error);
  if (strcmp(stage, "lower") && strcmp(stage, "grad")) verify(p);
  char *second = dumped(p);
  assert_string_equal(first, second);
  free(first);
  free(second);
  compilation_free(&c);
  arena_free(mem);
}

static void dumps_are_read_back(void **state) {
  (void)state;
  static const char *const stages[] = {"lower", "grad", "gather",  "simplify",
                                       "order", "fuse", "winograd"};
  for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
    graph *g = graph_load_text("test.net", networks[i], strlen(networks[i]), NULL);
    assert_non_null(g);
    for (size_t k = 0; k < sizeof stages / sizeof *stages; k++) printed_and_read(g, stages[k]);
    graph_free(g);
  }
}

static void wrong_text_is_told(void **state) {
  (void)state;
  static const char *const wrong[] = {"inference, batch 1, after lower\ntensors {\n  temp x[2\n}\n",
                                      "inference, batch 1, after lower\ntensors {\n  temp "
                                      "x[2]\n}\nnests {\n  # x\n  x[i] = y[i]  for "
                                      "i:2;\n}\n",
                                      "nothing"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    arena *mem = arena_new();
    char *error = NULL;
    assert_null(read_nests(mem, wrong[i], &error));
    assert_non_null(error);
    arena_free(mem);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(passes_alone), cmocka_unit_test(verify_finds_what_is_wrong),
      cmocka_unit_test(dumps_are_read_back), cmocka_unit_test(wrong_text_is_told)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
