/* `train {..}`: data, split, loss, optimizer and the rest, checked. The file that includes wins
   over the files it includes; the command line wins over both. */
#include "expand.h"
#include <math.h>
#include <string.h>

/* The statement that counts for one word. */
typedef struct {
  const char *word;
  loc at;
  int n;
  arg *args;
  const char *folder;
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
static void read_epochs(expander *x, const chosen *c) {
  read_numbers(x, c, &x->g->train.epochs, 1, 1e6, true, "a whole number, at least 1");
}
static void read_seed(expander *x, const chosen *c) {
  read_numbers(x, c, &x->g->train.seed, 0, 9007199254740992.0, true, "a whole number, at least 0");
}

static bool one_split(const value *v, splitval *out) {
  *out = (splitval){0};
  if (v->kind == V_RATIO && v->num == floor(v->num) && v->den == floor(v->den) && v->num >= 1 &&
      v->num < 1e15 && v->den < 1e15) {
    out->train = (int64_t)v->num;
    out->val = (int64_t)v->den;
    return true;
  }
  out->is_fraction = true;
  out->fraction = v->num;
  return v->kind == V_NUM && v->num > 0 && v->num <= 1;
}

static void read_split(expander *x, const chosen *c) {
  static const char takes[] = "counts like 800/205, or a fraction for training like 0.8";
  value **v;
  int n;
  if (!alternatives(x, c, takes, &n, &v)) return;
  x->g->train.split = NEW_N(x->a, splitval, n);
  for (int i = 0; i < n; i++)
    if (!one_split(v[i], &x->g->train.split[i])) {
      diag_error(x->d, v[i]->at, NULL, "`split` takes %s", takes);
      return;
    }
  x->g->train.n_split = n;
  x->g->train.split_at = c->at;
}

/* --- losses and optimizers --- */

static bool read_opuse(expander *x, const chosen *c, const value *name, opkind kind, opuse *out) {
  const char *words[100], *what = kind == OP_LOSS ? "loss" : "optimizer";
  int n = 0;
  const opdef *op = name->kind == V_NAME ? ops_find(x->g->ops, name->text) : NULL;
  for (opdef *o = x->g->ops; o && n < 100; o = o->next)
    if (o->kind == kind) words[n++] = o->name;
  if (!op || op->kind != kind) {
    const char *help = name->kind == V_NAME ? did_you_mean(x, name->text, words, n) : NULL;
    for (int i = 0; !help && i < n; i++)
      help = arena_printf(x->a, "for example `%s %s;`", what, words[i]);
    if (name->kind == V_NAME)
      diag_error(x->d, name->at, help, "there is no %s `%s`", what, name->text);
    else diag_error(x->d, name->at, help, "`%s` takes a name", what);
    return false;
  }
  call k = {.what = op->name, .at = name->at};
  xenv none = {0};
  op_slots(x, op, &k);
  *out = (opuse){op, op->n_set, NEW_N(x->a, setting, op->n_set + 1), name->at};
  int before = diag_errors(x->d);
  if (!bind_arguments(x, &k, c->n - 1, c->args + 1)) return false;
  if (!slots_to_settings(x, &k, op, &none, out->set)) return false;
  for (int i = 0; i < op->n_set; i++) env_add_setting(&none, &op->set[i], &out->set[i]);
  for (int i = 0; kind == OP_OPTIMIZER && i < op->n_need; i++) {
    double v;
    if (xexpr_eval(op->need[i].cond, &none, x->d, &v) && v == 0)
      diag_error(x->d, name->at, NULL, "`%s` does not fit: %s", op->name, op->need[i].reason);
  }
  return diag_errors(x->d) == before;
}

static bool first_name(expander *x, const chosen *c, const char *takes, value **v) {
  if (c->n < 1 || c->args[0].key) return bad(x, c, takes);
  *v = c->args[0].v;
  if ((*v)->kind != V_SET) *v = resolve(x, *v);
  return *v != NULL;
}

static void read_loss(expander *x, const chosen *c) {
  value *v;
  opuse u;
  if (!first_name(x, c, "a loss, for example `loss cross_entropy;`", &v)) return;
  if (v->kind == V_SET) v = v->item[0];
  if (read_opuse(x, c, v, OP_LOSS, &u)) x->g->train.loss->use = u;
}

static void read_optimizer(expander *x, const chosen *c) {
  value *v;
  if (!first_name(x, c, "an optimizer, for example `optimizer sgd;`", &v)) return;
  int n = v->kind == V_SET ? v->n : 1;
  opuse *use = NEW_N(x->a, opuse, n);
  for (int i = 0; i < n; i++)
    if (!read_opuse(x, c, v->kind == V_SET ? v->item[i] : v, OP_OPTIMIZER, &use[i])) return;
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

static void read_schedule(expander *x, const chosen *c) {
  static const char *const kinds[] = {"step", "cosine", "linear"};
  traincfg *t = &x->g->train;
  const char *kind;
  double *arg = t->schedule_arg;
  if (c->n < 1 || c->args[0].key) {
    bad(x, c, "`step`, `cosine` or `linear`");
    return;
  }
  if (!one_of(x, c, c->args[0].v, kinds, 3, &kind)) return;
  bool step = !strcmp(kind, "step");
  slot s[2] = {{.name = step ? "every" : "warmup"}, {.name = step ? "times" : "final"}};
  if (!word_slots(x, c, 1, 2, s)) return;
  if (step && !s[0].v) {
    bad(x, c, "the epochs of a step, for example `schedule step every=10 times=0.5`");
    return;
  }
  arg[0] = 0;
  arg[1] = step ? 0.1 : 0;
  bool ok = slot_number(x, c, &s[0], step ? 1 : 0, 1e6, true, &arg[0]);
  if (ok & slot_number(x, c, &s[1], 0, step ? 10 : 1, false, &arg[1])) t->schedule = kind;
}

static void read_stop(expander *x, const chosen *c) {
  static const char *const metrics[] = {"val_loss", "val_acc", "train_loss"};
  traincfg *t = &x->g->train;
  slot s[2] = {{.name = "patience"}, {.name = "restore"}};
  double patience = 5, restore = 0;
  const char *metric;
  if (c->n < 1 || c->args[0].key) {
    bad(x, c, "a metric, for example `stop val_loss patience=3 restore`");
    return;
  }
  if (!one_of(x, c, c->args[0].v, metrics, 3, &metric) || !word_slots(x, c, 1, 2, s)) return;
  if (!slot_number(x, c, &s[0], 1, 1e6, true, &patience)) return;
  if (!slot_number(x, c, &s[1], 0, 1, true, &restore)) return;
  t->stop_metric = metric;
  t->stop_patience = (int)patience;
  t->stop_restore = restore != 0;
}

static void read_augment(expander *x, const chosen *c) {
  slot s[2] = {{.name = "flip"}, {.name = "shift"}};
  double flip = 0, shift = 0;
  if (!word_slots(x, c, 0, 2, s)) return;
  if (!slot_number(x, c, &s[0], 0, 1, true, &flip)) return;
  if (!slot_number(x, c, &s[1], 0, 64, true, &shift)) return;
  x->g->train.augment_flip = flip != 0;
  x->g->train.augment_shift = (int)shift;
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

static void read_data(expander *x, const chosen *c) {
  static const char *const layouts[] = {"nhwc", "nchw", "flat"};
  traincfg *t = &x->g->train;
  slot s[4] = {{.name = "images"}, {.name = "labels"}, {.name = "layout"}, {.name = "scale"}};
  value *v;
  if (!first_name(x, c, "a path in quotes, for example `data \"emoji.pkl\";`", &v)) return;
  if (v->kind == V_SET) v = v->item[0];
  if (v->kind != V_STRING || !v->text[0]) {
    bad(x, c, "a path in quotes, for example `data \"emoji.pkl\";`");
    return;
  }
  if (!word_slots(x, c, 1, 4, s)) return;
  if (!data_word(x, &s[0], &t->images) || !data_word(x, &s[1], &t->labels)) return;
  if (s[2].v && !one_of(x, c, s[2].v, layouts, 3, &t->layout)) return;
  if (!slot_number(x, c, &s[3], 1e-9, 1e9, false, &t->scale)) return;
  t->data_as_written = v->text;
  t->data = resolve_path(x->a, c->folder, v->text);
  t->data_at = v->at;
}

/* --- choosing --- */

static const struct {
  const char *word;
  void (*read)(expander *x, const chosen *c);
} readers[] = {{"data", read_data},           {"split", read_split},   {"loss", read_loss},
               {"optimizer", read_optimizer}, {"lr", read_lr},         {"schedule", read_schedule},
               {"batch", read_batch},         {"epochs", read_epochs}, {"stop", read_stop},
               {"augment", read_augment},     {"seed", read_seed}};
enum { N_READERS = sizeof readers / sizeof *readers };

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

static const train_use *choose(expander *x, const char *word) {
  const train_use *best = NULL;
  for (int i = 0; i < x->n_train; i++) {
    const train_use *u = &x->train[i];
    if (strcmp(u->s->word, word)) continue;
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

static void read_setting(expander *x, int i) {
  const char *word = readers[i].word, *text = override_text(x, word);
  const train_use *u = choose(x, word);
  chosen c = {.word = word, .folder = ""};
  if (u) c = (chosen){word, u->s->word_at, u->s->n_arg, u->s->arg, u->folder};
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
}

static void default_values(expander *x, values *v, double d) {
  *v = (values){1, NEW(x->a, double), NOWHERE};
  v->v[0] = d;
}

static opuse default_use(expander *x, const char *name) {
  const opdef *op = ops_find(x->g->ops, name);
  opuse u = {op, op->n_set, NEW_N(x->a, setting, op->n_set + 1), NOWHERE};
  call c = {.what = name};
  xenv none = {0};
  op_slots(x, op, &c);
  slots_to_settings(x, &c, op, &none, u.set);
  return u;
}

static void set_defaults(expander *x) {
  traincfg *t = &x->g->train;
  t->data_at = t->split_at = NOWHERE;
  default_values(x, &t->lr, 0.01);
  default_values(x, &t->batch, 32);
  default_values(x, &t->epochs, 10);
  default_values(x, &t->seed, 1);
  t->split = NEW(x->a, splitval);
  *t->split = (splitval){true, 0.8, 0, 0};
  t->n_split = 1;
  t->loss = NEW(x->a, lossuse);
  t->loss->use = default_use(x, "cross_entropy");
  t->loss->times = 1;
  t->n_loss = 1;
  t->optimizer = NEW(x->a, opuse);
  *t->optimizer = default_use(x, "sgd");
  t->n_optimizer = 1;
}

/* The loss reads what the network ends in: its own conditions are checked on that shape. */
static void check_loss(expander *x) {
  lossuse *l = x->g->train.loss;
  const opuse *u = &l->use;
  node *out = x->g->output;
  if (!out || out->shape.rank < 0) return;
  l->prediction = out;
  l->target = x->g->target[0];
  l->as[0] = out->shape;
  l->as[1] = l->target->shape;
  node n = {.op = u->op, .n_in = 2, .as = l->as, .n_set = u->n_set, .set = u->set};
  xenv env;
  node_env(&n, 1, &env);
  for (int i = 0; x->g->has_train && i < u->op->n_need; i++) {
    double v;
    if (!xexpr_eval(u->op->need[i].cond, &env, x->d, &v) || v != 0) continue;
    diag_error(x->d, out->at, NULL, "`%s` does not fit: %s", u->op->name, u->op->need[i].reason);
    note_shapes(x, out);
    return;
  }
}

void read_train(expander *x) {
  int kept = 0;
  set_defaults(x);
  for (int i = 0; i < x->n_train; i++)
    if (known_setting(x, x->train[i].s)) x->train[kept++] = x->train[i];
  x->n_train = kept;
  for (int i = 0; i < N_READERS; i++) read_setting(x, i);
  check_loss(x);
}
