/* stepwise: a network over positions (of a text) as one loop in order (loops.h): each step computes
   one position of everything, from that position and those before it. Which dimension of a tensor
   goes along the positions follows from the input through the nests. A nest may read positions
   that are later only where a selection discards them, or makes them zeros (selection.h): there a
   guard leaves them out. What hangs on no input goes ahead of the loop. So the steps of a run can
   be had one by one, at the cost of one position each; and not a bit changes.
   Where some nest needs later positions (or it cannot be seen that none does), nothing is done.
   Requires canonical nests, and one input of whole numbers, a position each. */
#include "nest/loops.h"
#include "passes.h"
#include "selection.h"
#include <string.h>

enum { MOST_LATE = 8 };

/* How one nest becomes a part of the loop. */
typedef struct {
  int axis; /* of the positions */
  int n_late;
  affine late[MOST_LATE]; /* not negative where what is read is no later */
} stride_plan;

typedef struct {
  nestprog *p;
  selections sel;
  int64_t extent;
  bool *moves; /* by tensor id: does it hang on the input? */
  int *along;  /* ... 1 + its dimension along the positions, or 0: not known yet */
} stepper;

/* --- what hangs on the input --- */

static tensor *only_input(const nestprog *p) {
  tensor *found = NULL;
  for (int i = 0; i < p->n_tensor; i++) {
    if (p->tensor[i]->role != T_INPUT) continue;
    if (found) return NULL;
    found = p->tensor[i];
  }
  const bool fits = found && is_whole(found) && found->rank > 1 && found->dim[0] == 1;
  return fits && found->dim[found->rank - 1] > 1 ? found : NULL;
}

static bool moves(const stepper *s, const nest *n) {
  reads r = reads_of(n);
  for (int i = 0; i < r.n; i++)
    if (s->moves[r.read[i]->rd.t->id]) return true;
  for (int k = 0; k < n->n_store; k++)
    if (s->moves[n->store[k].out.t->id]) return true;
  return false;
}

static void find_moving(stepper *s) {
  for (bool more = true; more;) {
    more = false;
    for (const nest *n = s->p->nests; n; n = n->next)
      for (int k = 0; k < n->n_store && moves(s, n); k++) {
        bool *known = &s->moves[n->store[k].out.t->id];
        more |= !*known;
        *known = true;
      }
  }
}

/* --- the positions of one nest --- */

/* 1 + the dimension of x that goes along axis a alone, from 0 on; or 0. */
static int dimension_along(const access *x, int a) {
  int found = 0;
  for (int d = 0; d < x->t->rank; d++) {
    if (!x->ix[d]->k[a]) continue;
    if (found || !aff_is(x->ix[d], aff_axis(a, 1))) return 0;
    found = d + 1;
  }
  return found;
}

static bool stores_along(const stepper *s, const nest *n, int a) {
  for (int k = 0; k < n->n_store; k++) {
    const access *out = &n->store[k].out;
    const int d = dimension_along(out, a), known = s->along[out->t->id];
    if (!d || (known && known != d) || out->t->dim[d - 1] != s->extent) return false;
    if (out->t->role != T_TEMP && out->t->role != T_LOGITS) return false;
  }
  return true;
}

/* How many positions before the one at hand x reads, as an index; 0 for what does not move. */
static affine distance(const stepper *s, const access *x, int a) {
  if (!s->moves[x->t->id]) return aff_const(0);
  return aff_add(aff_axis(a, 1), aff_scale(*x->ix[s->along[x->t->id] - 1], -1));
}

static bool is_known(const stepper *s, const access *x) {
  return !s->moves[x->t->id] || s->along[x->t->id];
}

/* Would nothing that anybody uses change if n's terms were left out where g is negative? */
static bool may_leave_out(const stepper *s, const nest *n, const affine *g) {
  affine z;
  if (!is_plain(n) || n->init) return false;
  if (zeros_beyond(&s->sel, n, g) || unused_beyond(&s->sel, n, g)) return true;
  return makes_whole(&s->sel, n) && along_dimensions(g, &n->store[0].out, &z) &&
         nobody_needs(&s->sel, n->store[0].out.t, &z);
}

