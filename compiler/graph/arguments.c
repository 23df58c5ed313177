/* Arguments of layers, blocks, losses and optimizers: positions, short settings (k3x5), long ones
   (dropout=0.3) and bare words, bound to declared settings; with help for what does not fit. */
#include "expand.h"
#include "base/decimal.h"
#include "base/nearest_word.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What people call the one-letter settings elsewhere: for help lines only. */
static const struct {
  const char *word, *setting;
} usual_names[] = {{"stride", "s"},      {"strides", "s"},  {"step", "s"},         {"kernel", "k"},
                   {"kernel_size", "k"}, {"window", "k"},   {"size", "k"},         {"padding", "p"},
                   {"pad", "p"},         {"dilation", "d"}, {"groups", "g"},       {"group", "g"},
                   {"channels", "o"},    {"filters", "o"},  {"out_channels", "o"}, {"units", "o"}};
enum { N_USUAL = sizeof usual_names / sizeof *usual_names };

/* Other tools' words, and netc's. */
static const struct {
  const char *word, *ours;
} foreign[] = {
#define FOREIGN(word, ours) {word, ours},
#include "foreign.def"
#undef FOREIGN
};

/* Settings of other tools that netc says in another way, and how. */
static const struct {
  const char *word, *help;
} habits[] = {
#define HABIT(word, help) {word, help},
#include "habits.def"
#undef HABIT
};

static const char *habit_help(const char *word) {
  for (size_t i = 0; i < sizeof habits / sizeof *habits; i++)
    if (!strcasecmp(habits[i].word, word)) return habits[i].help;
  return NULL;
}

static const char *known_elsewhere(const char *word, const char *const *words, int n) {
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
    for (int k = 0; k < n && !strcasecmp(foreign[i].word, word); k++)
      if (!strcmp(words[k], foreign[i].ours)) return words[k];
  for (int k = 0; k < n; k++)
    if (!strcasecmp(words[k], word)) return words[k];
  return NULL;
}

const char *did_you_mean(expander *x, const char *word, const char *const *words, int n) {
  const char *ours = known_elsewhere(word, words, n);
  if (ours && strcmp(ours, word)) return arena_printf(x->a, "netc's word for it is `%s`", ours);
  const char *near = nearest_word(word, words, n);
  return near && strcmp(near, word) ? arena_printf(x->a, "did you mean `%s`?", near) : NULL;
}

/* --- values --- */

static bool bind_name(expander *x, const xexpr *e, xenv *env) {
  for (int i = 0; i < env->n; i++)
    if (!strcmp(env->name[i], e->name)) return true;
  double v = 0;
  if (!strcmp(e->name, "classes") && x->g->classes) {
    v = (double)x->g->classes;
  } else {
    binding *b = find_binding(x, e->name);
    if (!b) return true; /* the evaluation reports it, with a suggestion */
    if (!b->v || (b->v->kind != V_NUM && b->v->kind != V_RATIO)) {
      diag_error(x->d, e->at, NULL, "`%s` is no number", e->name);
      return false;
    }
    v = b->v->kind == V_RATIO ? b->v->num / b->v->den : b->v->num;
  }
  if (env->n == 64) {
    diag_error(x->d, e->at, NULL, "too many names in one expression");
    return false;
  }
  env->name[env->n] = e->name;
  env->v[env->n++] = v;
  return true;
}

static bool bind_names(expander *x, const xexpr *e, xenv *env) {
  if (e->kind == X_NAME) return bind_name(x, e, env);
  for (int i = 0; i < e->n; i++)
    if (!bind_names(x, e->arg[i], env)) return false;
  return true;
}

static value *number(expander *x, loc at, double n) {
  value *v = NEW(x->a, value);
  v->kind = V_NUM;
  v->at = at;
  v->num = n;
  return v;
}

