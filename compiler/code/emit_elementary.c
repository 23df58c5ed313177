/* exp, log and tanh as LLVM IR: the steps of elementary.c, one instruction each. */
#include "base/internal.h"
#include "nest/elementary.h"
#include "emit_scalar.h"

typedef struct {
  const ir *c;
  int width;
  LLVMValueRef r[ELEM_REGS];
} machine_state;

static bool is_integer(const machine_state *m, LLVMValueRef v) {
  LLVMTypeRef t = LLVMTypeOf(v);
  if (m->width > 1) t = LLVMGetElementType(t);
  return LLVMGetTypeKind(t) == LLVMIntegerTypeKind;
}

/* A constant written to a register is a float; where a select mixes it with integers it is cast. */
static LLVMValueRef choose(machine_state *m, LLVMValueRef test, const mstep *s) {
  LLVMValueRef yes = m->r[s->c], no = m->r[s->d];
  LLVMTypeRef ints = ir_int_type(m->c, m->width);
  if (is_integer(m, yes) && !is_integer(m, no)) no = LLVMBuildBitCast(m->c->b, no, ints, "");
  if (is_integer(m, no) && !is_integer(m, yes)) yes = LLVMBuildBitCast(m->c->b, yes, ints, "");
  return LLVMBuildSelect(m->c->b, test, yes, no, "");
}

static LLVMValueRef one_step(machine_state *m, const mstep *s) {
  LLVMBuilderRef b = m->c->b;
  LLVMValueRef x = m->r[s->a], y = m->r[s->b];
  LLVMTypeRef floats = ir_float_type(m->c, m->width), ints = ir_int_type(m->c, m->width);
  switch (s->op) {
  case M_CONST: return ir_float(m->c, (double)s->k, m->width);
  case M_ICONST: return ir_int(m->c, s->i, m->width);
  case M_ADD: return LLVMBuildFAdd(b, x, y, "");
  case M_SUB: return LLVMBuildFSub(b, x, y, "");
  case M_MUL: return LLVMBuildFMul(b, x, y, "");
  case M_DIV: return LLVMBuildFDiv(b, x, y, "");
  case M_FMA: return ir_fma(m->c, x, y, m->r[s->c]);
  case M_RINT: return ir_call(m->c, "llvm.rint", floats, 1, &x);
  case M_TOINT: return LLVMBuildFPToSI(b, x, ints, "");
  case M_TOFLOAT: return LLVMBuildSIToFP(b, x, floats, "");
  case M_BITS: return LLVMBuildBitCast(b, x, ints, "");
  case M_FLOAT: return LLVMBuildBitCast(b, x, floats, "");
  case M_IADD: return LLVMBuildAdd(b, x, y, "");
  case M_ISUB: return LLVMBuildSub(b, x, y, "");
  case M_IAND: return LLVMBuildAnd(b, x, y, "");
  case M_ISHL: return LLVMBuildShl(b, x, ir_int(m->c, s->i, m->width), "");
  case M_ISHR: return LLVMBuildAShr(b, x, ir_int(m->c, s->i, m->width), "");
  case M_LT: return choose(m, LLVMBuildFCmp(b, LLVMRealOLT, x, y, ""), s);
  case M_NAN: return choose(m, LLVMBuildFCmp(b, LLVMRealUNO, x, x, ""), s);
  case M_EXP: return ir_elementary(m->c, E_EXP, x);
  }
  internal_error("elementary program", "a step of no known kind");
}

LLVMValueRef ir_elementary(const ir *c, ekind k, LLVMValueRef x) {
  const mprogram *p = elementary(k);
  machine_state m = {.c = c, .width = ir_width(x)};
  m.r[0] = x;
  for (int i = 0; i < p->n; i++) m.r[p->step[i].dst] = one_step(&m, &p->step[i]);
  return m.r[p->result];
}
