/* sched: gives every nest its roles, register tile, loop order and parallel domain.
   Requires strides (halo.c). Keeps: everything but the order in which output elements are made. */
#include "passes.h"
#include "nest/effects.h"
#include <math.h>
#include <string.h>

enum {
  WAYS = 4,         /* lines of one set that a tile's operand may well fill */
  MAX_TILE = 30,    /* accumulators tried in a tile, at most */
  SMALL_BODY = 32,  /* machines whose bodies are shorter want small code: no ragged edges */
  LONG_STORES = 8,  /* with more of them there is enough to do for one vector at a time */
  DOMAIN_TILES = 24 /* enough pieces for the threads of a small machine to share evenly */
};

/* A chain or a loop runs one index of its first axis at a time: a tile has one, and what is
 * streamed is of one. */
static bool in_turn(const nest *n) { return n->chain || n->loop; }
static bool chain_axis(const nest *n, int a) { return in_turn(n) && a == 0; }

static bool guards_tiles(const nest *n, int a) {
  for (int i = 0; i < n->n_guard; i++)
    if (n->guard[i].of_tiles && n->guard[i].ix->k[a]) return true;
  return false;
}

/* Has the nest guards that look at single points? */
static bool guards_points(const nest *n) {
  for (int i = 0; i < n->n_guard; i++)
    if (!n->guard[i].of_tiles) return true;
  return false;
}

/* Does a tile have one point along the axis: is it picked, or is it one that decides what is? */
static bool one_by_one(const nest *n, int a) {
  return chain_axis(n, a) || guards_tiles(n, a) ||
         (n->pick && (a == n->pick - 1 || n->picked->axes >> a & 1));
}

static int64_t chunks(const target_info *t, int64_t extent) {
  int64_t n = 0;
  for (int64_t at = 0; at < extent; n++) at += vector_chunk(t, extent - at);
  return n;
}

static bool unit_or_fixed(const access *x, int ax) {
  int64_t s = access_stride(x, ax);
  return s == 0 || s == 1;
}

/* Can a guard or a read without halo stop some elements of a vector along ax and not others? */
static bool guarded_along(const nest *n, int ax) {
  for (int i = 0; i < n->n_guard; i++)
    if (n->guard[i].ix->k[ax]) return true;
  return false;
}

/* The output axis along which every store and read is contiguous or fixed, or -1. */
static int vector_axis(nest *n) {
  reads r = reads_of(n);
  for (int a = n->n_axis - 1; a >= 0; a--) {
    if (n->axis[a].reduce || n->axis[a].extent < 2 || one_by_one(n, a) || guarded_along(n, a))
      continue;
    bool ok = true;
    for (int i = 0; i < n->n_store; i++) ok &= access_stride(&n->store[i].out, a) == 1;
    for (int i = 0; i < r.n; i++) ok &= unit_or_fixed(&r.read[i]->rd, a);
    if (ok) return a;
  }
  return -1;
}

/* --- reads across the stores --- */

enum { LEAST_ACROSS = 4 };

static bool runs_along(const nest *n, int a) {
  return !n->axis[a].reduce && n->axis[a].extent >= LEAST_ACROSS && !chain_axis(n, a);
}

static bool stores_along(const nest *n, int a) {
  for (int i = 0; i < n->n_store; i++)
    if (access_stride(&n->store[i].out, a) != 1) return false;
  return true;
}

/* The axis along which every read runs that does not run along `vec`, or -1. */
static int axis_across(const nest *n, const reads *r, int vec) {
  for (int b = 0; b < n->n_axis; b++) {
    bool ok = b != vec && runs_along(n, b);
    for (int i = 0; ok && i < r->n; i++) {
      const access *x = &r->read[i]->rd;
      ok = unit_or_fixed(x, vec) || (access_stride(x, b) == 1 && !is_whole(x->t));
    }
    if (ok) return b;
  }
  return -1;
}

