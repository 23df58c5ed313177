/* The front end: networks, overrides, studies, operators and layout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "graph/expand.h"
#include "lang/fmt.h"
#include "product/network.h"
#include <stdlib.h>
#include <string.h>

static graph *load(const char *text) { return graph_load_text("t.net", text, strlen(text), NULL); }

static const node *find(const graph *g, const char *name) {
  for (int i = 0; i < g->n_node; i++)
    if (!strcmp(g->node[i]->name, name)) return g->node[i];
  fail_msg("no node %s", name);
  return NULL;
}

static void assert_shape(const graph *g, const char *name, int64_t c, int64_t h, int64_t w) {
  const node *n = find(g, name);
  int64_t got[MAX_RANK] = {0, 1, 1};
  shape_in_files(&n->shape, false, got);
  assert_int_equal(got[0], c);
  assert_int_equal(got[1], h);
  assert_int_equal(got[2], w);
}

static int64_t elements(const opdecl *d, const xenv *env, diag *diags) {
  double v = 1, n = 1;
  if (d->when) assert_true(xexpr_eval(d->when, env, diags, &v));
  if (v == 0) return 0;
  for (int k = 0; k < d->n_dim; k++) {
    assert_true(xexpr_eval(d->dim[k].extent, env, diags, &v));
    n *= v;
  }
  return (int64_t)n;
}

static int64_t parameters(const graph *g) {
  int64_t total = 0;
  for (int i = 1; i < g->n_node; i++) {
    xenv env;
    const opdef *op = g->node[i]->op;
    node_env(g->node[i], 1, g->d, &env);
    for (int k = 0; k < op->n_decl; k++)
      if (!op->decl[k].is_state) total += elements(&op->decl[k], &env, g->d);
  }
  return total;
}

/* --- the networks that come with netc --- */

static void test_models(void **state) {
  (void)state;
  static const struct {
    const char *path;
    int64_t parameters, classes;
    double lr, batch, epochs;
  } models[] = {{"models/emoji.net", 1069509, 5, 0.07, 10, 16},
                {"models/emoji-b5.net", 1069509, 5, 0.1, 5, 30},
                {"models/emoji-60.net", 1069509, 5, 0.07, 10, 60},
                {"models/emoji-wide.net", 1069509, 5, 0.07, 10, 16},
                {"models/emoji-pool.net", 283077, 5, 0.07, 10, 16},
                {"models/emoji-initial.net", 287269, 5, 0.05, 20, 15},
                {"models/emoji-sigmoid.net", 1069509, 5, 0.07, 10, 16},
                {"models/emoji-softmax.net", 1069509, 5, 0.07, 10, 16},
                {"models/emoji-studies.net", 1069509, 5, 0.07, 10, 16},
                {"models/resnet20.net", 272474, 10, 0.05, 32, 30}};
  for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
    graph *g = graph_load(models[i].path, NULL);
    assert_non_null(g);
    assert_int_equal(parameters(g), models[i].parameters);
    assert_int_equal(g->classes, models[i].classes);
    assert_true(g->train.lr.v[0] == models[i].lr);
    assert_true(g->train.batch.v[0] == models[i].batch);
    assert_true(g->train.epochs.v[0] == models[i].epochs);
    graph_free(g);
  }
}

static void test_emoji_layers(void **state) {
  (void)state;
  graph *g = graph_load("models/emoji.net", NULL);
  assert_non_null(g);
  assert_shape(g, "conv1", 32, 16, 16);
  assert_shape(g, "maxpool1", 32, 8, 8);
  assert_shape(g, "conv2", 64, 8, 8);
  assert_shape(g, "fc1", 256, 1, 1);
  assert_shape(g, "fc2", 5, 1, 1);
  assert_string_equal(g->name, "emoji");
  assert_int_equal(g->train.split->count[0], 800);
  assert_int_equal(g->train.split->count[1], 205);
  assert_string_equal(g->train.data_as_written, "../examples/emoji/emoji.pkl");
  assert_string_equal(g->train.optimizer->op->name, "sgd");
  graph_free(g);
}

static void test_let_of_the_including_file_wins(void **state) {
  (void)state;
  graph *g = graph_load("models/emoji-sigmoid.net", NULL);
  assert_non_null(g);
  assert_string_equal(find(g, "sigmoid3")->op->name, "sigmoid");
  assert_int_equal(g->n_source, 2);
  graph_free(g);
}

/* --- the language --- */

