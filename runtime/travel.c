#include "travel.h"
#include "message.h"
#include "normalize.h"
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

static char *list_json(char *const *names, int64_t n) {
  json_object *j = json_object_new_array();
  for (int64_t i = 0; i < n; i++) json_object_array_add(j, json_object_new_string(names[i]));
  char *text = clean_utf8(json_object_to_json_string_ext(j, JSON_C_TO_STRING_NOSLASHESCAPE));
  json_object_put(j);
  return text;
}

static void add(st_meta *out, int *n, const char *key, char *value) {
  out[(*n)++] = (st_meta){key, value};
}

/* "NCHW": the axes of the first input, as files and the functions of objects have them. */
static const char *axes(int rank) {
  static const char *const word[] = {"N", "NC", "NCL", "NCHW", "NCDHW"};
  return rank < (int)(sizeof word / sizeof *word) ? word[rank] : NULL;
}

static void add_of_network(const graph *g, st_meta *out, int *n) {
  const port *x = g->input[0];
  if (!x->is_int && axes(x->shape.rank)) add(out, n, "layout", message("%s", axes(x->shape.rank)));
  char **layer = allocate((size_t)g->n_node * sizeof *layer);
  int n_layer = 0;
  for (int i = 0; i < g->n_node; i++)
    if (normalize_port(g, g->node[i]) >= 0) layer[n_layer++] = (char *)g->node[i]->name;
  if (n_layer) add(out, n, "normalize", list_json(layer, n_layer));
  free(layer);
}

int travel_of(const dataset *ds, const graph *g, st_meta out[MAX_TRAVEL]) {
  int n = 0;
  const data_field *y = NULL;
  for (int i = ds->n_port - 1; i >= 0; i--)
    if (ds->port_target[i]) y = dataset_field(ds, i);
  if (ds->label_names) add(out, &n, "classes", list_json(ds->label_names, ds->classes));
  else if (y && y->names && !ds->fields.window)
    add(out, &n, "classes", list_json(y->names, y->below));
  if (!ds->n_port) return n;
  const data_field *x = dataset_field(ds, 0);
  if (ds->fields.window && x->names) add(out, &n, "vocabulary", list_json(x->names, x->below));
  else if (ds->fields.window) add(out, &n, "tokens", message("bytes"));
  if (ds->fields.columns) add(out, &n, "columns", message("%s", ds->fields.columns));
  if (ds->fields.rate) add(out, &n, "rate", message("%d", ds->fields.rate));
  if (ds->fit) add(out, &n, "fit", message("%s", ds->fit));
  if (!ds->port_whole[0]) add(out, &n, "scale", message("%.17g", x->scale));
  add_of_network(g, out, &n);
  return n;
}

char **travel_list(const safetensors *st, const char *key, int64_t *n) {
  const char *text = safetensors_meta(st, key);
  json_object *j = text ? json_tokener_parse(text) : NULL;
  char **list = NULL;
  if (j && json_object_is_type(j, json_type_array)) {
    *n = (int64_t)json_object_array_length(j);
    list = allocate((size_t)(*n + 1) * sizeof *list);
    for (int64_t i = 0; i < *n; i++) {
      const char *s = json_object_get_string(json_object_array_get_idx(j, (size_t)i));
      list[i] = message("%s", s ? s : "");
    }
  }
  json_object_put(j);
  return list;
}

void travel_free(char **list, int64_t n) {
  for (int64_t i = 0; list && i < n; i++) free(list[i]);
  free(list);
}