static bool stored_in_time(const stepper *s, const nest *n, int a) {
  reads r = reads_of_stores(n);
  for (int i = 0; i < r.n; i++) {
    int64_t lo, hi;
    if (!is_known(s, &r.read[i]->rd)) return false;
    affine before = distance(s, &r.read[i]->rd, a);
    aff_range(n, &before, &lo, &hi);
    if (lo < 0) return false;
  }
  return true;
}

/* Fills in what of the term is to be left out. */
static bool term_in_time(const stepper *s, const nest *n, stride_plan *to) {
  reads r = reads_of_term(n);
  for (int i = 0; i < r.n; i++) {
    int64_t lo, hi;
    if (!is_known(s, &r.read[i]->rd)) return false;
    affine before = distance(s, &r.read[i]->rd, to->axis);
    aff_range(n, &before, &lo, &hi);
    if (lo >= 0) continue;
    if (to->n_late == MOST_LATE || !may_leave_out(s, n, &before)) return false;
    to->late[to->n_late++] = before;
  }
  return true;
}

static bool may_step(const stepper *s, const nest *n, int a, stride_plan *to) {
  *to = (stride_plan){.axis = a};
  if (n->axis[a].reduce || n->axis[a].extent != s->extent || (n->loop && a)) return false;
  if (n->pick == a + 1 || !stores_along(s, n, a)) return false;
  return stored_in_time(s, n, a) && term_in_time(s, n, to);
}

static void note_stores(stepper *s, const nest *n, int a) {
  for (int k = 0; k < n->n_store; k++)
    s->along[n->store[k].out.t->id] = dimension_along(&n->store[k].out, a);
}

/* Nests of a loop read what those behind them wrote in steps before. */
static bool note_loop(stepper *s, const nest *first) {
  for (const nest *n = first; n && n->loop == first->loop; n = n->next) {
    if (n->falling || n->axis[0].extent != s->extent || !stores_along(s, n, 0)) return false;
    note_stores(s, n, 0);
  }
  return true;
}

static bool plan_nest(stepper *s, const nest *n, stride_plan *to) {
  for (int a = 0; a < n->n_axis; a++) {
    if (!may_step(s, n, a, to)) continue;
    note_stores(s, n, a);
    return true;
  }
  return false;
}

/* Of a tensor that several nests write, positions before may be read once all of them have written:
   a step has them as the last one leaves them. */
static bool reads_last(const stepper *s, const nest *n, int a) {
  reads r = reads_of(n);
  for (int i = 0; i < r.n; i++) {
    const access *x = &r.read[i]->rd;
    if (!s->moves[x->t->id] || aff_is(x->ix[s->along[x->t->id] - 1], aff_axis(a, 1))) continue;
    nest_list w = uses_writers(s->sel.u, x->t);
    for (int k = 0; k < w.n; k++)
      if (w.at[k]->place >= n->place && !(n->loop && same_loop(w.at[k], n))) return false;
  }
  return true;
}

static bool tells_positions(const stepper *s) {
  for (int i = 0; i < s->p->n_port; i++) {
    const tensor *t = s->p->port[i];
    if (t->role != T_INPUT && (t->role != T_LOGITS || s->along[t->id] != t->rank)) return false;
  }
  return true;
}

/* By place; false where a nest does not fit. */
static bool plan_nests(stepper *s, stride_plan *to) {
  int loop = 0;
  for (const nest *n = s->p->nests; n; n = n->next) {
    if (!moves(s, n)) continue;
    if (!n->canonical || n->chain || n->n_axis == 0) return false;
    if (n->loop && n->loop != loop && !note_loop(s, n)) return false;
    loop = n->loop;
    if (!plan_nest(s, n, &to[n->place]) || !reads_last(s, n, to[n->place].axis)) return false;
  }
  return tells_positions(s);
}

/* --- the loop --- */

static void guard_late(nest *n, const stride_plan *by) {
  for (int i = 0; i < by->n_late; i++) {
    int64_t lo, hi;
    aff_range(n, &by->late[i], &lo, &hi);
    if (!nest_has_guard(n, affine_in(n->ex, by->late[i]), hi + 1))
      nest_guard(n, by->late[i], hi + 1);
  }
}

/* Axis a becomes the first. */
static void lead_with(nest *n, int a) {
  axis_map m = {.n = n->n_axis};
  for (int i = 0; i < n->n_axis; i++) m.to[i] = aff_axis(i < a ? i + 1 : i, 1);
  m.to[a] = aff_axis(0, 1);
  nest_map(n, &m);
  const axis first = n->axis[a];
  memmove(n->axis + 1, n->axis, sizeof *n->axis * (size_t)a);
  n->axis[0] = first;
}

