/* fuse: three rules that know no operator's name (fuse.c). */
#ifndef NETC_FUSE_H
#define NETC_FUSE_H
#include "nest.h"
void fuse(nestprog *p);

/* A copy of e in which f has replaced nodes: f returns the replacement, or NULL to copy the node
   and go on below. Shared nodes stay shared. */
expr *expr_rewrite(arena *a, expr *e, expr *(*f)(expr *, void *), void *arg);
#endif
