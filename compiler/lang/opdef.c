/* The operator library, and the value of shape and setting expressions. */
#include "base/internal.h"
#include "opdef.h"
#include "syntax.h"
#include "base/nearest_word.h"
#include "base/same.h"
#include <math.h>
#include <string.h>

opdef *ops_find(opdef *list, const char *name) {
  for (; list; list = list->next)
    if (same_name(list->name, name)) return list;
  return NULL;
}

opdef *ops_library(arena *a, diag *d) {
  opdef *first = NULL, **end = &first;
  for (int i = 0; i < oplib_n; i++) {
    const char *text = oplib[i].text;
    int file = diag_add_source(d, oplib[i].name, text, strlen(text));
    syntax s;
    if (!parse_source(a, d, file, &s)) {
      diag_print(d, stderr);
      internal_error(oplib[i].name, "a built-in operator does not parse");
    }
    *end = s.ops;
    while (*end) end = &(*end)->next;
  }
  return first;
}

/* A number and whether it is a whole one by construction: 1/sqrt(9) is no integer division. */
typedef struct {
  double v;
  bool whole;
} number;

typedef struct {
  const xenv *env;
  diag *d;
  bool exact; /* the layer language: no truncating division */
} evaluation;

static bool fail(const evaluation *e, loc at, const char *what, const char *name) {
  diag_error(e->d, at, NULL, what, name);
  return false;
}

static bool eval_name(const evaluation *e, const xexpr *x, number *out) {
  for (int i = 0; i < e->env->n; i++)
    if (same_name(e->env->name[i], x->name)) {
      *out = (number){e->env->v[i], e->env->v[i] == floor(e->env->v[i])};
      return true;
    }
  const char *near = nearest_word(x->name, e->env->name, e->env->n);
  char help[100];
  if (near) snprintf(help, sizeof help, "did you mean `%.60s`?", near);
  diag_error(e->d, x->at, near ? help : NULL, "nothing here is called `%s`", x->name);
  return false;
}

static bool eval_call(const evaluation *e, const xexpr *x, const number *a, number *out) {
  bool both = x->n == 2 && a[0].whole && a[1].whole;
  if (x->n == 1 && !strcmp(x->name, "sqrt")) *out = (number){sqrt(a[0].v), false};
  else if (x->n == 1 && !strcmp(x->name, "exp")) *out = (number){exp(a[0].v), false};
  else if (x->n == 1 && !strcmp(x->name, "log")) *out = (number){log(a[0].v), false};
  else if (x->n == 1 && !strcmp(x->name, "floor")) *out = (number){floor(a[0].v), true};
  else if (x->n == 1 && !strcmp(x->name, "ceil")) *out = (number){ceil(a[0].v), true};
  else if (x->n == 2 && !strcmp(x->name, "max")) *out = (number){fmax(a[0].v, a[1].v), both};
  else if (x->n == 2 && !strcmp(x->name, "min")) *out = (number){fmin(a[0].v, a[1].v), both};
  else if (x->n == 3 && !strcmp(x->name, "select")) *out = a[0].v != 0 ? a[1] : a[2];
  else return fail(e, x->at, "`%s` is no function of sizes", x->name);
  return true;
}

static bool eval_divide(const evaluation *e, const xexpr *x, number a, number b, number *out) {
  if (b.v == 0) return fail(e, x->at, "division by %s", "zero");
  double q = a.v / b.v;
  bool whole = a.whole && b.whole;
  if (e->exact) *out = (number){q, whole && q == floor(q)};
  else *out = (number){whole ? trunc(q) : q, whole};
  return true;
}

static bool eval(const evaluation *e, const xexpr *x, number *out);

static bool eval_binary(const evaluation *e, const xexpr *x, number a, number b, number *out) {
  bool whole = a.whole && b.whole;
  switch (x->kind) {
  case X_NEG: *out = (number){-a.v, a.whole}; return true;
  case X_ADD: *out = (number){a.v + b.v, whole}; return true;
  case X_SUB: *out = (number){a.v - b.v, whole}; return true;
  case X_MUL: *out = (number){a.v * b.v, whole}; return true;
  case X_DIV: return eval_divide(e, x, a, b, out);
  case X_EQ: *out = (number){a.v == b.v, true}; return true;
  case X_NE: *out = (number){a.v != b.v, true}; return true;
  case X_LT: *out = (number){a.v < b.v, true}; return true;
  case X_LE: *out = (number){a.v <= b.v, true}; return true;
  case X_GT: *out = (number){a.v > b.v, true}; return true;
  case X_GE: *out = (number){a.v >= b.v, true}; return true;
  default: internal_error("expression", "an operator of no known kind");
  }
}

static bool eval(const evaluation *e, const xexpr *x, number *out) {
  number a[3] = {{0, false}};
  if (x->kind == X_NUM) {
    *out = (number){x->num, x->num == floor(x->num)};
    return true;
  }
  if (x->kind == X_NAME) return eval_name(e, x, out);
  if (x->kind == X_READ)
    return fail(e, x->at, "`%s[..]` has no value here: sizes are fixed", x->name);
  if (x->n > 3) return fail(e, x->at, "`%s` has too many arguments here", x->name);
  for (int i = 0; i < x->n; i++)
    if (!eval(e, x->arg[i], &a[i])) return false;
  if (x->kind == X_CALL ? !eval_call(e, x, a, out) : !eval_binary(e, x, a[0], a[1], out))
    return false;
  if (!isfinite(out->v)) return fail(e, x->at, "this has no finite value%s", "");
  return true;
}

bool xexpr_eval(const xexpr *x, const xenv *env, diag *d, double *out) {
  evaluation e = {env, d, false};
  number v = {0, false};
  bool ok = eval(&e, x, &v);
  *out = v.v;
  return ok;
}

bool xexpr_eval_exact(const xexpr *x, const xenv *env, diag *d, double *out) {
  evaluation e = {env, d, true};
  number v = {0, false};
  bool ok = eval(&e, x, &v);
  *out = v.v;
  return ok;
}
