/* A user's operator must be sound before it is instantiated: every name means something, every
   tensor is read with as many indices as it has, every function exists. */
#include "expand.h"
#include <string.h>

enum { MAX_NAMES = 128 };

typedef struct {
  const char *name;
  int rank; /* -1: shaped like the tensor an optimizer updates */
} known_tensor;

typedef struct {
  expander *x;
  const opdef *op;
  int n_tensor;
  known_tensor *tensor;
  int n_name; /* settings and dimensions */
  const char *name[MAX_NAMES];
  int n_axis; /* of the statement */
  const char *axis[MAX_NAMES];
  bool ok, out_written;
} checker;

static void wrong(checker *k, loc at, const char *fmt, const char *name) {
  const char **words = NEW_N(k->x->a, const char *, k->n_tensor + 2 * MAX_NAMES);
  int n = 0;
  for (int i = 0; i < k->n_tensor; i++) words[n++] = k->tensor[i].name;
  for (int i = 0; i < k->n_name; i++) words[n++] = k->name[i];
  for (int i = 0; i < k->n_axis; i++) words[n++] = k->axis[i];
  size_t len = strlen(name);
  const char *help = len > 2 && !strcmp(name + len - 2, "..")
                         ? "an input gives the dimensions in between their name: `x[N,S..,C]`"
                         : did_you_mean(k->x, name, words, n);
  diag_error(k->x->d, at, help, fmt, name);
  k->ok = false;
}

static void wrong_count(checker *k, const xexpr *e, const char *of, int want) {
  diag_error(k->x->d, e->at, NULL, "`%s` takes %d %s, not %d", e->name, want, of, e->n);
  k->ok = false;
}

static bool has(const char *const *list, int n, const char *name) {
  for (int i = 0; i < n; i++)
    if (!strcmp(list[i], name)) return true;
  return false;
}

static known_tensor *find_tensor(checker *k, const char *name) {
  for (int i = 0; i < k->n_tensor; i++)
    if (!strcmp(k->tensor[i].name, name)) return &k->tensor[i];
  return NULL;
}

static void add_tensor(checker *k, const char *name, int rank) {
  known_tensor t = {name, rank};
  PUSH(k->x->a, k->tensor, k->n_tensor, t);
}

static void add_name(checker *k, const char *name) {
  if (k->n_name < MAX_NAMES) k->name[k->n_name++] = name;
}

static int function_arity(const char *name) {
  static const struct {
    const char *word;
    int arity;
  } functions[] = {
#define SCALAR(NAME, word, arity, ...) {word, arity},
#include "nest/scalar.def"
#undef SCALAR
      {"rand", 0}};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (!strcmp(functions[i].word, name)) return functions[i].arity;
  return -1;
}

static void check_read(checker *k, const xexpr *e) {
  const known_tensor *t = find_tensor(k, e->name);
  if (!t) wrong(k, e->at, "there is no tensor `%s` here", e->name);
  else if (e->every ? t->rank >= 0 && k->op->kind != OP_OPTIMIZER : t->rank >= 0 && t->rank != e->n)
    wrong_count(k, e, t->rank == 1 ? "index" : "indices", t->rank);
}

static void check_expr(checker *k, const xexpr *e) {
  if (e->kind == X_READ) check_read(k, e);
  if (e->kind == X_NAME && !has(k->name, k->n_name, e->name) && !has(k->axis, k->n_axis, e->name))
    wrong(k, e->at, "nothing here is called `%s`", e->name);
  if (e->kind == X_CALL && function_arity(e->name) < 0)
    wrong(k, e->at, "there is no function `%s`", e->name);
  else if (e->kind == X_CALL && function_arity(e->name) != e->n)
    wrong_count(k, e, function_arity(e->name) == 1 ? "argument" : "arguments",
                function_arity(e->name));
  for (int i = 0; i < e->n; i++) check_expr(k, e->arg[i]);
}

static void add_axis(checker *k, const char *name) {
  if (has(k->axis, k->n_axis, name) || k->n_axis == MAX_NAMES) return;
  k->axis[k->n_axis++] = name;
}

/* Axes are the names after `for` and the bare indices of tensors whose sizes are known. */
static void find_axes(checker *k, const xexpr *e) {
  const known_tensor *t = e->kind == X_READ ? find_tensor(k, e->name) : NULL;
  for (int i = 0; t && i < e->n; i++)
    if (e->arg[i]->kind == X_NAME && !has(k->name, k->n_name, e->arg[i]->name))
      add_axis(k, e->arg[i]->name);
  for (int i = 0; i < e->n; i++) find_axes(k, e->arg[i]);
}

/* Does the expression move with an axis? */
static bool varies(const checker *k, const xexpr *e) {
  if (e->kind == X_NAME) return has(k->axis, k->n_axis, e->name);
  for (int i = 0; i < e->n; i++)
    if (varies(k, e->arg[i])) return true;
  return false;
}