bool at_most_one(expander *x, const char *word, int n, const arg *args) {
  if (n < 2) return true;
  const loc at = args[1].key ? args[1].key_at : args[1].v->at;
  const char *help = syntax_help(x->a, x->d, at);
  diag_error(x->d, at, help ? help : "is a `;` missing before this?", "`%s` takes one value", word);
  note_missing_end(x->d, at);
  return false;
}

/* The value with every name of `let` and every expression replaced; NULL after an error. */
value *resolve(expander *x, value *v) {
  if (v->kind == V_EXPR) {
    xenv env = {0};
    double n;
    if (!bind_names(x, v->x, &env) || !xexpr_eval_exact(v->x, &env, x->d, &n)) return NULL;
    return number(x, v->at, n);
  }
  if (v->kind == V_NAME && !strcmp(v->text, "classes")) {
    if (x->g->classes) return number(x, v->at, (double)x->g->classes);
    diag_error(x->d, v->at, "for example `classes 5;` after `input`",
               "`classes` is not given above");
    return NULL;
  }
  if (v->kind == V_SET) {
    diag_error(x->d, v->at, NULL, "a set of values stands only in `train`, `sweep` or `let`");
    return NULL;
  }
  binding *b = v->kind == V_NAME ? find_binding(x, v->text) : NULL;
  if (!b || !b->v) return v;
  value *copy = NEW(x->a, value);
  *copy = *b->v;
  copy->at = v->at;
  return copy;
}

/* `bias=False`. */
static const char *truth_help(const value *v) {
  static const char *const no[] = {"false", "no", "off", "none"}, *const yes[] = {"true", "yes",
                                                                                  "on"};
  if (v->kind != V_NAME) return NULL;
  for (size_t i = 0; i < sizeof no / sizeof *no; i++)
    if (!strcasecmp(v->text, no[i])) return "no is `0`";
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
    if (!strcasecmp(v->text, yes[i])) return "yes is `1`";
  return NULL;
}

bool value_number(expander *x, const value *v, double *out) {
  *out = v->num;
  if (v->kind == V_NUM) return true;
  if (v->kind == V_RATIO && v->den != 0) {
    *out = v->num / v->den;
    return true;
  }
  if (v->kind == V_RATIO) diag_error(x->d, v->at, NULL, "division by zero");
  else diag_error(x->d, v->at, truth_help(v), "expected a number");
  return false;
}

/* --- slots --- */

void op_slots(expander *x, const opdef *op, call *c) {
  c->n_slot = op->n_set;
  c->slot = NEW_N(x->a, slot, op->n_set + 1);
  for (int i = 0; i < op->n_set; i++)
    c->slot[i] = (slot){op->set[i].name, op->set[i].pair, op->set[i].dflt != NULL, NULL, NOWHERE};
}

static slot *find_slot(const call *c, const char *name, size_t n) {
  for (int i = 0; i < c->n_slot; i++)
    if (strlen(c->slot[i].name) == n && !strncmp(c->slot[i].name, name, n)) return &c->slot[i];
  return NULL;
}

static bool fill(expander *x, slot *s, value *v, loc at) {
  if (s->v) {
    diag_error(x->d, at, NULL, "`%s` is given twice", s->name);
    diag_note(x->d, s->at, "first given here");
    return false;
  }
  s->v = v;
  s->at = at;
  return true;
}

/* `k3`, `k3x5`, `p0.5`: letters that name a setting, and a number or a pair. */
static slot *short_setting(expander *x, const call *c, const value *v, value **out) {
  const char *p = v->text;
  while (isalpha((unsigned char)*p) || *p == '_') p++;
  slot *s = find_slot(c, v->text, (size_t)(p - v->text));
  if (!s || !isdigit((unsigned char)*p)) return NULL;
  const char *end;
  double h = decimal(p, &end), w = h;
  value *n = number(x, v->at, h);
  if (*end == 'x' && isdigit((unsigned char)end[1])) {
    w = decimal(end + 1, &end);
    n->kind = V_SHAPE;
    n->n_dim = 2;
    n->dim[0] = h < 1e9 ? (int64_t)h : -1;
    n->dim[1] = w < 1e9 ? (int64_t)w : -1;
  }
  if (*end) return NULL;
  *out = n;
  return s;
}

