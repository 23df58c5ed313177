/* Layers: an operator applied to the current tensor, or to branches and labels, is a node of the
   graph. */
#include "expand.h"
#include <string.h>

node *new_node(expander *x, const opdef *op, loc at) {
  graph *g = x->g;
  if (g->n_node >= MAX_NODES) {
    if (x->steps < MAX_STEPS)
      diag_error(x->d, at, NULL, "the network has more than %d layers", MAX_NODES);
    x->steps = MAX_STEPS;
    return NULL;
  }
  node *n = NEW(x->a, node);
  n->id = g->n_node;
  n->op = op;
  n->at = at;
  n->shape.rank = -1;
  n->name = n->counted = "input";
  if (op) name_node(x, n, op->prefix, x->own);
  if (op) share_weights(x, n);
  x->own = NULL;
  PUSH(x->a, g->node, g->n_node, n);
  return n;
}

static bool has_input(expander *x, loc at) {
  if (x->cur) return true;
  if (!x->input_missing_said)
    diag_error(x->d, at, "start with, for example, `input 3x32x32;`",
               "no `input` above this layer");
  x->input_missing_said = true;
  return false;
}

static bool known_shapes(int n, node *const *in) {
  for (int i = 0; i < n; i++)
    if (in[i]->shape.rank < 0) return false;
  return true;
}

/* Does a take so many values better than b, or others besides? */
static bool closer(const opdef *a, const opdef *b, int values) {
  const int off = values_off(a, values) - values_off(b, values);
  return off < 0 || (!off && a->n_set > b->n_set);
}

/* One that takes so many inputs, for a layer whose inputs have no shapes after an error. */
static opdef *any_form(opdef *op, int n, int values) {
  opdef *best = NULL;
  for (opdef *o = op; o; o = ops_find(o->next, op->name))
    if (o->n_in == n && (!best || closer(o, best, values))) best = o;
  return best ? best : op;
}

/* A layer with weights that took positions for one vector, where those after it want them. */
static void note_one_vector(expander *x, const node *n) {
  while (n->n_in == 1 && n->shape.rank == 1 && n->in[0]->shape.rank == 1) n = n->in[0];
  if (n->n_in != 1 || n->shape.rank != 1 || !n->op->n_decl) return;
  diag_note(x->d, n->at,
            "`%s` makes one vector of %s here; what keeps the positions is, for example, `dense`",
            n->op->name, node_shape_text(x->a, n->in[0]));
}

static opdef *find_form(expander *x, opdef *op, loc at, int n, node *const *in, int values,
                        shape *as) {
  shape of[MAX_INPUTS];
  if (!known_shapes(n, in)) return any_form(op, n, values);
  for (int i = 0; i < n; i++) of[i] = in[i]->shape;
  opdef *form = match_form(x, op, n, of, values, as);
  if (form) return form;
  const char *got = node_shape_text(x->a, in[0]);
  for (int i = 1; i < n; i++)
    got = arena_printf(x->a, "%s and %s", got, node_shape_text(x->a, in[i]));
  diag_error(x->d, at, arena_printf(x->a, "it takes %s", forms_text(x, op)),
             "`%s` does not take %s", op->name, got);
  for (int i = 0; i < n; i++) note_shapes(x, in[i]);
  for (int i = 0; i < n; i++) note_one_vector(x, in[i]);
  return NULL;
}

/* The dimensions are bound only to serve defaults. */
static void add_layer(expander *x, const opdef *op, const call *c, node *const *in,
                      const shape *as) {
  node *n = new_node(x, op, c->at);
  if (!n) return;
  n->in = NEW_N(x->a, node *, op->n_in + 1);
  n->as = NEW_N(x->a, shape, op->n_in + 1);
  n->n_in = op->n_in;
  for (int i = 0; i < n->n_in; i++) n->in[i] = in[i], n->as[i] = as[i];
  n->set = NEW_N(x->a, setting, op->n_set + 1);
  xenv dims;
  node_env(n, 1, x->d, &dims);
  n->n_set = op->n_set;
  x->cur = n;
  if (slots_to_settings(x, c, op, &dims, n->set) && shape_node(x, n)) check_shared(x, n);
}

