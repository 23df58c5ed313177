/* Where everything lies in memory, to the byte, before anything runs. */
#ifndef NETC_PLAN_H
#define NETC_PLAN_H
#include "nest/nest.h"
#include <stdio.h>

/* The memory blocks of a program. The first four are planned here; the others are the caller's. */
enum {
  BLOCK_PARAMS,  /* parameters and running statistics: one layout for all programs of a graph */
  BLOCK_STATE,   /* the optimizer's */
  BLOCK_WORK,    /* activations and gradients, by liveness */
  BLOCK_CONTROL, /* learning rate, seed, step */
  BLOCK_PORTS    /* and one for each port of the program */
};

typedef struct {
  int64_t bytes[BLOCK_WORK + 1];
} memory_plan;

/* Blocks and offsets, 64-byte aligned (after scheduling: nests of one group overlap in time). */
memory_plan plan(nestprog *p);
/* Prints the tensors of the first three blocks: where element [0,..,0] lies, in bytes from the
   start of the block, and what a tensor takes with its border. */
void dump_places(const nestprog *p, FILE *to);
/* Bytes a tensor takes with its border; of a sliced one, its slice. */
int64_t tensor_bytes(const tensor *t);
/* Distance between the threads' slices; 0 if all threads share the tensor. */
int64_t slice_bytes(const tensor *t);
#endif
