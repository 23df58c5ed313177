/* total: what a metric's sums over all samples come to, as a program of its own. */
#include "instantiate.h"
#include "passes.h"

nestprog *total_of(const metricuse *m, int rank, const int64_t *dim, diag *d, arena *mem) {
  nestprog *p = nestprog_new(mem);
  int64_t all[MAX_DIMS] = {1};
  for (int i = 1; i < rank; i++) all[i] = dim[i];
  p->batch = 1;
  p->stage = "lower";
  p->x = tensor_new(p, "sums", T_INPUT, rank, all);
  instance o = {.p = p,
                .d = d,
                .op = m->total,
                .n_in = 1,
                .prefix = "total",
                .result = "value",
                .result_role = T_LOSSES};
  o.in[0] = p->x;
  if (!instantiate(&o)) return NULL;
  p->nests = o.first;
  p->losses = o.out;
  return p;
}
