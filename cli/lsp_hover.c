/* What an editor shows where the pointer rests: a layer's shape and costs, an operator's settings
   and text, what a name stands for, what a word of the language means. */
#include "cli/lsp.h"
#include "product/program.h"
#include "runtime/message.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const lsp_known lsp_known_words[] = {
#define WORD(where, after, word, insert, doc) {where, after, word, insert, doc},
#include "cli/lsp_words.def"
#undef WORD
};
const int lsp_n_known = sizeof lsp_known_words / sizeof *lsp_known_words;

const opdef *lsp_operators(arena *a, const lsp_document *d) {
  return d->g ? d->g->ops : ops_library(a, diag_new(a));
}

static void count_costs(lsp_document *d) {
  if (d->params) return;
  d->params = allocate((size_t)d->g->n_node * sizeof *d->params);
  d->macs = allocate((size_t)d->g->n_node * sizeof *d->macs);
  node_costs(d->g, d->params, d->macs);
}

static char *shape_words(const shape *of) {
  int64_t dim[MAX_RANK];
  int rank = shape_in_files(of, of->below > 0, dim);
  char *s = message("%s", "");
  for (int k = 0; k < rank; k++)
    s = free_and(s, message("%s%s%lld", s, k ? "x" : "", (long long)dim[k]));
  return of->below ? free_and(s, message("%s of %lld", s, (long long)of->below)) : s;
}

static char *layer_line(lsp_document *d, int i) {
  count_costs(d);
  const node *n = d->g->node[i];
  char *shape = shape_words(&n->shape);
  const char *name = n->port ? n->port->name : n->name;
  if (!n->op) return free_and(shape, message("**%s** %s\n\n", name, shape));
  return free_and(shape, message("**%s** %s, %lld parameters, %lld multiply-adds, %lld bytes\n\n",
                                 name, shape, (long long)d->params[i], (long long)d->macs[i],
                                 (long long)shape_elements(&n->shape) * 4));
}

/* The layers that a word of the text stands for: several in a block that is used again. */
static char *layers_at(lsp_document *d, const char *word) {
  enum { MOST = 6 };
  char *text = message("%s", "");
  int shown = 0;
  for (int i = 0; d->g && i < d->g->n_node && shown < MOST; i++) {
    const loc at =
        d->g->node[i]->op || !d->g->node[i]->port ? d->g->node[i]->at : d->g->node[i]->port->at;
    if (strcmp(diag_source_name(d->g->d, at.file), d->path)) continue;
    if (text_at_column(d->text, at.line, at.col) != word) continue;
    char *line = layer_line(d, i);
    text = free_and(text, message("%s%s", text, line));
    free(line), shown++;
  }
  return text;
}

static char *target_line(const port *p) {
  char *shape = shape_words(&p->shape);
  return free_and(shape, message("**%s** target %s\n\n", p->name, shape));
}

/* The layer whose result a label is; an input or a target by its name. */
static char *layer_labelled(lsp_document *d, lsp_word label) {
  const int n = d->g ? d->g->n_node : 0;
  for (int i = 0; i < n; i++)
    if (d->g->node[i]->label && word_is(label, d->g->node[i]->label)) return layer_line(d, i);
  for (int i = 0; i < n; i++)
    if (word_is(label, d->g->node[i]->name)) return layer_line(d, i);
  for (int i = 0; i < (n ? d->g->n_target : 0); i++)
    if (word_is(label, d->g->target[i]->name)) return target_line(d->g->target[i]);
  return message("%s", "");
}

static char *setting_text(const opsetting *s) {
  char *text = s->dflt == NULL           ? message(" `%s` (needed)", s->name)
               : s->dflt->kind == X_NUM  ? message(" `%s=%g`", s->name, s->dflt->num)
               : s->dflt->kind == X_NAME ? message(" `%s=%s`", s->name, s->dflt->name)
                                         : message(" `%s`", s->name);
  for (int i = 0; i < s->n_word; i++)
    text = free_and(text, message("%s or `%s=%s`", text, s->name, s->word[i]));
  return text;
}

static char *operator_text(const opdef *op) {
  char *s = message("`%s`", op->name);
  for (int i = 0; i < op->n_set; i++) {
    char *setting = setting_text(&op->set[i]);
    s = free_and(s, message("%s%s%s", s, i ? "," : "", setting));
    free(setting);
  }
  return free_and(s, message("%s\n\n%s", s, op->doc ? op->doc : ""));
}

static char *operators_named(const opdef *ops, lsp_word w) {
  char *text = message("%s", "");
  for (const opdef *op = ops; op; op = op->next) {
    if (!word_is(w, op->name)) continue;
    char *one = operator_text(op);
    text = free_and(text, message("%s%s%s", text, *text ? "\n\n" : "", one));
    free(one);
  }
  return text;
}

/* The comment lines right above a line of the text. */
static char *comment_above(const char *text, const char *line) {
  char *s = message("%s", "");
  while (line > text) {
    const char *above = line - 1;
    while (above > text && above[-1] != '\n') above--;
    if (*above != '#') break;
    int n = (int)(line - 1 - above), skip = above[1] == ' ' ? 2 : 1;
    s = free_and(s, message("%.*s\n%s", n - skip, above + skip, s));
    line = above;
  }
  return s;
}

