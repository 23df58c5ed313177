/* Sets of values and `sweep` studies, as lists of overrides that `netc sweep` runs. */
#include "expand.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_VARIANTS = 2000, MAX_AXES_OF_STUDY = 8 };

/* The text at a place (one line of it). */
const char *source_slice(expander *x, loc at) {
  const char *p = diag_source_text(x->d, at.file);
  for (int i = 1; i < at.line; i++) {
    p = strchr(p, '\n');
    if (!p++) return "";
  }
  size_t n = strlen(p), col = (size_t)at.col - 1;
  if (col > n) return "";
  return arena_strndup(x->a, p + col, (size_t)at.len < n - col ? (size_t)at.len : n - col);
}

/* Braces that are one value, a list, and no alternatives. */
static bool is_list(const stmt *s, const arg *a) {
  if (a->v->kind != V_SET || !a->key || !s->word) return false;
  if (!strcmp(s->word, "data")) return !strcmp(a->key, "target") || !strcmp(a->key, "drop");
  return !strcmp(s->word, "loss") && !strcmp(a->key, "weights");
}

static bool is_set(const stmt *s, int i) {
  return s->arg[i].v->kind == V_SET && !is_list(s, &s->arg[i]);
}

static const char *list_text(expander *x, const value *list) {
  const char *text = "{";
  for (int i = 0; i < list->n; i++)
    text = arena_printf(x->a, "%s%s%s", text, i ? " " : "", source_slice(x, list->item[i]->at));
  return arena_printf(x->a, "%s}", text);
}

/* A statement's arguments as text, with alternative `pick` in place of its set. */
static const char *arguments_text(expander *x, const stmt *s, int pick) {
  const char *text = "";
  for (int i = 0; i < s->n_arg; i++) {
    const value *v = s->arg[i].v;
    if (is_set(s, i)) v = v->item[pick];
    text = arena_printf(x->a, "%s%s%s%s%s", text, i ? " " : "", s->arg[i].key ? s->arg[i].key : "",
                        s->arg[i].key ? "=" : "",
                        v->kind == V_SET ? list_text(x, v) : source_slice(x, v->at));
  }
  return text;
}

static int alternatives_of(const stmt *s) {
  int n = 1;
  for (int i = 0; i < s->n_arg; i++)
    if (is_set(s, i)) n = s->arg[i].v->n;
  return n;
}

static bool add_variant(expander *x, variant v) {
  graph *g = x->g;
  if (g->n_variant >= MAX_VARIANTS) {
    diag_error(x->d, NOWHERE, NULL, "%s: more than %d variants to sweep", g->path, MAX_VARIANTS);
    return false;
  }
  PUSH(x->a, g->variant, g->n_variant, v);
  return true;
}

static bool one_set_at_most(expander *x, const stmt *s) {
  int n = 0;
  for (int i = 0; i < s->n_arg; i++) n += is_set(s, i);
  if (n > 1) diag_error(x->d, s->word_at, NULL, "`%s` has more than one set of values", s->word);
  return n <= 1;
}

void add_set_variants(expander *x, const char *study, const stmt *s) {
  int n = alternatives_of(s);
  if (!one_set_at_most(x, s) || n == 1) return;
  for (int i = 0; i < n; i++) {
    variant v = {.study = study, .n_override = 1};
    v.word = NEW(x->a, const char *);
    v.text = NEW(x->a, const char *);
    v.word[0] = study;
    v.text[0] = arguments_text(x, s, i);
    v.label = arena_printf(x->a, "%s=%s", study, v.text[0]);
    if (!add_variant(x, v)) return;
  }
}

/* `net "f.net"`: a path from the sweep's own folder. */
static const char *override_value(expander *x, const sweep_use *u, const stmt *s, int pick) {
  const char *text = arguments_text(x, s, pick);
  size_t n = strlen(text);
  if (strcmp(s->word, "net") || n < 2 || text[0] != '"') return text;
  return resolve_path(x->a, u->folder, arena_strndup(x->a, text + 1, n - 2));
}

