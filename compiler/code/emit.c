/* emit: one scheduled nest becomes one function
     void kernel(char **tensors, index begin, index end)
   that runs tiles [begin, end) of the nest's domain. The reduction lives in SSA accumulators from
   the first iteration to the stores; operands shared by points of a tile are loaded once. */
#include "emit_parts.h"
#include "nest/picks.h"
#include <llvm-c/Target.h>
#include <math.h>
#include <string.h>

/* --- output by number: the sum goes through its points, and adds each where it belongs --- */

static void start_sums(em *e) {
  for (int64_t i = 0; i < e->n_point; i++)
    e->acc[i] = eval_wide(e, e->n->init, &e->points[i], width_at(e, &e->points[i]));
  forget_values(e);
}

static void add_point(em *e) {
  list_outputs(e);
  start_sums(e);
  tile_terms(e);
  write_results(e);
  e->n_point = 0;
}

static void add_from(em *e, int ax) {
  while (ax < e->n->n_axis && !e->n->axis[ax].reduce) ax++;
  if (ax == e->n->n_axis) {
    at_picked(e, add_point);
    return;
  }
  loop l = {.axis = ax, .count = e->n->axis[ax].extent, .step = 1};
  e->n_point = 0; /* sums are in memory between the points */
  loop_open(e, &l);
  add_from(e, ax + 1);
  loop_close(e, &l);
}

static void tile_code(em *e) {
  bool lanes = e->n->lanes;
  set_vector(e, e->s->vec, e->s->vec >= 0 ? e->tile[e->s->vec] : 0, lanes ? LANES : 0);
  if (picks_output(e->n)) {
    add_from(e, 0);
    return;
  }
  list_outputs(e);
  double start = e->n->red == R_MAX ? -INFINITY : 0;
  for (int64_t i = 0; i < e->n_point; i++)
    e->acc[i] = e->n->init ? eval_wide(e, e->n->init, &e->points[i], width_at(e, &e->points[i]))
                           : ir_float(&e->c, start, lanes ? LANES : width_at(e, &e->points[i]));
  forget_values(e);
  if (e->s->results_ahead) ask_for_results(e);
  reduce_from(e, 0);
  if (lanes) fold_all(e);
  write_results(e);
}

static void output_loops(em *e, int at);

/* One axis: full tiles in a loop, then a smaller tile for what is left. */
static void output_loop(em *e, int at) {
  int ax = e->s->loop[at];
  int64_t tile = e->tile[ax], extent = e->n->axis[ax].extent, full = extent / tile;
  e->n_point = 0; /* no accumulators live across output loops */
  if (full) {
    loop l = {.axis = ax, .count = full, .step = tile};
    loop_open(e, &l);
    output_loops(e, at + 1);
    e->n_point = 0;
    loop_close(e, &l);
  }
  if (extent % tile) {
    LLVMValueRef *keep = places(e);
    e->tile[ax] = extent % tile;
    move_to(e, ax, ir_index(&e->c, full * tile));
    output_loops(e, at + 1);
    e->tile[ax] = tile;
    e->index[ax] = NULL;
    return_to(e, keep);
  }
}

static void output_loops(em *e, int at) {
  if (e->s->strip && e->s->loop[at] == e->s->vec) strip_code(e);
  else if (at == e->s->n_loop) tile_code(e);
  else output_loop(e, at);
}

