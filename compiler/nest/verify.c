/* verify: checks what every pass may rely on, and aborts with the nest's name where it does not
   hold. */
#include "base/internal.h"
#include "loops.h"
#include "picks.h"
#include "regions.h"
#include "schedule.h"
#include <string.h>

typedef struct {
  const nestprog *p;
  const nest *n;
  bool *written;
  regions *regions; /* NULL: scatters are left, and what nobody writes is 0 */
  const nest *loop; /* the first nest of the loop at hand, or NULL */
  bool in_store;
} checker;

static void need(const checker *c, bool ok, const char *what) {
  if (ok) return;
  dump_nests(c->p, stderr);
  internal_error(arena_printf(c->p->mem, "after %s, nest `%s`",
                              c->p->stage ? c->p->stage : "construction", c->n ? c->n->name : "-"),
                 what);
}

/* Of an expression or an index: the axes that it depends on. */
static void check_axes(const checker *c, unsigned axes) {
  for (int a = 0; a < MAX_AXES; a++) {
    if (!(axes >> a & 1)) continue;
    need(c, a < c->n->n_axis, "an index uses an axis that the nest does not have");
    need(c, !c->in_store || !c->n->axis[a].reduce, "a store depends on a reduction axis");
  }
}

static void check_affine(const checker *c, const affine *x) { check_axes(c, aff_axes(x)); }

static void check_read(const checker *c, const access *x) {
  const tensor *t = x->t;
  need(c, t && t->id < c->p->n_tensor && c->p->tensor[t->id] == t, "reads an unknown tensor");
  const tensor *whole = tensor_base(x->t);
  bool made = whole->role == T_TEMP || whole->role >= T_LOGITS;
  need(c, !made || c->written[whole->id], "reads a tensor that no earlier nest writes");
}

/* Whole tensors: by check_read. */
static void check_regions(const checker *c, reads r, bool in_term) {
  for (int i = 0; i < r.n; i++) {
    const access *x = &r.read[i]->rd;
    bool made = x->t->role == T_TEMP || x->t->role == T_LOGITS || x->t->role == T_LOSSES;
    need(c, !made || region_written(c->regions, c->n, x, in_term),
         "reads elements that no earlier nest writes");
  }
}

static uint64_t mixed(uint64_t h, uint64_t v) {
  h = (h ^ v) * 0x9E3779B97F4A7C15u;
  return h ^ h >> 29;
}

/* Of all that the checks below look at but the expressions; never 0. */
static uint64_t signature(const nest *n) {
  uint64_t h = mixed((uint64_t)n->red * 4 + n->lanes * 2 + n->canonical, (uintptr_t)n->sched);
  h = mixed(h, (uint64_t)n->loop * 64 + (uint64_t)n->pick);
  for (int a = 0; a < n->n_axis; a++) {
    h = mixed(h, (uint64_t)n->axis[a].extent * 2 + n->axis[a].reduce);
    if (n->sched) h = mixed(h, (uint64_t)n->sched->tile[a]);
  }
  for (int g = 0; g < n->n_guard; g++)
    h = mixed(h, (uintptr_t)n->guard[g].ix + (uint64_t)n->guard[g].extent);
  for (int s = 0; s < n->n_store; s++) {
    const access *x = &n->store[s].out;
    h = mixed(mixed(h, (uintptr_t)x->t), (uintptr_t)x->ix + (uint64_t)x->t->laid_out);
  }
  return h | 1;
}

/* Bits of the stores to t or to parts of it. */
static uint64_t stores_of(const nest *n, tensor *t) {
  uint64_t bits = 0;
  for (int s = 0; s < n->n_store; s++)
    if (tensor_base(n->store[s].out.t) == tensor_base(t)) bits |= 1ull << s;
  return bits;
}

/* What a nest writes all of by itself is found once: while the nest is as it was, it still does. */
static void note_regions(checker *c, const nest *n, bool as_checked) {
  if (!as_checked) n->known->alone = 0;
  for (int s = 0; s < n->n_store; s++) {
    const access *out = &n->store[s].out;
    if (n->known->alone >> s & 1) region_write_all(c->regions, out->t);
    else if (region_write(c->regions, n, out)) n->known->alone |= stores_of(n, out->t);
  }
}

static void note_written(checker *c, const nest *n, bool as_checked) {
  for (int s = 0; s < n->n_store; s++) c->written[n->store[s].out.t->id] = true;
  if (c->regions) note_regions(c, n, as_checked);
}

