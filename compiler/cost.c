/* What a network costs: parameters, multiply-adds, bytes; all counted on its nests. */
#include "cost.h"
#include "pipeline.h"

static double points(const nest *n, bool all) {
  double p = 1;
  for (int a = 0; a < n->n_axis; a++)
    if (all || !n->axis[a].reduce) p *= (double)n->axis[a].extent;
  return p;
}

static double operations(const expr *e) {
  int arity = scalar_arity(e->kind);
  double ops = arity && e->kind != E_STOP ? 1 : 0;
  for (int i = 0; i < arity; i++) ops += operations(e->a[i]);
  return ops;
}

double nest_flops(const nest *n) {
  double f = points(n, true) * (operations(n->term) + (n->red != R_SET));
  for (int s = 0; s < n->n_store; s++) f += points(n, false) * operations(n->store[s].value);
  return f;
}

/* --- of a whole graph --- */

static compilation compiled_to(const graph *g, bool train, int batch, const char *stage) {
  compilation c = {.g = g, .opt = {.train = train, .batch = batch}};
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

program_costs program_cost(const graph *g, int batch) {
  program_costs r = {0};
  compilation c = compiled_to(g, false, 1, "plan");
  count(c.p, NULL, &r.params, &r.macs);
  r.params_bytes = (size_t)c.memory.bytes[BLOCK_PARAMS];
  r.infer_bytes = (size_t)c.memory.bytes[BLOCK_WORK];
  release(&c);
  if (!g->has_train) return r;
  c = compiled_to(g, true, batch, "plan");
  r.train_bytes = (size_t)(c.memory.bytes[BLOCK_WORK] + c.memory.bytes[BLOCK_STATE]);
  release(&c);
  return r;
}

void node_costs(const graph *g, int64_t *params, int64_t *macs) {
  compilation c = compiled_to(g, false, 1, "simplify");
  for (int i = 0; i < g->n_node; i++) count(c.p, g->node[i], &params[i], &macs[i]);
  release(&c);
}