void apply_trailing(expander *x, const call *c) {
  for (int i = 0; i < c->n_trailing && !too_many_errors(x); i++) {
    const trailing_layer *t = &c->trailing[i];
    arg a = {.v = t->v};
    apply_word(x, t->name, t->at, t->v ? 1 : 0, &a);
  }
}

/* A node of no known shape stands in for a layer with an error: later layers are still read. */
void add_unknown(expander *x, loc at) {
  x->tie = NULL;
  node *unknown = x->cur ? new_node(x, NULL, at) : NULL;
  if (unknown) x->cur = unknown;
}

static node *run_branch(expander *x, const value *v, node *from) {
  if (v->kind == V_REF) {
    binding *b = find_binding(x, v->text);
    if (b && b->label) return b->label;
    if (b && b->target)
      diag_error(x->d, v->at, NULL, "`%s` is a target: only a loss reads it", v->text);
    else diag_error(x->d, v->at, NULL, "there is no `%s:` above this reference", v->text);
    return NULL;
  }
  x->cur = from;
  run_body(x, v->body, v->at);
  return x->cur;
}

/* What a layer reads: its branches, each from the current tensor on; or that itself. */
bool run_branches(expander *x, int n, const arg *args, node **in) {
  node *from = x->cur;
  const char *own = x->own;
  in[0] = from;
  x->own = NULL;
  for (int i = 0; i < n; i++)
    if (!(in[i] = run_branch(x, args[i].v, from))) {
      x->cur = from;
      return false;
    }
  x->own = own;
  return true;
}

/* What is wrong with so few branches: without a `;`, what follows them is a set of values. */
static const char *branch_help(const value *next) {
  return next && next->kind == V_SET ? "the layers of a branch end in `;`: `{ relu; }`"
                                     : "a branch is {..} or @label; `{}` is the current tensor";
}

static bool branch_count_fits(expander *x, opdef *op, loc at, int n, const value *next) {
  const int least = least_inputs(op), most = most_inputs(op);
  if (n >= least && (n <= most || op->folds)) return true;
  const char *help = branch_help(next);
  if (next && next->kind == V_SET) at = next->at;
  static const char *const word[] = {"no", "one", "two", "three"};
  if (op->folds || (n < least && most > least))
    diag_error(x->d, at, help, "`%s` needs at least %s branches", op->name,
               word[least < 4 ? least : 3]);
  else
    diag_error(x->d, at, help, "`%s` takes %s branch%s", op->name,
               least < 4 ? word[least] : arena_printf(x->a, "%d", least), least == 1 ? "" : "es");
  return false;
}

/* The inputs beyond those of the operator are joined to its result, one after the other. */
static void fold(expander *x, opdef *op, const call *c, int n, node **in) {
  shape as[MAX_INPUTS];
  for (int i = op->n_in; i < n; i++) {
    node *two[2] = {x->cur, in[i]};
    opdef *form = find_form(x, op, c->at, 2, two, 0, as);
    if (!form) return;
    add_layer(x, form, c, two, as);
  }
}

void apply_operator(expander *x, opdef *op, loc at, int n, arg *args) {
  call c = {.what = op->name, .at = at, .layers = true};
  int branches = count_branches(n, args), inputs = branches ? branches : 1;
  node **in = NEW_N(x->a, node *, branches + 1);
  shape as[MAX_INPUTS];
  if (op->kind != OP_LAYER) {
    diag_error(x->d, at, NULL, "`%s` is no layer", op->name);
    return;
  }
  const value *next = branches < n ? args[branches].v : NULL;
  if (!branch_count_fits(x, op, at, branches ? branches : least_inputs(op) == 1, next) ||
      !has_input(x, at))
    return;
  if (!run_branches(x, branches, args, in)) return;
  int first = op->folds && inputs > op->n_in ? op->n_in : inputs;
  n -= branches;
  args = n ? args + branches : NULL;
  opdef *form = find_form(x, op, at, first, in, count_values(x, n, args), as);
  if (form) op_slots(x, form, &c);
  if (!form || !take_tie(x, &c, &n, &args) || !bind_arguments(x, &c, n, args)) {
    add_unknown(x, at);
    return;
  }
  add_layer(x, form, &c, in, as);
  if (first < inputs) fold(x, op, &c, inputs, in);
  apply_trailing(x, &c);
}
