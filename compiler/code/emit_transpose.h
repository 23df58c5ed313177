/* Transposing blocks of floats in registers. */
#ifndef NETC_EMIT_TRANSPOSE_H
#define NETC_EMIT_TRANSPOSE_H
#include "emit_scalar.h"

/* `rows` vectors of `columns` floats (a width of 1 is a float) become `columns` vectors of `rows`,
   at most 64 of either. A square of a power of two takes log2 shuffles a row; others go element by
   element. The rows may be overwritten. */
void ir_transpose(const ir *c, LLVMValueRef *row, int rows, int columns, LLVMValueRef *out);
#endif
