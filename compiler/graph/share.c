/* Weights used more than once: shared blocks and repeats, and `weights=@label`. */
#include "expand.h"
#include <string.h>

/* Its dimensions in the order of files, without those of 1. */
static int file_order(const opdecl *d, int rank, const int64_t *dim, int out[]) {
  int n = 0;
  for (int k = 0; k < rank; k++) {
    int at = d->n_file ? d->file_dim[k] : k;
    if (dim[at] != 1) out[n++] = at;
  }
  return n;
}

bool weights_map(const opdecl *a, int rank, const int64_t *dim, const opdecl *b, int rank_b,
                 const int64_t *dim_b, int *map) {
  int of_a[6], of_b[6];
  const int n = file_order(a, rank, dim, of_a);
  if (n != file_order(b, rank_b, dim_b, of_b)) return false;
  for (int turn = 0; turn < 2 && (!turn || n == 2); turn++) {
    bool same = true;
    for (int d = 0; d < rank_b; d++) map[d] = -1;
    for (int k = 0; k < n; k++) {
      const int of = of_b[turn ? n - 1 - k : k];
      same &= dim[of_a[k]] == dim_b[of];
      map[of] = of_a[k];
    }
    if (same) return true;
  }
  return false;
}

typedef struct {
  const opdecl *d;
  int rank;
  int64_t dim[6];
} weight_shape;

static bool declared(const opdecl *d, const xenv *env, diag *out, weight_shape *w) {
  double v = 1;
  if (d->when && (!xexpr_eval(d->when, env, out, &v) || v == 0)) return false;
  *w = (weight_shape){.d = d, .rank = d->n_dim};
  for (int i = 0; i < d->n_dim; i++) {
    if (!xexpr_eval(d->dim[i].extent, env, out, &v)) return false;
    w->dim[i] = (int64_t)v;
  }
  return true;
}

static const opdecl *find_declared(const opdef *op, const char *name) {
  for (int i = 0; i < op->n_decl; i++)
    if (!strcmp(op->decl[i].name, name)) return &op->decl[i];
  return NULL;
}

static const char *size_text(expander *x, const weight_shape *w) {
  const char *text = "";
  for (int k = 0; k < w->rank; k++)
    text = arena_printf(x->a, "%s%s%lld", text, k ? "x" : "",
                        (long long)w->dim[w->d->n_file ? w->d->file_dim[k] : k]);
  return *text ? text : "one number";
}

static bool same_sizes(const weight_shape *a, const weight_shape *b) {
  return a->rank == b->rank && !memcmp(a->dim, b->dim, sizeof *a->dim * (size_t)a->rank);
}

/* One weight of n against its owner's; `must`: it may not be its own. */
static bool check_weight(expander *x, const node *n, const weight_shape *w, const xenv *owners,
                         bool must) {
  int map[6];
  weight_shape o;
  if (!must) return true;
  const opdecl *d = find_declared(n->owner->op, w->d->name);
  const bool there = d && declared(d, owners, x->d, &o);
  if (there &&
      (n->tied ? weights_map(w->d, w->rank, w->dim, o.d, o.rank, o.dim, map) : same_sizes(&o, w)))
    return true;
  diag_error(x->d, n->at, NULL, "`%s` cannot have the weights of `%s`: its `%s` is %s, %s%s",
             n->op->name, n->owner->name, w->d->name, size_text(x, w),
             there ? "that one's " : "there is none", there ? size_text(x, &o) : "");
  diag_note(x->d, n->owner->at, "`%s` is here", n->owner->name);
  return false;
}

bool check_shared(expander *x, const node *n) {
  xenv env, owners;
  int n_weight = 0;
  if (!n->owner || n->shape.rank < 0 || n->owner->shape.rank < 0) return true;
  if (!node_env(n, 1, x->d, &env) || !node_env(n->owner, 1, x->d, &owners)) return false;
  for (int i = 0; i < n->op->n_decl; i++) {
    weight_shape w;
    if (!declared(&n->op->decl[i], &env, x->d, &w)) continue;
    /* Of tied layers the first, the matrix: a bias that does not fit, or is not there, is its own.
     */
    if (!check_weight(x, n, &w, &owners, !n->tied || !n_weight++)) return false;
  }
  if (!n->tied || n_weight) return true;
  diag_error(x->d, n->at, NULL, "`%s` has no weights that could be another's", n->op->name);
  return false;
}

static void share_body(expander *x, node *n) {
  const reuse *r = x->reuse;
  const int at = r->first + n->id - r->base;
  const node *first = at < r->end ? x->g->node[at] : NULL;
  if (!first || !first->op || (first->op != n->op && (first->op->n_decl || n->op->n_decl))) {
    diag_error(x->d, n->at, "each use of a shared body has the same layers",
               "`%s` has no counterpart in the first use", n->op->name);
    if (first) diag_note(x->d, first->at, "the layer in its place is here");
  } else if (n->op->n_decl) {
    n->owner = first->owner ? first->owner : first;
    n->tied = first->tied;
  }
}

void share_weights(expander *x, node *n) {
  n->frozen = x->frozen;
  if (x->tie) {
    n->owner = x->tie->owner ? x->tie->owner : x->tie;
    n->tied = true;
    x->tie = NULL;
  } else if (x->reuse) {
    share_body(x, n);
  }
}

/* What `weights=` names. */
static bool tied_to(expander *x, call *c, const value *v) {
  const binding *b = v->kind == V_REF ? find_binding(x, v->text) : NULL;
  const node *n = b && b->label ? b->named : NULL;
  if (b && b->label && c->block) {
    c->tie = (reuse){b->label_first, b->label_end, 0};
    return true;
  }
  if (v->kind != V_REF)
    diag_error(x->d, v->at, "for example `tok: embed 64;`, and later `weights=@tok`",
               "`weights=` takes the label of a layer");
  else if (!b || !b->label)
    diag_error(x->d, v->at, NULL, "there is no `%s:` above this reference", v->text);
  else if (!n || !n->op)
    diag_error(x->d, v->at, "put the label at the layer whose weights they are",
               "`%s` is not one layer", v->text);
  x->tie = n && n->op ? n : NULL;
  return x->tie;
}

bool take_tie(expander *x, call *c, int *n, arg **args) {
  bool found = false;
  for (int i = 0; i < c->n_slot; i++)
    if (!strcmp(c->slot[i].name, "weights")) return true;
  for (int i = 0; i < *n; i++) {
    if (!(*args)[i].key || strcmp((*args)[i].key, "weights")) continue;
    if (found) {
      diag_error(x->d, (*args)[i].key_at, NULL, "`weights` is given twice");
      return false;
    }
    found = true;
    if (!tied_to(x, c, (*args)[i].v)) return false;
    arg *rest = NEW_N(x->a, arg, *n);
    for (int k = 0, m = 0; k < *n; k++)
      if (k != i) rest[m++] = (*args)[k];
    *args = rest;
    i--, --*n;
  }
  return true;
}
