/* The language server: documents that an editor has open, and what it asks about them. */
#ifndef NETC_LSP_H
#define NETC_LSP_H
#include "cli/lsp_names.h"
#include "graph/graph.h"
#include <json-c/json.h>

typedef struct lsp_document {
  struct lsp_document *next;
  char *uri, *path, *text;
  graph *g;               /* of the text as it last was without errors; or NULL */
  int64_t *params, *macs; /* by node, once somebody has asked */
} lsp_document;

/* Reads the text anew. Returns the list of diagnostics for the editor. */
json_object *lsp_check(lsp_document *d);
/* The answers to an editor's questions; NULL: nothing to say. */
json_object *lsp_hover(lsp_document *d, lsp_position at);
json_object *lsp_complete(lsp_document *d, lsp_position at);
json_object *lsp_definition(const lsp_document *open, const lsp_document *d, lsp_position at);
json_object *lsp_references(const lsp_document *open, const lsp_document *d, lsp_position at);
json_object *lsp_outline(const lsp_document *d);
json_object *lsp_format(const lsp_document *d);
/* Changes in the document and in what it includes; `open`: all documents that the editor has, whose
   texts count before those of files. NULL: *why says why not, and is malloc'd. */
json_object *lsp_rename(const lsp_document *open, const lsp_document *d, lsp_position at,
                        const char *name, char **why);
/* The name at a place that could be changed; NULL: there is none. */
json_object *lsp_renamed(const lsp_document *open, const lsp_document *d, lsp_position at);

/* Pieces of answers. */
void lsp_put(json_object *j, const char *key, json_object *v);
json_object *lsp_string(const char *s);
json_object *lsp_range(const char *text, const char *from, const char *to);
json_object *lsp_edit(const char *text, const char *from, const char *to, const char *by);
void lsp_forget_graph(lsp_document *d);
char *lsp_uri(const char *path); /* malloc'd */
/* Every operator that a document may use, its own included while it had no errors. The library's,
   in `a`, where it never was without. */
const opdef *lsp_operators(arena *a, const lsp_document *d);

/* A word of the language that is no operator. */
typedef struct {
  lsp_where where;
  const char *after, *word, *insert, *doc;
} lsp_known;
extern const lsp_known lsp_known_words[];
extern const int lsp_n_known;
#endif
