/* What nests read and write: the questions that fusion, ordering and scheduling ask. */
#ifndef NETC_EFFECTS_H
#define NETC_EFFECTS_H
#include "nest.h"

/* Distinct E_READ nodes of the term, of the store values (and the start), or of both. */
reads reads_of_term(const nest *n);
reads reads_of_stores(const nest *n);
reads reads_of(const nest *n);
bool reads_tensor(const nest *n, const tensor *t);
/* The store of n that writes t, or -1. */
int store_to(const nest *n, const tensor *t);
/* Points of the output axes; of all axes, of a picked one the one that counts. */
int64_t output_points(const nest *n);
int64_t all_points(const nest *n);
/* Has n an axis to reduce over? The first and the last of them, or -1. */
bool reduces(const nest *n);
int outermost_reduce(const nest *n);
int innermost_reduce(const nest *n);
/* May some read below e leave its tensor? */
bool may_leave(const nest *n, expr *e);

/* Does the term read at this index in a dimension of that extent? A guard would say the same. */
bool reads_range(const nest *n, const affine *ix, int64_t extent);
/* n's term counts only where the index is in range: a guard, unless a read or a guard says so. */
void require_range(nest *n, const affine *ix, int64_t extent);
/* Gives n a term of the same value: it counts where it did before, also where reads that may leave
   their tensors are gone from it. */
void change_term(nest *n, expr *term);

/* One value per output point, from operands that are always in range. */
bool elementwise(const nest *n);
/* Does x run over every element of its tensor once, each dimension being one output axis of n?
   by[axis] is set to the dimension. */
bool covers_whole(const nest *n, const access *x, int by[MAX_AXES]);
/* Does x run over its tensor with axis i of n along the i-th dimension longer than 1, index 0 in
   the others? */
bool covers_in_order(const nest *n, const access *x);
/* Is no value of the index within 0 .. extent-1? */
bool always_outside(const nest *n, const affine *x, int64_t extent);
/* Do two accesses to one tensor never meet? (Different residues of all their steps' greatest common
   divisor, or different ranges.) */
bool disjoint(const nest *m, const access *x, const nest *n, const access *y);
/* Would it change anything to swap m and n, or to run them at the same time? */
bool independent(const nest *m, const nest *n);
#endif