static const char *settings_list(expander *x, const call *c) {
  if (!c->n_slot) return arena_printf(x->a, "`%s` has no settings", c->what);
  const char *s = arena_printf(x->a, "its settings are `%s`", c->slot[0].name);
  for (int i = 1; i < c->n_slot; i++) s = arena_printf(x->a, "%s, `%s`", s, c->slot[i].name);
  return s;
}

/* The one-letter setting that is usually called `word`, if c has it. */
static const char *setting_called(const call *c, const char *word) {
  for (int i = 0; i < N_USUAL; i++)
    if (!strcmp(usual_names[i].word, word) && find_slot(c, usual_names[i].setting, 1))
      return usual_names[i].setting;
  return NULL;
}

static const char *setting_help(expander *x, const call *c, const char *word, const value *v) {
  const char *words[500] = {"classes"};
  int n = 1;
  for (int i = 0; i < c->n_slot; i++) words[n++] = c->slot[i].name;
  const char *ours = known_elsewhere(word, words + 1, n - 1);
  if (ours && !setting_called(c, word))
    return arena_printf(x->a, "netc's word for it is `%s`", ours);
  for (int i = 0; i < N_USUAL; i++)
    if (setting_called(c, usual_names[i].word)) words[n++] = usual_names[i].word;
  for (opdef *o = x->g->ops; c->layers && o && n < 400; o = o->next)
    if (o->kind == OP_LAYER && o->n_in == 1) words[n++] = o->name;
  for (binding *b = x->global.first; c->layers && b && n < 500; b = b->next)
    if (!b->label) words[n++] = b->name;
  if (c->layers && v && v->kind == V_NAME && ops_find(x->g->ops, v->text))
    return arena_printf(x->a, "`%s` stands alone, as a word behind the arguments", v->text);
  if (habit_help(word)) return habit_help(word);
  const char *near = nearest_word(word, words, n);
  if (!near) return settings_list(x, c);
  const char *setting = setting_called(c, near);
  if (!setting) return arena_printf(x->a, "did you mean `%s`?", near);
  if (v && v->kind == V_NUM)
    return arena_printf(x->a, "did you mean `%s%g` (%s)?", setting, v->num, near);
  return arena_printf(x->a, "did you mean `%s` (%s)?", setting, near);
}

/* --- trailing layers --- */

/* Is `name` a layer or a block; and how many arguments does it need? With some it cannot be a bare
   word, with several no `name=value`. */
static bool is_layer(const expander *x, const char *name, int *needs) {
  const binding *b = find_binding(x, name);
  *needs = 0;
  if (b && b->block) {
    for (int i = 0; i < b->block->n_param; i++) *needs += !b->block->param[i].dflt;
    return true;
  }
  opdef *op = ops_find(x->g->ops, name);
  if (ops_find(x->rejected, name)) return true;
  if (!op || op->kind != OP_LAYER || least_inputs(op) != 1) return false;
  for (int i = 0; i < op->n_set; i++) *needs += !op->set[i].dflt;
  return true;
}

static bool missing_semicolon(expander *x, const char *name, loc at, const char *why) {
  const char *help = arena_printf(x->a, "is a `;` missing before `%s`?", name);
  diag_error(x->d, at, help, "`%s` %s, so it cannot stand as an argument", name, why);
  return false;
}

static bool add_trailing(expander *x, call *c, const char *name, loc at, value *v) {
  int needs;
  is_layer(x, name, &needs);
  if (needs && !v) return missing_semicolon(x, name, at, "takes arguments");
  trailing_layer t = {name, at, v};
  PUSH(x->a, c->trailing, c->n_trailing, t);
  return true;
}

