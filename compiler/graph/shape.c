/* Shape rules: what goes in decides what comes out, for one sample (N = 1). */
#include "base/internal.h"
#include "base/same.h"
#include "expand.h"
#include <math.h>
#include <string.h>

static void env_add(xenv *env, const char *name, double v) {
  for (int i = 0; i < env->n; i++)
    if (same_name(env->name[i], name)) return;
  if (env->n == 64) return;
  env->name[env->n] = name;
  env->v[env->n++] = v;
}

void env_add_setting(xenv *env, const opsetting *s, const setting *v) {
  env_add(env, s->name, v->v[0]);
  for (int i = 0; i < s->n_word; i++) env_add(env, s->word[i], -1 - i);
  if (!s->pair) return;
  env_add(env, s->name_h, v->v[0]);
  env_add(env, s->name_w, v->v[1]);
}

int64_t shape_elements(const shape *s) {
  int64_t n = 1;
  for (int i = 0; i < s->rank; i++) n *= s->dim[i];
  return n;
}

bool shape_equal(const shape *a, const shape *b) {
  if (a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++)
    if (a->dim[i] != b->dim[i]) return false;
  return true;
}

int shape_in_files(const shape *s, bool is_int, int64_t dim[MAX_RANK]) {
  bool channels = !is_int && s->rank > 1;
  if (channels) dim[0] = s->dim[s->rank - 1];
  for (int i = 0; i < s->rank - channels; i++) dim[i + channels] = s->dim[i];
  return s->rank;
}

static bool env_add_lets(const opdef *op, diag *d, xenv *env) {
  for (int i = 0; i < op->n_let; i++) {
    double v;
    if (!xexpr_eval(op->let[i].v, env, d, &v)) return false;
    env_add(env, op->let[i].name, v);
  }
  return true;
}

bool node_env(const node *n, int64_t batch, diag *d, xenv *env) {
  env->n = 0;
  for (int i = 0; i < n->n_in; i++) {
    const opinput *in = &n->op->in[i];
    if (in->every || !n->as || n->as[i].rank + 1 != in->n_dim) continue;
    env_add(env, in->dim[0], (double)batch);
    for (int k = 1; k < in->n_dim; k++) env_add(env, in->dim[k], (double)n->as[i].dim[k - 1]);
    if (in->below) env_add(env, in->below, (double)n->as[i].below);
  }
  for (int i = 0; i < n->n_set; i++) env_add_setting(env, &n->op->set[i], &n->set[i]);
  return n->n_set < n->op->n_set || env_add_lets(n->op, d, env);
}

double node_setting(const node *n, const char *name) {
  for (int i = 0; i < n->n_set; i++)
    if (!strcmp(n->set[i].name, name)) return n->set[i].v[0];
  internal_error(name, "an operator without this setting");
}

const char *shape_text(arena *a, const shape *s, bool is_int) {
  int64_t dim[MAX_RANK];
  shape t = *s;
  if (t.rank == 3 && t.dim[0] == 1 && t.dim[1] == 1) t = (shape){1, {t.dim[2]}, 0};
  int rank = shape_in_files(&t, is_int, dim);
  const char *text = rank ? arena_printf(a, "%lld", (long long)dim[0]) : "1";
  for (int i = 1; i < rank; i++) text = arena_printf(a, "%sx%lld", text, (long long)dim[i]);
  return text;
}

const char *node_shape_text(arena *a, const node *n) {
  const char *text = shape_text(a, &n->shape, n->port && n->port->is_int);
  if (!n->port || !n->port->is_int) return text;
  return arena_printf(a, "%s of %lld", text, (long long)n->port->below);
}

const char *port_text(arena *a, const port *p) {
  if (p->is_int && !p->shape.rank)
    return arena_printf(a, "one of %lld classes", (long long)p->below);
  const char *text = shape_text(a, &p->shape, p->is_int);
  return p->is_int ? arena_printf(a, "%s of %lld", text, (long long)p->below) : text;
}

