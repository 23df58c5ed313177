/* Strips: all sums along the vectors wait in an array while rows of a matrix pass, so that what is
   read once streams in whole rows. Every sum takes its terms in the order of reduce_from. */
#include "emit_parts.h"

static LLVMValueRef waiting_sum(em *e, int64_t i) {
  LLVMValueRef at = add_scaled(e, ir_index(&e->c, e->points[i].off[e->vec]), e->index[e->vec], 1);
  return LLVMBuildGEP2(B, e->c.f32, e->sums, &at, 1, "");
}

/* A sum waits as it is stored, so its alignment is that of a result. */
static unsigned alignment(const em *e) { return (unsigned)element_bytes(e->n->store[0].out.t); }

static void take_sums(em *e) {
  for (int64_t i = 0; i < e->n_point; i++) {
    LLVMTypeRef type = ir_float_type(&e->c, width_at(e, &e->points[i]));
    e->acc[i] = LLVMBuildLoad2(B, type, waiting_sum(e, i), "");
    LLVMSetAlignment(e->acc[i], alignment(e));
  }
}

static void leave_sums(em *e) {
  for (int64_t i = 0; i < e->n_point; i++)
    LLVMSetAlignment(LLVMBuildStore(B, e->acc[i], waiting_sum(e, i)), alignment(e));
}

static void begin_sums(em *e) {
  for (int64_t i = 0; i < e->n_point; i++)
    e->acc[i] = ir_float(&e->c, 0, width_at(e, &e->points[i]));
  leave_sums(e);
}

static void add_terms(em *e) {
  take_sums(e);
  tile_terms(e);
  leave_sums(e);
}

static void end_sums(em *e) {
  take_sums(e);
  write_results(e);
}

static void along_strip(em *e, void (*inside)(em *)) {
  int ax = e->s->vec;
  loop l = {.axis = ax, .count = e->n->axis[ax].extent / e->tile[ax], .step = e->tile[ax]};
  e->n_point = 0; /* sums are in memory from tile to tile */
  forget_values(e);
  loop_open(e, &l);
  list_outputs(e);
  inside(e);
  forget_values(e);
  e->n_point = 0;
  loop_close(e, &l);
}

static void strip_terms(em *e) { along_strip(e, add_terms); }

void make_strip(em *e) {
  int64_t width = e->n->axis[e->s->vec].extent;
  e->sums = LLVMBuildAlloca(B, LLVMArrayType2(e->c.f32, (uint64_t)width), "sums");
  LLVMSetAlignment(e->sums, 64);
  e->terms = strip_terms;
}

void strip_code(em *e) {
  set_vector(e, e->s->vec, e->tile[e->s->vec], 0);
  along_strip(e, begin_sums);
  reduce_from(e, 0);
  along_strip(e, end_sums);
}
