/* grad: appends the backward nests; updates are update.c's. For `y[f] += e`, every read r[g]
   in e gives `d.r[g] += d.y[f] * de/dr` over the same axes. Requires forward nests of one store.
   The result's nests are scatters; gather makes them write each element once. */
#include "base/internal.h"
#include "grad.h"
#include "graph/graph.h"
#include "instantiate.h"
#include "passes.h"
#include "update.h"
#include "versions.h"
#include <math.h>
#include <string.h>

/* --- scalar derivatives --- */

static expr *operation(exprs *mem, char c, expr **stack, int *n) {
  static const struct {
    char c;
    ekind kind;
  } ops[] = {{'*', E_MUL}, {'/', E_DIV},    {'-', E_SUB}, {'>', E_GT},  {'<', E_LT},
             {'n', E_NEG}, {'?', E_SELECT}, {'e', E_EXP}, {'s', E_SIN}, {'o', E_COS}};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
    if (ops[i].c != c) continue;
    int k = scalar_arity(ops[i].kind);
    *n -= k;
    return e_op(mem, ops[i].kind, stack[*n], k > 1 ? stack[*n + 1] : NULL,
                k > 2 ? stack[*n + 2] : NULL);
  }
  internal_error("derivative", "an operation of no known letter");
}

static expr *derive(exprs *mem, const char *rule, const expr *e, expr *y, expr *g) {
  expr *stack[8];
  int n = 0;
  for (; *rule; rule++) {
    expr *v;
    switch (*rule) {
    case 'g': v = g; break;
    case 'y': v = y; break;
    case 'a': v = e->a[0]; break;
    case 'b': v = e->a[1]; break;
    case 'c': v = e->a[2]; break;
    case '0': v = e_const(mem, 0); break;
    case '1': v = e_const(mem, 1); break;
    case 'h': v = e_const(mem, 0.5); break;
    case 'k': v = e_const(mem, 1.1283791670955126); break; /* 2 / sqrt(pi) */
    default: v = operation(mem, *rule, stack, &n);
    }
    stack[n++] = v;
  }
  return stack[0];
}

/* --- which tensors have a gradient --- */

static bool reads_needed(backward *b, expr *e) {
  reads r = expr_reads(b->ex, e);
  for (int i = 0; i < r.n; i++) {
    int id = r.read[i]->rd.t->id;
    if (id < b->n_tensor && b->needed[id]) return true;
  }
  return false;
}

/* In a loop, what is written behind a nest is read by it in the next step: until nothing is new. */
static void find_needed(backward *b) {
  bool more = true;
  for (int i = 0; i < b->n_tensor; i++) {
    const tensor *t = b->p->tensor[i];
    b->needed[i] = t->role == T_PARAM && !t->frozen;
  }
  while (more) {
    more = false;
    for (nest *n = b->p->nests; n; n = n->next) {
      tensor *t = n->store[0].out.t;
      if (b->needed[t->id] || t->role == T_STATE || !reads_needed(b, n->term)) continue;
      b->needed[t->id] = true;
      more |= n->loop != 0;
    }
  }
}

/* --- one nest backwards --- */

static void contribute(partials *s, const access *at, expr *g) {
  for (int i = 0; i < s->n; i++)
    if (access_equal(&s->at[i], at)) {
      s->sum[i] = e_op(s->b->ex, E_ADD, s->sum[i], g, NULL);
      return;
    }
  int n = s->n;
  PUSH(s->b->mem, s->at, n, *at);
  PUSH(s->b->mem, s->sum, s->n, g);
}

/* y: an expression for e's value. */
static void propagate(partials *s, expr *e, expr *y, expr *g) {
  if (e->kind == E_READ) {
    int id = e->rd.t->id;
    if (id < s->b->n_tensor && s->b->needed[id]) contribute(s, &e->rd, g);
    return;
  }
  for (int i = 0; i < scalar_arity(e->kind); i++) {
    const char *rule = scalar_derivative(e->kind, i);
    if (!rule || !reads_needed(s->b, e->a[i])) continue;
    propagate(s, e->a[i], e->a[i], derive(s->b->ex, rule, e, y, g));
  }
}

/* Minus the position of a point in the order of the reduction: of several equal terms, the first
   has the largest. */
static expr *position(backward *b, const nest *n) {
  affine at = {0};
  int64_t points = 1;
  for (int a = 0; a < n->n_axis; a++) {
    if (!n->axis[a].reduce) continue;
    points *= n->axis[a].extent;
    at = aff_add(aff_scale(at, n->axis[a].extent), aff_axis(a, -1));
  }
  if (points > 1 << 24) {
    const node *at = n->node;
    diag_error(b->p->graph->d, at ? at->at : NOWHERE, NULL,
               "`max=` over more than 2^24 values has no gradient");
    b->failed = true;
  }
  return e_index(b->ex, at);
}

