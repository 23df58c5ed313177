#include "shard_vector.h"
#include "base/workers.h"
#include <stdlib.h>
#include <string.h>

/* Vectors are aligned to these: the loops over them are bound by memory. */
typedef float pack __attribute__((vector_size(64)));
enum { HEADER_BYTES = VECTOR_HEADER * sizeof(double) };

/* A sum of fewer bytes is not worth other threads. */
enum { LEAST_SHARE = 65536 };

vector_form vector_form_of(size_t gradient_bytes, size_t stat_bytes, int parts, int threads) {
  const size_t unit = sizeof(pack) * (size_t)parts;
  const size_t bytes = HEADER_BYTES + gradient_bytes + stat_bytes;
  return (vector_form){gradient_bytes, stat_bytes, (bytes + unit - 1) / unit * unit, threads};
}

double *vector_header(char *v) { return (double *)(void *)v; }
char *vector_gradients(char *v) { return v + HEADER_BYTES; }
char *vector_statistics(const vector_form *f, char *v) {
  return vector_gradients(v) + f->gradient_bytes;
}

char *vectors_new(const vector_form *f, size_t n) {
  char *v = aligned_alloc(64, n * f->bytes);
  if (!v) abort();
  memset(v, 0, n * f->bytes);
  return v;
}

/* Bytes [begin, end) of two vectors. */
static void add_range(char *restrict to, const char *restrict from, size_t begin, size_t end) {
  if (begin == 0 && end) {
    for (int i = 0; i < VECTOR_HEADER; i++)
      ((double *)(void *)to)[i] += ((const double *)(const void *)from)[i];
    begin = HEADER_BYTES;
  }
  pack *a = (pack *)(void *)to;
  const pack *b = (const pack *)(const void *)from;
  for (size_t i = begin / sizeof(pack); i < end / sizeof(pack); i++) a[i] += b[i];
}

void vector_add(const vector_form *f, char *to, const char *from) {
  add_range(to, from, 0, f->bytes);
}

void vector_weigh(const vector_form *f, char *v, float weight) {
  pack *a = (pack *)(void *)v;
  for (size_t i = HEADER_BYTES / sizeof(pack); i < f->bytes / sizeof(pack); i++) a[i] *= weight;
}

/* --- the tree --- */

int vector_middle(int from, int to) { return from + (to - from + 1) / 2; }

typedef struct {
  const vector_form *f;
  char *all;
  int n, shares;
} sum;

static void sum_range(const sum *s, int from, int to, size_t begin, size_t end) {
  if (to - from == 1) return;
  const int middle = vector_middle(from, to);
  sum_range(s, from, middle, begin, end);
  sum_range(s, middle, to, begin, end);
  add_range(s->all + (size_t)from * s->f->bytes, s->all + (size_t)middle * s->f->bytes, begin, end);
}

static void sum_share(void *self, int me, int group, int share) {
  const sum *s = self;
  (void)me, (void)group;
  const size_t packs = s->f->bytes / sizeof(pack), n = (size_t)s->shares, k = (size_t)share;
  sum_range(s, 0, s->n, packs * k / n * sizeof(pack), packs * (k + 1) / n * sizeof(pack));
}

void vectors_sum(const vector_form *f, char *all, int n) {
  sum s = {f, all, n, f->bytes < LEAST_SHARE ? 1 : f->threads};
  workers_run(&(shared_work){1, &s.shares, sum_share, &s}, f->threads);
}

/* --- ranks --- */

static void swap(const ranks *r, const char *out, char *in, size_t bytes, int with) {
  ranks_must(r, r->api->swap(out, in, bytes, with), "exchange gradients");
}

/* Recursive doubling: a + b is b + a to the bit, so that every rank ends with the same sum. */
static void exchange_whole(const vector_form *f, const ranks *r, char *v, char *other) {
  for (int d = 1; d < r->n; d *= 2) {
    swap(r, v, other, f->bytes, r->rank ^ d);
    vector_add(f, v, other);
  }
}

/* The same tree by recursive halving: of the range that two ranks have, each gives one half and
   sums the other; then the sums go back the same way (Thakur, Rabenseifner and Gropp 2005, 4.4).
   A rank sends each byte at most twice. */
static void exchange_halves(const vector_form *f, const ranks *r, char *v, char *other) {
  size_t begin = 0, bytes = f->bytes;
  for (int d = 1; d < r->n; d *= 2) {
    const size_t half = bytes / 2, own = begin + (r->rank & d ? half : 0);
    const size_t theirs = begin + (r->rank & d ? 0 : half);
    swap(r, v + theirs, other + own, half, r->rank ^ d);
    add_range(v, other, own, own + half);
    begin = own, bytes = half;
  }
  for (int d = r->n / 2; d; d /= 2) {
    const size_t theirs = r->rank & d ? begin - bytes : begin + bytes;
    swap(r, v + begin, v + theirs, bytes, r->rank ^ d);
    begin = begin < theirs ? begin : theirs, bytes *= 2;
  }
}

void vector_exchange(const vector_form *f, const ranks *r, char *v, char *other) {
  if (f->bytes < VECTOR_LEAST_HALVED) exchange_whole(f, r, v, other);
  else exchange_halves(f, r, v, other);
}
