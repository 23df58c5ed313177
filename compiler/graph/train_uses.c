/* What a network is trained by: losses, metrics and optimizers are operators that are used with
   settings; early stopping watches what they give. */
#include "traincfg.h"
#include <string.h>

enum { MAX_TABLE = 1024 };

enum {
  OF_CLASSES = 1,
  OF_TOKENS = 2,
  OF_PIXELS = 4,
  OF_LABELS = 8,
  OF_SHARES = 16,
  OF_NUMBERS = 32
};

/* What early stopping may watch, and the targets that have it, as bits; 0: all. */
static const struct {
  const char *word, *of;
  int tasks;
} watchable[] = {{"val_loss", "", 0},
                 {"val_acc", "classes, or yes and no",
                  OF_CLASSES | OF_TOKENS | OF_PIXELS | OF_LABELS | OF_SHARES},
                 {"train_loss", "", 0},
                 {"val_mae", "numbers", OF_NUMBERS},
                 {"val_r2", "numbers", OF_NUMBERS},
                 {"val_iou", "a class for each pixel", OF_PIXELS},
                 {"val_bits", "a class for each position", OF_TOKENS},
                 {"val_f1", "numbers that are yes or no", OF_LABELS}};
enum { N_WATCHABLE = sizeof watchable / sizeof *watchable };

static const char *const kind_words[] = {"layer", "loss", "optimizer", "metric"};

/* Any loss is a metric as well: its mean. */
static bool serves_as(const opdef *op, opkind kind) {
  return op->kind == kind || (kind == OP_METRIC && op->kind == OP_LOSS);
}

static opdef *find_kind(expander *x, const char *name, opkind kind) {
  opdef *op = ops_find(x->g->ops, name);
  while (op && !serves_as(op, kind)) op = ops_find(op->next, name);
  return op;
}

static const char *names_text(expander *x, const char *const *words, int n) {
  const char *t = "";
  for (int i = 0; i < n; i++) {
    bool seen = false;
    for (int k = 0; k < i; k++) seen |= !strcmp(words[k], words[i]);
    if (!seen) t = arena_printf(x->a, "%s%s`%s`", t, *t ? ", " : "", words[i]);
  }
  return t;
}

/* The first operator of that name and kind; NULL after an error. */
static opdef *find_use(expander *x, const value *name, opkind kind) {
  const char *words[100], *what = kind_words[kind];
  int n = 0;
  opdef *op = name->kind == V_NAME ? find_kind(x, name->text, kind) : NULL;
  if (op) return op;
  if (name->kind == V_NAME && ops_find(x->rejected, name->text)) return NULL;
  for (opdef *o = x->g->ops; o && n < 100; o = o->next)
    if (serves_as(o, kind)) words[n++] = o->name;
  const char *help = name->kind == V_NAME ? did_you_mean(x, name->text, words, n) : NULL;
  if (!help && n)
    help = arena_printf(x->a, "there are %s, and those that a file defines: `op mine(..) .. %s`",
                        names_text(x, words, n), what);
  if (name->kind == V_NAME)
    diag_error(x->d, name->at, help, "there is no %s `%s`", what, name->text);
  else diag_error(x->d, name->at, help, "`%s` takes a name", what);
  return NULL;
}

/* Settings of a use from n arguments. */
static bool read_settings(expander *x, const opdef *op, loc at, int n, arg *args, opuse *out) {
  call k = {.what = op->name, .at = at};
  xenv none = {0};
  op_slots(x, op, &k);
  *out =
      (opuse){.op = op, .n_set = op->n_set, .set = NEW_N(x->a, setting, op->n_set + 1), .at = at};
  int before = diag_errors(x->d);
  if (!bind_arguments(x, &k, n, args)) return false;
  if (!slots_to_settings(x, &k, op, &none, out->set)) return false;
  for (int i = 0; i < op->n_set; i++) env_add_setting(&none, &op->set[i], &out->set[i]);
  for (int i = 0; op->kind == OP_OPTIMIZER && i < op->n_need; i++) {
    double v;
    if (xexpr_eval(op->need[i].cond, &none, x->d, &v) && v == 0)
      diag_error(x->d, at, NULL, "`%s` does not fit: %s", op->name, op->need[i].reason);
  }
  return diag_errors(x->d) == before;
}

/* What `@name` is after a loss or metric: a target, or a label's value; NULL: neither. A target or
   input without a label goes by what it is. */