/* Copies that exchange rows and columns, and the like: blocks of them, in registers. */
static void find_across(nest *n, schedule *s, const target_info *t) {
  reads r = reads_of(n);
  if (n->red != R_SET || n->n_guard || t->lanes < LEAST_ACROSS) return;
  for (int a = n->n_axis - 1; a >= 0 && s->across < 0; a--) {
    if (!runs_along(n, a) || !stores_along(n, a)) continue;
    s->across = axis_across(n, &r, a);
    if (s->across >= 0) s->vec = a;
  }
}

/* --- the cost of a tile, in cycles: two FMAs and two loads a cycle, and what streams from beyond
 * L1 --- */

/* Along an axis, in registers where vectors run. */
static double span(const schedule *s, const target_info *t, const int64_t *tile, int a) {
  return a == s->vec ? (double)chunks(t, tile[a]) : (double)tile[a];
}

/* 16 partial sums take more than one register on narrow machines. */
static double registers_wide(const nest *n, const schedule *s, const target_info *t) {
  bool lanes = s->vec >= 0 && n->axis[s->vec].reduce;
  return lanes && t->lanes < 16 ? 16.0 / t->lanes : 1;
}

/* Rows of an operand in the tile that lie pages apart: they fall into the same few sets of the
   first-level cache, and push each other out where there are many. */
static double rows_apart(const nest *n, const schedule *s, const int64_t *tile, const access *x) {
  double rows = 1;
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce && a != s->vec && access_stride(x, a) * 4 >= 4096)
      rows *= (double)tile[a];
  return rows;
}

static double body_cycles(nest *n, const schedule *s, const target_info *t, const int64_t *tile,
                          const reads *r) {
  double fmas = 1, loads = 0, apart = 0, wide = registers_wide(n, s, t);
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce) fmas *= span(s, t, tile, a);
  for (int i = 0; i < r->n; i++) {
    double l = 1;
    for (int a = 0; a < n->n_axis; a++)
      if (!n->axis[a].reduce && access_stride(&r->read[i]->rd, a)) l *= span(s, t, tile, a);
    loads += l;
    double rows = rows_apart(n, s, tile, &r->read[i]->rd);
    apart += rows > WAYS ? l : rows > 1 ? 0.1 * l : 0;
  }
  double latency = 4; /* of an FMA: fewer than eight sums wait for each other */
  return fmax(latency, wide * fmax(fmas / 2, loads / 2)) + 0.05 * wide * loads + 0.5 * wide * apart;
}

/* Registers that the tile keeps busy: accumulators, the operand vectors, one broadcast. */
static double tile_registers(nest *n, const schedule *s, const target_info *t,
                             const int64_t *tile) {
  double acc = 1, vectors = 1;
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce) acc *= span(s, t, tile, a);
  if (s->vec >= 0 && !n->axis[s->vec].reduce) vectors = span(s, t, tile, s->vec);
  if (acc == vectors) vectors = 1; /* used once each: read from memory by the FMA itself */
  return acc * registers_wide(n, s, t) + vectors + 1;
}

/* Cycles to write one output of the tile. Rows that lie pages apart cost each stream a page of its
   own for a line or two. */
static double store_cycles(nest *n, const schedule *s, const int64_t *tile) {
  double streams = n->n_store + reads_of_stores(n).n;
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce && a != s->vec && tile[a] > 1 &&
        access_stride(&n->store[0].out, a) * 4 >= 4096)
      return 4 * streams;
  return streams;
}

/* Cycles of the whole nest with this tile, ragged edges included: per axis, full tiles and a rest.
 */
static double nest_cycles(nest *n, schedule *s, const target_info *t, const int64_t *tile,
                          const reads *r, int ax, int64_t *part) {
  while (ax < n->n_axis && n->axis[ax].reduce) ax++;
  if (ax == n->n_axis) {
    double depth = (double)(all_points(n) / output_points(n)), outputs = 1;
    for (int a = 0; a < n->n_axis; a++)
      if (!n->axis[a].reduce) outputs *= span(s, t, part, a);
    if (s->vec >= 0 && n->axis[s->vec].reduce) depth /= 16, outputs *= 6; /* folding */
    return depth * body_cycles(n, s, t, part, r) + outputs * store_cycles(n, s, part) + 20;
  }
  int64_t full = n->axis[ax].extent / tile[ax], rest = n->axis[ax].extent % tile[ax];
  part[ax] = tile[ax];
  double c = (double)full * nest_cycles(n, s, t, tile, r, ax + 1, part);
  if (rest) {
    part[ax] = rest;
    c += nest_cycles(n, s, t, tile, r, ax + 1, part);
  }
  return c;
}

