#include "csv_fields.h"
#include "message.h"
#include "text_cells.h"
#include <stdlib.h>
#include <string.h>

/* The names that ports have without a label say nothing of a column. */
static bool is_port(const data_port *port, int n, const char *name) {
  if (!strcasecmp(name, "input") || !strcasecmp(name, "label")) return false;
  for (int i = 0; i < n; i++)
    if (!strcasecmp(port[i].name, name)) return true;
  return false;
}

static const data_port *first_port(const data_port *port, int n, bool target, bool is_int) {
  for (int i = 0; i < n; i++)
    if (port[i].target == target && port[i].is_int == is_int) return &port[i];
  return NULL;
}

/* Floats that a column takes in a row: itself, or one for each of its words. */
static int64_t width(const data_field *f, bool one_hot) {
  return f->names && one_hot ? f->below : 1;
}

/* Which columns go together. */
typedef struct {
  bool numbers, words; /* which kinds */
  bool one_hot;
} kinds;

static bool wanted(const data_field *f, kinds k) { return f->names ? k.words : k.numbers; }

static int64_t total_width(const data_field *f, int n, kinds k) {
  int64_t sum = 0;
  for (int i = 0; i < n; i++)
    if (wanted(&f[i], k)) sum += width(&f[i], k.one_hot);
  return sum;
}

/* One field of floats, a row of it after another. */
static data_field join_floats(const data_field *f, int n, int64_t rows, kinds k, const char *name) {
  data_field out = {.name = copy_string(name, strlen(name)), .scale = 1};
  const int64_t size = total_width(f, n, k);
  field_allocate(&out, FIELD_FLOATS, rows * size);
  field_shape(&out, 1, &size);
  out.stored = message("numbers");
  float *to = out.data;
  int64_t at = 0;
  for (int i = 0; i < n; i++) {
    if (!wanted(&f[i], k)) continue;
    const bool hot = f[i].names && k.one_hot;
    for (int64_t r = 0; r < rows; r++) {
      double v = field_value(&f[i], r, 0);
      if (hot) to[r * size + at + (int64_t)v] = 1;
      else to[r * size + at] = (float)v;
    }
    at += width(&f[i], k.one_hot);
  }
  return out;
}

/* One field of whole numbers: the categories of each column counted on from those before it. */
static data_field join_words(const data_field *f, int n, int64_t rows, kinds k, const char *name) {
  data_field out = {.name = copy_string(name, strlen(name)), .scale = 1};
  const int64_t size = total_width(f, n, (kinds){k.numbers, k.words, false});
  field_allocate(&out, FIELD_WHOLE, rows * size);
  field_shape(&out, 1, &size);
  out.stored = message("categories");
  int32_t *to = out.data;
  int64_t at = 0;
  for (int i = 0; i < n; i++) {
    if (!wanted(&f[i], k)) continue;
    for (int64_t r = 0; r < rows; r++)
      to[r * size + at] = (int32_t)(out.below + (int64_t)field_value(&f[i], r, 0));
    out.below += f[i].below;
    at++;
  }
  out.names = allocate((size_t)out.below * sizeof *out.names);
  int64_t next = 0;
  for (int i = 0; i < n; i++)
    for (int64_t c = 0; wanted(&f[i], k) && c < f[i].below; c++)
      out.names[next++] = message("%s=%s", f[i].name, f[i].names[c]);
  return out;
}

/* The cells of the column that is text, as the field of the port that takes them. */
static void join_text(field_set *s, const data_field *f, int64_t rows, const data_port *port,
                      int n_port, field_set *out) {
  const data_port *whole = first_port(port, n_port, false, true);
  data_field joined = text_of_cells(s, f, rows, port_size(whole));
  data_field *to = field_add(out, whole->name);
  joined.name = to->name;
  *to = joined;
}

static const data_field *text_among(const data_field *f, int n) {
  for (int i = 0; i < n; i++)
    if (f[i].characters) return &f[i];
  return NULL;
}

static char *join_inputs(field_set *s, int n, const data_port *port, int n_port, field_set *out) {
  const data_field *f = s->field, *text = text_among(f, n);
  const int64_t rows = s->n;
  const data_port *floats = first_port(port, n_port, false, false),
                  *whole = first_port(port, n_port, false, true);
  const int64_t numbers = total_width(f, n, (kinds){true, false, false}),
                words = total_width(f, n, (kinds){false, true, false});
  const bool one_hot = words && (!whole || (floats && port_size(floats) > numbers));
  if (numbers || one_hot) {
    data_field joined = join_floats(f, n, rows, (kinds){true, one_hot, true}, "input");
    data_field *to = field_add(out, "input");
    field_free(to);
    *to = joined;
  }
  if (words && whole && text) join_text(s, text, rows, port, n_port, out);
  else if (words && whole) {
    data_field joined =
        join_words(f, n, rows, (kinds){false, true, false}, out->n_field ? "categories" : "input");
    data_field *to = field_add(out, "categories");
    field_free(to);
    *to = joined;
  }
  return NULL;
}

static void move(field_set *out, data_field *f) {
  data_field *to = field_add(out, f->name);
  field_free(to);
  *to = *f;
  *f = (data_field){0};
}

/* Targets of several columns of numbers are one row of floats; one column is itself. */
static void join_targets(data_field *f, int n, int64_t rows, field_set *out) {
  bool numbers = n > 1;
  for (int i = 0; i < n; i++) numbers &= !f[i].names;
  if (!numbers) {
    for (int i = 0; i < n; i++) move(out, &f[i]);
    return;
  }
  data_field joined = join_floats(f, n, rows, (kinds){true, false, false}, "target");
  data_field *to = field_add(out, "target");
  field_free(to);
  *to = joined;
}

/* Columns that are ports by their names come first, each for itself. */
static int set_apart(data_field *f, int n, const data_port *port, int n_port, field_set *out) {
  int kept = 0;
  for (int i = 0; i < n; i++)
    if (is_port(port, n_port, f[i].name)) move(out, &f[i]);
    else {
      data_field moved = f[i];
      f[i] = (data_field){0};
      f[kept++] = moved;
    }
  return kept;
}

char *join_columns(field_set *s, int n_input, const data_port *port, int n_port) {
  field_set out = {0};
  const int n_target = s->n_field - n_input;
  data_field *target = s->field + n_input;
  int inputs = set_apart(s->field, n_input, port, n_port, &out);
  int targets = set_apart(target, n_target, port, n_port, &out);
  char *wrong = inputs ? join_inputs(s, inputs, port, n_port, &out) : NULL;
  if (targets) join_targets(target, targets, s->n, &out);
  for (int i = 0; i < s->n_field; i++) field_free(&s->field[i]);
  free(s->field);
  s->field = out.field;
  s->n_field = out.n_field;
  return wrong;
}