/* --- loops in order --- */

/* What w, of the loop at hand, writes before the nest at hand reads it: steps before, or in the
   same step if w stands before. */
static void check_order(const checker *c, const access *x, const nest *w, const access *out,
                        bool before) {
  delay d;
  const int64_t least = before ? 0 : 1;
  if (x->t != out->t || disjoint(c->n, x, w, out)) return;
  if (delayed_by(c->n, x, w, out, least, !c->in_store)) return;
  bool known = loop_delay(c->n, x, w, out, &d);
  need(c, known, "a step of a loop reads what others write, nobody knows when");
  need(c, d.least >= least, "a step of a loop reads what has not been written yet");
}

/* A nest may always add to the very element that it writes. */
static void check_loop_read(const checker *c, const access *x) {
  bool before = true;
  int own = store_to(c->n, x->t);
  if (own >= 0 && access_equal(x, &c->n->store[own].out)) return;
  for (const nest *w = c->loop; w && w->loop == c->loop->loop; w = w->next) {
    before &= w != c->n;
    for (int s = 0; s < w->n_store; s++) check_order(c, x, w, &w->store[s].out, before);
  }
}

static void check_loop(checker *c, const nest *n) {
  bool first = !c->loop || c->loop->loop != n->loop;
  if (first) c->loop = n->loop ? n : NULL;
  if (!n->loop) return;
  const axis *step = &n->axis[0], *of = &c->loop->axis[0];
  need(c,
       n->n_axis && !step->reduce && step->extent == of->extent && step->extent > 1 &&
           n->falling == c->loop->falling && !n->chain,
       "a loop whose nests do not step together");
  for (const nest *w = n; first && w && w->loop == n->loop; w = w->next)
    note_written(c, w, w->known->checked == signature(w));
  for (int stores = 0; stores < 2; stores++) {
    reads r = stores ? reads_of_stores(n) : reads_of_term(n);
    c->in_store = stores;
    for (int i = 0; i < r.n; i++) check_loop_read(c, &r.read[i]->rd);
  }
}

static void check_value(const checker *c, expr *e) {
  need(c, e != NULL, "an expression is missing");
  need(c, c->in_store || !e->acc, "the term uses the reduced value");
  check_axes(c, e->axes);
}

static void check_reads(const checker *c, reads r) {
  for (int i = 0; i < r.n; i++) check_read(c, &r.read[i]->rd);
}

static void check_stored(const checker *c, reads r) {
  for (int i = 0; i < r.n; i++) {
    const access *x = &r.read[i]->rd;
    need(c, tensor_base(x->t)->role == T_TEMP || !access_may_leave(c->n, x),
         "a store's value reads out of range of what can have no border");
  }
}

static void check_output(const checker *c, const access *x) {
  need(c, x->t->role != T_INPUT && x->t->role != T_LABEL && x->t->role != T_HYPER,
       "writes to what the caller gives");
  for (int d = 0; d < x->t->rank; d++) {
    int64_t lo, hi;
    check_affine(c, x->ix[d]);
    aff_range(c->n, x->ix[d], &lo, &hi);
    need(c, lo >= -x->t->pad_lo[d] && hi < x->t->dim[d] + x->t->pad_hi[d], "writes out of range");
  }
  need(c, output_once(c->n, x), "writes an element more than once");
}

/* --- what the passes after `order` and `halo` rely on --- */

static int64_t real_stride(const access *x, int ax) {
  return x->t->laid_out ? access_stride(x, ax) : dense_stride(x, ax);
}

/* Memory ends where the border does, unless a guard stops the nest there. */
static void check_border(const checker *c, const access *x) {
  for (int d = 0; x->t->laid_out && d < x->t->rank; d++) {
    int64_t lo, hi;
    aff_range(c->n, x->ix[d], &lo, &hi);
    bool within = lo >= -x->t->pad_lo[d] && hi < x->t->dim[d] + x->t->pad_hi[d];
    need(c, within || nest_has_guard(c->n, x->ix[d], x->t->dim[d]),
         "reads beyond a tensor's border");
  }
}

static void check_lanes(const checker *c, const access *x) {
  int64_t s = real_stride(x, innermost_reduce(c->n));
  need(c, s == 0 || s == 1, "a sum in lanes reads across the rows of memory");
}

/* A reduce axis may be in the body of the loops only if all within it are, or the order of the sum
   is not that of the axes. */
