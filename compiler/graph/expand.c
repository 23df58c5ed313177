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

/* False after an error: the name is taken in this scope, or means a layer. */
static bool is_free(expander *x, const char *name, loc at) {
  binding *b = find_in(x->scope, name);
  if (b) {
    diag_error(x->d, at, NULL, "`%s` is given twice", name);
    diag_note(x->d, b->at, "first given here");
  } else if (ops_find(x->g->ops, name)) {
    diag_error(x->d, at, "choose another name", "`%s` is an operator", name);
  }
  return !b && !ops_find(x->g->ops, name);
}

/* --- nodes --- */

/* "conv1", and "relu6_1": a name says which prefix it has. */
static const char *node_name(expander *x, const char *prefix) {
  char last = prefix[strlen(prefix) - 1];
  if (last >= '0' && last <= '9') prefix = arena_printf(x->a, "%s_", prefix);
  for (int i = 0; i < x->n_name; i++)
    if (!strcmp(x->names[i].prefix, prefix))
      return arena_printf(x->a, "%s%d", prefix, ++x->names[i].n);
  name_count c = {prefix, 1};
  PUSH(x->a, x->names, x->n_name, c);
  return arena_printf(x->a, "%s1", prefix);
}

static node *new_node(expander *x, const opdef *op, loc at) {
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
  n->name = op ? node_name(x, op->prefix) : "input";
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

/* The dimensions are bound only to check the inputs' agreement and to serve defaults. */
static void add_layer(expander *x, const opdef *op, const call *c, node *second) {
  node *n = has_input(x, c->at) ? new_node(x, op, c->at) : NULL;
  if (!n) return;
  n->in = NEW_N(x->a, node *, op->n_in + 1);
  n->as = NEW_N(x->a, shape, op->n_in + 1);
  n->n_in = op->n_in;
  n->in[0] = x->cur;
  n->in[1] = second;
  for (int i = 0; i < n->n_in; i++) n->as[i] = n->in[i]->shape;
  n->n_set = op->n_set;
  n->set = NEW_N(x->a, setting, op->n_set + 1);
  xenv dims;
  n->n_set = 0;
  node_env(n, 1, &dims);
  n->n_set = op->n_set;
  x->cur = n;
  if (slots_to_settings(x, c, op, &dims, n->set)) shape_node(x, n);
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
  node *unknown = x->cur ? new_node(x, NULL, at) : NULL;
  if (unknown) x->cur = unknown;
}

static void apply_operator(expander *x, const opdef *op, loc at, int n, arg *args) {
  call c = {.what = op->name, .at = at, .layers = true};
  op_slots(x, op, &c);
  if (op->kind != OP_LAYER || op->n_in != 1) {
    diag_error(x->d, at, NULL, "`%s` is no layer", op->name);
    return;
  }
  if (!bind_arguments(x, &c, n, args)) {
    add_unknown(x, at);
    return;
  }
  add_layer(x, op, &c, NULL);
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

static void run_block(expander *x, binding *b, const call *c) {
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
  call c = {.what = b->name, .at = at, .layers = true, .n_slot = b->block->n_param};
  c.slot = NEW_N(x->a, slot, c.n_slot + 1);
  for (int i = 0; i < c.n_slot; i++)
    c.slot[i] = (slot){.name = b->block->param[i].name, .optional = b->block->param[i].dflt};
  if (b->active) {
    diag_error(x->d, at, NULL, "block `%s` uses itself", b->name);
    return;
  }
  if (!bind_arguments(x, &c, n, args)) return;
  run_block(x, b, &c);
  apply_trailing(x, &c);
}

static void unknown_word(expander *x, const char *word, loc at) {
  const char *words[512];
  int n = 0;
  words[n++] = "input";
  words[n++] = "classes";
  for (opdef *o = x->g->ops; o && n < 400; o = o->next)
    if (o->kind == OP_LAYER) words[n++] = o->name;
  for (binding *b = x->global.first; b && n < 500; b = b->next)
    if (b->block) words[n++] = b->name;
  diag_error(x->d, at, did_you_mean(x, word, words, n), "there is no layer `%s`", word);
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

/* --- joins --- */

static node *run_branch(expander *x, const value *v, node *from) {
  if (v->kind == V_REF) {
    binding *b = find_binding(x, v->text);
    if (b && b->label) return b->label;
    diag_error(x->d, v->at, NULL, "there is no `%s:` above this reference", v->text);
    return NULL;
  }
  x->cur = from;
  run_body(x, v->body, v->at);
  return x->cur;
}

static bool join_arguments(expander *x, const stmt *s, call *c, int *n_branch) {
  while (*n_branch < s->n_arg && !s->arg[*n_branch].key &&
         (s->arg[*n_branch].v->kind == V_BODY || s->arg[*n_branch].v->kind == V_REF))
    ++*n_branch;
  if (*n_branch < 2) {
    diag_error(x->d, s->word_at, "a branch is {..} or @label; `{}` is the current tensor",
               "`%s` needs at least two branches", s->word);
    return false;
  }
  return bind_arguments(x, c, s->n_arg - *n_branch, s->arg + *n_branch);
}

static void run_join(expander *x, const stmt *s) {
  opdef *op = ops_find(x->g->ops, s->word);
  call c = {.what = s->word, .at = s->word_at, .layers = true};
  int n_branch = 0;
  if (!join_arguments(x, s, &c, &n_branch) || !has_input(x, s->at)) return;
  node *from = x->cur, *left = run_branch(x, s->arg[0].v, from);
  for (int i = 1; i < n_branch && left; i++) {
    node *right = run_branch(x, s->arg[i].v, from);
    x->cur = left;
    if (!right) break;
    add_layer(x, op, &c, right);
    left = x->cur;
  }
  apply_trailing(x, &c);
}

/* --- statements --- */

/* Bounds the work of nested repeats, empty ones too. */
static bool step(expander *x, loc at) {
  if (++x->steps == MAX_STEPS)
    diag_error(x->d, at, NULL, "this file expands to more than %d statements", MAX_STEPS);
  return x->steps < MAX_STEPS;
}

static void run_repeat(expander *x, const stmt *s) {
  value *v = resolve(x, s->arg[0].v);
  double n = 0;
  if (!v || !value_number(x, v, &n)) return;
  if (n < 0 || n > MAX_NODES || n != floor(n)) {
    diag_error(x->d, v->at, NULL, "`repeat` takes a whole number of times, up to %d", MAX_NODES);
    return;
  }
  for (int i = 0; i < (int)n && !too_many_errors(x) && step(x, s->at); i++)
    run_body(x, s->body, s->at);
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

static bool input_shape(expander *x, const value *v, shape *out) {
  int64_t dim[3] = {0, 1, 1};
  if (v->kind == V_SHAPE && v->n_dim == 3) memcpy(dim, v->dim, sizeof dim);
  else if (v->kind == V_NUM && v->num == floor(v->num) && fabs(v->num) < 1e12)
    dim[0] = (int64_t)v->num;
  double elements = (double)dim[0] * (double)dim[1] * (double)dim[2];
  *out = (shape){3, {dim[1], dim[2], dim[0]}};
  if (dim[0] > 0 && dim[1] > 0 && dim[2] > 0 && elements <= 2147483648.0) return true;
  diag_error(x->d, v->at, "for example `input 3x32x32;`, or `input 784;` for vectors",
             "`input` takes channels x height x width");
  return false;
}

static void run_input(expander *x, const stmt *s) {
  graph *g = x->g;
  if (given_twice(x, s, &x->input_at)) return;
  value *v = s->n_arg == 1 && !s->arg[0].key ? resolve(x, s->arg[0].v) : NULL;
  if (!v && at_most_one(x, s->word, s->n_arg, s->arg))
    diag_error(x->d, s->word_at, "for example `input 3x32x32;`", "`input` takes one shape");
  node *n = new_node(x, NULL, s->word_at);
  port *p = NEW(x->a, port);
  *p = (port){.name = "input", .node = n, .at = s->word_at};
  if (v && input_shape(x, v, &p->shape)) {
    n->shape = p->shape;
    g->h = p->shape.dim[0], g->w = p->shape.dim[1], g->c = p->shape.dim[2];
  }
  n->port = p;
  PUSH(x->a, g->input, g->n_input, p);
  x->cur = n;
}

static void run_classes(expander *x, const stmt *s) {
  double n = 0;
  if (given_twice(x, s, &x->classes_at) || !at_most_one(x, s->word, s->n_arg, s->arg)) return;
  value *v = s->n_arg == 1 && !s->arg[0].key ? resolve(x, s->arg[0].v) : NULL;
  if (!v || !value_number(x, v, &n) || n < 1 || n > 1e6 || n != floor(n)) {
    diag_error(x->d, s->word_at, NULL, "`classes` takes one whole number, at least 1");
    return;
  }
  port *p = NEW(x->a, port);
  *p = (port){.name = "label", .target = true, .is_int = true, .at = s->word_at};
  p->below = x->g->classes = (int64_t)n;
  PUSH(x->a, x->g->target, x->g->n_target, p);
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

static void run_call(expander *x, stmt *s) {
  if (!strcmp(s->word, "input")) run_input(x, s);
  else if (!strcmp(s->word, "classes")) run_classes(x, s);
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
  case S_JOIN: run_join(x, s); break;
  }
}

static void give_label(expander *x, const stmt *s, int first_new) {
  binding *b = find_in(x->scope, s->label);
  if (b) {
    diag_error(x->d, s->label_at, NULL, "`%s` is given twice", s->label);
    diag_note(x->d, b->at, "first given here");
    return;
  }
  if (!x->cur) return;
  bind(x, s->label, s->label_at)->label = x->cur;
  if (x->cur->id >= first_new) x->cur->label = s->label;
}

void run_statements(expander *x, stmt *s) {
  for (; s && !too_many_errors(x); s = s->next) {
    if (!step(x, s->at)) return;
    int first_new = x->g->n_node;
    run_statement(x, s);
    if (s->label) give_label(x, s, first_new);
  }
}
