#include "step_buffers.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t port_bytes(const program *p, int i, int batch) {
  return (size_t)batch * (size_t)program_port(p, i)->count * 4;
}

static int port_count(const program *p) {
  int n = program_n_ports(p);
  if (n <= MAX_PORTS) return n;
  fprintf(stderr, "netc: internal error: a program of %d ports\n", n);
  abort();
}

size_t step_buffers_bytes(const program *p, int batch) {
  size_t total = 0;
  for (int i = 0; i < port_count(p); i++) total += memory_rounded(port_bytes(p, i, batch));
  return total;
}

int program_port_of(const program *p, port_role role, int place) {
  for (int i = 0; i < program_n_ports(p); i++)
    if (program_port(p, i)->role == role && place-- == 0) return i;
  return -1;
}

static void note_roles(step_buffers *b) {
  b->n_given = 0;
  b->losses = NULL;
  for (int i = 0; i < b->n_port; i++) {
    const port_role role = program_port(b->p, i)->role;
    if (role == PORT_INPUT || role == PORT_TARGET) b->n_given++;
    if (role == PORT_LOSS) b->losses = b->port[i];
  }
}

void step_buffers_take(step_buffers *b, memory_block *m, const program *p, int batch, void *work) {
  *b = (step_buffers){.p = (program *)p, .work = work, .n_port = port_count(p)};
  for (int i = 0; i < b->n_port; i++) b->port[i] = memory_take(m, port_bytes(p, i, batch));
  note_roles(b);
}

step_buffers step_buffers_for(const step_buffers *b, program *p) {
  step_buffers c = {.p = p, .work = b->work, .n_port = p ? port_count(p) : 0};
  int place[PORT_METRIC + 1] = {0};
  for (int i = 0; i < c.n_port; i++) {
    const port_role role = program_port(p, i)->role;
    c.port[i] = b->port[program_port_of(b->p, role, place[role]++)];
  }
  if (p) note_roles(&c);
  return c;
}
