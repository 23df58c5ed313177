/* What the language server knows about a document. */
#include "cli/lsp.h"
#include "cli/lints.h"
#include "lang/fmt.h"
#include "product/network.h"
#include "runtime/message.h"
#include <stdlib.h>
#include <string.h>

void lsp_put(json_object *j, const char *key, json_object *v) { json_object_object_add(j, key, v); }

json_object *lsp_string(const char *s) { return json_object_new_string(s); }

static json_object *position_json(lsp_position p) {
  json_object *j = json_object_new_object();
  lsp_put(j, "line", json_object_new_int(p.line));
  lsp_put(j, "character", json_object_new_int(p.character));
  return j;
}

json_object *lsp_range(const char *text, const char *from, const char *to) {
  json_object *j = json_object_new_object();
  lsp_put(j, "start", position_json(position_of(text, from)));
  lsp_put(j, "end", position_json(position_of(text, to)));
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

/* What a message underlines; of another file, the `include` that it came by. */
static lsp_word underlined(const lsp_document *d, json_object *m, bool elsewhere) {
  const char *at = text_at_column(d->text, number(m, "line"), number(m, "column"));
  int n = number(m, "length");
  if (elsewhere) {
    const char *name = strrchr(field(m, "file"), '/');
    const char *there = strstr(d->text, name ? name + 1 : field(m, "file"));
    at = there ? there : d->text;
    n = there ? (int)strcspn(there, "\"\n") : 1;
  }
  return (lsp_word){at, (int)strnlen(at, (size_t)(n < 0 ? 0 : n))};
}

/* 1: an error, 2: a warning, 3: a remark. What others include may well have no input. */
static int severity(json_object *m) {
  if (strcmp(field(m, "severity"), "error")) return 2;
  return strncmp(field(m, "message"), "no `input`", 10) ? 1 : 3;
}

/* One message of netc's as an editor has it. */
static json_object *diagnostic(const lsp_document *d, json_object *m) {
  const char *file = field(m, "file"), *help = field(m, "help");
  const bool elsewhere = file && strcmp(file, d->path);
  const lsp_word at = underlined(d, m, elsewhere);
  json_object *j = json_object_new_object();
  const char *end = at.start + strcspn(at.start, "\n");
  if (end > at.start + at.n) end = at.start + at.n;
  char *text =
      help ? message("%s\n%s", field(m, "message"), help) : message("%s", field(m, "message"));
  if (elsewhere)
    text =
        free_and(text, message("%s:%d:%d: %s", file, number(m, "line"), number(m, "column"), text));
  lsp_put(j, "range", lsp_range(d->text, at.start, end));
  lsp_put(j, "severity", json_object_new_int(severity(m)));
  lsp_put(j, "code", lsp_string(field(m, "code")));
  lsp_put(j, "source", lsp_string("netc"));
  lsp_put(j, "message", lsp_string(text));
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
  workload w = {.g = g};
  if (g && add_lints(&w)) diag_print(g->d, to);
  diag_set_style(DIAG_TEXT, NULL);
  fclose(to);
  if (g) lsp_forget_graph(d), d->g = g;
  json_object *list = diagnostics(d, lines);
  free(lines);
  return list;
}

/* --- layout --- */

json_object *lsp_edit(const char *text, const char *from, const char *to, const char *by) {
  json_object *j = json_object_new_object();
  lsp_put(j, "range", lsp_range(text, from, to));
  lsp_put(j, "newText", lsp_string(by));
  return j;
}

json_object *lsp_format(const lsp_document *d) {
  arena *a = arena_new();
  char *text = format_source(a, diag_new(a), d->path, d->text);
  json_object *list = text ? json_object_new_array() : NULL;
  if (text && strcmp(text, d->text))
    json_object_array_add(list, lsp_edit(d->text, d->text, d->text + strlen(d->text), text));
  arena_free(a);
  return list;
}
