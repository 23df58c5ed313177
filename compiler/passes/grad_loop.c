/* Gradients of loops in order, a part of grad. The steps run the other way. What a step gives to
   tensors that the loop does not write, weights above all, no step waits for: that is done behind
   the loop, over all steps at once. For y[t] = f(y[t-1], ..), the statement that reads y[t-1] adds
   to d.y[t-1] when it is step t's turn; here it stands at the beginning of step t-1 instead, where
   it adds to d.y of that same step, so that every nest writes in one step what belongs to it. */
#include "grad.h"

typedef struct {
  int n;
  nest **at;
} nest_array;

/* What is left to do behind the loop. */
typedef struct {
  const nest *of;
  access at;
  expr *g;
} rest;

typedef struct {
  backward *b;
  nest *first;      /* of the loop forwards */
  int id;           /* of the loop backwards */
  bool *fresh;      /* by tensor id: its gradient is what the loop gives, nothing else */
  nest_array early; /* at the beginning of a step: what it hears of steps before */
  nest_array body;  /* then, in order */
  int n_rest;
  rest *rest;
} reversal;

/* --- which of the loop's tensors have a gradient --- */

static bool ask_for(reversal *l, const nest *n) {
  backward *b = l->b;
  bool more = false;
  reads r = reads_of_term(n);
  if (!b->d[n->store[0].out.t->id]) return false;
  for (int i = 0; i < r.n; i++) {
    tensor *t = r.read[i]->rd.t;
    if (t->id >= b->n_tensor || !b->needed[t->id] || b->d[t->id]) continue;
    if (!written_in_loop(l->first, t)) continue;
    new_gradient(b, t);
    l->fresh[t->id] = more = true;
  }
  return more;
}

static void make_gradients(reversal *l, nest *const *f, int k) {
  bool more = true;
  while (more) {
    more = false;
    for (int i = k; i-- > 0;) more |= ask_for(l, f[i]);
  }
}

/* --- contributions within the loop --- */

static const nest *writer_of(const reversal *l, const tensor *t) {
  const nest *w = l->first;
  while (store_to(w, t) < 0) w = w->next;
  return w;
}

/* Puts n, which gives to elements of other steps than the one at hand, into the steps of those. */
static void move_to_own_step(nest *n, const access *written) {
  const access *at = &n->store[0].out;
  for (int d = 0; d < at->t->rank; d++) {
    int64_t k = written->ix[d]->k[0];
    if (!k) continue;
    affine by = aff_scale(aff_add(*written->ix[d], aff_scale(*at->ix[d], -1)), k);
    axis_map m = axes_kept();
    m.to[0] = aff_add(aff_axis(0, 1), by);
    nest_map(n, &m);
    nest_guard(n, m.to[0], n->axis[0].extent);
    return;
  }
}

static void give(reversal *l, nest *forward, access at, expr *g) {
  const nest *w = writer_of(l, at.t);
  const access *written = &w->store[0].out;
  delay d = {0, 0};
  loop_delay(forward, &at, w, written, &d);
  nest *n = partial_nest(l->b, forward, at, g);
  move_to_own_step(n, written);
  n->loop = l->id;
  n->falling = !forward->falling;
  nest_array *to = d.least > 0 ? &l->early : &l->body;
  PUSH(l->b->mem, to->at, to->n, n);
}

static void reverse_step(reversal *l, nest *n) {
  partials s = partials_of(l->b, n);
  for (int i = 0; i < s.n; i++) {
    rest r = {n, s.at[i], s.sum[i]};
    if (written_in_loop(l->first, s.at[i].t)) give(l, n, s.at[i], s.sum[i]);
    else PUSH(l->b->mem, l->rest, l->n_rest, r);
  }
}

/* --- who writes, and who adds --- */

/* Does the scatter reach no element twice, and none out of range? How many then; else 0. */
static int64_t reached_once(const nest *n) {
  nest plain = *n;
  const access *x = &n->store[0].out;
  for (int a = 0; a < n->n_axis; a++) plain.axis[a].reduce = true;
  for (int d = 0; d < x->t->rank; d++)
    for (int a = 0; a < n->n_axis; a++) plain.axis[a].reduce &= !x->ix[d]->k[a];
  return output_once(&plain, x) && !access_may_leave(n, x) ? output_points(&plain) : 0;
}

static bool apart(const nest *n, const nest_array *before, int upto) {
  for (int i = 0; i < upto; i++) {
    const nest *m = before->at[i];
    if (m->store[0].out.t == n->store[0].out.t &&
        !disjoint(m, &m->store[0].out, n, &n->store[0].out))
      return false;
  }
  return true;
}

/* Those who are first to reach what they reach set it; the others add. written[id]: elements of
   a gradient that are set. */
static void set_or_add(const reversal *l, nest_array *all, int64_t *written) {
  exprs *x = l->b->ex;
  for (int i = 0; i < all->n; i++) {
    nest *n = all->at[i];
    store *s = &n->store[0];
    int64_t reached = reached_once(n);
    if (l->fresh[s->out.t->grad_of->id] && reached && apart(n, all, i)) {
      n->part = true;
      written[s->out.t->grad_of->id] += reached;
    } else {
      s->value = e_op(x, E_ADD, e_read(x, s->out), s->value, NULL);
    }
  }
}

/* Zeros before the loop, where not all elements are set in it. */
static void clear(backward *b, tensor *t) {
  nest *z = nest_new(b->p, t->name, t->node);
  affine ix[MAX_DIMS];
  z->n_axis = t->rank;
  for (int d = 0; d < t->rank; d++) {
    z->axis[d] = (axis){arena_printf(b->mem, "%c", 'a' + d), t->dim[d], false};
    ix[d] = aff_axis(d, 1);
  }
  z->term = e_const(b->ex, 0);
  z->canonical = true;
  nest_store(z, access_of(b->ex, t, ix), e_acc(b->ex));
  append_nest(b, z);
}

static void append_loop(reversal *l) {
  backward *b = l->b;
  int64_t *written = NEW_N(b->mem, int64_t, b->n_tensor);
  nest_array all = {0};
  for (int i = 0; i < l->early.n; i++) PUSH(b->mem, all.at, all.n, l->early.at[i]);
  for (int i = 0; i < l->body.n; i++) PUSH(b->mem, all.at, all.n, l->body.at[i]);
  set_or_add(l, &all, written);
  for (int i = 0; i < b->n_tensor; i++)
    if (l->fresh[i] && written[i] < tensor_elements(b->d[i])) clear(b, b->d[i]);
  for (int i = 0; i < all.n; i++) append_nest(b, all.at[i]);
}

void reverse_loop(backward *b, nest **f, int k) {
  reversal l = {.b = b, .first = f[0], .id = ++b->p->n_loop};
  l.fresh = NEW_N(b->mem, bool, b->n_tensor);
  make_gradients(&l, f, k);
  for (int i = k; i-- > 0;) reverse_step(&l, f[i]);
  append_loop(&l);
  for (int params = 0; params < 2; params++)
    for (int i = 0; i < l.n_rest; i++)
      if ((l.rest[i].at.t->role == T_PARAM) == params)
        append_partial(b, l.rest[i].of, l.rest[i].at, l.rest[i].g);
}
