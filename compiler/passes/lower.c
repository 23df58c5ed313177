/* lower: the graph's layers, and the loss, become forward nests in the order of the graph. */
#include "instantiate.h"
#include "passes.h"
#include <stdlib.h>

typedef struct {
  nestprog *p;
  const graph *g;
  tensor **of_node;
  nest *last;
} lowering;

static void append_all(lowering *l, nest *first, nest *last) {
  if (!first) return;
  if (l->last) l->last->next = first;
  else l->p->nests = first;
  l->last = last;
}

static trole result_role(const lowering *l, const node *n) {
  return n == l->g->output ? T_LOGITS : T_TEMP;
}

/* x comes as N x C x H x W; all else is N x H x W x C. */
static void lower_input(lowering *l, const node *n) {
  nestprog *p = l->p;
  int64_t from[4] = {p->batch, n->c, n->h, n->w}, to[4] = {p->batch, n->h, n->w, n->c};
  static const int place[4] = {0, 3, 1, 2}; /* axes of N, C, H, W */
  static const char *const name[4] = {"n", "h", "w", "c"};
  p->x = tensor_new(p, "x", T_INPUT, 4, from);
  tensor *t = tensor_new(p, n->name ? n->name : "input", result_role(l, n), 4, to);
  nest *c = NEW(p->mem, nest);
  access in = {.t = p->x}, out = {.t = t};
  for (int d = 0; d < 4; d++) {
    c->axis[d] = (axis){name[d], to[d], false};
    out.ix[d] = aff_axis(d, 1);
    in.ix[d] = aff_axis(place[d], 1);
  }
  t->node = c->node = n;
  c->name = t->name;
  c->n_axis = 4;
  c->term = e_read(p->mem, in);
  nest_store(p->mem, c, out, e_op(p->mem, E_ACC, NULL, NULL, NULL));
  c->canonical = true;
  l->of_node[n->id] = t;
  append_all(l, c, c);
}

static bool lower_node(lowering *l, const node *n) {
  instance o = {.p = l->p,
                .d = l->g->d,
                .op = n->op,
                .node = n,
                .n_set = n->n_set,
                .set = n->set,
                .n_in = n->n_in,
                .prefix = n->name,
                .result = n->name,
                .result_role = result_role(l, n),
                .train = l->p->train};
  for (int i = 0; i < n->n_in; i++) o.in[i] = l->of_node[n->in[i]->id];
  if (!instantiate(&o)) return false;
  l->of_node[n->id] = o.out;
  append_all(l, o.first, o.last);
  return true;
}

static bool lower_loss(lowering *l) {
  nestprog *p = l->p;
  const opuse *use = &l->g->train.loss;
  int64_t dim[1] = {p->batch};
  p->label = tensor_new(p, "label", T_LABEL, 1, dim);
  p->label->is_int = true;
  instance o = {.p = p,
                .d = l->g->d,
                .op = use->op,
                .n_set = use->n_set,
                .set = use->set,
                .n_in = 2,
                .in = {p->logits, p->label},
                .prefix = "loss",
                .result = "losses",
                .result_role = T_LOSSES,
                .train = p->train};
  if (!instantiate(&o)) return false;
  p->losses = o.out;
  append_all(l, o.first, o.last);
  return true;
}

nestprog *lower(const struct graph *g, bool train, bool loss, int batch, arena *mem) {
  nestprog *p = NEW(mem, nestprog);
  p->mem = mem;
  p->graph = g;
  p->train = train;
  p->batch = batch;
  lowering l = {.p = p, .g = g, .of_node = NEW_N(mem, tensor *, g->n_node)};
  for (int i = 0; i < g->n_node; i++) {
    if (!g->node[i]->op) lower_input(&l, g->node[i]);
    else if (!lower_node(&l, g->node[i])) return NULL;
  }
  p->logits = l.of_node[g->output->id];
  if ((train || loss) && !lower_loss(&l)) return NULL;
  p->stage = "lower";
  return p;
}
