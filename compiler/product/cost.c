/* What a network costs: parameters, multiply-adds, bytes; all counted on its nests. */
#include "base/timing.h"
#include "count.h"
#include "nest/cost.h"
#include "nest/effects.h"
#include "pipeline.h"

static double operations(const walk *w, int from) {
  double ops = 0;
  for (int i = from; i < w->n; i++) {
    ekind k = w->node[i]->kind;
    ops += scalar_arity(k) && k != E_STOP && k != E_ROUNDED;
  }
  return ops;
}

/* The share of n's points in tiles that its guards let through (skip.c: one guard of two axes). */
static double unmasked(const nest *n) {
  if (n->n_guard != 1 || !n->guard[0].of_tiles) return 1;
  const affine *x = n->guard[0].ix;
  int ax[2] = {0, 0}, k = 0;
  for (int a = 0; a < n->n_axis && k < 2; a++)
    if (x->k[a]) ax[k++] = a;
  int64_t through = 0, all = n->axis[ax[0]].extent * n->axis[ax[1]].extent;
  for (int64_t i = 0; i < all; i++) {
    int64_t of = n->axis[ax[1]].extent;
    int64_t at = x->c + x->k[ax[0]] * (i / of) + x->k[ax[1]] * (i % of);
    through += at >= 0 && at < n->guard[0].extent;
  }
  return (double)through / (double)all;
}

double nest_flops(const nest *n) {
  walk *w = walk_begin(n->ex);
  walk_add(w, n->term);
  double f = unmasked(n) * (double)all_points(n) * (operations(w, 0) + (n->red != R_SET));
  int term = w->n;
  for (int s = 0; s < n->n_store; s++) walk_add(w, n->store[s].value);
  f += (double)output_points(n) * operations(w, term);
  walk_end(n->ex, w);
  return f;
}

/* --- of a whole graph --- */

static compilation compiled_to(const graph *g, bool train, int batch, int threads,
                               const char *stage) {
  compilation c = {.g = g, .opt = {.train = train, .batch = batch, .threads = threads}};
  if (train) c.optimizer = &g->train.optimizer[0];
  char *error = NULL;
  c.machine = machine_new(NULL, NULL, NULL, &error);
  char title[64];
  pipeline_run(&c, stage);
  pipeline_title(&c, title);
  timing_report(title);
  return c;
}

static void release(compilation *c) {
  compilation_free(c);
  machine_free(c->machine);
}

static void count(const nestprog *p, int64_t *params, int64_t *macs) {
  *params = *macs = 0;
  for (int i = 0; i < p->n_tensor; i++)
    if (p->tensor[i]->role == T_PARAM) *params += tensor_elements(p->tensor[i]);
  for (const nest *n = p->nests; n; n = n->next) *macs += nest_macs(n);
}

program_costs program_cost(const graph *g, int batch, int threads) {
  program_costs r = {0};
  compilation c = compiled_to(g, false, 1, 1, "simplify");
  count(c.p, &r.params, &r.macs); /* as the network says, not as it is computed */
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
  count_by_node(c.p, g->n_node, params, macs);
  release(&c);
}
