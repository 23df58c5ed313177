/* Scalar functions as LLVM IR. No fast-math flag is ever set: each operation rounds as the
   interpreter's does. */
#include "base/internal.h"
#include "emit_scalar.h"
#include <stdio.h>
#include <string.h>

LLVMTypeRef ir_float_type(const ir *c, int width) {
  return width == 1 ? c->f32 : LLVMVectorType(c->f32, (unsigned)width);
}

LLVMTypeRef ir_int_type(const ir *c, int width) {
  return width == 1 ? c->i32 : LLVMVectorType(c->i32, (unsigned)width);
}

static LLVMValueRef constant_splat(LLVMValueRef v, int width) {
  LLVMValueRef all[64];
  for (int i = 0; i < width; i++) all[i] = v;
  return LLVMConstVector(all, (unsigned)width);
}

LLVMValueRef ir_float(const ir *c, double v, int width) {
  LLVMValueRef k = LLVMConstReal(c->f32, c->exact ? v : (double)(float)v);
  return width == 1 ? k : constant_splat(k, width);
}

LLVMValueRef ir_int(const ir *c, int64_t v, int width) {
  LLVMValueRef k = LLVMConstInt(c->i32, (uint64_t)v, 1);
  return width == 1 ? k : constant_splat(k, width);
}

LLVMValueRef ir_index(const ir *c, int64_t v) { return LLVMConstInt(c->index, (uint64_t)v, 1); }

int ir_width(LLVMValueRef v) {
  LLVMTypeRef t = LLVMTypeOf(v);
  return LLVMGetTypeKind(t) == LLVMVectorTypeKind ? (int)LLVMGetVectorSize(t) : 1;
}

LLVMValueRef ir_splat(const ir *c, LLVMValueRef v, int width) {
  if (width == ir_width(v)) return v;
  if (LLVMIsConstant(v)) return constant_splat(v, width);
  LLVMTypeRef t = LLVMVectorType(LLVMTypeOf(v), (unsigned)width);
  LLVMValueRef one = LLVMBuildInsertElement(c->b, LLVMGetPoison(t), v, ir_index(c, 0), "");
  LLVMValueRef zeros = LLVMConstNull(LLVMVectorType(c->i32, (unsigned)width));
  return LLVMBuildShuffleVector(c->b, one, LLVMGetPoison(t), zeros, "");
}

LLVMValueRef ir_call(const ir *c, const char *intrinsic, LLVMTypeRef type, int n,
                     LLVMValueRef *arg) {
  unsigned id = LLVMLookupIntrinsicID(intrinsic, strlen(intrinsic));
  LLVMValueRef f = LLVMGetIntrinsicDeclaration(c->module, id, &type, 1);
  return LLVMBuildCall2(c->b, LLVMIntrinsicGetType(c->cx, id, &type, 1), f, arg, (unsigned)n, "");
}

LLVMValueRef ir_fma(const ir *c, LLVMValueRef x, LLVMValueRef y, LLVMValueRef z) {
  if (!c->fma) return LLVMBuildFAdd(c->b, LLVMBuildFMul(c->b, x, y, ""), z, "");
  LLVMValueRef a[3] = {x, y, z};
  return ir_call(c, "llvm.fma", LLVMTypeOf(z), 3, a);
}

static LLVMValueRef as_number(const ir *c, LLVMValueRef flag, int width) {
  return LLVMBuildSelect(c->b, flag, ir_float(c, 1, width), ir_float(c, 0, width), "");
}

static LLVMValueRef compare(const ir *c, LLVMRealPredicate p, LLVMValueRef *a) {
  return as_number(c, LLVMBuildFCmp(c->b, p, a[0], a[1], ""), ir_width(a[0]));
}

static LLVMValueRef pick(const ir *c, LLVMRealPredicate p, LLVMValueRef *a) {
  return LLVMBuildSelect(c->b, LLVMBuildFCmp(c->b, p, a[0], a[1], ""), a[0], a[1], "");
}

