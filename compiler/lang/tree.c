#include "tree.h"
#include "opdef.h"
#include <math.h>
#include <stdlib.h>

enum { MAX_EXPR_DEPTH = 1000, MAX_OP_SETTINGS = 16 };
#define A (p->s->a)

/* --- the layer language --- */

stmt_list stmts_add(stmt_list l, stmt *s) {
  if (l.last) l.last->next = s;
  else l.first = s;
  l.last = s;
  return l;
}

stmt *new_stmt(parse_state *p, skind kind, loc at, const char *word, loc word_at) {
  stmt *s = NEW(A, stmt);
  s->kind = kind;
  s->at = at;
  s->word = word;
  s->word_at = word_at;
  return s;
}

stmt *new_include(parse_state *p, loc at, const char *path, loc path_at) {
  stmt *s = new_stmt(p, S_INCLUDE, at, "include", at);
  value *v = new_value(p, V_STRING, path_at);
  v->text = path;
  stmt_value(p, s, v);
  return s;
}

stmt *new_block(parse_state *p, loc at, const char *name, loc name_at, parameter_list l,
                stmt_list b) {
  stmt *s = new_stmt(p, S_BLOCK, at, name, name_at);
  s->n_param = l.n;
  s->param = l.v;
  s->body = b.first;
  return s;
}

void stmt_shared(parse_state *p, stmt *s, const char *word, loc at) {
  s->shared = !strcmp(word, "shared");
  if (!s->shared)
    diag_error(p->s->d, at, "`shared` gives all uses one set of weights", "unexpected `%s` here",
               word);
}

void stmt_value(parse_state *p, stmt *s, value *v) {
  arg a = {.v = v};
  PUSH(A, s->arg, s->n_arg, a);
}

void stmt_more(parse_state *p, stmt *s, arg_list l) {
  for (int i = 0; i < l.n; i++) PUSH(A, s->arg, s->n_arg, l.v[i]);
}

void stmt_args(stmt *s, arg_list l) {
  s->n_arg = l.n;
  s->arg = l.v;
}

value *new_value(parse_state *p, vkind kind, loc at) {
  value *v = NEW(A, value);
  v->kind = kind;
  v->at = at;
  return v;
}

value *name_value(parse_state *p, loc at, const char *name) {
  value *v = new_value(p, V_NAME, at);
  v->text = name;
  return v;
}

value *set_value(parse_state *p, loc at, value *first, arg_list more) {
  value *v = new_value(p, V_SET, at);
  PUSH(A, v->item, v->n, first);
  for (int i = 0; i < more.n; i++) {
    if (more.v[i].key)
      diag_error(p->s->d, more.v[i].key_at, "statements end in `;`", "a set holds plain values");
    PUSH(A, v->item, v->n, more.v[i].v);
  }
  return v;
}

static double checked_number(parse_state *p, loc at, double x) {
  if (isfinite(x)) return x;
  diag_error(p->s->d, at, NULL, "this number is too large");
  return 1;
}

value *number_value(parse_state *p, loc at, number_token n) {
  value *v = new_value(p, V_NUM, at);
  v->num = checked_number(p, at, n.value);
  return v;
}

value *ratio_value(parse_state *p, loc at, number_token a, number_token b) {
  value *v = new_value(p, V_RATIO, at);
  v->num = checked_number(p, at, a.value);
  v->den = checked_number(p, at, b.value);
  return v;
}

value *parts_value(parse_state *p, loc at, number_token a, number_token b, number_token c) {
  value *v = ratio_value(p, at, a, b);
  v->kind = V_PARTS;
  v->third = checked_number(p, at, c.value);
  return v;
}

value *shape_value(parse_state *p, loc at, const char *text) {
  value *v = new_value(p, V_SHAPE, at);
  for (char *end; *text; text = *end ? end + 1 : end) v->dim[v->n_dim++] = strtoll(text, &end, 10);
  return v;
}

/* --- expressions --- */

static xexpr *new_xexpr(parse_state *p, xkind kind, loc at, const char *name, xexpr_list l) {
  xexpr *x = NEW(A, xexpr);
  x->kind = kind;
  x->at = at;
  x->name = name;
  x->n = l.n;
  x->arg = l.v;
  for (int i = 0; i < l.n; i++)
    if (l.v[i]->depth >= x->depth) x->depth = l.v[i]->depth + 1;
  if (x->depth <= MAX_EXPR_DEPTH) return x;
  diag_error(p->s->d, at,
             "name parts of it: `let` in a network; in an operator a tensor, `t[n,..] = ..;`",
             "this expression is nested too deeply (more than %d levels)", MAX_EXPR_DEPTH);
  x->kind = X_NUM;
  x->n = x->depth = 0;
  return x;
}

