/* What one program reads and writes in a step: a buffer for each of its ports, and its workspace.
 */
#ifndef NETC_STEP_BUFFERS_H
#define NETC_STEP_BUFFERS_H
#include "memory_block.h"
#include "product/program.h"

enum { MAX_PORTS = 64 };

typedef struct {
  program *p;
  void *work;
  int n_port, n_given;   /* the first n_given are what the data set gives: inputs and targets */
  void *port[MAX_PORTS]; /* batch x count values each */
  float *losses;         /* of the last loss port; NULL: it has none */
} step_buffers;

/* Bytes of all ports of p for batches of `batch`, as memory_take counts them. */
size_t step_buffers_bytes(const program *p, int batch);
/* Takes them. The ports are those of p; others of the same network may share them (below). */
void step_buffers_take(step_buffers *b, memory_block *m, const program *p, int batch, void *work);
/* The same buffers for another program of the network, whose ports are the same or fewer. */
step_buffers step_buffers_for(const step_buffers *b, program *p);
/* The port of that role and place among its like (from 0), or -1. */
int program_port_of(const program *p, port_role role, int place);
#endif
