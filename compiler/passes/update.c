#include "update.h"
#include "instantiate.h"
#include "nest/effects.h"
#include "nest/loops.h"
#include <string.h>

typedef struct {
  nestprog *p;
  const opuse *use;
  int n;
  tensor **d;  /* gradients, by parameter */
  nest **last; /* see find_last_uses; NULL: every update stands at the end */
  nest *end;   /* of the program */
} stepping;

nest **find_last_uses(nestprog *p) {
  nest **last = NEW_N(p->mem, nest *, p->n_tensor);
  int place = 0;
  for (nest *n = p->nests; n; n = n->next) {
    reads r = reads_of_term(n);
    n->place = place++;
    for (int i = 0; i < r.n; i++) last[r.read[i]->rd.t->id] = n;
    last[n->store[0].out.t->id] = n;
  }
  return last;
}

static void append(stepping *s, nest *n) {
  if (s->end) s->end->next = n;
  else s->p->nests = n;
  while (n->next) n = n->next;
  s->end = n;
}

static access whole_of(nestprog *p, tensor *t) {
  affine at[MAX_DIMS];
  for (int k = 0; k < t->rank; k++) at[k] = aff_axis(k, 1);
  return access_of(p->ex, t, at);
}

nest *elementwise_nest(nestprog *p, tensor *to, tensor *from, access *to_at, access *from_at) {
  nest *c = nest_new(p, to->name, to->node);
  c->n_axis = to->rank;
  for (int k = 0; k < to->rank; k++)
    c->axis[k] = (axis){arena_printf(p->mem, "%c", 'a' + k), to->dim[k], false};
  c->canonical = true;
  *to_at = whole_of(p, to);
  *from_at = whole_of(p, from);
  return c;
}

static tensor *single(nestprog *p, const char *name, trole role) {
  const int64_t one[1] = {1};
  return tensor_new(p, name, role, 1, one);
}

static expr *read_single(nestprog *p, tensor *t) {
  const affine zero[1] = {aff_const(0)};
  return e_read(p->ex, access_of(p->ex, t, zero));
}

static void store_single(nestprog *p, nest *n, tensor *t, expr *value) {
  const affine zero[1] = {aff_const(0)};
  nest_store(n, access_of(p->ex, t, zero), value);
  n->canonical = true;
}

/* --- clip: gradients times min(1, limit / norm), as torch.nn.utils.clip_grad_norm_ --- */

/* The sum of the squares of d, on top of those before it (NULL: none). */
static tensor *add_squares(stepping *s, tensor *d, tensor *before) {
  nestprog *p = s->p;
  access at, same;
  tensor *sum = single(p, arena_printf(p->mem, "%s.squares", d->name), T_TEMP);
  nest *n = elementwise_nest(p, d, d, &at, &same);
  for (int k = 0; k < n->n_axis; k++) n->axis[k].reduce = true;
  n->red = R_SUM;
  n->term = e_op(p->ex, E_MUL, e_read(p->ex, at), e_read(p->ex, at), NULL);
  expr *value = e_acc(p->ex);
  if (before) value = e_op(p->ex, E_ADD, read_single(p, before), value, NULL);
  store_single(p, n, sum, value);
  append(s, n);
  return sum;
}

static tensor *clip_factor(stepping *s, tensor *squares) {
  nestprog *p = s->p;
  tensor *factor = single(p, "clip", T_TEMP);
  nest *n = nest_new(p, factor->name, NULL);
  expr *norm = e_op(p->ex, E_SQRT, read_single(p, squares), NULL, NULL);
  expr *above = e_op(p->ex, E_ADD, norm, e_const(p->ex, 1e-6), NULL);
  expr *share = e_op(p->ex, E_DIV, e_const(p->ex, s->use->clip), above, NULL);
  n->term = e_op(p->ex, E_MIN, share, e_const(p->ex, 1), NULL);
  store_single(p, n, factor, e_acc(p->ex));
  append(s, n);
  return factor;
}

static tensor *clipped(stepping *s, tensor *d, tensor *factor) {
  nestprog *p = s->p;
  const char *name = arena_printf(p->mem, "%s.clipped", d->name);
  tensor *small = tensor_new(p, name, T_TEMP, d->rank, d->dim);
  access from, to;
  small->node = d->node;
  nest *n = elementwise_nest(p, small, d, &to, &from);
  n->term = e_op(p->ex, E_MUL, e_read(p->ex, from), read_single(p, factor), NULL);
  nest_store(n, to, e_acc(p->ex));
  append(s, n);
  return small;
}

