/* Operators are instantiated once while the file is being checked, so that what is wrong with them,
   or too large, is said there, with its place, and never comes up later. The library's are right,
   but sizes may pass its limits: they are tried where one could, gradients as well. */
#include "expand.h"
#include "passes/passes.h"
#include <string.h>

static bool is_users_own(const expander *x, const opdef *op) {
  return op && x->g->n_source && op->at.file >= x->first_file;
}

static bool uses_own(const expander *x) {
  const graph *g = x->g;
  bool own = false;
  for (int i = 0; i < g->train.n_metric; i++)
    own |= is_users_own(x, g->train.metric[i].compared.use.op);
  for (int i = 0; i < g->train.n_loss; i++) own |= is_users_own(x, g->train.loss[i].use.op);
  for (int i = 0; i < g->n_node && !own; i++) own = is_users_own(x, g->node[i]->op);
  for (int i = 0; i < g->train.n_optimizer && !own; i++)
    own = is_users_own(x, g->train.optimizer[i].op);
  return own;
}

/* Past this a maximum may have too many terms for its gradient. */
enum { MANY_ELEMENTS = 1 << 24 };

static bool is_large(const nestprog *p) {
  for (int i = 0; i < p->n_tensor; i++)
    if (tensor_elements(p->tensor[i]) > MANY_ELEMENTS) return true;
  return false;
}

static void check_sizes(expander *x, const nestprog *p) {
  for (int i = 0; i < p->n_tensor; i++) {
    const tensor *t = p->tensor[i];
    double n = 1;
    for (int d = 0; d < t->rank; d++) n *= (double)t->dim[d];
    if (n > MAX_ELEMENTS)
      diag_error(x->d, t->node ? t->node->at : NOWHERE, NULL,
                 "`%s` makes a tensor of %.3g elements (at most %.3g)",
                 t->node && t->node->op ? t->node->op->name : t->name, n, MAX_ELEMENTS);
  }
}

/* What becomes of the metrics' sums, which are the last ports. */
static void try_totals(expander *x, const nestprog *p, arena *mem) {
  const traincfg *t = &x->g->train;
  for (int i = 0; i < t->n_metric; i++) {
    const tensor *sums = p->port[p->n_port - t->n_metric + i];
    if (t->metric[i].total) total_of(&t->metric[i], sums->rank, sums->dim, x->d, mem);
  }
}

static void try_program(expander *x, bool train, int batch, const opuse *optimizer) {
  arena *mem = arena_new();
  int before = diag_errors(x->d);
  nestprog *p = lower(x->g, train, true, batch, mem);
  if (p) check_sizes(x, p);
  if (p && !train) try_totals(x, p, mem);
  bool ok = p && diag_errors(x->d) == before;
  if (ok && train && (uses_own(x) || is_large(p))) ok = grad(p, optimizer);
  if (!ok && diag_errors(x->d) == before)
    diag_error(x->d, NOWHERE, NULL, "%s: its operators do not fit together", x->g->path);
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

void try_operators(expander *x) {
  const opuse *optimizer = x->g->train.optimizer;
  bool own = uses_own(x);
  if (diag_errors(x->d) || (!own && all_small(x->g))) return;
  if (own) try_program(x, false, 1, NULL);
  int n = own ? x->g->train.n_optimizer : 1;
  for (int i = 0; i < n && !diag_errors(x->d); i++) try_program(x, true, 1, &optimizer[i]);
  /* One sample hides an axis of the batch that a statement forgets. */
  if (own && !diag_errors(x->d)) try_program(x, true, 2, optimizer);
}
