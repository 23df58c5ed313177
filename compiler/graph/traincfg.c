/* `train {..}`: data, split, loss, optimizer and the rest, checked. The file that includes wins
   over the files it includes; the command line wins over both. */
#include "expand.h"
#include <math.h>
#include <string.h>

enum { MAX_TABLE = 1024 };

/* The statement that counts for one word. */
typedef struct {
  const char *word;
  loc at;
  int n;
  arg *args;
  const char *folder;
  const char *label; /* before the statement, or NULL */
} chosen;

static bool bad(expander *x, const chosen *c, const char *takes) {
  diag_error(x->d, c->at, NULL, "`%s` takes %s", c->word, takes);
  return false;
}

/* --- values and sets of values --- */

/* The alternatives of the one value of a statement: {a b c}, or just a. */
static bool alternatives(expander *x, const chosen *c, const char *takes, int *n, value ***v) {
  if (!at_most_one(x, c->word, c->n, c->args)) return false;
  if (c->n != 1 || c->args[0].key) return bad(x, c, takes);
  value *only = c->args[0].v;
  *n = only->kind == V_SET ? only->n : 1;
  *v = NEW_N(x->a, value *, *n);
  for (int i = 0; i < *n; i++) {
    (*v)[i] = resolve(x, only->kind == V_SET ? only->item[i] : only);
    if (!(*v)[i]) return false;
  }
  return true;
}

static void read_numbers(expander *x, const chosen *c, values *out, double lo, double hi,
                         bool whole, const char *takes) {
  value **v;
  int n;
  if (!alternatives(x, c, takes, &n, &v)) return;
  values got = {.n = n, .v = NEW_N(x->a, double, n), .at = c->at};
  for (int i = 0; i < n; i++) {
    if (!value_number(x, v[i], &got.v[i])) return;
    if (!(got.v[i] >= lo && got.v[i] <= hi) || (whole && got.v[i] != floor(got.v[i]))) {
      diag_error(x->d, v[i]->at, NULL, "`%s` takes %s", c->word, takes);
      return;
    }
  }
  *out = got;
}

static void read_lr(expander *x, const chosen *c) {
  read_numbers(x, c, &x->g->train.lr, 1e-30, 1e6, false, "a number above 0");
}
static void read_batch(expander *x, const chosen *c) {
  read_numbers(x, c, &x->g->train.batch, 1, 65536, true, "a whole number from 1 to 65536");
}
/* `shards 8`: a batch is so many parts. */
static void read_shards(expander *x, const chosen *c) {
  read_numbers(x, c, &x->g->train.shards, 1, 65536, true, "a whole number from 1 to 65536");
}
/* `clip 1.0`: the norm of all gradients together is at most that. */
static void read_clip(expander *x, const chosen *c) {
  read_numbers(x, c, &x->g->train.clip, 1e-30, 1e30, false, "a number above 0");
}
/* `average 0.999`: what a step keeps of the average of the weights. */
static void read_average(expander *x, const chosen *c) {
  read_numbers(x, c, &x->g->train.average, 1e-9, 1 - 1e-9, false, "a number between 0 and 1");
}
/* `epochs 10`, or `epochs 10 of 200`: each of 200 batches that are drawn at random. */
static void read_epochs(expander *x, const chosen *c) {
  static const char takes[] = "a whole number, at least 1 (or `10 of 200`: batches in an epoch)";
  chosen first = *c;
  values steps = {0};
  if (c->n == 3 && !c->args[1].key && c->args[1].v->kind == V_NAME &&
      !strcmp(c->args[1].v->text, "of")) {
    chosen last = *c;
    last.n = first.n = 1;
    last.args = c->args + 2;
    read_numbers(x, &last, &steps, 1, 1e9, true, takes);
    if (!steps.n) return;
    x->g->train.epoch_steps = (int64_t)steps.v[0];
  }
  read_numbers(x, &first, &x->g->train.epochs, 1, 1e6, true, takes);
}
static void read_seed(expander *x, const chosen *c) {
  read_numbers(x, c, &x->g->train.seed, 0, 9007199254740992.0, true, "a whole number, at least 0");
}