static bool is_updated(const stepping *s, int i) {
  return s->d[i] && s->p->tensor[i]->role == T_PARAM;
}

/* The norm is over all gradients, so that every update comes after all of them. */
static void clip_gradients(stepping *s) {
  tensor *squares = NULL, **d = NEW_N(s->p->mem, tensor *, s->n);
  for (int i = 0; i < s->n; i++)
    if (is_updated(s, i)) squares = add_squares(s, s->d[i], squares);
  if (!squares) return;
  tensor *factor = clip_factor(s, squares);
  for (int i = 0; i < s->n; i++)
    if (is_updated(s, i)) d[i] = clipped(s, s->d[i], factor);
  s->d = d;
  s->last = NULL;
}

/* --- the optimizer --- */

/* The update stands behind the last nest that adds to the gradient or still reads the parameter. */
static void place_update(stepping *s, const tensor *w, const tensor *d, const instance *o) {
  if (!s->last) {
    append(s, o->first);
    return;
  }
  nest *after = s->last[d->id];
  if (s->last[w->id]->place > after->place) after = s->last[w->id];
  after = loop_last(after);
  o->last->next = after->next;
  after->next = o->first;
  while (s->end->next) s->end = s->end->next;
}

static bool update(stepping *s, int i) {
  tensor *w = s->p->tensor[i], *d = s->d[i];
  instance o = {.p = s->p,
                .d = s->p->graph->d,
                .op = s->use->op,
                .node = w->node,
                .n_set = s->use->n_set,
                .set = s->use->set,
                .n_in = 2,
                .in = {w, d},
                .prefix = w->name,
                .first_prefix = w->first_name,
                .train = true};
  if (!instantiate(&o)) return false;
  place_update(s, w, d, &o);
  return true;
}

/* --- average: of the weights, as torch.optim.swa_utils.get_ema_multi_avg_fn --- */

static const opdecl average_of_weight = {.name = "average", .is_state = true};

/* In files it has the order of its parameter. */
static tensor *new_average(nestprog *p, const tensor *w) {
  const char *name = arena_printf(p->mem, "%s.average", w->name);
  tensor *t = tensor_new(p, name, T_OPT, w->rank, w->dim);
  opdecl *d = NEW(p->mem, opdecl);
  *d = average_of_weight;
  if (w->decl) {
    d->n_file = w->decl->n_file;
    d->file_dim = w->decl->file_dim;
    d->file_group = w->decl->file_group;
  }
  t->decl = d;
  t->node = w->node;
  t->average_of = w;
  return t;
}

/* The first step's weights are the first average: `begun` is 0 before it. */
static void average(stepping *s, tensor *w, tensor *begun) {
  nestprog *p = s->p;
  access at, from;
  tensor *t = new_average(p, w);
  nest *n = elementwise_nest(p, t, w, &at, &from);
  expr *now = e_read(p->ex, from), *before = e_read(p->ex, at);
  expr *way = e_op(p->ex, E_SUB, now, before, NULL), *share = e_const(p->ex, 1 - s->use->average);
  expr *moved = e_op(p->ex, E_ADD, before, e_op(p->ex, E_MUL, share, way, NULL), NULL);
  expr *first = e_op(p->ex, E_EQ, read_single(p, begun), e_const(p->ex, 0), NULL);
  n->term = e_op(p->ex, E_SELECT, first, now, moved);
  nest_store(n, at, e_acc(p->ex));
  append(s, n);
}

static void average_all(stepping *s) {
  nestprog *p = s->p;
  tensor *begun = single(p, "average.begun", T_OPT);
  begun->decl = &average_of_weight;
  for (int i = 0; i < s->n; i++)
    if (is_updated(s, i)) average(s, p->tensor[i], begun);
  nest *n = nest_new(p, begun->name, NULL);
  n->term = e_const(p->ex, 1);
  store_single(p, n, begun, e_acc(p->ex));
  append(s, n);
}

bool append_updates(nestprog *p, const opuse *optimizer, int n, tensor **d) {
  stepping s = {.p = p, .use = optimizer, .n = n, .d = d, .last = find_last_uses(p)};
  for (nest *e = p->nests; e; e = e->next) s.end = e;
  if (!s.end) s.last = NULL;
  p->lr = single(p, "lr", T_HYPER);
  if (optimizer->clip > 0) clip_gradients(&s);
  for (int i = 0; i < n; i++)
    if (is_updated(&s, i) && !update(&s, i)) return false;
  if (optimizer->average > 0) average_all(&s);
  return true;
}
