#include "cli/data_fields.h"
#include "base/source.h"
#include "cli/command.h"
#include "cli/table.h"
#include "runtime/message.h"
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_NAMES = 6 };

typedef struct {
  double least, most, mean;
} range;

static range range_of(const data_field *f) {
  range r = {INFINITY, -INFINITY, 0};
  data_field all = *f;
  all.step = 1;
  for (int64_t i = 0; i < f->count; i++) {
    double v = field_value(&all, i, 0);
    r.least = fmin(r.least, v);
    r.most = fmax(r.most, v);
    r.mean += v / (double)f->count;
  }
  return r;
}

/* A name fit to be shown: blanks and the like as Python shows them. */
static char *shown(const char *name) {
  if (!strcmp(name, "\n")) return message("\\n");
  if (!strcmp(name, "\t")) return message("\\t");
  return message("%s", *name && (unsigned char)*name >= ' ' ? name : "?");
}

static char *names_text(const data_field *f) {
  char *s = message("%s", "");
  for (int64_t k = 0; k < f->below && k < SHOWN_NAMES; k++) {
    char *one = shown(f->names[k]);
    s = free_and(s, message("%s%s%s", s, k ? ", " : "", one));
    free(one);
  }
  return f->below > SHOWN_NAMES ? free_and(s, message("%s ..", s)) : s;
}

static void add_row(table *t, const data_field *f) {
  char *shape = field_shape_text(f);
  table_add(t, "%s", f->name);
  table_add(t, "%s", f->stored);
  table_add(t, "%s", *shape ? shape : "1");
  free(shape);
  if (f->names) {
    char *names = names_text(f);
    table_add(t, "%lld different: %s", (long long)f->below, names);
    free(names);
    return;
  }
  range r = range_of(f);
  table_add(t, "%.6g to %.6g, mean %.6g", r.least, r.most, r.mean);
}

static void print_object(const dataset *ds) {
  json_object *j = json_object_new_object(), *list = json_object_new_array();
  json_object_object_add(j, "samples", json_object_new_int64(ds->n));
  for (int i = 0; i < ds->fields.n_field; i++) {
    const data_field *f = &ds->fields.field[i];
    json_object *o = json_object_new_object(), *shape = json_object_new_array();
    for (int k = 0; k < f->rank; k++)
      json_object_array_add(shape, json_object_new_int64(f->dim[k]));
    json_object_object_add(o, "name", json_object_new_string(f->name));
    json_object_object_add(o, "type", json_object_new_string(f->stored));
    json_object_object_add(o, "shape", shape);
    range r = range_of(f);
    json_object_object_add(o, "least", json_object_new_double(r.least));
    json_object_object_add(o, "most", json_object_new_double(r.most));
    json_object_object_add(o, "mean", json_object_new_double(r.mean));
    json_object *names = f->names ? json_object_new_array() : NULL;
    for (int64_t k = 0; f->names && k < f->below; k++)
      json_object_array_add(names, json_object_new_string(f->names[k]));
    if (names) json_object_object_add(o, "values", names);
    json_object_array_add(list, o);
  }
  json_object_object_add(j, "fields", list);
  print_json(j);
}

void print_notes(const dataset *ds) {
  for (int i = 0; i < ds->fields.n_note; i++) diag_tell(DIAG_REMARK, "%s", ds->fields.note[i]);
}

bool print_fields(const dataset *ds, bool json) {
  static const table_column columns[] = {
      {"field", 1, 8, 0}, {"type", 1, 8, 1}, {"shape", 1, 6, 2}, {"values", 1, 20, 0}};
  print_notes(ds);
  if (json) {
    print_object(ds);
    return true;
  }
  printf("%s: %lld samples\n", ds->path, (long long)ds->n);
  print_own_parts(ds);
  table *t = table_new(columns, 4);
  for (int i = 0; i < ds->fields.n_field; i++) add_row(t, &ds->fields.field[i]);
  table_print(t, "--json has everything");
  return true;
}
