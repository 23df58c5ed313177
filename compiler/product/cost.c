/* What a network costs: parameters, multiply-adds, bytes; all counted on its nests. */
#include "nest/cost.h"
#include "pipeline.h"

static double points(const nest *n, bool all) {
  double p = 1;
  for (int a = 0; a < n->n_axis; a++)
    if (all || !n->axis[a].reduce) p *= (double)n->axis[a].extent;
  return p;
}

/* Nodes that were counted: values are shared, also between the stores of a nest. */
typedef struct {
  arena *mem;
  int n;
  const expr **node;
} counted;

static double operations(counted *c, const expr *e) {
  int arity = scalar_arity(e->kind);
  if (!arity) return 0;
  for (int i = 0; i < c->n; i++)
    if (c->node[i] == e) return 0;
  PUSH(c->mem, c->node, c->n, e);
  double ops = e->kind != E_STOP;
  for (int i = 0; i < arity; i++) ops += operations(c, e->a[i]);
  return ops;
}

double nest_flops(const nest *n) {
  counted c = {.mem = arena_new()};
  double f = points(n, true) * (operations(&c, n->term) + (n->red != R_SET));
  for (int s = 0; s < n->n_store; s++) f += points(n, false) * operations(&c, n->store[s].value);
  arena_free(c.mem);
  return f;
}

/* --- of a whole graph --- */

static compilation compiled_to(const graph *g, bool train, int batch, int threads,
                               const char *stage) {
  compilation c = {.g = g, .opt = {.train = train, .batch = batch, .threads = threads}};
  if (train) c.optimizer = &g->train.optimizer[0];
  char *error = NULL;
  c.machine = machine_new(NULL, NULL, NULL, &error);
  pipeline_run(&c, stage);
  return c;
}

static void release(compilation *c) {
  compilation_free(c);
  machine_free(c->machine);
}

static int64_t elements(const tensor *t) {
  int64_t n = 1;
  for (int d = 0; d < t->rank; d++) n *= t->dim[d];
  return n;
}

static void count(const nestprog *p, const node *only, int64_t *params, int64_t *macs) {
  *params = *macs = 0;
  for (int i = 0; i < p->n_tensor; i++) {
    const tensor *t = p->tensor[i];
    if (t->role == T_PARAM && (!only || t->node == only)) *params += elements(t);
  }
  for (const nest *n = p->nests; n; n = n->next)
    if (!only || n->node == only) *macs += nest_macs(n);
}

program_costs program_cost(const graph *g, int batch, int threads) {
  program_costs r = {0};
  compilation c = compiled_to(g, false, 1, 1, "simplify");
  count(c.p, NULL, &r.params, &r.macs); /* as the network says, not as it is computed */
  release(&c);
  c = compiled_to(g, false, 1, threads, "plan");
  r.params_bytes = (size_t)c.memory.bytes[BLOCK_PARAMS];
  r.infer_bytes = (size_t)c.memory.bytes[BLOCK_WORK];
  release(&c);
  if (!g->has_train) return r;
  c = compiled_to(g, true, batch, threads, "plan");
  r.train_bytes = (size_t)(c.memory.bytes[BLOCK_WORK] + c.memory.bytes[BLOCK_STATE]);
  release(&c);
  return r;
}

void node_costs(const graph *g, int64_t *params, int64_t *macs) {
  compilation c = compiled_to(g, false, 1, 1, "simplify");
  for (int i = 0; i < g->n_node; i++) count(c.p, g->node[i], &params[i], &macs[i]);
  release(&c);
}