/* for (t = begin; t < end; t++): t's digits are the tile indices of the domain's axes. */
static void domain_loop(em *e) {
  LLVMBasicBlockRef entry = LLVMGetInsertBlock(B), head = code_block(e, "tile"),
                    exit = code_block(e, "done");
  LLVMValueRef any = LLVMBuildICmp(B, LLVMIntSLT, e->begin, e->end, "");
  LLVMBuildCondBr(B, any, head, exit);
  LLVMPositionBuilderAtEnd(B, head);
  LLVMValueRef t = LLVMBuildPhi(B, e->c.index, "t"), rest = t;
  LLVMAddIncoming(t, &e->begin, &entry, 1);
  for (int i = e->s->n_domain - 1; i >= 0; i--) {
    int ax = e->s->loop[i];
    LLVMValueRef count = ir_index(&e->c, e->n->axis[ax].extent / e->tile[ax]), digit = rest;
    if (i) {
      digit = LLVMBuildURem(B, rest, count, "");
      rest = LLVMBuildUDiv(B, rest, count, "");
    }
    move_to(e, ax, LLVMBuildMul(B, digit, ir_index(&e->c, e->tile[ax]), ""));
  }
  output_loops(e, e->s->n_domain);
  LLVMBasicBlockRef last = LLVMGetInsertBlock(B);
  LLVMValueRef next = LLVMBuildAdd(B, t, ir_index(&e->c, 1), "");
  LLVMAddIncoming(t, &next, &last, 1);
  LLVMBuildCondBr(B, LLVMBuildICmp(B, LLVMIntSLT, next, e->end, ""), head, exit);
  LLVMPositionBuilderAtEnd(B, exit);
}

/* --- setting up --- */

static void begin_function(em *e, const kernel_call *k) {
  LLVMTypeRef params[3] = {e->c.ptr, e->c.index, e->c.index};
  LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(e->c.cx), params, 3, 0);
  e->fn = LLVMAddFunction(e->c.module, k->k->name, type);
  LLVMSetUnnamedAddress(e->fn, LLVMGlobalUnnamedAddr);
  char bits[16];
  snprintf(bits, sizeof bits, "%d", e->t->lanes * 32);
  LLVMAddTargetDependentFunctionAttr(e->fn, "prefer-vector-width", bits);
  LLVMAddTargetDependentFunctionAttr(e->fn, "min-legal-vector-width", bits);
  unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
  LLVMAddAttributeAtIndex(e->fn, LLVMAttributeFunctionIndex,
                          LLVMCreateEnumAttribute(e->c.cx, nounwind, 0));
  e->tensors = LLVMGetParam(e->fn, 0);
  e->begin = LLVMGetParam(e->fn, 1);
  e->end = LLVMGetParam(e->fn, 2);
  LLVMPositionBuilderAtEnd(B, code_block(e, "entry"));
}

/* An integer as wide as a pointer: addresses need no more, and less costs more code to extend. */
static LLVMTypeRef index_type(LLVMModuleRef m) {
  unsigned bytes = LLVMPointerSize(LLVMGetModuleDataLayout(m));
  return LLVMIntTypeInContext(LLVMGetModuleContext(m), 8 * bytes);
}

void emit_kernel(LLVMModuleRef m, const kernel_call *k, const target_info *t) {
  arena *mem = arena_new();
  em *e = NEW(mem, em);
  e->mem = mem;
  LLVMContextRef cx = LLVMGetModuleContext(m);
  e->n = k->n;
  bool exact = e->n->store[0].out.t->dtype == F64;
  e->c = (ir){cx,
              m,
              LLVMCreateBuilderInContext(cx),
              exact ? LLVMDoubleTypeInContext(cx) : LLVMFloatTypeInContext(cx),
              LLVMInt32TypeInContext(cx),
              LLVMInt64TypeInContext(cx),
              index_type(m),
              LLVMPointerTypeInContext(cx, 0),
              exact,
              t->fma};
  e->s = k->n->sched;
  e->t = t;
  memcpy(e->tile, e->s->tile, sizeof e->tile);
  begin_function(e, k);
  load_pointers(e, k);
  e->terms = tile_terms;
  if (e->s->strip) make_strip(e);
  number_nodes(e);
  add_refs(e);
  e->at_once = stores_at_once(e);
  domain_loop(e);
  LLVMBuildRetVoid(B);
  forget_values(e);
  LLVMDisposeBuilder(B);
  arena_free(mem);
}
