/* The functions that an object exports. Each lays out pointers to its tensors on its own stack,
   from the caller's blocks and the planned offsets, and calls the kernels in order. */
#include "base/internal.h"
#include "object_embed.h"
#include "object_parts.h"
#include <llvm-c/Target.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  object *o;
  LLVMContextRef cx;
  LLVMBuilderRef b;
  LLVMTypeRef none, f32, i8, i32, i64, index, ptr;
  LLVMValueRef fn;
  LLVMValueRef *block; /* by number; in the object's arena */
} entry;

static entry entry_new(object *o, const compilation *c) {
  const int blocks = BLOCK_PORTS + (c ? c->p->n_port : 0);
  LLVMContextRef cx = LLVMGetModuleContext(o->module);
  unsigned bits = 8 * LLVMPointerSize(LLVMGetModuleDataLayout(o->module));
  return (entry){.o = o,
                 .cx = cx,
                 .block = NEW_N(o->infer.mem, LLVMValueRef, blocks),
                 .b = LLVMCreateBuilderInContext(cx),
                 .none = LLVMVoidTypeInContext(cx),
                 .f32 = LLVMFloatTypeInContext(cx),
                 .i8 = LLVMInt8TypeInContext(cx),
                 .i32 = LLVMInt32TypeInContext(cx),
                 .i64 = LLVMInt64TypeInContext(cx),
                 .index = LLVMIntTypeInContext(cx, bits),
                 .ptr = LLVMPointerTypeInContext(cx, 0)};
}

static LLVMValueRef parameter(const entry *e, unsigned i) { return LLVMGetParam(e->fn, i); }
static LLVMValueRef whole(LLVMTypeRef t, int64_t v) { return LLVMConstInt(t, (uint64_t)v, 1); }

static void begin(entry *e, const char *name, LLVMTypeRef result, LLVMTypeRef *param, unsigned n) {
  e->fn = object_function(e->o, name, LLVMFunctionType(result, param, n, 0));
  LLVMPositionBuilderAtEnd(e->b, LLVMAppendBasicBlockInContext(e->cx, e->fn, "entry"));
}

static LLVMValueRef call(const entry *e, LLVMValueRef f, LLVMValueRef *arg, unsigned n) {
  return LLVMBuildCall2(e->b, LLVMGlobalGetValueType(f), f, arg, n, "");
}

/* --- running a program --- */

static LLVMValueRef place(const entry *e, int block, int64_t bytes) {
  if (!e->block[block]) internal_error(e->o->opt.prefix, "a kernel uses a block that it lacks");
  LLVMValueRef at = whole(e->index, bytes);
  return bytes ? LLVMBuildGEP2(e->b, e->i8, e->block[block], &at, 1, "") : e->block[block];
}

/* As program.c has it: NULL is the control block itself. */
static LLVMValueRef place_of(const entry *e, const kernel_arg *a) {
  if (!a->t) return place(e, BLOCK_CONTROL, 0);
  int block = a->t->block;
  return place(e, block, block == BLOCK_CONTROL ? (int64_t)offsetof(control, lr) : arg_offset(a));
}

/* Do the calls of two nests take turns, tile by tile: are they of one chain or loop? */
static bool in_turn(const nest *m, const nest *n) {
  return (m->chain && m->chain == n->chain) || (m->loop && m->loop == n->loop);
}

/* The calls from i on that run together: those of a chain or loop, else one. */
static int calls_together(const kernel_list *l, int i) {
  int n = 1;
  while (i + n < l->n_call && in_turn(l->call[i].n, l->call[i + n].n)) n++;
  return n;
}

static int most_arguments(const kernel_list *l) {
  int most = 1;
  for (int i = 0, n; i < l->n_call; i += n) {
    int together = 0;
    n = calls_together(l, i);
    for (int k = 0; k < n; k++) together += l->call[i + k].n_arg;
    if (together > most) most = together;
  }
  return most;
}

/* Where argument number n lies in the function's list. */
static LLVMValueRef argument_at(const entry *e, LLVMValueRef tensors, int n) {
  LLVMValueRef at = whole(e->index, n);
  return LLVMBuildGEP2(e->b, e->ptr, tensors, &at, 1, "");
}

/* Kernels k[0 .. n), over tiles [from, to) of their domains. */
static void call_kernels(const entry *e, const kernel_call *k, int n, LLVMValueRef tensors,
                         LLVMValueRef from, LLVMValueRef to) {
  for (int i = 0, first = 0; i < n; first += k[i++].n_arg) {
    LLVMValueRef arg[3] = {argument_at(e, tensors, first), from, to};
    call(e, LLVMGetNamedFunction(e->o->module, k[i].k->name), arg, 3);
  }
}

