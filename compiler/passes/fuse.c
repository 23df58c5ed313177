/* fuse: fewer passes over memory, by three rules on nests:
     masks      a test z > 0 reads max(z, 0) instead, where that is stored anyway;
     producers  an elementwise nest with one reader is computed where it is read;
     epilogues  an elementwise nest moves into the stores of the nests that make what it reads
                (bias, activation, residual sum, and the optimizer's update after a weight's
                gradient, which then is never stored).
   Requires canonical nests; keeps every bit: no expression is changed, only where it is computed.
 */
#include "nest/uses.h"
#include "passes.h"
#include <string.h>

enum { MAX_WRITERS = 16, MAX_USERS = 128 };

typedef struct {
  nestprog *p;
  uses *u;
} fusion;

/* --- substituting axes --- */

typedef struct {
  int n_axis;
  affine to[MAX_AXES];
} substitution;

static affine substitute(affine x, void *arg) {
  const substitution *s = arg;
  affine r = aff_const(x.c);
  for (int a = 0; a < s->n_axis; a++)
    if (x.k[a]) r = aff_add(r, aff_scale(s->to[a], x.k[a]));
  return r;
}

static access substitute_access(access x, substitution *s) {
  for (int d = 0; d < x.t->rank; d++) x.ix[d] = substitute(x.ix[d], s);
  return x;
}

/* --- rule: masks --- */

typedef struct {
  fusion *f;
  const nest *at; /* the nest being rewritten */
} mask_rule;

/* Does n make max(z, 0) in another tensor, element by element? */
static bool rectifies(nest *n, const tensor *z) {
  const expr *e = n->term;
  int by[MAX_AXES];
  if (n->n_store != 1 || n->store[0].value->kind != E_ACC || !elementwise(n)) return false;
  if (e->kind != E_MAX || e->a[0]->kind != E_READ || e->a[0]->rd.t != z) return false;
  if (e->a[1]->kind != E_CONST || e->a[1]->num != 0) return false;
  const access *in = &e->a[0]->rd, *out = &n->store[0].out;
  bool same = in->t->rank == out->t->rank && covers_whole(n, in, by);
  for (int d = 0; same && d < in->t->rank; d++) same &= aff_equal(in->ix[d], out->ix[d]);
  return same;
}

/* The tensor that holds max(z, 0) at the same places, if a nest before makes one. */
static tensor *rectified(const mask_rule *m, const tensor *z) {
  nest *reader[MAX_USERS];
  int n = uses_readers(m->f->u, z, reader, MAX_USERS);
  for (int i = 0; i < n && reader[i]->place < m->at->place; i++)
    if (rectifies(reader[i], z)) return reader[i]->store[0].out.t;
  return NULL;
}

static expr *remask(expr *e, void *arg) {
  mask_rule *m = arg;
  if (e->kind != E_GT || e->a[0]->kind != E_READ) return NULL;
  if (e->a[1]->kind != E_CONST || e->a[1]->num != 0) return NULL;
  tensor *a = rectified(m, e->a[0]->rd.t);
  if (!a) return NULL;
  access x = e->a[0]->rd;
  x.t = a;
  return e_op(m->f->p->mem, E_GT, e_read(m->f->p->mem, x), e->a[1], NULL);
}

static bool fuse_masks(fusion *f, nest *n) {
  mask_rule m = {f, n};
  n->term = expr_rewrite(f->p->mem, n->term, remask, &m);
  for (int s = 0; s < n->n_store; s++)
    n->store[s].value = expr_rewrite(f->p->mem, n->store[s].value, remask, &m);
  uses_add(f->u, n);
  return false;
}

/* --- expressions of one nest in the axes of another --- */

typedef struct {
  expr *acc; /* stands for E_ACC, if not NULL */
  int n;     /* reads at these stores' places become the values stored */
  const store *made;
} replacing;

static expr *replace(expr *e, void *arg) {
  replacing *r = arg;
  if (e->kind == E_ACC) return r->acc;
  for (int i = 0; e->kind == E_READ && i < r->n; i++)
    if (access_equal(&e->rd, &r->made[i].out)) return r->made[i].value;
  return NULL;
}

