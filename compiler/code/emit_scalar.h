/* Scalar functions on LLVM values: floats or vectors of floats of any width. */
#ifndef NETC_EMIT_SCALAR_H
#define NETC_EMIT_SCALAR_H
#include "nest/nest.h"
#include <llvm-c/Core.h>

typedef struct {
  LLVMContextRef cx;
  LLVMModuleRef module;
  LLVMBuilderRef b;
  LLVMTypeRef f32;                  /* double in a program that checks gradients */
  LLVMTypeRef i32, i64, index, ptr; /* index: as wide as a pointer */
  bool exact;
  bool fma; /* the machine has it; else multiply, then add (target.def) */
} ir;

/* A float (width 1) or vector type, and the same of 32-bit integers. */
LLVMTypeRef ir_float_type(const ir *c, int width);
LLVMTypeRef ir_int_type(const ir *c, int width);
LLVMValueRef ir_float(const ir *c, double v, int width);
LLVMValueRef ir_int(const ir *c, int64_t v, int width);
LLVMValueRef ir_index(const ir *c, int64_t v);
int ir_width(LLVMValueRef v);
LLVMValueRef ir_splat(const ir *c, LLVMValueRef v, int width);
LLVMValueRef ir_call(const ir *c, const char *intrinsic, LLVMTypeRef type, int n,
                     LLVMValueRef *arg);
LLVMValueRef ir_fma(const ir *c, LLVMValueRef x, LLVMValueRef y, LLVMValueRef z);
/* Any function of scalar.def; arguments of equal width. */
LLVMValueRef ir_scalar(const ir *c, ekind k, LLVMValueRef *a);
/* E_EXP, E_LOG, E_TANH (elementary.h). */
LLVMValueRef ir_elementary(const ir *c, ekind k, LLVMValueRef x);
/* Uniform [0,1) from counter {index, stream, step lo, step hi} and key {seed lo, seed hi}: i32
 * values. */
LLVMValueRef ir_philox(const ir *c, LLVMValueRef ctr[4], LLVMValueRef key[2]);
#endif