/* A chain or a loop: all of its kernels for one tile, then for the next. */
static void call_in_turn(const entry *e, const kernel_call *k, int n, LLVMValueRef tensors) {
  LLVMBasicBlockRef before = LLVMGetInsertBlock(e->b);
  LLVMBasicBlockRef head = LLVMAppendBasicBlockInContext(e->cx, e->fn, "turn");
  LLVMBasicBlockRef after = LLVMAppendBasicBlockInContext(e->cx, e->fn, "");
  LLVMBuildBr(e->b, head);
  LLVMPositionBuilderAtEnd(e->b, head);
  LLVMValueRef t = LLVMBuildPhi(e->b, e->index, ""), zero = whole(e->index, 0);
  LLVMAddIncoming(t, &zero, &before, 1);
  LLVMValueRef next = LLVMBuildAdd(e->b, t, whole(e->index, 1), "");
  LLVMValueRef last = whole(e->index, k->n->sched->domain - 1); /* one thread: a tile is a step */
  LLVMValueRef at = k->n->falling ? LLVMBuildSub(e->b, last, t, "") : t;
  call_kernels(e, k, n, tensors, at, LLVMBuildAdd(e->b, at, whole(e->index, 1), ""));
  LLVMAddIncoming(t, &next, &head, 1);
  LLVMValueRef end = whole(e->index, k->n->sched->domain);
  LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, next, end, ""), head, after);
  LLVMPositionBuilderAtEnd(e->b, after);
}

static void run(const entry *e, const kernel_list *l) {
  int most = most_arguments(l);
  LLVMValueRef tensors = LLVMBuildAlloca(e->b, LLVMArrayType2(e->ptr, (uint64_t)most), "tensors");
  for (int i = 0, n; i < l->n_call; i += n) {
    const kernel_call *k = &l->call[i];
    n = calls_together(l, i);
    for (int c = 0, at = 0; c < n; c++)
      for (int a = 0; a < k[c].n_arg; a++)
        LLVMBuildStore(e->b, place_of(e, &k[c].arg[a]), argument_at(e, tensors, at++));
    LLVMValueRef domain = whole(e->index, k->n->sched->domain);
    if (k->n->chain || k->n->loop) call_in_turn(e, k, n, tensors);
    else call_kernels(e, k, 1, tensors, whole(e->index, 0), domain);
  }
}

static void put(const entry *e, LLVMValueRef block, size_t at, LLVMValueRef v) {
  LLVMValueRef bytes = whole(e->index, (int64_t)at);
  LLVMBuildStore(e->b, v, LLVMBuildGEP2(e->b, e->i8, block, &bytes, 1, ""));
}

/* The control block (emit.h) on the stack. lr and step may be NULL: 0. */
static LLVMValueRef control_block(const entry *e, LLVMValueRef lr, LLVMValueRef step) {
  uint64_t seed = e->o->g->has_train ? (uint64_t)e->o->g->train.seed.v[0] : 0;
  LLVMValueRef block =
      LLVMBuildAlloca(e->b, LLVMArrayType2(e->i32, sizeof(control) / 4), "control");
  LLVMSetAlignment(block, _Alignof(control));
  if (!step) step = whole(e->i64, 0);
  LLVMValueRef high = LLVMBuildLShr(e->b, step, whole(e->i64, 32), "");
  put(e, block, offsetof(control, seed_lo), LLVMConstInt(e->i32, (uint32_t)seed, 0));
  put(e, block, offsetof(control, seed_hi), LLVMConstInt(e->i32, seed >> 32, 0));
  put(e, block, offsetof(control, step_lo), LLVMBuildTrunc(e->b, step, e->i32, ""));
  put(e, block, offsetof(control, step_hi), LLVMBuildTrunc(e->b, high, e->i32, ""));
  put(e, block, offsetof(control, lr), lr ? lr : LLVMConstReal(e->f32, 0));
  return block;
}

/* With embedded weights: those; but in an object that also trains, only where the caller passes
 * NULL. */
static LLVMValueRef params_for_inference(const entry *e) {
  object *o = e->o;
  if (!o->size.has_weights) return parameter(e, 0);
  LLVMValueRef own = LLVMGetNamedGlobal(o->module, "weights");
  if (!o->size.has_train) return own;
  LLVMValueRef none = LLVMBuildIsNull(e->b, parameter(e, 0), "");
  return LLVMBuildSelect(e->b, none, own, parameter(e, 0), "");
}

/* n pointers from type[from] on. */
static void pointers(const entry *e, LLVMTypeRef *type, int from, int n) {
  for (int i = 0; i < n; i++) type[from + i] = e->ptr;
}