static expr *replaced(nestprog *p, expr *e, expr *acc, int n, const store *made) {
  replacing r = {acc, n, made};
  return expr_rewrite(p->mem, e, replace, &r);
}

/* --- rule: producers --- */

/* The one nest that reads t, if no nest but `from` writes it; or NULL. */
static nest *only_reader(fusion *f, const nest *from, const tensor *t) {
  nest *reader[2], *writer[2];
  if (uses_writers(f->u, t, writer, 2) != 1 || uses_readers(f->u, t, reader, 2) != 1) return NULL;
  return reader[0] == from ? NULL : reader[0];
}

static bool writes_any(nest *n, const reads *r) {
  for (int i = 0; i < r->n; i++)
    if (store_to(n, r->read[i]->rd.t) >= 0) return true;
  return false;
}

static bool is_leaf(const expr *e) { return e->kind == E_READ || e->kind == E_CONST; }

/* At most one product or sum of things at hand. */
static bool trifling(const nest *n) {
  const expr *e = n->term;
  if (n->store[0].value->kind != E_ACC) return false;
  if (is_leaf(e)) return true;
  return (e->kind == E_MUL || e->kind == E_ADD || e->kind == E_SUB) && is_leaf(e->a[0]) &&
         is_leaf(e->a[1]);
}

/* The nest that can compute `from` where it reads it, with the place of that read; or NULL. */
static nest *inline_target(fusion *f, nest *from, expr **read) {
  int by[MAX_AXES];
  tensor *t = from->store[0].out.t;
  if (from->n_store != 1 || t->role != T_TEMP || !elementwise(from)) return NULL;
  if (!covers_whole(from, &from->store[0].out, by)) return NULL;
  nest *to = only_reader(f, from, t);
  /* Each element is read once, or costs next to nothing: no work twice. */
  if (!to || (all_points(to) > tensor_elements(t) && !(trifling(from) && elementwise(to))))
    return NULL;
  reads in = reads_of(from), r = reads_of_term(to), in_stores = reads_of_stores(to);
  for (nest *n = from->next; n != to; n = n->next)
    if (!n || writes_any(n, &in)) return NULL;
  *read = NULL;
  for (int i = 0; i < r.n; i++) {
    if (r.read[i]->rd.t != t) continue;
    if (*read && !access_equal(&(*read)->rd, &r.read[i]->rd)) return NULL;
    *read = r.read[i];
  }
  if (!*read || access_may_leave(to, &(*read)->rd)) return NULL;
  for (int i = 0; i < in_stores.n; i++)
    if (in_stores.read[i]->rd.t == t) return NULL;
  return to;
}

typedef struct {
  const nest *n;
  int ax;
  bool fits;
} lane_check;

static void check_lanes(expr *read, void *arg) {
  lane_check *c = arg;
  c->fits &= runs_in_lanes(c->n, &read->rd, c->ax);
}

/* May the value stand in n's term? A sum in lanes goes on reading rows. */
static bool keeps_lanes(const nest *n, expr *value) {
  lane_check c = {n, innermost_reduce(n), true};
  if (n->lanes) expr_reads(value, check_lanes, &c);
  return c.fits;
}

static bool inline_producer(fusion *f, nest *from) {
  nestprog *p = f->p;
  expr *read;
  int by[MAX_AXES];
  nest *to = inline_target(f, from, &read);
  if (!to) return false;
  covers_whole(from, &from->store[0].out, by);
  substitution s = {.n_axis = from->n_axis};
  for (int a = 0; a < from->n_axis; a++) s.to[a] = read->rd.ix[by[a]];
  expr *value = replaced(p, from->store[0].value, from->term, 0, NULL);
  value = expr_map_affine(p->mem, value, substitute, &s);
  if (!keeps_lanes(to, value)) return false;
  /* A product that comes to stand under a sum must not become its fused multiply-add. */
  if (to->red == R_SUM && to->term == read) value = e_op(p->mem, E_STOP, value, NULL, NULL);
  store made = {read->rd, value};
  to->term = replaced(p, to->term, NULL, 1, &made);
  uses_add(f->u, to);
  return true;
}

/* --- rule: epilogues --- */