/* Every operand streams once for each tile of the axes it does not have. */
static double memory_cycles(nest *n, const schedule *s, const target_info *t, const int64_t *tile,
                            const reads *r) {
  double cycles = 0;
  for (int i = 0; i < r->n; i++) {
    const tensor *x = r->read[i]->rd.t;
    double bytes = 4, passes = 1;
    for (int d = x->sliced; d < x->rank; d++)
      if (!n->loop || !r->read[i]->rd.ix[d]->k[0]) bytes *= (double)x->dim[d];
    for (int a = 0; a < n->n_axis; a++)
      if (!chain_axis(n, a) && !n->axis[a].reduce && !access_stride(&r->read[i]->rd, a))
        passes *= ceil((double)n->axis[a].extent / (double)tile[a]);
    double per_cycle = 48, run = s->vec >= 0 ? 4.0 * (double)tile[s->vec] : 4;
    bool contiguous =
        s->vec >= 0 && !n->axis[s->vec].reduce && access_stride(&r->read[i]->rd, s->vec);
    if (bytes > t->l2 * 1024 * 0.75) per_cycle = contiguous ? 12 / (1 + 64 / run) : 12;
    if (bytes > t->l1 * 1024 * 0.5) cycles += passes * bytes / per_cycle;
  }
  return cycles;
}

/* --- results beyond the caches: they are written row by row, or each line costs a wait --- */

/* The loops over output tiles, outermost first: whole tiles first, for only they can be in the
   domain. */
static int loop_order(const nest *n, const int64_t *tile, int *loop) {
  int k = 0;
  for (int ragged = 0; ragged < 2; ragged++)
    for (int a = 0; a < n->n_axis; a++)
      if (!n->axis[a].reduce && n->axis[a].extent > tile[a] && a != n->pick - 1 &&
          (n->axis[a].extent % tile[a] != 0) == ragged)
        loop[k++] = a;
  return k;
}

static bool results_far(const nest *n, const target_info *t) {
  double bytes = 0;
  for (int i = 0; i < n->n_store; i++) bytes += (double)tensor_bytes(n->store[i].out.t);
  return bytes > t->l2 * 1024.0;
}

/* Cycles lost where the innermost loop does not go along the rows that are stored: no prefetcher
   follows. Measured: 60 a line and stream. */
static double scattered_cycles(const nest *n, const schedule *s, const target_info *t,
                               const int64_t *tile) {
  int loop[MAX_AXES], k = loop_order(n, tile, loop);
  bool rows = !k || access_stride(&n->store[0].out, loop[k - 1]) <= tile[s->vec];
  double streams = n->n_store + reads_of_stores(n).n;
  return rows ? 0 : 60 * streams * (double)output_points(n) / t->lanes;
}

/* Bytes of an operand that come into a cache of so many bytes: what the loops within some loop
   touch of it comes once for each round of the loops outside, where it fits. */
static double traffic(const nest *n, const int64_t *tile, const access *x, double cache) {
  int loop[MAX_AXES], k = loop_order(n, tile, loop);
  double touched = (double)tensor_bytes(x->t), rounds = 1;
  for (int l = 0; l < k && touched > cache; l++) {
    double count = ceil((double)n->axis[loop[l]].extent / (double)tile[loop[l]]);
    rounds *= count;
    if (access_stride(x, loop[l])) touched /= count;
  }
  return rounds * touched;
}

static double operand_cycles(const nest *n, const schedule *s, const target_info *t,
                             const int64_t *tile, const access *x) {
  double run = 4.0 * (double)tile[s->vec];
  double far = access_stride(x, s->vec) ? 12 / (1 + 64 / run) : 12;
  return traffic(n, tile, x, t->l1 * 512.0) / 48 + traffic(n, tile, x, t->l2 * 512.0) / far;
}

