/* What nests read and write: the questions that fusion, ordering and scheduling ask. */
#ifndef NETC_EFFECTS_H
#define NETC_EFFECTS_H
#include "nest.h"

enum { MAX_READS = 160 };

typedef struct {
  int n;
  expr *read[MAX_READS];
} reads;

/* Distinct E_READ nodes of the term, of the store values, or of both. */
reads reads_of_term(nest *n);
reads reads_of_stores(nest *n);
reads reads_of(nest *n);
bool reads_tensor(nest *n, const tensor *t);
/* The store of n that writes t, or -1. */
int store_to(const nest *n, const tensor *t);
/* Does e hold exp, log, tanh or a random number: dozens of instructions each? */
bool calls_function(const expr *e);
/* Points of the output axes, of all axes; elements of a tensor. */
int64_t output_points(const nest *n);
int64_t all_points(const nest *n);
int64_t tensor_elements(const tensor *t);

/* One value per output point, from operands that are always in range. */
bool elementwise(nest *n);
/* Does x run over every element of its tensor once, each dimension being one output axis of n?
   by[axis] is set to the dimension. */
bool covers_whole(const nest *n, const access *x, int by[MAX_AXES]);
/* Is no value of the index within 0 .. extent-1? */
bool always_outside(const nest *n, const affine *x, int64_t extent);
/* Do two accesses to one tensor never meet? (Different residues of all their steps' greatest common
   divisor, or different ranges.) */
bool disjoint(const nest *m, const access *x, const nest *n, const access *y);
/* Would it change anything to swap m and n, or to run them at the same time? */
bool independent(nest *m, nest *n);
#endif
