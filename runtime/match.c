#include "match.h"
#include "class_field.h"
#include "message.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In order of preference, without regard to case. */
static const char *const input_names[] = {"input", "x",    "data",   "images",   "image",
                                          "text",  "imgs", "pixels", "features", "inputs"};
static const char *const target_names[] = {"label", "y",     "labels", "target",      "targets",
                                           "next",  "masks", "mask",   "fine_labels", "output"};
enum { N_NAMES = sizeof input_names / sizeof *input_names };
_Static_assert(sizeof input_names == sizeof target_names, "one count for both");

int64_t port_size(const data_port *p) {
  int64_t n = 1;
  for (int i = 0; i < p->rank; i++) n *= p->dim[i];
  return n;
}

static char *dims_text(int rank, const int64_t *dim) {
  char *s = message("%s", rank ? "" : "1");
  for (int i = 0; i < rank; i++)
    s = free_and(s, message("%s%s%lld", s, i ? "x" : "", (long long)dim[i]));
  return s;
}

char *port_line(const data_port *p) {
  if (p->target && p->is_int && !p->rank) return message("classes %lld", (long long)p->below);
  char *dims = dims_text(p->rank, p->dim);
  if (!p->is_int) return free_and(dims, message("%s %s", p->target ? "target" : "input", dims));
  return free_and(
      dims, message("%s %s of %lld", p->target ? "target" : "input", dims, (long long)p->below));
}

/* ---- does a field fit a port? ---- */

typedef enum { FIT_NONE, FIT_FLAT, FIT_LAST, FIT_ONE_HOT, FIT_SAME } fit;

/* The extents that are not 1. */
static int squeezed(int rank, const int64_t *dim, int64_t out[FIELD_RANK]) {
  int n = 0;
  for (int i = 0; i < rank; i++)
    if (dim[i] != 1) out[n++] = dim[i];
  return n;
}

static bool same_shape(const data_field *f, const data_port *p) {
  int64_t a[FIELD_RANK], b[FIELD_RANK];
  int n = squeezed(f->rank, f->dim, a), m = squeezed(p->rank, p->dim, b);
  return n == m && !memcmp(a, b, (size_t)n * sizeof *a);
}

/* H x W x C where the port is C x H x W. */
static bool channels_last(const data_field *f, const data_port *p) {
  return p->rank == 3 && f->rank == 3 && f->dim[2] == p->dim[0] && f->dim[0] == p->dim[1] &&
         f->dim[1] == p->dim[2];
}

static fit shape_fit(const data_field *f, const data_port *p, const match_options *o) {
  const bool last = channels_last(f, p), said_last = o->layout && !strcmp(o->layout, "nhwc");
  if (last && said_last) return FIT_LAST;
  if (same_shape(f, p)) return FIT_SAME;
  if (last && !(o->layout && !strcmp(o->layout, "nchw"))) return FIT_LAST;
  if (p->target && p->is_int && !p->rank && f->rank == 1 && f->size == p->below && f->size > 1)
    return FIT_ONE_HOT;
  return f->size == port_size(p) && (f->rank <= 1 || p->rank <= 1) ? FIT_FLAT : FIT_NONE;
}

static bool all_whole(const data_field *f) {
  if (f->type != FIELD_FLOATS) return true;
  for (int64_t i = 0; i < f->count; i++) {
    float v = ((const float *)f->data)[i];
    if (v != floorf(v) || fabsf(v) > 1e9f) return false;
  }
  return true;
}

static fit fits(const data_field *f, const data_port *p, const match_options *o) {
  fit k = shape_fit(f, p, o);
  if (k == FIT_ONE_HOT) return is_one_hot(f) ? k : FIT_NONE;
  if (k && p->is_int && !all_whole(f)) return FIT_NONE;
  if (k && !p->is_int && f->names) return FIT_NONE; /* words are no measurements */
  return k;
}

/* ---- choosing ---- */

typedef struct {
  field_set *s;
  const match_options *o;
  const data_port *port;
  int n, *field_of;
} matching;

static bool taken(const matching *m, int field) {
  for (int i = 0; i < m->n; i++)
    if (m->field_of[i] == field) return true;
  return false;
}

