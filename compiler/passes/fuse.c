/* fuse: fewer passes over memory, by three rules on nests:
     masks      a test z > 0 reads max(z, 0) instead, where that is stored anyway;
     producers  an elementwise nest with one reader is computed where it is read;
     epilogues  an elementwise nest moves into the stores of the nests that make what it reads
                (bias, activation, residual sum, and the optimizer's update after a weight's
                gradient, which then is never stored).
   Requires canonical nests; keeps every bit: no expression is changed, only where it is computed.
 */
#include "nest/loops.h"
#include "nest/picks.h"
#include "nest/uses.h"
#include "passes.h"
#include <string.h>

enum { MAX_WRITERS = 16 };

typedef struct {
  nestprog *p;
  exprs *ex;
  uses *u;
  arena *scratch;
} fusion;

/* Does a nest behind `from` and before `to` write what is read there? */
static bool changed_between(fusion *f, const reads *r, const nest *from, const nest *to) {
  for (int i = 0; i < r->n; i++) {
    nest_list w = uses_writers(f->u, r->read[i]->rd.t);
    nest *next = uses_after(&w, from);
    if (next && next->place < to->place) return true;
  }
  return false;
}

/* What c's axes are where it is asked for the element at `at` of a tensor, whose dimension by[a]
   its axis a runs along. */
static axis_map axes_at(const nest *c, const access *at, const int by[MAX_AXES]) {
  axis_map m = {.n = c->n_axis};
  for (int a = 0; a < c->n_axis; a++) m.to[a] = *at->ix[by[a]];
  return m;
}

/* --- how much goes into one nest --- */

/* Operations that one nest may do at a point: its code is unrolled over a tile, and takes the
   longer to compile, with every function that is moved in. */
enum { MUCH_WORK = 100 };

static double work(const nest *n) {
  double sum = 0;
  walk *w = walk_begin(n->ex);
  walk_add(w, n->term);
  for (int s = 0; s < n->n_store; s++) walk_add(w, n->store[s].value);
  for (int i = 0; i < w->n; i++) sum += scalar_cost(w->node[i]->kind);
  walk_end(n->ex, w);
  return sum;
}

static bool too_much(const nest *m, const nest *n) { return work(m) + work(n) > MUCH_WORK; }

/* --- rule: masks --- */

typedef struct {
  fusion *f;
  const nest *at; /* the nest being rewritten */
} mask_rule;

/* Does n make max(z, 0) in another tensor, element by element? */
static bool rectifies(const nest *n, const tensor *z) {
  expr *e = n->term;
  int by[MAX_AXES];
  if (n->n_store != 1 || n->store[0].value->kind != E_ACC || !elementwise(n)) return false;
  if (e->kind != E_MAX || e->a[0]->kind != E_READ || e->a[0]->rd.t != z) return false;
  if (e->a[1]->kind != E_CONST || e->a[1]->num != 0) return false;
  const access *in = &e->a[0]->rd, *out = &n->store[0].out;
  return in->t->rank == out->t->rank && in->ix == out->ix && covers_whole(n, in, by);
}

/* The tensor that holds max(z, 0) at the same places, if a nest before makes one. */
static tensor *rectified(const mask_rule *m, const tensor *z) {
  nest_list r = uses_readers(m->f->u, z);
  for (int i = 0; i < r.n && r.at[i]->place < m->at->place; i++)
    if (rectifies(r.at[i], z)) return r.at[i]->store[0].out.t;
  return NULL;
}

static expr *remask(exprs *x, expr *e, expr *const *a, void *arg) {
  const mask_rule *m = arg;
  (void)a;
  if (e->kind != E_GT || e->a[0]->kind != E_READ) return NULL;
  if (e->a[1]->kind != E_CONST || e->a[1]->num != 0) return NULL;
  tensor *t = rectified(m, e->a[0]->rd.t);
  if (!t) return NULL;
  access at = e->a[0]->rd;
  at.t = t;
  return e_op(x, E_GT, e_read(x, at), e->a[1], NULL);
}

