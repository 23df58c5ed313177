/* The partial results in the lanes of accumulators, folded into results. */
#include "emit_parts.h"
#include <string.h>

/* Joins lane l and l + w/2 within every group of w lanes; a and b (may be NULL) end in one vector.
 */
static LLVMValueRef fold_step(em *e, LLVMValueRef a, LLVMValueRef b, int w) {
  int width = ir_width(a), groups = width / w, n = 0;
  LLVMValueRef lo[2 * LANES], hi[2 * LANES];
  for (int v = 0; v < (b ? 2 : 1); v++)
    for (int g = 0; g < groups; g++)
      for (int l = 0; l < w / 2; l++, n++) {
        lo[n] = LLVMConstInt(e->c.i32, (uint64_t)(v * width + g * w + l), 0);
        hi[n] = LLVMConstInt(e->c.i32, (uint64_t)(v * width + g * w + w / 2 + l), 0);
      }
  LLVMValueRef other = b ? b : LLVMGetPoison(LLVMTypeOf(a));
  LLVMValueRef low = LLVMBuildShuffleVector(B, a, other, LLVMConstVector(lo, (unsigned)n), "");
  LLVMValueRef high = LLVMBuildShuffleVector(B, a, other, LLVMConstVector(hi, (unsigned)n), "");
  return e->n->red == R_MAX ? greater(e, low, high) : LLVMBuildFAdd(B, low, high, "");
}

/* Folds n (a power of two, at most 16) vectors of partial results into one of n results. */
static LLVMValueRef fold_together(em *e, LLVMValueRef *v, int n) {
  for (int w = LANES; w > 1; w /= 2) {
    if (n == 1) {
      v[0] = fold_step(e, v[0], NULL, w);
      continue;
    }
    for (int i = 0; i < n / 2; i++) v[i] = fold_step(e, v[2 * i], v[2 * i + 1], w);
    n /= 2;
  }
  if (LLVMGetVectorSize(LLVMTypeOf(v[0])) > 1) return v[0];
  return LLVMBuildExtractElement(B, v[0], ir_index(&e->c, 0), "");
}

void fold_all(em *e) {
  int fold = e->s->fold;
  const point *was = e->points;
  LLVMValueRef *sums = e->acc;
  int64_t n_was = e->n_point;
  set_vector(e, fold, fold >= 0 ? e->tile[fold] : 0, LANES);
  list_outputs(e);
  for (int64_t i = 0; i < e->n_point; i++) {
    LLVMValueRef part[LANES];
    int n = 0, w = width_at(e, &e->points[i]);
    for (int l = 0; l < w; l++)
      for (int64_t j = 0; j < n_was; j++) {
        point want = e->points[i];
        if (fold >= 0) want.off[fold] += l;
        if (!memcmp(want.off, was[j].off, sizeof want.off)) {
          part[n++] = sums[j];
          break;
        }
      }
    e->acc[i] = fold_together(e, part, n);
  }
}
