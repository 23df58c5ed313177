#include "batch.h"
#include "base/philox.h"
#include "message.h"
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

/* Planes of h x w values. */
static void change_planes(float *at, float *copy, int planes, int h, int w, const change *c) {
  size_t plane = (size_t)h * (size_t)w;
  memcpy(copy, at, plane * (size_t)planes * sizeof *at);
  for (int k = 0; k < planes; k++)
    for (int y = 0; y < h; y++) {
      float *to = at + (size_t)k * plane + (size_t)y * (size_t)w;
      int src = y - c->down;
      if (src < 0 || src >= h) memset(to, 0, (size_t)w * sizeof *to);
      else change_row(copy + (size_t)k * plane + (size_t)src * (size_t)w, to, w, c);
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
      change_planes(x + (size_t)i * size, copy, ds->c, ds->h, ds->w, &c);
    }
  }
  free(copy);
}

/* Does what happens to the image happen to this port as well? Values of 4 bytes are moved as they
   are, be they floats or whole numbers. */
static bool moves_with_images(const dataset *ds, const port_info *p, int port) {
  if (port == 0) return !p->is_int && p->rank == 3;
  return p->role == PORT_TARGET && p->rank >= 2 && p->shape[p->rank - 1] == ds->w &&
         p->shape[p->rank - 2] == ds->h;
}

static void give_port(const dataset *ds, int port, const int64_t *index, int n,
                      const augmentation *a, const step_buffers *b) {
  const port_info *p = program_port(b->p, port);
  char *at = b->port[port];
  const size_t bytes = (size_t)p->count * 4;
  float *copy = a && moves_with_images(ds, p, port) ? allocate(bytes) : NULL;
  for (int i = 0; i < n; i++, at += bytes) {
    dataset_port(ds, port, index[i], at);
    if (!copy) continue;
    change c = draw_change(a, index[i]);
    change_planes((float *)(void *)at, copy, (int)(p->count / ((int64_t)ds->h * ds->w)), ds->h,
                  ds->w, &c);
  }
  free(copy);
}

void batch_give(const dataset *ds, const int64_t *index, int n, const augmentation *a,
                const step_buffers *b) {
  for (int i = 0; i < b->n_given; i++) give_port(ds, i, index, n, a, b);
}