xexpr *new_number(parse_state *p, loc at, number_token n) {
  xexpr *x = new_xexpr(p, X_NUM, at, NULL, (xexpr_list){0});
  x->num = checked_number(p, at, n.value);
  return x;
}

xexpr *new_name(parse_state *p, loc at, const char *name) {
  return new_xexpr(p, X_NAME, at, name, (xexpr_list){0});
}

xexpr *new_list(parse_state *p, xkind kind, loc at, const char *name, xexpr_list l) {
  return new_xexpr(p, kind, at, name, l);
}

xexpr *new_binary(parse_state *p, xkind kind, loc at, xexpr *a, xexpr *b) {
  xexpr_list l = {0};
  PUSH(A, l.v, l.n, a);
  if (b) PUSH(A, l.v, l.n, b);
  return new_xexpr(p, kind, at, NULL, l);
}

void read_every(xexpr *read) {
  read->every = read->n == 1 && read->arg[0]->kind == X_NAME && !strcmp(read->arg[0]->name, "..");
  if (read->every) read->n = 0;
}

xexpr *new_pair(parse_state *p, loc at, const char *text) {
  value *v = shape_value(p, at, text);
  if (v->n_dim != 2) diag_error(p->s->d, at, NULL, "a pair has two numbers, height x width");
  number_token h = {NULL, (double)v->dim[0]}, w = {NULL, (double)v->dim[1]};
  xexpr *x = new_binary(p, X_CALL, at, new_number(p, at, h), new_number(p, at, w));
  x->name = "x";
  return x;
}

/* --- operators --- */

axis_list axes_add(parse_state *p, axis_list l, opaxis x) {
  for (int i = 0; i < l.n; i++)
    if (!strcmp(l.v[i].name, x.name) && x.extent) {
      diag_error(p->s->d, x.at, NULL, "axis `%s` is given twice", x.name);
      return l;
    }
  PUSH(A, l.v, l.n, x);
  return l;
}

opstmt_list opstmts_add(opstmt_list l, opstmt *s) {
  if (l.last) l.last->next = s;
  else l.first = s;
  l.last = s;
  return l;
}

opstmt *new_nest(parse_state *p, loc at, xexpr *lhs, combiner c, xexpr *rhs, axis_list l) {
  opstmt *s = NEW(A, opstmt);
  s->at = at;
  s->lhs = lhs;
  s->comb = c;
  s->rhs = rhs;
  s->n_axis = l.n;
  s->axis = l.v;
  return s;
}

opstmt *new_scan(parse_state *p, loc at, const char *word, opaxis steps, opstmt_list body) {
  opstmt *s = NEW(A, opstmt);
  if (strcmp(word, "scan")) diag_error(p->s->d, at, NULL, "expected a statement or `scan`");
  s->at = at;
  s->scan = NEW(A, opaxis);
  *s->scan = steps;
  s->then = body.first;
  return s;
}

opstmt *new_if(parse_state *p, loc at, xexpr *cond, opstmt_list then, opstmt_list otherwise) {
  opstmt *s = NEW(A, opstmt);
  s->at = at;
  s->cond = cond;
  s->then = then.first;
  s->otherwise = otherwise.first;
  return s;
}

order_list order_word(parse_state *p, loc at, const char *word) {
  if (strcmp(word, "int64"))
    diag_error(p->s->d, at, NULL, "expected `int64` or an order of dimensions, as in [f, c, u, v]");
  return (order_list){.int64 = true, .at = at};
}

order_list order_add(parse_state *p, order_list l, const char *name, bool new_group) {
  int group = l.n == 0 ? 0 : l.last_group + new_group;
  int n = l.n;
  PUSH(A, l.name, l.n, name);
  PUSH(A, l.group, n, group);
  l.last_group = group;
  return l;
}

order_list order_join(parse_state *p, order_list l, order_list group) {
  for (int i = 0; i < group.n; i++) l = order_add(p, l, group.name[i], i == 0);
  return l;
}

static int dim_index(const opdecl *d, const char *name) {
  for (int i = 0; i < d->n_dim; i++)
    if (!strcmp(d->dim[i].name, name)) return i;
  return -1;
}

static void default_order(parse_state *p, opdecl *d) {
  d->n_file = d->n_dim;
  d->file_dim = NEW_N(A, int, d->n_dim + 1);
  d->file_group = NEW_N(A, int, d->n_dim + 1);
  for (int i = 0; i < d->n_dim; i++) d->file_dim[i] = d->file_group[i] = i;
}