/* Fractions where the first is one, of which the parts are at most the whole; else counts. */
static bool one_split(const value *v, splitval *out) {
  const double part[3] = {v->num, v->den, v->third};
  const int parts = v->kind == V_NUM ? 1 : v->kind == V_RATIO ? 2 : v->kind == V_PARTS ? 3 : 0;
  double sum = 0;
  *out = (splitval){.parts = parts, .is_fraction = parts == 1 || (part[0] > 0 && part[0] < 1)};
  for (int i = 0; i < parts; i++) {
    if (!out->is_fraction && (part[i] != floor(part[i]) || part[i] >= 1e15)) return false;
    if (out->is_fraction) out->fraction[i] = part[i];
    else out->count[i] = (int64_t)part[i];
    sum += part[i];
  }
  return parts && part[0] > 0 && (!out->is_fraction || sum < 1 + 1e-9);
}

/* `split 0.8 end`: what validates is the end of the data. */
static bool take_end(chosen *c) {
  const arg *last = c->n > 1 ? &c->args[c->n - 1] : NULL;
  if (!last || last->key || last->v->kind != V_NAME || strcmp(last->v->text, "end")) return false;
  c->n--;
  return true;
}

static void read_split(expander *x, const chosen *given) {
  static const char takes[] = "counts like 800/205 or 800/100/105 (for training, validation and "
                              "test), or fractions like 0.8 or 0.8/0.1/0.1";
  chosen only = *given, *c = &only;
  const bool ordered = take_end(c);
  value **v;
  int n;
  if (!alternatives(x, c, takes, &n, &v)) return;
  x->g->train.split = NEW_N(x->a, splitval, n);
  for (int i = 0; i < n; i++) {
    if (!one_split(v[i], &x->g->train.split[i])) {
      diag_error(x->d, v[i]->at, NULL, "`split` takes %s", takes);
      return;
    }
    x->g->train.split[i].ordered = ordered;
  }
  x->g->train.n_split = n;
  x->g->train.split_at = c->at;
}

/* --- what metrics.csv has, losses and optimizers --- */

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

/* The first operator of that name and kind; NULL after an error. */
static opdef *find_use(expander *x, const value *name, opkind kind) {
  const char *words[100], *what = kind_words[kind];
  int n = 0;
  opdef *op = name->kind == V_NAME ? find_kind(x, name->text, kind) : NULL;
  if (op) return op;
  for (opdef *o = x->g->ops; o && n < 100; o = o->next)
    if (serves_as(o, kind)) words[n++] = o->name;
  const char *help = name->kind == V_NAME ? did_you_mean(x, name->text, words, n) : NULL;
  for (int i = 0; !help && i < n; i++)
    help = arena_printf(x->a, "for example `%s %s;`", what, words[i]);
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

static bool first_name(expander *x, const chosen *c, const char *takes, value **v) {
  if (c->n < 1 || c->args[0].key) return bad(x, c, takes);
  *v = c->args[0].v;
  if ((*v)->kind != V_SET) *v = resolve(x, *v);
  return *v != NULL;
}

/* `@head @y` after a loss or metric; without them the network's result and its one target. */
static bool compared(expander *x, const chosen *c, int n, lossuse *l) {
  const bool loss = !strcmp(c->word, "loss");
  const char *help =
      loss ? "for example `loss mse @head @y;`" : "for example `metric r2 @head @y;`";
  l->prediction = x->g->output;
  l->target = x->n_target ? x->target[0] : NULL;
  if (!n) {
    if (x->n_target < 2) return true;
    diag_error(x->d, c->at, help, "with several targets a %s says what it compares", c->word);
    return false;
  }
  const binding *p = find_binding(x, c->args[1].v->text ? c->args[1].v->text : "");
  const binding *t = n > 1 ? find_binding(x, c->args[2].v->text ? c->args[2].v->text : "") : NULL;
  if (n == 2 && p && p->label && t && t->target) {
    l->prediction = p->label;
    l->target = t->target;
    return true;
  }
  const value *wrong = c->args[n == 2 && p && p->label ? 2 : 1].v;
  diag_error(x->d, wrong->at, help, "a %s compares a label's value and a target", c->word);
  return false;
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
    const int64_t classes = l->target ? l->target->below : 0;
    if (classes > MAX_TABLE || (l->n_table && classes && l->n_table != classes)) {
      diag_error(x->d, args[i].v->at, classes > MAX_TABLE ? "leave `weights` out" : NULL,
                 "%lld classes do not take %d weights", (long long)classes, l->n_table);
      return false;
    }
    args[i].v = one;
  }
  return true;
}

