/* What the language server knows about a document. */
#include "cli/lsp.h"
#include "lang/fmt.h"
#include "product/network.h"
#include "product/program.h"
#include "runtime/message.h"
#include <stdlib.h>
#include <string.h>

static void put(json_object *j, const char *key, json_object *v) {
  json_object_object_add(j, key, v);
}

static json_object *text_json(const char *s) { return json_object_new_string(s); }

static json_object *position_json(lsp_position p) {
  json_object *j = json_object_new_object();
  put(j, "line", json_object_new_int(p.line));
  put(j, "character", json_object_new_int(p.character));
  return j;
}

json_object *lsp_range(const char *text, const char *from, const char *to) {
  json_object *j = json_object_new_object();
  put(j, "start", position_json(position_of(text, from)));
  put(j, "end", position_json(position_of(text, to)));
  return j;
}

void lsp_forget_graph(lsp_document *d) {
  graph_free(d->g);
  free(d->params);
  free(d->macs);
  d->g = NULL;
  d->params = d->macs = NULL;
}

/* --- diagnostics --- */

static const char *field(json_object *m, const char *key) {
  json_object *v = NULL;
  return json_object_object_get_ex(m, key, &v) && v ? json_object_get_string(v) : NULL;
}

static int number(json_object *m, const char *key) {
  return json_object_get_int(json_object_object_get(m, key));
}

/* One message of netc's as an editor has it; NULL: it is of another file. */
static json_object *diagnostic(const lsp_document *d, json_object *m) {
  const char *file = field(m, "file"), *help = field(m, "help");
  if (file && strcmp(file, d->path)) return NULL;
  const char *at = text_at_column(d->text, number(m, "line"), number(m, "column"));
  int n = number(m, "length");
  json_object *j = json_object_new_object();
  const char *end = at;
  for (int i = 0; i < n && *end && *end != '\n'; i++) end++;
  char *text =
      help ? message("%s\n%s", field(m, "message"), help) : message("%s", field(m, "message"));
  put(j, "range", lsp_range(d->text, at, end));
  put(j, "severity", json_object_new_int(strcmp(field(m, "severity"), "error") ? 2 : 1));
  put(j, "code", text_json(field(m, "code")));
  put(j, "source", text_json("netc"));
  put(j, "message", text_json(text));
  free(text);
  return j;
}

static json_object *diagnostics(const lsp_document *d, char *lines) {
  json_object *list = json_object_new_array();
  for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
    json_object *m = json_tokener_parse(line), *j = m ? diagnostic(d, m) : NULL;
    if (j) json_object_array_add(list, j);
    json_object_put(m);
  }
  return list;
}

json_object *lsp_check(lsp_document *d) {
  char *lines = NULL;
  size_t n = 0;
  FILE *to = open_memstream(&lines, &n);
  if (!to) return json_object_new_array();
  diag_set_style(DIAG_JSON, to);
  graph *g = graph_load_text(d->path, d->text, strlen(d->text), NULL);
  diag_set_style(DIAG_TEXT, NULL);
  fclose(to);
  if (g) lsp_forget_graph(d), d->g = g;
  json_object *list = diagnostics(d, lines);
  free(lines);
  return list;
}

/* --- hover --- */

static const opdef *operator_named(const lsp_document *d, lsp_word w) {
  for (const opdef *op = d->g ? d->g->ops : NULL; op; op = op->next)
    if (word_is(w, op->name)) return op;
  return NULL;
}

static void count_costs(lsp_document *d) {
  if (d->params) return;
  d->params = allocate((size_t)d->g->n_node * sizeof *d->params);
  d->macs = allocate((size_t)d->g->n_node * sizeof *d->macs);
  node_costs(d->g, d->params, d->macs);
}

/* The layers that a word of the text stands for: several in a block that is used again. */
static char *layers_at(lsp_document *d, lsp_word w) {
  char *text = message("%s", "");
  enum { MOST = 6 };
  int shown = 0;
  for (int i = 0; d->g && i < d->g->n_node; i++) {
    const node *n = d->g->node[i];
    if (!n->op || strcmp(diag_source_name(d->g->d, n->at.file), d->path)) continue;
    if (text_at_column(d->text, n->at.line, n->at.col) != w.start) continue;
    if (shown++ == MOST) break;
    count_costs(d);
    int64_t dim[MAX_RANK];
    char *shape = message("%s", "");
    int rank = shape_in_files(&n->shape, false, dim);
    for (int k = 0; k < rank; k++)
      shape = free_and(shape, message("%s%s%lld", shape, k ? "x" : "", (long long)dim[k]));
    text =
        free_and(text, message("%s**%s** %s, %lld parameters, %lld multiply-adds, %lld bytes\n\n",
                               text, n->name, shape, (long long)d->params[i], (long long)d->macs[i],
                               (long long)shape_elements(&n->shape) * 4));
    free(shape);
  }
  return text;
}

