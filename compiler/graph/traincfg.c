/* `train {..}`: data, split, loss, optimizer and the rest, checked. The file that includes wins
   over the files it includes; the command line wins over both. */
#include "traincfg.h"
#include <math.h>
#include <string.h>

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
  slot s[11] = {{.name = "images"},  {.name = "labels"}, {.name = "layout"}, {.name = "scale"},
                {.name = "missing"}, {.name = "tokens"}, {.name = "mel"},    {.name = "val"},
                {.name = "test"},    {.name = "fit"},    {.name = "horizon"}};
  chosen without, *c = &without;
  if (!data_columns(x, given, c)) return;
  value *v;
  if (!first_name(x, c, "a path in quotes, for example `data \"emoji.pkl\";`", &v)) return;
  if (v->kind == V_SET) v = v->item[0];
  if (v->kind != V_STRING || !v->text[0]) {
    bad(x, c, "a path in quotes, for example `data \"emoji.pkl\";`");
    return;
  }
  if (!word_slots(x, c, 1, 11, s)) return;
  t->data_series = s[10].v != NULL;
  if (!slot_number(x, c, &s[10], 0, 1e6, true, &t->data_horizon)) return;
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
  default_optimizer(x);
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
