/* Runs the statements of a network file: every layer becomes a node of the graph. */
#include "expand.h"
#include <math.h>
#include <string.h>

bool too_many_errors(const expander *x) { return diag_errors(x->d) >= MAX_ERRORS; }

const char *override_text(expander *x, const char *word) {
  for (int i = 0; x->over && i < x->over->n; i++)
    if (!strcmp(x->over->word[i], word)) {
      x->over_used[i] = true;
      return x->over->text[i];
    }
  return NULL;
}

/* --- names --- */

static binding *find_in(const scope *s, const char *name) {
  for (binding *b = s->first; b; b = b->next)
    if (!strcmp(b->name, name)) return b;
  return NULL;
}

binding *find_binding(const expander *x, const char *name) {
  for (const scope *s = x->scope; s; s = s->up) {
    binding *b = find_in(s, name);
    if (b) return b;
  }
  return NULL;
}

static binding *bind(expander *x, const char *name, loc at) {
  binding *b = NEW(x->a, binding);
  *b = (binding){.next = x->scope->first, .name = name, .at = at, .file_depth = x->file_depth};
  if (x->scope->n++ >= MAX_BINDINGS) {
    if (x->scope->n == MAX_BINDINGS + 1) diag_error(x->d, at, NULL, "too many names");
    return b;
  }
  x->scope->first = b;
  return b;
}

/* False after an error: the name is taken in this scope, or by an operator of the file's own. */
static bool is_free(expander *x, const char *name, loc at) {
  binding *b = find_in(x->scope, name);
  const opdef *op = ops_find(x->g->ops, name);
  bool own = op && op->at.file >= x->first_file; /* words of the library may mean something else */
  if (b) {
    diag_error(x->d, at, NULL, "`%s` is given twice", name);
    diag_note(x->d, b->at, "first given here");
  } else if (own) {
    diag_error(x->d, at, "choose another name", "`%s` is an operator", name);
  }
  return !b && !own;
}

/* --- nodes --- */

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

static void apply(expander *x, const char *word, loc at, int n, arg *args);

static void apply_trailing(expander *x, const call *c) {
  for (int i = 0; i < c->n_trailing && !too_many_errors(x); i++) {
    const trailing_layer *t = &c->trailing[i];
    arg a = {.v = t->v};
    apply(x, t->name, t->at, t->v ? 1 : 0, &a);
  }
}

/* A node of no known shape stands in for a layer with an error: later layers are still read. */
static void add_unknown(expander *x, loc at) {
  x->tie = NULL;
  node *unknown = x->cur ? new_node(x, NULL, at) : NULL;
  if (unknown) x->cur = unknown;
}

