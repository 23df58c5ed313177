/* A network file is read, and its operators are instantiated once, so that what is wrong with them,
   or too large, is said there, with its place, and never comes up later. The library's are right,
   but sizes may pass its limits: they are tried where one could, gradients as well. */
#include "network.h"
#include "lang/opdef.h"
#include "passes/passes.h"

static bool is_users_own(const graph *g, const opdef *op) {
  return op && g->n_source && op->at.file >= oplib_n;
}

static bool uses_own(const graph *g) {
  bool own = false;
  for (int i = 0; i < g->train.n_metric; i++) {
    const metricuse *m = &g->train.metric[i];
    own |= is_users_own(g, m->compared.use.op) || is_users_own(g, m->total);
  }
  for (int i = 0; i < g->train.n_loss; i++) own |= is_users_own(g, g->train.loss[i].use.op);
  for (int i = 0; i < g->n_node && !own; i++) own = is_users_own(g, g->node[i]->op);
  for (int i = 0; i < g->train.n_optimizer && !own; i++)
    own = is_users_own(g, g->train.optimizer[i].op);
  return own;
}

/* Past this a maximum may have too many terms for its gradient. */
enum { MANY_ELEMENTS = 1 << 24 };

static bool is_large(const nestprog *p) {
  for (int i = 0; i < p->n_tensor; i++)
    if (tensor_elements(p->tensor[i]) > MANY_ELEMENTS) return true;
  return false;
}

static void check_sizes(graph *g, const nestprog *p) {
  for (int i = 0; i < p->n_tensor; i++) {
    const tensor *t = p->tensor[i];
    double n = 1;
    for (int d = 0; d < t->rank; d++) n *= (double)t->dim[d];
    if (n > MAX_ELEMENTS)
      diag_error(g->d, t->node ? t->node->at : NOWHERE, NULL,
                 "`%s` makes a tensor of %.3g elements (at most %.3g)",
                 t->node && t->node->op ? t->node->op->name : t->name, n, MAX_ELEMENTS);
  }
}

/* What becomes of the metrics' sums, which are the last ports. */
static void try_totals(graph *g, const nestprog *p, arena *mem) {
  const traincfg *t = &g->train;
  for (int i = 0; i < t->n_metric; i++) {
    const tensor *sums = p->port[p->n_port - t->n_metric + i];
    if (t->metric[i].total) total_of(&t->metric[i], sums->rank, sums->dim, g->d, mem);
  }
}

static void try_program(graph *g, bool train, int batch, const opuse *optimizer) {
  arena *mem = arena_new();
  int before = diag_errors(g->d);
  nestprog *p = lower(g, train, true, batch, mem);
  if (p) check_sizes(g, p);
  if (p && !train) try_totals(g, p, mem);
  bool ok = p && diag_errors(g->d) == before;
  if (ok && train && (uses_own(g) || is_large(p))) ok = grad(p, optimizer);
  if (!ok && diag_errors(g->d) == before)
    diag_error(g->d, NOWHERE, NULL, "%s: its operators do not fit together", g->path);
  arena_free(mem);
}

/* Can no local tensor of a library operator pass a limit? It has an element for each pair of
   elements that go in or come out at the most, as attention has; and steps along one dimension. */
static bool all_small(const graph *g) {
  enum { FEW_ELEMENTS = 1 << 14, FEW_STEPS = 1 << 12 };
  for (int i = 0; i < g->n_node; i++) {
    const shape *s = &g->node[i]->shape;
    if (shape_elements(s) > FEW_ELEMENTS) return false;
    for (int d = 0; d < s->rank; d++)
      if (s->dim[d] > FEW_STEPS) return false;
  }
  return true;
}

static void try_operators(graph *g) {
  const opuse *optimizer = g->train.optimizer;
  bool own = uses_own(g);
  if (diag_errors(g->d) || (!own && all_small(g))) return;
  if (own) try_program(g, false, 1, NULL);
  int n = own ? g->train.n_optimizer : 1;
  for (int i = 0; i < n && !diag_errors(g->d); i++) try_program(g, true, 1, &optimizer[i]);
  /* One sample hides an axis of the batch that a statement forgets. */
  if (own && !diag_errors(g->d)) try_program(g, true, 2, optimizer);
}

static graph *tried(graph *g) {
  try_operators(g);
  bool failed = diag_errors(g->d) > 0;
  diag_print(g->d, stderr);
  if (!failed) return g;
  graph_free(g);
  return NULL;
}

graph *graph_load(const char *path, const overrides *over) { return tried(graph_read(path, over)); }

graph *graph_load_text(const char *path, const char *text, size_t n, const overrides *over) {
  return tried(graph_read_text(path, text, n, over));
}