static void file_order(parse_state *p, opdecl *d, const order_list *o) {
  unsigned seen = 0;
  d->n_file = o->n;
  d->file_dim = NEW_N(A, int, o->n);
  d->file_group = o->group;
  for (int i = 0; i < o->n; i++) {
    int k = dim_index(d, o->name[i]);
    if (k < 0 || seen >> k & 1 || o->n != d->n_dim) {
      diag_error(p->s->d, o->at, NULL, "the file order must name each dimension of `%s` once",
                 d->name);
      default_order(p, d);
      return;
    }
    seen |= 1u << k;
    d->file_dim[i] = k;
  }
}

static void check_rank(parse_state *p, loc at, int *n) {
  if (*n <= MAX_OP_RANK) return;
  diag_error(p->s->d, at,
             "make one dimension of two that follow each other, as `q[A*B]` read at `q[a*B+b]`",
             "a tensor has at most %d dimensions", MAX_OP_RANK);
  *n = MAX_OP_RANK;
}

opdecl *new_decl(parse_state *p, loc at, const char *name, axis_list dims, order_list o,
                 xexpr *init) {
  opdecl *d = NEW(A, opdecl);
  d->name = name;
  d->at = at;
  d->every = dims.every;
  d->n_dim = dims.n;
  d->dim = dims.v;
  d->when = p->when;
  check_rank(p, at, &d->n_dim);
  d->file_int64 = o.int64;
  if (o.n) file_order(p, d, &o);
  else default_order(p, d);
  d->init_arg = init;
  if (init->kind == X_CALL && !strcmp(init->name, "uniform") && init->n == 1) {
    d->init = INIT_UNIFORM;
    d->init_arg = init->arg[0];
  } else if (init->kind == X_CALL && !strcmp(init->name, "normal") && init->n == 1) {
    d->init = INIT_NORMAL;
    d->init_arg = init->arg[0];
  }
  return d;
}

void op_begin(parse_state *p, loc at, const char *doc, const char *name, loc name_at) {
  (void)at;
  opdef *o = NEW(A, opdef);
  o->name = o->prefix = name;
  o->at = name_at;
  o->doc = doc;
  p->op = o;
}

void op_input(parse_state *p, loc at, const char *name, axis_list dims, bool is_int) {
  opinput in = {.name = name, .at = at, .is_int = is_int};
  in.every = dims.n == 1 && !strcmp(dims.v[0].name, "..");
  if (in.every) dims.n = 0;
  check_rank(p, at, &dims.n);
  in.n_dim = dims.n;
  for (int i = 0; i < dims.n; i++) in.dim[i] = dims.v[i].name;
  if (p->op->n_set) diag_error(p->s->d, at, NULL, "inputs come before settings");
  if (p->op->n_in == MAX_INPUTS) /* one error, not one for each beyond */
    diag_error(p->s->d, at, "join some of them first, as with `concat`, and slice them inside",
               "an operator has at most %d inputs", MAX_INPUTS);
  PUSH(A, p->op->in, p->op->n_in, in);
}

void op_setting(parse_state *p, loc at, const char *name, bool pair, xexpr *dflt) {
  opsetting s = {.name = name, .at = at, .pair = pair, .dflt = dflt};
  if (pair) s.name_h = arena_printf(A, "%s.h", name);
  if (pair) s.name_w = arena_printf(A, "%s.w", name);
  for (int i = 0; i < p->op->n_set; i++)
    if (!strcmp(p->op->set[i].name, name))
      diag_error(p->s->d, at, NULL, "setting `%s` is declared twice", name);
  if (p->op->n_set == MAX_OP_SETTINGS)
    diag_error(p->s->d, at,
               "make those that never change constants inside, those that follow from others "
               "`let`s, or two operators of it",
               "an operator has at most %d settings", MAX_OP_SETTINGS);
  PUSH(A, p->op->set, p->op->n_set, s);
}

void op_below(parse_state *p, loc at, const char *of, const char *name) {
  if (strcmp(of, "of")) diag_error(p->s->d, at, "as in `int x[N,L] of V`", "expected `of`");
  else p->op->in[p->op->n_in - 1].below = name;
}

void op_setting_word(parse_state *p, loc at, const char *word) {
  (void)at;
  opsetting *s = &p->op->set[p->op->n_set - 1];
  PUSH(A, s->word, s->n_word, word);
}

void op_let(parse_state *p, loc at, const char *name, xexpr *v) {
  oplet l = {name, v, at};
  PUSH(A, p->op->let, p->op->n_let, l);
}

static void unknown_option(parse_state *p, loc at) {
  diag_error(p->s->d, at, NULL, "expected `as`, `weights`, `loss`, `optimizer`, `metric` or `{`");
}