/* Places in memory that the operand is read from at one step of the sum: each a line of its own. */
static double pieces(const nest *n, const schedule *s, const int64_t *tile, const access *x) {
  double k = 1;
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce && a != s->vec && access_stride(x, a) >= 16) k *= (double)tile[a];
  return k;
}

static double streamed_cycles(const nest *n, const schedule *s, const target_info *t,
                              const int64_t *tile, const reads *r) {
  double cycles = scattered_cycles(n, s, t, tile);
  for (int i = 0; i < r->n; i++) cycles += operand_cycles(n, s, t, tile, &r->read[i]->rd);
  for (int i = 0; i < r->n; i++) cycles *= 1 + 0.02 * pieces(n, s, tile, &r->read[i]->rd);
  return cycles;
}

/* How much longer the slowest thread takes than an equal share. */
static double imbalance(const nest *n, const int64_t *tile, int threads) {
  double tiles = 1;
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce && n->axis[a].extent % tile[a] == 0)
      tiles *= (double)(n->axis[a].extent / tile[a]);
  return ceil(tiles / threads) * threads / tiles;
}

typedef struct {
  nest *n;
  schedule *s;
  const target_info *t;
  int threads;
  bool far; /* results beyond the caches */
  reads r;
  double best;
  int64_t tile[MAX_AXES];
} search;

static void try_tile(search *q) {
  int64_t part[MAX_AXES] = {0};
  if (tile_registers(q->n, q->s, q->t, q->tile) > q->t->registers) return;
  double work = nest_cycles(q->n, q->s, q->t, q->tile, &q->r, 0, part);
  double stream = q->far ? streamed_cycles(q->n, q->s, q->t, q->tile, &q->r)
                         : memory_cycles(q->n, q->s, q->t, q->tile, &q->r);
  double c = (fmax(work, stream) + 0.2 * fmin(work, stream)) * imbalance(q->n, q->tile, q->threads);
  for (int a = 0; a < q->n->n_axis; a++) /* ragged edges: more code, and no domain there */
    if (!q->n->axis[a].reduce && q->n->axis[a].extent % q->tile[a]) {
      if (q->t->body < SMALL_BODY) return;
      c *= 1.05;
    }
  if (c < q->best * 0.9999) {
    q->best = c;
    memcpy(q->s->tile, q->tile, sizeof q->tile);
  }
}

/* Threads share a loop in order by its second axis, the samples, where that divides. */
static bool shares_evenly(const search *q, int ax, int64_t tile) {
  int64_t extent = q->n->axis[ax].extent;
  return !q->n->loop || ax != 1 || extent % q->threads || extent % (tile * q->threads) == 0;
}

/* Tries tiles on output axes from the innermost outwards; beyond an axis that is tiled in part
   there are no more tiles, so that a tile is a box of neighbours. */
static void search_rows(search *q, int ax) {
  while (ax >= 0 &&
         (q->n->axis[ax].reduce || ax == q->s->vec || ax == q->s->fold || one_by_one(q->n, ax)))
    ax--;
  if (ax < 0) {
    try_tile(q);
    return;
  }
  int64_t extent = q->n->axis[ax].extent, most = extent < MAX_TILE ? extent : MAX_TILE;
  for (int64_t m = 1; m <= most; m++) {
    if (!shares_evenly(q, ax, m)) continue;
    q->tile[ax] = m;
    if (tile_registers(q->n, q->s, q->t, q->tile) > q->t->registers) break;
    if (m == 1 || m == extent) search_rows(q, ax - 1);
    else try_tile(q);
  }
  q->tile[ax] = 1;
}