/* The way the shapes came, at most the last ten layers of it. */
void note_shapes(expander *x, const node *n) {
  const char *chain = NULL;
  int shown = 0;
  for (const node *m = n; m; m = m->n_in ? m->in[0] : NULL) {
    if (shown++ == 10) {
      chain = arena_printf(x->a, ".. -> %s", chain);
      break;
    }
    const char *one = arena_printf(x->a, "%s %s", m->name, node_shape_text(x->a, m));
    chain = chain ? arena_printf(x->a, "%s -> %s", one, chain) : one;
  }
  diag_note(x->d, NOWHERE, "shapes up to here: %s", chain);
}

static bool unknown_shape(const node *n) {
  for (int i = 0; i < n->n_in; i++)
    if (n->in[i]->shape.rank < 0) return true;
  return false;
}

/* The signature's names in the order of files: "IxK", "CxHxW". */
static const char *symbols_text(expander *x, const opinput *in) {
  const int rank = in->n_dim - 1;
  const char *t = "";
  for (int d = 0; d < rank; d++) {
    const int from = in->is_int ? d : (d + rank - 1) % rank;
    t = arena_printf(x->a, "%s%s%s", t, d ? "x" : "", in->dim[1 + from]);
  }
  return t;
}

/* What two inputs of different shapes have in common; NULL where the signature says no more than
   that they are alike. */
static const char *common_symbols(expander *x, const opdef *op, int a, int b) {
  const char *first = symbols_text(x, &op->in[a]), *second = symbols_text(x, &op->in[b]);
  if (!strcmp(first, second) || strchr(first, '.') || strchr(second, '.')) return NULL;
  return arena_printf(x->a, "it takes %s and %s: a letter in both is one size", first, second);
}

static void shapes_differ(expander *x, const node *n, int a, int b) {
  diag_error(x->d, n->at, common_symbols(x, n->op, a, b), "`%s` joins %s and %s: the shapes differ",
             n->op->name, node_shape_text(x->a, n->in[a]), node_shape_text(x->a, n->in[b]));
  note_shapes(x, n->in[a]);
  note_shapes(x, n->in[b]);
}

bool sizes_agree(const opdef *op, const shape *as, int a, int b) {
  const opinput *ia = &op->in[a], *ib = &op->in[b];
  for (int i = 1; i < ia->n_dim; i++)
    for (int j = 1; j < ib->n_dim; j++)
      if (!strcmp(ia->dim[i], ib->dim[j]) && as[a].dim[i - 1] != as[b].dim[j - 1]) return false;
  return true;
}

/* A symbol that several inputs use has one size. */
static bool inputs_agree(expander *x, const node *n) {
  for (int b = 1; b < n->n_in; b++)
    for (int a = 0; a < b; a++)
      if (!sizes_agree(n->op, n->as, a, b)) {
        shapes_differ(x, n, a, b);
        return false;
      }
  return true;
}

static bool needs_hold(expander *x, const node *n, const xenv *env) {
  for (int i = 0; i < n->op->n_need; i++) {
    const opneed *need = &n->op->need[i];
    double v;
    if (!xexpr_eval(need->cond, env, x->d, &v)) return false;
    if (v != 0) continue;
    diag_error(x->d, n->at, NULL, "`%s` does not fit: %s", n->op->name, need->reason);
    for (int k = 0; k < n->n_in; k++) note_shapes(x, n->in[k]);
    return false;
  }
  return true;
}

/* A size that a rule gave: whole and at least 1. */
static bool size_is_good(expander *x, const node *n, double v, const char *of) {
  if (v >= 1 && v == floor(v) && v <= MAX_ELEMENTS) return true;
  diag_error(x->d, n->at, NULL, "`%s` makes %s of size %.10g", n->op->name, of, v);
  note_shapes(x, n->in[0]);
  return false;
}

static bool not_too_large(expander *x, const node *n, double elements, const char *of) {
  if (elements <= MAX_ELEMENTS) return true;
  diag_error(x->d, n->at, NULL, "`%s` makes %s of %.3g elements (at most %.3g)", n->op->name, of,
             elements, MAX_ELEMENTS);
  note_shapes(x, n->in[0]);
  return false;
}

