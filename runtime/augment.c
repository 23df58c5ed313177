#include "augment.h"
#include "base/philox.h"
#include "value_loops.h"
#include <math.h>
#include <string.h>

enum { /* "AUGM", "AUGN" .. ; noise counts in the low bits of a word whose first is set */
       PURPOSE_PLACE = 0x4155474d,
       PURPOSE_WINDOW,
       PURPOSE_CUTOUT,
       PURPOSE_PARTNER,
       PURPOSE_SHARE = 0x41554800
};
static const uint32_t purpose_noise = 0x80000000;

bool augments(const augmentation *a) {
  return a->flip || a->shift || a->crop > 0 || a->rotate > 0 || a->cutout || a->noise > 0 ||
         a->mixup > 0;
}

static void draw(const augmentation *a, int64_t sample, uint32_t purpose, uint32_t r[4]) {
  const uint32_t key[2] = {(uint32_t)a->seed, (uint32_t)(a->seed >> 32)};
  const uint32_t ctr[4] = {(uint32_t)sample, purpose, (uint32_t)a->epoch,
                           (uint32_t)(a->epoch >> 32)};
  philox4x32_10(ctr, key, r);
}

/* In [0, 1). */
static double unit(uint32_t r) { return r * 0x1p-32; }

/* ---- moving by whole positions ---- */

typedef struct {
  bool mirror;
  int down, right;
} change;

static change draw_change(const augmentation *a, int64_t sample, const augment_form *f) {
  uint32_t r[4];
  draw(a, sample, PURPOSE_PLACE, r);
  const uint64_t span = 2 * (uint64_t)a->shift + 1;
  return (change){a->flip && f->image && r[0] >> 31,
                  f->image ? (int)(r[1] * span >> 32) - a->shift : 0,
                  (int)(r[2] * span >> 32) - a->shift};
}

static void change_planes(const float *from, float *to, const augment_form *f, const change *c) {
  const size_t w = (size_t)f->w, plane = (size_t)f->h * w;
  for (int k = 0; k < f->planes; k++)
    for (int y = 0; y < f->h; y++, to += w) {
      int src = y - c->down;
      if (src < 0 || src >= f->h) memset(to, 0, w * sizeof *to);
      else
        values_move_row(from + (size_t)k * plane + (size_t)src * w, f->w, c->right, c->mirror, to);
    }
}

/* ---- turning and enlarging: positions between pixels ---- */

/* sin(x) for |x| up to pi by its series, in arithmetic that is the same on every machine. */
static double sine(double x) {
  double term = x, sum = x;
  for (int k = 1; k < 16; k++) {
    term *= -x * x / ((2 * k) * (2 * k + 1));
    sum += term;
  }
  return sum;
}

/* Position (x, y) of the result is read at (ox + ax * x + bx * y, oy + ay * x + by * y). */
typedef struct {
  double ox, ax, bx, oy, ay, by;
} affine;

/* The window is turned about its centre; then mirrored and shifted as `c` says. */
static affine draw_affine(const augmentation *a, int64_t sample, const augment_form *f,
                          const change *c) {
  const double pi = 3.14159265358979323846;
  uint32_t r[4];
  draw(a, sample, PURPOSE_WINDOW, r);
  const double share = a->crop > 0 && f->image ? a->crop + (1 - a->crop) * unit(r[0]) : 1;
  const double angle = f->image ? (2 * unit(r[1]) - 1) * a->rotate * pi / 180 : 0;
  const double cosine = sine(pi / 2 - fabs(angle)) * share, turn = sine(angle) * share;
  const double mx = (f->w - 1) / 2.0, my = (f->h - 1) / 2.0, sign = c->mirror ? -1 : 1;
  affine t = {.ax = sign * cosine, .bx = -turn, .ay = sign * turn, .by = cosine};
  t.ox =
      mx + (1 - share) * (2 * unit(r[2]) - 1) * mx - t.ax * (mx + c->right) - t.bx * (my + c->down);
  t.oy =
      my + (1 - share) * (2 * unit(r[3]) - 1) * my - t.ay * (mx + c->right) - t.by * (my + c->down);
  return t;
}

/* Where four neighbours lie, and their weights; those outside weigh nothing. */
typedef struct {
  int64_t at[4];
  float weight[4];
} taps;

static int floor_of(double v) {
  const int i = (int)v;
  return i - (v < i);
}

static taps taps_at(const augment_form *f, double x, double y) {
  const int fx = floor_of(x), fy = floor_of(y);
  const float px = (float)(x - fx), py = (float)(y - fy);
  const bool left = fx >= 0 && fx < f->w, right = fx >= -1 && fx < f->w - 1,
             above = fy >= 0 && fy < f->h, below = fy >= -1 && fy < f->h - 1;
  const int64_t at = (int64_t)fy * f->w + fx;
  taps t = {{0}, {0}};
  if (above && left) t.at[0] = at, t.weight[0] = (1 - px) * (1 - py);
  if (above && right) t.at[1] = at + 1, t.weight[1] = px * (1 - py);
  if (below && left) t.at[2] = at + f->w, t.weight[2] = (1 - px) * py;
  if (below && right) t.at[3] = at + f->w + 1, t.weight[3] = px * py;
  return t;
}

