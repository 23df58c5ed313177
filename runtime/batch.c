#include "batch.h"
#include "base/workers.h"
#include "message.h"
#include "value_loops.h"
#include <stdlib.h>
#include <string.h>

/* How a port's values lie, if they move with the first input: that itself, if it is images or a
   sequence, and targets of the same positions. */
static augment_form form_of(const step_buffers *b, int port) {
  const port_info *x = program_port(b->p, 0), *p = program_port(b->p, port);
  augment_form f = {.whole = p->is_int};
  if (x->is_int || x->rank < 2 || x->rank > 3 || p->rank < x->rank - 1 ||
      (port && p->role != PORT_TARGET))
    return f;
  f.image = x->rank == 3;
  f.w = (int)x->shape[x->rank - 1];
  f.h = f.image ? (int)x->shape[1] : 1;
  if (p->shape[p->rank - 1] != f.w || (f.image && p->shape[p->rank - 2] != f.h)) return f;
  f.planes = (int)(p->count / ((int64_t)f.h * f.w));
  return f;
}

/* What one port of one sample is filled with, and room for it. */
typedef struct {
  const dataset *ds;
  const augmentation *a;
  int port;
  int64_t count;
  augment_form form;
  float *copy, *other;
} giving;

static void give_sample(const giving *g, int64_t sample, float *to) {
  dataset_port(g->ds, g->port, sample, to);
  if (!g->a || !g->form.planes) return;
  augment_place(g->a, sample, &g->form, to, g->copy);
  if (g->a->cutout && !g->port) augment_cutout(g->a, sample, &g->form, to);
}

/* Floats are mixed; whole numbers are those of one of the two. */
static void mix_in(const giving *g, int64_t sample, float *to) {
  const augment_mix m = augment_partner(g->a, sample);
  const float own = (float)m.share, rest = (float)(1 - m.share);
  if (g->form.whole && m.own) return;
  give_sample(g, m.sample, g->other);
  if (g->form.whole) memcpy(to, g->other, (size_t)g->count * sizeof *to);
  else values_mix(to, g->count, own, g->other, rest);
}

static void give_port(giving *g, const int64_t *index, int n, float *to) {
  for (int i = 0; i < n; i++, to += g->count) {
    give_sample(g, index[i], to);
    if (g->a && g->a->mixup > 0) mix_in(g, index[i], to);
    if (g->a && g->a->noise > 0 && !g->port && !g->form.whole)
      augment_noise(g->a, index[i], g->count, to);
  }
}

/* Places from..to of the batch. */
static void give_places(const dataset *ds, const int64_t *index, int from, int to,
                        const augmentation *a, const step_buffers *b) {
  for (int i = 0; i < b->n_given; i++) {
    giving g = {.ds = ds, .a = a, .port = i, .count = program_port(b->p, i)->count};
    if (a) g.form = form_of(b, i);
    if (a) g.copy = allocate((size_t)g.count * 2 * sizeof *g.copy), g.other = g.copy + g.count;
    give_port(&g, index + from, to - from, (float *)b->port[i] + from * g.count);
    free(g.copy);
  }
}

void batch_give(const dataset *ds, const int64_t *index, int n, const augmentation *a,
                const step_buffers *b) {
  give_places(ds, index, 0, n, a, b);
}

typedef struct {
  const dataset *ds;
  const int64_t *index;
  int n, shares;
  const augmentation *a;
  const step_buffers *b;
} sharing;

static void give_share(void *self, int me, int group, int share) {
  const sharing *s = self;
  (void)me;
  (void)group;
  give_places(s->ds, s->index, (int)((int64_t)s->n * share / s->shares),
              (int)((int64_t)s->n * (share + 1) / s->shares), s->a, s->b);
}

/* What the threads' meeting costs is less than what is shared. */
static bool worth_sharing(const augmentation *a, const step_buffers *b, int n) {
  static const int64_t values = 1 << 15;
  int64_t count = 0;
  for (int i = 0; i < b->n_given; i++) count += program_port(b->p, i)->count;
  return n * count >= (a ? values / 4 : values);
}

void batch_give_shared(const dataset *ds, const int64_t *index, int n, const augmentation *a,
                       const step_buffers *b, int threads) {
  if (threads < 2 || !worth_sharing(a, b, n)) return batch_give(ds, index, n, a, b);
  sharing s = {ds, index, n, n < 4 * threads ? n : 4 * threads, a, b};
  workers_run(&(shared_work){1, &s.shares, give_share, &s}, threads);
}