/* void PREFIX_infer(const void *params, const float *x, .., float *y, .., void *work) */
static void add_infer(object *o) {
  entry e = entry_new(o, &o->infer);
  const int n = o->ports.n;
  LLVMTypeRef *type = NEW_N(o->infer.mem, LLVMTypeRef, n + 2);
  pointers(&e, type, 0, n + 2);
  begin(&e, "infer", e.none, type, (unsigned)n + 2);
  e.block[BLOCK_PARAMS] = params_for_inference(&e);
  for (int i = 0; i < n; i++) e.block[o->ports.port[i].block] = parameter(&e, (unsigned)i + 1);
  e.block[BLOCK_WORK] = parameter(&e, (unsigned)n + 1);
  e.block[BLOCK_CONTROL] = control_block(&e, NULL, NULL);
  run(&e, o->infer.kernels);
  LLVMBuildRetVoid(e.b);
  LLVMDisposeBuilder(e.b);
}

/* float PREFIX_train(void *params, void *state, const float *x, .., const int32_t *labels, ..,
                      float lr, uint64_t step, void *work) */
static void add_train(object *o) {
  entry e = entry_new(o, &o->train);
  const port_list *l = &o->train_ports;
  unsigned n = 2;
  for (int i = 0; i < l->n; i++) n += l->port[i].info.role != PORT_PREDICTION;
  LLVMTypeRef *type = NEW_N(o->infer.mem, LLVMTypeRef, n + 3);
  pointers(&e, type, 0, (int)n + 3);
  type[n] = e.f32, type[n + 1] = e.i64;
  begin(&e, "train", e.f32, type, n + 3);
  e.block[BLOCK_PARAMS] = parameter(&e, 0);
  e.block[BLOCK_STATE] = parameter(&e, 1);
  e.block[BLOCK_WORK] = parameter(&e, n + 2);
  for (int i = 0, given = 2; i < l->n; i++)
    e.block[l->port[i].block] = l->port[i].info.role == PORT_PREDICTION
                                    ? place(&e, BLOCK_WORK, o->kept_at[i])
                                    : parameter(&e, (unsigned)given++);
  const nestprog *p = o->train.p;
  e.block[p->losses->block] = place(&e, BLOCK_WORK, o->losses_at);
  e.block[BLOCK_CONTROL] = control_block(&e, parameter(&e, n), parameter(&e, n + 1));
  run(&e, o->train.kernels);
  LLVMValueRef arg[2] = {e.block[p->losses->block], whole(e.i32, o->size.batch)};
  LLVMBuildRet(e.b, call(&e, embed_function(o->module, "netc_embed_mean"), arg, 2));
  LLVMDisposeBuilder(e.b);
}

/* --- parameters --- */

/* void PREFIX_init(void *params, uint64_t seed) */
static void add_init(object *o, const embed_table *t) {
  entry e = entry_new(o, NULL);
  LLVMTypeRef type[2] = {e.ptr, e.i64};
  LLVMValueRef floats = whole(e.i64, o->size.params / 4);
  begin(&e, "init", e.none, type, 2);
  if (o->size.has_weights) {
    LLVMValueRef arg[3] = {parameter(&e, 0), LLVMGetNamedGlobal(o->module, "weights"), floats};
    call(&e, embed_function(o->module, "netc_embed_copy"), arg, 3);
  } else {
    LLVMValueRef arg[5] = {t->table, whole(e.i32, t->n), parameter(&e, 0), floats,
                           parameter(&e, 1)};
    call(&e, embed_function(o->module, "netc_embed_init"), arg, 5);
  }
  LLVMBuildRetVoid(e.b);
  LLVMDisposeBuilder(e.b);
}

/* int PREFIX_load(void *params, const void *safetensors, size_t bytes) */
static void add_load(object *o, const embed_table *t) {
  entry e = entry_new(o, NULL);
  LLVMTypeRef type[3] = {e.ptr, e.ptr, e.index};
  begin(&e, "load", e.i32, type, 3);
  unsigned sign = LLVMGetEnumAttributeKindForName("signext", 7); /* as C's ABI has it on RISC-V */
  LLVMAddAttributeAtIndex(e.fn, LLVMAttributeReturnIndex, LLVMCreateEnumAttribute(e.cx, sign, 0));
  LLVMValueRef bytes = LLVMBuildZExt(e.b, parameter(&e, 2), e.i64, "");
  LLVMValueRef arg[6] = {t->table,         whole(e.i32, t->n), t->names,
                         parameter(&e, 0), parameter(&e, 1),   bytes};
  LLVMBuildRet(e.b, call(&e, embed_function(o->module, "netc_embed_load"), arg, 6));
  LLVMDisposeBuilder(e.b);
}

void object_add_functions(object *o) {
  embed_link(o->module);
  if (o->size.has_weights)
    embed_bytes(o->module, "weights", o->opt.weights, o->infer.memory.bytes[BLOCK_PARAMS]);
  add_infer(o);
  if (o->size.has_train) add_train(o);
  if (!o->size.has_init) return;
  weight_table w = {0};
  weights_collect(&w, o->infer.p);
  embed_table t = embed_tensors(o->module, &w);
  add_init(o, &t);
  add_load(o, &t);
}
