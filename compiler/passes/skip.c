/* skip: where a selection by position makes a part of a tensor zeros (exp of a causal mask), sums
   over them leave those terms out; and where all readers select by position, what they discard is
   not computed. The condition, an affine index that is not negative, becomes a guard on blocks of
   two axes: each of the two is cut, the guard holds where any point of the block fulfils the
   condition, and tiles stay within a block, so that a block costs one test. Left out are terms that
   are zero times something finite, or values that nobody uses, and so no bit changes. Nests that
   only pass over memory are left alone: stopping at blocks costs them more than half their work.
   Requires strides (halo.c). */
#include "passes.h"
#include "selection.h"
#include <string.h>

enum { LEAST_BLOCK = 8, MOST_BLOCK = 64, BLOCKS = 8 /* along an axis, or more */ };

/* A condition of the first reader of what n alone stores, in n's axes, outside of which nobody
   uses it. */
static bool find_unused(const selections *m, const nest *n, affine *g) {
  const access *out = &n->store[0].out;
  if (!makes_whole(m, n)) return false;
  nest_list l = uses_readers(m->u, out->t);
  if (!l.n) return false;
  conditions c = conditions_of(m, l.at[0]);
  reads r = reads_of(l.at[0]);
  for (int i = 0; i < r.n; i++)
    for (int k = 0; k < c.n && r.read[i]->rd.t == out->t; k++) {
      affine z;
      if (!along_dimensions(&c.at[k], &r.read[i]->rd, &z) || !nobody_needs(m, out->t, &z)) continue;
      *g = along_access(&z, out);
      return true;
    }
  return false;
}

/* A condition outside of which n's terms are zeros, or its accumulator is not used. */
static bool find_idle(const selections *m, const nest *n, affine *g) {
  conditions c = conditions_of(m, n);
  for (int i = 0; i < c.n; i++) {
    *g = c.at[i];
    if (zeros_beyond(m, n, g) || unused_beyond(m, n, g)) return true;
  }
  return false;
}

/* --- blocks --- */

/* The length of a block along axis a, or 0: vectors and lanes stay whole. */
static int64_t block_length(const nest *n, int a) {
  int64_t extent = n->axis[a].extent, most = extent / BLOCKS, unit = 1;
  if (most > MOST_BLOCK) most = MOST_BLOCK;
  if (most < LANES) most = LANES;
  if (n->axis[a].reduce ? n->lanes : access_stride(&n->store[0].out, a) == 1) unit = LANES;
  for (int64_t b = most; b >= LEAST_BLOCK && 2 * b <= extent; b--)
    if (extent % b == 0 && b % unit == 0) return b;
  return 0;
}

/* Axis a becomes an axis over blocks, at `before`, and one within the block. */
static void cut_axis(nestprog *p, nest *n, int a, int before, int64_t block) {
  axis_map m = {.n = n->n_axis};
  for (int i = 0; i < n->n_axis; i++) m.to[i] = aff_axis(i + (i >= before), 1);
  m.to[a] = aff_add(m.to[a], aff_axis(before, block));
  nest_map(n, &m);
  memmove(n->axis + before + 1, n->axis + before, sizeof *n->axis * (size_t)(n->n_axis++ - before));
  const axis *within = &n->axis[a + 1];
  n->axis[before] = (axis){arena_printf(p->mem, "%s.block", within->name), within->extent / block,
                           within->reduce};
  n->axis[a + 1].extent = block;
}

/* The guard that holds in blocks where g is not negative everywhere. */
static void guard_blocks(nestprog *p, nest *n, const affine *g, int up, int down) {
  int64_t of_up = block_length(n, up), of_down = block_length(n, down);
  int first = up < down ? up : down, second = up < down ? down : up;
  bool apart = n->axis[first].reduce || n->axis[second].reduce; /* sums keep their order */
  cut_axis(p, n, second, apart ? second : first, second == up ? of_up : of_down);
  int shift = !apart;
  cut_axis(p, n, first + shift, first, first == up ? of_up : of_down);
  int block[2] = {first, apart ? second + 1 : first + 1};
  int up_block = block[first != up], down_block = block[first == up];
  affine ix = aff_add(aff_axis(up_block, of_up), aff_axis(down_block, -of_down));
  ix.c = g->c + of_up - 1;
  int64_t lo, hi;
  aff_range(n, &ix, &lo, &hi);
  nest_guard(n, ix, hi + 1);
  if (n->n_guard) n->guard[n->n_guard - 1].of_tiles = true;
}

/* g as `up - down + c`, of two axes that divide into blocks. */
static bool may_cut(const nest *n, const affine *g, int *up, int *down) {
  *up = *down = -1;
  for (int a = 0; a < n->n_axis; a++) {
    if (!g->k[a]) continue;
    int *which = g->k[a] == 1 ? up : down;
    if ((g->k[a] != 1 && g->k[a] != -1) || *which >= 0) return false;
    *which = a;
  }
  return *up >= 0 && *down >= 0 && n->n_axis + 2 <= MAX_AXES && block_length(n, *up) &&
         block_length(n, *down);
}

static void skip_in(const selections *m, nest *n) {
  affine g;
  int up, down;
  if (!is_plain(n) || n->init || !reduces(n)) return;
  if ((find_idle(m, n, &g) || find_unused(m, n, &g)) && may_cut(n, &g, &up, &down))
    guard_blocks(m->p, n, &g, up, down);
}

void skip_program(nestprog *p) {
  arena *scratch = arena_new();
  const selections m = selections_of(p, scratch);
  for (nest *n = p->nests; n; n = n->next) skip_in(&m, n);
  arena_free(scratch);
}