void op_prefix(parse_state *p, loc at, const char *word, const char *prefix) {
  if (strcmp(word, "weights")) unknown_option(p, at);
  else p->op->prefix = prefix;
}

void op_kind(parse_state *p, loc at, const char *word) {
  if (!strcmp(word, "loss")) p->op->kind = OP_LOSS;
  else if (!strcmp(word, "optimizer")) p->op->kind = OP_OPTIMIZER;
  else if (!strcmp(word, "metric")) p->op->kind = OP_METRIC;
  else if (!strcmp(word, "total")) p->op->kind = OP_TOTAL;
  else if (!strcmp(word, "rises")) p->op->rises = true;
  else if (!strcmp(word, "default")) p->op->is_default = true;
  else if (!strcmp(word, "binary")) p->op->binary = true;
  else if (!strcmp(word, "shares")) p->op->shares = true;
  else if (!strcmp(word, "folds")) p->op->folds = true;
  else unknown_option(p, at);
}

void op_out(parse_state *p, loc at, xexpr_list dims) {
  p->op->out_every = dims.n == 1 && dims.v[0]->kind == X_NAME && !strcmp(dims.v[0]->name, "..");
  if (p->op->out_every) dims.n = 0;
  check_rank(p, at, &dims.n);
  p->op->n_out_dim = dims.n;
  p->op->out_dim = dims.v;
}

void op_decl(parse_state *p, opdecl *d, bool is_state) {
  d->is_state = is_state;
  PUSH(A, p->op->decl, p->op->n_decl, *d);
}

void op_need(parse_state *p, loc at, xexpr *cond, const char *reason) {
  opneed n = {cond, reason, at};
  PUSH(A, p->op->need, p->op->n_need, n);
}

void op_onnx(parse_state *p, loc at, const char *out, const char *type, onnx_step step) {
  step.out = out;
  step.type = type;
  step.when = p->when;
  step.at = at;
  PUSH(A, p->op->onnx, p->op->n_onnx, step);
}

void op_body(parse_state *p, opstmt **where, opstmt_list l) {
  (void)p;
  while (*where) where = &(*where)->next;
  *where = l.first;
}

/* Names of layers and weights are made from it. */
static bool is_identifier(const char *s) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  if (!*s || !strchr(letters, *s)) return false;
  for (; *s; s++)
    if (!strchr(letters, *s) && !(*s >= '0' && *s <= '9')) return false;
  return true;
}

void op_end(parse_state *p) {
  opdef *o = p->op;
  if (!is_identifier(o->prefix))
    diag_error(p->s->d, o->at, NULL,
               "`%s` cannot begin the names of weights: use letters, digits and _", o->prefix);
  if (!o->n_in) diag_error(p->s->d, o->at, NULL, "operator `%s` has no input", o->name);
  if (p->last_op) p->last_op->next = o;
  else p->out->ops = o;
  p->last_op = o;
  p->op = NULL;
}

/* --- test lines --- */

void test_begin(parse_state *p, loc at, const char *name, loc name_at) {
  p->test = (optest){.at = at};
  p->tested = ops_find(p->out->ops, name);
  if (!p->tested)
    diag_error(p->s->d, name_at, NULL, "there is no operator `%s` above this test", name);
}

void test_input(parse_state *p, optest_input dims) { PUSH(A, p->test.in, p->test.n_in, dims); }

void test_setting(parse_state *p, const char *name, xexpr *v) {
  int n = p->test.n_arg;
  PUSH(A, p->test.arg_name, n, name);
  PUSH(A, p->test.arg, p->test.n_arg, v);
}

void test_end(parse_state *p) {
  int rank[MAX_INPUTS] = {0}, len[MAX_PACKS];
  for (int i = 0; i < p->test.n_in && i < MAX_INPUTS; i++) rank[i] = p->test.in[i].n_dim;
  opdef *form = NULL;
  for (opdef *o = p->tested; o; o = ops_find(o->next, p->tested->name))
    if (op_fits(o, p->test.n_in, rank, len) && (!form || needed_values(o) == p->test.n_arg))
      form = o;
  if (form) PUSH(A, form->test, form->n_test, p->test);
  else if (p->tested)
    diag_error(p->s->d, p->test.at, NULL, "no form of `%s` takes inputs of these ranks",
               p->tested->name);
}

optest_input counts_add(parse_state *p, loc at, optest_input l, number_token n) {
  if (l.n_dim >= 6 || n.value < 1 || n.value > 1e6 || n.value != floor(n.value))
    diag_error(p->s->d, at, NULL, "expected up to six whole sizes");
  else l.dim[l.n_dim++] = (int64_t)n.value;
  return l;
}
