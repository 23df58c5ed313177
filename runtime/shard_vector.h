/* What a part of a batch adds to a step, in one piece of memory: sums over its samples, gradients,
   statistics. Vectors are added by one fixed tree, whichever threads and processes do it. */
#ifndef NETC_SHARD_VECTOR_H
#define NETC_SHARD_VECTOR_H
#include "ranks.h"
#include <stddef.h>

typedef struct {
  size_t gradient_bytes, stat_bytes;
  size_t bytes; /* of one vector, a multiple of 64 times the number of parts */
  int threads;  /* that work on sums */
} vector_form;

/* The sums, as doubles at the vector's beginning. */
enum { H_LOSS, H_HITS, H_ERROR, H_STOP, VECTOR_HEADER = 8 };
/* Fewer bytes are exchanged as a whole: twice the messages would cost more than they save. */
enum { VECTOR_LEAST_HALVED = 65536 };

vector_form vector_form_of(size_t gradient_bytes, size_t stat_bytes, int parts, int threads);
double *vector_header(char *v);
char *vector_gradients(char *v);
char *vector_statistics(const vector_form *f, char *v);
/* n vectors of zeros, one after the other. */
char *vectors_new(const vector_form *f, size_t n);
/* a += b. */
void vector_add(const vector_form *f, char *to, const char *from);
/* Gradients and statistics times `weight`; the header stays. */
void vector_weigh(const vector_form *f, char *v, float weight);
/* The tree over parts [from, to): halves, the left one the larger. Equal shares of a power of two
   of ranks are subtrees. */
int vector_middle(int from, int to);
/* The tree over n vectors that are there, one after the other; the sum is left in the first. */
void vectors_sum(const vector_form *f, char *all, int n);
/* The sum over all ranks (a power of two of them), in v on every rank. `other` is a vector too. */
void vector_exchange(const vector_form *f, const ranks *r, char *v, char *other);
#endif
