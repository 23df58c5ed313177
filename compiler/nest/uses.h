/* Which nests read and write each tensor: an index kept while nests are moved and merged, so that
   passes stay linear in the length of the program. */
#ifndef NETC_USES_H
#define NETC_USES_H
#include "effects.h"

typedef struct {
  int n;
  nest **at; /* in no order; may hold nests that no longer touch the tensor, or are gone */
} nest_list;

typedef struct uses {
  arena *mem;
  nest_list *reader, *writer; /* by tensor id */
} uses;

/* Numbers the nests (nest.place, in order) and lists what each touches. */
uses *uses_build(nestprog *p);
/* Adds what n touches now (after it took over something). */
void uses_add(uses *u, nest *n);
/* n has left the program. */
void uses_drop(nest *n);
/* The nests that really read (write) t now, in program order, into out (at most `most`); returns
   how many there are, or -1 if there are more. */
int uses_readers(const uses *u, const tensor *t, nest **out, int most);
int uses_writers(const uses *u, const tensor *t, nest **out, int most);
#endif
