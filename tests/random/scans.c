/* Scans of several states, which read one another in this step and in earlier ones, forwards and
   from the end; states that are sums, maxima, or written in parts; and what is complete before
   the scan, and added to by its steps. */
#include "writer.h"

enum { MOST_STATES = 3 };

static void note(writer *w, construct c) { w->a->found |= 1u << c; }

static value *new_state(writer *w, int steps) {
  value *h = another_value(w, "h", 10 + w->n_local++);
  h->rank = 3, h->step_dim = below(rnd(w), 2), h->batch = 2 - h->step_dim;
  h->dim[h->step_dim] = steps, h->dim[1 - h->step_dim] = 1;
  h->dim[2] = size_up_to(rnd(w), 9);
  h->ready = EARLIER_STEPS;
  return h;
}

/* h[t,n,k+at], or h[n,t,k+at], over so many k. */
static void put_state(writer *w, const value *h, int at, int extent) {
  w->n_axis = 0;
  add_axis(w, "t", h->dim[h->step_dim], false)->step = true;
  add_axis(w, "n", 1, true)->other = true;
  add_axis(w, "k", extent, false)->other = true;
  fprintf(w->f, "      %s[", h->name);
  if (h->step_dim) fputs("n,", w->f);
  put_step(w, w->f, 0);
  fputs(h->step_dim ? "," : ",n,", w->f);
  fprintf(w->f, at ? "k+%d] " : "k] ", at);
}

static void put_function(writer *w) {
  static const char *const form[] = {"tanh(", "0.5 * (", "sigmoid("};
  fprintf(w->f, "= %s", pick_one(w, form, 3));
  put_right(w, w->f, 1, false);
  fputc(')', w->f);
  put_ranges(w, w->f);
}

static void put_product(writer *w, const value *h, value *of) {
  put_state(w, h, 0, h->dim[2]);
  add_axis(w, "u", of->dim[2], false)->other = true;
  fputs("+= ", w->f);
  put_read(w, w->f, of);
  fputs(" * (", w->f);
  put_right(w, w->f, of->dim[2] + 8, false);
  fputc(')', w->f);
  put_ranges(w, w->f);
}

/* Over what is complete: at the first step there would be nothing else. */
static void put_largest(writer *w, const value *h, value *state, int n) {
  bool was[MOST_STATES];
  for (int i = 0; i < n; i++)
    was[i] = state[i].hidden, state[i].hidden |= state[i].ready == EARLIER_STEPS;
  put_state(w, h, 0, h->dim[2]);
  add_axis(w, "u", between(rnd(w), 1, 5), false)->other = true;
  fputs("max= ", w->f);
  put_right(w, w->f, 1, true);
  put_ranges(w, w->f);
  for (int i = 0; i < n; i++) state[i].hidden = was[i];
}

/* Where the steps are written out, only elements of one part may be read before the end. */
static void put_parts(writer *w, value *h) {
  int cut = between(rnd(w), 1, h->dim[2] - 1);
  put_state(w, h, cut, h->dim[2] - cut);
  put_function(w);
  put_state(w, h, 0, cut);
  put_function(w);
  int at = below(rnd(w), h->dim[2]);
  char step[20] = "t";
  if (w->steps) snprintf(step, sizeof step, "%d-t", w->steps - 1);
  if (h->step_dim) snprintf(h->fixed, sizeof h->fixed, "%s[n,%s,%d]", h->name, step, at);
  else snprintf(h->fixed, sizeof h->fixed, "%s[%s,n,%d]", h->name, step, at);
  note(w, SCAN_PARTS);
}

static void put_one_state(writer *w, value *state, int n, int i) {
  value *h = &state[i];
  int kind = below(rnd(w), 100);
  bool parts = h->hidden;
  value *of = &state[(i + between(rnd(w), 1, n - 1)) % n];
  h->hidden = true; /* no statement reads what it writes */
  if (parts) put_parts(w, h);
  else if (kind < 35 && !of->hidden) put_product(w, h, of);
  else if (kind < 50) put_largest(w, h, state, n);
  else put_state(w, h, 0, h->dim[2]), put_function(w);
  h->hidden = false;
  h->ready = THIS_STEP;
}

void put_scan_of_several(writer *w) {
  bool adds = chance(rnd(w), 35);
  int steps = between(rnd(w), 2, adds ? 4 : 9), n = between(rnd(w), 2, MOST_STATES);
  value *state = &w->value[w->n_value];
  for (int i = 0; i < n; i++) { /* what is written in parts is not read before it is */
    value *h = new_state(w, steps);
    h->hidden = h->dim[2] > 1 && chance(rnd(w), 25);
  }
  w->steps = chance(rnd(w), 30) ? steps : 0, w->ranges = true;
  note(w, w->steps ? SCAN_BACKWARDS : SCAN_SEVERAL);
  if (adds) note(w, SCAN_ADDS);
  fprintf(w->f, "    scan t:%d {\n", steps);
  for (int i = 0; i < n; i++) {
    if (adds && chance(rnd(w), 50)) put_addition(w);
    put_one_state(w, state, n, i);
  }
  if (adds) put_addition(w);
  fputs("    }\n", w->f);
  w->steps = 0, w->ranges = false;
  for (int i = 0; i < n; i++) {
    state[i].ready = COMPLETE, state[i].local = true;
    state[i].fixed[0] = 0;
  }
}
