/* `input`, `classes` and `target`: what a network is given, and what it is compared with. */
#include "expand.h"
#include <math.h>
#include <string.h>

static bool given_twice(expander *x, const stmt *s, loc *where) {
  if (where->file < 0) {
    *where = s->word_at;
    return false;
  }
  diag_error(x->d, s->word_at, NULL, "`%s` is given twice", s->word);
  diag_note(x->d, *where, "first given here");
  return true;
}

/* `64 of 65`: the number after `of`; 0: floats. False after an error. */
static bool of_clause(expander *x, const stmt *s, int64_t *below) {
  double n = 0;
  *below = 0;
  if (s->n_arg < 2) return true;
  const value *of = s->arg[1].v;
  value *v = NULL;
  if (s->n_arg == 3 && !s->arg[1].key && !s->arg[2].key && of->kind == V_NAME &&
      !strcmp(of->text, "of"))
    v = resolve(x, s->arg[2].v);
  else at_most_one(x, s->word, s->n_arg, s->arg);
  if (!v || !value_number(x, v, &n)) return false;
  *below = (int64_t)n;
  if (n >= 1 && n <= 1e7 && n == floor(n)) return true;
  diag_error(x->d, v->at, NULL, "after `of` stands a whole number, at least 1");
  return false;
}

/* A shape as it is written, channels first; whole numbers have no channels. */
static bool port_shape(const value *v, shape *out) {
  int64_t dim[6] = {0};
  int n = 1;
  double elements = 1;
  if (v->kind == V_SHAPE && v->n_dim <= MAX_RANK) memcpy(dim, v->dim, sizeof dim), n = v->n_dim;
  else if (v->kind == V_NUM && v->num == floor(v->num) && fabs(v->num) < 1e12)
    dim[0] = (int64_t)v->num;
  out->rank = n;
  for (int i = 0; i < n; i++) {
    out->dim[i] = out->below ? dim[i] : dim[(i + 1) % n];
    elements *= (double)dim[i];
    if (dim[i] < 1) return false;
  }
  return elements <= MAX_ELEMENTS;
}

/* The shape of `input` or `target`; its rank is -1 after an error. */
static shape read_shape(expander *x, const stmt *s, const char *help) {
  shape out = {-1, {0}, 0};
  value *v = s->n_arg && !s->arg[0].key ? resolve(x, s->arg[0].v) : NULL;
  if (!of_clause(x, s, &out.below)) return out;
  if (v && port_shape(v, &out)) return out;
  out.rank = -1;
  if (v && v->kind == V_SHAPE && v->n_dim > MAX_RANK)
    diag_error(x->d, v->at, NULL, "`%s` has %d dimensions: at most %d, without the batch", s->word,
               v->n_dim, MAX_RANK);
  else if (v) diag_error(x->d, v->at, help, "`%s` takes channels x height x width", s->word);
  else if (!s->n_arg || s->arg[0].key)
    diag_error(x->d, s->word_at, help, "`%s` takes one shape", s->word);
  return out;
}

/* Names tell several apart. */
static bool needs_name(expander *x, const stmt *s, int before, const loc *first) {
  if (!before || s->label) return false;
  diag_error(x->d, s->word_at, arena_printf(x->a, "for example `left: %s ..;`", s->word),
             "several of `%s` need names", s->word);
  diag_note(x->d, *first, "the first one is here");
  return true;
}

static void image_sizes(graph *g, const shape *s) {
  bool image = s->rank == 3;
  g->h = image ? s->dim[0] : 1;
  g->w = image ? s->dim[1] : 1;
  g->c = image ? s->dim[2] : shape_elements(s);
}

void run_input(expander *x, const stmt *s) {
  graph *g = x->g;
  if (needs_name(x, s, g->n_input, &x->input_at)) return;
  if (!g->n_input) x->input_at = s->word_at;
  node *n = new_node(x, NULL, s->word_at);
  port *p = NEW(x->a, port);
  *p = (port){.name = s->label ? s->label : "input", .node = n, .at = s->word_at};
  p->shape = n->shape =
      read_shape(x, s, "for example `input 3x32x32;`, or `input 784;` for vectors");
  p->below = p->shape.below;
  p->is_int = p->below > 0;
  if (g->n_input) n->name = p->name;
  else image_sizes(g, &p->shape);
  n->port = p;
  PUSH(x->a, g->input, g->n_input, p);
  x->cur = n;
}

static port *new_target(expander *x, const stmt *s, const char *name) {
  port *p = NEW(x->a, port);
  if (needs_name(x, s, x->n_target, &x->classes_at)) return NULL;
  if (!x->n_target) x->classes_at = s->word_at;
  *p = (port){.name = s->label ? s->label : name, .target = true, .at = s->word_at};
  PUSH(x->a, x->target, x->n_target, p);
  if (s->label && name_is_free(x, s->label, s->label_at))
    new_binding(x, s->label, s->label_at)->target = p;
  return p;
}

static void add_target(expander *x, port *p, shape s) {
  p->shape = s;
  p->below = s.below;
  p->is_int = s.below > 0;
  if (!x->g->classes) x->g->classes = s.below;
  PUSH(x->a, x->g->target, x->g->n_target, p);
}

void run_classes(expander *x, const stmt *s) {
  double n = 0;
  if (!s->label && given_twice(x, s, &x->classes_at)) return;
  if (!at_most_one(x, s->word, s->n_arg, s->arg)) return;
  value *v = s->n_arg == 1 && !s->arg[0].key ? resolve(x, s->arg[0].v) : NULL;
  if (!v || !value_number(x, v, &n) || n < 1 || n > 1e6 || n != floor(n)) {
    diag_error(x->d, s->word_at, NULL, "`classes` takes one whole number, at least 1");
    return;
  }
  port *p = new_target(x, s, "label");
  if (p) add_target(x, p, (shape){0, {0}, (int64_t)n});
}

/* `target input;`, `target @left;`: what is given is also what is wanted. */
static bool input_as_target(expander *x, const stmt *s) {
  const value *v = s->n_arg == 1 && !s->arg[0].key ? s->arg[0].v : NULL;
  node *from = NULL;
  if (!v || (v->kind != V_REF && (v->kind != V_NAME || strcmp(v->text, "input")))) return false;
  if (v->kind == V_REF) {
    binding *b = find_binding(x, v->text);
    from = b ? b->label : NULL;
  } else if (x->g->n_input) {
    from = x->g->input[0]->node;
  }
  if (!from || !from->port) {
    diag_error(x->d, v->at, "for example `target input;`", "this names no input");
    return true;
  }
  port *p = new_target(x, s, "target");
  if (!p) return true;
  p->node = from;
  p->shape = from->shape;
  p->below = p->shape.below;
  p->is_int = p->below > 0;
  return true;
}

void run_target(expander *x, const stmt *s) {
  if (input_as_target(x, s)) return;
  shape of =
      read_shape(x, s, "for example `target 1;` for a number, `target 64 of 65;` for 64 classes");
  if (of.rank == 1 && of.dim[0] == 1 && of.below) of.rank = 0; /* one class, as `classes` */
  port *p = new_target(x, s, of.below ? "label" : "target");
  if (p && of.rank >= 0) add_target(x, p, of);
}