/* The form of the operator for what it compares. */
static opdef *use_form(expander *x, opdef *op, loc at, lossuse *l) {
  const shape of[2] = {l->prediction->shape, l->target->shape};
  opdef *form = match_form(x, op, 2, of, 0, l->as);
  const bool sizes = form && !sizes_agree(form, l->as, 0, 1);
  if (form && !sizes) return form;
  diag_error(x->d, at,
             sizes ? "end with as many values as the target has, or change the target"
                   : arena_printf(x->a, "it takes %s", forms_text(x, op)),
             "`%s` does not compare %s with %s", op->name, node_shape_text(x->a, l->prediction),
             port_text(x->a, l->target));
  note_shapes(x, l->prediction);
  return NULL;
}

static bool has_shapes(const lossuse *l) {
  return l->prediction && l->target && l->prediction->shape.rank >= 0 && l->target->shape.rank >= 0;
}

static bool read_one_use(expander *x, const chosen *c, opkind kind, const char *takes, lossuse *l) {
  value *v = NULL;
  if (!first_name(x, c, takes, &v)) return false;
  if (v->kind == V_SET) v = v->item[0];
  opdef *op = find_use(x, v, kind);
  int refs = op ? count_branches(c->n - 1, c->args + 1) : 0, n = c->n - 1 - refs;
  if (!op || !compared(x, c, refs, l)) return false;
  arg *args = NEW_N(x->a, arg, n + 1);
  for (int i = 0; i < n; i++) args[i] = c->args[1 + refs + i];
  if (!take_times(x, &n, args, l) || !take_table(x, op, n, args, l)) return false;
  if (has_shapes(l)) op = use_form(x, op, v->at, l);
  return op && read_settings(x, op, v->at, n, args, &l->use);
}

