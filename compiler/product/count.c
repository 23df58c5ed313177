#include "count.h"
#include "graph/graph.h"

void count_by_node(const nestprog *p, int n_node, int64_t *params, int64_t *macs) {
  for (int i = 0; i < n_node; i++) params[i] = macs[i] = 0;
  for (int i = 0; i < p->n_tensor; i++) {
    const tensor *t = p->tensor[i];
    if (t->role == T_PARAM && t->node) params[t->node->id] += tensor_elements(t);
  }
  for (const nest *n = p->nests; n; n = n->next)
    if (n->node) macs[n->node->id] += nest_macs(n);
}
