/* Which nests read and write each tensor: an index kept while nests are moved and merged, so that
   passes stay linear in the length of the program. */
#ifndef NETC_USES_H
#define NETC_USES_H
#include "effects.h"

typedef struct {
  int n, room;
  nest **at;
} nest_list;

typedef struct uses {
  arena *mem;
  nest_list *reader,
      *writer; /* by tensor id; may hold nests that no longer touch it, or are gone */
} uses;

/* Numbers the nests (nest.place, in order) and lists what each touches. */
uses *uses_build(nestprog *p, arena *mem);
/* Adds what n touches now (after it took over something). */
void uses_add(uses *u, nest *n);
/* n has left the program. */
void uses_drop(nest *n);
/* The nests that read (write) t now, in program order; until the next uses_add. */
nest_list uses_readers(uses *u, const tensor *t);
nest_list uses_writers(uses *u, const tensor *t);
/* The first of them that stands behind n, or NULL. */
nest *uses_after(const nest_list *l, const nest *n);
#endif