static expr *minus_infinity(exprs *ex) { return e_const(ex, -INFINITY); }

/* A nest behind n that notes which term was the largest: the first one, as in PyTorch. Results
   written in parts have a nest for each, and one tensor. */
static tensor *won_tensor(backward *b, nest *n) {
  tensor *y = n->store[0].out.t, **won = &b->won[y->id];
  const char *name = arena_printf(b->mem, "won.%s", y->name);
  if (!*won) *won = tensor_new(b->p, name, T_TEMP, y->rank, y->dim);
  (*won)->node = y->node;
  nest *w = nest_copy(n);
  w->name = name;
  w->store[0].out.t = *won;
  w->store[0].value = e_acc(b->ex);
  expr *equal = e_op(b->ex, E_EQ, n->term, e_read(b->ex, n->store[0].out), NULL);
  w->term = e_op(b->ex, E_SELECT, equal, position(b, n), minus_infinity(b->ex));
  n->next = w;
  if (b->last == n) b->last = w;
  return *won;
}

/* The gradient of what n writes: of a loss, its share of the mean, and what its readers add. */
static expr *gradient_of_result(backward *b, const nest *n) {
  access at = n->store[0].out;
  bool loss = at.t->role == T_LOSSES;
  expr *share = loss ? e_const(b->ex, 1.0 / (double)at.t->dim[0]) : NULL;
  at.t = b->d[at.t->id];
  if (!at.t) return share;
  expr *g = e_read(b->ex, at);
  return loss ? e_op(b->ex, E_ADD, share, g, NULL) : g;
}

/* Where a maximum rises above what earlier nests left there, those get less than the gradient of
   the result, which they would take. */
static void refuse_raised(backward *b, const nest *n) {
  const tensor *t = n->store[0].out.t;
  bool trained = false;
  for (const nest *m = b->p->nests; m != n; m = m->next)
    trained |= m->store[0].out.t == t && reads_needed(b, m->term);
  if (!trained) return;
  diag_error(b->p->graph->d, n->node ? n->node->at : NOWHERE,
             "take the largest in a local tensor, and then `max(.., ..)` of both",
             "`%s` is complete, and then raised by `max=`: no gradient goes through that", t->name);
  b->failed = true;
}

/* The gradient that the term of n receives. */
static expr *seed_of(backward *b, nest *n) {
  access at = n->store[0].out;
  expr *g = gradient_of_result(b, n);
  if (n->red != R_MAX) return g;
  if (n->store[0].value->kind == E_MAX) refuse_raised(b, n);
  at.t = won_tensor(b, n);
  expr *is_first = e_op(b->ex, E_EQ, e_read(b->ex, at), position(b, n), NULL);
  return e_op(b->ex, E_SELECT, is_first, g, e_const(b->ex, 0));
}

static const char *backward_name(backward *b, const nest *n, const tensor *t) {
  const char *layer = n->node ? n->node->name : "loss", *of = "input";
  size_t len = strlen(layer);
  if (!strncmp(t->name, layer, len) && t->name[len] == '.') of = t->name + len + 1;
  return arena_printf(b->mem, "%s by %s", layer, of);
}

/* A point whose forward term was out of range contributes no gradient either. */
static void guard_like(nest *n, const access *x) {
  const access *out = &n->store[0].out;
  for (int d = 0; d < x->t->rank; d++) {
    bool stores = false;
    for (int o = 0; o < out->t->rank; o++)
      stores |= out->t->dim[o] == x->t->dim[d] && out->ix[o] == x->ix[d];
    if (!stores) require_range(n, x->ix[d], x->t->dim[d]);
  }
}

void append_nest(backward *b, nest *n) {
  b->last->next = n;
  b->last = n;
}

tensor *new_gradient(backward *b, tensor *t) {
  tensor *d = tensor_new(b->p, arena_printf(b->mem, "d.%s", t->name), T_TEMP, t->rank, t->dim);
  d->grad_of = t;
  d->node = t->node;
  return b->d[t->id] = d;
}

nest *partial_nest(backward *b, const nest *forward, access at, expr *g) {
  nest *n = nest_new(b->p, backward_name(b, forward, at.t), forward->node);
  at.t = b->d[at.t->id];
  n->n_axis = forward->n_axis;
  memcpy(n->axis, forward->axis, sizeof n->axis);
  for (int a = 0; a < n->n_axis; a++) n->axis[a].reduce = false;
  n->red = R_SUM;
  n->term = g;
  nest_store(n, at, e_acc(b->ex));
  reads r = reads_of_term(forward);
  for (int i = 0; i < r.n; i++) guard_like(n, &r.read[i]->rd);
  return n;
}

