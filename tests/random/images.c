/* Layers of images. Shapes are computed here by the textbook's formulas, not asked of netc: a
   network that netc refuses is a finding like any other. */
#include "author.h"
#include <stddef.h>

int window_size(window x, int n) { return (n + 2 * x.p - x.d * (x.k - 1) - 1) / x.s + 1; }

static bool window_fits(window x, int n) { return n + 2 * x.p >= x.d * (x.k - 1) + 1; }

/* Windows that lie in the padding altogether are legal for convolutions. */
window random_window(author *a, int n) {
  stream *r = &a->r;
  window x = {.s = chance(r, 65) ? 1 : between(r, 2, 4), .d = chance(r, 85) ? 1 : between(r, 2, 3)};
  x.k = chance(r, 40) ? 3 : chance(r, 20) ? 5 : between(r, 1, 7);
  x.p = chance(r, 40) ? 0 : chance(r, 60) ? x.k / 2 : between(r, 0, 5);
  while (!window_fits(x, n)) {
    if (x.d > 1) x.d--;
    else x.k--;
  }
  return x;
}

static void put_pair(author *a, const char *name, int h, int w, int standard) {
  if (h == w && h == standard) return;
  if (h == w) put(a, " %s%d", name, h);
  else if (h == 0) put(a, " %s=%dx%d", name, h, w);
  else put(a, " %s%dx%d", name, h, w);
}

void put_windows(author *a, window h, window w) {
  put_pair(a, "k", h.k, w.k, 0);
  put_pair(a, "s", h.s, w.s, 1);
  put_pair(a, "p", h.p, w.p, 0);
  put_pair(a, "d", h.d, w.d, 1);
}

static window second_window(author *a, window h) {
  return chance(&a->r, 70) && window_fits(h, a->at.w) ? h : random_window(a, a->at.w);
}

/* Both sums go over one divisor of each. */
int random_groups(author *a, int c, int o) {
  int g = between(&a->r, 2, 4);
  return chance(&a->r, 30) && c % g == 0 && o % g == 0 ? g : 1;
}

static bool put_conv(author *a) {
  window h = random_window(a, a->at.h), w = second_window(a, h);
  int o = size_up_to(&a->r, 33), g;
  if (chance(&a->r, 10) && a->at.c % 2 == 0) o = a->at.c;
  g = random_groups(a, a->at.c, o);
  shape to = {o, window_size(h, a->at.h), window_size(w, a->at.w), 3};
  if (elements(to) > 9000 || !afford(a, (double)elements(to) * h.k * w.k * a->at.c / g))
    return false;
  put(a, "conv %d", o);
  put_windows(a, h, w);
  if (g > 1) put(a, " g%d", g);
  if (chance(&a->r, 20)) put(a, " bias=0");
  put_words(a);
  a->at = to;
  return true;
}

static bool put_depthwise(author *a) {
  window h = random_window(a, a->at.h), w = second_window(a, h);
  shape to = {a->at.c, window_size(h, a->at.h), window_size(w, a->at.w), 3};
  if (elements(to) > 9000 || !afford(a, (double)elements(to) * h.k * w.k)) return false;
  put(a, "dw");
  put_windows(a, h, w);
  if (chance(&a->r, 20)) put(a, " bias=0");
  put_words(a);
  a->at = to;
  return true;
}

window pool_window(author *a, int n) {
  window x = {.k = between(&a->r, 1, 4), .d = 1};
  if (chance(&a->r, 30)) x.p = between(&a->r, 0, x.k / 2);
  while (!window_fits(x, n)) x.k--;
  if (x.p > x.k / 2) x.p = x.k / 2;
  if (!window_fits(x, n)) x = (window){.k = 1, .d = 1};
  x.s = chance(&a->r, 60) ? x.k : between(&a->r, 1, 4);
  return x;
}

static bool put_pool(author *a) {
  window h = pool_window(a, a->at.h), w = pool_window(a, a->at.w);
  if (chance(&a->r, 60) && window_fits(h, a->at.w)) w = h;
  shape to = {a->at.c, window_size(h, a->at.h), window_size(w, a->at.w), 3};
  if (!afford(a, (double)elements(to) * h.k * w.k)) return false;
  put(a, "%s", chance(&a->r, 50) ? "maxpool" : "avgpool");
  put_pair(a, "k", h.k, w.k, 0);
  if (h.s != h.k || w.s != w.k) put_pair(a, "s", h.s, w.s, 0);
  put_pair(a, "p", h.p, w.p, 0);
  put_words(a);
  a->at = to;
  return true;
}

static bool put_mean(author *a) {
  put(a, "gap");
  put_words(a);
  a->at = (shape){a->at.c, 1, 1, 3};
  return true;
}

