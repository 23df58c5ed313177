/* Blocks that are read along one axis and used along another, transposed in registers. */
#include "emit_transpose.h"

enum { MOST = 64 };

static LLVMValueRef shuffled(const ir *c, LLVMValueRef a, LLVMValueRef b, const int *from, int n) {
  LLVMValueRef mask[MOST];
  for (int i = 0; i < n; i++) mask[i] = LLVMConstInt(c->i32, (uint64_t)from[i], 0);
  return LLVMBuildShuffleVector(c->b, a, b, LLVMConstVector(mask, (unsigned)n), "");
}

/* Rows i and i + d of a square: exchanges the parts that lie d elements off the diagonal. */
static void exchange(const ir *c, LLVMValueRef *row, int i, int d, int n) {
  int upper[MOST], lower[MOST];
  for (int k = 0; k < n; k++) {
    upper[k] = k & d ? n + k - d : k;
    lower[k] = k & d ? n + k : k + d;
  }
  LLVMValueRef a = row[i], b = row[i + d];
  row[i] = shuffled(c, a, b, upper, n);
  row[i + d] = shuffled(c, a, b, lower, n);
}

static LLVMValueRef element(const ir *c, LLVMValueRef v, int i) {
  return ir_width(v) > 1 ? LLVMBuildExtractElement(c->b, v, ir_index(c, i), "") : v;
}

/* LLVM looks at chains of shuffles for a cheaper one, for half of the compile time of a block, and
   finds none: a fence half way, which makes no code, ends the chains. */
static void end_chains(const ir *c, LLVMValueRef *row, int rows) {
  for (int i = 0; i < rows; i++)
    row[i] = ir_call(c, "llvm.arithmetic.fence", LLVMTypeOf(row[i]), 1, &row[i]);
}

void ir_transpose(const ir *c, LLVMValueRef *row, int rows, int columns, LLVMValueRef *out) {
  if (rows == columns && !(rows & (rows - 1))) {
    for (int d = 1; d < rows; d *= 2) {
      for (int i = 0; i < rows; i++)
        if (!(i & d)) exchange(c, row, i, d, rows);
      if (d * d * 4 == rows) end_chains(c, row, rows);
    }
    for (int i = 0; i < rows; i++) out[i] = row[i];
    return;
  }
  for (int j = 0; j < columns; j++) {
    out[j] = rows > 1 ? LLVMGetPoison(ir_float_type(c, rows)) : element(c, row[0], j);
    for (int i = 0; rows > 1 && i < rows; i++)
      out[j] = LLVMBuildInsertElement(c->b, out[j], element(c, row[i], j), ir_index(c, i), "");
  }
}