static void test_settings(void **state) {
  (void)state;
  graph *g = load("input 3x20x30; let w = 4; let act = relu6;\n"
                  "conv w k3x5 s2 p1 act; conv (2*w+1) 3 d=2 bias=0; dw k3 p1;\n"
                  "maxpool 3 s2 p1; avgpool k2x1; dropout=0.25; linear 7");
  assert_null(g); /* the last `;` */
  g = load("input 3x20x30; let w = 4; let act = relu6;\n"
           "conv w k3x5 s2 p1 act; conv (2*w+1) 3 d=2 bias=0; dw k3 p1;\n"
           "maxpool 3 s2 p1; avgpool k2x1 dropout=0.25; linear 7;");
  assert_non_null(g);
  assert_shape(g, "conv1", 4, 10, 14);
  assert_shape(g, "relu6_1", 4, 10, 14);
  assert_shape(g, "conv2", 9, 6, 10);
  assert_shape(g, "dw1", 9, 6, 10);
  assert_shape(g, "maxpool1", 9, 3, 5);
  assert_shape(g, "avgpool1", 9, 1, 5);
  assert_true(node_setting(find(g, "dropout1"), "p") == 0.25);
  assert_true(node_setting(find(g, "conv2"), "bias") == 0);
  assert_int_equal(parameters(g), (4 * 45 + 4) + 9 * 36 + 90 + 45 * 7 + 7);
  graph_free(g);
}

static void test_structure(void **state) {
  (void)state;
  graph *g = load(
      "input 3x8x8; block unit(c, s=1) { add { conv c k3 p1 s=s; } { conv c k1 s=s; } relu; }\n"
      "stem: conv 4 k3 p1; repeat 2 { unit 4; } unit 8 s2;\n"
      "concat {} { unit 8; } { gap; conv 1 k1; } ;");
  assert_null(g); /* concat of 4x4 and 1x1 */
  g = load(
      "input 3x8x8; block unit(c, s=1) { add { conv c k3 p1 s=s; } { conv c k1 s=s; } relu; }\n"
      "stem: conv 4 k3 p1; repeat 2 { unit 4; } add {} @stem; unit 8 s2;\n"
      "concat {} { unit 8; } {} relu;");
  assert_non_null(g);
  assert_shape(g, "add4", 8, 4, 4);
  assert_shape(g, "concat2", 24, 4, 4);
  assert_string_equal(find(g, "stem")->counted, "conv1");
  assert_ptr_equal(find(g, "add3")->in[1], find(g, "stem"));
  assert_ptr_equal(find(g, "concat1")->in[0], find(g, "relu3"));
  for (int i = 1; i < g->n_node; i++)
    for (int k = 0; k < g->node[i]->n_in; k++) assert_true(g->node[i]->in[k]->id < i);
  graph_free(g);
}

static void test_bom_and_crlf(void **state) {
  (void)state;
  graph *g = load("\xef\xbb\xbfinput 3x8x8;\r\n# a comment\r\nlinear 4 # more\r\n relu;\r\n");
  assert_non_null(g);
  assert_shape(g, "relu1", 4, 1, 1);
  graph_free(g);
}

static void test_training_values(void **state) {
  (void)state;
  graph *g = load(
      "input 3x8x8; classes 4; linear classes; train { data \"d.pkl\" images=x scale=1/255;\n"
      "split 0.8; optimizer adam beta1=0.8; lr {0.1 (1/4)}; schedule cosine warmup=2 final=0.1;\n"
      "stop val_loss patience=3 restore; augment flip shift=2; loss mse; seed 7; }");
  assert_non_null(g);
  const traincfg *t = &g->train;
  assert_true(t->scale == 1.0 / 255);
  assert_string_equal(t->images, "x");
  assert_true(t->split->is_fraction && t->split->fraction[0] == 0.8);
  assert_true(t->optimizer->set[0].v[0] == 0.8 && t->optimizer->set[1].v[0] == 0.999);
  assert_int_equal(t->lr.n, 2);
  assert_true(t->lr.v[1] == 0.25);
  assert_string_equal(t->schedule.kind, "cosine");
  assert_true(t->schedule.value[SCHEDULE_WARMUP] == 2 && t->schedule.value[SCHEDULE_FINAL] == 0.1);
  assert_string_equal(t->stop_metric, "val_loss");
  assert_true(t->stop_patience == 3 && t->stop_restore);
  assert_true(t->augment.flip && t->augment.shift == 2);
  assert_string_equal(t->loss->use.op->name, "mse");
  assert_int_equal(g->n_variant, 2);
  assert_string_equal(g->variant[1].label, "lr=(1/4)");
  graph_free(g);
}