static void search_tile(nest *n, schedule *s, const target_info *t, int threads) {
  search q = {.n = n, .s = s, .t = t, .threads = threads, .r = reads_of_term(n), .best = INFINITY};
  q.far = s->vec >= 0 && !n->axis[s->vec].reduce && !in_turn(n) && results_far(n, t);
  for (int a = 0; a < n->n_axis; a++) s->tile[a] = q.tile[a] = 1;
  int along = s->fold >= 0 ? s->fold : s->vec;
  if (along < 0 || n->axis[along].reduce) {
    search_rows(&q, n->n_axis - 1);
    s->cycles = q.best;
    return;
  }
  int64_t extent = n->axis[along].extent, unit = s->fold >= 0 ? 1 : t->lanes;
  for (int64_t w = 1; w <= TILE_VECTORS; w = s->fold >= 0 ? 2 * w : w + 1) {
    q.tile[along] = w * unit < extent ? w * unit : extent;
    if (s->fold >= 0 && w > extent) break;
    search_rows(&q, n->n_axis - 1);
    if (w * unit >= extent) break;
  }
  s->cycles = q.best;
}

/* --- nests without a contraction: wide enough to hide latency, no more --- */

static bool is_heavy(const nest *n) {
  bool heavy = n->term->calls;
  for (int i = 0; i < n->n_store; i++) heavy |= n->store[i].value->calls;
  return heavy;
}

/* Element by element: at least without a loop around each. */
static void unroll_copies(const nest *n, schedule *s, const target_info *t) {
  int64_t points = 1;
  for (int a = n->n_axis - 1; a >= 0; a--) {
    int64_t u = one_by_one(n, a) ? 1 : n->axis[a].extent;
    while (u > 1 && (n->axis[a].extent % u || points * u > t->body / 2)) u--;
    s->tile[a] = u;
    points *= u;
    if (u != n->axis[a].extent) return;
  }
}

/* Rows of a sum in lanes at a time: they do not wait for each other, and fold together. */
static int64_t rows_in_lanes(const nest *n, const schedule *s, const target_info *t) {
  double wide = registers_wide(n, s, t);
  int64_t rows = LANES;
  while (rows > 1 && ((double)rows * wide * 1.5 > t->registers || n->axis[s->fold].extent % rows))
    rows /= 2;
  return rows;
}

static void plain_tile(nest *n, schedule *s, const target_info *t) {
  for (int a = 0; a < n->n_axis; a++) s->tile[a] = 1;
  if (s->vec < 0 && n->red == R_SET) unroll_copies(n, s, t);
  if (s->fold >= 0 && !is_heavy(n) && !chain_axis(n, s->fold))
    s->tile[s->fold] = rows_in_lanes(n, s, t);
  if (s->vec < 0 || n->axis[s->vec].reduce) return;
  if (s->across >= 0) {
    int64_t columns = n->axis[s->across].extent, rows = n->axis[s->vec].extent;
    s->tile[s->across] = columns < t->lanes ? columns : t->lanes;
    s->tile[s->vec] = rows < t->lanes ? rows : t->lanes;
    return;
  }
  bool heavy = is_heavy(n) || n->n_store > LONG_STORES;
  int64_t most = heavy ? t->lanes : 4 * t->lanes, extent = n->axis[s->vec].extent;
  s->tile[s->vec] = extent < most ? extent : most;
  if (heavy || n->red == R_SET) return;
  /* Sums and maxima in one register wait for each other: take rows of the next axis along. */
  int64_t have = chunks(t, s->tile[s->vec]);
  for (int a = n->n_axis - 1; a >= 0 && have < 4; a--)
    if (!n->axis[a].reduce && a != s->vec && !guards_points(n) && !one_by_one(n, a)) {
      while (s->tile[a] * 2 <= 4 && n->axis[a].extent % (s->tile[a] * 2) == 0 &&
             have * s->tile[a] < 4)
        s->tile[a] *= 2;
      break;
    }
}

/* Steps of a loop over a reduce axis: elements, or LANES of them where it runs in lanes. */
static int64_t reduce_steps(const nest *n, int ax) {
  return n->lanes && ax == innermost_reduce(n) ? n->axis[ax].extent / LANES : n->axis[ax].extent;
}