static char *settings_text(const opdef *op) {
  char *s = message("`%s`", op->name);
  for (int i = 0; i < op->n_set; i++)
    s = free_and(s, message("%s `%s`%s", s, op->set[i].name, op->set[i].dflt ? "" : " (needed)"));
  return s;
}

json_object *lsp_hover(lsp_document *d, lsp_position at) {
  lsp_word w = word_at(d->text, text_at(d->text, at));
  const opdef *op = w.n ? operator_named(d, w) : NULL;
  if (!w.n) return NULL;
  char *layers = layers_at(d, w), *text = NULL;
  if (op) {
    char *settings = settings_text(op);
    text = message("%s%s\n\n%s", layers, settings, op->doc);
    free(settings);
  } else if (*layers) {
    text = message("%s", layers);
  }
  free(layers);
  if (!text) return NULL;
  json_object *j = json_object_new_object(), *content = json_object_new_object();
  put(content, "kind", text_json("markdown"));
  put(content, "value", text_json(text));
  put(j, "contents", content);
  put(j, "range", lsp_range(d->text, w.start, w.start + w.n));
  free(text);
  return j;
}

/* --- completion --- */

enum { KIND_FUNCTION = 3, KIND_PROPERTY = 10, KIND_KEYWORD = 14 };

static void offer(json_object *list, const char *label, const char *insert, int kind,
                  const char *doc) {
  json_object *j = json_object_new_object();
  put(j, "label", text_json(label));
  put(j, "insertText", text_json(insert));
  put(j, "kind", json_object_new_int(kind));
  if (doc && *doc) put(j, "documentation", text_json(doc));
  json_object_array_add(list, j);
}

static void offer_operators(json_object *list, const opdef *ops, opkind kind) {
  for (const opdef *op = ops; op; op = op->next) {
    bool again = false;
    for (const opdef *o = ops; o != op && !again; o = o->next) again = !strcmp(o->name, op->name);
    if (op->kind == kind && !again) offer(list, op->name, op->name, KIND_FUNCTION, op->doc);
  }
}

static void offer_settings(json_object *list, const opdef *op) {
  for (int i = 0; i < op->n_set; i++) {
    const char *name = op->set[i].name;
    char *insert = message(name[1] ? "%s=" : "%s", name);
    char *doc = message("of `%s`%s", op->name, op->set[i].dflt ? ", may be left out" : ", needed");
    offer(list, name, insert, KIND_PROPERTY, doc);
    free(insert), free(doc);
  }
}

static void offer_words(json_object *list, const char *const *words) {
  for (; *words; words++) offer(list, *words, *words, KIND_KEYWORD, NULL);
}

static void offer_train_words(json_object *list) {
  for (int i = 0; train_word(i); i++)
    offer(list, train_word(i), train_word(i), KIND_PROPERTY, "a setting of `train`");
}

/* Inside of `train {..}`: its last opening lies after its last closing before the place. */
static bool in_train(const char *text, const char *at) {
  const char *open = NULL;
  for (const char *p = text; p < at; p++)
    if (*p == '}') open = NULL;
    else if (!strncmp(p, "train", 5) && p + 5 < at && strspn(p + 5, " \n\t") == strcspn(p + 5, "{"))
      open = p;
  return open != NULL;
}