static const port *comparand(expander *x, const char *name) {
  const binding *b = name ? find_binding(x, name) : NULL;
  if (b && b->target) return b->target;
  for (int i = 0; name && !b && i < x->n_target; i++)
    if (!strcmp(x->target[i]->name, name)) return x->target[i];
  for (int i = 0; name && !b && i < x->g->n_input; i++)
    if (!strcmp(x->g->input[i]->name, name)) return x->g->input[i];
  if (!b || !b->label) return NULL;
  port *p = NEW(x->a, port);
  *p = (port){.name = name, .shape = b->label->shape, .node = b->label, .at = b->label->at};
  p->below = p->shape.below;
  p->is_int = p->below > 0;
  return p;
}

static const char *compare_help(const chosen *c) {
  return !strcmp(c->word, "loss") ? "for example `loss mse @head @y;`"
                                  : "for example `metric r2 @head @y;`";
}

/* `@head @y` after a loss or metric. What is left out is the network's result, and its one target
   where the operator takes more than is named. */
static bool compared(expander *x, const chosen *c, opdef *op, int n, lossuse *l) {
  l->prediction = x->g->output;
  for (int i = 0; i < n; i++) {
    const value *v = c->args[1 + i].v;
    const port *p = comparand(x, v->kind == V_REF ? v->text : NULL);
    if (!p || (!i && !p->node) || i == MAX_INPUTS) {
      diag_error(x->d, v->at, compare_help(c),
                 "a %s compares a label's value with targets or others", c->word);
      return false;
    }
    if (i) l->with[l->n_with++] = p;
    else l->prediction = p->node;
  }
  if (1 + l->n_with >= least_inputs(op)) return true;
  if (x->n_target > 1) {
    diag_error(x->d, c->at, compare_help(c), "with several targets a %s says what it compares",
               c->word);
    return false;
  }
  if (x->n_target) l->with[l->n_with++] = x->target[0];
  return true;
}

const port *loss_target(const lossuse *l) {
  for (int i = 0; i < l->n_with; i++)
    if (l->with[i]->target) return l->with[i];
  return NULL;
}

/* `times=0.3` belongs to the use, not to the operator. */
static bool take_times(expander *x, int *n, arg *args, lossuse *l) {
  l->times = 1;
  int k = 0;
  for (int i = 0; i < *n; i++) {
    if (!args[i].key || strcmp(args[i].key, "times")) {
      args[k++] = args[i];
      continue;
    }
    value *v = resolve(x, args[i].v);
    if (!v || !value_number(x, v, &l->times)) return false;
  }
  *n = k;
  return true;
}

static const opdecl *table_of(const opdef *op) {
  for (int i = 0; i < op->n_decl; i++)
    if (op->decl[i].is_state) return &op->decl[i];
  return NULL;
}

/* Does the setting decide whether the operator has its table? */
static bool calls_table(const opdef *op, const char *key) {
  const opdecl *d = key ? table_of(op) : NULL;
  return d && d->when && d->when->kind == X_NAME && !strcmp(d->when->name, key);
}

static bool table_values(expander *x, const value *v, lossuse *l) {
  const char *help = "`weights=balanced`, or a list as in `weights={1 2.5 1}`";
  l->balanced = v->kind == V_NAME && !strcmp(v->text, "balanced");
  if (l->balanced) return true;
  if (v->kind != V_SET) {
    diag_error(x->d, v->at, help, "a loss takes a weight for each class");
    return false;
  }
  for (int i = 0; i < v->n; i++) {
    double one;
    value *item = resolve(x, v->item[i]);
    if (!item || !value_number(x, item, &one)) return false;
    if (!(one >= 0 && one <= 1e9)) {
      diag_error(x->d, item->at, NULL, "a class weighs from 0 to 1e9");
      return false;
    }
    PUSH(x->a, l->table, l->n_table, one);
  }
  return true;
}

/* `weights=1`: all weigh the same; `weights=0`: there is no table. */
static bool is_switch(const value *v) { return v->kind == V_NUM && (v->num == 0 || v->num == 1); }

