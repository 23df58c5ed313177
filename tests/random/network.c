/* Random legal networks. Shapes are computed here by the textbook's formulas, not asked of netc: a
   network that netc refuses is a finding like any other. */
#include "author.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void put(author *a, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(a->body, format, args);
  va_end(args);
}

static int elements(shape s) { return s.c * s.h * s.w; }

static bool same_shape(shape a, shape b) { return a.c == b.c && a.h == b.h && a.w == b.w; }

/* Takes work from what is left, or refuses. */
static bool afford(author *a, double work) {
  if (a->work + work > a->most) return false;
  a->work += work;
  return true;
}

/* --- layers of one input --- */

static const char *activation(author *a) {
  static const char *const word[] = {"relu", "relu", "relu6",   "leaky_relu", "elu",
                                     "silu", "gelu", "sigmoid", "tanh"};
  return word[below(&a->r, (int)(sizeof word / sizeof *word))];
}

/* Bare words after a layer. */
static void put_words(author *a) {
  if (chance(&a->r, 15)) put(a, " bn");
  if (chance(&a->r, 45)) put(a, " %s", activation(a));
  if (chance(&a->r, 6)) put(a, " dropout=0.%d", between(&a->r, 1, 7));
}

/* One of the two sizes of a window. */
typedef struct {
  int k, s, p, d;
} window;

static int window_size(window x, int n) { return (n + 2 * x.p - x.d * (x.k - 1) - 1) / x.s + 1; }

static bool window_fits(window x, int n) { return n + 2 * x.p >= x.d * (x.k - 1) + 1; }

