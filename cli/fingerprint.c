#include "cli/fingerprint.h"
#include "runtime/sha256.h"
#include <stdio.h>
#include <string.h>

static void add_text(sha256 *s, const char *text) {
  sha256_add(s, text ? text : "-", strlen(text ? text : "-") + 1);
}

static void add_number(sha256 *s, double v) {
  char text[40];
  snprintf(text, sizeof text, "%a", v);
  add_text(s, text);
}

static void add_expression(sha256 *s, const xexpr *x) {
  if (!x) {
    add_text(s, NULL);
    return;
  }
  add_number(s, x->kind);
  add_number(s, x->num);
  add_text(s, x->name);
  add_number(s, x->every);
  add_number(s, x->n);
  for (int i = 0; i < x->n; i++) add_expression(s, x->arg[i]);
}

static void add_axes(sha256 *s, const opaxis *axis, int n) {
  for (int i = 0; i < n; i++) {
    add_text(s, axis[i].name);
    add_expression(s, axis[i].extent);
  }
}

static void add_statements(sha256 *s, const opstmt *o) {
  for (; o; o = o->next) {
    add_text(s, "statement");
    add_expression(s, o->lhs);
    add_number(s, o->comb);
    add_expression(s, o->rhs);
    add_axes(s, o->axis, o->n_axis);
    add_expression(s, o->cond);
    if (o->scan) add_axes(s, o->scan, 1);
    add_statements(s, o->then);
    add_statements(s, o->otherwise);
  }
  add_text(s, "end");
}

static void add_operator(sha256 *s, const opdef *o) {
  add_text(s, o->name);
  add_text(s, o->prefix);
  for (int i = 0; i < o->n_decl; i++) {
    const opdecl *d = &o->decl[i];
    add_text(s, d->name);
    add_axes(s, d->dim, d->n_dim);
    for (int k = 0; k < d->n_file; k++) {
      add_number(s, d->file_dim[k]);
      add_number(s, d->file_group[k]);
    }
    add_number(s, d->init);
    add_expression(s, d->init_arg);
    add_expression(s, d->when);
  }
  add_statements(s, o->body);
  add_statements(s, o->train);
  add_statements(s, o->infer);
}

static void add_settings(sha256 *s, const setting *v, int n) {
  for (int i = 0; i < n; i++) {
    add_text(s, v[i].name);
    add_number(s, v[i].v[0]);
    add_number(s, v[i].v[1]);
  }
}

static bool seen_before(const graph *g, int i) {
  for (int k = 0; k < i; k++)
    if (g->node[k]->op == g->node[i]->op) return true;
  return false;
}

/* Whose weights a node has, and whether they are trained. Only what is not as usual counts, here
   and below: fingerprints from before stay what they were. */
static void add_weights(sha256 *s, const node *n) {
  if (n->frozen) add_text(s, "frozen");
  if (!n->owner) return;
  add_text(s, n->tied ? "tied" : "shared");
  add_number(s, n->owner->id);
}

static void add_node(sha256 *s, const graph *g, int i) {
  const node *n = g->node[i];
  add_text(s, n->op ? n->op->name : "input");
  for (int k = 0; k < n->n_in; k++) add_number(s, n->in[k]->id);
  add_settings(s, n->set, n->n_set);
  for (int k = 0; k < n->shape.rank; k++) add_number(s, (double)n->shape.dim[k]);
  if (n->op && !seen_before(g, i)) add_operator(s, n->op);
  add_weights(s, n);
}

static void add_use(sha256 *s, const opuse *u) {
  add_operator(s, u->op);
  add_settings(s, u->set, u->n_set);
}

static int target_number(const graph *g, const port *p) {
  int i = 0;
  while (i < g->n_target && g->target[i] != p) i++;
  return i;
}

static void add_loss(sha256 *s, const graph *g, const lossuse *l) {
  add_use(s, &l->use);
  if (l->prediction && l->prediction != g->output) add_number(s, l->prediction->id);
  for (int i = 0; i < l->n_with; i++)
    if (!l->with[i]->node && (i || l->with[i] != g->target[0]))
      add_number(s, target_number(g, l->with[i]));
  if (l->times != 1) sha256_add(s, &l->times, sizeof l->times);
  if (l->balanced) sha256_add(s, "balanced", 8);
  for (int i = 0; i < l->n_with; i++)
    if (l->with[i]->node && !l->with[i]->target) add_number(s, l->with[i]->node->id);
  if (!l->balanced && l->n_table) sha256_add(s, l->table, (size_t)l->n_table * sizeof *l->table);
}

void graph_fingerprint(const graph *g, char out[65]) {
  sha256 s;
  sha256_start(&s);
  for (int i = 0; i < g->n_node; i++) add_node(&s, g, i);
  add_number(&s, g->output->id);
  for (int i = 0; g->has_train && i < g->train.n_loss; i++) add_loss(&s, g, &g->train.loss[i]);
  if (g->has_train && g->train.n_optimizer) add_use(&s, &g->train.optimizer[0]);
  sha256_hex(&s, out);
}
