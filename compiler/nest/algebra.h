/* Scalar expressions in simplest form: constants folded, identities dropped, products with a test
   turned into selections. */
#ifndef NETC_ALGEBRA_H
#define NETC_ALGEBRA_H
#include "nest.h"

/* A scalar function of arguments in simplest form, in simplest form. */
expr *alg_op(exprs *g, ekind k, expr *x, expr *y, expr *z);
/* All of e in simplest form. */
expr *alg_simplify(exprs *g, expr *e);

/* The part of simplify in merge.c. */
void merge_sums(nestprog *p, arena *scratch);
#endif