/* A function of libm on each number of a vector. */
static LLVMValueRef each_by_libm(const ir *c, const char *name, LLVMValueRef x) {
  LLVMTypeRef number = c->f32, type = LLVMFunctionType(number, &number, 1, 0);
  LLVMValueRef f = LLVMGetNamedFunction(c->module, name);
  if (!f) f = LLVMAddFunction(c->module, name, type);
  if (ir_width(x) == 1) return LLVMBuildCall2(c->b, type, f, &x, 1, "");
  LLVMValueRef all = LLVMGetPoison(LLVMTypeOf(x));
  for (int i = 0; i < ir_width(x); i++) {
    LLVMValueRef one = LLVMBuildExtractElement(c->b, x, ir_index(c, i), "");
    one = LLVMBuildCall2(c->b, type, f, &one, 1, "");
    all = LLVMBuildInsertElement(c->b, all, one, ir_index(c, i), "");
  }
  return all;
}

/* In double precision, as scalar_value defines it. */
static LLVMValueRef by_libm(const ir *c, ekind k, LLVMValueRef x) {
  if (k == E_SIGMOID) {
    LLVMValueRef one = ir_float(c, 1, ir_width(x)),
                 e = by_libm(c, E_EXP, LLVMBuildFNeg(c->b, x, ""));
    return LLVMBuildFDiv(c->b, one, LLVMBuildFAdd(c->b, one, e, ""), "");
  }
  return each_by_libm(c, scalar_word(k), x);
}

LLVMValueRef ir_scalar(const ir *c, ekind k, LLVMValueRef *a) {
  int w = ir_width(a[0]);
  if (scalar_elementary(k)) return c->exact ? by_libm(c, k, a[0]) : ir_elementary(c, k, a[0]);
  switch (k) {
  case E_ADD: return LLVMBuildFAdd(c->b, a[0], a[1], "");
  case E_SUB: return LLVMBuildFSub(c->b, a[0], a[1], "");
  case E_MUL: return LLVMBuildFMul(c->b, a[0], a[1], "");
  case E_DIV: return LLVMBuildFDiv(c->b, a[0], a[1], "");
  case E_NEG: return LLVMBuildFNeg(c->b, a[0], "");
  case E_MAX: return pick(c, LLVMRealOGT, a);
  case E_MIN: return pick(c, LLVMRealOLT, a);
  case E_SQRT: return ir_call(c, "llvm.sqrt", LLVMTypeOf(a[0]), 1, a);
  case E_ABS: return ir_call(c, "llvm.fabs", LLVMTypeOf(a[0]), 1, a);
  case E_EQ: return compare(c, LLVMRealOEQ, a);
  case E_NE: return compare(c, LLVMRealUNE, a);
  case E_LT: return compare(c, LLVMRealOLT, a);
  case E_LE: return compare(c, LLVMRealOLE, a);
  case E_GT: return compare(c, LLVMRealOGT, a);
  case E_GE: return compare(c, LLVMRealOGE, a);
  case E_SELECT: {
    LLVMValueRef t = LLVMBuildFCmp(c->b, LLVMRealUNE, a[0], ir_float(c, 0, w), "");
    return LLVMBuildSelect(c->b, t, a[1], a[2], "");
  }
  case E_STOP:
  case E_ROUNDED: return a[0];
  default: internal_error(scalar_word(k), "has no instruction");
  }
}

/* Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). */
static LLVMValueRef high_half(const ir *c, LLVMValueRef x, uint32_t m, LLVMValueRef *low) {
  int w = ir_width(x);
  LLVMTypeRef wide = w == 1 ? c->i64 : LLVMVectorType(c->i64, (unsigned)w);
  LLVMValueRef k = LLVMConstInt(c->i64, m, 0), s = LLVMConstInt(c->i64, 32, 0);
  LLVMValueRef p =
      LLVMBuildMul(c->b, LLVMBuildZExt(c->b, x, wide, ""), w == 1 ? k : constant_splat(k, w), "");
  *low = LLVMBuildTrunc(c->b, p, LLVMTypeOf(x), "");
  p = LLVMBuildLShr(c->b, p, w == 1 ? s : constant_splat(s, w), "");
  return LLVMBuildTrunc(c->b, p, LLVMTypeOf(x), "");
}