typedef struct {
  nest *c;          /* the elementwise nest to move */
  tensor *t;        /* what it reads and the writers make */
  access at;        /* where it reads it */
  int by[MAX_AXES]; /* dimension of t for each axis of c */
  int n;
  nest *writer[MAX_WRITERS]; /* last first */
} move;

/* The last nests before c that together write all of t exactly once. */
static bool find_writers(fusion *f, move *m) {
  nest *all[MAX_USERS];
  int n = uses_writers(f->u, m->t, all, MAX_USERS);
  while (n > 0 && all[n - 1]->place >= m->c->place) n--;
  int64_t left = tensor_elements(m->t);
  for (m->n = 0; left > 0 && n > 0 && m->n < MAX_WRITERS;) {
    nest *w = all[--n];
    const access *x = &w->store[store_to(w, m->t)].out;
    for (int i = 0; i < m->n; i++) {
      nest *o = m->writer[i];
      if (!disjoint(w, x, o, &o->store[store_to(o, m->t)].out)) return false;
    }
    m->writer[m->n++] = w;
    left -= output_points(w);
  }
  return left == 0;
}

static bool is_writer(const move *m, const nest *n) {
  for (int i = 0; i < m->n; i++)
    if (m->writer[i] == n) return true;
  return false;
}

/* May c run as early as its first writer? Nothing in between may touch what it reads or writes. */
static bool may_move(move *m) {
  reads r = reads_of(m->c);
  for (nest *n = m->writer[m->n - 1]; n != m->c; n = n->next) {
    bool writer = is_writer(m, n);
    for (int i = 0; i < r.n; i++)
      if (!writer && store_to(n, r.read[i]->rd.t) >= 0) return false;
    for (int s = 0; s < m->c->n_store; s++) {
      tensor *out = m->c->store[s].out.t;
      if (!writer && reads_tensor(n, out)) return false;
      if (store_to(n, out) >= 0 && !(writer && out == m->t)) return false;
    }
  }
  return true;
}

static substitution axes_of_writer(const move *m, const nest *w) {
  const access *x = &w->store[store_to(w, m->t)].out;
  substitution s = {.n_axis = m->c->n_axis};
  for (int a = 0; a < m->c->n_axis; a++) s.to[a] = x->ix[m->by[a]];
  return s;
}

/* Would vectors along w's output still run along memory in what c reads and writes? */
static bool keeps_vectors(const move *m, const nest *w) {
  substitution s = axes_of_writer(m, w);
  reads r = reads_of(m->c);
  int v = -1;
  for (int a = w->n_axis - 1; a >= 0 && v < 0; a--)
    if (!w->axis[a].reduce && dense_stride(&w->store[0].out, a) == 1) v = a;
  if (v < 0) return true;
  for (int i = 0; i < m->c->n_store; i++) {
    access x = substitute_access(m->c->store[i].out, &s);
    if (dense_stride(&x, v) != 1) return false;
  }
  for (int i = 0; i < r.n; i++) {
    access x = substitute_access(r.read[i]->rd, &s);
    int64_t k = dense_stride(&x, v);
    if (k != 0 && k != 1) return false;
  }
  return true;
}

/* Does c, in w's axes, read what w writes only at the very element that w makes? */
static bool reads_own_element(const move *m, const nest *w) {
  substitution s = axes_of_writer(m, w);
  reads r = reads_of(m->c);
  for (int i = 0; i < r.n; i++) {
    int to = store_to(w, r.read[i]->rd.t);
    access x = substitute_access(r.read[i]->rd, &s);
    if (to >= 0 && !access_equal(&x, &w->store[to].out)) return false;
  }
  return true;
}

/* Does w read the tensor that c would write there at no other element than the one written? (All
   values are computed before any is stored.) The term runs over many elements: none of it may. */
static bool reads_at_most(nest *w, const move *m, const access *out) {
  substitution s = axes_of_writer(m, w);
  access x = substitute_access(*out, &s);
  reads term = reads_of_term(w), stores = reads_of_stores(w);
  for (int i = 0; i < term.n; i++)
    if (term.read[i]->rd.t == out->t) return false;
  for (int i = 0; i < stores.n; i++)
    if (stores.read[i]->rd.t == out->t && !access_equal(&stores.read[i]->rd, &x)) return false;
  return true;
}

