/* Selections by position, as of a causal mask: where they make zeros, and what they discard. A
   condition is an affine index g that is not negative where the selection takes the first of two;
   "beyond" it is where g is negative. */
#ifndef NETC_SELECTION_H
#define NETC_SELECTION_H
#include "nest/uses.h"

typedef struct {
  nestprog *p;
  uses *u;
  const affine **zero; /* by tensor id: zeros where this index of its dimensions is negative */
} selections;

selections selections_of(nestprog *p, arena *scratch);

enum { MOST_CONDITIONS = 8 };

typedef struct {
  int n;
  affine at[MOST_CONDITIONS];
} conditions;

/* The conditions that a nest knows of: of its selections, and of the zeros that it reads. */
conditions conditions_of(const selections *m, const nest *n);
/* An index of a tensor's dimensions as one of the axes of its access x, ... */
affine along_access(const affine *z, const access *x);
/* ... and the reverse, where every axis of g is a dimension. */
bool along_dimensions(const affine *g, const access *x, affine *z);

/* Outside of all loops and chains, without picks and guards. */
bool is_plain(const nest *n);
/* Are n's terms zeros of a sum beyond g? */
bool zeros_beyond(const selections *m, const nest *n, const affine *g);
/* Does no value that n stores depend on what it reduces there? */
bool unused_beyond(const selections *m, const nest *n, const affine *g);
/* Does n, with one store, alone make a whole tensor of the workspace, not by max=? */
bool makes_whole(const selections *m, const nest *n);
/* Does nobody use what is in t beyond z, an index of its dimensions? */
bool nobody_needs(const selections *m, const tensor *t, const affine *z);
#endif