static void check_index(checker *k, const xexpr *e) {
  bool good = e->kind == X_NUM || e->kind == X_NAME || e->kind == X_ADD || e->kind == X_SUB ||
              e->kind == X_NEG ||
              (e->kind == X_MUL && !(varies(k, e->arg[0]) && varies(k, e->arg[1]))) ||
              !varies(k, e);
  if (!good) {
    wrong(k, e->at, "%s is no sum of axes times numbers", "this index");
    return;
  }
  for (int i = 0; varies(k, e) && i < e->n; i++) check_index(k, e->arg[i]);
}

static void check_affine(checker *k, const xexpr *e, bool in_index) {
  for (int i = 0; i < e->n; i++) {
    if (e->kind == X_READ) check_index(k, e->arg[i]);
    check_affine(k, e->arg[i], in_index || e->kind == X_READ);
  }
  if (e->kind == X_READ && in_index)
    wrong(k, e->at, "`%s` cannot be read inside an index", e->name);
}

static void check_nest(checker *k, const opstmt *s) {
  const xexpr *l = s->lhs;
  bool is_out = !strcmp(l->name, k->op->out);
  k->n_axis = 0;
  for (int i = 0; i < s->n_axis; i++) check_expr(k, s->axis[i].extent);
  for (int i = 0; i < s->n_axis; i++) add_axis(k, s->axis[i].name);
  find_axes(k, s->rhs);
  if (is_out && !find_tensor(k, k->op->out))
    add_tensor(k, k->op->out, k->op->out_every ? -1 : k->op->n_out_dim);
  find_axes(k, l);
  check_expr(k, s->rhs);
  check_affine(k, s->rhs, false);
  if (is_out) k->out_written = true;
  for (int i = 0; k->op->kind != OP_OPTIMIZER && i < k->op->n_in; i++)
    if (!strcmp(k->op->in[i].name, l->name))
      wrong(k, l->at, "the input `%s` cannot be written", l->name);
  if (!find_tensor(k, l->name)) add_tensor(k, l->name, l->every ? -1 : l->n);
  check_expr(k, l);
  check_affine(k, l, false);
  if (k->n_axis > 12) wrong(k, l->at, "the nest of `%s` has more than 12 axes", l->name);
}

/* A step may read what earlier ones wrote, so a scan's tensors are known from its start. */
static void add_written(checker *k, const opstmt *s) {
  for (; s; s = s->next) {
    if (s->lhs && !find_tensor(k, s->lhs->name))
      add_tensor(k, s->lhs->name, s->lhs->every ? -1 : s->lhs->n);
    add_written(k, s->then);
    add_written(k, s->otherwise);
  }
}

static void check_body(checker *k, const opstmt *s) {
  for (; s; s = s->next) {
    if (s->scan) {
      k->n_axis = 0;
      check_expr(k, s->scan->extent);
      add_name(k, s->scan->name);
      add_written(k, s->then);
      check_body(k, s->then);
      k->n_name--;
      continue;
    }
    if (!s->cond) {
      check_nest(k, s);
      continue;
    }
    k->n_axis = 0;
    check_expr(k, s->cond);
    check_body(k, s->then);
    check_body(k, s->otherwise);
  }
}

static void check_program(checker *k, const opstmt *more, const char *which) {
  int tensors = k->n_tensor;
  check_body(k, k->op->body);
  check_body(k, more);
  if (!k->out_written && k->ok) wrong(k, k->op->at, which, k->op->out);
  k->n_tensor = tensors;
  k->out_written = false;
}

static bool batch_first(const opdef *op) {
  const xexpr *first = op->out_dim[0];
  return first->kind == X_NAME && op->n_in && op->in[0].n_dim &&
         !strcmp(first->name, op->in[0].dim[0]);
}

static void check_signature(checker *k) {
  const opdef *op = k->op;
  for (int i = 0; i < op->n_in && op->kind != OP_OPTIMIZER; i++)
    if (!op->in[i].every && op->in[i].n_dim < 1 + (op->kind == OP_LAYER && !op->in[i].is_int))
      wrong(k, op->in[i].at, "`%s` has a batch and, if a layer reads it, channels: [N,H,W,C]",
            op->in[i].name);
  if (op->kind == OP_LAYER && !op->out_every && (op->n_out_dim < 2 || !batch_first(op)))
    wrong(k, op->at, "the result of `%s` has a batch and channels: [N,H,W,C]", op->name);
  if (op->kind == OP_LOSS && (op->n_out_dim != 1 || !batch_first(op)))
    wrong(k, op->at, "`%s` is of the form NAME(x[N,H,W,C], int label[N]) -> result[N]", op->name);
  if (op->kind == OP_METRIC && (op->n_out_dim < 1 || !batch_first(op)))
    wrong(k, op->at, "`%s` is of the form NAME(x[N,C], int label[N]) -> sums[N,..]", op->name);
  if (op->kind == OP_TOTAL &&
      (op->n_in != 1 || op->n_out_dim != 1 || op->n_set || !batch_first(op)))
    wrong(k, op->at, "the total `%s` is of the form NAME(sums[N,K]) -> value[N]", op->name);
  if (op->kind == OP_OPTIMIZER && op->n_in != 2)
    wrong(k, op->at, "the optimizer `%s` is of the form NAME(w[..], g[..]) -> w[..]", op->name);
}