json_object *lsp_complete(lsp_document *d, lsp_position at) {
  static const char *const statements[] = {"input",   "classes", "target", "train",
                                           "sweep",   "block",   "repeat", "let",
                                           "include", "op",      NULL};
  const char *p = text_at(d->text, at), *start = statement_at(d->text, p);
  lsp_word first = word_at(d->text, start), here = word_at(d->text, p);
  json_object *list = json_object_new_array();
  arena *a = arena_new();
  opdef *ops = d->g ? d->g->ops : ops_library(a, diag_new(a));
  const opdef *op = NULL;
  for (const opdef *o = ops; o && !op; o = o->next)
    if (word_is(first, o->name)) op = o;
  bool beginning = here.start == start || p <= start;
  if (beginning && in_train(d->text, p)) offer_train_words(list);
  else if (beginning) offer_operators(list, ops, OP_LAYER), offer_words(list, statements);
  else if (word_is(first, "loss")) offer_operators(list, ops, OP_LOSS);
  else if (word_is(first, "metric"))
    offer_operators(list, ops, OP_METRIC), offer_operators(list, ops, OP_LOSS);
  else if (word_is(first, "optimizer")) offer_operators(list, ops, OP_OPTIMIZER);
  else if (op) offer_settings(list, op), offer_operators(list, ops, OP_LAYER);
  arena_free(a);
  return list;
}

/* --- definitions --- */

static json_object *location(const char *path, const char *text, const char *from, int n) {
  char *uri = lsp_uri(path);
  json_object *j = json_object_new_object();
  put(j, "uri", text_json(uri));
  put(j, "range", lsp_range(text, from, from + n));
  free(uri);
  return j;
}

/* Where a text defines a word: `block w`, `let w`, `op w`, or the label `w:`. */
static const char *definition_in(const char *text, lsp_word w) {
  for (const char *p = text; (p = next_word(p, text, w.start, (size_t)w.n)); p++) {
    const char *before = p, *after = p + w.n;
    while (before > text && before[-1] == ' ') before--;
    lsp_word kind = word_at(text, before);
    if (before > text && before != p &&
        (word_is(kind, "block") || word_is(kind, "let") || word_is(kind, "op")))
      return p;
    if (*after == ':') return p;
  }
  return NULL;
}

/* The file that an `include` on this statement names. */
static json_object *included(const lsp_document *d, const char *p) {
  const char *start = statement_at(d->text, p), *open = strchr(start, '"');
  const char *close = open ? strchr(open + 1, '"') : NULL, *slash = strrchr(d->path, '/');
  if (!close || strncmp(start, "include", 7)) return NULL;
  int folder = open[1] == '/' || !slash ? 0 : (int)(slash - d->path) + 1;
  char *path = message("%.*s%.*s", folder, d->path, (int)(close - open - 1), open + 1);
  json_object *j = location(path, "", "", 0);
  free(path);
  return j;
}

json_object *lsp_definition(lsp_document *d, lsp_position at) {
  const char *p = text_at(d->text, at);
  json_object *file = included(d, p);
  lsp_word w = word_at(d->text, p);
  if (file || !w.n) return file;
  const char *here = definition_in(d->text, w);
  if (here) return location(d->path, d->text, here, w.n);
  for (int i = 0; d->g; i++) {
    const char *text = diag_source_text(d->g->d, i), *name = diag_source_name(d->g->d, i);
    if (!*text && !strcmp(name, "netc")) return NULL;
    const char *there = *text && strncmp(name, "ops/", 4) ? definition_in(text, w) : NULL;
    if (there) return location(name, text, there, w.n);
  }
  return NULL;
}

/* --- changes --- */

static json_object *edit(const char *text, const char *from, const char *to, const char *by) {
  json_object *j = json_object_new_object();
  put(j, "range", lsp_range(text, from, to));
  put(j, "newText", text_json(by));
  return j;
}

json_object *lsp_format(const lsp_document *d) {
  arena *a = arena_new();
  char *text = format_source(a, diag_new(a), d->path, d->text);
  json_object *list = text ? json_object_new_array() : NULL;
  if (text && strcmp(text, d->text))
    json_object_array_add(list, edit(d->text, d->text, d->text + strlen(d->text), text));
  arena_free(a);
  return list;
}

/* Names that this file gives: blocks, `let`, labels and own operators. */
json_object *lsp_rename(const lsp_document *d, lsp_position at, const char *name) {
  lsp_word w = word_at(d->text, text_at(d->text, at));
  if (!w.n || !definition_in(d->text, w)) return NULL;
  json_object *list = json_object_new_array(), *changes = json_object_new_object();
  for (const char *p = d->text; (p = next_word(p, d->text, w.start, (size_t)w.n)); p += w.n)
    json_object_array_add(list, edit(d->text, p, p + w.n, name));
  json_object *j = json_object_new_object();
  put(changes, d->uri, list);
  put(j, "changes", changes);
  return j;
}