/* The whole axis is in the body: nothing is left to loop over, not even a rest of the lanes. */
static bool unrolled_whole(const nest *n, int ax, int64_t steps) {
  return steps == reduce_steps(n, ax) && !(n->lanes && n->axis[ax].extent % LANES);
}

/* Unrolls the innermost reduce axes into the body until it is long enough to pay for the loop. An
   axis goes into the body only if all axes within it do, whole: the body runs in the order of the
   sum. */
static void unroll_reduction(nest *n, schedule *s, const target_info *t) {
  double body = 1;
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce) body *= span(s, t, s->tile, a);
  for (int a = n->n_axis - 1; a >= 0; a--) {
    if (!n->axis[a].reduce) continue;
    if (n->pick || guards_tiles(n, a)) return;
    int64_t steps = reduce_steps(n, a), u = steps <= 4 ? steps : 8;
    double most = u == steps ? 1.7 * t->body : t->body; /* whole axes also save their loop */
    while (u > 1 && (steps % u || body * (double)u > most)) u--;
    s->tile[a] = n->lanes && a == s->vec ? LANES * u : u;
    if (!unrolled_whole(n, a, u)) return;
    body *= (double)u;
  }
}

/* --- loops and domain --- */

/* Is each step of n's loop shared by itself: positions one by one (stepwise.c)? */
static bool steps_apart(const nestprog *p, const nest *n) {
  return p->stepwise && n->loop == p->n_loop;
}

/* Does the domain end with that loop? In a chain and in a loop in order it is the steps, of a loop
   for several threads the samples too. */
static bool last_of_domain(const nestprog *p, const nest *n, int i, int threads) {
  const schedule *s = n->sched;
  if (n->chain || (n->loop && threads == 1)) return true;
  if (steps_apart(p, n)) return s->domain / n->axis[0].extent >= DOMAIN_TILES;
  if (n->loop) return i == 1 || s->n_loop < 2 || s->loop[1] != 1;
  return s->domain >= DOMAIN_TILES;
}

static void choose_loops(const nestprog *p, nest *n, int threads) {
  schedule *s = n->sched;
  s->n_loop = loop_order(n, s->tile, s->loop);
  s->domain = 1;
  for (int i = 0; i < s->n_loop; i++) {
    int a = s->loop[i];
    if (n->axis[a].extent % s->tile[a] || (s->strip && a == s->vec)) break;
    s->domain *= n->axis[a].extent / s->tile[a];
    s->n_domain++;
    if (last_of_domain(p, n, i, threads)) break;
  }
}

static bool is_contraction(const nest *n) {
  return n->red == R_SUM && innermost_reduce(n) >= 0 && n->term->kind == E_MUL;
}

/* The output axis whose results can be stored as one vector after folding. */
static int fold_axis(nest *n) {
  reads r = reads_of_stores(n);
  for (int a = n->n_axis - 1; a >= 0; a--) {
    if (n->axis[a].reduce) continue;
    bool ok = n->axis[a].extent >= 2 && !chain_axis(n, a);
    for (int i = 0; i < n->n_store; i++) ok &= access_stride(&n->store[i].out, a) == 1;
    for (int i = 0; i < r.n; i++) ok &= unit_or_fixed(&r.read[i]->rd, a);
    return ok ? a : -1;
  }
  return -1;
}

/* --- asking for memory ahead --- */

enum { FAR_ROW = 512 }; /* elements */

bool rows_far_apart(const nest *n, const access *x) {
  return access_stride(x, innermost_reduce(n)) >= FAR_ROW;
}

/* Tiles that follow each other along rows of large tensors read a short piece of every row: too
   many streams for a prefetcher. The tile at hand asks for the pieces of the next. */
