/* netc's front end for a page: a network's text is read and counted as `netc summary` does, without
   the back end (and so without LLVM). What is wrong goes to stderr, as on a terminal; layers go to
   stdout as one JSON object. front.js takes both. */
#include "graph/graph.h"
#include "passes/passes.h"
#include "product/count.h"
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

static void describe_graph(const graph *g) {
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
    printf("]}\n");
  }
  free(params);
  free(macs);
  arena_free(mem);
}

/* Where the page puts the text: n bytes, and a zero. */
__attribute__((export_name("room"))) char *room(int n);
char *room(int n) { return calloc((size_t)n + 1, 1); }

/* Takes text back. */
__attribute__((export_name("describe"))) void describe(char *text);
void describe(char *text) {
  graph *g = graph_load_text("your.net", text, strlen(text), NULL);
  if (g) describe_graph(g);
  graph_free(g);
  free(text);
  fflush(stdout);
  fflush(stderr);
}
