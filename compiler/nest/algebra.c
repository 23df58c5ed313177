/* Rules on scalar expressions. They hold for finite values; those that change the rounding (a
   division by a constant, two constant factors) run before the bits are fixed. */
#include "algebra.h"

static bool constant_index(const affine *x) {
  for (int a = 0; a < MAX_AXES; a++)
    if (x->k[a]) return false;
  return true;
}

static bool is_test(expr *e) { return e->kind >= E_EQ && e->kind <= E_GE; }

/* select(c, v, 0) or select(c, 0, v)? */
static bool is_mask(expr *e) {
  return e->kind == E_SELECT && (expr_is(e->a[1], 0) || expr_is(e->a[2], 0));
}

static expr *op(exprs *g, ekind k, expr *x, expr *y) { return alg_op(g, k, x, y, NULL); }

/* f(mask) for an f with f(0) = 0: the mask of f. */
static expr *through_mask(exprs *g, ekind k, expr *mask, expr *other, bool mask_first) {
  expr *side[2];
  for (int i = 0; i < 2; i++) {
    expr *v = mask->a[i + 1];
    if (expr_is(v, 0)) side[i] = v;
    else side[i] = mask_first ? op(g, k, v, other) : op(g, k, other, v);
  }
  return alg_op(g, E_SELECT, mask->a[0], side[0], side[1]);
}

static expr *negate(exprs *g, expr *x) {
  if (x->kind == E_NEG) return x->a[0];
  if (x->kind == E_SUB) return op(g, E_SUB, x->a[1], x->a[0]);
  if (x->kind == E_MUL && x->a[1]->kind == E_CONST)
    return op(g, E_MUL, x->a[0], e_const(g, -x->a[1]->num));
  if (is_mask(x)) return through_mask(g, E_NEG, x, NULL, true);
  return e_op(g, E_NEG, x, NULL, NULL);
}

static expr *add(exprs *g, expr *x, expr *y) {
  if (expr_is(x, 0)) return y;
  if (expr_is(y, 0)) return x;
  if (x == y) return op(g, E_MUL, x, e_const(g, 2));
  if (y->kind == E_NEG) return op(g, E_SUB, x, y->a[0]);
  if (x->kind == E_NEG) return op(g, E_SUB, y, x->a[0]);
  return e_op(g, E_ADD, x, y, NULL);
}

static expr *subtract(exprs *g, expr *x, expr *y) {
  if (x == y) return e_const(g, 0);
  if (expr_is(y, 0)) return x;
  if (expr_is(x, 0)) return op(g, E_NEG, y, NULL);
  if (y->kind == E_NEG) return op(g, E_ADD, x, y->a[0]);
  return e_op(g, E_SUB, x, y, NULL);
}

static expr *multiply(exprs *g, expr *x, expr *y) {
  if (x->kind == E_CONST) {
    expr *t = x;
    x = y;
    y = t;
  }
  if (expr_is(x, 0) || expr_is(y, 0)) return e_const(g, 0);
  if (expr_is(y, 1)) return x;
  if (expr_is(y, -1)) return op(g, E_NEG, x, NULL);
  if (y->kind == E_CONST && x->kind == E_MUL && x->a[1]->kind == E_CONST)
    return op(g, E_MUL, x->a[0], e_const(g, x->a[1]->num * y->num));
  if (y->kind == E_CONST && x->kind == E_NEG) return op(g, E_MUL, x->a[0], e_const(g, -y->num));
  if (x->kind == E_NEG) return op(g, E_NEG, op(g, E_MUL, x->a[0], y), NULL);
  if (y->kind == E_NEG) return op(g, E_NEG, op(g, E_MUL, x, y->a[0]), NULL);
  if (is_mask(x)) return through_mask(g, E_MUL, x, y, true);
  if (is_mask(y)) return through_mask(g, E_MUL, y, x, false);
  if (is_test(x)) return alg_op(g, E_SELECT, x, y, e_const(g, 0));
  if (is_test(y)) return alg_op(g, E_SELECT, y, x, e_const(g, 0));
  return e_op(g, E_MUL, x, y, NULL);
}

static expr *divide(exprs *g, expr *x, expr *y) {
  if (expr_is(x, 0)) return x;
  if (expr_is(y, 1)) return x;
  if (y->kind == E_CONST && y->num != 0) return op(g, E_MUL, x, e_const(g, 1 / y->num));
  if (x->kind == E_NEG) return op(g, E_NEG, op(g, E_DIV, x->a[0], y), NULL);
  if (y->kind == E_NEG) return op(g, E_NEG, op(g, E_DIV, x, y->a[0]), NULL);
  if (is_mask(x)) return through_mask(g, E_DIV, x, y, true);
  return e_op(g, E_DIV, x, y, NULL);
}

static expr *select(exprs *g, expr *c, expr *x, expr *y) {
  if (c->kind == E_CONST) return c->num != 0 ? x : y;
  if (x == y) return x;
  if (x->kind == E_SELECT && x->a[0] == c) x = x->a[1];
  if (y->kind == E_SELECT && y->a[0] == c) y = y->a[2];
  return e_op(g, E_SELECT, c, x, y);
}

expr *alg_op(exprs *g, ekind k, expr *x, expr *y, expr *z) {
  expr *a[3] = {x, y, z};
  double v[3] = {0};
  bool constant = true;
  for (int i = 0; i < scalar_arity(k); i++) {
    constant &= a[i]->kind == E_CONST;
    if (constant) v[i] = a[i]->num;
  }
  if (constant) return e_const(g, scalar_value(k, v[0], v[1], v[2]));
  switch (k) {
  case E_ADD: return add(g, x, y);
  case E_SUB: return subtract(g, x, y);
  case E_MUL: return multiply(g, x, y);
  case E_DIV: return divide(g, x, y);
  case E_NEG: return negate(g, x);
  case E_SELECT: return select(g, x, y, z);
  case E_STOP: return x;
  default: return e_op(g, k, x, y, z);
  }
}

static expr *simplest(exprs *g, expr *e, expr *const *a, void *arg) {
  (void)arg;
  if (e->kind == E_INDEX && constant_index(e->aff)) return e_const(g, (double)e->aff->c);
  return scalar_arity(e->kind) ? alg_op(g, e->kind, a[0], a[1], a[2]) : e;
}

expr *alg_simplify(exprs *g, expr *e) { return expr_rewrite(g, e, simplest, NULL); }
