/* Random recurrences of one state: a state that each step computes from earlier steps and from what
   is complete, with sums over the earlier state as recurrent layers have them. */
#include "writer.h"

enum { MOST_STEPS = 20 };

/* Over the steps, the batch and, after them, the channels of the state. */
static void step_axes(writer *w, const value *v, bool sum) {
  w->n_axis = 0;
  add_axis(w, "t", v->dim[0], false)->step = true;
  add_axis(w, "n", 1, true)->other = true;
  add_axis(w, "k", v->dim[2], false)->other = true;
  if (sum) add_axis(w, "u", v->dim[2], false)->other = true;
}

static value *new_state(writer *w, const char *name, int steps, int width) {
  value *v = another_value(w, name, 0);
  v->batch = 2, v->rank = 3;
  v->dim[0] = steps, v->dim[1] = 1, v->dim[2] = width;
  return v;
}

/* r[t,n,k] += h[t-1,n,u] * ..: what recurrent layers begin a step with. */
static void put_product(writer *w, const value *h) {
  value *r = new_state(w, "r", h->dim[0], h->dim[2]);
  step_axes(w, r, true);
  fprintf(w->f, "      r0[t,n,k] += h0[t-1,n,u] * ");
  r->hidden = true;
  put_right(w, w->f, h->dim[2] + 8, false);
  r->hidden = false;
  put_ranges(w, w->f);
  r->ready = THIS_STEP;
}

/* q[t,n,k] = h[t-1,n,k]: nothing in the first step, and the statement that reads it has all its
 * terms. */
static void put_copy(writer *w, const value *h) {
  value *q = new_state(w, "q", h->dim[0], h->dim[2]);
  step_axes(w, q, false);
  fprintf(w->f, "      q0[t,n,k] = h0[t-%d,n,k]", chance(rnd(w), 75) ? 1 : 2);
  put_ranges(w, w->f);
  q->ready = THIS_STEP;
}

static void put_state(writer *w, value *h) {
  static const char *const form[] = {"tanh(", "0.5 * (", "sigmoid("};
  step_axes(w, h, false);
  fprintf(w->f, "      h0[t,n,k] = %s", pick_one(w, form, 3));
  h->hidden = true; /* no statement reads what it writes */
  put_right(w, w->f, 1, false);
  h->hidden = false;
  fputc(')', w->f);
  put_ranges(w, w->f);
  h->ready = THIS_STEP;
}

/* y[n,t,k] within the step, where its size allows. */
static bool put_result(writer *w, const value *y, const value *h) {
  if (y->rank != 3 || y->dim[1] != h->dim[0] || !chance(rnd(w), 60)) return false;
  w->n_axis = 0;
  add_axis(w, "n", 1, true);
  add_axis(w, "t", y->dim[1], false)->step = true;
  add_axis(w, "k", y->dim[2], false)->other = true;
  fputs("      y[n,t,k] = ", w->f);
  put_right(w, w->f, 1, false);
  put_ranges(w, w->f);
  return true;
}

static int random_steps(writer *w, const value *y) {
  const value *x = &w->value[0];
  int n = chance(rnd(w), 70) && x->rank > 2 ? x->dim[1] : between(rnd(w), 1, MOST_STEPS);
  if (chance(rnd(w), 30) && y->rank == 3) n = y->dim[1];
  return n < MOST_STEPS ? n : MOST_STEPS;
}

bool put_scan(writer *w, const value *y) {
  int steps = random_steps(w, y);
  value *h = new_state(w, "h", steps, size_up_to(rnd(w), 17));
  int first = w->n_value;
  h->ready = EARLIER_STEPS;
  fprintf(w->f, "    scan t:%d {\n", steps);
  if (chance(rnd(w), 60)) put_product(w, h);
  if (chance(rnd(w), 50)) put_copy(w, h);
  put_state(w, h);
  bool written = put_result(w, y, h);
  fputs("    }\n", w->f);
  h->ready = COMPLETE;
  for (int i = first; i < w->n_value; i++) w->value[i].ready = COMPLETE;
  return written;
}