static bool may_take(const move *m, nest *w) {
  if (w->n_store + m->c->n_store > MAX_STORES) return false;
  for (int s = 0; s < m->c->n_store; s++)
    if (!reads_at_most(w, m, &m->c->store[s].out)) return false;
  return keeps_vectors(m, w) && reads_own_element(m, w);
}

static void take(nestprog *p, const move *m, nest *w) {
  substitution s = axes_of_writer(m, w);
  int had = w->n_store;
  store made[MAX_STORES];
  memcpy(made, w->store, (size_t)had * sizeof *made);
  for (int i = 0; i < m->c->n_store; i++) {
    expr *v = replaced(p, m->c->store[i].value, m->c->term, 0, NULL);
    v = replaced(p, expr_map_affine(p->mem, v, substitute, &s), NULL, had, made);
    store new = {substitute_access(m->c->store[i].out, &s), v};
    int old = store_to(w, new.out.t); /* c may rewrite what it reads, in place */
    if (old >= 0) w->store[old] = new;
    else nest_store(p->mem, w, new.out, new.value);
  }
}

static bool move_into(fusion *f, nest *c, const access *at) {
  move m = {.c = c, .t = at->t, .at = *at};
  if (!covers_whole(c, at, m.by) || !find_writers(f, &m) || !may_move(&m)) return false;
  for (int i = 0; i < m.n; i++)
    if (!may_take(&m, m.writer[i])) return false;
  for (int i = 0; i < m.n; i++) take(f->p, &m, m.writer[i]);
  for (int i = 0; i < m.n; i++) uses_add(f->u, m.writer[i]);
  return true;
}

static bool fuse_epilogue(fusion *f, nest *c) {
  if (!elementwise(c)) return false;
  reads r = reads_of(c);
  for (int i = 0; i < r.n; i++)
    if (move_into(f, c, &r.read[i]->rd)) return true;
  return false;
}

/* --- rule: accumulation --- */

static nest *first_after(nest **v, int n, const nest *from) {
  for (int i = 0; i < n; i++)
    if (v[i]->place > from->place) return v[i];
  return NULL;
}

static nest *next_touching(fusion *f, const nest *from, const tensor *t) {
  nest *reader[MAX_USERS], *writer[MAX_USERS];
  nest *r = first_after(reader, uses_readers(f->u, t, reader, MAX_USERS), from);
  nest *w = first_after(writer, uses_writers(f->u, t, writer, MAX_USERS), from);
  return !r || (w && w->place < r->place) ? w : r;
}

/* An elementwise nest whose result the next one to touch it only adds to: computed there instead.
 */
static bool absorb_forward(fusion *f, nest *from) {
  nestprog *p = f->p;
  int by[MAX_AXES], to_by[MAX_AXES];
  tensor *t = from->store[0].out.t;
  if (from->n_store != 1 || t->role != T_TEMP || !elementwise(from)) return false;
  if (!covers_whole(from, &from->store[0].out, by)) return false;
  nest *to = next_touching(f, from, t);
  if (!to || !elementwise(to) || store_to(to, t) < 0) return false;
  access at = to->store[store_to(to, t)].out;
  if (!covers_whole(to, &at, to_by)) return false;
  reads in = reads_of(from), r = reads_of(to);
  for (nest *n = from->next; n != to; n = n->next)
    if (writes_any(n, &in)) return false;
  for (int i = 0; i < r.n; i++)
    if (r.read[i]->rd.t == t && !access_equal(&r.read[i]->rd, &at)) return false;
  substitution s = {.n_axis = from->n_axis};
  for (int a = 0; a < from->n_axis; a++) s.to[a] = at.ix[by[a]];
  expr *value = replaced(p, from->store[0].value, from->term, 0, NULL);
  store made = {at, expr_map_affine(p->mem, value, substitute, &s)};
  to->term = replaced(p, to->term, NULL, 1, &made);
  for (int i = 0; i < to->n_store; i++)
    to->store[i].value = replaced(p, to->store[i].value, NULL, 1, &made);
  uses_add(f->u, to);
  return true;
}

/* --- what is left over: equal stores, and stores that nothing reads --- */

