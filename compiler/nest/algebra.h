/* Scalar expressions in simplest form, each distinct node once: constants folded, identities
   dropped, products with a test turned into selections. */
#ifndef NETC_ALGEBRA_H
#define NETC_ALGEBRA_H
#include "nest.h"

/* The distinct nodes made so far for one nest. */
typedef struct {
  arena *mem;
  int n;
  expr **node;
} algebra;

/* Equal arguments give the same node. Arguments must come from the same algebra. */
expr *alg_const(algebra *g, double v);
expr *alg_leaf(algebra *g, const expr *leaf);
expr *alg_op(algebra *g, ekind k, expr *x, expr *y, expr *z);
/* e rebuilt in g. */
expr *alg_copy(algebra *g, const expr *e);

/* The part of simplify in merge.c. */
void merge_sums(nestprog *p);
#endif