/* `weights={1 2.5 1}`: the operator's setting becomes 1, and the list its table. */
static bool take_table(expander *x, const opdef *op, int n, arg *args, lossuse *l) {
  for (int i = 0; i < n; i++) {
    if (!calls_table(op, args[i].key) || is_switch(args[i].v)) continue;
    if (!table_values(x, args[i].v, l)) return false;
    value *one = NEW(x->a, value);
    *one = (value){.kind = V_NUM, .num = 1, .at = args[i].v->at};
    const int64_t classes = loss_target(l) ? loss_target(l)->below : 0;
    if (classes > MAX_TABLE || (l->n_table && classes && l->n_table != classes)) {
      diag_error(x->d, args[i].v->at, classes > MAX_TABLE ? "leave `weights` out" : NULL,
                 "%lld classes do not take %d weights", (long long)classes, l->n_table);
      return false;
    }
    args[i].v = one;
  }
  return true;
}

/* "3 with 1 of 5" */
static const char *compared_text(expander *x, const lossuse *l) {
  const char *t = node_shape_text(x->a, l->prediction);
  for (int i = 0; i < l->n_with; i++)
    t = arena_printf(x->a, "%s %s %s", t, i ? "and" : "with", port_text(x->a, l->with[i]));
  return t;
}

static opdef *matching_form(expander *x, opdef *op, lossuse *l) {
  shape of[MAX_INPUTS] = {l->prediction->shape};
  for (int i = 0; i < l->n_with; i++) of[1 + i] = l->with[i]->shape;
  return match_form(x, op, 1 + l->n_with, of, 0, l->as);
}

static bool all_sizes_agree(const opdef *form, const lossuse *l) {
  for (int b = 1; b <= l->n_with; b++)
    for (int a = 0; a < b; a++)
      if (!sizes_agree(form, l->as, a, b)) return false;
  return true;
}

/* The form of the operator for what it compares. */
static opdef *use_form(expander *x, opdef *op, loc at, lossuse *l) {
  opdef *form = matching_form(x, op, l);
  const bool sizes = form && !all_sizes_agree(form, l);
  if (form && !sizes) return form;
  diag_error(x->d, at,
             sizes && loss_target(l)
                 ? "end with as many values as the target has, or change the target"
                 : arena_printf(x->a, "it takes %s", forms_text(x, op)),
             "`%s` does not compare %s", op->name, compared_text(x, l));
  note_shapes(x, l->prediction);
  return NULL;
}

static bool has_shapes(const lossuse *l) {
  bool known = l->prediction && l->prediction->shape.rank >= 0;
  for (int i = 0; i < l->n_with; i++) known &= l->with[i]->shape.rank >= 0;
  return known;
}

static bool read_one_use(expander *x, const chosen *c, opkind kind, const char *takes, lossuse *l) {
  value *v = NULL;
  if (!first_name(x, c, takes, &v)) return false;
  if (v->kind == V_SET) v = v->item[0];
  opdef *op = find_use(x, v, kind);
  int refs = op ? count_branches(c->n - 1, c->args + 1) : 0, n = c->n - 1 - refs;
  if (!op || !compared(x, c, op, refs, l)) return false;
  arg *args = NEW_N(x->a, arg, n + 1);
  for (int i = 0; i < n; i++) args[i] = c->args[1 + refs + i];
  if (!take_times(x, &n, args, l) || !take_table(x, op, n, args, l)) return false;
  if (has_shapes(l)) op = use_form(x, op, v->at, l);
  return op && read_settings(x, op, v->at, n, args, &l->use);
}

void read_loss(expander *x, const chosen *c) {
  traincfg *t = &x->g->train;
  lossuse l = {.times = 1};
  if (!read_one_use(x, c, OP_LOSS, "a loss, for example `loss cross_entropy;`", &l)) return;
  PUSH(x->a, t->loss, t->n_loss, l);
}

/* The total that takes such sums, by name and number of dimensions; NULL: there is none. */
static opdef *find_total(expander *x, const opdef *op) {
  int len[MAX_PACKS];
  const int rank[1] = {op->n_out_dim};
  for (opdef *o = ops_find(x->g->ops, op->name); o; o = ops_find(o->next, op->name))
    if (o->kind == OP_TOTAL && op_fits(o, 1, rank, len)) return op_form(x->a, o, len);
  return NULL;
}

/* "val_iou", "val_iou_mask" where there are several targets, or by the label before the line. */
static const char *column_of(expander *x, const metricuse *m, const char *name, const char *label) {
  if (label) return arena_printf(x->a, "val_%s", label);
  const port *t = loss_target(&m->compared);
  return x->n_target < 2 || !t ? arena_printf(x->a, "val_%s", name)
                               : arena_printf(x->a, "val_%s_%s", name, t->name);
}