static void read_loss(expander *x, const chosen *c) {
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
  const port *t = m->compared.target;
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

static void read_metric(expander *x, const chosen *c) {
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

static void read_optimizer(expander *x, const chosen *c) {
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

/* --- settings by words --- */

/* Binds a statement's arguments to named slots; word slots are for names, the others for numbers.
 */
static bool word_slots(expander *x, const chosen *c, int from, int n, slot *slots) {
  call k = {.what = c->word, .at = c->at, .n_slot = n, .slot = slots};
  for (int i = 0; i < n; i++) slots[i].optional = true, slots[i].at = NOWHERE;
  return bind_arguments(x, &k, c->n - from, c->args + from);
}

static bool slot_number(expander *x, const chosen *c, const slot *s, double lo, double hi,
                        bool whole, double *out) {
  if (!s->v) return true;
  double v;
  if (!value_number(x, s->v, &v)) return false;
  if (v < lo || v > hi || (whole && v != floor(v))) {
    diag_error(x->d, s->v->at, NULL, "`%s` of `%s` is %s from %g to %g", s->name, c->word,
               whole ? "a whole number" : "a number", lo, hi);
    return false;
  }
  *out = v;
  return true;
}

static bool one_of(expander *x, const chosen *c, const value *v, const char *const *words, int n,
                   const char **out) {
  if (v->kind == V_SET && v->n) v = v->item[0];
  const char *list = words[0];
  for (int i = 0; i < n; i++) {
    if (v->kind == V_NAME && !strcmp(v->text, words[i])) {
      *out = words[i];
      return true;
    }
    if (i) list = arena_printf(x->a, "%s%s`%s`", list, i == n - 1 ? " or " : ", ", words[i]);
    else list = arena_printf(x->a, "`%s`", words[0]);
  }
  const char *help = v->kind == V_NAME ? did_you_mean(x, v->text, words, n) : NULL;
  diag_error(x->d, v->at, help, "`%s` takes %s", c->word, list);
  return false;
}

/* Which settings a kind of schedule takes; `steps` makes counts ones of steps, not epochs. */
static const struct {
  const char *kind;
  unsigned takes; /* as bits, by place in a schedule's values */
} schedules[] = {
    {"constant", 1 << SCHEDULE_WARMUP},
    {"step", 1 << SCHEDULE_EVERY | 1 << SCHEDULE_TIMES | 1 << SCHEDULE_WARMUP},
    {"exponential", 1 << SCHEDULE_TIMES | 1 << SCHEDULE_WARMUP},
    {"cosine", 1 << SCHEDULE_WARMUP | 1 << SCHEDULE_FINAL},
    {"linear", 1 << SCHEDULE_WARMUP | 1 << SCHEDULE_FINAL},
    {"onecycle", 1 << SCHEDULE_PCT_START | 1 << SCHEDULE_DIV | 1 << SCHEDULE_FINAL_DIV}};
enum { N_SCHEDULE = sizeof schedules / sizeof *schedules };

static const struct {
  const char *name;
  double lo, hi, usual;
  bool whole;
} schedule_values[SCHEDULE_VALUES] = {
    [SCHEDULE_EVERY] = {"every", 1, 1e9, 0, true},
    [SCHEDULE_TIMES] = {"times", 0, 10, 0.1, false},
    [SCHEDULE_WARMUP] = {"warmup", 0, 1e9, 0, true},
    [SCHEDULE_FINAL] = {"final", 0, 1, 0, false},
    [SCHEDULE_PCT_START] = {"pct_start", 0, 1, 0.3, false},
    [SCHEDULE_DIV] = {"div_factor", 1, 1e9, 25, false},
    [SCHEDULE_FINAL_DIV] = {"final_div_factor", 1, 1e12, 1e4, false}};

static bool schedule_numbers(expander *x, const chosen *c, unsigned takes, schedule_rule *r) {
  slot s[SCHEDULE_VALUES + 1];
  int at[SCHEDULE_VALUES], n = 0;
  for (int i = 0; i < SCHEDULE_VALUES; i++) {
    r->value[i] = schedule_values[i].usual;
    if (!(takes >> i & 1)) continue;
    s[n] = (slot){.name = schedule_values[i].name};
    at[n++] = i;
  }
  const bool counts = takes >> SCHEDULE_WARMUP & 1;
  s[n] = (slot){.name = "steps"};
  if (!word_slots(x, c, 1, n + counts, s)) return false;
  bool ok = true;
  for (int k = 0; k < n; k++)
    ok &= slot_number(x, c, &s[k], schedule_values[at[k]].lo, schedule_values[at[k]].hi,
                      schedule_values[at[k]].whole, &r->value[at[k]]);
  double steps = 0;
  if (counts) ok &= slot_number(x, c, &s[n], 0, 1, true, &steps);
  r->in_steps = steps != 0;
  return ok;
}

static void read_schedule(expander *x, const chosen *c) {
  const char *kinds[N_SCHEDULE];
  schedule_rule r = {0};
  int k = 0;
  for (int i = 0; i < N_SCHEDULE; i++) kinds[i] = schedules[i].kind;
  if (c->n < 1 || c->args[0].key) {
    bad(x, c, "`step`, `exponential`, `cosine`, `linear`, `onecycle` or `constant`");
    return;
  }
  if (!one_of(x, c, c->args[0].v, kinds, N_SCHEDULE, &r.kind)) return;
  while (strcmp(kinds[k], r.kind)) k++;
  if (!schedule_numbers(x, c, schedules[k].takes, &r)) return;
  if (schedules[k].takes >> SCHEDULE_EVERY & 1 && !r.value[SCHEDULE_EVERY])
    bad(x, c, "the epochs of a step, for example `schedule step every=10 times=0.5`");
  else x->g->train.schedule = r;
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

static void read_stop(expander *x, const chosen *c) {
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

static void read_augment(expander *x, const chosen *c) {
  enum { FLIP, SHIFT, CROP, ROTATE, CUTOUT, NOISE, MIXUP, N };
  static const struct {
    const char *name;
    double least, most;
    bool whole;
  } takes[N] = {{"flip", 0, 1, true},      {"shift", 0, 4096, true},  {"crop", 0.05, 1, false},
                {"rotate", 0, 180, false}, {"cutout", 0, 4096, true}, {"noise", 0, 1e6, false},
                {"mixup", 0.05, 2, false}};
  slot s[N] = {0};
  double v[N] = {0};
  for (int i = 0; i < N; i++) s[i].name = takes[i].name;
  if (!word_slots(x, c, 0, N, s)) return;
  for (int i = 0; i < N; i++)
    if (!slot_number(x, c, &s[i], takes[i].least, takes[i].most, takes[i].whole, &v[i])) return;
  traincfg *t = &x->g->train;
  t->augment.flip = v[FLIP] != 0;
  t->augment.shift = (int)v[SHIFT];
  t->augment.crop = v[CROP] < 1 ? v[CROP] : 0;
  t->augment.rotate = v[ROTATE];
  t->augment.cutout = (int)v[CUTOUT];
  t->augment.noise = v[NOISE];
  t->augment.mixup = v[MIXUP];
}

/* --- data --- */

static bool data_word(expander *x, const slot *s, const char **out) {
  if (!s->v) return true;
  if (s->v->kind == V_NAME || s->v->kind == V_STRING) {
    *out = s->v->text;
    return true;
  }
  diag_error(x->d, s->v->at, NULL, "`%s` of `data` is a name", s->name);
  return false;
}

/* `target=price`, `drop={id name}`: columns, whose names mean nothing to the network. */
static bool column_names(expander *x, const value *v, int *n, const char ***names) {
  const int count = v->kind == V_SET ? v->n : 1;
  for (int i = 0; i < count; i++) {
    const value *one = v->kind == V_SET ? v->item[i] : v;
    const char *name = one->kind == V_NAME || one->kind == V_STRING ? one->text : NULL;
    if (one->kind == V_NUM) name = arena_printf(x->a, "%.0f", one->num);
    if (!name) {
      diag_error(x->d, one->at, "for example `target=price` or `drop={id \"full name\"}`",
                 "a column is a name, or its number");
      return false;
    }
    PUSH(x->a, *names, *n, name);
  }
  return true;
}

/* The settings of `data` that are columns; *rest are the other arguments. */
static bool data_columns(expander *x, const chosen *c, chosen *rest) {
  traincfg *t = &x->g->train;
  *rest = *c;
  rest->n = 0;
  rest->args = NEW_N(x->a, arg, c->n + 1);
  t->n_data_target = t->n_data_drop = 0;
  for (int i = 0; i < c->n; i++) {
    const arg *a = &c->args[i];
    if (a->key && !strcmp(a->key, "target")) {
      if (!column_names(x, a->v, &t->n_data_target, &t->data_target)) return false;
    } else if (a->key && !strcmp(a->key, "drop")) {
      if (!column_names(x, a->v, &t->n_data_drop, &t->data_drop)) return false;
    } else {
      rest->args[rest->n++] = *a;
    }
  }
  return true;
}

/* `val="val.csv"`: a file, from the folder of the .net file. */
static bool data_file(expander *x, const chosen *c, const slot *s, const char **out) {
  if (!s->v) return true;
  if (s->v->kind == V_STRING && s->v->text[0]) {
    *out = resolve_path(x->a, c->folder, s->v->text);
    return true;
  }
  diag_error(x->d, s->v->at, NULL, "`%s` of `data` is a path in quotes", s->name);
  return false;
}

static bool data_choice(expander *x, const chosen *c, const slot *s, const char *word, bool *out) {
  const char *got;
  *out = s->v != NULL;
  return !s->v || one_of(x, c, s->v, &word, 1, &got);
}

static void read_normalize(expander *x, const chosen *c) {
  if (c->n) {
    bad(x, c, "nothing: it measures the training samples");
    return;
  }
  x->g->train.normalize = true;
  x->g->train.normalize_at = c->at;
}

static void read_data(expander *x, const chosen *given) {
  static const char *const layouts[] = {"nhwc", "nchw", "flat"};
  static const char *const fits[] = {"stretch", "crop", "pad"};
  traincfg *t = &x->g->train;
  slot s[10] = {{.name = "images"},  {.name = "labels"}, {.name = "layout"}, {.name = "scale"},
                {.name = "missing"}, {.name = "tokens"}, {.name = "mel"},    {.name = "val"},
                {.name = "test"},    {.name = "fit"}};
  chosen without, *c = &without;
  if (!data_columns(x, given, c)) return;
  value *v;
  if (!first_name(x, c, "a path in quotes, for example `data \"emoji.pkl\";`", &v)) return;
  if (v->kind == V_SET) v = v->item[0];
  if (v->kind != V_STRING || !v->text[0]) {
    bad(x, c, "a path in quotes, for example `data \"emoji.pkl\";`");
    return;
  }
  if (!word_slots(x, c, 1, 10, s)) return;
  if (!slot_number(x, c, &s[6], 1, 512, true, &t->data_mel)) return;
  if (!data_file(x, c, &s[7], &t->data_val) || !data_file(x, c, &s[8], &t->data_test)) return;
  if (!data_choice(x, c, &s[4], "mean", &t->data_missing_mean)) return;
  if (!data_choice(x, c, &s[5], "bytes", &t->data_bytes)) return;
  if (!data_word(x, &s[0], &t->images) || !data_word(x, &s[1], &t->labels)) return;
  if (s[2].v && !one_of(x, c, s[2].v, layouts, 3, &t->layout)) return;
  if (s[9].v && !one_of(x, c, s[9].v, fits, 3, &t->fit)) return;
  if (!slot_number(x, c, &s[3], 1e-9, 1e9, false, &t->scale)) return;
  t->data_as_written = v->text;
  t->data = resolve_path(x->a, c->folder, v->text);
  t->data_at = v->at;
}

/* --- choosing --- */

static const struct {
  const char *word;
  void (*read)(expander *x, const chosen *c);
} readers[] = {
    {"data", read_data},           {"split", read_split},         {"loss", read_loss},
    {"metric", read_metric},       {"optimizer", read_optimizer}, {"lr", read_lr},
    {"schedule", read_schedule},   {"batch", read_batch},         {"epochs", read_epochs},
    {"stop", read_stop},           {"augment", read_augment},     {"seed", read_seed},
    {"normalize", read_normalize}, {"shards", read_shards},       {"clip", read_clip},
    {"average", read_average}};
enum { N_READERS = sizeof readers / sizeof *readers };

const char *train_word(int i) { return i < N_READERS ? readers[i].word : NULL; }

static bool known_setting(expander *x, const stmt *s) {
  const char *words[N_READERS];
  for (int i = 0; i < N_READERS; i++) {
    words[i] = readers[i].word;
    if (s->kind == S_CALL && !strcmp(readers[i].word, s->word)) return true;
  }
  diag_error(x->d, s->word_at, did_you_mean(x, s->word, words, N_READERS),
             "`train` has no setting `%s`", s->word);
  return false;
}

/* Settings of which there may be several. */
static bool adds_up(const char *word) { return !strcmp(word, "loss") || !strcmp(word, "metric"); }

static const train_use *choose(expander *x, const char *word) {
  const train_use *best = NULL;
  for (int i = 0; i < x->n_train; i++) {
    const train_use *u = &x->train[i];
    if (strcmp(u->s->word, word)) continue;
    if (best && best->file_depth == u->file_depth && adds_up(word)) continue;
    if (best && best->file_depth == u->file_depth) {
      diag_error(x->d, u->s->word_at, NULL, "`%s` is given twice", word);
      diag_note(x->d, best->s->word_at, "first given here");
    }
    if (!best || u->file_depth < best->file_depth) best = u;
  }
  return best;
}

/* A path from the command line counts from where the user is, not from the file. */
static void data_override(expander *x, const char *text) {
  x->g->train.data = x->g->train.data_as_written = arena_strdup(x->a, text);
  x->g->train.data_at = NOWHERE;
}

/* The statements of the same word and file after the first one. */
static void read_more(expander *x, int i, const train_use *first) {
  for (int k = 0; k < x->n_train; k++) {
    const train_use *u = &x->train[k];
    if (u == first || u->file_depth != first->file_depth || strcmp(u->s->word, readers[i].word))
      continue;
    chosen c = {readers[i].word, u->s->word_at, u->s->n_arg, u->s->arg, u->folder, u->s->label};
    readers[i].read(x, &c);
  }
}

static void read_setting(expander *x, int i) {
  const char *word = readers[i].word, *text = override_text(x, word);
  const train_use *u = choose(x, word);
  chosen c = {.word = word, .folder = ""};
  if (u) c = (chosen){word, u->s->word_at, u->s->n_arg, u->s->arg, u->folder, u->s->label};
  if (text && u && !strcmp(word, "epochs")) readers[i].read(x, &c); /* --epochs leaves `of` alone */
  if (text && !strcmp(word, "data") && text[0] != '"') {
    if (u) readers[i].read(x, &c);
    data_override(x, text);
    return;
  }
  if (text) {
    int file = diag_add_source(x->d, arena_printf(x->a, "--%s", word), text, strlen(text));
    c.at = (loc){file, 1, 1, (int)strlen(text)};
    if (!parse_values(x->a, x->d, file, &c.n, &c.args)) return;
  } else if (u) {
    add_set_variants(x, word, u->s);
  }
  if (text || u) readers[i].read(x, &c);
  if (!text && u && adds_up(word)) read_more(x, i, u);
}

static void default_values(expander *x, values *v, double d) {
  *v = (values){1, NEW(x->a, double), NOWHERE};
  v->v[0] = d;
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

static void set_defaults(expander *x) {
  traincfg *t = &x->g->train;
  t->data_at = t->split_at = NOWHERE;
  default_values(x, &t->lr, 0.01);
  default_values(x, &t->batch, 32);
  default_values(x, &t->epochs, 10);
  default_values(x, &t->seed, 1);
  t->split = NEW(x->a, splitval);
  *t->split = (splitval){.is_fraction = true, .fraction = {0.8}, .parts = 1};
  t->n_split = 1;
  t->optimizer = NEW(x->a, opuse);
  *t->optimizer = default_use(x, next_default(x->g->ops, OP_OPTIMIZER));
  t->n_optimizer = 1;
}

/* Of the operators that are the default, the first that takes the network's result and target. */
static void choose_loss(expander *x) {
  traincfg *t = &x->g->train;
  lossuse l = {.prediction = x->g->output, .times = 1};
  l.target = x->n_target == 1 ? x->target[0] : NULL;
  if (t->n_loss || !has_shapes(&l)) return;
  const shape of[2] = {l.prediction->shape, l.target->shape};
  for (opdef *o = next_default(x->g->ops, OP_LOSS); o; o = next_default(o->next, OP_LOSS)) {
    opdef *form = match_form(x, o, 2, of, 0, l.as);
    if (!form || !form->is_default || !sizes_agree(form, l.as, 0, 1)) continue;
    l.use = default_use(x, form);
    PUSH(x->a, t->loss, t->n_loss, l);
    return;
  }
  if (!x->g->has_train || diag_errors(x->d)) return;
  diag_error(x->d, l.prediction->at, "end with one value a class or number, or name a `loss`",
             "no loss compares %s with %s", node_shape_text(x->a, l.prediction),
             port_text(x->a, l.target));
  note_shapes(x, l.prediction);
}

static void check_needs(expander *x, const lossuse *l) {
  const opuse *u = &l->use;
  node n = {.op = u->op, .n_in = 2, .as = (shape *)l->as, .n_set = u->n_set, .set = u->set};
  xenv env;
  if (!has_shapes(l) || !node_env(&n, 1, x->d, &env)) return;
  for (int i = 0; i < u->op->n_need; i++) {
    double v;
    if (!xexpr_eval(u->op->need[i].cond, &env, x->d, &v) || v != 0) continue;
    diag_error(x->d, l->prediction->at, NULL, "`%s` does not fit: %s", u->op->name,
               u->op->need[i].reason);
    note_shapes(x, l->prediction);
    return;
  }
}

/* What the losses read: their own conditions are checked on those shapes. */
static void check_losses(expander *x) {
  const traincfg *t = &x->g->train;
  choose_loss(x);
  for (int i = 0; i < t->n_loss && x->g->has_train; i++) check_needs(x, &t->loss[i]);
  for (int i = 0; i < t->n_metric; i++) check_needs(x, &t->metric[i].compared);
}

static void tell_optimizers(traincfg *t) {
  for (int i = 0; i < t->n_optimizer; i++) {
    t->optimizer[i].clip = t->clip.n ? t->clip.v[0] : 0;
    t->optimizer[i].average = t->average.n ? t->average.v[0] : 0;
  }
}

void read_train(expander *x) {
  int kept = 0;
  set_defaults(x);
  for (int i = 0; i < x->n_train; i++)
    if (known_setting(x, x->train[i].s)) x->train[kept++] = x->train[i];
  x->n_train = kept;
  for (int i = 0; i < N_READERS; i++) read_setting(x, i);
  tell_optimizers(&x->g->train);
  check_losses(x);
}