static void run_body(expander *x, stmt *body, loc at);

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
static bool run_branches(expander *x, int n, const arg *args, node **in) {
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

static void apply_operator(expander *x, opdef *op, loc at, int n, arg *args) {
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

/* --- blocks --- */

static bool enter(expander *x, scope *s, scope *up, loc at) {
  if (x->nesting >= MAX_NESTING) {
    diag_error(x->d, at, NULL, "nested too deeply (more than %d levels)", MAX_NESTING);
    return false;
  }
  x->nesting++;
  *s = (scope){.up = up};
  x->scope = s;
  return true;
}

static void leave(expander *x, scope *outer) {
  x->nesting--;
  x->scope = outer;
}

static void run_body(expander *x, stmt *body, loc at) {
  scope s, *outer = x->scope;
  if (!enter(x, &s, outer, at)) return;
  run_statements(x, body);
  leave(x, outer);
}

/* Runs with the weights of `again`, or, where that is NULL, as it stands. */
static void with_weights(expander *x, reuse *again, void (*run)(expander *, void *), void *arg,
                         loc at) {
  reuse *outer = x->reuse;
  if (again) again->base = x->g->n_node, x->reuse = again;
  int before = diag_errors(x->d);
  run(x, arg);
  x->reuse = outer;
  if (!again || diag_errors(x->d) > before) return;
  int made = x->g->n_node - again->base, first = again->end - again->first;
  if (made < first)
    diag_error(x->d, at, "each use of a shared body has the same layers",
               "%d layers here, %d in the first use", made, first);
}

typedef struct {
  binding *b;
  const call *c;
} block_use;

static void run_block(expander *x, void *arg) {
  const block_use *u = arg;
  const call *c = u->c;
  binding *b = u->b;
  scope s, *outer = x->scope;
  if (!enter(x, &s, &x->global, c->at)) return;
  for (int i = 0; i < c->n_slot; i++) {
    value *v = c->slot[i].v;
    if (!v && b->block->param[i].dflt) v = resolve(x, b->block->param[i].dflt);
    if (v) bind(x, c->slot[i].name, b->block->param[i].at)->v = v;
  }
  int before = diag_errors(x->d);
  b->active = true;
  run_statements(x, b->block->body);
  b->active = false;
  if (diag_errors(x->d) > before) diag_note(x->d, c->at, "in block `%s`, used here", b->name);
  leave(x, outer);
}

static void apply_block(expander *x, binding *b, loc at, int n, arg *args) {
  call c = {.what = b->name, .at = at, .layers = true, .block = true};
  c.n_slot = b->block->n_param;
  c.slot = NEW_N(x->a, slot, c.n_slot + 1);
  for (int i = 0; i < c.n_slot; i++)
    c.slot[i] = (slot){.name = b->block->param[i].name, .optional = b->block->param[i].dflt};
  if (b->active) {
    diag_error(x->d, at, NULL, "block `%s` uses itself", b->name);
    return;
  }
  int branches = count_branches(n, args);
  if (branches > 1) {
    diag_error(x->d, args[1].v->at, NULL, "a block takes one input");
    return;
  }
  node *in[1];
  if (!run_branches(x, branches, args, in)) return;
  x->cur = in[0];
  n -= branches;
  args = n ? args + branches : NULL;
  if (!take_tie(x, &c, &n, &args) || !bind_arguments(x, &c, n, args)) return;
  x->own = NULL;
  block_use u = {b, &c};
  reuse again = {b->first, b->end, 0}, *given = c.tie.end ? &c.tie : b->used ? &again : NULL;
  int before = x->g->n_node;
  const char *path = x->path;
  if (b->block->shared) x->path = NULL, x->path = join_path(x, b->name);
  with_weights(x, given, run_block, &u, at);
  if (b->block->shared && !b->used) b->first = before, b->end = x->g->n_node, b->used = true;
  x->path = path;
  apply_trailing(x, &c);
}

static void unknown_word(expander *x, const char *word, loc at) {
  const char *words[512];
  int n = 0;
  words[n++] = "input";
  words[n++] = "classes";
  words[n++] = "target";
  for (opdef *o = x->g->ops; o && n < 400; o = o->next)
    if (o->kind == OP_LAYER) words[n++] = o->name;
  for (binding *b = x->global.first; b && n < 500; b = b->next)
    if (b->block) words[n++] = b->name;
  const char *help = assignment_help(x->a, x->d, at);
  diag_error(x->d, at, help ? help : did_you_mean(x, word, words, n), "there is no layer `%s`",
             word);
}

static void apply(expander *x, const char *word, loc at, int n, arg *args) {
  binding *b = find_binding(x, word);
  if (b && b->v && b->v->kind == V_NAME) word = b->v->text, b = find_binding(x, word);
  opdef *op = ops_find(x->g->ops, word);
  if (b && b->block) apply_block(x, b, at, n, args);
  else if (op) apply_operator(x, op, at, n, args);
  else if (b) diag_error(x->d, at, NULL, "`%s` is no layer", word);
  else if (!ops_find(x->rejected, word)) unknown_word(x, word, at);
  if (!op && !b) add_unknown(x, at);
}

/* --- statements --- */

/* Bounds the work of nested repeats, empty ones too. */
static bool step(expander *x, loc at) {
  if (++x->steps == MAX_STEPS)
    diag_error(x->d, at, NULL, "this file expands to more than %d statements", MAX_STEPS);
  return x->steps < MAX_STEPS;
}

static void run_turn(expander *x, void *arg) {
  const stmt *s = arg;
  run_body(x, s->body, s->at);
}

static void run_repeat(expander *x, stmt *s) {
  value *v = resolve(x, s->arg[0].v);
  double n = 0;
  if (!v || !value_number(x, v, &n)) return;
  if (n < 0 || n > MAX_NODES || n != floor(n)) {
    diag_error(x->d, v->at, NULL, "`repeat` takes a whole number of times, up to %d", MAX_NODES);
    return;
  }
  const char *path = x->path;
  reuse first = {x->g->n_node, 0, 0};
  for (int i = 0; i < (int)n && !too_many_errors(x) && step(x, s->at); i++) {
    if (s->label) x->path = join_path(x, arena_printf(x->a, "%d", i));
    with_weights(x, s->shared && i ? &first : NULL, run_turn, s, s->at);
    if (!i) first.end = x->g->n_node;
    x->path = path;
  }
}

/* Its labels are seen outside: it stands around layers, and repeats nothing. */
static void run_frozen(expander *x, const stmt *s) {
  const bool outer = x->frozen;
  if (x->nesting >= MAX_NESTING) {
    diag_error(x->d, s->at, NULL, "nested too deeply (more than %d levels)", MAX_NESTING);
    return;
  }
  x->nesting++;
  x->frozen = true;
  run_statements(x, s->body);
  x->frozen = outer;
  x->nesting--;
}

static void run_let(expander *x, stmt *s) {
  binding *b = find_in(&x->global, s->word);
  if (b && b->v && b->file_depth < x->file_depth) return; /* the including file decides */
  if (!is_free(x, s->word, s->word_at)) return;
  const char *text = override_text(x, s->word);
  value *v = s->arg[0].v;
  if (text) {
    arg *args;
    int n, file = diag_add_source(x->d, arena_printf(x->a, "--%s", s->word), text, strlen(text));
    if (!parse_values(x->a, x->d, file, &n, &args)) return;
    v = n ? args[0].v : v;
    if (n != 1 || args[0].key)
      diag_error(x->d, (loc){file, 1, 1, 1}, NULL, "`%s` takes one value", s->word);
  }
  if (v->kind == V_SET) {
    add_set_variants(x, s->word, s);
    v = v->item[0];
  }
  v = resolve(x, v);
  if (v) bind(x, s->word, s->word_at)->v = v;
}

static bool given_twice(expander *x, const stmt *s, loc *where) {
  if (where->file < 0) {
    *where = s->word_at;
    return false;
  }
  diag_error(x->d, s->word_at, NULL, "`%s` is given twice", s->word);
  diag_note(x->d, *where, "first given here");
  return true;
}

/* --- inputs and targets --- */

/* `64 of 65`: the number after `of`; 0: floats. False after an error. */
static bool of_clause(expander *x, const stmt *s, int64_t *below) {
  double n = 0;
  *below = 0;
  if (s->n_arg < 2) return true;
  const value *of = s->arg[1].v;
  value *v = NULL;
  if (s->n_arg == 3 && !s->arg[1].key && !s->arg[2].key && of->kind == V_NAME &&
      !strcmp(of->text, "of"))
    v = resolve(x, s->arg[2].v);
  else at_most_one(x, s->word, s->n_arg, s->arg);
  if (!v || !value_number(x, v, &n)) return false;
  *below = (int64_t)n;
  if (n >= 1 && n <= 1e7 && n == floor(n)) return true;
  diag_error(x->d, v->at, NULL, "after `of` stands a whole number, at least 1");
  return false;
}

/* A shape as it is written, channels first; whole numbers have no channels. */
static bool port_shape(const value *v, shape *out) {
  int64_t dim[6] = {0};
  int n = 1;
  double elements = 1;
  if (v->kind == V_SHAPE && v->n_dim <= MAX_RANK) memcpy(dim, v->dim, sizeof dim), n = v->n_dim;
  else if (v->kind == V_NUM && v->num == floor(v->num) && fabs(v->num) < 1e12)
    dim[0] = (int64_t)v->num;
  out->rank = n;
  for (int i = 0; i < n; i++) {
    out->dim[i] = out->below ? dim[i] : dim[(i + 1) % n];
    elements *= (double)dim[i];
    if (dim[i] < 1) return false;
  }
  return elements <= MAX_ELEMENTS;
}

/* The shape of `input` or `target`; its rank is -1 after an error. */
static shape read_shape(expander *x, const stmt *s, const char *help) {
  shape out = {-1, {0}, 0};
  value *v = s->n_arg && !s->arg[0].key ? resolve(x, s->arg[0].v) : NULL;
  if (!of_clause(x, s, &out.below)) return out;
  if (v && port_shape(v, &out)) return out;
  out.rank = -1;
  if (v && v->kind == V_SHAPE && v->n_dim > MAX_RANK)
    diag_error(x->d, v->at, NULL, "`%s` has %d dimensions: at most %d, without the batch", s->word,
               v->n_dim, MAX_RANK);
  else if (v) diag_error(x->d, v->at, help, "`%s` takes channels x height x width", s->word);
  else if (!s->n_arg || s->arg[0].key)
    diag_error(x->d, s->word_at, help, "`%s` takes one shape", s->word);
  return out;
}

/* Names tell several apart. */
static bool needs_name(expander *x, const stmt *s, int before, const loc *first) {
  if (!before || s->label) return false;
  diag_error(x->d, s->word_at, arena_printf(x->a, "for example `left: %s ..;`", s->word),
             "several of `%s` need names", s->word);
  diag_note(x->d, *first, "the first one is here");
  return true;
}

static void image_sizes(graph *g, const shape *s) {
  bool image = s->rank == 3;
  g->h = image ? s->dim[0] : 1;
  g->w = image ? s->dim[1] : 1;
  g->c = image ? s->dim[2] : shape_elements(s);
}

static void run_input(expander *x, const stmt *s) {
  graph *g = x->g;
  if (needs_name(x, s, g->n_input, &x->input_at)) return;
  if (!g->n_input) x->input_at = s->word_at;
  node *n = new_node(x, NULL, s->word_at);
  port *p = NEW(x->a, port);
  *p = (port){.name = s->label ? s->label : "input", .node = n, .at = s->word_at};
  p->shape = n->shape =
      read_shape(x, s, "for example `input 3x32x32;`, or `input 784;` for vectors");
  p->below = p->shape.below;
  p->is_int = p->below > 0;
  if (g->n_input) n->name = p->name;
  else image_sizes(g, &p->shape);
  n->port = p;
  PUSH(x->a, g->input, g->n_input, p);
  x->cur = n;
}

static port *new_target(expander *x, const stmt *s, const char *name) {
  port *p = NEW(x->a, port);
  if (needs_name(x, s, x->n_target, &x->classes_at)) return NULL;
  if (!x->n_target) x->classes_at = s->word_at;
  *p = (port){.name = s->label ? s->label : name, .target = true, .at = s->word_at};
  PUSH(x->a, x->target, x->n_target, p);
  if (s->label && is_free(x, s->label, s->label_at)) bind(x, s->label, s->label_at)->target = p;
  return p;
}

static void add_target(expander *x, port *p, shape s) {
  p->shape = s;
  p->below = s.below;
  p->is_int = s.below > 0;
  if (!x->g->classes) x->g->classes = s.below;
  PUSH(x->a, x->g->target, x->g->n_target, p);
}

static void run_classes(expander *x, const stmt *s) {
  double n = 0;
  if (!s->label && given_twice(x, s, &x->classes_at)) return;
  if (!at_most_one(x, s->word, s->n_arg, s->arg)) return;
  value *v = s->n_arg == 1 && !s->arg[0].key ? resolve(x, s->arg[0].v) : NULL;
  if (!v || !value_number(x, v, &n) || n < 1 || n > 1e6 || n != floor(n)) {
    diag_error(x->d, s->word_at, NULL, "`classes` takes one whole number, at least 1");
    return;
  }
  port *p = new_target(x, s, "label");
  if (p) add_target(x, p, (shape){0, {0}, (int64_t)n});
}

/* `target input;`, `target @left;`: what is given is also what is wanted. */
static bool input_as_target(expander *x, const stmt *s) {
  const value *v = s->n_arg == 1 && !s->arg[0].key ? s->arg[0].v : NULL;
  node *from = NULL;
  if (!v || (v->kind != V_REF && (v->kind != V_NAME || strcmp(v->text, "input")))) return false;
  if (v->kind == V_REF) {
    binding *b = find_binding(x, v->text);
    from = b ? b->label : NULL;
  } else if (x->g->n_input) {
    from = x->g->input[0]->node;
  }
  if (!from || !from->port) {
    diag_error(x->d, v->at, "for example `target input;`", "this names no input");
    return true;
  }
  port *p = new_target(x, s, "target");
  if (!p) return true;
  p->node = from;
  p->shape = from->shape;
  p->below = p->shape.below;
  p->is_int = p->below > 0;
  return true;
}

static void run_target(expander *x, const stmt *s) {
  if (input_as_target(x, s)) return;
  shape of =
      read_shape(x, s, "for example `target 1;` for a number, `target 64 of 65;` for 64 classes");
  if (of.rank == 1 && of.dim[0] == 1 && of.below) of.rank = 0; /* one class, as `classes` */
  port *p = new_target(x, s, of.below ? "label" : "target");
  if (p && of.rank >= 0) add_target(x, p, of);
}

static void run_train(expander *x, stmt *s) {
  x->g->has_train = true;
  for (stmt *t = s->body; t; t = t->next) {
    train_use u = {t, x->file_depth, x->folder};
    PUSH(x->a, x->train, x->n_train, u);
  }
}

static void run_block_definition(expander *x, stmt *s) {
  if (!is_free(x, s->word, s->word_at)) return;
  for (int i = 0; i < s->n_param; i++)
    for (int j = 0; j < i; j++)
      if (!strcmp(s->param[i].name, s->param[j].name)) {
        diag_error(x->d, s->param[i].at, NULL, "`%s` is given twice", s->param[i].name);
        return;
      }
  bind(x, s->word, s->word_at)->block = s;
}

/* A file's own block or operator may be called so. */
static bool is_target(const expander *x, const stmt *s) {
  const binding *b = find_binding(x, s->word);
  return s->kind == S_CALL && !strcmp(s->word, "target") && !(b && b->block) &&
         !ops_find(x->g->ops, s->word);
}

/* Its label is bound to the target, not to the current tensor. */
static bool names_target(const expander *x, const stmt *s) {
  return s->kind == S_CALL && (is_target(x, s) || !strcmp(s->word, "classes"));
}

static void run_call(expander *x, stmt *s) {
  if (!strcmp(s->word, "input")) run_input(x, s);
  else if (!strcmp(s->word, "classes")) run_classes(x, s);
  else if (is_target(x, s)) run_target(x, s);
  else apply(x, s->word, s->word_at, s->n_arg, s->arg);
}

static void run_statement(expander *x, stmt *s) {
  sweep_use u = {s, x->folder};
  switch (s->kind) {
  case S_INCLUDE:
    load_file(x, resolve_path(x->a, x->folder, s->arg[0].v->text), s->arg[0].v->at);
    break;
  case S_LET: run_let(x, s); break;
  case S_BLOCK: run_block_definition(x, s); break;
  case S_TRAIN: run_train(x, s); break;
  case S_SWEEP: PUSH(x->a, x->sweep, x->n_sweep, u); break;
  case S_CALL: run_call(x, s); break;
  case S_REPEAT: run_repeat(x, s); break;
  case S_FROZEN: run_frozen(x, s); break;
  }
}

static void give_label(expander *x, const stmt *s, int first_new, const char *name) {
  binding *b = find_in(x->scope, s->label);
  if (b) {
    diag_error(x->d, s->label_at, NULL, "`%s` is given twice", s->label);
    diag_note(x->d, b->at, "first given here");
    return;
  }
  if (!x->cur) return;
  b = bind(x, s->label, s->label_at);
  b->label = x->cur;
  b->label_first = first_new;
  b->label_end = x->g->n_node;
  for (int i = first_new; i < x->g->n_node && !b->named; i++)
    if (x->g->node[i]->name == name) b->named = x->g->node[i];
  if (x->cur->id >= first_new) x->cur->label = s->label;
}

static void run_labelled(expander *x, stmt *s) {
  const char *path = x->path, *name = s->label;
  const int first_new = x->g->n_node;
  if (strcmp(s->word, "input")) x->path = name = join_path(x, s->label);
  if (s->kind == S_CALL && x->path == name) x->own = name;
  run_statement(x, s);
  x->path = path;
  x->own = NULL;
  give_label(x, s, first_new, name);
}

void run_statements(expander *x, stmt *s) {
  for (; s && !too_many_errors(x); s = s->next) {
    if (!step(x, s->at)) return;
    if (x->incomplete && s->kind != S_INCLUDE) continue;
    if (s->label && !names_target(x, s)) run_labelled(x, s);
    else run_statement(x, s);
  }
}