/* Windows that lie in the padding altogether are legal for convolutions. */
static window random_window(author *a, int n) {
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

static void put_windows(author *a, window h, window w) {
  put_pair(a, "k", h.k, w.k, 0);
  put_pair(a, "s", h.s, w.s, 1);
  put_pair(a, "p", h.p, w.p, 0);
  put_pair(a, "d", h.d, w.d, 1);
}

static window second_window(author *a, window h) {
  return chance(&a->r, 70) && window_fits(h, a->at.w) ? h : random_window(a, a->at.w);
}

/* Both sums go over one divisor of each. */
static int random_groups(author *a, int c, int o) {
  int g = between(&a->r, 2, 4);
  return chance(&a->r, 30) && c % g == 0 && o % g == 0 ? g : 1;
}

static bool put_conv(author *a) {
  window h = random_window(a, a->at.h), w = second_window(a, h);
  int o = size_up_to(&a->r, 33), g;
  if (chance(&a->r, 10) && a->at.c % 2 == 0) o = a->at.c;
  g = random_groups(a, a->at.c, o);
  shape to = {o, window_size(h, a->at.h), window_size(w, a->at.w)};
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
  shape to = {a->at.c, window_size(h, a->at.h), window_size(w, a->at.w)};
  if (elements(to) > 9000 || !afford(a, (double)elements(to) * h.k * w.k)) return false;
  put(a, "dw");
  put_windows(a, h, w);
  if (chance(&a->r, 20)) put(a, " bias=0");
  put_words(a);
  a->at = to;
  return true;
}

static window pool_window(author *a, int n) {
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
  shape to = {a->at.c, window_size(h, a->at.h), window_size(w, a->at.w)};
  if (!afford(a, (double)elements(to) * h.k * w.k)) return false;
  put(a, "%s", chance(&a->r, 50) ? "maxpool" : "avgpool");
  put_pair(a, "k", h.k, w.k, 0);
  if (h.s != h.k || w.s != w.k) put_pair(a, "s", h.s, w.s, 0);
  put_pair(a, "p", h.p, w.p, 0);
  put_words(a);
  a->at = to;
  return true;
}

static bool put_linear(author *a) {
  int o = size_up_to(&a->r, 40);
  if (!afford(a, (double)elements(a->at) * o)) return false;
  put(a, "linear %d%s", o, chance(&a->r, 20) ? " bias=0" : "");
  put_words(a);
  a->at = (shape){o, 1, 1};
  return true;
}

static bool put_mean(author *a) {
  put(a, "gap");
  put_words(a);
  a->at = (shape){a->at.c, 1, 1};
  return true;
}

static bool put_same(author *a) {
  static const char *const word[] = {"bn", "softmax", "dropout", "elu a=0.5",
                                     "leaky_relu slope=0.2"};
  if (!afford(a, elements(a->at))) return false;
  put(a, "%s", chance(&a->r, 50) ? activation(a) : word[below(&a->r, 5)]);
  return true;
}

static bool put_own(author *a) {
  own_operator *o = NULL;
  for (int i = 0; i < a->n_own; i++)
    if ((a->own[i].any || same_shape(a->own[i].in, a->at)) && chance(&a->r, 50)) o = &a->own[i];
  if (!o && a->n_own == MAX_OWN) return false;
  if (!o && !(o = write_operator(a))) return false;
  if (!afford(a, o->work * (o->any ? elements(a->at) : 1))) return false;
  put(a, "%s%s", o->name, chance(&a->r, 20) ? "=0.75" : "");
  put_words(a);
  if (!o->any) a->at = o->out;
  return true;
}

/* --- joins --- */

static void put_layers(author *a, int n);

/* A layer that makes `to` of a->at: a convolution whose padding and window give these sizes. */
static bool put_fitting(author *a, shape to) {
  int ph = to.h > a->at.h ? (to.h - a->at.h + 1) / 2 : 0;
  int pw = to.w > a->at.w ? (to.w - a->at.w + 1) / 2 : 0;
  int kh = a->at.h + 2 * ph - to.h + 1, kw = a->at.w + 2 * pw - to.w + 1;
  if (!afford(a, (double)elements(to) * a->at.c * kh * kw)) return false;
  put(a, "conv %d", to.c);
  put_windows(a, (window){kh, 1, ph, 1}, (window){kw, 1, pw, 1});
  put(a, "; ");
  a->at = to;
  return true;
}

/* A branch in braces, kept only if it comes out in a shape that the join can take. Returns its
   text (malloc'd) or NULL. */
static char *branch(author *a, shape from, int layers, const shape *want) {
  author b = *a;
  char *text;
  size_t size;
  b.at = from;
  b.depth++;
  b.body = open_memstream(&text, &size);
  put_layers(&b, layers);
  bool ok = !want || same_shape(b.at, *want) || put_fitting(&b, *want);
  fclose(b.body);
  b.body = a->body;
  b.depth--;
  *a = b;
  if (ok) return text;
  free(text);
  return NULL;
}

/* add or mul of two or three branches of one shape. */
static bool put_sum(author *a) {
  shape from = a->at, to;
  char *first = branch(a, from, between(&a->r, 1, 3), NULL);
  to = a->at;
  int more = chance(&a->r, 20) ? 2 : 1;
  char *other[2] = {NULL, NULL};
  bool ok = true;
  for (int i = 0; i < more && ok; i++) {
    if (same_shape(from, to) && chance(&a->r, 60)) other[i] = strdup("");
    else ok = (other[i] = branch(a, from, below(&a->r, 2), &to)) != NULL;
  }
  a->at = ok ? to : from;
  if (ok) put(a, "%s { %s} { %s}", chance(&a->r, 70) ? "add" : "mul", first, other[0]);
  if (ok && other[1]) put(a, " { %s}", other[1]);
  if (ok) put_words(a);
  free(first), free(other[0]), free(other[1]);
  return ok;
}

/* An image times one value a channel. */
static bool put_gate(author *a) {
  if (!afford(a, (double)a->at.c * a->at.c + elements(a->at))) return false;
  put(a, "mul {} { gap; conv %d k1 sigmoid; }", a->at.c);
  return true;
}

static bool put_concat(author *a) {
  shape from = a->at, to;
  char *first = branch(a, from, between(&a->r, 0, 2), NULL);
  to = a->at;
  shape second = {size_up_to(&a->r, 20), to.h, to.w};
  char *other = branch(a, from, below(&a->r, 2), &second);
  if (other) put(a, "concat { %s} { %s}", first, other);
  if (other) put_words(a);
  a->at = other ? (shape){to.c + second.c, to.h, to.w} : from;
  free(first), free(other);
  return other != NULL;
}

/* --- labels, repeats, blocks --- */

static bool put_label(author *a) {
  if (a->n_label == MAX_LABELS || a->depth) return false;
  put(a, "l%d: %s", a->n_label, activation(a));
  a->label[a->n_label++] = a->at;
  return true;
}

static bool put_reference(author *a) {
  if (!a->n_label) return false;
  int i = below(&a->r, a->n_label);
  shape l = a->label[i];
  if (l.h != a->at.h || l.w != a->at.w) return false;
  bool equal = l.c == a->at.c && chance(&a->r, 60);
  put(a, "%s {} @l%d", !equal ? "concat" : chance(&a->r, 70) ? "add" : "mul", i);
  if (!equal) a->at.c += l.c;
  put_words(a);
  return true;
}

static bool put_repeat(author *a) {
  int n = between(&a->r, 2, 3), k = chance(&a->r, 60) ? 3 : 5;
  if (!afford(a, (double)elements(a->at) * a->at.c * k * k * n)) return false;
  put(a, "repeat %d { conv %d k%d p%d", n, a->at.c, k, k / 2);
  put_words(a);
  put(a, "; }");
  return true;
}

/* The block's definition stands above; its body keeps heights and widths. */
static bool put_block(author *a) {
  int c = size_up_to(&a->r, 20);
  if (!afford(a, (double)elements(a->at) * c * 9 + (double)a->at.h * a->at.w * c * c * 9))
    return false;
  put(a, "%s %d", chance(&a->r, 50) ? "plain" : "residual", c);
  a->at.c = c;
  return true;
}

/* --- a whole network --- */

typedef struct {
  bool (*put)(author *a);
  int weight;
} maker;

static const maker makers[] = {
    {put_conv, 30},     {put_depthwise, 8}, {put_pool, 12}, {put_linear, 4}, {put_mean, 2},
    {put_same, 10},     {put_sum, 7},       {put_gate, 3},  {put_concat, 5}, {put_label, 4},
    {put_reference, 5}, {put_repeat, 3},    {put_block, 4}};
enum { N_MAKERS = sizeof makers / sizeof *makers };

static bool put_layer(author *a) {
  int sum = 0, at;
  if (chance(&a->r, a->own_percent) && put_own(a)) return true;
  for (int i = 0; i < N_MAKERS; i++) sum += makers[i].weight;
  at = below(&a->r, sum);
  for (int i = 0; i < N_MAKERS; i++)
    if ((at -= makers[i].weight) < 0) return makers[i].put(a);
  return false;
}

static void put_layers(author *a, int n) {
  for (int tries = 4 * n; n && tries; tries--)
    if (put_layer(a)) {
      put(a, "; ");
      n--;
    }
}

static void put_train(author *a, bool own) {
  static const char *const optimizer[] = {"sgd",
                                          "sgd",
                                          "sgd momentum=0.9",
                                          "sgd momentum=0.9 nesterov=1 decay=0.01",
                                          "adam",
                                          "adam decay=0.01"};
  put(a, "\ntrain { batch %d; lr 0.05; ", a->batch);
  if (own && chance(&a->r, 15)) {
    write_optimizer(a, "own_step");
    put(a, "optimizer own_step; ");
  } else {
    put(a, "optimizer %s; ", optimizer[below(&a->r, 6)]);
  }
  if (own && (a->at.h * a->at.w > 1 || chance(&a->r, 15))) {
    write_loss(a, "own_loss");
    put(a, "loss own_loss; ");
  } else if (chance(&a->r, 25)) {
    put(a, "loss mse; ");
  }
  put(a, "}\n");
}

static void put_blocks(author *a) {
  put(a, "block plain(c, k=3) { conv c k=k p1 %s; }\n", activation(a));
  put(a, "block residual(c) { add { conv c k3 p1 bn relu; conv c k3 p1; } { conv c k1; } %s; }\n",
      activation(a));
}

static void put_network(author *a, bool own) {
  stream *r = &a->r;
  int classes = chance(r, 15) ? 1 : between(r, 2, 18);
  a->at = (shape){size_up_to(r, 33), size_up_to(r, 24), 0};
  a->at.w = chance(r, 60) ? a->at.h : size_up_to(r, 24);
  while (elements(a->at) > 4000) a->at.h = (a->at.h + 1) / 2, a->at.w = (a->at.w + 1) / 2;
  a->batch = chance(r, 80) ? between(r, 1, 5) : size_up_to(r, 33);
  a->most = (chance(r, 80) ? 2e5 : 2e6) / a->batch + 100;
  put_blocks(a);
  put(a, "input %dx%dx%d; classes %d;\n", a->at.c, a->at.h, a->at.w, classes);
  put_layers(a, chance(r, 8)    ? between(r, 6, 12)
                : chance(r, 50) ? between(r, 1, 2)
                                : between(r, 2, 4));
  bool open = own && chance(r, 10); /* an image as output, for a loss of its own */
  if (!open || a->at.c != classes) put(a, open ? "conv classes k1;" : "linear classes;");
  a->at = (shape){classes, open ? a->at.h : 1, open ? a->at.w : 1};
  put_train(a, own);
}

char *random_network(uint64_t seed, bool own) {
  char *body, *operators, *text;
  size_t size;
  author a = {.r = {seed * 0x2545f4914f6cdd1du + 1}, .own_percent = own ? 45 : 0};
  a.body = open_memstream(&body, &size);
  a.operators = open_memstream(&operators, &size);
  put_network(&a, own);
  fclose(a.body);
  fclose(a.operators);
  if (asprintf(&text, "%s%s", operators, body) < 0) abort();
  free(body), free(operators);
  return text;
}