static bool written_after(const fusion *f, const nest *n, const tensor *t) {
  nest *writer[MAX_USERS];
  int k = uses_writers(f->u, t, writer, MAX_USERS);
  return k < 0 || (k > 0 && writer[k - 1]->place > n->place);
}

typedef struct {
  arena *mem;
  tensor *from, *to;
} redirection;

static expr *redirect(expr *e, void *arg) {
  const redirection *r = arg;
  if (e->kind != E_READ || e->rd.t != r->from) return NULL;
  access x = e->rd;
  x.t = r->to;
  return e_read(r->mem, x);
}

/* Two tensors of one shape made equal by one nest: readers of the first read the second, up to the
   nest (included: it reads before it writes) that writes the first again. */
static void forward_copy(fusion *f, nest *n, tensor *from, tensor *to) {
  redirection r = {f->p->mem, from, to};
  for (nest *x = n->next; x; x = x->next) {
    if (reads_tensor(x, from)) {
      x->term = expr_rewrite(f->p->mem, x->term, redirect, &r);
      for (int s = 0; s < x->n_store; s++)
        x->store[s].value = expr_rewrite(f->p->mem, x->store[s].value, redirect, &r);
      uses_add(f->u, x);
    }
    if (store_to(x, from) >= 0) return;
  }
}

static bool forward_copies(fusion *f, nest *n) {
  for (int i = 0; i < n->n_store; i++)
    for (int k = 0; k < n->n_store; k++) {
      const access *x = &n->store[i].out, *y = &n->store[k].out;
      int by[MAX_AXES];
      if (i == k || n->store[i].value != n->store[k].value || x->t->role != T_TEMP) continue;
      bool same = x->t->rank == y->t->rank && covers_whole(n, x, by) && covers_whole(n, y, by);
      for (int d = 0; same && d < x->t->rank; d++) same &= aff_equal(x->ix[d], y->ix[d]);
      if (same && !written_after(f, n, y->t) && (i < k || written_after(f, n, x->t)))
        forward_copy(f, n, x->t, y->t);
    }
  return false;
}

static bool read_later(const fusion *f, const nest *n, const access *x) {
  nest *reader[MAX_USERS];
  int k = uses_readers(f->u, x->t, reader, MAX_USERS);
  if (k < 0) return true;
  for (int i = 0; i < k; i++) {
    reads in = reads_of(reader[i]);
    if (reader[i]->place <= n->place) continue;
    for (int q = 0; q < in.n; q++)
      if (in.read[q]->rd.t == x->t && !disjoint(n, x, reader[i], &in.read[q]->rd)) return true;
  }
  return false;
}

static void drop_dead_stores(const fusion *f, nest *n) {
  int kept = 0;
  for (int s = 0; s < n->n_store; s++)
    if (n->store[s].out.t->role != T_TEMP || read_later(f, n, &n->store[s].out))
      n->store[kept++] = n->store[s];
  n->n_store = kept;
}

/* --- the pass --- */

/* Applies a rule to every nest in order; a nest for which it returns true is no longer needed. */
static void each(fusion *f, bool (*rule)(fusion *, nest *)) {
  for (nest **link = &f->p->nests; *link;) {
    nest *n = *link;
    if (rule(f, n)) {
      *link = n->next;
      uses_drop(n);
    } else {
      link = &n->next;
    }
  }
}

static bool no_stores(fusion *f, nest *n) {
  (void)f;
  return n->n_store == 0;
}

static void drop_dead(fusion *f) {
  nest **order = NULL;
  int n = 0;
  for (nest *x = f->p->nests; x; x = x->next) PUSH(f->p->mem, order, n, x);
  while (n > 0) { /* last first: a dropped store frees what it read */
    nest *x = order[--n];
    drop_dead_stores(f, x);
    if (!x->n_store) uses_drop(x);
  }
  each(f, no_stores);
}

void fuse(nestprog *p) {
  fusion f = {p, uses_build(p)};
  each(&f, fuse_masks);
  each(&f, absorb_forward);
  each(&f, fuse_epilogue);
  each(&f, inline_producer);
  each(&f, fuse_epilogue);
  each(&f, forward_copies);
  drop_dead(&f);
}
