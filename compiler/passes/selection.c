#include "selection.h"
#include "nest/algebra.h"

/* --- conditions --- */

/* The index that is not negative where the test e of two positions holds. */
static bool test_of(const expr *e, affine *g) {
  if (e->kind < E_LT || e->kind > E_GE) return false;
  const expr *x = e->a[0], *y = e->a[1];
  if (x->kind != E_INDEX || y->kind != E_INDEX) return false;
  bool less = e->kind == E_LT || e->kind == E_LE, strict = e->kind == E_LT || e->kind == E_GT;
  *g = aff_add(*(less ? y : x)->aff, aff_scale(*(less ? x : y)->aff, -1));
  g->c -= strict;
  return true;
}

/* Not negative where g is negative, and the reverse. */
static affine opposite(const affine *g) {
  affine o = aff_scale(*g, -1);
  o.c -= 1;
  return o;
}

affine along_access(const affine *z, const access *x) {
  affine g = aff_const(z->c);
  for (int d = 0; d < x->t->rank; d++) g = aff_add(g, aff_scale(*x->ix[d], z->k[d]));
  return g;
}

bool along_dimensions(const affine *g, const access *x, affine *z) {
  *z = aff_const(g->c);
  for (int a = 0; a < MAX_AXES; a++) {
    int found = -1;
    for (int d = 0; g->k[a] && d < x->t->rank; d++)
      if (aff_is(x->ix[d], aff_axis(a, 1))) found = d;
    if (g->k[a] && found < 0) return false;
    if (g->k[a]) z->k[found] += g->k[a];
  }
  return true;
}

/* Is x negative wherever g is? */
static bool negative_with(const affine *g, affine x) {
  x.c = x.c < g->c ? g->c : x.c;
  return aff_is(g, x);
}

/* --- what is left of an expression where a condition does not hold --- */

typedef struct {
  const selections *m;
  const affine *g;
  expr *acc; /* the accumulator there, or NULL: itself */
} beyond;

static expr *node_beyond(exprs *x, expr *e, expr *const *a, void *arg) {
  const beyond *b = arg;
  affine t;
  if (e->kind == E_ACC) return b->acc;
  if (e->kind == E_READ) {
    const affine *z = b->m->zero[e->rd.t->id];
    return z && negative_with(b->g, along_access(z, &e->rd)) ? e_const(x, 0) : NULL;
  }
  if (e->kind < E_ADD) return NULL;
  if (test_of(e, &t) && negative_with(b->g, t)) return e_const(x, 0);
  if (test_of(e, &t) && negative_with(b->g, opposite(&t))) return e_const(x, 1);
  if (e->kind == E_MUL && (expr_is(a[0], 0) || expr_is(a[1], 0))) return e_const(x, 0);
  if (e->kind == E_DIV && expr_is(a[0], 0)) return e_const(x, 0);
  int n = scalar_arity(e->kind);
  return alg_op(x, e->kind, a[0], n > 1 ? a[1] : NULL, n > 2 ? a[2] : NULL);
}

static expr *expr_beyond(const selections *m, const affine *g, expr *e, expr *acc) {
  beyond b = {m, g, acc};
  return expr_rewrite(m->p->ex, e, node_beyond, &b);
}

static bool reads_it(exprs *x, expr *e, const tensor *t) {
  reads r = expr_reads(x, e);
  for (int i = 0; i < r.n; i++)
    if (r.read[i]->rd.t == t) return true;
  return false;
}

static bool over_outputs(const nest *n, const affine *g) {
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce && g->k[a]) return false;
  return true;
}

/* The accumulator of n where g is negative, or NULL: not known. */
static expr *acc_beyond(const selections *m, const nest *n, const affine *g) {
  if (n->init || n->red == R_MAX || !over_outputs(n, g)) return NULL;
  expr *t = expr_beyond(m, g, n->term, NULL);
  return expr_is(t, 0) ? t : NULL;
}

/* --- the conditions that a nest knows of --- */