static void test_overrides(void **state) {
  (void)state;
  const char *word[] = {"lr", "act", "data", "optimizer", "split", "epochs"};
  const char *text[] = {"0.5", "tanh", "/a/b.pkl", "sgd momentum=0.9 nesterov", "0.5", "3"};
  overrides over = {6, word, text};
  graph *g = graph_load("models/emoji.net", &over);
  assert_non_null(g);
  assert_true(g->train.lr.v[0] == 0.5 && g->train.epochs.v[0] == 3);
  assert_shape(g, "tanh1", 32, 16, 16);
  assert_string_equal(g->train.data, "/a/b.pkl");
  assert_true(g->train.optimizer->set[0].v[0] == 0.9 && g->train.optimizer->set[1].v[0] == 1);
  assert_true(g->train.split->is_fraction);
  graph_free(g);
  word[1] = "akt";
  assert_null(graph_load("models/emoji.net", &over));
}

static void test_every_study_loads(void **state) {
  (void)state;
  graph *g = graph_load("models/emoji-studies.net", NULL);
  assert_non_null(g);
  assert_true(g->n_variant > 15);
  for (int i = 0; i < g->n_variant; i++) {
    overrides over = {g->variant[i].n_override, g->variant[i].word, g->variant[i].text};
    graph *v = graph_load(g->path, &over);
    assert_non_null(v);
    graph_free(v);
  }
  graph_free(g);
}

/* --- operators --- */

static void test_library(void **state) {
  (void)state;
  graph g = {0};
  arena *a = arena_new();
  diag *d = diag_new(a);
  g.ops = ops_library(a, d);
  expander x = {.a = a, .d = d, .g = &g, .scope = &x.global};
  for (opdef *op = g.ops; op; op = op->next) {
    if (!check_operator(&x, op)) diag_print(d, stderr);
    assert_int_equal(diag_errors(d), 0);
    assert_true(op->n_test > 0);
    assert_true(op->doc[0] != 0 || ops_find(g.ops, op->name) != op); /* said of the first form */
  }
  const int two[MAX_PACKS] = {2, -1, -1, -1};
  const opdecl *w = &op_form(a, ops_find(g.ops, "linear"), two)->decl[0];
  assert_int_equal(w->n_file, 4);
  assert_true(w->file_dim[0] == 3 && w->file_dim[1] == 2 && w->file_group[1] == 1 &&
              w->file_group[3] == 1);
  assert_true(ops_find(g.ops, "bn")->decl[4].file_int64);
  arena_free(a);
}

static void test_own_operator(void **state) {
  (void)state;
  graph *g =
      load("# x times b\nop scale(x[N,H,W,C], b=2) -> y[N,H,W,C] { y[n,h,w,c] = b * x[n,h,w,c]; }\n"
           "input 3x8x8; conv 4 k3 scale=3 scale;");
  assert_non_null(g);
  assert_true(node_setting(find(g, "scale1"), "b") == 3);
  assert_true(node_setting(find(g, "scale2"), "b") == 2);
  assert_string_equal(find(g, "scale1")->op->doc, "x times b");
  graph_free(g);
}

/* One of the file's own stands in for the library's, also where no line of `train` names one. */
static void test_own_defaults(void **state) {
  (void)state;
  graph *g = load("op sgd(w[..], g[..]) -> w[..] optimizer { w[..] = w[..] - lr * g[..]; }\n"
                  "op mse(x[N,S..], t[N,S..]) -> l[N] loss { l[n] += abs(x[n,s..] - t[n,s..]); }\n"
                  "input 3; target 2; linear 2; train { lr 0.1; }");
  assert_non_null(g);
  assert_string_equal(g->train.optimizer[0].op->name, "sgd");
  assert_int_equal(g->train.optimizer[0].n_set, 0);
  assert_string_equal(g->train.loss[0].use.op->name, "mse");
  graph_free(g);
}

static void test_division(void **state) {
  (void)state;
  arena *a = arena_new();
  diag *d = diag_new(a);
  const char *text = "(7/2) (1/sqrt(9))";
  arg *args;
  int n, file = diag_add_source(d, "t", text, strlen(text));
  xenv none = {0};
  double v;
  assert_true(parse_values(a, d, file, &n, &args) && n == 2);
  assert_true(xexpr_eval(args[0].v->x, &none, d, &v) && v == 3);         /* shape rules truncate */
  assert_true(xexpr_eval_exact(args[0].v->x, &none, d, &v) && v == 3.5); /* the language does not */
  assert_true(xexpr_eval(args[1].v->x, &none, d, &v) && v == 1.0 / 3);
  arena_free(a);
}

