/* The operator library, parsed. */
#ifndef NETC_OPDEF_H
#define NETC_OPDEF_H
#include "ast.h"

/* The built-in operators, parsed once per graph from the embedded library. */
opdef *ops_find(opdef *list, const char *name);
/* Operators of one name may differ in the ranks of their inputs (batch included). Does this one
   take inputs of these ranks? len: the dimensions that each of its packs then stands for. */
bool op_fits(const opdef *op, int n, const int *rank, int len[MAX_PACKS]);
/* The settings without a default. */
int needed_values(const opdef *op);
/* The operator written out for these lengths; itself, if it has no packs. Kept in op->forms. */
opdef *op_form(arena *a, opdef *op, const int len[MAX_PACKS]);
/* Evaluates a shape or setting expression. env names: settings ("k", "k.h", "k.w") and dimensions
   ("H"). Integer division truncates when both sides are integers (shape rules). False: d has the
   error. */
typedef struct {
  int n;
  const char *name[64];
  double v[64];
} xenv;
bool xexpr_eval(const xexpr *x, const xenv *env, diag *d, double *out);
/* The texts of compiler/ops, embedded when netc is built; sorted by file name. */
typedef struct {
  const char *name, *text;
} oplib_entry;
extern const oplib_entry oplib[];
extern const int oplib_n;

/* Parses the library into a. An error in it is a bug and aborts. */
opdef *ops_library(arena *a, diag *d);
/* As xexpr_eval, but division is exact: arithmetic in parentheses of the layer language. */
bool xexpr_eval_exact(const xexpr *x, const xenv *env, diag *d, double *out);
#endif
