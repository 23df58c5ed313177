/* ONNX models, read back through the same schema: nodes, initializers, ports, bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "product/onnx.h"
#include "onnx.pb-c.h"
#include "product/network.h"
#include "runtime/memory_block.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  graph *g;
  program *p;
  memory_block memory;
  void *params;
  uint8_t *bytes;
  size_t n;
  Onnx__ModelProto *m; /* what the bytes say */
} model;

static model model_of(graph *g, int batch) {
  program_options o = {.batch = 1, .threads = 1};
  model x = {.g = g, .p = program_build(g, &o)};
  memory_reserve(&x.memory, memory_rounded(program_params_bytes(x.p)));
  x.params = memory_take(&x.memory, program_params_bytes(x.p));
  program_init(x.p, x.params, NULL, 1);
  x.bytes = onnx_encode(g, x.p, x.params, batch, &(data_facts){0}, "1.2.3", &x.n);
  assert_non_null(x.bytes);
  x.m = onnx__model_proto__unpack(NULL, x.n, x.bytes);
  assert_non_null(x.m);
  return x;
}

static model load(const char *path, int batch) {
  graph *g = graph_load(path, NULL);
  assert_non_null(g);
  return model_of(g, batch);
}

static void release(model *x) {
  onnx__model_proto__free_unpacked(x->m, NULL);
  program_free(x->p);
  memory_release(&x->memory);
  graph_free(x->g);
}

static const Onnx__TensorProto *initializer(const model *x, const char *name) {
  for (size_t i = 0; i < x->m->graph->n_initializer; i++)
    if (!strcmp(x->m->graph->initializer[i]->name, name)) return x->m->graph->initializer[i];
  return NULL;
}

static void assert_dims(const Onnx__TensorProto *t, size_t n, const int64_t *want) {
  assert_non_null(t);
  assert_int_equal(t->n_dims, n);
  size_t count = 1;
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(t->dims[i], want[i]);
    count *= (size_t)want[i];
  }
  assert_int_equal(t->n_float_data, count);
}

/* Every input of a node is the model's input, an initializer, or the result of a node before it. */
static void assert_defined(const model *x) {
  const Onnx__GraphProto *g = x->m->graph;
  for (size_t i = 0; i < g->n_node; i++)
    for (size_t k = 0; k < g->node[i]->n_input; k++) {
      const char *name = g->node[i]->input[k];
      bool found = !strcmp(name, "x") || initializer(x, name);
      for (size_t j = 0; j < i; j++) found |= !strcmp(g->node[j]->output[0], name);
      if (!found) fail_msg("`%s` comes from nowhere", name);
    }
}

static void test_emoji(void **state) {
  (void)state;
  model x = load("models/emoji.net", 0);
  const Onnx__GraphProto *g = x.m->graph;
  assert_int_equal(x.m->ir_version, 8);
  assert_string_equal(x.m->producer_version, "1.2.3");
  assert_int_equal(x.m->n_opset_import, 1);
  assert_int_equal(x.m->opset_import[0]->version, 17);
  assert_string_equal(g->name, "emoji");
  assert_int_equal(g->n_node, 11);       /* 2 x 2 of linear, 6 others, the last flattening */
  assert_int_equal(g->n_initializer, 8); /* 4 x weight and bias */
  assert_dims(initializer(&x, "conv1.weight"), 4, (int64_t[]){32, 3, 3, 3});
  assert_dims(initializer(&x, "conv2.weight"), 4, (int64_t[]){64, 32, 3, 3});
  assert_dims(initializer(&x, "fc1.weight"), 2, (int64_t[]){256, 4096});
  assert_dims(initializer(&x, "fc2.bias"), 1, (int64_t[]){5});
  assert_defined(&x);
  assert_string_equal(g->node[g->n_node - 1]->output[0], "logits");
  release(&x);
}

static void test_weights_as_in_files(void **state) {
  (void)state;
  model x = load("models/resnet20.net", 0);
  for (int i = 0; i < program_n_params(x.p); i++) {
    const param_info *w = program_param(x.p, i);
    const Onnx__TensorProto *t = initializer(&x, w->name);
    if (w->is_int64) {
      assert_null(t); /* counters that inference does not use */
      continue;
    }
    assert_dims(t, (size_t)w->rank, w->shape);
    float *want = malloc((size_t)w->count * sizeof(float));
    program_export(x.p, i, x.params, want);
    assert_memory_equal(t->float_data, want, (size_t)w->count * sizeof(float));
    free(want);
  }
  assert_defined(&x);
  release(&x);
}

static void test_ports(void **state) {
  (void)state;
  for (int batch = 0; batch <= 4; batch += 4) {
    model x = load("tests/golden/mixed.net", batch);
    Onnx__TensorShapeProto *in = x.m->graph->input[0]->type->tensor_type->shape;
    Onnx__TensorShapeProto *out = x.m->graph->output[0]->type->tensor_type->shape;
    assert_int_equal(in->n_dim, 4);
    assert_int_equal(out->n_dim, 2);
    if (batch) assert_int_equal(in->dim[0]->dim_value, batch);
    else assert_string_equal(in->dim[0]->dim_param, "batch");
    assert_int_equal(in->dim[1]->dim_value, 3);
    assert_int_equal(in->dim[3]->dim_value, 32);
    assert_int_equal(out->dim[1]->dim_value, 5);
    assert_defined(&x);
    release(&x);
  }
}

/* Windows, steps and padding of height and width are not exchanged, and settings become values. */
static void test_attributes(void **state) {
  (void)state;
  static const char text[] = "input 3x9x7; classes 5; conv 4 k3x5 s2x1 p1x2 bias=0 relu6;\n"
                             "elu 0.5; linear classes;\n";
  graph *g = graph_load_text("small.net", text, sizeof text - 1, NULL);
  assert_non_null(g);
  model x = model_of(g, 0);
  const Onnx__NodeProto *conv = x.m->graph->node[0], *elu = x.m->graph->node[2];
  assert_int_equal(conv->n_input, 2); /* no bias */
  assert_string_equal(conv->attribute[2]->name, "pads");
  assert_int_equal(conv->attribute[2]->n_ints, 4);
  assert_memory_equal(conv->attribute[2]->ints, ((int64_t[]){1, 2, 1, 2}), 4 * sizeof(int64_t));
  assert_memory_equal(conv->attribute[0]->ints, ((int64_t[]){3, 5}), 2 * sizeof(int64_t));
  const Onnx__TensorProto *six = initializer(&x, x.m->graph->node[1]->input[2]);
  assert_dims(six, 0, NULL);
  assert_true(six->float_data[0] == 6);
  assert_string_equal(elu->attribute[0]->name, "alpha");
  assert_true(elu->attribute[0]->has_f && elu->attribute[0]->f == 0.5f);
  release(&x);
}

/* Every layer of the library has a form in ONNX. */
static void test_library(void **state) {
  (void)state;
  graph *g = graph_load("models/emoji.net", NULL);
  for (const opdef *o = g->ops; o; o = o->next)
    if (o->kind == OP_LAYER && !o->n_onnx) fail_msg("`%s` has no onnx lines", o->name);
  graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_emoji),   cmocka_unit_test(test_weights_as_in_files),
      cmocka_unit_test(test_ports),   cmocka_unit_test(test_attributes),
      cmocka_unit_test(test_library),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