/* What to write, if the network is to fit this field. */
static char *line_for(const data_field *f, const data_port *p) {
  data_port q = *p;
  q.rank = f->rank;
  memcpy(q.dim, f->dim, sizeof q.dim);
  q.is_int = p->is_int && all_whole(f);
  q.below = f->below > p->below ? f->below : p->below;
  if (q.target && f->names) q.is_int = true, q.below = f->below;
  if (p->rank == 3 && f->rank == 3 && f->dim[2] <= 4 && f->dim[0] > 4) {
    q.dim[0] = f->dim[2];
    q.dim[1] = f->dim[0];
    q.dim[2] = f->dim[1];
  }
  return port_line(&q);
}

/* The field that was probably meant: by its name, else the first that is free. */
static const data_field *meant(const matching *m, const data_port *p) {
  const char *const *names = p->target ? target_names : input_names;
  const data_field *f = field_find(m->s, p->name);
  for (int k = 0; k < N_NAMES && !f; k++) f = field_find(m->s, names[k]);
  for (int i = 0; i < m->s->n_field && !f; i++)
    if (!taken(m, i)) f = &m->s->field[i];
  return f;
}

static char *no_fit(const matching *m, const data_port *p) {
  char *holds = fields_describe(m->s), *line = port_line(p);
  const data_field *f = meant(m, p);
  char *write = f ? line_for(f, p) : message("%s", "");
  char *text = message("it holds %s; nothing of it fits the network's `%s`%s%s%s", holds, line,
                       f && strcmp(write, line) ? "\n      = help: write `" : "",
                       f && strcmp(write, line) ? write : "", f && strcmp(write, line) ? ";`" : "");
  free(holds);
  free(line);
  free(write);
  return text;
}

static char *several_fit(const matching *m, const data_port *p) {
  char *holds = fields_describe(m->s), *line = port_line(p);
  char *text = message("it holds %s; more than one could be the network's `%s`\n      = help: give "
                       "the port the field's name, as in `NAME: %s;`",
                       holds, line, line);
  free(holds);
  free(line);
  return text;
}

static int find_named(const matching *m, const data_port *p, const char *name) {
  for (int i = 0; i < m->s->n_field; i++)
    if (!strcasecmp(m->s->field[i].name, name) && !taken(m, i) && fits(&m->s->field[i], p, m->o))
      return i;
  return -1;
}

static char *choose_given(matching *m, int i, const char *name) {
  const data_port *p = &m->port[i];
  m->field_of[i] = find_named(m, p, name);
  if (m->field_of[i] >= 0) return NULL;
  if (field_find(m->s, name)) return no_fit(m, p);
  char *holds = fields_describe(m->s);
  return free_and(holds, message("there is no `%s` in it; it holds %s", name, holds));
}

static char *choose(matching *m, int i) {
  const data_port *p = &m->port[i];
  const char *const *names = p->target ? target_names : input_names;
  const char *given = p->target ? m->o->target : m->o->input;
  if (given && (!i || m->port[i - 1].target != p->target)) return choose_given(m, i, given);
  int f = find_named(m, p, p->name), candidates = 0;
  for (int k = 0; k < N_NAMES && f < 0; k++) f = find_named(m, p, names[k]);
  for (int k = 0; k < m->s->n_field && f < 0; k++)
    candidates += !taken(m, k) && fits(&m->s->field[k], p, m->o) != FIT_NONE;
  if (f < 0 && candidates > 1) return several_fit(m, p);
  for (int k = 0; k < m->s->n_field && f < 0; k++)
    if (!taken(m, k) && fits(&m->s->field[k], p, m->o)) f = k;
  m->field_of[i] = f;
  return f < 0 ? no_fit(m, p) : NULL;
}

/* ---- changing a field to what its port takes ---- */

static void channels_first(data_field *f, int64_t n) {
  const int64_t h = f->dim[0], w = f->dim[1], c = f->dim[2];
  const size_t bytes = f->type == FIELD_BYTES ? 1 : 4;
  uint8_t *to = allocate((size_t)f->count * bytes), *from = f->data, *start = to;
  for (int64_t i = 0; i < n; i++, from += (size_t)f->size * bytes)
    for (int64_t k = 0; k < c; k++)
      for (int64_t j = 0; j < h * w; j++, to += bytes)
        memcpy(to, from + (size_t)(j * c + k) * bytes, bytes);
  free(f->data);
  f->data = start;
  field_shape(f, 3, (int64_t[]){c, h, w});
}

