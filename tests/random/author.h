/* What writes a random network: its text so far, and the shape that the next layer gets. */
#ifndef AUTHOR_H
#define AUTHOR_H
#include "random.h"
#include <stdio.h>

typedef struct {
  int c, h, w;
} shape;

enum { MAX_LABELS = 4, MAX_OWN = 6 };

/* An operator that the network's file defines. */
typedef struct {
  char name[16];
  shape in, out; /* it takes `in` and nothing else, unless it keeps any shape */
  bool any;
  double work; /* for each element that goes in */
} own_operator;

typedef struct {
  stream r;
  FILE *body, *operators;
  shape at;
  int batch, depth;  /* depth: of branches */
  double work, most; /* multiply-adds of one sample so far, and how many are allowed */
  int n_label;
  shape label[MAX_LABELS];
  int n_own, own_percent;
  own_operator own[MAX_OWN];
} author;

/* A new operator of the file's own that takes a->at. */
own_operator *write_operator(author *a);
/* `op err..` and `op step..`: a loss and an optimizer; each returns a malloc'd use of it. */
void write_loss(author *a, const char *name);
void write_optimizer(author *a, const char *name);
/* The whole text of the network of this seed (malloc'd); own: operators of its own are likely. */
char *random_network(uint64_t seed, bool own);
#endif