static void check_tiles(const checker *c, const nest *n) {
  bool whole = true;
  for (int a = n->n_axis - 1; a >= 0; a--) {
    int64_t tile = n->sched->tile[a], extent = n->axis[a].extent;
    bool in_lanes = n->lanes && a == n->sched->vec;
    need(c, tile >= 1 && tile <= extent, "a tile that is larger than its axis");
    need(c, a || tile == 1 || !(n->loop || n->chain), "steps that are not taken in turn");
    if (n->pick) /* what is picked goes one by one */
      need(c, tile == 1 || (a != n->pick - 1 && !(n->picked->axes >> a & 1)), "a tile of picks");
    if (!n->axis[a].reduce) continue;
    need(c, in_lanes ? tile % LANES == 0 : extent % tile == 0, "a ragged tile in a sum");
    need(c, whole || tile == 1, "a sum in another order than that of its axes");
    whole &= tile == extent;
  }
}

static void check_reliance(const checker *c, const nest *n) {
  reads term = reads_of_term(n), stores = reads_of_stores(n);
  for (int i = 0; i < term.n; i++) {
    if (n->lanes) check_lanes(c, &term.read[i]->rd);
    check_border(c, &term.read[i]->rd);
  }
  for (int i = 0; i < stores.n; i++) check_border(c, &stores.read[i]->rd);
  if (n->sched) check_tiles(c, n);
}

static void check_form(const checker *c, const nest *n) {
  need(c, n->name && n->n_axis <= MAX_AXES, "malformed");
  need(c, n->n_store >= 1 && n->n_store <= MAX_STORES, "stores nothing, or too much");
  for (int a = 0; a < n->n_axis; a++)
    need(c, n->axis[a].name && n->axis[a].extent >= 1, "an axis without name or extent");
  need(c, n->canonical || (n->red == R_SUM && n->n_store == 1 && !reduces(n)), "malformed scatter");
  need(c, !n->lanes || (n->red != R_SET && reduces(n)), "lanes without a sum or maximum");
  need(c, !n->pick || picked_by(n, n->pick - 1) == n->picked,
       "picks by what its term does not ask");
  need(c,
       !picks_output(n) || (n->init && n->n_store == 1 && !n->lanes &&
                            n->store[0].value->kind == E_ACC && reduces(n)),
       "adds to what it picks, and more");
  need(c, !n->init || (n->red == R_SUM && !n->lanes), "a start without a plain sum");
}

/* What depends on nothing but the nest itself. */
static void check_nest(checker *c, const nest *n) {
  check_form(c, n);
  c->in_store = false;
  check_value(c, n->term);
  for (int g = 0; g < n->n_guard; g++) check_affine(c, n->guard[g].ix);
  if (!n->canonical) return;
  c->in_store = true;
  if (n->init) check_value(c, n->init);
  check_stored(c, reads_of_stores(n));
  for (int s = 0; s < n->n_store; s++) {
    check_value(c, n->store[s].value);
    check_output(c, &n->store[s].out);
  }
  check_reliance(c, n);
}

/* A nest that is as it was is not looked at again, but for its place in the program. */
static void check_in_program(checker *c, const nest *n) {
  uint64_t now = signature(n);
  c->n = n;
  check_loop(c, n);
  need(c, n->term != NULL, "an expression is missing");
  check_reads(c, n->canonical ? reads_of(n) : reads_of_term(n));
  if (c->regions) {
    check_regions(c, reads_of_term(n), true);
    check_regions(c, reads_of_stores(n), false);
  }
  bool as_checked = n->known->checked == now;
  if (!as_checked) check_nest(c, n);
  n->known->checked = now;
  if (!n->loop) note_written(c, n, as_checked);
}

static bool before_gather(const nestprog *p) {
  return !p->stage || !strcmp(p->stage, "lower") || !strcmp(p->stage, "grad");
}

void verify(const nestprog *p) {
  arena *tmp = arena_new();
  checker c = {.p = p, .written = NEW_N(tmp, bool, p->n_tensor + 1)};
  if (!before_gather(p)) c.regions = regions_new(tmp, p->n_tensor);
  for (int i = 0; i < p->n_tensor; i++) need(&c, p->tensor[i]->id == i, "tensors out of order");
  for (const nest *n = p->nests; n; n = n->next) {
    check_in_program(&c, n);
    need(&c, n->canonical || before_gather(p), "a scatter is left");
  }
  arena_free(tmp);
}
