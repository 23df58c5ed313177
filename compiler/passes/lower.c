/* lower: the graph's layers, and the loss, become forward nests in the order of the graph. */
#include "instantiate.h"
#include "passes.h"

typedef struct {
  nestprog *p;
  const graph *g;
  tensor **of_node, **of_target;
  int *first_tensor; /* that a node made, by its id */
  nest *last;
} lowering;

static void append_all(lowering *l, nest *first, nest *last) {
  if (!first) return;
  if (l->last) l->last->next = first;
  else l->p->nests = first;
  l->last = last;
}

/* --- ports --- */

static void add_port(nestprog *p, tensor *t) {
  t->port = p->n_port;
  PUSH(p->mem, p->port, p->n_port, t);
}

/* Batch and dimensions of a sample. */
static int batch_of(const nestprog *p, const shape *s, int64_t dim[MAX_DIMS]) {
  dim[0] = p->batch;
  for (int d = 0; d < s->rank; d++) dim[d + 1] = s->dim[d];
  return s->rank + 1;
}

/* Which dimension of a value in PyTorch's order dimension d of netc's order is. */
static int file_dim(int d, int rank) {
  if (!d || rank < 3) return d;
  return d == rank - 1 ? 1 : d + 1;
}

/* `to` in netc's order from `from` in PyTorch's, or the other way round. */
static void reorder(lowering *l, const node *n, tensor *from, tensor *to, bool inwards) {
  static const char *const name[5][5] = {
      {"n"}, {"n", "c"}, {"n", "l", "c"}, {"n", "h", "w", "c"}, {"n", "d", "h", "w", "c"}};
  nest *c = nest_new(l->p, to->name, n);
  affine in[MAX_DIMS], out[MAX_DIMS];
  for (int d = 0; d < to->rank; d++) {
    int f = file_dim(d, to->rank), ax = inwards ? d : f;
    c->axis[ax] = (axis){to->rank <= 5 ? name[to->rank - 1][d] : "e", to->dim[ax], false};
    (inwards ? out : in)[d] = (inwards ? in : out)[f] = aff_axis(ax, 1);
  }
  to->node = n;
  c->n_axis = to->rank;
  c->term = e_read(l->p->ex, access_of(l->p->ex, from, in));
  nest_store(c, access_of(l->p->ex, to, out), e_acc(l->p->ex));
  c->canonical = true;
  append_all(l, c, c);
}

/* The caller's tensor of a port, in PyTorch's order. */
static tensor *outside(nestprog *p, const char *name, trole role, const shape *s, int64_t below) {
  const bool is_int = below > 0;
  int64_t dim[MAX_DIMS] = {p->batch};
  int rank = shape_in_files(s, is_int, dim + 1) + 1;
  tensor *t = tensor_new(p, name, role, rank, dim);
  t->dtype = is_int ? I32 : F32;
  t->below = below;
  add_port(p, t);
  return t;
}

/* Whole numbers are read where they are; floats in netc's order. */
static tensor *lower_port(lowering *l, const port *from, const char *name, trole inside) {
  nestprog *p = l->p;
  int64_t dim[MAX_DIMS];
  tensor *out = outside(p, name, from->target ? T_LABEL : T_INPUT, &from->shape, from->below);
  if (from->is_int) return out;
  tensor *t = tensor_new(p, from->name, inside, batch_of(p, &from->shape, dim), dim);
  reorder(l, from->node, out, t, true);
  return t;
}

/* A prediction is written in PyTorch's order: directly, where that is netc's. */
static bool in_file_order(const shape *s) {
  return s->rank < 2 || shape_elements(s) == s->dim[s->rank - 1];
}

/* What losses compare with targets; where none does, what the network ends in. */
static bool is_prediction(const lowering *l, const node *n) {
  const traincfg *t = &l->g->train;
  bool any = false;
  for (int i = 0; i < t->n_loss; i++) {
    if (!t->loss[i].prediction || !loss_target(&t->loss[i])) continue;
    any = true;
    if (t->loss[i].prediction == n) return true;
  }
  return n == l->g->output && !any;
}

