/* What the parts of grad share: grad.c, and grad_loop.c for loops in order. */
#ifndef NETC_GRAD_H
#define NETC_GRAD_H
#include "nest/loops.h"

typedef struct {
  nestprog *p;
  arena *mem;
  exprs *ex;
  int n_tensor;   /* of the forward program */
  bool *needed;   /* its value depends on a parameter */
  tensor **d;     /* the gradient of tensor id, once something contributed to it */
  tensor **won;   /* the points that a maximum came from, by its tensor's id */
  bool *added_to; /* it does not keep the value that an earlier nest gives it; by tensor id */
  nest *last;     /* of the program so far */
  bool failed;
} backward;

/* Gradients of one nest's reads, equal accesses summed. */
typedef struct {
  backward *b;
  int n;
  access *at;
  expr **sum;
} partials;

/* Of forward nest n; none where nothing asks for them. */
partials partials_of(backward *b, nest *n);
/* A new tensor for the gradient of t. */
tensor *new_gradient(backward *b, tensor *t);
/* The scatter that gives g, of forward nest n, to what it read at `at`: not part of the program. */
nest *partial_nest(backward *b, const nest *n, access at, expr *g);
void append_nest(backward *b, nest *n);
/* The same behind all nests, added to what others gave. */
void append_partial(backward *b, const nest *n, access at, expr *g);
/* The gradient of a loop in order, f[0 .. k): a loop that runs the other way, and behind it what no
   step waits for. */
void reverse_loop(backward *b, nest **f, int k);
#endif