/* What does not move goes ahead; all the others become one loop. */
static void make_loop(stepper *s, const stride_plan *by) {
  nest *loop = NULL, **ahead = &s->p->nests, **last = &loop;
  const int id = ++s->p->n_loop;
  for (nest *n = s->p->nests, *next; n; n = next) {
    next = n->next;
    n->next = NULL;
    nest ***end = moves(s, n) ? &last : &ahead;
    **end = n, *end = &n->next;
    if (end == &ahead) continue;
    guard_late(n, &by[n->place]);
    lead_with(n, by[n->place].axis);
    n->loop = id;
  }
  *ahead = loop;
}

/* --- what lasts for one step alone has the positions outermost, so that halo.c can slice it --- */

static void note_now(const stepper *s, const access *x, bool *later) {
  const tensor *t = x->t;
  if (s->moves[t->id] && dimension_along(x, 0) != s->along[t->id]) later[t->id] = true;
}

static access positions_first(const stepper *s, access x) {
  const affine *ix[MAX_DIMS];
  const int d = s->along[x.t->id] - 1;
  ix[0] = x.ix[d];
  for (int i = 0; i < x.t->rank; i++)
    if (i != d) ix[i + (i < d)] = x.ix[i];
  affine of[MAX_DIMS];
  for (int i = 0; i < x.t->rank; i++) of[i] = *ix[i];
  return access_of(s->p->ex, x.t, of);
}

typedef struct {
  const stepper *s;
  const bool *turned;
} turner;

static expr *turned_read(exprs *x, expr *e, expr *const *a, void *arg) {
  const turner *t = arg;
  (void)a;
  if (e->kind != E_READ || !t->turned[e->rd.t->id]) return NULL;
  return e_read(x, positions_first(t->s, e->rd));
}

static void turn_uses(const stepper *s, const bool *turned) {
  turner t = {s, turned};
  for (nest *n = s->p->nests; n; n = n->next) {
    nest_rewrite(n, turned_read, &t);
    if (n->pick) n->picked = expr_rewrite(n->ex, n->picked, turned_read, &t);
    for (int k = 0; k < n->n_store; k++)
      if (turned[n->store[k].out.t->id]) n->store[k].out = positions_first(s, n->store[k].out);
  }
}

static void turn_dimensions(tensor *t, int d) {
  const int64_t positions = t->dim[d];
  memmove(t->dim + 1, t->dim, sizeof *t->dim * (size_t)d);
  t->dim[0] = positions;
}

static void put_positions_first(stepper *s, arena *scratch) {
  bool *turned = NEW_N(scratch, bool, s->p->n_tensor + 1);
  bool *later = NEW_N(scratch, bool, s->p->n_tensor + 1);
  for (const nest *n = s->p->nests; n; n = n->next) {
    reads r = reads_of(n);
    for (int i = 0; i < r.n; i++) note_now(s, &r.read[i]->rd, later);
  }
  for (int i = 0; i < s->p->n_tensor; i++) {
    const tensor *t = s->p->tensor[i];
    turned[i] = s->along[i] > 1 && t->role == T_TEMP && !later[i] && !t->apart && !t->view_of;
  }
  turn_uses(s, turned);
  for (int i = 0; i < s->p->n_tensor; i++)
    if (turned[i]) turn_dimensions(s->p->tensor[i], s->along[i] - 1);
}

bool stepwise(nestprog *p) {
  tensor *x = only_input(p);
  if (!x) return false;
  arena *scratch = arena_new();
  stepper s = {p, selections_of(p, scratch), x->dim[x->rank - 1],
               NEW_N(scratch, bool, p->n_tensor + 1), NEW_N(scratch, int, p->n_tensor + 1)};
  s.moves[x->id] = true;
  s.along[x->id] = x->rank;
  find_moving(&s);
  int nests = 0;
  for (const nest *n = p->nests; n; n = n->next) nests++;
  stride_plan *by = NEW_N(scratch, stride_plan, nests + 1);
  const bool may = plan_nests(&s, by);
  if (may) make_loop(&s, by);
  if (may) put_positions_first(&s, scratch);
  p->stepwise = may;
  arena_free(scratch);
  return may;
}