static trole result_role(const lowering *l, const node *n) {
  return is_prediction(l, n) && in_file_order(&n->shape) ? T_LOGITS : T_TEMP;
}

static void add_prediction(lowering *l, const node *n) {
  tensor *t = l->of_node[n->id];
  if (t->role == T_LOGITS) {
    add_port(l->p, t);
    return;
  }
  const char *name = arena_printf(l->p->mem, "%s.out", t->name);
  tensor *y = outside(l->p, name, T_LOGITS, &n->shape, 0);
  reorder(l, n, t, y, false);
}

/* --- layers and losses --- */

/* A vector as an image of 1 x 1, or such an image as a vector: the same numbers. */
static tensor *seen_as(lowering *l, tensor *t, const shape *as, const node *n) {
  nestprog *p = l->p;
  int64_t dim[MAX_DIMS];
  affine in[MAX_DIMS] = {{0}}, out[MAX_DIMS] = {{0}};
  int rank = batch_of(p, as, dim);
  if (rank == t->rank) return t;
  tensor *v = tensor_new(p, arena_printf(p->mem, "%s.as", t->name), T_TEMP, rank, dim);
  nest *c = nest_new(p, v->name, n);
  v->node = n;
  c->axis[0] = (axis){"n", dim[0], false};
  c->axis[1] = (axis){"c", dim[rank - 1], false};
  c->n_axis = 2;
  in[0] = out[0] = aff_axis(0, 1);
  in[t->rank - 1] = out[rank - 1] = aff_axis(1, 1);
  c->term = e_read(p->ex, access_of(p->ex, t, in));
  nest_store(c, access_of(p->ex, v, out), e_acc(p->ex));
  c->canonical = true;
  append_all(l, c, c);
  return v;
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
                .first_prefix = n->counted,
                .result = n->name,
                .result_role = result_role(l, n),
                .train = l->p->train && !n->frozen};
  if (n->owner) {
    o.owned_from = l->first_tensor[n->owner->id];
    o.owned_to = l->first_tensor[n->owner->id + 1];
  }
  for (int i = 0; i < n->n_in; i++) o.in[i] = seen_as(l, l->of_node[n->in[i]->id], &n->as[i], n);
  if (!instantiate(&o)) return false;
  l->of_node[n->id] = o.out;
  append_all(l, o.first, o.last);
  return true;
}

static tensor *tensor_compared(const lowering *l, const port *p) {
  for (int i = 0; i < l->g->n_target; i++)
    if (l->g->target[i] == p) return l->of_target[i];
  return l->of_node[p->node->id];
}

static const char *result_of(lowering *l, const char *prefix, trole role) {
  return role == T_LOSSES   ? "losses"
         : role == T_METRIC ? prefix
                            : arena_printf(l->p->mem, "%s.each", prefix);
}

static bool lower_use(lowering *l, const lossuse *u, const char *prefix, trole role, tensor **out) {
  nestprog *p = l->p;
  instance o = {.p = p,
                .d = l->g->d,
                .op = u->use.op,
                .n_set = u->use.n_set,
                .set = u->use.set,
                .n_in = 1 + u->n_with,
                .prefix = prefix,
                .result = result_of(l, prefix, role),
                .result_role = role,
                .train = p->train,
                .n_table = u->n_table,
                .table = u->table};
  o.in[0] = seen_as(l, l->of_node[u->prediction->id], &u->as[0], u->prediction);
  for (int i = 0; i < u->n_with; i++)
    o.in[1 + i] = seen_as(l, tensor_compared(l, u->with[i]), &u->as[1 + i], NULL);
  if (!instantiate(&o)) return false;
  *out = o.out;
  append_all(l, o.first, o.last);
  return true;
}