/* What the first target and its loss make of the task. */
static int task_of(const expander *x) {
  const port *y = x->n_target ? x->target[0] : NULL;
  const traincfg *t = &x->g->train;
  if (y && y->is_int)
    return y->shape.rank == 0 ? OF_CLASSES : y->shape.rank == 1 ? OF_TOKENS : OF_PIXELS;
  const opdef *loss = t->n_loss ? t->loss->use.op : NULL;
  return !loss ? OF_NUMBERS : loss->binary ? OF_LABELS : loss->shares ? OF_SHARES : OF_NUMBERS;
}

static bool is_column(const expander *x, const char *column) {
  if (!strcmp(column, "val_acc")) return true; /* every run has it, if only empty */
  for (int i = 0; i < N_WATCHABLE; i++)
    if (!strcmp(watchable[i].word, column) &&
        (!watchable[i].tasks || watchable[i].tasks & task_of(x)))
      return true;
  for (int i = 0; i < x->g->train.n_metric; i++)
    if (!strcmp(x->g->train.metric[i].column, column)) return true;
  return false;
}

void read_metric(expander *x, const chosen *c) {
  traincfg *t = &x->g->train;
  metricuse m = {.compared = {.times = 1}};
  if (!read_one_use(x, c, OP_METRIC, "a metric, for example `metric top 5;`", &m.compared)) return;
  const opdef *op = m.compared.use.op;
  m.total = op->kind == OP_METRIC ? find_total(x, op) : NULL;
  m.column = column_of(x, &m, op->name, c->label);
  if (!m.total && op->n_out_dim > 1)
    diag_error(x->d, op->at,
               arena_printf(x->a, "add `op %s(sums[N,K]) -> value[N] total {..}`", op->name),
               "`%s` has several sums for each sample, and no total of them", op->name);
  else if (is_column(x, m.column))
    diag_error(x->d, c->at, "it needs no line of its own, or a label: `mine: metric ..;`",
               "`metrics.csv` has a column `%s` already", m.column);
  else if (t->n_metric == MAX_METRICS)
    diag_error(x->d, c->at, NULL, "at most %d metrics", MAX_METRICS);
  else PUSH(x->a, t->metric, t->n_metric, m);
}

/* A metric of the file's own, by its column: its place from 1. */
static int own_metric(const expander *x, const char *column) {
  const traincfg *t = &x->g->train;
  for (int i = 0; i < t->n_metric; i++)
    if (!strcmp(t->metric[i].column, column)) return i + 1;
  return 0;
}

static bool can_watch(expander *x, const chosen *c, const char *metric) {
  int i = 0;
  if (own_metric(x, metric)) return true;
  while (strcmp(watchable[i].word, metric)) i++;
  if (!watchable[i].tasks || watchable[i].tasks & task_of(x)) return true;
  diag_error(x->d, c->args[0].v->at, "`val_loss` is there for every task",
             "`%s` is there where the target is %s", metric, watchable[i].of);
  return false;
}

void read_stop(expander *x, const chosen *c) {
  const char *metrics[N_WATCHABLE + MAX_METRICS];
  traincfg *t = &x->g->train;
  for (int i = 0; i < N_WATCHABLE; i++) metrics[i] = watchable[i].word;
  for (int i = 0; i < t->n_metric; i++) metrics[N_WATCHABLE + i] = t->metric[i].column;
  slot s[2] = {{.name = "patience"}, {.name = "restore"}};
  double patience = 5, restore = 0;
  const char *metric;
  if (c->n < 1 || c->args[0].key) {
    bad(x, c, "a metric, for example `stop val_loss patience=3 restore`");
    return;
  }
  if (!one_of(x, c, c->args[0].v, metrics, N_WATCHABLE + t->n_metric, &metric)) return;
  if (!can_watch(x, c, metric) || !word_slots(x, c, 1, 2, s)) return;
  if (!slot_number(x, c, &s[0], 1, 1e6, true, &patience)) return;
  if (!slot_number(x, c, &s[1], 0, 1, true, &restore)) return;
  t->stop_metric = metric;
  t->stop_own = own_metric(x, metric);
  t->stop_rises = t->stop_own && t->metric[t->stop_own - 1].compared.use.op->rises;
  t->stop_patience = (int)patience;
  t->stop_restore = restore != 0;
}

