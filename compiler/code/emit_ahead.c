/* Asking for memory before it is needed. */
#include "emit_parts.h"
#include "nest/effects.h"

/* Asks for what x reads in the next tile along the vectors, as p has it in this one. */
static void ask_ahead(em *e, const access *x, const point *p) {
  const ref *r = ref_of(e, x);
  int64_t tile = e->tile[e->vec], line = 16;
  point next = *p;
  for (int64_t at = 0; at < tile; at += line) {
    next.off[e->vec] = tile + at;
    LLVMValueRef a[4] = {address(e, r, x, &next), ir_int(&e->c, 0, 1), ir_int(&e->c, 2, 1),
                         ir_int(&e->c, 1, 1)};
    ir_call(&e->c, "llvm.prefetch", e->c.ptr, 4, a);
  }
}

void ask_for_operands(em *e, const point *red) {
  reads r = reads_of_term(e->n);
  point p = join_points(e, &e->points[0], red);
  for (int i = 0; i < r.n; i++)
    if (access_stride(&r.read[i]->rd, e->vec) == 1 && rows_far_apart(e->n, &r.read[i]->rd))
      ask_ahead(e, &r.read[i]->rd, &p);
}

void ask_for_results(em *e) {
  reads r = reads_of_stores(e->n);
  for (int i = 0; i < r.n; i++)
    for (int64_t k = 0; k < e->n_point; k++)
      if (e->points[k].chunk == 0 && access_stride(&r.read[i]->rd, e->vec) == 1)
        ask_ahead(e, &r.read[i]->rd, &e->points[k]);
}
