#include "series.h"
#include "csv_fields.h"
#include "message.h"
#include <stdlib.h>
#include <string.h>

int64_t series_rows(const series_form *f) { return f->length - 1 + f->horizon + f->steps; }

int64_t list_series(const series_form *f, int64_t first, int64_t from, int64_t to, int64_t *out) {
  const int64_t ahead = f->length - 1 + f->horizon;
  int64_t n = 0;
  for (int64_t at = from - ahead > first ? from - ahead : first; at + series_rows(f) <= to; at++) {
    if (out) out[n] = at;
    n++;
  }
  return n;
}

/* Floats that the columns take side by side: words as one-hot columns. */
static int64_t width_of(const data_field *f, int n) {
  int64_t width = 0;
  for (int i = 0; i < n; i++) width += f[i].names ? f[i].below : 1;
  return width;
}

/* One column after another, each with the rows from `from` on. */
static void lay_columns(const data_field *f, int n, int64_t rows, int64_t from, data_field *out) {
  float *to = out->data;
  for (int i = 0; i < n; i++) {
    const int64_t width = f[i].names ? f[i].below : 1;
    for (int64_t r = from; r < rows; r++) {
      const double v = field_value(&f[i], r, 0);
      if (f[i].names) to[(int64_t)v * (rows - from) + r - from] = 1;
      else to[r - from] = (float)v;
    }
    to += width * (rows - from);
  }
}

/* A field of windows of `run` rows of these columns. */
static data_field windows_of(const data_field *f, int n, int64_t rows, int64_t from, int64_t run) {
  data_field out = {.scale = 1};
  const int64_t width = width_of(f, n);
  field_allocate(&out, FIELD_FLOATS, width * (rows - from));
  lay_columns(f, n, rows, from, &out);
  field_shape(&out, 2, (int64_t[]){width, run});
  out.step = 1;
  out.run = run;
  out.plane = rows - from;
  out.stored = message("numbers");
  return out;
}

/* Classes to come: the numbers of a column's words, or whole numbers. */
static data_field classes_of(const data_field *f, int64_t rows, int64_t from, int64_t run) {
  data_field out = {.scale = 1, .below = f->below};
  field_allocate(&out, FIELD_WHOLE, rows - from);
  for (int64_t r = from; r < rows; r++)
    ((int32_t *)out.data)[r - from] = (int32_t)field_value(f, r, 0);
  field_shape(&out, run > 1, &run);
  out.step = 1;
  out.stored = message("words");
  out.names = allocate((size_t)f->below * sizeof *out.names);
  for (int64_t k = 0; k < f->below; k++) out.names[k] = message("%s", f->names[k]);
  return out;
}

static void put(field_set *out, const char *name, data_field made) {
  data_field *to = field_add(out, name);
  free(made.name);
  made.name = to->name;
  *to = made;
}

/* The columns of the target that a port takes: the one of its name, else all of them. */
static const data_field *columns_for(const field_set *s, int n_input, const data_port *p, int *n) {
  *n = 1;
  for (int i = n_input; i < s->n_field; i++)
    if (!strcasecmp(s->field[i].name, p->name)) return &s->field[i];
  *n = s->n_field - n_input;
  return s->field + n_input;
}

/* Steps that are told: those of the port with the most. */
static char *find_form(const field_set *s, int n_input, const data_port *port, int n_port,
                       series_form *form) {
  const int64_t width = width_of(s->field, n_input);
  const data_port *x = &port[0];
  if (x->target || x->is_int || (n_port > 1 && !port[1].target) || x->rank > 2)
    return message("`horizon` takes windows of the table's rows, for a network of one input of "
                   "columns x rows\n      = help: write `input %lldx24;`",
                   (long long)width);
  form->length = x->rank == 2 ? x->dim[1] : port_size(x) / width;
  if (form->length < 1) form->length = 1;
  form->steps = 1;
  for (int i = 1; i < n_port; i++) {
    int n;
    const data_field *f = columns_for(s, n_input, &port[i], &n);
    if (!n) return message("no column is left for the target");
    const int64_t each = f->names ? 1 : n, steps = port_size(&port[i]) / each;
    if (steps > form->steps) form->steps = steps;
  }
  return NULL;
}

static char *too_short(const series_form *f, int64_t rows, bool told) {
  const long long told_rows = (long long)(f->horizon + f->steps - 1);
  char *more =
      told && told_rows ? message(", and %lld more are told of it", told_rows) : message("%s", "");
  return free_and(more, message("it has %lld row%s, and a window of the network takes %lld%s",
                                (long long)rows, rows == 1 ? "" : "s", (long long)f->length, more));
}

static char *check_lengths(const series_form *f, bool told, int64_t rows, const int64_t *begin,
                           int n_begin) {
  for (int k = 0; k < n_begin; k++) {
    const int64_t have = (k + 1 < n_begin ? begin[k + 1] : rows) - begin[k];
    if (have < (told ? series_rows(f) : f->length)) return too_short(f, have, told);
  }
  return NULL;
}

/* Words that say another thing in nearly every row are dates, most of the time. */
static char *check_words(const field_set *s, int n_input) {
  for (int i = 0; i < n_input; i++) {
    const data_field *f = &s->field[i];
    if (f->names && f->below > 20 && f->below > s->n / 2)
      return message("`%s` has %lld different words in %lld rows\n      = help: drop={\"%s\"} "
                     "leaves it out",
                     f->name, (long long)f->below, (long long)s->n, f->name);
  }
  return NULL;
}

static void add_target(const field_set *s, int n_input, const data_port *p, field_set *out) {
  int n;
  const data_field *f = columns_for(s, n_input, p, &n);
  const series_form *form = &out->series;
  const int64_t from = form->length - 1 + form->horizon;
  const int64_t steps = port_size(p) / (f->names ? 1 : n);
  if (f->names) put(out, p->name, classes_of(f, s->n, from, steps));
  else put(out, p->name, windows_of(f, n, s->n, from, steps > 1 ? steps : 1));
}

char *make_series(field_set *s, int n_input, int64_t horizon, const data_port *port, int n_port,
                  const int64_t *begin, int n_begin) {
  field_set out = {.series.horizon = horizon};
  const bool told = n_port > 1;
  char *wrong = find_form(s, n_input, port, n_port, &out.series);
  if (!wrong) wrong = check_words(s, n_input);
  if (!wrong) wrong = check_lengths(&out.series, told, s->n, begin, n_begin);
  if (wrong) return wrong;
  put(&out, port[0].name, windows_of(s->field, n_input, s->n, 0, out.series.length));
  for (int i = 1; i < n_port; i++) add_target(s, n_input, &port[i], &out);
  for (int i = 0; i < s->n_field; i++) field_free(&s->field[i]);
  free(s->field);
  s->field = out.field;
  s->n_field = out.n_field;
  s->series = out.series;
  s->n -= (told ? series_rows(&s->series) : s->series.length) - 1;
  return NULL;
}
