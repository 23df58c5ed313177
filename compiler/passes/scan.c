/* `scan t:T { .. }`: its statements for t = 0, 1, .., T-1. Where each step only reads what steps
   before it, or statements before in the same step, have made, the scan is a loop in order
   (nest/loops.h), whose code does not grow with T: t is the first axis of its nests. Else the
   statements are written out for each step, and errors are told there. */
#include "instantiate.h"
#include "nest/loops.h"
#include <inttypes.h>
#include <string.h>

bool in_loop(const instantiation *s) { return s->scan && s->step != STEP_NUMBER; }

/* --- a loop --- */

/* What there was before a scan was tried as a loop. */
typedef struct {
  int n_bound, n_rand, n_tensor, n_env;
  binding bound[MAX_BINDINGS];
  nest *last;
  diag *d;
} before;

static before remember(const instantiation *s) {
  before b = {.n_bound = s->n_bound,
              .n_rand = s->n_rand,
              .n_tensor = s->o->p->n_tensor,
              .n_env = s->env.n,
              .last = s->o->last,
              .d = s->o->d};
  memcpy(b.bound, s->bound, sizeof b.bound);
  return b;
}

static void drop_nests(instantiation *s, const before *b) {
  s->o->last = b->last;
  if (b->last) b->last->next = NULL;
  else s->o->first = NULL;
  s->n_rand = b->n_rand;
}

static void restore(instantiation *s, const before *b) {
  drop_nests(s, b);
  s->n_bound = b->n_bound;
  s->o->p->n_tensor = b->n_tensor;
  s->env.n = b->n_env;
  memcpy(s->bound, b->bound, sizeof b->bound);
}

static nest *first_since(const instantiation *s, const before *b) {
  return b->last ? b->last->next : s->o->first;
}

/* The loop's tensors are known, and what is written of each: once more, from the start. */
static void keep_shapes(instantiation *s, const before *b) {
  drop_nests(s, b);
  for (int i = 0; i < s->n_bound; i++) {
    binding *x = &s->bound[i];
    if (!written_in_scan(s, x->name)) continue;
    x->known = x->part, x->n_known = x->n_part;
    x->part = NULL, x->n_part = 0;
    x->written = 0, x->complete = false;
  }
}

/* Is the step one dimension of what n writes, alone and by one element a step? */
static bool steps_along(const nest *n) {
  const access *out = &n->store[0].out;
  int found = 0;
  for (int d = 0; d < out->t->rank; d++) {
    affine rest = *out->ix[d];
    if (!rest.k[0]) continue;
    if ((rest.k[0] != 1 && rest.k[0] != -1) || found++) return false;
    rest.k[0] = 0;
    if (aff_axes(&rest)) return false;
  }
  return found == 1;
}

/* Does every nest of the loop that writes t write the same of it in one step? */
static bool steps_alike(const nest *first, const nest *n) {
  const access *x = &n->store[0].out;
  for (const nest *w = first; w != n; w = w->next) {
    const access *y = &w->store[0].out;
    for (int d = 0; x->t == y->t && d < x->t->rank; d++)
      if ((x->ix[d]->k[0] || y->ix[d]->k[0]) && x->ix[d] != y->ix[d]) return false;
  }
  return true;
}

/* Is what n reads there made in steps before, or before it in the same step? */
static bool in_time(const nest *first, const nest *n, const access *x) {
  bool earlier = true;
  for (const nest *w = first; w; w = w->next) {
    const access *out = &w->store[0].out;
    delay d;
    earlier &= w != n;
    if (out->t != x->t || disjoint(n, x, w, out)) continue;
    if (!loop_delay(n, x, w, out, &d)) return false;
    if (d.least < (earlier ? 0 : 1) || (d.least == 0 && d.most > 0)) return false;
  }
  return true;
}

static bool is_loop(const nest *first) {
  for (const nest *n = first; n; n = n->next) {
    reads r = reads_of_term(n);
    if (!n->n_axis || !steps_along(n) || !steps_alike(first, n)) return false;
    for (int i = 0; i < r.n; i++)
      if (!in_time(first, n, &r.read[i]->rd)) return false;
  }
  return first != NULL;
}

/* Has none of what the scan writes been written before it? */
static bool writes_afresh(const instantiation *s, const before *b) {
  for (int i = 0; i < b->n_bound; i++)
    if (written_in_scan(s, b->bound[i].name) && (b->bound[i].n_part || b->bound[i].complete))
      return false;
  return true;
}

static bool try_loop(instantiation *s, const opstmt *st, const before *b) {
  if (s->steps == 1 || is_constant_name(s, st->scan->name) || !writes_afresh(s, b)) return false;
  s->step = STEP_SHAPES;
  if (!lower_statements(s, st->then)) return false;
  keep_shapes(s, b);
  s->step = STEP_AXIS;
  if (!lower_statements(s, st->then)) return false;
  nest *first = first_since(s, b);
  if (!is_loop(first)) return false;
  s->o->p->n_loop++;
  for (nest *n = first; n; n = n->next) n->loop = s->o->p->n_loop;
  return true;
}

static bool lower_as_loop(instantiation *s, const opstmt *st) {
  before b = remember(s);
  s->o->d = diag_new(s->mem);
  bool ok = try_loop(s, st, &b);
  s->o->d = b.d;
  if (!ok) restore(s, &b);
  return ok;
}

/* --- or each step for itself --- */

static bool write_out(instantiation *s, const opstmt *st) {
  bool ok = define_constant(s, st->scan->name, 0);
  s->step = STEP_NUMBER;
  for (int64_t t = 0; ok && t < s->steps; t++) {
    set_last_constant(s, (double)t);
    ok = lower_statements(s, st->then);
  }
  s->env.n--;
  return ok;
}

bool lower_scan(instantiation *s, const opstmt *st) {
  if (s->scan) {
    diag_error(s->o->d, st->at, NULL, "a scan cannot stand inside another one");
    return false;
  }
  if (!constant_value(s, st->scan->extent, &s->steps)) return false;
  if (s->steps < 1 || s->steps > MAX_SCAN_STEPS) {
    diag_error(s->o->d, st->scan->at, NULL, "a scan has 1 to %d steps, not %" PRId64,
               MAX_SCAN_STEPS, s->steps);
    return false;
  }
  s->scan = st;
  bool ok = lower_as_loop(s, st) || write_out(s, st);
  s->scan = NULL;
  return ok;
}
