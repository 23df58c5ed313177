/* Layers that take any shape. */
#include "author.h"
#include <stddef.h>

const char *activation(author *a) {
  static const char *const word[] = {"relu", "relu", "relu6",     "leaky_relu",
                                     "elu",  "silu", "gelu",      "sigmoid",
                                     "tanh", "mish", "hardswish", "hardsigmoid"};
  return word[below(&a->r, (int)(sizeof word / sizeof *word))];
}

void put_words(author *a) {
  if (chance(&a->r, 15)) put(a, " bn");
  if (chance(&a->r, 45)) put(a, " %s", activation(a));
  if (chance(&a->r, 6)) put(a, " dropout=0.%d", between(&a->r, 1, 7));
}

static bool put_linear(author *a) {
  int o = size_up_to(&a->r, 40);
  if (!afford(a, (double)elements(a->at) * o)) return false;
  put(a, "linear %d%s", o, chance(&a->r, 20) ? " bias=0" : "");
  put_words(a);
  a->at = (shape){o, 1, 1, 1};
  return true;
}

static bool put_dense(author *a) {
  int o = size_up_to(&a->r, 33);
  if (!afford(a, (double)elements(a->at) * o)) return false;
  put(a, "dense %d%s", o, chance(&a->r, 20) ? " bias=0" : "");
  put_words(a);
  a->at.c = o;
  return true;
}

static bool put_same(author *a) {
  static const char *const word[] = {"bn", "softmax", "dropout", "elu a=0.5",
                                     "leaky_relu slope=0.2"};
  if (!afford(a, elements(a->at))) return false;
  put(a, "%s", chance(&a->r, 50) ? activation(a) : word[below(&a->r, 5)]);
  return true;
}

static bool put_norm(author *a) {
  static const char *const word[] = {"layernorm", "layernorm bias=0", "rmsnorm", "scale", "prelu"};
  int g = random_groups(a, a->at.c, a->at.c);
  if (!afford(a, 4.0 * elements(a->at))) return false;
  if (chance(&a->r, 25)) put(a, "groupnorm %d", g);
  else put(a, "%s", word[below(&a->r, 5)]);
  return true;
}

/* Some of the channels; half of them times the others. */
static bool put_channels(author *a) {
  int n = a->at.c, from = below(&a->r, n), to = between(&a->r, from + 1, n);
  if (n % 2 == 0 && chance(&a->r, 40)) {
    put(a, "glu");
    a->at.c /= 2;
  } else {
    put(a, "slice %d %d", from, to);
    a->at.c = to - from;
  }
  return true;
}

static bool put_flatten(author *a) {
  if (a->at.rank == 1) return false;
  put(a, "flatten");
  a->at = (shape){elements(a->at), 1, 1, 1};
  return true;
}

/* Numbers as an image. */
static bool put_unflatten(author *a) {
  int h = between(&a->r, 1, 4), w = between(&a->r, 1, 4);
  if (a->at.rank != 1 || a->at.c % (h * w)) return false;
  a->at = (shape){a->at.c / (h * w), h, w, 3};
  put(a, "unflatten %d %d %d", a->at.c, h, w);
  return true;
}

static bool takes(const own_operator *o, shape at) {
  return !o->second.rank && same_shape(o->in, at) && o->in.rank == at.rank;
}

/* An operator of the file's own: the one that was written for this shape, or a new one, at times of
   two inputs. */
static bool put_own(author *a) {
  own_operator *o = NULL;
  const label *z = a->n_label && chance(&a->r, 40) ? &a->label[below(&a->r, a->n_label)] : NULL;
  if (z && z->below) z = NULL;
  for (int i = 0; i < a->n_own && !z; i++)
    if (takes(&a->own[i], a->at) && chance(&a->r, 50)) o = &a->own[i];
  if (!o && a->n_own == MAX_OWN) return false;
  if (!o && !(o = write_operator(a, z ? &z->at : NULL))) return false;
  if (!afford(a, o->work)) return false;
  if (z) put(a, "%s {} @%s%s", o->name, z->name, chance(&a->r, 20) ? " b=0.75" : "");
  else put(a, "%s%s", o->name, chance(&a->r, 20) ? "=0.75" : "");
  put_words(a);
  a->at = o->out;
  return true;
}

const maker any_makers[] = {{put_linear, 4},   {put_dense, 5},   {put_same, 10},     {put_norm, 5},
                            {put_channels, 4}, {put_flatten, 1}, {put_unflatten, 1}, {NULL, 0}};

bool put_one_of(author *a, const maker *makers) {
  const maker *const kinds[] = {makers, any_makers, join_makers};
  int sum = 0;
  if (chance(&a->r, a->own_percent) && put_own(a)) return true;
  for (int i = 0; i < 3; i++)
    for (const maker *m = kinds[i]; m->put; m++) sum += m->weight;
  int at = below(&a->r, sum);
  for (int i = 0; i < 3; i++)
    for (const maker *m = kinds[i]; m->put; m++)
      if ((at -= m->weight) < 0) return m->put(a);
  return false;
}