static bool fuse_masks(fusion *f, nest *n) {
  mask_rule m = {f, n};
  nest_rewrite(n, remask, &m);
  uses_add(f->u, n);
  return false;
}

/* --- expressions of one nest in the axes of another --- */

typedef struct {
  expr *acc; /* stands for E_ACC, if not NULL */
  int n;     /* reads at these stores' places become the values stored */
  const store *made;
} replacing;

static expr *replace(exprs *x, expr *e, expr *const *a, void *arg) {
  const replacing *r = arg;
  (void)x, (void)a;
  if (e->kind == E_ACC) return r->acc;
  for (int i = 0; e->kind == E_READ && i < r->n; i++)
    if (access_equal(&e->rd, &r->made[i].out)) return r->made[i].value;
  return NULL;
}

static expr *replaced(fusion *f, expr *e, expr *acc, int n, const store *made) {
  replacing r = {acc, n, made};
  return expr_rewrite(f->ex, e, replace, &r);
}

/* What an elementwise nest's store s gives, in other axes. */
static expr *value_in(fusion *f, const nest *c, int s, const axis_map *m) {
  return expr_map(f->ex, replaced(f, c->store[s].value, c->term, 0, NULL), m);
}

/* --- rule: producers --- */

/* The one nest that reads t, if no nest but `from` writes it; or NULL. */
static nest *only_reader(fusion *f, const nest *from, const tensor *t) {
  nest_list r = uses_readers(f->u, t);
  if (r.n != 1 || uses_writers(f->u, t).n != 1) return NULL;
  return r.at[0] == from ? NULL : r.at[0];
}

static bool is_leaf(expr *e) { return e->kind == E_READ || e->kind == E_CONST; }

/* At most one product or sum of things at hand. */
static bool trifling(const nest *n) {
  expr *e = n->term;
  if (n->store[0].value->kind != E_ACC) return false;
  if (is_leaf(e)) return true;
  return (e->kind == E_MUL || e->kind == E_ADD || e->kind == E_SUB) && is_leaf(e->a[0]) &&
         is_leaf(e->a[1]);
}

/* Is what `from` makes read at x in the step that made it? */
static bool same_step(const nest *from, const access *x) {
  const access *out = &from->store[0].out;
  for (int d = 0; from->loop && d < x->t->rank; d++)
    if (out->ix[d]->k[0] && out->ix[d] != x->ix[d]) return false;
  return true;
}

/* The nest that can compute `from` where it reads it, with the place of that read; or NULL. */
static nest *inline_target(fusion *f, nest *from, expr **read) {
  int by[MAX_AXES];
  tensor *t = from->store[0].out.t;
  if (from->n_store != 1 || t->role != T_TEMP || !elementwise(from)) return NULL;
  if (!covers_whole(from, &from->store[0].out, by)) return NULL;
  nest *to = only_reader(f, from, t);
  if (to && (!same_loop(from, to) || too_much(from, to))) return NULL;
  /* Each element is read once, or costs next to nothing: no work twice. */
  if (!to || (all_points(to) > tensor_elements(t) && !(trifling(from) && elementwise(to))))
    return NULL;
  reads in = reads_of(from), r = reads_of_term(to), in_stores = reads_of_stores(to);
  if (to->place < from->place || changed_between(f, &in, from, to)) return NULL;
  *read = NULL;
  for (int i = 0; i < r.n; i++) {
    if (r.read[i]->rd.t != t) continue;
    if (*read && !access_equal(&(*read)->rd, &r.read[i]->rd)) return NULL;
    *read = r.read[i];
  }
  if (!*read || access_may_leave(to, &(*read)->rd) || !same_step(from, &(*read)->rd)) return NULL;
  for (int i = 0; i < in_stores.n; i++)
    if (in_stores.read[i]->rd.t == t) return NULL;
  return to;
}