static LLVMValueRef philox(const ir *c, LLVMValueRef ctr[4], LLVMValueRef key[2]) {
  LLVMValueRef k0 = key[0], k1 = key[1], x[4];
  int w = ir_width(ctr[0]);
  memcpy(x, ctr, sizeof x);
  for (int round = 0; round < 10; round++) {
    LLVMValueRef lo0, lo1;
    LLVMValueRef hi0 = high_half(c, x[0], 0xD2511F53u, &lo0);
    LLVMValueRef hi1 = high_half(c, x[2], 0xCD9E8D57u, &lo1);
    x[0] = LLVMBuildXor(c->b, LLVMBuildXor(c->b, hi1, x[1], ""), k0, "");
    x[2] = LLVMBuildXor(c->b, LLVMBuildXor(c->b, hi0, x[3], ""), k1, "");
    x[1] = lo1;
    x[3] = lo0;
    k0 = LLVMBuildAdd(c->b, k0, ir_int(c, 0x9E3779B9u, w), "");
    k1 = LLVMBuildAdd(c->b, k1, ir_int(c, 0xBB67AE85u, w), "");
  }
  LLVMValueRef bits = LLVMBuildLShr(c->b, x[0], ir_int(c, 8, w), "");
  LLVMValueRef f = LLVMBuildUIToFP(c->b, bits, ir_float_type(c, w), "");
  return LLVMBuildFMul(c->b, f, ir_float(c, 0x1p-24, w), "");
}

static LLVMValueRef draw_here(const ir *c, LLVMValueRef at, const ir_draw *d) {
  int w = ir_width(at);
  LLVMValueRef ctr[4] = {at, ir_splat(c, d->stream, w), ir_splat(c, d->step_lo, w),
                         ir_splat(c, d->step_hi, w)};
  LLVMValueRef key[2] = {ir_splat(c, d->seed_lo, w), ir_splat(c, d->seed_hi, w)};
  return philox(c, ctr, key);
}

/* The module's function for vectors like `at`. */
static LLVMValueRef draw_function(const ir *c, LLVMTypeRef type, int width) {
  char name[32];
  snprintf(name, sizeof name, "netc.random.%d%s", width, c->exact ? ".exact" : "");
  LLVMValueRef f = LLVMGetNamedFunction(c->module, name);
  if (f) return f;
  f = LLVMAddFunction(c->module, name, type);
  LLVMSetLinkage(f, LLVMInternalLinkage);
  ir own = *c;
  own.b = LLVMCreateBuilderInContext(c->cx);
  LLVMPositionBuilderAtEnd(own.b, LLVMAppendBasicBlockInContext(c->cx, f, ""));
  ir_draw d = {LLVMGetParam(f, 1), LLVMGetParam(f, 2), LLVMGetParam(f, 3), LLVMGetParam(f, 4),
               LLVMGetParam(f, 5)};
  LLVMBuildRet(own.b, draw_here(&own, LLVMGetParam(f, 0), &d));
  LLVMDisposeBuilder(own.b);
  return f;
}

LLVMValueRef ir_random(const ir *c, LLVMValueRef at, const ir_draw *d, bool apart) {
  if (!apart) return draw_here(c, at, d);
  int w = ir_width(at);
  LLVMTypeRef in[] = {LLVMTypeOf(at), c->i32, c->i32, c->i32, c->i32, c->i32};
  LLVMTypeRef type = LLVMFunctionType(ir_float_type(c, w), in, 6, 0);
  LLVMValueRef arg[] = {at, d->stream, d->step_lo, d->step_hi, d->seed_lo, d->seed_hi};
  return LLVMBuildCall2(c->b, type, draw_function(c, type, w), arg, 6, "");
}
