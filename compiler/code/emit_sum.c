/* Sums and maxima over the reduction axes of a tile, in accumulators that stay in registers. */
#include "emit_parts.h"

LLVMValueRef greater(em *e, LLVMValueRef acc, LLVMValueRef v) {
  return LLVMBuildSelect(B, LLVMBuildFCmp(B, LLVMRealOGT, v, acc, ""), v, acc, "");
}

static LLVMValueRef combine(em *e, LLVMValueRef acc, const point *p) {
  expr *t = e->n->term;
  int w = ir_width(acc);
  if (e->n->red == R_SUM && t->kind == E_MUL)
    return ir_fma(&e->c, eval_wide(e, t->a[0], p, w), eval_wide(e, t->a[1], p, w), acc);
  LLVMValueRef v = eval_wide(e, t, p, w);
  if (e->n->red == R_SET) return v;
  if (e->n->red == R_SUM) return LLVMBuildFAdd(B, acc, v, "");
  return greater(e, acc, v);
}

static LLVMValueRef combine_guarded(em *e, LLVMValueRef acc, const point *p) {
  LLVMValueRef ok = e->within_guards ? NULL : guards_hold(e, p);
  if (!ok) return combine(e, acc, p);
  LLVMBasicBlockRef from = LLVMGetInsertBlock(B), in = code_block(e, "in"),
                    out = code_block(e, "out");
  LLVMBuildCondBr(B, ok, in, out);
  LLVMPositionBuilderAtEnd(B, in);
  forget_values(e); /* values of this block do not reach past it */
  LLVMValueRef v = combine(e, acc, p);
  forget_values(e);
  LLVMBasicBlockRef last = LLVMGetInsertBlock(B);
  LLVMBuildBr(B, out);
  LLVMPositionBuilderAtEnd(B, out);
  LLVMValueRef phi = LLVMBuildPhi(B, LLVMTypeOf(acc), ""), vs[2] = {acc, v};
  LLVMBasicBlockRef bs[2] = {from, last};
  LLVMAddIncoming(phi, vs, bs, 2);
  return phi;
}

void tile_terms(em *e) {
  point_list red = list_points(e, true);
  for (int64_t r = 0; r < red.n; r++) {
    if (e->s->ahead) ask_for_operands(e, &red.at[r]);
    for (int64_t i = 0; i < e->n_point; i++) {
      point p = join_points(e, &e->points[i], &red.at[r]);
      e->acc[i] = combine_guarded(e, e->acc[i], &p);
    }
  }
  forget_values(e);
}

/* The last elements of a vectorised reduction: each goes to its own lane. */
static void lanes_rest(em *e, int64_t done, int64_t rest) {
  int vec = e->vec;
  int64_t tile = e->tile[vec];
  LLVMValueRef saved = e->index[vec];
  LLVMValueRef *at = places(e);
  move_to(e, vec, ir_index(&e->c, done));
  e->vec = -1;
  e->tile[vec] = rest;
  for (int64_t l = 0; l < rest; l++)
    for (int64_t i = 0; i < e->n_point; i++) {
      point p = e->points[i];
      p.off[vec] = l;
      LLVMValueRef lane = LLVMBuildExtractElement(B, e->acc[i], ir_index(&e->c, l), "");
      forget_values(e);
      lane = combine_guarded(e, lane, &p);
      e->acc[i] = LLVMBuildInsertElement(B, e->acc[i], lane, ir_index(&e->c, l), "");
    }
  forget_values(e);
  e->vec = vec;
  e->tile[vec] = tile;
  return_to(e, at);
  e->index[vec] = saved;
}

static void reduce_loop(em *e, int ax, int64_t count, int64_t step) {
  if (count == 1) {
    e->index[ax] = NULL;
    reduce_from(e, ax + 1);
    return;
  }
  loop l = {.axis = ax, .count = count, .step = step};
  loop_open(e, &l);
  reduce_from(e, ax + 1);
  loop_close(e, &l);
}

/* Do all guards say the same for the whole tile and the reduction axes from ax inwards? */
static bool guards_stand(const em *e, int ax) {
  for (int g = 0; g < e->n->n_guard; g++)
    for (int a = 0; a < e->n->n_axis; a++)
      if (e->n->guard[g].ix->k[a] && (e->tile[a] != 1 || (e->n->axis[a].reduce && a >= ax)))
        return false;
  return e->n->n_guard > 0;
}

/* The reduction axes from ax inwards, where the guards hold. */
static void reduce_within_guards(em *e, int ax) {
  const point origin = {0};
  LLVMValueRef *before = NEW_N(e->mem, LLVMValueRef, e->n_point), ok = guards_hold(e, &origin);
  LLVMBasicBlockRef from = LLVMGetInsertBlock(B), in = code_block(e, "in"),
                    out = code_block(e, "out");
  for (int64_t i = 0; i < e->n_point; i++) before[i] = e->acc[i];
  LLVMBuildCondBr(B, ok, in, out);
  LLVMPositionBuilderAtEnd(B, in);
  forget_values(e); /* values of this block do not reach past it */
  e->within_guards = true;
  reduce_from(e, ax);
  e->within_guards = false;
  forget_values(e);
  LLVMBasicBlockRef last = LLVMGetInsertBlock(B);
  LLVMBuildBr(B, out);
  LLVMPositionBuilderAtEnd(B, out);
  for (int64_t i = 0; i < e->n_point; i++) {
    LLVMValueRef v[2] = {before[i], e->acc[i]};
    LLVMBasicBlockRef blocks[2] = {from, last};
    e->acc[i] = phi_like(e, before[i]);
    LLVMAddIncoming(e->acc[i], v, blocks, 2);
  }
}

void reduce_from(em *e, int ax) {
  if (!e->within_guards && guards_stand(e, ax)) {
    reduce_within_guards(e, ax);
    return;
  }
  while (ax < e->n->n_axis && !e->n->axis[ax].reduce) ax++;
  if (ax == e->n->n_axis) {
    e->terms(e);
    return;
  }
  int64_t extent = e->n->axis[ax].extent;
  if (ax == e->n->pick - 1) {
    at_picked(e, tile_terms);
    return;
  }
  if (e->n->lanes && ax == e->vec) {
    reduce_loop(e, ax, extent / e->tile[ax], e->tile[ax]);
    if (extent % LANES) lanes_rest(e, extent / LANES * LANES, extent % LANES);
    return;
  }
  reduce_loop(e, ax, extent / e->tile[ax], e->tile[ax]);
}