void append_partial(backward *b, const nest *forward, access at, expr *g) {
  bool first = !b->d[at.t->id];
  if (first) new_gradient(b, at.t);
  nest *n = partial_nest(b, forward, at, g);
  store *s = &n->store[0];
  if (!first) s->value = e_op(b->ex, E_ADD, e_read(b->ex, s->out), s->value, NULL);
  append_nest(b, n);
}

partials partials_of(backward *b, nest *n) {
  tensor *t = n->store[0].out.t;
  partials s = {.b = b};
  if (t->role == T_STATE || !b->needed[t->id]) return s;
  if (t->role != T_LOSSES && !b->d[t->id]) return s; /* nothing uses it */
  /* The value of a whole `=` statement can be read instead of computed again, if it stays. */
  bool stored = n->red == R_SET && n->store[0].value->kind == E_ACC && !b->added_to[t->id];
  propagate(&s, n->term, stored ? e_read(b->ex, n->store[0].out) : n->term, seed_of(b, n));
  return s;
}

static void reverse_nest(backward *b, nest *n) {
  partials s = partials_of(b, n);
  for (int params = 0; params < 2; params++) /* a layer's input before its parameters */
    for (int i = 0; i < s.n; i++)
      if ((s.at[i].t->role == T_PARAM) == params) append_partial(b, n, s.at[i], s.sum[i]);
}

static void reverse_all(backward *b) {
  int n = 0;
  nest **forward = NULL;
  for (nest *f = b->p->nests; f; f = f->next) {
    PUSH(b->mem, forward, n, f);
    b->last = f;
  }
  while (n--) {
    int end = n + 1;
    while (n && forward[n]->loop && forward[n - 1]->loop == forward[n]->loop) n--;
    if (forward[n]->loop) reverse_loop(b, forward + n, end - n);
    else reverse_nest(b, forward[n]);
  }
}

static bool separate_states(nestprog *p) {
  const tensor *t = version_states(p);
  if (t)
    diag_error(
        p->graph->d, t->node ? t->node->at : NOWHERE,
        "compute its value in a local tensor, and store that once, at the end",
        "`%s` is written, and then again in parts or by `max=`: no gradient goes through that",
        t->name);
  return !t;
}

static bool reverse(nestprog *p, backward *b) {
  if (!separate_states(p)) return false;
  keep_read_values(p);
  *b = (backward){.p = p, .mem = p->mem, .ex = p->ex, .n_tensor = p->n_tensor};
  b->needed = NEW_N(p->mem, bool, p->n_tensor);
  b->d = NEW_N(p->mem, tensor *, p->n_tensor);
  b->won = NEW_N(p->mem, tensor *, p->n_tensor);
  b->added_to = find_added_to(p);
  find_needed(b);
  reverse_all(b);
  return !b->failed;
}

bool grad(nestprog *p, const opuse *optimizer) {
  backward b;
  if (!reverse(p, &b)) return false;
  p->stage = "grad";
  return !optimizer || append_updates(p, optimizer, b.n_tensor, b.d);
}

/* --- a step in two: gradients, and what the optimizer does with them --- */

/* kept[i]: where the gradient of parameter i stays, for those that have one. */
static tensor **kept_gradients(backward *b) {
  nestprog *p = b->p;
  tensor **kept = NEW_N(p->mem, tensor *, b->n_tensor);
  for (int i = 0; i < b->n_tensor; i++) {
    tensor *w = p->tensor[i];
    if (!b->d[i] || w->role != T_PARAM) continue;
    kept[i] = tensor_new(p, arena_printf(p->mem, "%s.grad", w->name), T_OPT, w->rank, w->dim);
    kept[i]->node = w->node;
  }
  return kept;
}

bool gradients(nestprog *p) {
  backward b;
  if (!reverse(p, &b)) return false;
  tensor **kept = kept_gradients(&b);
  nest **last = find_last_uses(p);
  for (int i = 0; i < b.n_tensor; i++) {
    if (!kept[i]) continue;
    access from, to;
    nest *c = elementwise_nest(p, kept[i], b.d[i], &to, &from),
         *after = loop_last(last[b.d[i]->id]);
    c->term = e_read(p->ex, from);
    nest_store(c, to, e_acc(p->ex));
    c->next = after->next;
    after->next = c;
  }
  p->stage = "grad";
  return true;
}

bool updates(nestprog *p, const opuse *optimizer) {
  backward b;
  if (!reverse(p, &b)) return false;
  tensor **kept = kept_gradients(&b);
  p->nests = NULL;
  p->stage = "grad";
  return append_updates(p, optimizer, b.n_tensor, kept);
}
