/* Loops in order: which nests belong to one, and how many steps lie between a write and a read. */
#ifndef NETC_LOOPS_H
#define NETC_LOOPS_H
#include "effects.h"

/* The last nest of the loop that n belongs to; n itself where there is none. */
nest *loop_last(nest *n);
/* Is n outside of all loops, or m in the same? */
bool same_loop(const nest *m, const nest *n);
/* Does a nest of the loop that begins with `first` write t? */
bool written_in_loop(const nest *first, const tensor *t);

/* Steps from the one that writes an element to the one that reads it, over all elements that r
   reads at x and w, of the same loop, writes at out: least and most. False where that differs from
   step to step. */
typedef struct {
  int64_t least, most;
} delay;
bool loop_delay(const nest *r, const access *x, const nest *w, const access *out, delay *d);
/* Are there at least so many, though they differ from step to step? Where x is of r's term, its
   guards count. */
bool delayed_by(const nest *r, const access *x, const nest *w, const access *out, int64_t least,
                bool in_term);
#endif