static bool put_deconv(author *a) {
  stream *r = &a->r;
  window x = {between(r, 1, 4), between(r, 1, 3), 0, chance(r, 85) ? 1 : 2};
  int reach = x.d * (x.k - 1) + 1, o = size_up_to(r, 17);
  shape to = {o, (a->at.h - 1) * x.s + reach, (a->at.w - 1) * x.s + reach, 3};
  if (chance(r, 40) && to.h > 2 && to.w > 2) x.p = 1;
  to.h -= 2 * x.p, to.w -= 2 * x.p;
  if (elements(to) > 9000 || !afford(a, (double)elements(a->at) * o * x.k * x.k)) return false;
  put(a, "deconv %d", o);
  put_windows(a, x, x);
  if (x.s > 1 && chance(r, 30)) {
    put(a, " extra=1");
    to.h++, to.w++;
  }
  put_words(a);
  a->at = to;
  return true;
}

static bool put_upsample(author *a) {
  int h = between(&a->r, 1, 3), w = chance(&a->r, 60) ? h : between(&a->r, 1, 3);
  shape to = {a->at.c, a->at.h * h, a->at.w * w, 3};
  if (elements(to) > 9000 || !afford(a, elements(to))) return false;
  if (h == w) put(a, "upsample %d", h);
  else put(a, "upsample %dx%d", h, w);
  a->at = to;
  return true;
}

/* Some rows or columns. */
static bool put_part(author *a) {
  bool height = chance(&a->r, 50);
  int *n = height ? &a->at.h : &a->at.w, from = below(&a->r, *n), to = between(&a->r, from + 1, *n);
  if (a->at.rank != 3) return false;
  put(a, "slice %d %d along=%s", from, to, height ? "height" : "width");
  *n = to - from;
  return true;
}

static bool put_transpose(author *a) {
  if (a->at.rank != 3) return false;
  put(a, "transpose");
  a->at = (shape){a->at.c, a->at.w, a->at.h, 3};
  return true;
}

static bool put_shuffle(author *a) {
  int g = between(&a->r, 2, 4);
  if (a->at.c % g || a->at.rank != 3) return false;
  put(a, "shuffle %d", g);
  return true;
}

/* Squares to channels, or back. */
static bool put_squares(author *a) {
  int b = between(&a->r, 1, 3);
  shape s = a->at;
  if (s.rank != 3) return false;
  if (s.h % b == 0 && s.w % b == 0 && s.c < 20) {
    put(a, "space_to_depth %d", b);
    a->at = (shape){s.c * b * b, s.h / b, s.w / b, 3};
    return true;
  }
  if (s.c % (b * b)) return false;
  put(a, "depth_to_space %d", b);
  a->at = (shape){s.c / (b * b), s.h * b, s.w * b, 3};
  return true;
}

static bool put_maximum(author *a) {
  put(a, "gmp");
  put_words(a);
  a->at = (shape){a->at.c, 1, 1, 3};
  return true;
}

static bool put_neighbours(author *a) {
  if (!afford(a, 5.0 * elements(a->at))) return false;
  put(a, "lrn %d", between(&a->r, 1, 5));
  a->at.rank = 3;
  return true;
}

static bool put_sequence(author *a) {
  if (a->at.rank != 3 || a->at.h * a->at.w > 40) return false;
  put(a, "sequence");
  a->at = (shape){a->at.c, 1, a->at.h * a->at.w, 2};
  return true;
}

/* An image times one value a channel. */
static bool put_gate(author *a) {
  if (!afford(a, (double)a->at.c * a->at.c + elements(a->at))) return false;
  put(a, "mul {} { gap; conv %d k1 sigmoid; }", a->at.c);
  a->at.rank = 3;
  return true;
}

static bool put_repeat(author *a) {
  int n = between(&a->r, 2, 3), k = chance(&a->r, 60) ? 3 : 5;
  if (!afford(a, (double)elements(a->at) * a->at.c * k * k * n)) return false;
  put(a, "repeat %d { conv %d k%d p%d", n, a->at.c, k, k / 2);
  put_words(a);
  put(a, "; }");
  a->at.rank = 3;
  return true;
}

/* The block's definition stands above; its body keeps heights and widths. */
static bool put_block(author *a) {
  int c = size_up_to(&a->r, 20);
  if (!afford(a, (double)elements(a->at) * c * 9 + (double)a->at.h * a->at.w * c * c * 9))
    return false;
  put(a, "%s %d", chance(&a->r, 50) ? "plain" : "residual", c);
  a->at.c = c, a->at.rank = 3;
  return true;
}

const maker image_makers[] = {{put_conv, 30},    {put_depthwise, 8}, {put_pool, 12},
                              {put_mean, 2},     {put_gate, 3},      {put_repeat, 3},
                              {put_block, 4},    {put_deconv, 4},    {put_upsample, 2},
                              {put_part, 2},     {put_transpose, 1}, {put_shuffle, 2},
                              {put_squares, 2},  {put_maximum, 1},   {put_neighbours, 1},
                              {put_sequence, 3}, {NULL, 0}};