/* `input 32x32x3` over images of 32 x 32 with 3 channels would train, on nonsense. */
static char *channel_trap(const data_field *f, const data_port *p, const match_options *o) {
  if (o->layout || p->target || p->rank != 3 || f->rank != 3) return NULL;
  if (f->dim[2] > 4 || f->dim[2] == 2 || f->dim[0] <= 4 || f->dim[0] != f->dim[1]) return NULL;
  return message("`%s` looks like images of %lld x %lld with %lld channel%s, but the network's "
                 "`input %lldx%lldx%lld` is channels x height x width\n      = help: write `input "
                 "%lldx%lldx%lld;`, or layout=nchw in `data` if they really are channels first",
                 f->name, (long long)f->dim[0], (long long)f->dim[1], (long long)f->dim[2],
                 f->dim[2] == 1 ? "" : "s", (long long)p->dim[0], (long long)p->dim[1],
                 (long long)p->dim[2], (long long)f->dim[2], (long long)f->dim[0],
                 (long long)f->dim[1]);
}

static char *check_range(const field_set *s, const data_field *f, const data_port *p) {
  for (int64_t i = 0; i < s->n && !s->window; i++)
    for (int64_t k = 0; k < f->size; k++) {
      double v = field_value(f, i, k);
      if (v >= 0 && v < (double)p->below) continue;
      char *line = line_for(f, p), *have = port_line(p);
      char *text =
          message("`%s` of sample %lld is %.0f, and the network's `%s` takes 0 to %lld%s%s%s",
                  f->name, (long long)i, v, have, (long long)p->below - 1,
                  v < 0 ? "" : "\n      = help: write `", v < 0 ? "" : line, v < 0 ? "" : ";`");
      free(line);
      free(have);
      return text;
    }
  if (!s->window || f->below <= p->below) return NULL;
  char *line = line_for(f, p), *have = port_line(p);
  char *text = message("it has %lld different %s, and the network's `%s` takes %lld\n      = help: "
                       "write `%s;`",
                       (long long)f->below, f->stored, have, (long long)p->below, line);
  free(line);
  free(have);
  return text;
}

/* The port's shape; samples that are windows go on overlapping. */
static void take_shape(data_field *f, const data_port *p) {
  const int64_t step = f->step, size = f->size;
  field_shape(f, p->rank, p->dim);
  if (step != size) f->step = step;
}

static char *adapt(matching *m, int i) {
  const data_port *p = &m->port[i];
  data_field *f = &m->s->field[m->field_of[i]];
  const bool first = !i || m->port[i - 1].target != p->target;
  fit k = fits(f, p, m->o);
  char *wrong = k == FIT_SAME ? channel_trap(f, p, m->o) : NULL;
  if (wrong) return wrong;
  if (k == FIT_LAST) channels_first(f, m->s->n);
  if (p->is_int && p->target && !p->rank && !m->s->window)
    wrong = field_to_classes(m->s, f, p->below);
  if (!wrong && p->is_int) wrong = check_range(m->s, f, p);
  if (wrong) return wrong;
  if (!m->s->window) take_shape(f, p);
  if (p->is_int || p->target) return NULL;
  if (first && m->o->scale != 0) f->scale = m->o->scale;
  else if (f->type == FIELD_BYTES && p->rank == 3 && strcmp(f->stored, "bool array") &&
           f->below > 2)
    f->scale = 1 / 255.0;
  return NULL;
}

char *match_ports(field_set *s, const data_port *port, int n, const match_options *o,
                  int *field_of) {
  matching m = {s, o, port, n, field_of};
  char *wrong = NULL;
  for (int i = 0; i < n; i++) field_of[i] = -1;
  for (int i = 0; i < n && !wrong; i++) wrong = choose(&m, i);
  for (int i = 0; i < n && !wrong; i++) wrong = adapt(&m, i);
  return wrong;
}
