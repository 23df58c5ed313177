/* Long sums into few results (batch norm's statistics and their gradients, the gradient of a bias)
   are taken in two levels: first over all but the outermost axis, then over that one. It is more
   exact in single precision, and gives every thread and every register a sum of its own. A part of
   `order`: it changes the order of additions, by the nests alone. */
#include "nest/effects.h"
#include "order.h"

enum { LONG_SUM = 2048, FEW_RESULTS = 2048, SHORT_REST = 16 };

static int outermost_reduce(const nest *n) {
  for (int a = 0; a < n->n_axis; a++)
    if (n->axis[a].reduce) return a;
  return -1;
}

static bool worth_splitting(const nest *n, int outer) {
  if (n->red != R_SUM || n->lanes || outer < 0 || nest_macs(n) || n->n_store != 1) return false;
  int64_t terms = all_points(n) / output_points(n);
  return terms >= LONG_SUM && output_points(n) <= FEW_RESULTS && n->axis[outer].extent > 1 &&
         terms / n->axis[outer].extent >= SHORT_REST;
}

/* part[outer, output axes of n ...] */
static access partial(nestprog *p, const nest *n, int outer) {
  access x = {0};
  int64_t dim[MAX_DIMS] = {n->axis[outer].extent};
  int rank = 1;
  x.ix[0] = aff_axis(outer, 1);
  for (int a = 0; a < n->n_axis; a++) {
    if (n->axis[a].reduce) continue;
    x.ix[rank] = aff_axis(a, 1);
    dim[rank++] = n->axis[a].extent;
  }
  x.t = tensor_new(p, arena_printf(p->mem, "%s.rows%d", n->store[0].out.t->name, p->n_tensor),
                   T_TEMP, rank, dim);
  x.t->node = n->node;
  return x;
}

typedef struct {
  int to[MAX_AXES]; /* new number of each axis, or -1 */
} renumbering;

static affine renumber(affine x, void *arg) {
  const renumbering *r = arg;
  affine y = aff_const(x.c);
  for (int a = 0; a < MAX_AXES; a++)
    if (x.k[a] && r->to[a] >= 0) y = aff_add(y, aff_axis(r->to[a], x.k[a]));
  return y;
}

static access renumber_access(access x, renumbering *r) {
  for (int d = 0; d < x.t->rank; d++) x.ix[d] = renumber(x.ix[d], r);
  return x;
}

/* n's results from the partial sums: its output axes, and the outermost of its sum. */
static nest *second_level(nestprog *p, const nest *n, int outer, const access *part) {
  nest *s = nest_copy(p->mem, n);
  renumbering r;
  s->n_axis = 0;
  for (int a = 0; a < MAX_AXES; a++) r.to[a] = -1;
  for (int reduce = 0; reduce < 2; reduce++)
    for (int a = 0; a < n->n_axis; a++)
      if (n->axis[a].reduce == reduce && (!reduce || a == outer)) {
        r.to[a] = s->n_axis;
        s->axis[s->n_axis++] = n->axis[a];
      }
  s->n_guard = 0;
  s->term = e_read(p->mem, renumber_access(*part, &r));
  s->store[0].out = renumber_access(n->store[0].out, &r);
  s->store[0].value = expr_map_affine(p->mem, n->store[0].value, renumber, &r);
  return s;
}

bool split_sum(nestprog *p, nest *n) {
  int outer = outermost_reduce(n), outputs = 0;
  for (int a = 0; a < n->n_axis; a++) outputs += !n->axis[a].reduce;
  if (outputs >= MAX_DIMS || !worth_splitting(n, outer)) return false;
  access part = partial(p, n, outer);
  nest *second = second_level(p, n, outer, &part);
  second->next = n->next;
  n->next = second;
  n->axis[outer].reduce = false;
  n->store[0] = (store){part, e_op(p->mem, E_ACC, NULL, NULL, NULL)};
  return true;
}
