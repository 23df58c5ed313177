/* The language server: documents that an editor has open, and what it asks about them. */
#ifndef NETC_LSP_H
#define NETC_LSP_H
#include "cli/lsp_text.h"
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
/* The answers to an editor's questions; NULL: nothing to say. Each takes the question's parameters.
 */
json_object *lsp_hover(lsp_document *d, lsp_position at);
json_object *lsp_complete(lsp_document *d, lsp_position at);
json_object *lsp_definition(lsp_document *d, lsp_position at);
json_object *lsp_format(const lsp_document *d);
json_object *lsp_rename(const lsp_document *d, lsp_position at, const char *name);
json_object *lsp_range(const char *text, const char *from, const char *to);
void lsp_forget_graph(lsp_document *d);
char *lsp_uri(const char *path); /* malloc'd */
#endif