static void add_condition(conditions *c, affine g) {
  for (int i = 0; i < c->n; i++)
    if (aff_is(&c->at[i], g)) return;
  if (c->n < MOST_CONDITIONS && aff_axes(&g)) c->at[c->n++] = g;
}

conditions conditions_of(const selections *m, const nest *n) {
  conditions c = {0};
  walk *w = walk_begin(m->p->ex);
  walk_add(w, n->term);
  for (int s = 0; s < n->n_store; s++) walk_add(w, n->store[s].value);
  for (int i = 0; i < w->n; i++) {
    const expr *e = w->node[i];
    affine t;
    if (e->kind == E_READ && m->zero[e->rd.t->id])
      add_condition(&c, along_access(m->zero[e->rd.t->id], &e->rd));
    if (test_of(e, &t)) {
      add_condition(&c, t);
      add_condition(&c, opposite(&t));
    }
  }
  walk_end(m->p->ex, w);
  return c;
}

bool is_plain(const nest *n) { return !n->loop && !n->chain && !n->pick && !n->n_guard; }

/* Does n alone write the tensor, all of it? */
static bool makes_all(const selections *m, const nest *n, const access *out) {
  int by[MAX_AXES];
  return out->t->role == T_TEMP && !out->t->view_of && !out->t->sliced &&
         uses_writers(m->u, out->t).n == 1 && covers_whole(n, out, by);
}

static void find_zeros(selections *m, const nest *n) {
  conditions c = conditions_of(m, n);
  for (int s = 0; s < n->n_store; s++) {
    const access *out = &n->store[s].out;
    for (int i = 0; i < c.n && !m->zero[out->t->id]; i++) {
      affine z, *g = &c.at[i];
      expr *v = expr_beyond(m, g, n->store[s].value, acc_beyond(m, n, g));
      if (!expr_is(v, 0) || !makes_all(m, n, out) || !along_dimensions(g, out, &z)) continue;
      m->zero[out->t->id] = affine_in(m->p->ex, z);
    }
  }
}

/* --- what is not asked for --- */

/* Does a value that n stores depend on its accumulator where g is negative? */
static bool uses_acc_beyond(const selections *m, const nest *n, const affine *g) {
  for (int s = 0; s < n->n_store; s++)
    if (expr_beyond(m, g, n->store[s].value, NULL)->acc) return true;
  return false;
}

static bool reader_needs(const selections *m, const nest *n, const tensor *t, const affine *z) {
  reads r = reads_of(n);
  for (int i = 0; i < r.n; i++) {
    if (r.read[i]->rd.t != t) continue;
    affine g = along_access(z, &r.read[i]->rd);
    bool acc = !over_outputs(n, &g) || uses_acc_beyond(m, n, &g);
    if (acc && reads_it(m->p->ex, expr_beyond(m, &g, n->term, NULL), t)) return true;
    if (n->init && reads_it(m->p->ex, n->init, t)) return true;
    for (int s = 0; s < n->n_store; s++)
      if (reads_it(m->p->ex, expr_beyond(m, &g, n->store[s].value, NULL), t)) return true;
  }
  return false;
}

bool zeros_beyond(const selections *m, const nest *n, const affine *g) {
  return n->red != R_MAX && expr_is(expr_beyond(m, g, n->term, NULL), 0);
}

bool unused_beyond(const selections *m, const nest *n, const affine *g) {
  return over_outputs(n, g) && !uses_acc_beyond(m, n, g);
}

bool makes_whole(const selections *m, const nest *n) {
  return n->n_store == 1 && n->red != R_MAX && makes_all(m, n, &n->store[0].out);
}

bool nobody_needs(const selections *m, const tensor *t, const affine *z) {
  nest_list l = uses_readers(m->u, t);
  for (int i = 0; i < l.n; i++)
    if (reader_needs(m, l.at[i], t, z)) return false;
  return true;
}

selections selections_of(nestprog *p, arena *scratch) {
  selections m = {p, uses_build(p, scratch), NEW_N(scratch, const affine *, p->n_tensor)};
  for (nest *n = p->nests; n; n = n->next)
    if (is_plain(n)) find_zeros(&m, n);
  return m;
}
