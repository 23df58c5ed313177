#include "batch.h"
#include "base/philox.h"
#include <stdlib.h>
#include <string.h>

enum { PURPOSE_AUGMENT = 0x4155474d }; /* "AUGM" */

typedef struct {
  bool mirror;
  int down, right;
} change;

static change draw_change(const augmentation *a, int64_t sample) {
  const uint32_t key[2] = {(uint32_t)a->seed, (uint32_t)(a->seed >> 32)};
  const uint32_t ctr[4] = {(uint32_t)sample, PURPOSE_AUGMENT, (uint32_t)a->epoch,
                           (uint32_t)(a->epoch >> 32)};
  uint32_t r[4];
  philox4x32_10(ctr, key, r);
  uint64_t span = 2 * (uint64_t)a->shift + 1;
  return (change){a->flip && r[0] >> 31, (int)(r[1] * span >> 32) - a->shift,
                  (int)(r[2] * span >> 32) - a->shift};
}

/* One row of w pixels: mirrored, then moved to the right. */
static void change_row(const float *from, float *to, int w, const change *c) {
  for (int x = 0; x < w; x++) {
    int src = x - c->right;
    if (src < 0 || src >= w) to[x] = 0;
    else to[x] = from[c->mirror ? w - 1 - src : src];
  }
}

static void change_sample(float *chw, float *copy, const dataset *ds, const change *c) {
  size_t plane = (size_t)ds->h * (size_t)ds->w;
  memcpy(copy, chw, plane * (size_t)ds->c * sizeof *chw);
  for (int k = 0; k < ds->c; k++)
    for (int y = 0; y < ds->h; y++) {
      float *to = chw + (size_t)k * plane + (size_t)y * (size_t)ds->w;
      int src = y - c->down;
      if (src < 0 || src >= ds->h) memset(to, 0, (size_t)ds->w * sizeof *to);
      else change_row(copy + (size_t)k * plane + (size_t)src * (size_t)ds->w, to, ds->w, c);
    }
}

void batch_fill(const dataset *ds, const int64_t *index, int n, const augmentation *a, float *x,
                int32_t *labels) {
  size_t size = (size_t)ds->c * (size_t)ds->h * (size_t)ds->w;
  float *copy = a ? malloc(size * sizeof *copy) : NULL;
  if (a && !copy) abort();
  for (int i = 0; i < n; i++) {
    dataset_floats(ds, index[i], x + (size_t)i * size);
    labels[i] = ds->labels[index[i]];
    if (a) {
      change c = draw_change(a, index[i]);
      change_sample(x + (size_t)i * size, copy, ds, &c);
    }
  }
  free(copy);
}
