/* Layers of sequences: windows over the positions, attention, recurrences. */
#include "author.h"
#include <stddef.h>

enum { MOST_STEPS = 40 };

/* `p=same` and `p=causal`: the length that comes out, or the window's own. */
static int put_padding(author *a, window x) {
  stream *r = &a->r;
  int n = a->at.w;
  if (chance(r, 30)) {
    put(a, " p=same");
    return (n + x.s - 1) / x.s;
  }
  if (chance(r, 30)) {
    put(a, " p=causal");
    return (n - 1) / x.s + 1;
  }
  if (x.p) put(a, " p%d", x.p);
  return window_size(x, n);
}

static void put_window(author *a, window x) {
  put(a, " k%d", x.k);
  if (x.s > 1) put(a, " s%d", x.s);
  if (x.d > 1) put(a, " d%d", x.d);
  a->at.w = put_padding(a, x);
}

static bool put_conv(author *a) {
  window x = random_window(a, a->at.w);
  int o = size_up_to(&a->r, 33), g = random_groups(a, a->at.c, o);
  if (!afford(a, (double)(a->at.w + 5) * o * x.k * a->at.c / g)) return false;
  put(a, "conv %d", o);
  put_window(a, x);
  if (g > 1) put(a, " g%d", g);
  if (chance(&a->r, 20)) put(a, " bias=0");
  put_words(a);
  a->at.c = o;
  return true;
}

static bool put_depthwise(author *a) {
  window x = random_window(a, a->at.w);
  if (!afford(a, (double)(elements(a->at) + 5) * x.k)) return false;
  put(a, "dw");
  put_window(a, x);
  put_words(a);
  return true;
}

static bool put_pool(author *a) {
  window x = pool_window(a, a->at.w);
  if (!afford(a, (double)elements(a->at) * x.k)) return false;
  put(a, "%s %d", chance(&a->r, 50) ? "maxpool" : "avgpool", x.k);
  if (x.s != x.k) put(a, " s%d", x.s);
  if (x.p) put(a, " p%d", x.p);
  put_words(a);
  a->at.w = window_size(x, a->at.w);
  return true;
}

static bool put_mean(author *a) {
  put(a, "gap");
  a->at = (shape){a->at.c, 1, 1, 1};
  return true;
}

static bool put_upsample(author *a) {
  int k = between(&a->r, 1, 3);
  if (a->at.w * k > 60 || !afford(a, elements(a->at) * k)) return false;
  put(a, "upsample %d", k);
  a->at.w *= k;
  return true;
}

static bool put_part(author *a) {
  int from = below(&a->r, a->at.w), to = between(&a->r, from + 1, a->at.w);
  put(a, "slice %d %d along=length", from, to);
  a->at.w = to - from;
  return true;
}

static bool put_transpose(author *a) {
  if (a->at.c > 60) return false;
  put(a, "transpose");
  a->at = (shape){a->at.w, 1, a->at.c, 2};
  return true;
}

static bool put_shuffle(author *a) {
  int g = between(&a->r, 2, 4);
  if (a->at.c % g) return false;
  put(a, "shuffle %d", g);
  return true;
}

static bool put_position(author *a) {
  put(a, "position");
  return afford(a, elements(a->at)) || true;
}

/* --- attention --- */

/* A divisor of c, up to 4. */
static int random_heads(author *a, int c) {
  int n = between(&a->r, 1, 4);
  return c % n ? 1 : n;
}

static void put_attention_words(author *a, int heads) {
  if (heads > 1) put(a, " heads=%d", heads);
  if (chance(&a->r, 40)) put(a, " causal=1");
}

static bool put_attention(author *a) {
  double n = a->at.w, c = a->at.c;
  if (!afford(a, 4 * n * c * c + 4 * n * n * c)) return false;
  put(a, "attention");
  put_attention_words(a, random_heads(a, a->at.c));
  if (chance(&a->r, 20)) put(a, " bias=0");
  return true;
}

/* Queries, keys and values of their own, in sequences of one or two lengths. */
static bool put_queries(author *a) {
  int c = size_up_to(&a->r, 17), d = chance(&a->r, 60) ? c : size_up_to(&a->r, 17);
  int heads = random_heads(a, c), half = a->at.w > 1 && chance(&a->r, 40);
  double n = a->at.w;
  if (d % heads) heads = 1;
  if (!afford(a, 3 * n * a->at.c * (c + d) + 4 * n * n * (c + d))) return false;
  const char *fewer = half ? "maxpool 2; " : "";
  put(a, "attention { dense %d; } { %sdense %d; } { %sdense %d; }", c, fewer, c, fewer, d);
  put_attention_words(a, heads);
  a->at.c = d;
  return true;
}

static bool put_rope(author *a) {
  int heads = between(&a->r, 1, 3);
  if (a->at.c % (2 * heads)) return false;
  put(a, "rope");
  if (heads > 1) put(a, " heads=%d", heads);
  if (chance(&a->r, 30)) put(a, " base=100");
  return true;
}

/* --- recurrences --- */

static bool put_recurrence(author *a) {
  int kind = below(&a->r, 3), o = size_up_to(&a->r, 17);
  if (kind == 2) o = a->at.c;
  if (a->at.w > MOST_STEPS || !afford(a, 8.0 * a->at.w * o * (kind == 2 ? 1 : a->at.c + o)))
    return false;
  if (kind == 2) put(a, "ssm");
  else put(a, "%s %d", kind ? "gru" : "lstm", o);
  a->at.c = o;
  return true;
}

/* A sequence times one value a channel. */
static bool put_gate(author *a) {
  if (!afford(a, (double)a->at.c * a->at.c + elements(a->at))) return false;
  put(a, "mul {} { gap; dense %d sigmoid; }", a->at.c);
  return true;
}

const maker sequence_makers[] = {{put_conv, 22},       {put_depthwise, 6}, {put_pool, 8},
                                 {put_mean, 2},        {put_upsample, 3},  {put_part, 4},
                                 {put_transpose, 3},   {put_shuffle, 2},   {put_position, 4},
                                 {put_attention, 9},   {put_queries, 7},   {put_rope, 5},
                                 {put_recurrence, 12}, {put_gate, 3},      {NULL, 0}};