/* May the value stand in n's term? A sum in lanes goes on reading rows. */
static bool keeps_lanes(const nest *n, expr *value) {
  reads r = expr_reads(n->ex, value);
  for (int i = 0; n->lanes && i < r.n; i++)
    if (!runs_in_lanes(n, &r.read[i]->rd, innermost_reduce(n))) return false;
  return true;
}

static bool inline_producer(fusion *f, nest *from) {
  expr *read;
  int by[MAX_AXES];
  nest *to = inline_target(f, from, &read);
  if (!to) return false;
  covers_whole(from, &from->store[0].out, by);
  axis_map m = axes_at(from, &read->rd, by);
  expr *value = value_in(f, from, 0, &m);
  if (!keeps_lanes(to, value)) return false;
  /* A product that comes to stand under a sum must not become its fused multiply-add. */
  if (to->red == R_SUM && to->term == read) value = e_op(f->ex, E_ROUNDED, value, NULL, NULL);
  store made = {read->rd, value};
  to->term = replaced(f, to->term, NULL, 1, &made);
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
  nest_list all = uses_writers(f->u, m->t);
  int n = all.n;
  while (n > 0 && all.at[n - 1]->place >= m->c->place) n--;
  int64_t left = tensor_elements(m->t);
  for (m->n = 0; left > 0 && n > 0 && m->n < MAX_WRITERS;) {
    nest *w = all.at[--n];
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

/* May c run as early as its first writer? Nothing from there on may touch what it reads or writes,
   but for the writers themselves: they read what it writes, and write what it reads. */
static bool meets_other(const move *m, const nest_list *l) {
  for (int i = 0; i < l->n && l->at[i]->place < m->c->place; i++)
    if (l->at[i]->place >= m->writer[m->n - 1]->place && !is_writer(m, l->at[i])) return true;
  return false;
}

/* Is it certain that n writes nothing of what c writes at out? */
static bool writes_apart(const nest *n, const nest *c, const access *out) {
  for (int s = 0; s < n->n_store; s++) {
    const access *x = &n->store[s].out;
    if (x->t == out->t && !disjoint(c, out, n, x)) return false;
  }
  return true;
}

static bool meets_writer(const move *m, const access *out, const nest_list *l) {
  for (int i = 0; i < l->n && l->at[i]->place < m->c->place; i++)
    if (l->at[i]->place >= m->writer[m->n - 1]->place &&
        !(out->t == m->t && is_writer(m, l->at[i])) && !writes_apart(l->at[i], m->c, out))
      return true;
  return false;
}

static bool may_move(fusion *f, const move *m) {
  reads r = reads_of(m->c);
  for (int i = 0; i < r.n; i++) {
    nest_list w = uses_writers(f->u, r.read[i]->rd.t);
    if (meets_other(m, &w)) return false;
  }
  for (int s = 0; s < m->c->n_store; s++) {
    tensor *out = m->c->store[s].out.t;
    nest_list reading = uses_readers(f->u, out), writing = uses_writers(f->u, out);
    if (meets_other(m, &reading) || meets_writer(m, &m->c->store[s].out, &writing)) return false;
  }
  return true;
}

static axis_map axes_of_writer(const move *m, const nest *w) {
  return axes_at(m->c, &w->store[store_to(w, m->t)].out, m->by);
}

/* Would vectors along w's output still run along memory in what c reads and writes? */
static bool keeps_vectors(const move *m, const nest *w) {
  axis_map s = axes_of_writer(m, w);
  reads r = reads_of(m->c);
  int v = -1;
  for (int a = w->n_axis - 1; a >= 0 && v < 0; a--)
    if (!w->axis[a].reduce && dense_stride(&w->store[0].out, a) == 1) v = a;
  if (v < 0) return true;
  for (int i = 0; i < m->c->n_store; i++) {
    access x = access_map(w->ex, m->c->store[i].out, &s);
    if (dense_stride(&x, v) != 1) return false;
  }
  for (int i = 0; i < r.n; i++) {
    access x = access_map(w->ex, r.read[i]->rd, &s);
    int64_t k = dense_stride(&x, v);
    if (k != 0 && k != 1) return false;
  }
  return true;
}

/* Does c, in w's axes, read what w writes only at the very element that w makes? */
static bool reads_own_element(const move *m, const nest *w) {
  axis_map s = axes_of_writer(m, w);
  reads r = reads_of(m->c);
  for (int i = 0; i < r.n; i++) {
    int to = store_to(w, r.read[i]->rd.t);
    access x = access_map(w->ex, r.read[i]->rd, &s);
    if (to >= 0 && !access_equal(&x, &w->store[to].out)) return false;
  }
  return true;
}

/* Would c, computed in w, read what a writer behind w has yet to write? */
static bool reads_ahead(const move *m, const nest *w) {
  axis_map s = axes_of_writer(m, w);
  reads r = reads_of(m->c);
  for (int i = 0; i < r.n; i++) {
    access x = access_map(w->ex, r.read[i]->rd, &s);
    for (int k = 0; k < m->n && m->writer[k]->place > w->place; k++)
      if (!writes_apart(m->writer[k], w, &x)) return true;
  }
  return false;
}

/* Does w, in a loop, read there only what it would have written at out in steps before? */
static bool of_steps_before(const nest *w, const access *x, const access *out) {
  delay d;
  return w->loop && loop_delay(w, x, w, out, &d) && d.least > 0;
}

/* Does w read the tensor that c would write there at no other element than the one written? (All
   values are computed before any is stored.) The term runs over many elements: none of it may. */
static bool reads_at_most(nest *w, const move *m, const access *out) {
  axis_map s = axes_of_writer(m, w);
  access x = access_map(w->ex, *out, &s);
  reads term = reads_of_term(w), stores = reads_of_stores(w);
  for (int i = 0; i < term.n; i++)
    if (term.read[i]->rd.t == out->t && !of_steps_before(w, &term.read[i]->rd, &x)) return false;
  for (int i = 0; i < stores.n; i++)
    if (stores.read[i]->rd.t == out->t && !access_equal(&stores.read[i]->rd, &x)) return false;
  return true;
}

static bool may_take(const move *m, nest *w) {
  if (!same_loop(w, m->c) || picks_output(w)) return false;
  if (w->n_store + m->c->n_store > MAX_STORES || too_much(m->c, w)) return false;
  for (int s = 0; s < m->c->n_store; s++)
    if (!reads_at_most(w, m, &m->c->store[s].out)) return false;
  return keeps_vectors(m, w) && reads_own_element(m, w) && !reads_ahead(m, w);
}

/* The store of n that writes there, or -1. */
static int store_at(const nest *n, const access *x) {
  for (int s = 0; s < n->n_store; s++)
    if (access_equal(&n->store[s].out, x)) return s;
  return -1;
}

static void take(fusion *f, const move *m, nest *w) {
  axis_map s = axes_of_writer(m, w);
  int had = w->n_store;
  store made[MAX_STORES];
  memcpy(made, w->store, (size_t)had * sizeof *made);
  for (int i = 0; i < m->c->n_store; i++) {
    expr *v = replaced(f, value_in(f, m->c, i, &s), NULL, had, made);
    store new = {access_map(f->ex, m->c->store[i].out, &s), v};
    int old = store_at(w, &new.out); /* c may rewrite what it reads, in place */
    if (old >= 0) w->store[old] = new;
    else nest_store(w, new.out, new.value);
  }
}

static bool move_into(fusion *f, nest *c, const access *at) {
  move m = {.c = c, .t = at->t, .at = *at};
  if (!covers_whole(c, at, m.by) || !find_writers(f, &m) || !may_move(f, &m)) return false;
  for (int i = 0; i < m.n; i++)
    if (!may_take(&m, m.writer[i])) return false;
  for (int i = 0; i < m.n; i++) take(f, &m, m.writer[i]);
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

static nest *next_touching(fusion *f, const nest *from, const tensor *t) {
  nest_list reading = uses_readers(f->u, t), writing = uses_writers(f->u, t);
  nest *r = uses_after(&reading, from), *w = uses_after(&writing, from);
  return !r || (w && w->place < r->place) ? w : r;
}

/* Where nobody but the program itself looks at what stands there in between. */
static bool own_memory(const tensor *t) {
  return t->role == T_TEMP || t->role == T_PARAM || t->role == T_OPT;
}

/* An elementwise nest whose result the next one to touch it writes anew (adds to; or a weight that
   decays, and then is updated): computed there instead. */
static bool absorb_forward(fusion *f, nest *from) {
  int by[MAX_AXES], to_by[MAX_AXES];
  tensor *t = from->store[0].out.t;
  if (from->n_store != 1 || !own_memory(t) || !elementwise(from)) return false;
  if (!covers_whole(from, &from->store[0].out, by)) return false;
  nest *to = next_touching(f, from, t);
  if (!to || !same_loop(from, to) || too_much(from, to)) return false;
  if (!elementwise(to) || store_to(to, t) < 0) return false;
  access at = to->store[store_to(to, t)].out;
  if (!covers_whole(to, &at, to_by)) return false;
  reads in = reads_of(from), r = reads_of(to);
  if (changed_between(f, &in, from, to)) return false;
  for (int i = 0; i < r.n; i++)
    if (r.read[i]->rd.t == t && !access_equal(&r.read[i]->rd, &at)) return false;
  axis_map m = axes_at(from, &at, by);
  store made = {at, value_in(f, from, 0, &m)};
  replacing put = {NULL, 1, &made};
  nest_rewrite(to, replace, &put);
  uses_add(f->u, to);
  return true;
}

/* --- what is left over: equal stores, and stores that nothing reads --- */

static bool written_after(fusion *f, const nest *n, const tensor *t) {
  nest_list w = uses_writers(f->u, t);
  return uses_after(&w, n) != NULL;
}

typedef struct {
  tensor *from, *to;
} redirection;

static expr *redirect(exprs *x, expr *e, expr *const *a, void *arg) {
  const redirection *r = arg;
  (void)a;
  return e->kind == E_READ && e->rd.t == r->from ? e_read(x, (access){r->to, e->rd.ix}) : NULL;
}

/* Does x read what was in t before `end` writes it again? In a loop, an earlier step may have. */
static bool reads_before(const nest *x, const nest *end, const tensor *t) {
  if (!end || !end->loop || !same_loop(x, end)) return !end || x->place <= end->place;
  reads r = reads_of(x);
  for (int i = 0; i < r.n; i++)
    for (int s = 0; s < end->n_store; s++)
      if (r.read[i]->rd.t == t && end->store[s].out.t == t &&
          (x != end || !access_equal(&r.read[i]->rd, &end->store[s].out)))
        return false;
  return true;
}

/* Two tensors of one shape made equal by one nest: readers of the first read the second, up to the
   nest (included: it reads before it writes) that writes the first again. */
static void forward_copy(fusion *f, nest *n, tensor *from, tensor *to) {
  redirection r = {from, to};
  nest_list reading = uses_readers(f->u, from), writing = uses_writers(f->u, from);
  const nest *end = uses_after(&writing, n);
  for (int i = 0; i < reading.n; i++) {
    nest *x = reading.at[i];
    if (x->place <= n->place || !reads_before(x, end, from)) continue;
    nest_rewrite(x, redirect, &r);
    uses_add(f->u, x);
  }
}

static bool forward_copies(fusion *f, nest *n) {
  for (int i = 0; i < n->n_store; i++)
    for (int k = 0; k < n->n_store; k++) {
      const access *x = &n->store[i].out, *y = &n->store[k].out;
      int by[MAX_AXES];
      if (i == k || n->store[i].value != n->store[k].value || x->t->role != T_TEMP) continue;
      bool same = x->t->rank == y->t->rank && x->ix == y->ix && covers_whole(n, x, by) &&
                  covers_whole(n, y, by);
      if (same && !written_after(f, n, y->t) && (i < k || written_after(f, n, x->t)))
        forward_copy(f, n, x->t, y->t);
    }
  return false;
}

/* Does r, which stands before n in its loop or is n itself, read what n writes at x in a step after
   it? */
static bool in_later_step(const nest *n, const access *x, const nest *r, const access *read) {
  delay d;
  return !loop_delay(r, read, n, x, &d) || d.most > 0;
}

static bool read_later(fusion *f, const nest *n, const access *x) {
  nest_list r = uses_readers(f->u, x->t);
  for (int i = 0; i < r.n; i++) {
    reads in = reads_of(r.at[i]);
    bool later = r.at[i]->place > n->place;
    if (!later && (!n->loop || !same_loop(n, r.at[i]))) continue;
    for (int q = 0; q < in.n; q++)
      if (in.read[q]->rd.t == x->t && !disjoint(n, x, r.at[i], &in.read[q]->rd) &&
          (later || in_later_step(n, x, r.at[i], &in.read[q]->rd)))
        return true;
  }
  return false;
}

static void drop_dead_stores(fusion *f, nest *n) {
  int kept = 0;
  for (int s = 0; s < n->n_store; s++)
    if (n->store[s].out.t->role != T_TEMP || read_later(f, n, &n->store[s].out))
      n->store[kept++] = n->store[s];
  n->n_store = kept;
}

/* --- factors of parameters alone, and what an optimizer counts, come first --- */

enum { FEW_FACTORS = 4096 };

/* What the nests before the one at hand do with each tensor. */
typedef struct {
  bool *read, *written;
} touched;

/* Is n small, and made of nothing but what the program is given? For use within it; or it renews
   what is kept from step to step (Adam's 1 - beta^t) before anybody asks. */
static bool factors_only(const nest *n, const touched *before) {
  reads r = reads_of(n);
  if (n->red != R_SET || output_points(n) > FEW_FACTORS) return false;
  for (int s = 0; s < n->n_store; s++) {
    const tensor *t = n->store[s].out.t;
    if (t->role != T_TEMP && t->role != T_OPT) return false;
    if (before->written[t->id] || before->read[t->id]) return false;
  }
  for (int i = 0; i < r.n; i++) {
    const tensor *t = r.read[i]->rd.t;
    if (t->role != T_PARAM && t->role != T_STATE && t->role != T_OPT) return false;
    if (before->written[t->id]) return false;
  }
  return true;
}

static void touch(const touched *before, const nest *n) {
  reads r = reads_of(n);
  for (int i = 0; i < r.n; i++) before->read[r.read[i]->rd.t->id] = true;
  for (int s = 0; s < n->n_store; s++) before->written[n->store[s].out.t->id] = true;
}

/* Moves them to the front, so that what uses them (batch norm at inference, Adam's
   updates) can move into the sum before it: they would stand between the two. */
static void factors_first(nestprog *p, arena *scratch) {
  touched before = {NEW_N(scratch, bool, p->n_tensor), NEW_N(scratch, bool, p->n_tensor)};
  nest **front = &p->nests;
  for (nest **link = &p->nests; *link;) {
    nest *n = *link;
    if (link != front && !n->loop && factors_only(n, &before)) {
      *link = n->next;
      n->next = *front;
      *front = n;
      front = &n->next;
      continue;
    }
    touch(&before, n);
    link = &n->next;
  }
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
  for (nest *x = f->p->nests; x; x = x->next) PUSH(f->scratch, order, n, x);
  while (n > 0) { /* last first: a dropped store frees what it read */
    nest *x = order[--n];
    drop_dead_stores(f, x);
    if (!x->n_store) uses_drop(x);
  }
  each(f, no_stores);
}

void fuse(nestprog *p) {
  arena *scratch = arena_new();
  factors_first(p, scratch);
  fusion f = {p, p->ex, uses_build(p, scratch), scratch};
  each(&f, fuse_masks);
  each(&f, absorb_forward);
  each(&f, fuse_epilogue);
  each(&f, inline_producer);
  each(&f, fuse_epilogue);
  each(&f, forward_copies);
  drop_dead(&f);
  arena_free(scratch);
}
