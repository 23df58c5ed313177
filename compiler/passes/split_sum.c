/* Long sums into few results (batch norm's statistics and their gradients, the gradient of a bias)
   are taken in two levels: first over all but the outermost axis, then over that one. It is more
   exact in single precision, and gives every thread and every register a sum of its own. A part of
   `order`: it changes the order of additions, by the nests alone. */
#include "nest/effects.h"
#include "order.h"

enum { LONG_SUM = 2048, FEW_RESULTS = 2048, SHORT_REST = 16 };

static bool worth_splitting(const nest *n, int outer) {
  if (n->red != R_SUM || n->lanes || outer < 0 || nest_macs(n) || n->n_store != 1) return false;
  int64_t terms = all_points(n) / output_points(n);
  return terms >= LONG_SUM && output_points(n) <= FEW_RESULTS && n->axis[outer].extent > 1 &&
         terms / n->axis[outer].extent >= SHORT_REST;
}

/* part[outer, output axes of n ...] */
static access partial(nestprog *p, const nest *n, int outer) {
  affine ix[MAX_DIMS];
  int64_t dim[MAX_DIMS] = {n->axis[outer].extent};
  int rank = 1;
  ix[0] = aff_axis(outer, 1);
  for (int a = 0; a < n->n_axis; a++) {
    if (n->axis[a].reduce) continue;
    ix[rank] = aff_axis(a, 1);
    dim[rank++] = n->axis[a].extent;
  }
  const char *name = arena_printf(p->mem, "%s.rows%d", n->store[0].out.t->name, p->n_tensor);
  tensor *t = tensor_new(p, name, T_TEMP, rank, dim);
  t->node = n->node;
  return access_of(p->ex, t, ix);
}

/* n's results from the partial sums: its output axes, and the outermost of its sum. */
static nest *second_level(const nest *n, int outer, const access *part) {
  nest *s = nest_copy(n);
  axis_map r = {.n = n->n_axis};
  s->n_axis = s->n_guard = 0;
  for (int reduce = 0; reduce < 2; reduce++)
    for (int a = 0; a < n->n_axis; a++)
      if (n->axis[a].reduce == reduce && (!reduce || a == outer)) {
        r.to[a] = aff_axis(s->n_axis, 1);
        s->axis[s->n_axis++] = n->axis[a];
      }
  s->term = e_read(n->ex, *part);
  nest_map(s, &r);
  return s;
}

bool split_sum(nestprog *p, nest *n) {
  int outer = outermost_reduce(n), outputs = 0;
  for (int a = 0; a < n->n_axis; a++) outputs += !n->axis[a].reduce;
  if (outputs >= MAX_DIMS || !worth_splitting(n, outer)) return false;
  access part = partial(p, n, outer);
  nest *second = second_level(n, outer, &part);
  second->next = n->next;
  n->next = second;
  n->axis[outer].reduce = false;
  n->store[0] = (store){part, e_acc(p->ex)};
  return true;
}
