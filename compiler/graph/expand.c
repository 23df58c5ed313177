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

binding *new_binding(expander *x, const char *name, loc at) {
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
bool name_is_free(expander *x, const char *name, loc at) {
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

void run_body(expander *x, stmt *body, loc at) {
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
    if (v) new_binding(x, c->slot[i].name, b->block->param[i].at)->v = v;
  }
  int before = diag_errors(x->d);
  b->active = true;
  run_statements(x, b->block->body);
  b->active = false;
  if (diag_errors(x->d) > before) diag_note(x->d, c->at, "in block `%s`, used here", b->name);
  leave(x, outer);
}

static call block_call(expander *x, const binding *b, loc at) {
  call c = {.what = b->name, .at = at, .layers = true, .block = true};
  c.n_slot = b->block->n_param;
  c.slot = NEW_N(x->a, slot, c.n_slot + 1);
  for (int i = 0; i < c.n_slot; i++)
    c.slot[i] = (slot){.name = b->block->param[i].name, .optional = b->block->param[i].dflt};
  return c;
}

/* The body with its arguments, and the weights of an earlier use where they are shared or tied. */
static void run_use(expander *x, binding *b, call *c) {
  block_use u = {b, c};
  reuse again = {b->first, b->end, 0}, *given = c->tie.end ? &c->tie : b->used ? &again : NULL;
  int before = x->g->n_node;
  const char *path = x->path;
  if (b->block->shared) x->path = NULL, x->path = join_path(x, b->name);
  with_weights(x, given, run_block, &u, c->at);
  if (b->block->shared && !b->used) b->first = before, b->end = x->g->n_node, b->used = true;
  x->path = path;
}

static void apply_block(expander *x, binding *b, loc at, int n, arg *args) {
  call c = block_call(x, b, at);
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
  run_use(x, b, &c);
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

void apply_word(expander *x, const char *word, loc at, int n, arg *args) {
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
  if (!name_is_free(x, s->word, s->word_at)) return;
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
  if (v) new_binding(x, s->word, s->word_at)->v = v;
}

static void run_train(expander *x, stmt *s) {
  x->g->has_train = true;
  for (stmt *t = s->body; t; t = t->next) {
    train_use u = {t, x->file_depth, x->folder};
    PUSH(x->a, x->train, x->n_train, u);
  }
}

static void run_block_definition(expander *x, stmt *s) {
  if (!name_is_free(x, s->word, s->word_at)) return;
  for (int i = 0; i < s->n_param; i++)
    for (int j = 0; j < i; j++)
      if (!strcmp(s->param[i].name, s->param[j].name)) {
        diag_error(x->d, s->param[i].at, NULL, "`%s` is given twice", s->param[i].name);
        return;
      }
  new_binding(x, s->word, s->word_at)->block = s;
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
  else apply_word(x, s->word, s->word_at, s->n_arg, s->arg);
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
  b = new_binding(x, s->label, s->label_at);
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