/* losses[n] = a[n] * times + b[n] * times + .. */
static void add_losses_up(lowering *l, tensor **each) {
  nestprog *p = l->p;
  const traincfg *t = &l->g->train;
  int64_t dim[1] = {p->batch};
  const affine at[1] = {aff_axis(0, 1)};
  tensor *sum = tensor_new(p, "losses", T_LOSSES, 1, dim);
  nest *c = nest_new(p, sum->name, NULL);
  c->axis[0] = (axis){"n", dim[0], false};
  c->n_axis = 1;
  for (int i = 0; i < t->n_loss; i++) {
    expr *e = e_read(p->ex, access_of(p->ex, each[i], at));
    if (t->loss[i].times != 1) e = e_op(p->ex, E_MUL, e, e_const(p->ex, t->loss[i].times), NULL);
    c->term = i ? e_op(p->ex, E_ADD, c->term, e, NULL) : e;
  }
  nest_store(c, access_of(p->ex, sum, at), e_acc(p->ex));
  c->canonical = true;
  append_all(l, c, c);
  add_port(p, sum);
}

static bool lower_losses(lowering *l) {
  nestprog *p = l->p;
  const traincfg *t = &l->g->train;
  tensor **each = NEW_N(p->mem, tensor *, t->n_loss);
  bool alone = t->n_loss == 1 && t->loss->times == 1;
  for (int i = 0; i < t->n_loss; i++) {
    const char *prefix = i ? arena_printf(p->mem, "loss%d", i + 1) : "loss";
    if (!lower_use(l, &t->loss[i], prefix, alone ? T_LOSSES : T_TEMP, &each[i])) return false;
  }
  if (alone) add_port(p, each[0]);
  else add_losses_up(l, each);
  return true;
}

static bool lower_metrics(lowering *l) {
  const traincfg *t = &l->g->train;
  for (int i = 0; i < t->n_metric; i++) {
    tensor *sums;
    const char *prefix = arena_printf(l->p->mem, "metric%d", i + 1);
    if (!lower_use(l, &t->metric[i].compared, prefix, T_METRIC, &sums)) return false;
    add_port(l->p, sums);
  }
  return true;
}

static tensor *first_of(const nestprog *p, trole role) {
  for (int i = 0; i < p->n_port; i++)
    if (p->port[i]->role == role) return p->port[i];
  return NULL;
}

static bool lower_nodes(lowering *l) {
  for (int i = 0; i < l->g->n_node; i++) {
    const node *n = l->g->node[i];
    l->first_tensor[i] = l->p->n_tensor;
    if (!n->op) l->of_node[i] = lower_port(l, n->port, i ? n->name : "x", result_role(l, n));
    else if (!lower_node(l, n)) return false;
  }
  return true;
}

nestprog *lower(const struct graph *g, bool train, bool loss, int batch, arena *mem) {
  nestprog *p = nestprog_new(mem);
  p->graph = g;
  p->train = train;
  p->batch = batch;
  lowering l = {.p = p, .g = g, .of_node = NEW_N(mem, tensor *, g->n_node)};
  l.first_tensor = NEW_N(mem, int, g->n_node);
  l.of_target = NEW_N(mem, tensor *, g->n_target + 1);
  if (!lower_nodes(&l)) return NULL;
  for (int i = 0; (train || loss) && i < g->n_target; i++)
    l.of_target[i] = lower_port(&l, g->target[i], g->target[i]->name, T_TEMP);
  for (int i = 0; i < g->n_node; i++)
    if (is_prediction(&l, g->node[i])) add_prediction(&l, g->node[i]);
  if ((train || loss) && g->train.n_loss && !lower_losses(&l)) return NULL;
  if (loss && !train && !lower_metrics(&l)) return NULL;
  p->x = first_of(p, T_INPUT);
  p->label = first_of(p, T_LABEL);
  p->logits = first_of(p, T_LOGITS);
  p->losses = first_of(p, T_LOSSES);
  p->stage = "lower";
  return p;
}
