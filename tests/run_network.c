/* For tests/onnx_backend.py: runs a network once. run_network NET WEIGHTS|- reads the inputs'
   floats (or whole numbers of 32 bits) from standard input, one input after the other, and writes
   the prediction's. The number of samples follows from how many there are. */
#include "compiler/product/program.h"
#include "compiler/product/network.h"
#include "runtime/memory_block.h"
#include "runtime/weight_file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FLOATS = 1 << 26, MOST_PORTS = 64 };

static void *aligned(size_t bytes) {
  void *p = aligned_alloc(64, (bytes + 64) / 64 * 64);
  return memset(p, 0, (bytes + 64) / 64 * 64);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  float *data = malloc(MOST_FLOATS * sizeof *data);
  int64_t n = (int64_t)fread(data, sizeof *data, MOST_FLOATS, stdin), one = 0;
  graph *g = graph_load(argv[1], NULL);
  if (!g) return 1;
  for (int i = 0; i < g->n_input; i++) one += shape_elements(&g->input[i]->shape);
  program_options o = {.batch = (int)(n / one), .threads = 1};
  if (n % one || !n)
    return fprintf(stderr, "%lld floats for %lld\n", (long long)n, (long long)one), 1;
  program *p = program_build(g, &o);
  char *error = NULL;
  run_args a = {.params = aligned(program_params_bytes(p)), .work = aligned(program_work_bytes(p))};
  program_init(p, a.params, NULL, 0);
  if (*argv[2] != '-' && !weights_load(p, argv[2], a.params, &error))
    return fprintf(stderr, "%s\n", error), 1;
  void *port[MOST_PORTS] = {0};
  float *at = data, *y = NULL;
  int64_t n_y = 0;
  for (int i = 0; i < program_n_ports(p); i++) {
    const port_info *info = program_port(p, i);
    int64_t count = info->count * o.batch;
    port[i] = at;
    if (info->role == PORT_INPUT) at += count;
    else port[i] = aligned((size_t)count * sizeof(float));
    if (info->role == PORT_PREDICTION) y = port[i], n_y = count;
  }
  a.port = port;
  program_run(p, &a);
  fwrite(y, sizeof *y, (size_t)n_y, stdout);
  return 0;
}
