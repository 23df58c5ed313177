/* Blocks and counted loops, and the one step of an axis that is picked by number. */
#include "emit_parts.h"

LLVMBasicBlockRef code_block(em *e, const char *name) {
  return LLVMAppendBasicBlockInContext(e->c.cx, e->fn, name);
}

LLVMValueRef phi_like(em *e, LLVMValueRef v) { return LLVMBuildPhi(B, LLVMTypeOf(v), ""); }

void loop_open(em *e, loop *l) {
  LLVMBasicBlockRef before = LLVMGetInsertBlock(B);
  LLVMValueRef start = ir_index(&e->c, l->from);
  l->at = NEW_N(e->mem, LLVMValueRef, e->n_ref);
  l->outer_at = places(e);
  l->outer_index = e->index[l->axis];
  l->head = code_block(e, e->n->axis[l->axis].name);
  LLVMBuildBr(B, l->head);
  LLVMPositionBuilderAtEnd(B, l->head);
  l->index = LLVMBuildPhi(B, e->c.index, "");
  LLVMAddIncoming(l->index, &start, &before, 1);
  e->index[l->axis] = l->index;
  for (int i = 0; i < e->n_ref; i++) {
    if (!e->refs[i].stride[l->axis]) continue;
    l->at[i] = phi_like(e, e->refs[i].at);
    LLVMAddIncoming(l->at[i], &l->outer_at[i], &before, 1);
    e->refs[i].at = l->at[i];
  }
  l->acc = NEW_N(e->mem, LLVMValueRef, e->n_point);
  for (int64_t i = 0; i < e->n_point; i++) {
    l->acc[i] = phi_like(e, e->acc[i]);
    LLVMAddIncoming(l->acc[i], &e->acc[i], &before, 1);
    e->acc[i] = l->acc[i];
  }
}

void loop_close(em *e, loop *l) {
  LLVMBasicBlockRef last = LLVMGetInsertBlock(B), after = code_block(e, "");
  LLVMValueRef next = LLVMBuildAdd(B, l->index, ir_index(&e->c, l->step), "");
  LLVMAddIncoming(l->index, &next, &last, 1);
  for (int i = 0; i < e->n_ref; i++) {
    if (!l->at[i]) continue;
    LLVMValueRef o = ir_index(&e->c, e->refs[i].stride[l->axis] * l->step);
    LLVMValueRef p = LLVMBuildGEP2(B, element_type(e, &e->refs[i]), l->at[i], &o, 1, "");
    LLVMAddIncoming(l->at[i], &p, &last, 1);
  }
  for (int64_t i = 0; i < e->n_point; i++) LLVMAddIncoming(l->acc[i], &e->acc[i], &last, 1);
  LLVMValueRef more =
      LLVMBuildICmp(B, LLVMIntSLT, next, ir_index(&e->c, l->from + l->count * l->step), "");
  LLVMBuildCondBr(B, more, l->head, after);
  LLVMPositionBuilderAtEnd(B, after);
  return_to(e, l->outer_at);
  e->index[l->axis] = l->outer_index;
}

/* The whole number that the picked axis must equal; 0 where it is out of range: the term is 0
   there, since it asks for the number itself. */
static LLVMValueRef picked_index(em *e) {
  const access *x = &e->n->picked->rd;
  const point origin = {0};
  LLVMValueRef at = address(e, ref_of(e, x), x, &origin);
  LLVMValueRef v = LLVMBuildLoad2(B, e->c.i32, at, "");
  LLVMValueRef none = LLVMConstInt(e->c.i32, 0, 0);
  LLVMValueRef extent = LLVMConstInt(e->c.i32, (uint64_t)e->n->axis[e->n->pick - 1].extent, 0);
  LLVMSetAlignment(v, (unsigned)element_bytes(x->t));
  v = LLVMBuildSelect(B, LLVMBuildICmp(B, LLVMIntULT, v, extent, ""), v, none, "");
  return LLVMBuildZExtOrBitCast(B, v, e->c.index, "");
}

void at_picked(em *e, void (*inside)(em *)) {
  int ax = e->n->pick - 1;
  LLVMValueRef *at = places(e), saved = e->index[ax];
  move_to(e, ax, picked_index(e));
  inside(e);
  return_to(e, at);
  e->index[ax] = saved;
}
