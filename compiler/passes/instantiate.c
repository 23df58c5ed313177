/* Operators become nests: names are bound to tensors, axes to ranges, statements to nests. */
#include "instantiate.h"
#include <string.h>

bool bind_tensor(instantiation *s, const char *name, tensor *t, loc at) {
  if (find_bound(s, name)) {
    diag_error(s->o->d, at, NULL, "`%s` is defined twice", name);
    return false;
  }
  if (s->n_bound == MAX_BINDINGS) {
    diag_error(s->o->d, at, NULL, "an operator has at most %d tensors", MAX_BINDINGS);
    return false;
  }
  s->bound[s->n_bound++] = (binding){.name = name, .t = t};
  return true;
}

/* --- names: settings, dimensions, inputs --- */

bool define_constant(instantiation *s, const char *name, double v) {
  if (s->env.n == (int)(sizeof s->env.v / sizeof *s->env.v)) {
    diag_error(s->o->d, s->o->op->at, NULL, "`%s` has too many settings", s->o->op->name);
    return false;
  }
  s->env.name[s->env.n] = name;
  s->env.v[s->env.n++] = v;
  return true;
}

static bool define_settings(instantiation *s) {
  const instance *o = s->o;
  for (int i = 0; i < o->n_set; i++) {
    const setting *x = &o->set[i];
    bool ok = !o->op->set[i].pair
                  ? define_constant(s, x->name, x->v[0])
                  : define_constant(s, arena_printf(s->mem, "%s.h", x->name), x->v[0]) &&
                        define_constant(s, arena_printf(s->mem, "%s.w", x->name), x->v[1]);
    for (int k = 0; ok && k < o->op->set[i].n_word; k++)
      if (!is_constant_name(s, o->op->set[i].word[k]))
        ok = define_constant(s, o->op->set[i].word[k], -1 - k);
    if (!ok) return false;
  }
  return true;
}

static bool define_lets(instantiation *s) {
  for (int i = 0; i < s->o->op->n_let; i++) {
    const oplet *l = &s->o->op->let[i];
    double v;
    if (!xexpr_eval(l->v, &s->env, s->o->d, &v) || !define_constant(s, l->name, v)) return false;
  }
  return true;
}

/* What an optimizer may ask about the parameter that it updates: its dimensions in weight files. */
static bool define_rank(instantiation *s) {
  const tensor *w = s->o->in[0];
  if (s->o->op->kind != OP_OPTIMIZER) return true;
  int n = w->decl && w->decl->n_file ? w->decl->file_group[w->decl->n_file - 1] + 1 : w->rank;
  return define_constant(s, "rank", n);
}

static bool bind_input(instantiation *s, int i) {
  const opinput *in = &s->o->op->in[i];
  tensor *t = s->o->in[i];
  if (!bind_tensor(s, in->name, t, in->at)) return false;
  s->bound[s->n_bound - 1].given = true;
  s->bound[s->n_bound - 1].complete = true;
  if (in->every) return true;
  if (in->n_dim != t->rank) {
    diag_error(s->o->d, in->at, NULL, "`%s` has %d dimensions here, but %d in the network",
               in->name, in->n_dim, t->rank);
    return false;
  }
  for (int d = 0; d < t->rank; d++)
    if (!is_constant_name(s, in->dim[d]) && !define_constant(s, in->dim[d], (double)t->dim[d]))
      return false;
  return !in->below || is_constant_name(s, in->below) ||
         define_constant(s, in->below, (double)t->below);
}

/* --- parameters and states --- */

static bool decl_dims(instantiation *s, const opdecl *d, int *rank, int64_t *dim) {
  *rank = d->every ? s->o->in[0]->rank : d->n_dim;
  if (*rank > MAX_DIMS) { /* `S..` stood for several */
    diag_error(s->o->d, d->at, NULL, "a tensor has at most %d dimensions", MAX_DIMS);
    return false;
  }
  for (int i = 0; i < *rank; i++) {
    if (d->every) dim[i] = s->o->in[0]->dim[i];
    else if (!constant_value(s, d->dim[i].extent, &dim[i])) return false;
    if (dim[i] < 1) {
      diag_error(s->o->d, d->at, NULL, "`%s` would have no elements", d->name);
      return false;
    }
  }
  if (!*rank) dim[(*rank)++] = 1;
  return true;
}

static trole decl_role(const instance *o, const opdecl *d) {
  if (!d->is_state) return T_PARAM;
  if (o->op->kind == OP_LOSS) return T_TEMP;
  return o->op->kind == OP_OPTIMIZER ? T_OPT : T_STATE;
}

void add_to_instance(instance *o, nest *n) {
  if (o->last) o->last->next = n;
  else o->first = n;
  o->last = n;
}

/* The owner's numbers, as a tensor of these dimensions. */
static tensor *view_of(instantiation *s, const opdecl *d, tensor *w, int rank, const int64_t *dim) {
  instance *o = s->o;
  int map[MAX_DIMS];
  if (rank == w->rank && !memcmp(dim, w->dim, sizeof *dim * (size_t)rank) && d == w->decl) return w;
  if (!weights_map(d, rank, dim, w->decl, w->rank, w->dim, map)) return NULL;
  tensor *t =
      tensor_new(o->p, arena_printf(s->mem, "%s.%s", o->prefix, d->name), T_TEMP, rank, dim);
  nest *c = nest_new(o->p, t->name, o->node);
  affine in[MAX_DIMS] = {{0}}, out[MAX_DIMS];
  for (int k = 0; k < rank; k++) {
    c->axis[k] = (axis){arena_printf(s->mem, "%c", 'a' + k), dim[k], false};
    out[k] = aff_axis(k, 1);
  }
  for (int k = 0; k < w->rank; k++)
    if (map[k] >= 0) in[k] = aff_axis(map[k], 1);
  t->node = o->node;
  c->n_axis = rank;
  c->term = e_read(s->ex, access_of(s->ex, w, in));
  nest_store(c, access_of(s->ex, t, out), e_acc(s->ex));
  c->canonical = true;
  add_to_instance(o, c);
  return t;
}

