/* pick: sums that take one term of many. `y[n,k] += select(v == id[n], w[v,k], 0)` reads w at id
   instead of going through all v; and the gradient `d.w[v,k] += select(v == id[n], d.y[n,k], 0)`
   goes through n, in order, and adds to the rows that are picked, behind a nest of zeros. So a
   table's size costs nothing but its update. Adding zeros changes no bit but the sign of zero.
   Requires simplified nests; decides by the nests alone. */
#include "nest/picks.h"
#include "passes.h"
#include <string.h>

enum { FEW = 8 }; /* of fewer it is as fast to go through all */

/* Guards that ask for the axis would have to be asked at the point that is picked. */
static bool is_guarded(const nest *n, int ax) {
  for (int g = 0; g < n->n_guard; g++)
    if (n->guard[g].ix->k[ax]) return true;
  return false;
}

static bool may_pick(const nest *n, int ax) {
  if (n->axis[ax].extent < FEW || is_guarded(n, ax)) return false;
  if (n->axis[ax].reduce) return !(n->loop && ax == 0);
  /* Rows of its own, which no other index shares. */
  const access *out = &n->store[0].out;
  bool alone = false;
  for (int d = 0; d < out->t->rank; d++) alone |= aff_is(out->ix[d], aff_axis(ax, 1));
  return alone && n->n_store == 1 && !n->init && !n->loop && reduces(n);
}

static void take_axis(nest *n, int ax) {
  n->pick = ax + 1;
  n->picked = picked_by(n, ax);
}

/* The picked axis innermost: what other axes there are, the points that count come in their order.
 */
static void pick_read(nest *n, int ax) {
  axis_map m = axes_kept();
  axis moved = n->axis[ax];
  take_axis(n, ax);
  for (int a = ax + 1; a < n->n_axis; a++) {
    m.to[a] = aff_axis(a - 1, 1);
    n->axis[a - 1] = n->axis[a];
  }
  m.to[ax] = aff_axis(n->n_axis - 1, 1);
  n->axis[n->n_axis - 1] = moved;
  nest_map(n, &m);
}

/* --- output --- */

/* A nest over n's output axes, that are to become those of the result in order. */
static nest *over_outputs(nestprog *p, const nest *n, const char *name) {
  nest *c = nest_new(p, name, n->node);
  c->canonical = true;
  for (int a = 0; a < n->n_axis && !n->axis[a].reduce; a++) c->axis[c->n_axis++] = n->axis[a];
  return c;
}

static nest *zeros(nestprog *p, const nest *n) {
  nest *z = over_outputs(p, n, n->name);
  z->term = e_const(p->ex, 0);
  nest_store(z, n->store[0].out, e_acc(p->ex));
  return z;
}

static expr *sum_for_acc(exprs *x, expr *e, expr *const *a, void *sum) {
  (void)x, (void)a;
  return e->kind == E_ACC ? sum : NULL;
}

/* The sum in a tensor of its own, and behind n the store as it was. */
static nest *store_behind(nestprog *p, nest *n) {
  const access *out = &n->store[0].out;
  const char *name = arena_printf(p->mem, "%s.sum%d", out->t->name, p->n_tensor);
  tensor *t = tensor_new(p, name, T_TEMP, out->t->rank, out->t->dim);
  t->node = out->t->node;
  nest *s = over_outputs(p, n, n->name);
  access sum = *out;
  sum.t = t;
  s->term = expr_rewrite(p->ex, n->store[0].value, sum_for_acc, (void *)e_read(p->ex, sum));
  nest_store(s, *out, e_acc(p->ex));
  s->next = n->next;
  n->next = s;
  n->store[0] = (store){sum, e_acc(p->ex)};
  return s;
}

static bool adds_to_itself(const store *s) {
  const expr *v = s->value;
  return v->kind == E_ADD && v->a[0]->kind == E_READ && v->a[1]->kind == E_ACC &&
         access_equal(&v->a[0]->rd, &s->out);
}

/* Outputs stand first (gather.c). Returns the link to the last nest that n has become. */
static nest **pick_output(nestprog *p, nest **link, int ax) {
  nest *n = *link;
  store *s = &n->store[0];
  bool adds = adds_to_itself(s);
  take_axis(n, ax);
  if (!adds && s->value->kind != E_ACC) store_behind(p, n);
  n->init = e_read(p->ex, s->out);
  s->value = e_acc(p->ex);
  if (adds) return link;
  nest *z = zeros(p, n);
  z->next = n;
  *link = z;
  return &z->next;
}

static bool outputs_first(const nest *n) {
  for (int a = 1; a < n->n_axis; a++)
    if (n->axis[a - 1].reduce && !n->axis[a].reduce) return false;
  return true;
}

static nest **pick_nest(nestprog *p, nest **link) {
  nest *n = *link;
  for (int reduce = 1; reduce >= 0; reduce--) /* reads rather than outputs */
    for (int a = n->n_axis; a-- > 0;) {
      if (n->axis[a].reduce != reduce || !picked_by(n, a) || !may_pick(n, a)) continue;
      if (reduce) pick_read(n, a);
      else if (outputs_first(n) && output_once(n, &n->store[0].out)) return pick_output(p, link, a);
      return link;
    }
  return link;
}

void pick(nestprog *p) {
  for (nest **link = &p->nests; *link; link = &(*link)->next) link = pick_nest(p, link);
}
