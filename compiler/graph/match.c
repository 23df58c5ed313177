/* Which form of an operator takes given inputs: those of one name differ in how many they take, in
   ranks, in floats or whole numbers, and in how many values they need. Where none fits as it is, a
   vector is an image of 1 x 1, and such an image a vector. */
#include "expand.h"
#include <limits.h>
#include <string.h>

/* The other way to see a value; false: there is none. */
static bool other_view(const shape *s, shape *out) {
  if (s->below) return false;
  if (s->rank == 1) {
    *out = (shape){3, {1, 1, s->dim[0]}, 0};
    return true;
  }
  *out = (shape){1, {s->dim[2]}, 0};
  return s->rank == 3 && s->dim[0] == 1 && s->dim[1] == 1;
}

/* Inputs of which the bits of `others` are seen in the other way. */
static bool view_all(int n, const shape *in, unsigned others, shape *as) {
  for (int i = 0; i < n; i++) {
    as[i] = in[i];
    if (others >> i & 1 && !other_view(&in[i], &as[i])) return false;
  }
  return true;
}

static bool takes(const opdef *op, int n, const shape *as, int len[MAX_PACKS]) {
  int rank[MAX_INPUTS];
  for (int i = 0; i < n; i++) rank[i] = as[i].rank + 1;
  if (!op_fits(op, n, rank, len)) return false;
  for (int i = 0; i < n; i++)
    if (op->in[i].is_int != (as[i].below > 0)) return false;
  return true;
}

static int bits(unsigned x) {
  int n = 0;
  for (; x; x &= x - 1) n++;
  return n;
}

/* How far a form is from taking so many values; one that needs more is told what is missing. */
int values_off(const opdef *op, int values) {
  int more = needed_values(op) - values;
  return more >= 0 ? 2 * more : 1 - 2 * more;
}

opdef *match_form(expander *x, opdef *op, int n, const shape *in, int values, shape *as) {
  opdef *best = NULL;
  int fewest = INT_MAX, len[MAX_PACKS], best_len[MAX_PACKS] = {0};
  shape tried[MAX_INPUTS];
  if (n > MAX_INPUTS) return NULL;
  for (opdef *o = op; o; o = ops_find(o->next, op->name))
    for (unsigned others = 0; others < 1u << n; others++) {
      int off = 1000 * bits(others) + values_off(o, values);
      if (off >= fewest || !view_all(n, in, others, tried) || !takes(o, n, tried, len)) continue;
      best = o;
      fewest = off;
      memcpy(best_len, len, sizeof len);
      memcpy(as, tried, (size_t)n * sizeof *as);
    }
  return best ? op_form(x->a, best, best_len) : NULL;
}

static const char *input_text(expander *x, const opinput *in) {
  const char *t = arena_printf(x->a, "%s%s[", in->is_int ? "int " : "", in->name);
  for (int d = 0; d < in->n_dim; d++) t = arena_printf(x->a, "%s%s%s", t, d ? "," : "", in->dim[d]);
  return arena_printf(x->a, "%s%s]", t, in->every ? ".." : "");
}

static const char *form_text(expander *x, const opdef *op) {
  const char *t = op->n_in > 1 ? "(" : "";
  for (int i = 0; i < op->n_in; i++)
    t = arena_printf(x->a, "%s%s%s", t, i ? ", " : "", input_text(x, &op->in[i]));
  return op->n_in > 1 ? arena_printf(x->a, "%s)", t) : t;
}

const char *forms_text(expander *x, opdef *op) {
  const char *t = NULL;
  for (opdef *o = op; o; o = ops_find(o->next, op->name))
    if (o->kind != OP_TOTAL)
      t = t ? arena_printf(x->a, "%s or %s", t, form_text(x, o)) : form_text(x, o);
  return t;
}

int most_inputs(opdef *op) {
  int n = 0;
  for (opdef *o = op; o; o = ops_find(o->next, op->name)) n = o->n_in > n ? o->n_in : n;
  return n;
}

int least_inputs(opdef *op) {
  int n = MAX_INPUTS;
  for (opdef *o = op; o; o = ops_find(o->next, op->name))
    if (o->kind != OP_TOTAL && o->n_in < n) n = o->n_in;
  return n;
}
