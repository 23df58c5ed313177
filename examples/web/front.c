/* netc's front end for a page: a network's text is read, counted and laid out in memory as `netc
   summary` does, without the back end (and so without LLVM). What is wrong goes to stderr, as on a
   terminal; what the network is goes to stdout as one JSON object. front.js takes both. */
#include "base/internal.h"
#include "base/timing.h"
#include "code/target.h"
#include "product/network.h"
#include "passes/passes.h"
#include "product/count.h"
#include "product/pipeline.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_shape(const node *n) {
  int64_t dim[MAX_RANK];
  const int rank = shape_in_files(&n->shape, n->port && n->port->is_int, dim);
  for (int i = 0; i < rank; i++) printf("%s%lld", i ? "x" : "", (long long)dim[i]);
}

static void print_layers(const graph *g, const int64_t *params, const int64_t *macs) {
  const char *between = "";
  for (int i = 0; i < g->n_node; i++) {
    const node *n = g->node[i];
    if (!n->op) continue;
    printf("%s{\"name\":\"%s\",\"line\":%d,\"shape\":\"", between, n->name,
           strcmp(diag_source_name(g->d, n->at.file), g->path) ? 0 : n->at.line);
    print_shape(n);
    printf("\",\"params\":%lld,\"macs\":%lld}", (long long)params[i], (long long)macs[i]);
    between = ",";
  }
}

/* The pass table ends in code. A page goes up to `plan`, and makes none. */
kernel_list *kernels_collect(nestprog *p, const char *prefix) {
  (void)p, (void)prefix;
  internal_error("kernels", "a page makes no code");
}
void dump_code(const kernel_list *l, const machine *m, bool assembly, FILE *to) {
  (void)l, (void)m, (void)assembly, (void)to;
  internal_error("llvm", "a page makes no code");
}
/* Nor does it tell where its time goes. */
double seconds_worked(void) { return 0; }
void timing_add(const char *part, double seconds, int64_t bytes) {
  (void)part, (void)seconds, (void)bytes;
}

/* Bytes of parameters, and of all else, on one thread of a machine with AVX2. */
static void print_memory(const graph *g, const char *key, bool train, int batch) {
  machine avx2 = {.info = target_find("x86_64", "+avx2")};
  compilation c = {.g = g, .machine = &avx2, .optimizer = train ? &g->train.optimizer[0] : NULL};
  c.opt = (program_options){.train = train, .batch = batch, .threads = 1};
  pipeline_run(&c, "plan");
  const int64_t *bytes = c.memory.bytes;
  printf(",\"%s\":{\"batch\":%d,\"params\":%lld,\"rest\":%lld}", key, batch,
         (long long)bytes[BLOCK_PARAMS], (long long)(bytes[BLOCK_STATE] + bytes[BLOCK_WORK]));
  compilation_free(&c);
}

static void describe_graph(const graph *g, bool memory) {
  arena *mem = arena_new();
  int64_t *params = calloc((size_t)g->n_node + 1, sizeof *params);
  int64_t *macs = calloc((size_t)g->n_node + 1, sizeof *macs);
  nestprog *p = lower(g, false, false, 1, mem);
  if (p && params && macs) {
    gather(p);
    simplify(p);
    count_by_node(p, g->n_node, params, macs);
    printf("{\"layers\":[");
    print_layers(g, params, macs);
    printf("]");
    if (memory) print_memory(g, "inference", false, 1);
    if (memory && g->has_train) print_memory(g, "training", true, (int)g->train.batch.v[0]);
    printf("}\n");
  }
  free(params);
  free(macs);
  arena_free(mem);
}

/* Where the page puts the text: n bytes, and a zero. */
__attribute__((export_name("room"))) char *room(int n);
char *room(int n) { return calloc((size_t)n + 1, 1); }

/* Takes text back. Memory is planned on request: that takes the whole compiler but for its back
 * end. */
__attribute__((export_name("describe"))) void describe(char *text, bool memory);
void describe(char *text, bool memory) {
  graph *g = graph_load_text("your.net", text, strlen(text), NULL);
  if (g) describe_graph(g, memory);
  graph_free(g);
  free(text);
  fflush(stdout);
  fflush(stderr);
}
