/* What an editor offers to go on with: layers, settings, names and words, each where it may stand.
 */
#include "cli/lsp.h"
#include "runtime/message.h"
#include <stdlib.h>
#include <string.h>

enum {
  KIND_FUNCTION = 3,
  KIND_VARIABLE = 6,
  KIND_PROPERTY = 10,
  KIND_KEYWORD = 14,
  KIND_LABEL = 18
};

typedef struct {
  json_object *list;
  const lsp_document *d;
  const opdef *ops;
  lsp_names names;
  lsp_place place;
} offers;

static void offer(const offers *o, const char *label, const char *insert, int kind,
                  const char *doc) {
  json_object *j = json_object_new_object();
  lsp_put(j, "label", lsp_string(label));
  lsp_put(j, "insertText", lsp_string(insert));
  lsp_put(j, "kind", json_object_new_int(kind));
  if (doc && *doc) lsp_put(j, "documentation", lsp_string(doc));
  json_object_array_add(o->list, j);
}

static bool named_before(const opdef *ops, const opdef *op) {
  while (ops != op && strcmp(ops->name, op->name)) ops = ops->next;
  return ops != op;
}

static void offer_operators(const offers *o, opkind kind) {
  for (const opdef *op = o->ops; op; op = op->next)
    if (op->kind == kind && !named_before(o->ops, op))
      offer(o, op->name, op->name, KIND_FUNCTION, op->doc);
}

static void offer_setting(const offers *o, const opdef *op, const opsetting *s) {
  const char *name = s->name;
  char *insert = message(name[1] ? "%s=" : "%s", name);
  char *doc = message("of `%s`%s", op->name, s->dflt ? ", may be left out" : ", needed");
  offer(o, name, insert, KIND_PROPERTY, doc);
  free(insert), free(doc);
  for (int i = 0; i < s->n_word; i++) {
    char *word = message("%s=%s", name, s->word[i]);
    offer(o, word, word, KIND_PROPERTY, op->doc);
    free(word);
  }
}

/* Of every form of the operator. */
static bool offer_settings(const offers *o, lsp_word callee) {
  bool found = false;
  for (const opdef *op = callee.n ? o->ops : NULL; op; op = op->next) {
    if (!word_is(callee, op->name)) continue;
    for (int i = 0; i < op->n_set && !found; i++) offer_setting(o, op, &op->set[i]);
    found = true;
  }
  return found;
}

static void offer_known(const offers *o, lsp_where where, lsp_word after) {
  for (int i = 0; i < lsp_n_known; i++) {
    const lsp_known *k = &lsp_known_words[i];
    const bool fits = after.n ? word_is(after, k->after) : !*k->after;
    if (k->where == where && fits) offer(o, k->word, k->insert, KIND_KEYWORD, k->doc);
  }
}

/* Names that this text gives, known at the place. */
static void offer_names(const offers *o, lsp_kind kind, int item) {
  for (int i = 0; i < o->names.n_symbol; i++) {
    const lsp_symbol *s = &o->names.symbol[i];
    if (s->kind != kind || !s->given || (s->scope && s->scope != o->place.scope)) continue;
    char *name = message("%.*s", s->name.n, s->name.start);
    bool known = false;
    for (const opdef *op = kind == LSP_OPERATOR ? o->ops : NULL; op && !known; op = op->next)
      known = word_is(s->name, op->name);
    if (!known) offer(o, name, name, item, NULL);
    free(name);
  }
}

/* Blocks and `let` of the files that this one includes. */
static void offer_included(const offers *o, arena *a) {
  for (int f = 0; o->d->g; f++) {
    const char *text = diag_source_text(o->d->g->d, f), *name = diag_source_name(o->d->g->d, f);
    if (!*text && !strcmp(name, "netc")) return;
    if (!strcmp(name, o->d->path) || !strncmp(name, "ops/", 4)) continue;
    offers there = *o;
    there.names = lsp_names_of(a, text, o->ops);
    there.place.scope = 0;
    offer_names(&there, LSP_LET, KIND_VARIABLE), offer_names(&there, LSP_BLOCK, KIND_FUNCTION);
  }
}

static void offer_layers(const offers *o, arena *a) {
  offer_names(o, LSP_BLOCK, KIND_FUNCTION), offer_names(o, LSP_OPERATOR, KIND_FUNCTION);
  offer_names(o, LSP_PARAMETER, KIND_VARIABLE), offer_names(o, LSP_LET, KIND_VARIABLE);
  offer_included(o, a);
  offer_operators(o, OP_LAYER);
}

static void offer_parameters(const offers *o, lsp_word block) {
  for (int i = 0; i < o->names.n_symbol; i++) {
    const lsp_symbol *s = &o->names.symbol[i];
    if (s->kind != LSP_PARAMETER || s->holder.n != block.n ||
        strncmp(s->holder.start, block.start, (size_t)block.n))
      continue;
    char *name = message("%.*s", s->name.n, s->name.start);
    char *insert = message(s->name.n > 1 ? "%s=" : "%s", name);
    offer(o, name, insert, KIND_PROPERTY, "a parameter of the block");
    free(name), free(insert);
  }
}

static void offer_training(const offers *o) {
  const lsp_place *p = &o->place;
  offer_known(o, LSP_IN_TRAIN, p->statement);
  if (!p->statement.n) return;
  const bool loss = word_is(p->statement, "loss"), metric = word_is(p->statement, "metric");
  if (word_is(p->statement, "optimizer") && !p->second.n) offer_operators(o, OP_OPTIMIZER);
  else if ((loss || metric) && !p->second.n) {
    if (metric) offer_operators(o, OP_METRIC);
    offer_operators(o, OP_LOSS), offer_names(o, LSP_OPERATOR, KIND_FUNCTION);
  } else offer_settings(o, p->second);
}

static void offer_here(const offers *o, arena *a) {
  const lsp_place *p = &o->place;
  if (p->reference) offer_names(o, LSP_LABEL, KIND_LABEL);
  else if (p->where == LSP_IN_TRAIN) offer_training(o);
  else if (p->where == LSP_IN_OPERATOR)
    offer_known(o, LSP_IN_OPERATOR, (lsp_word){0}), offer_names(o, LSP_LOCAL, KIND_VARIABLE);
  else if (p->where == LSP_IN_SWEEP && p->statement.n) offer_training(o), offer_layers(o, a);
  else if (p->where == LSP_IN_SWEEP) {
    offer_known(o, LSP_IN_SWEEP, p->statement), offer_known(o, LSP_IN_TRAIN, p->statement);
    offer_names(o, LSP_LET, KIND_VARIABLE);
  } else if (p->where == LSP_IN_FILE) {
    if (!p->statement.n) offer_known(o, LSP_IN_FILE, p->statement);
    if (p->statement.n) {
      offer_settings(o, p->statement), offer_parameters(o, p->statement);
      offer(o, "weights=", "weights=@", KIND_PROPERTY, "The weights of the layer of that label.");
    }
    offer_layers(o, a);
  }
}

json_object *lsp_complete(lsp_document *d, lsp_position at) {
  arena *a = arena_new();
  const char *p = text_at(d->text, at);
  offers o = {.list = json_object_new_array(), .d = d, .ops = lsp_operators(a, d)};
  o.names = lsp_names_of(a, d->text, o.ops);
  o.place = lsp_place_of(a, d->text, p);
  if (p > d->text && p[-1] == '@') o.place.reference = true;
  offer_here(&o, a);
  arena_free(a);
  return o.list;
}