static const char *label_value(expander *x, const stmt *s, int pick) {
  const char *text = arguments_text(x, s, pick);
  if (text[0] != '"') return text;
  const char *slash = strrchr(text, '/'), *base = slash ? slash + 1 : text + 1;
  return arena_strndup(x->a, base, strcspn(base, ".\""));
}

static bool study_is_good(expander *x, const stmt *sweep, int *n_axis, const stmt **axis) {
  for (const stmt *s = sweep->body; s; s = s->next) {
    if (s->kind != S_CALL || s->label || !s->n_arg) {
      diag_error(x->d, s->at, "for example `lr {0.01 0.1};`",
                 "a study sets words to sets of values");
      return false;
    }
    if (!one_set_at_most(x, s)) return false;
    if (*n_axis == MAX_AXES_OF_STUDY) {
      diag_error(x->d, s->at, NULL, "a study varies at most %d words", MAX_AXES_OF_STUDY);
      return false;
    }
    axis[(*n_axis)++] = s;
  }
  if (!*n_axis) diag_error(x->d, sweep->word_at, NULL, "study `%s` is empty", sweep->word);
  return *n_axis > 0;
}

/* All combinations, the last word varying fastest. */
static void add_study(expander *x, const sweep_use *u) {
  const stmt *axis[MAX_AXES_OF_STUDY];
  int n_axis = 0, pick[MAX_AXES_OF_STUDY] = {0};
  if (!study_is_good(x, u->s, &n_axis, axis)) return;
  for (int i = 0; i >= 0;) {
    variant v = {.study = u->s->word, .n_override = n_axis, .label = ""};
    v.word = NEW_N(x->a, const char *, n_axis);
    v.text = NEW_N(x->a, const char *, n_axis);
    for (int k = 0; k < n_axis; k++) {
      v.word[k] = axis[k]->word;
      v.text[k] = override_value(x, u, axis[k], pick[k]);
      if (alternatives_of(axis[k]) > 1 || n_axis == 1)
        v.label = arena_printf(x->a, "%s%s%s=%s", v.label, v.label[0] ? " " : "", v.word[k],
                               label_value(x, axis[k], pick[k]));
    }
    if (!add_variant(x, v)) return;
    for (i = n_axis - 1; i >= 0 && ++pick[i] == alternatives_of(axis[i]); i--) pick[i] = 0;
  }
}

/* Words of a study are checked when they are used; here those that can never mean anything. */
static bool word_is_known(expander *x, const stmt *s) {
  const char *words[300] = {"data",  "split",  "loss", "optimizer", "lr",   "schedule",
                            "batch", "epochs", "stop", "augment",   "seed", "net"};
  int n = 12;
  for (binding *b = x->global.first; b && n < 300; b = b->next)
    if (b->v) words[n++] = b->name;
  for (int i = 0; i < n; i++)
    if (!strcmp(words[i], s->word)) return true;
  diag_error(x->d, s->word_at, did_you_mean(x, s->word, words, n),
             "there is no `%s` in this network to be varied", s->word);
  return false;
}

void add_variants(expander *x) {
  for (int i = 0; i < x->n_sweep; i++) {
    bool known = true;
    for (const stmt *s = x->sweep[i].s->body; s; s = s->next)
      known &= s->kind != S_CALL || word_is_known(x, s);
    for (int k = 0; k < i; k++)
      if (!strcmp(x->sweep[k].s->word, x->sweep[i].s->word)) {
        diag_error(x->d, x->sweep[i].s->word_at, NULL, "`%s` is given twice", x->sweep[i].s->word);
        diag_note(x->d, x->sweep[k].s->word_at, "first given here");
      }
    if (known) add_study(x, &x->sweep[i]);
  }
}
