/* Network files that can be compiled. */
#ifndef NETC_NETWORK_H
#define NETC_NETWORK_H
#include "graph/graph.h"

/* Reads, parses, expands and shapes a network file, and tries its operators. Returns NULL after
   printing every error to stderr in the one form of source.h. `over` may be NULL. Free with
   graph_free. */
graph *graph_load(const char *path, const overrides *over);
/* The same from memory; `path` is only shown, and resolves relative paths. */
graph *graph_load_text(const char *path, const char *text, size_t n, const overrides *over);
#endif