/* --- binding --- */

/* The values that are still needed, given as one shape: `reshape 2x3x4`. */
static bool bind_shape(expander *x, const call *c, const value *v) {
  int n = 0;
  for (int i = 0; i < c->n_slot; i++)
    if (!c->slot[i].v && !c->slot[i].optional && !c->slot[i].pair) n++;
  if (n < 2 || n != v->n_dim) return false;
  for (int i = 0, d = 0; i < c->n_slot; i++) {
    slot *s = &c->slot[i];
    if (!s->v && !s->optional && !s->pair) fill(x, s, number(x, v->at, (double)v->dim[d++]), v->at);
  }
  return true;
}

static bool bind_positional(expander *x, call *c, value *v) {
  if (c->n_trailing) {
    const trailing_layer *t = &c->trailing[c->n_trailing - 1];
    return missing_semicolon(x, t->name, t->at, "is followed by a value");
  }
  if (v->kind == V_SHAPE && c->layers && !c->block && bind_shape(x, c, v)) return true;
  for (int i = 0; i < c->n_slot; i++)
    if (!c->slot[i].v) return fill(x, &c->slot[i], v, v->at);
  diag_error(x->d, v->at, settings_list(x, c), "`%s` takes no further value", c->what);
  return false;
}

static bool bind_word(expander *x, call *c, value *v) {
  value *n = NULL;
  slot *s = short_setting(x, c, v, &n);
  int needs;
  if (s && c->n_trailing) return bind_positional(x, c, n);
  if (s) return fill(x, s, n, v->at);
  value *r = resolve(x, v);
  if (!r) return false;
  if (r->kind != V_NAME) return bind_positional(x, c, r);
  if (c->layers && is_layer(x, r->text, &needs)) return add_trailing(x, c, r->text, v->at, NULL);
  s = find_slot(c, r->text, strlen(r->text));
  if (s && s->optional && s->name[1])
    return fill(x, s, number(x, v->at, 1), v->at); /* a switch: nesterov */
  if (s)
    diag_error(x->d, v->at, arena_printf(x->a, "for example `%s=3`", s->name), "`%s` needs a value",
               s->name);
  else
    diag_error(x->d, v->at, setting_help(x, c, r->text, NULL), "`%s` has no setting `%s`%s",
               c->what, v->text, c->layers ? ", and there is no such layer" : "");
  return false;
}

static bool bind_key(expander *x, call *c, const arg *a) {
  int needs;
  value *v = resolve(x, a->v);
  if (!v) return false;
  slot *s = find_slot(c, a->key, strlen(a->key));
  if (s && !c->n_trailing) return fill(x, s, v, a->key_at);
  if (c->layers && is_layer(x, a->key, &needs) && needs <= 1)
    return add_trailing(x, c, a->key, a->key_at, v);
  diag_error(x->d, a->key_at, setting_help(x, c, a->key, v), "`%s` has no setting `%s`", c->what,
             a->key);
  return false;
}

int count_branches(int n, const arg *args) {
  int i = 0;
  while (i < n && !args[i].key && (args[i].v->kind == V_BODY || args[i].v->kind == V_REF)) i++;
  return i;
}

/* How many values stand there without a name: a shape is one for each of its dimensions. */
int count_values(const expander *x, int n, const arg *args) {
  int values = 0;
  for (int i = 0; i < n && !args[i].key; i++) {
    const value *v = args[i].v;
    const binding *b = v->kind == V_NAME ? find_binding(x, v->text) : NULL;
    if (b && b->v) v = b->v;
    if (v->kind == V_NAME && strcmp(v->text, "classes")) break;
    values += v->kind == V_SHAPE ? v->n_dim : 1;
  }
  return values;
}