/* --- hostile text --- */

static char *repeated(const char *before, const char *middle, int n, const char *after) {
  size_t m = strlen(middle);
  char *s = malloc(strlen(before) + m * (size_t)n + strlen(after) + 1), *p = s;
  p += sprintf(p, "%s", before);
  for (int i = 0; i < n; i++, p += m) memcpy(p, middle, m);
  strcpy(p, after);
  return s;
}

static void test_hostile(void **state) {
  (void)state;
  static const char *const middle[] = {"(",  "{",  "add {", "repeat 2 {", "-",
                                       "1+", "op", "\"",    "[",          "a:"};
  for (size_t i = 0; i < sizeof middle / sizeof *middle; i++) {
    char *s = repeated("input 3x8x8; linear (", middle[i], 100000, ";");
    assert_null(load(s));
    free(s);
    s = repeated("input 3x8x8; ", middle[i], 100000, "");
    assert_null(load(s));
    free(s);
  }
  assert_null(graph_load_text("zero.net", "input 3x8x8;\0linear 4;", 23, NULL));
  assert_null(graph_load("/dev/zero", NULL));
  assert_null(graph_load("models", NULL));
}

/* --- layout --- */

static void assert_layout(const char *from, const char *to) {
  arena *a = arena_new();
  diag *d = diag_new(a);
  char *once = format_source(a, d, "t", from);
  assert_non_null(once);
  assert_string_equal(once, to);
  assert_string_equal(format_source(a, d, "t", once), to);
  arena_free(a);
}

static void test_layout(void **state) {
  (void)state;
  assert_layout("", "");
  assert_layout("input   3x8x8;conv 3\n k3 relu ;\n\n\n\n relu;",
                "input 3x8x8;\nconv 3 k3 relu;\n\nrelu;\n");
  assert_layout("# a\r\nrelu; # b\r\n#c\r\n", "# a\nrelu; # b\n#c\n");
  assert_layout("let w=( 2 * a-1 ) ; conv (w*2)k3 dropout = 0.3;",
                "let w = (2*a-1);\nconv (w*2) k3 dropout=0.3;\n");
  assert_layout("s :add{ }{relu;tanh;}@s relu;;", "s: add {} { relu; tanh; } @s relu;\n");
  assert_layout("train{lr{0.1 -0.2};split 800 / 205;}",
                "train { lr {0.1 -0.2}; split 800/205; }\n");
  assert_layout("train{split 800 / 100/105 end;}", "train { split 800/100/105 end; }\n");
  assert_layout("repeat 2{repeat 3{relu;}}", "repeat 2 { repeat 3 { relu; } }\n");
  assert_layout("repeat 2{repeat 3{relu;}tanh;}", "repeat 2 {\n  repeat 3 { relu; }\n  tanh;\n}\n");
  assert_layout("add{add{relu;}{tanh;}}relu;linear 5;",
                "add { add { relu; } { tanh; } } relu;\nlinear 5;\n");
  assert_layout("block b(c,s = 1){ # why\nconv c k3;}",
                "block b(c, s=1) { # why\n  conv c k3;\n}\n");
}

static char *read_all(arena *a, const char *path) {
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  char *s = arena_alloc(a, 100000);
  s[fread(s, 1, 99999, f)] = 0;
  fclose(f);
  return s;
}

static void test_models_are_laid_out(void **state) {
  (void)state;
  static const char *const paths[] = {"models/emoji.net", "models/emoji-studies.net",
                                      "models/resnet20.net"};
  arena *a = arena_new();
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    char *text = read_all(a, paths[i]);
    assert_string_equal(format_source(a, diag_new(a), paths[i], text), text);
  }
  arena_free(a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_models),
      cmocka_unit_test(test_emoji_layers),
      cmocka_unit_test(test_let_of_the_including_file_wins),
      cmocka_unit_test(test_settings),
      cmocka_unit_test(test_structure),
      cmocka_unit_test(test_bom_and_crlf),
      cmocka_unit_test(test_training_values),
      cmocka_unit_test(test_overrides),
      cmocka_unit_test(test_every_study_loads),
      cmocka_unit_test(test_library),
      cmocka_unit_test(test_own_operator),
      cmocka_unit_test(test_own_defaults),
      cmocka_unit_test(test_division),
      cmocka_unit_test(test_hostile),
      cmocka_unit_test(test_layout),
      cmocka_unit_test(test_models_are_laid_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
