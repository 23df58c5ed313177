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
/* What a random number is drawn for, but for the index: i32 values. */
typedef struct {
  LLVMValueRef stream, step_lo, step_hi, seed_lo, seed_hi;
} ir_draw;
/* Uniform [0,1) at an index, or at a vector of them. apart: by a call of a function for this width,
   which the module gets: for code that draws often. */
LLVMValueRef ir_random(const ir *c, LLVMValueRef at, const ir_draw *d, bool apart);
#endif
