#include "picks.h"

static bool is_axis(const expr *e, int ax) {
  return e->kind == E_INDEX && aff_is(e->aff, aff_axis(ax, 1));
}

/* Of `axis == whole number`, the number. */
static expr *compared(const nest *n, const expr *e, int ax) {
  if (e->kind != E_EQ) return NULL;
  expr *by = is_axis(e->a[0], ax) ? e->a[1] : is_axis(e->a[1], ax) ? e->a[0] : NULL;
  if (!by || by->kind != E_READ || !is_whole(by->rd.t)) return NULL;
  return by->axes >> ax & 1 || access_may_leave(n, &by->rd) ? NULL : by;
}

expr *picked_by(const nest *n, int ax) {
  const expr *t = n->term;
  if (n->red != R_SUM) return NULL;
  if (t->kind == E_SELECT) return expr_is(t->a[2], 0) ? compared(n, t->a[0], ax) : NULL;
  if (t->kind != E_MUL) return NULL;
  expr *by = compared(n, t->a[0], ax);
  return by ? by : compared(n, t->a[1], ax);
}

bool picks_output(const nest *n) { return n->pick && !n->axis[n->pick - 1].reduce; }