static void take_nearest(const augment_form *f, double x, double y, const float *from, float *to) {
  const int nx = floor_of(x + 0.5), ny = floor_of(y + 0.5);
  const int64_t plane = (int64_t)f->h * f->w;
  const bool inside = nx >= 0 && nx < f->w && ny >= 0 && ny < f->h;
  const int64_t at = inside ? (int64_t)ny * f->w + nx : 0;
  for (int64_t k = 0; k < f->planes; k++) to[k * plane] = inside ? from[k * plane + at] : 0;
}

static void take_between(const augment_form *f, double x, double y, const float *from, float *to) {
  const int64_t plane = (int64_t)f->h * f->w;
  const taps t = taps_at(f, x, y);
  for (int64_t k = 0; k < f->planes; k++, from += plane)
    to[k * plane] = (from[t.at[0]] * t.weight[0] + from[t.at[1]] * t.weight[1]) +
                    (from[t.at[2]] * t.weight[2] + from[t.at[3]] * t.weight[3]);
}

static void map_planes(const float *from, float *to, const augment_form *f, const affine *t) {
  for (int y = 0; y < f->h; y++)
    for (int x = 0; x < f->w; x++, to++) {
      const double sx = t->ox + t->ax * x + t->bx * y, sy = t->oy + t->ay * x + t->by * y;
      if (f->whole) take_nearest(f, sx, sy, from, to);
      else take_between(f, sx, sy, from, to);
    }
}

void augment_place(const augmentation *a, int64_t sample, const augment_form *f, float *v,
                   float *copy) {
  const bool between = (a->crop > 0 || a->rotate > 0) && f->image;
  if (!between && !a->shift && !a->flip) return;
  const change c = draw_change(a, sample, f);
  memcpy(copy, v, (size_t)f->planes * (size_t)f->h * (size_t)f->w * sizeof *v);
  if (between) {
    const affine t = draw_affine(a, sample, f, &c);
    map_planes(copy, v, f, &t);
  } else change_planes(copy, v, f, &c);
}

/* ---- values ---- */

void augment_cutout(const augmentation *a, int64_t sample, const augment_form *f, float *v) {
  uint32_t r[4];
  draw(a, sample, PURPOSE_CUTOUT, r);
  const int y = f->image ? (int)(r[0] * (uint64_t)f->h >> 32) - a->cutout / 2 : 0,
            x = (int)(r[1] * (uint64_t)f->w >> 32) - a->cutout / 2;
  for (int k = 0; k < f->planes; k++, v += (size_t)f->h * (size_t)f->w)
    for (int i = y < 0 ? 0 : y; i < f->h && i < y + a->cutout; i++)
      for (int j = x < 0 ? 0 : x; j < f->w && j < x + a->cutout; j++) v[i * f->w + j] = 0;
}

void augment_noise(const augmentation *a, int64_t sample, int64_t n, float *v) {
  const double spread = 147.80053; /* of the sum of four bytes: sqrt(4 * (256^2 - 1) / 12) */
  const uint32_t key[2] = {(uint32_t)a->seed, (uint32_t)(a->seed >> 32)};
  const uint32_t ctr[4] = {(uint32_t)sample, purpose_noise, (uint32_t)a->epoch,
                           (uint32_t)(a->epoch >> 32)};
  values_add_noise(ctr, key, (float)(a->noise / spread), n, v);
}

/* A share from Beta(alpha, alpha), by Joehnk's method (1964), in steps of 1/1024: the last bits of
   pow depend on the machine. */
static double draw_share(const augmentation *a, int64_t sample) {
  for (uint32_t k = 0; k < 1000; k++) {
    uint32_t r[4];
    draw(a, sample, PURPOSE_SHARE + k, r);
    const double x = pow(unit(r[0]), 1 / a->mixup), y = pow(unit(r[1]), 1 / a->mixup);
    if (x + y > 0 && x + y <= 1) return floor(x / (x + y) * 1024 + 0.5) / 1024;
  }
  return 1;
}

augment_mix augment_partner(const augmentation *a, int64_t sample) {
  uint32_t r[4];
  draw(a, sample, PURPOSE_PARTNER, r);
  const uint64_t bits = (uint64_t)r[0] << 32 | r[1];
  const int64_t k = (int64_t)((unsigned __int128)bits * (uint64_t)a->n_train >> 64);
  augment_mix m = {.sample = a->train[k], .share = draw_share(a, sample)};
  m.own = unit(r[2]) < m.share;
  return m;
}