void read_optimizer(expander *x, const chosen *c) {
  value *v;
  if (!first_name(x, c, "an optimizer, for example `optimizer sgd;`", &v)) return;
  int n = v->kind == V_SET ? v->n : 1;
  opuse *use = NEW_N(x->a, opuse, n);
  for (int i = 0; i < n; i++) {
    const value *name = v->kind == V_SET ? v->item[i] : v;
    const opdef *op = find_use(x, name, OP_OPTIMIZER);
    if (!op || !read_settings(x, op, name->at, c->n - 1, c->args + 1, &use[i])) return;
  }
  x->g->train.optimizer = use;
  x->g->train.n_optimizer = n;
}

static opuse default_use(expander *x, const opdef *op) {
  opuse u = {
      .op = op, .n_set = op->n_set, .set = NEW_N(x->a, setting, op->n_set + 1), .at = NOWHERE};
  call c = {.what = op->name};
  xenv none = {0};
  op_slots(x, op, &c);
  slots_to_settings(x, &c, op, &none, u.set);
  return u;
}

static opdef *next_default(opdef *o, opkind kind) {
  while (o && !(o->is_default && o->kind == kind)) o = o->next;
  return o;
}

void default_optimizer(expander *x) {
  traincfg *t = &x->g->train;
  t->optimizer = NEW(x->a, opuse);
  *t->optimizer = default_use(x, next_default(x->g->ops, OP_OPTIMIZER));
  t->n_optimizer = 1;
}

/* Of the operators that are the default, the first that takes the network's result and target. */
static void choose_loss(expander *x) {
  traincfg *t = &x->g->train;
  lossuse l = {.prediction = x->g->output, .times = 1};
  if (x->n_target == 1) l.with[l.n_with++] = x->target[0];
  if (t->n_loss || !l.n_with || !has_shapes(&l)) return;
  for (opdef *o = next_default(x->g->ops, OP_LOSS); o; o = next_default(o->next, OP_LOSS)) {
    opdef *form = matching_form(x, o, &l);
    if (!form || !form->is_default || !all_sizes_agree(form, &l)) continue;
    l.use = default_use(x, form);
    PUSH(x->a, t->loss, t->n_loss, l);
    return;
  }
  if (!x->g->has_train || diag_errors(x->d)) return;
  diag_error(x->d, l.prediction->at, "end with one value a class or number, or name a `loss`",
             "no loss compares %s", compared_text(x, &l));
  note_shapes(x, l.prediction);
}

static void check_needs(expander *x, const lossuse *l) {
  const opuse *u = &l->use;
  node n = {
      .op = u->op, .n_in = 1 + l->n_with, .as = (shape *)l->as, .n_set = u->n_set, .set = u->set};
  xenv env;
  if (!has_shapes(l) || !node_env(&n, 1, x->d, &env)) return;
  for (int i = 0; i < u->op->n_need; i++) {
    double v;
    if (!xexpr_eval(u->op->need[i].cond, &env, x->d, &v) || v != 0) continue;
    diag_error(x->d, u->at.line ? u->at : l->prediction->at, NULL, "`%s` does not fit: %s",
               u->op->name, u->op->need[i].reason);
    note_shapes(x, l->prediction);
    return;
  }
}

static bool compares(const lossuse *l, const port *p) {
  for (int i = 0; i < l->n_with; i++)
    if (l->with[i] == p) return true;
  return false;
}

/* A network without targets has one class a channel, unless its losses need no target at all. */
static void drop_default_target(expander *x) {
  graph *g = x->g;
  const traincfg *t = &g->train;
  if (!t->n_loss || g->n_target != 1 || g->target[0]->at.file != NOWHERE.file) return;
  for (int i = 0; i < t->n_loss; i++)
    if (compares(&t->loss[i], g->target[0])) return;
  for (int i = 0; i < t->n_metric; i++)
    if (compares(&t->metric[i].compared, g->target[0])) return;
  x->n_target = g->n_target = 0;
  g->classes = 0;
}

/* What the losses read: their own conditions are checked on those shapes. */
void check_losses(expander *x) {
  const traincfg *t = &x->g->train;
  choose_loss(x);
  drop_default_target(x);
  for (int i = 0; i < t->n_loss && x->g->has_train; i++) check_needs(x, &t->loss[i]);
  for (int i = 0; i < t->n_metric; i++) check_needs(x, &t->metric[i].compared);
}
