/* What schedules and strides say, for whoever reads them. */
#include "schedule.h"

int64_t access_stride(const access *x, int ax) {
  int64_t s = 0;
  for (int d = 0; d < x->t->rank; d++) s += x->ix[d]->k[ax] * x->t->stride[d];
  return s;
}

int64_t vector_chunk(const target_info *t, int64_t left) {
  int64_t w = t->lanes;
  while (w > left) w /= 2;
  return w;
}