static bool declared_fit(expander *x, const node *n, const xenv *env) {
  for (int i = 0; i < n->op->n_decl; i++) {
    const opdecl *d = &n->op->decl[i];
    double elements = 1, v;
    for (int k = 0; k < d->n_dim; k++) {
      if (!xexpr_eval(d->dim[k].extent, env, x->d, &v) || !size_is_good(x, n, v, d->name))
        return false;
      elements *= v;
    }
    if (!not_too_large(x, n, elements, d->name) || !xexpr_eval(d->init_arg, env, x->d, &v))
      return false;
  }
  return true;
}

/* For messages: what a dimension of the result is. */
static const char *dimension_word(int i, int rank) {
  static const char *const image[] = {"a batch", "images with a height", "images with a width"};
  if (i == rank) return "a number of channels";
  return rank == 3 ? image[i] : rank == 2 && i == 1 ? "sequences with a length" : "a dimension";
}

static bool output_shape(expander *x, node *n, const xenv *env) {
  shape s = {n->op->n_out_dim - 1, {0}, 0};
  double elements = 1, v;
  if (s.rank > MAX_RANK) {
    diag_error(x->d, n->at, NULL,
               "`%s` makes a tensor of %d dimensions beside the batch: at most %d", n->op->name,
               s.rank, MAX_RANK);
    return false;
  }
  for (int i = 0; i < n->op->n_out_dim; i++) {
    if (!xexpr_eval(n->op->out_dim[i], env, x->d, &v) ||
        !size_is_good(x, n, v, dimension_word(i, s.rank)))
      return false;
    if (i) s.dim[i - 1] = (int64_t)v;
    elements *= v;
  }
  if (!not_too_large(x, n, elements, "a tensor")) return false;
  n->shape = s;
  return true;
}

bool shape_node(expander *x, node *n) {
  xenv env;
  if (unknown_shape(n) || !inputs_agree(x, n)) return false;
  if (!node_env(n, 1, x->d, &env)) return false;
  if (!needs_hold(x, n, &env) || !declared_fit(x, n, &env)) return false;
  if (!n->op->out_every) return output_shape(x, n, &env);
  n->shape = n->as[0];
  return true;
}

bool node_shape(arena *a, diag *d, node *n) {
  expander x = {.a = a, .d = d};
  return shape_node(&x, n);
}

/* A loss of the file's own says what it compares, and with sizes of its own. */
static bool names_loss(const expander *x) {
  for (int i = 0; i < x->n_train; i++)
    if (x->train[i].s->word && !strcmp(x->train[i].s->word, "loss")) return true;
  return false;
}

/* What a network without targets is for: one class a channel. */
static void default_target(expander *x, const node *out) {
  port *p = NEW(x->a, port);
  *p = (port){.name = "label", .target = true, .is_int = true, .at = NOWHERE};
  p->below = p->shape.below = out->shape.dim[out->shape.rank - 1];
  PUSH(x->a, x->g->target, x->g->n_target, p);
  PUSH(x->a, x->target, x->n_target, p);
}

void check_output(expander *x) {
  graph *g = x->g;
  g->output = x->cur;
  if (!g->n_node) {
    if (!x->input_missing_said)
      diag_error(x->d, (loc){x->first_file, 1, 1, 1}, "start with, for example, `input 3x32x32;`",
                 "no `input`, so there is no network here");
    return;
  }
  const node *out = x->cur;
  if (!out || out->shape.rank < 1) return;
  if (!x->n_target) default_target(x, out);
  const int64_t channels = out->shape.dim[out->shape.rank - 1];
  const port *first = g->n_target ? g->target[0] : NULL;
  g->classes = first ? first->below : 0;
  if (g->n_target > 1 || !g->classes || g->classes == channels || diag_errors(x->d)) return;
  if (names_loss(x)) return;
  diag_error(x->d, out->at, "end with `linear classes;`",
             "the network ends in %lld channels, but there are %lld classes", (long long)channels,
             (long long)g->classes);
  diag_note(x->d, first->at, "the classes are given here");
  note_shapes(x, out);
}
