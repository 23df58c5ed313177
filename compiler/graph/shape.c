/* Shape rules: what goes in decides what comes out, for one sample (N = 1). */
#include "expand.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void env_add(xenv *env, const char *name, double v) {
  for (int i = 0; i < env->n; i++)
    if (!strcmp(env->name[i], name)) return;
  if (env->n == 64) return;
  env->name[env->n] = name;
  env->v[env->n++] = v;
}

void env_add_setting(xenv *env, const opsetting *s, const setting *v) {
  env_add(env, s->name, v->v[0]);
  if (!s->pair) return;
  env_add(env, s->name_h, v->v[0]);
  env_add(env, s->name_w, v->v[1]);
}

void node_env(const node *n, int64_t batch, xenv *env) {
  env->n = 0;
  for (int i = 0; i < n->n_in; i++) {
    const opinput *in = &n->op->in[i];
    const node *from = n->in[i];
    if (in->n_dim != 4 || !from) continue;
    env_add(env, in->dim[0], (double)batch);
    env_add(env, in->dim[1], (double)from->h);
    env_add(env, in->dim[2], (double)from->w);
    env_add(env, in->dim[3], (double)from->c);
  }
  for (int i = 0; i < n->n_set; i++) env_add_setting(env, &n->op->set[i], &n->set[i]);
}

double node_setting(const node *n, const char *name) {
  for (int i = 0; i < n->n_set; i++)
    if (!strcmp(n->set[i].name, name)) return n->set[i].v[0];
  fprintf(stderr, "netc: operator `%s` has no setting `%s` (a bug in netc)\n",
          n->op ? n->op->name : "input", name);
  abort();
}

const char *shape_text(arena *a, int64_t c, int64_t h, int64_t w) {
  if (h == 1 && w == 1) return arena_printf(a, "%lld", (long long)c);
  return arena_printf(a, "%lldx%lldx%lld", (long long)c, (long long)h, (long long)w);
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
    const char *one = arena_printf(x->a, "%s %s", m->name, shape_text(x->a, m->c, m->h, m->w));
    chain = chain ? arena_printf(x->a, "%s -> %s", one, chain) : one;
  }
  diag_note(x->d, NOWHERE, "shapes up to here: %s", chain);
}

static bool unknown_shape(const node *n) {
  for (int i = 0; i < n->n_in; i++)
    if (n->in[i]->c == 0) return true;
  return false;
}

/* A symbol that both inputs use has one size. */
static bool inputs_agree(expander *x, const node *n) {
  if (n->n_in < 2) return true;
  const node *a = n->in[0], *b = n->in[1];
  const int64_t da[4] = {1, a->h, a->w, a->c}, db[4] = {1, b->h, b->w, b->c};
  const opinput *ia = &n->op->in[0], *ib = &n->op->in[1];
  for (int i = 1; i < 4; i++)
    for (int j = 1; j < 4; j++)
      if (!strcmp(ia->dim[i], ib->dim[j]) && da[i] != db[j]) {
        diag_error(x->d, n->at, NULL, "`%s` joins %s and %s: the shapes differ", n->op->name,
                   shape_text(x->a, a->c, a->h, a->w), shape_text(x->a, b->c, b->h, b->w));
        note_shapes(x, a);
        note_shapes(x, b);
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
    note_shapes(x, n->in[0]);
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

static bool output_dims(expander *x, node *n, const xenv *env, int64_t dim[4]) {
  static const char *const what[] = {"a batch", "images with a height", "images with a width",
                                     "a number of channels"};
  double elements = 1, v;
  for (int i = 0; i < 4; i++) {
    if (!xexpr_eval(n->op->out_dim[i], env, x->d, &v) || !size_is_good(x, n, v, what[i]))
      return false;
    dim[i] = (int64_t)v;
    elements *= v;
  }
  return not_too_large(x, n, elements, "a tensor");
}

bool shape_node(expander *x, node *n) {
  xenv env;
  int64_t dim[4];
  if (unknown_shape(n) || !inputs_agree(x, n)) return false;
  node_env(n, 1, &env);
  if (!needs_hold(x, n, &env) || !declared_fit(x, n, &env)) return false;
  if (n->op->out_every) {
    n->h = n->in[0]->h, n->w = n->in[0]->w, n->c = n->in[0]->c;
    return true;
  }
  if (!output_dims(x, n, &env, dim)) return false;
  n->h = dim[1], n->w = dim[2], n->c = dim[3];
  return true;
}

void check_output(expander *x) {
  graph *g = x->g;
  g->output = x->cur;
  if (!g->n_node) {
    if (!x->input_missing_said)
      diag_error(x->d, NOWHERE, NULL, "%s: no `input`, so there is no network here", g->path);
    return;
  }
  const node *out = x->cur;
  if (!out || !out->c) return;
  if (!g->classes) g->classes = out->c;
  if (g->classes == out->c || diag_errors(x->d)) return;
  diag_error(x->d, out->at, "end with `linear classes;`",
             "the network ends in %lld channels, but there are %lld classes", (long long)out->c,
             (long long)g->classes);
  diag_note(x->d, x->classes_at, "the classes are given here");
  note_shapes(x, out);
}