/* Does the size change with the batch, whose name stands first in every input? */
static bool of_batch(const opdef *op, const xexpr *e) {
  for (int i = 0; e->kind == X_NAME && i < op->n_in; i++)
    if (op->in[i].n_dim && !strcmp(op->in[i].dim[0], e->name)) return true;
  for (int i = 0; e->kind == X_NAME && i < op->n_let; i++)
    if (!strcmp(op->let[i].name, e->name)) return of_batch(op, op->let[i].v);
  for (int i = 0; i < e->n; i++)
    if (of_batch(op, e->arg[i])) return true;
  return false;
}

/* It is kept from batch to batch, and the last one may be smaller. */
static void check_kept_size(checker *k, const opdecl *d) {
  for (int i = 0; i < d->n_dim; i++)
    if (of_batch(k->op, d->dim[i].extent))
      wrong(k, d->dim[i].at, "`%s` would change its size with the batch", d->name);
}

static void declare_inputs(checker *k) {
  const opdef *op = k->op;
  for (int i = 0; i < op->n_in; i++) {
    for (int j = 0; j < op->in[i].n_dim; j++) add_name(k, op->in[i].dim[j]);
    if (op->in[i].below) add_name(k, op->in[i].below);
    add_tensor(k, op->in[i].name, op->in[i].every ? -1 : op->in[i].n_dim);
  }
}

static void declare_setting(checker *k, const opsetting *s) {
  if (s->dflt) check_expr(k, s->dflt);
  add_name(k, s->name);
  for (int j = 0; j < s->n_word; j++) add_name(k, s->word[j]);
  if (s->pair) add_name(k, s->name_h);
  if (s->pair) add_name(k, s->name_w);
}

/* A parameter or a state. */
static void declare_weight(checker *k, const opdecl *d) {
  const opkind kind = k->op->kind;
  if (find_tensor(k, d->name)) wrong(k, d->at, "`%s` is declared twice", d->name);
  for (int j = 0; j < d->n_dim; j++) check_expr(k, d->dim[j].extent);
  check_kept_size(k, d);
  if (d->when) check_expr(k, d->when);
  if (kind == OP_METRIC || kind == OP_TOTAL)
    wrong(k, d->at, "`%s`: a metric keeps nothing", d->name);
  if (kind == OP_LOSS && (!d->is_state || d->n_dim != 1 || d->every))
    wrong(k, d->at, "`%s`: a loss declares a `state` of one dimension, a table", d->name);
  check_expr(k, d->init_arg);
  add_tensor(k, d->name, d->every ? -1 : d->n_dim);
}

static void declare(checker *k) {
  const opdef *op = k->op;
  declare_inputs(k);
  for (int i = 0; i < op->n_set; i++) declare_setting(k, &op->set[i]);
  for (int i = 0; i < op->n_let; i++) {
    check_expr(k, op->let[i].v);
    add_name(k, op->let[i].name);
  }
  for (int i = 0; i < op->n_out_dim; i++) {
    check_expr(k, op->out_dim[i]);
    if (i && of_batch(op, op->out_dim[i]))
      wrong(k, op->out_dim[i]->at, "`%s` would change its size with the batch", op->out);
  }
  for (int i = 0; i < op->n_need; i++) check_expr(k, op->need[i].cond);
  for (int i = 0; i < op->n_decl; i++) declare_weight(k, &op->decl[i]);
}

/* One with packs is looked at where each stands for two dimensions; other numbers are tried where
   they are used (trial.c). */
static const opdef *usual_form(expander *x, opdef *op) {
  int len[MAX_PACKS];
  for (int i = 0; i < MAX_PACKS; i++) len[i] = 2;
  return op_form(x->a, op, len);
}

bool check_operator(expander *x, opdef *op) {
  checker k = {.x = x, .op = usual_form(x, op), .ok = true};
  if (op->kind == OP_OPTIMIZER) add_name(&k, "lr");
  if (op->kind == OP_OPTIMIZER) add_name(&k, "rank");
  declare(&k);
  check_signature(&k);
  if (!k.ok) return false;
  check_program(&k, k.op->train, "`%s` is never written in training");
  check_program(&k, k.op->infer, "`%s` is never written at inference");
  return k.ok;
}