/* The weight of that name that the layer has from its owner; NULL: it has its own. */
static tensor *shared_weight(instantiation *s, const opdecl *d, int rank, const int64_t *dim) {
  const instance *o = s->o;
  for (int i = o->owned_from; i < o->owned_to; i++) {
    tensor *w = o->p->tensor[i];
    if (w->node == o->node->owner && w->decl && !strcmp(w->decl->name, d->name))
      return o->node->tied && d->is_state ? NULL : view_of(s, d, w, rank, dim);
  }
  return NULL;
}

/* A weight or state of a layer, and what it was called before labels named layers. */
static tensor *new_weight(instantiation *s, const opdecl *d, int rank, const int64_t *dim) {
  const instance *o = s->o;
  const char *name = arena_printf(s->mem, "%s.%s", o->prefix, d->name);
  tensor *t = tensor_new(o->p, name, decl_role(o, d), rank, dim);
  t->node = o->node;
  t->decl = d;
  t->frozen = o->node && o->node->frozen;
  if (o->first_prefix && strcmp(o->first_prefix, o->prefix))
    t->first_name = arena_printf(s->mem, "%s.%s", o->first_prefix, d->name);
  return t;
}

/* t[c] = select(c == 0, table[0], select(c == 1, table[1], ..)) */
static void fill_table(instantiation *s, tensor *t) {
  instance *o = s->o;
  const affine at[MAX_DIMS] = {aff_axis(0, 1)};
  expr *index = e_index(s->ex, at[0]), *value = e_const(s->ex, t->init);
  for (int i = o->n_table; i-- > 0;)
    value = e_op(s->ex, E_SELECT, e_op(s->ex, E_EQ, index, e_const(s->ex, i), NULL),
                 e_const(s->ex, o->table[i]), value);
  nest *n = nest_new(o->p, t->name, o->node);
  n->axis[n->n_axis++] = (axis){"c", t->dim[0], false};
  n->term = value;
  n->canonical = true;
  nest_store(n, access_of(s->ex, t, at), e_acc(s->ex));
  add_to_instance(o, n);
}

static bool declare(instantiation *s, const opdecl *d) {
  int rank;
  int64_t dim[MAX_DIMS];
  double when = 1, init = 0;
  if (d->when && !xexpr_eval(d->when, &s->env, s->o->d, &when)) return false;
  if (!when) return true;
  if (!decl_dims(s, d, &rank, dim)) return false;
  if (d->init_arg && !xexpr_eval(d->init_arg, &s->env, s->o->d, &init)) return false;
  tensor *t = shared_weight(s, d, rank, dim);
  if (!t) {
    t = new_weight(s, d, rank, dim);
    t->init = init;
  }
  if (!bind_tensor(s, d->name, t, d->at)) return false;
  binding *b = &s->bound[s->n_bound - 1];
  b->complete = true;
  b->kept = d->is_state;
  const bool table = s->o->op->kind == OP_LOSS;
  b->given = !d->is_state || table;
  if (table) fill_table(s, t);
  return true;
}

/* --- the result --- */

static bool make_result(instantiation *s) {
  instance *o = s->o;
  const opdef *op = o->op;
  if (op->kind == OP_OPTIMIZER) {
    binding *b = find_bound(s, op->out);
    if (!b) {
      diag_error(o->d, op->at, NULL, "an optimizer's result is its first argument");
      return false;
    }
    b->given = false;
    b->kept = true;
    o->out = b->t;
    return true;
  }
  int rank = op->out_every ? o->in[0]->rank : op->n_out_dim;
  int64_t dim[MAX_DIMS];
  for (int d = 0; d < rank; d++) {
    if (op->out_every) dim[d] = o->in[0]->dim[d];
    else if (!constant_value(s, op->out_dim[d], &dim[d])) return false;
  }
  o->out = tensor_new(o->p, o->result, o->result_role, rank, dim);
  o->out->node = o->node;
  return bind_tensor(s, op->out, o->out, op->at);
}

static bool check_result(instantiation *s) {
  binding *b = find_bound(s, s->o->op->out);
  if (b->complete) return true;
  diag_error(s->o->d, s->o->op->at, NULL, "not every element of `%s` is written", b->name);
  return false;
}

static bool run(instantiation *s) {
  const opdef *op = s->o->op;
  if (!define_settings(s)) return false;
  for (int i = 0; i < s->o->n_in; i++)
    if (!bind_input(s, i)) return false;
  if (!define_rank(s) || !define_lets(s)) return false;
  for (int i = 0; i < op->n_decl; i++)
    if (!declare(s, &op->decl[i])) return false;
  return make_result(s) && lower_statements(s, op->body) &&
         lower_statements(s, s->o->train ? op->train : op->infer) && check_result(s);
}

bool instantiate(instance *o) {
  instantiation s = {.o = o, .mem = o->p->mem, .ex = o->p->ex};
  o->first = o->last = NULL;
  bool ok = run(&s);
  if (!ok && o->node) diag_note(o->d, o->node->at, "used here");
  return ok;
}
