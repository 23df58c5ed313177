/* order: fixes the order of every sum (winograd, after fusion, may still compute one in tiles).
   Chooses which sums run over 16 lanes, and inserts packing copies where an operand is read across
   its rows. Both depend on the nests alone, never on the machine, so that every machine computes
   the same sums. Requires canonical, simplified nests. */
#include "passes.h"
#include "nest/effects.h"
#include "order.h"
#include <string.h>

enum { PACK_REUSE = 64 }; /* a copy pays when each element is used this often */

static bool unit_or_fixed(const access *x, int ax) {
  int64_t s = dense_stride(x, ax);
  return s == 0 || s == 1;
}

static int contiguous_output(const nest *n) {
  for (int a = n->n_axis - 1; a >= 0; a--) {
    bool ok = !n->axis[a].reduce;
    for (int s = 0; s < n->n_store; s++) ok &= dense_stride(&n->store[s].out, a) == 1;
    if (ok) return a;
  }
  return -1;
}

/* Can all reads run along the innermost reduce axis as vectors, and does one of them move? */
static bool lanes_possible(const nest *n, const reads *r, int ax) {
  bool moves = false;
  if (n->axis[ax].extent < LANES) return false;
  for (int g = 0; g < n->n_guard; g++)
    if (n->guard[g].ix.k[ax]) return false;
  for (int i = 0; i < r->n; i++) {
    if (!runs_in_lanes(n, &r->read[i]->rd, ax)) return false;
    moves |= dense_stride(&r->read[i]->rd, ax) == 1;
  }
  return moves;
}

/* --- packing: t[.., d, ..] copied to p[.., .., d] --- */

typedef struct {
  tensor *from, *to;
  int dim;
} packed;

static affine axis_only(int a) { return aff_axis(a, 1); }

static nest *copy_nest(nestprog *p, tensor *from, tensor *to, int dim) {
  nest *c = NEW(p->mem, nest);
  access in = {.t = from}, out = {.t = to};
  c->name = arena_printf(p->mem, "pack %s", from->name);
  c->n_axis = to->rank;
  for (int d = 0, at = 0; d < from->rank; d++) {
    int a = d == dim ? from->rank - 1 : at++;
    c->axis[a] = (axis){arena_printf(p->mem, "%c", 'a' + a), from->dim[d], false};
    in.ix[d] = axis_only(a);
    out.ix[a] = axis_only(a);
  }
  c->red = R_SET;
  c->term = e_read(p->mem, in);
  nest_store(p->mem, c, out, e_op(p->mem, E_ACC, NULL, NULL, NULL));
  c->canonical = true;
  return c;
}

static tensor *packed_tensor(nestprog *p, tensor *from, int dim) {
  int64_t d[MAX_DIMS];
  int at = 0;
  for (int i = 0; i < from->rank; i++)
    if (i != dim) d[at++] = from->dim[i];
  d[at] = from->dim[dim];
  const char *name = arena_printf(p->mem, "%s.pack%d", from->name, dim);
  tensor *t = tensor_new(p, name, T_TEMP, from->rank, d);
  t->node = from->node;
  return t;
}

/* An earlier packing of the same tensor that is still up to date before nest `at`. */
static tensor *find_packed(nestprog *p, tensor *from, int dim, const nest *at) {
  tensor *found = NULL;
  const char *want = arena_printf(p->mem, "%s.pack%d", from->name, dim);
  for (nest *n = p->nests; n != at; n = n->next) {
    if (store_to(n, from) >= 0) found = NULL;
    if (n->n_store == 1 && !strcmp(n->store[0].out.t->name, want)) found = n->store[0].out.t;
  }
  return found;
}

/* The dimension through which the read moves along ax, or -1 if it is not a plain one. */
static int moving_dim(const access *x, int ax) {
  int found = -1;
  for (int d = 0; d < x->t->rank; d++) {
    if (!x->ix[d].k[ax]) continue;
    if (found >= 0 || x->ix[d].k[ax] != 1) return -1;
    found = d;
  }
  return found;
}

static void read_packed(expr *read, tensor *to, int dim) {
  access x = {.t = to};
  int at = 0;
  for (int d = 0; d < read->rd.t->rank; d++)
    if (d != dim) x.ix[at++] = read->rd.ix[d];
  x.ix[at] = read->rd.ix[dim];
  read->rd = x;
}

/* Returns the nest before which the copy was put: copies go in front of n. */
static void pack_read(nestprog *p, nest **link, nest *n, expr *read, int dim) {
  tensor *from = read->rd.t, *to = find_packed(p, from, dim, n);
  if (!to) {
    to = packed_tensor(p, from, dim);
    nest *c = copy_nest(p, from, to, dim);
    c->next = n;
    *link = c;
  }
  read_packed(read, to, dim);
}

static expr *keep(expr *e, void *arg) {
  (void)e, (void)arg;
  return NULL;
}

static void order_nest(nestprog *p, nest **link) {
  nest *n = *link;
  n->term = expr_rewrite(p->mem, n->term, keep, NULL); /* a copy of its own: reads are redirected */
  split_sum(p, n);
  int reduce = innermost_reduce(n), v = contiguous_output(n);
  reads r = reads_of_term(n);
  if (n->red != R_SUM || reduce < 0) return;
  int across = 0;
  expr *worst = NULL;
  for (int i = 0; v >= 0 && i < r.n; i++)
    if (!unit_or_fixed(&r.read[i]->rd, v)) across++, worst = r.read[i];
  if (v >= 0 && !across) return;
  int dim = across == 1 ? moving_dim(&worst->rd, v) : -1;
  if (dim >= 0 && !worst->rd.t->is_int &&
      all_points(n) / tensor_elements(worst->rd.t) >= PACK_REUSE)
    pack_read(p, link, n, worst, dim);
  else if (lanes_possible(n, &r, reduce)) n->lanes = true;
}

void order(nestprog *p) {
  for (nest **link = &p->nests; *link; link = &(*link)->next) {
    nest *n = *link;
    order_nest(p, link);
    while (*link != n) link = &(*link)->next; /* past the copies */
  }
}
