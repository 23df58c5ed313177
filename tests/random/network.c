/* Random legal networks. Shapes are computed here by the textbook's formulas, not asked of netc: a
   network that netc refuses is a finding like any other. */
#include "author.h"
#include <stdarg.h>
#include <stdlib.h>

void put(author *a, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(a->body, format, args);
  va_end(args);
}

int elements(shape s) { return s.c * s.h * s.w; }

bool same_shape(shape a, shape b) { return a.c == b.c && a.h == b.h && a.w == b.w; }

bool afford(author *a, double work) {
  if (a->work + work > a->most) return false;
  a->work += work;
  return true;
}

void put_layers(author *a, int n) {
  for (int tries = 4 * n; n && tries; tries--)
    if (put_one_of(a, a->at.rank == 2 ? sequence_makers : image_makers)) {
      put(a, "; ");
      n--;
    }
}

#define TEXT(name, text) text,
const char *const construct_name[N_CONSTRUCTS] = {CONSTRUCTS(TEXT)};
#undef TEXT

static void put_blocks(author *a) {
  fprintf(a->operators, "block plain(c, k=3) { conv c k=k p1 %s; }\n", activation(a));
  fprintf(a->operators,
          "block residual(c) { add { conv c k3 p1 bn relu; conv c k3 p1; } { conv c k1; } %s; }\n",
          activation(a));
}

static void put_train(author *a, bool own) {
  static const char *const optimizer[] = {"sgd",
                                          "sgd",
                                          "sgd momentum=0.9",
                                          "sgd momentum=0.9 nesterov=1 decay=0.01",
                                          "adam",
                                          "adamw vectors=0",
                                          "adam decay=0.01",
                                          "rmsprop momentum=0.5"};
  fprintf(a->train, "\ntrain { batch %d; lr 0.05; ", a->batch);
  if (own && chance(&a->r, 15)) {
    write_optimizer(a, "own_step");
    fputs("optimizer own_step; ", a->train);
  } else {
    fprintf(a->train, "optimizer %s; ", optimizer[below(&a->r, 8)]);
  }
  if (chance(&a->r, 10)) fprintf(a->train, "clip 0.%d; ", between(&a->r, 1, 9));
}

static void put_network(author *a, bool own) {
  stream *r = &a->r;
  static const int small[] = {1, 3, 7, 32};
  a->batch = chance(r, 60)   ? between(r, 1, 5)
             : chance(r, 50) ? small[below(r, 4)]
                             : size_up_to(r, 33);
  a->most = (chance(r, 80) ? 2e5 : 2e6) / a->batch + 100;
  put_blocks(a);
  put_inputs(a);
  put_layers(a, chance(r, 8)    ? between(r, 6, 12)
                : chance(r, 50) ? between(r, 1, 2)
                                : between(r, 2, 4));
  put_train(a, own);
  put_targets(a, own);
}

/* Four texts that are written side by side, one after the other. */
char *random_network(uint64_t seed, network_kind kind, uint32_t *found) {
  char *part[4], *text;
  size_t size;
  author a = {.r = {seed * 0x2545f4914f6cdd1du + 1}, .own_percent = kind == OWN ? 45 : 0};
  FILE **const to[] = {&a.operators, &a.ports, &a.body, &a.train};
  for (int i = 0; i < 4; i++) *to[i] = open_memstream(&part[i], &size);
  if (kind == TANGLED) put_tangled_network(&a);
  else put_network(&a, kind == OWN);
  *found = a.found;
  for (int i = 0; i < 4; i++) fclose(*to[i]);
  if (asprintf(&text, "%s%s\n%s%s}\n", part[0], part[1], part[2], part[3]) < 0) abort();
  for (int i = 0; i < 4; i++) free(part[i]);
  return text;
}
