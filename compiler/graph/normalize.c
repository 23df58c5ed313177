/* `normalize;` in `train`: the operator of that name behind every input of floats. What it measures
   is not known here: its tensors are set before training begins. */
#include "expand.h"

static bool takes_floats(const node *n) { return !n->op && n->port && !n->port->is_int; }

static node *behind(expander *x, node *input, loc at) {
  opdef *any = ops_find(x->g->ops, "normalize");
  shape as;
  opdef *op = any ? match_form(x, any, 1, &input->shape, 0, &as) : NULL;
  if (!op) {
    diag_error(x->d, at, NULL, "`normalize` does not take `%s`", node_shape_text(x->a, input));
    return NULL;
  }
  node *n = new_node(x, op, at);
  if (!n) return NULL;
  n->n_in = 1;
  n->in = NEW(x->a, node *);
  n->as = NEW(x->a, shape);
  n->set = NEW(x->a, setting);
  n->in[0] = input;
  n->as[0] = as;
  return shape_node(x, n) ? n : NULL;
}

static void redirect(graph *g, const node *from, node *to) {
  for (int i = 0; i < g->n_node; i++)
    for (int k = 0; k < g->node[i]->n_in; k++)
      if (g->node[i] != to && g->node[i]->in[k] == from) g->node[i]->in[k] = to;
}

/* Inputs come before users: each of the new nodes goes behind its input. */
static void reorder(expander *x, int n_old) {
  graph *g = x->g;
  node **order = NEW_N(x->a, node *, g->n_node);
  int n = 0;
  for (int i = 0; i < n_old; i++) {
    order[n++] = g->node[i];
    for (int k = n_old; k < g->n_node; k++)
      if (g->node[k]->in[0] == g->node[i]) order[n++] = g->node[k];
  }
  for (int i = 0; i < n; i++) {
    g->node[i] = order[i];
    order[i]->id = i;
  }
}

void add_normalize(expander *x) {
  graph *g = x->g;
  const int n_old = g->n_node;
  if (!g->train.normalize || diag_errors(x->d)) return;
  for (int i = 0; i < n_old; i++) {
    if (!takes_floats(g->node[i])) continue;
    node *n = behind(x, g->node[i], g->train.normalize_at);
    if (!n) return;
    redirect(g, g->node[i], n);
    if (g->output == g->node[i]) g->output = n;
  }
  reorder(x, n_old);
}
