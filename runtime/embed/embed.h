/* Code that every object of `netc build` carries beside its kernels: initial weights, the loader of
   weight files, the mean of a batch's losses. It is freestanding C, compiled to LLVM IR when netc
   itself is built, and linked into each object for that object's machine. So nothing here may
   depend on the width of a pointer (no size_t, no pointers in memory), call a library, use double,
   or divide 64-bit integers (small machines call a library for both). */
#ifndef NETC_EMBED_H
#define NETC_EMBED_H
#include <stdint.h>

enum { EMBED_RANK = 6 };

/* A tensor of the params block. compiler/object_embed.c writes these as constants, field by field.
 */
typedef struct {
  int64_t count;  /* elements */
  int64_t offset; /* of its first element in the block, in floats */
  int32_t rank, file_rank;
  int32_t extent[EMBED_RANK]; /* in the file's order, outermost first */
  int32_t stride[EMBED_RANK]; /* of the same dimensions in the block, in floats */
  int32_t shape[EMBED_RANK];  /* as the file states it: some dimensions merged */
  float init;                 /* every element, or what those drawn are multiplied with */
  int32_t drawn, is_int64;    /* drawn: base/draw.h */
  uint32_t stream;            /* of random numbers: a hash of the name */
  int32_t name, name_bytes;   /* where its name stands in the text of all names */
} embed_tensor;

/* Moves through a tensor in the file's order; `at` is the element's place in the block. */
typedef struct {
  int64_t at;
  int32_t index[EMBED_RANK];
} embed_walk;

static inline embed_walk embed_start(const embed_tensor *t) {
  embed_walk w;
  w.at = t->offset;
  for (int32_t d = 0; d < EMBED_RANK; d++) /* an initialiser would call memset on some machines */
    w.index[d] = 0;
  return w;
}

static inline void embed_next(const embed_tensor *t, embed_walk *w) {
  for (int32_t d = t->rank - 1; d >= 0; d--) {
    w->at += t->stride[d];
    if (++w->index[d] < t->extent[d]) return;
    w->at -= (int64_t)t->stride[d] * t->extent[d];
    w->index[d] = 0;
  }
}

/* What PREFIX_load returns; the generated header explains the codes. */
enum {
  EMBED_LOADED = 0,
  EMBED_NOT_SAFETENSORS = -1,
  EMBED_MISSING = -2,
  EMBED_SHAPE = -3,
  EMBED_TYPE = -4,
  EMBED_TRUNCATED = -5
};
#endif