static void look_ahead(nest *n, schedule *s, const target_info *t) {
  bool along = s->n_loop > 0 && s->vec >= 0 && s->loop[s->n_loop - 1] == s->vec;
  int64_t rows = 1; /* with one, all that is computed waits for memory anyway */
  for (int a = 0; a < n->n_axis; a++) rows *= n->axis[a].reduce || a == s->vec ? 1 : s->tile[a];
  if (!along || rows == 1 || t->body < SMALL_BODY || guards_points(n) || n->pick) return;
  reads r = reads_of_term(n);
  for (int i = 0; i < r.n; i++)
    s->ahead |= access_stride(&r.read[i]->rd, s->vec) == 1 && rows_far_apart(n, &r.read[i]->rd) &&
                tensor_bytes(r.read[i]->rd.t) > t->l1 * 1024;
  s->results_ahead = !n->chain && results_far(n, t);
}

/* --- a vector times a matrix: each element of the matrix is used once --- */

/* Does every output have elements of x of its own, in rows along ax? */
static bool read_once(const nest *n, const access *x, int ax, const target_info *t) {
  for (int a = 0; a < n->n_axis; a++)
    if (!n->axis[a].reduce && n->axis[a].extent > 1 && !access_stride(x, a)) return false;
  return access_stride(x, ax) == 1 && !is_whole(x->t) && tensor_bytes(x->t) > t->l2 * 512;
}

bool streams_matrix(const nest *n, int ax, const target_info *t) {
  if (ax < 0 || t->body < SMALL_BODY || !nest_macs(n) || n->lanes || in_turn(n) || n->pick ||
      n->n_guard || n->init)
    return false;
  const access *x = &n->term->a[0]->rd, *y = &n->term->a[1]->rd;
  if (access_stride(x, ax)) x = y, y = &n->term->a[0]->rd;
  return !access_stride(x, ax) && read_once(n, y, ax, t);
}

/* Rows of the matrix at a time: few enough for the prefetchers. */
enum { STRIP_VECTORS = 2, STRIP_ROWS = 8 };

static void strip_tile(nest *n, schedule *s, const target_info *t) {
  int64_t rows = STRIP_ROWS;
  for (int a = 0; a < n->n_axis; a++) s->tile[a] = 1;
  s->tile[s->vec] = (int64_t)STRIP_VECTORS * t->lanes;
  for (int a = n->n_axis - 1; a >= 0; a--) {
    if (!n->axis[a].reduce) continue;
    int64_t u = n->axis[a].extent < rows ? n->axis[a].extent : rows;
    while (n->axis[a].extent % u) u--;
    s->tile[a] = u;
    rows /= u;
    if (u != n->axis[a].extent) return;
  }
}

/* Rows that a tile in registers holds are read whole as it is; and every thread needs a strip. */
static bool is_strip(const nest *n, const schedule *s, const target_info *t, int threads) {
  if (!streams_matrix(n, s->vec, t)) return false;
  int64_t extent = n->axis[s->vec].extent, unit = (int64_t)STRIP_VECTORS * t->lanes;
  if (output_points(n) / extent < threads) return false;
  for (int a = s->vec + 1; a < n->n_axis; a++)
    if (!n->axis[a].reduce && n->axis[a].extent > 1) return false;
  return extent % unit == 0 && extent > TILE_VECTORS * t->lanes && extent <= MOST_STRIP;
}

static void schedule_nest(nestprog *p, nest *n, const target_info *t, int threads) {
  schedule *s = n->sched = NEW(p->mem, schedule);
  s->fold = s->across = -1;
  s->vec = n->lanes ? innermost_reduce(n) : vector_axis(n);
  if (s->vec < 0) find_across(n, s, t);
  if (n->lanes) s->fold = fold_axis(n);
  bool once = t->body < SMALL_BODY && is_heavy(n); /* exp and tanh are long: one copy of them */
  s->strip = is_strip(n, s, t, threads);
  if (s->strip) strip_tile(n, s, t);
  else if (is_contraction(n) && !n->pick && !once) search_tile(n, s, t, threads);
  else plain_tile(n, s, t);
  if (!s->strip) unroll_reduction(n, s, t);
  choose_loops(p, n, threads);
  if (is_contraction(n) && !n->lanes && !s->strip) look_ahead(n, s, t);
}

void schedule_program(nestprog *p, const target_info *t, int threads) {
  for (nest *n = p->nests; n; n = n->next) schedule_nest(p, n, t, threads);
}