static bool bind_argument(expander *x, call *c, arg *a) {
  if (a->key) return bind_key(x, c, a);
  if (a->v->kind == V_NAME) return bind_word(x, c, a->v);
  if (a->v->kind == V_REF || a->v->kind == V_BODY) {
    diag_error(x->d, a->v->at,
               "what a layer or loss reads stands right after its name, as in `loss huber @a @b "
               "delta=0.5`",
               "a branch or reference stands before the arguments");
    return false;
  }
  value *v = resolve(x, a->v);
  return v && bind_positional(x, c, v);
}

static const char *usual_of(const char *setting) {
  for (int i = 0; i < N_USUAL; i++)
    if (!strcmp(usual_names[i].setting, setting)) return usual_names[i].word;
  return NULL;
}

static bool check_given(expander *x, const call *c) {
  bool ok = true;
  for (int i = 0; i < c->n_slot; i++) {
    const slot *s = &c->slot[i];
    if (s->v || s->optional) continue;
    const char *usual = usual_of(s->name);
    diag_error(x->d, c->at, NULL, "`%s` needs a value for `%s`%s%s%s", c->what, s->name,
               usual ? " (" : "", usual ? usual : "", usual ? ")" : "");
    ok = false;
  }
  return ok;
}

bool bind_arguments(expander *x, call *c, int n, arg *args) {
  bool ok = true;
  for (int i = 0; i < n && !too_many_errors(x); i++) ok &= bind_argument(x, c, &args[i]);
  return ok && check_given(x, c);
}

/* --- settings of an operator --- */

static bool whole_size(double v) { return v >= 0 && v <= 1e6 && v == floor(v); }

/* A word that stands for a number: p=same. */
static bool word_value(const opsetting *s, const value *v, double out[2]) {
  for (int i = 0; v->kind == V_NAME && i < s->n_word; i++)
    if (!strcmp(s->word[i], v->text)) {
      out[0] = out[1] = -1 - i;
      return true;
    }
  return false;
}

static bool pair_value(expander *x, const slot *s, double v[2]) {
  if (s->v->kind == V_SHAPE && s->v->n_dim == 2) {
    v[0] = (double)s->v->dim[0];
    v[1] = (double)s->v->dim[1];
  } else {
    if (!value_number(x, s->v, &v[0])) return false;
    v[1] = v[0];
  }
  if (whole_size(v[0]) && whole_size(v[1])) return true;
  diag_error(x->d, s->v->at, NULL, "`%s` takes whole numbers, one or height x width", s->name);
  return false;
}

static bool default_value(expander *x, const opdef *op, int i, const xenv *env, setting *out) {
  const xexpr *e = op->set[i].dflt;
  for (int j = 0; e->kind == X_NAME && j < i; j++)
    if (op->set[i].pair && op->set[j].pair && !strcmp(op->set[j].name, e->name)) {
      out[i].v[0] = out[j].v[0];
      out[i].v[1] = out[j].v[1];
      return true;
    }
  if (!xexpr_eval(e, env, x->d, &out[i].v[0])) return false;
  out[i].v[1] = out[i].v[0];
  return true;
}

bool slots_to_settings(expander *x, const call *c, const opdef *op, const xenv *dims,
                       setting *out) {
  xenv env = *dims;
  bool ok = true;
  for (int i = 0; i < op->n_set; i++) {
    const slot *s = &c->slot[i];
    out[i].name = op->set[i].name;
    out[i].v[0] = out[i].v[1] = 0;
    if (!s->v) ok = ok && default_value(x, op, i, &env, out);
    else if (word_value(&op->set[i], s->v, out[i].v)) ok &= true;
    else if (s->pair) ok &= pair_value(x, s, out[i].v);
    else ok &= value_number(x, s->v, &out[i].v[0]);
    if (!op->set[i].pair) out[i].v[1] = out[i].v[0];
    if (ok) env_add_setting(&env, &op->set[i], &out[i]);
  }
  return ok;
}