/* A name as its text gives it: `let w = 8`, `block unit(c, s=1)`, with the comment above. */
static char *given_as(const char *text, const lsp_symbol *s) {
  static const char *const ends[] = {
      [LSP_LET] = ";\n", [LSP_BLOCK] = "{\n", [LSP_OPERATOR] = "{\n", [LSP_PARAMETER] = ",)\n"};
  if (!s->given || s->kind == LSP_LABEL || s->kind == LSP_LOCAL) return message("%s", "");
  if (s->kind == LSP_PARAMETER) {
    int n = (int)strcspn(s->name.start, ends[LSP_PARAMETER]);
    return message("`%.*s`, of the block `%.*s`", n, s->name.start, s->holder.n, s->holder.start);
  }
  const char *line = s->name.start;
  while (line > text && line[-1] != '\n' && line[-1] != ';') line--;
  while (isspace((unsigned char)*line)) line++;
  int n = (int)strcspn(line, ends[s->kind]);
  while (n > 0 && isspace((unsigned char)line[n - 1])) n--;
  char *comment = comment_above(text, line);
  return free_and(comment, message("`%.*s`\n\n%s", n, line, comment));
}

static bool where_fits(const lsp_known *k, const lsp_place *p) {
  if (k->where != p->where && !(p->where == LSP_IN_SWEEP && k->where == LSP_IN_TRAIN)) return false;
  if (k->where == LSP_IN_OPERATOR) return true;
  return p->statement.n ? word_is(p->statement, k->after) : !*k->after;
}

static char *known_word(const lsp_place *p, lsp_word w) {
  for (int i = 0; i < lsp_n_known; i++)
    if (word_is(w, lsp_known_words[i].word) && where_fits(&lsp_known_words[i], p))
      return message("`%s`\n\n%s", lsp_known_words[i].word, lsp_known_words[i].doc);
  return message("%s", "");
}

/* `k3` and `bias=0` at a layer, `decay` at `optimizer sgd`: the setting's operator. */
static char *setting_of(const opdef *ops, const lsp_place *p, lsp_word w) {
  const lsp_word callee = p->where == LSP_IN_TRAIN ? p->second : p->statement;
  for (const opdef *op = callee.n ? ops : NULL; op; op = op->next) {
    if (!word_is(callee, op->name)) continue;
    for (int i = 0; i < op->n_set; i++) {
      const size_t n = strlen(op->set[i].name);
      const bool brief =
          n == 1 && w.n > 1 && *w.start == *op->set[i].name && isdigit((unsigned char)w.start[1]);
      if (!brief && !word_is(w, op->set[i].name)) continue;
      char *setting = setting_text(&op->set[i]);
      return free_and(setting, message("%s of `%s`\n\n%s", setting + 1, op->name, op->doc));
    }
  }
  return message("%s", "");
}

static char *or_else(char *first, char *second) {
  char *kept = *first ? first : second;
  free(*first ? second : first);
  return kept;
}

static char *both(char *a, char *b) {
  char *text = message("%s%s", a, b);
  free(a), free(b);
  return text;
}

static char *about_name(lsp_document *d, const lsp_names *names, lsp_word w) {
  const lsp_use *u = lsp_use_at(names, w.start);
  if (!u) return message("%s", "");
  const lsp_symbol *s = &names->symbol[u->symbol];
  if (s->kind != LSP_LABEL) return given_as(d->text, s);
  const char *layer = s->name.start + s->name.n; /* the word behind `stem:` */
  layer += strspn(layer, " \t\n:");
  return or_else(layer_labelled(d, s->name), s->given ? layers_at(d, layer) : message("%s", ""));
}

static json_object *hover_json(const lsp_document *d, lsp_word w, const char *text) {
  json_object *j = json_object_new_object(), *content = json_object_new_object();
  lsp_put(content, "kind", lsp_string("markdown"));
  lsp_put(content, "value", lsp_string(text));
  lsp_put(j, "contents", content);
  lsp_put(j, "range", lsp_range(d->text, w.start, w.start + w.n));
  return j;
}

json_object *lsp_hover(lsp_document *d, lsp_position at) {
  const char *p = text_at(d->text, at);
  lsp_word w = word_at(d->text, p);
  if (!w.n) return NULL;
  arena *a = arena_new();
  const opdef *ops = lsp_operators(a, d);
  lsp_names names = lsp_names_of(a, d->text, ops);
  lsp_place place = lsp_place_of(a, d->text, w.start + w.n);
  char *text = message("%s", "");
  if (place.where != LSP_IN_TEXT) {
    char *name = about_name(d, &names, w), *word = known_word(&place, w);
    char *op = place.where == LSP_IN_OPERATOR ? message("%s", "") : operators_named(ops, w);
    text = or_else(or_else(or_else(name, word), op), setting_of(ops, &place, w));
    text = both(layers_at(d, w.start), text);
  }
  json_object *j = *text ? hover_json(d, w, text) : NULL;
  free(text);
  arena_free(a);
  return j;
}
