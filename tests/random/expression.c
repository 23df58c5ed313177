/* Axes, reads and expressions of random operators. Every value stays of moderate size, so that
   neither the comparison of bits nor finite differences meet infinities. */
#include "writer.h"
#include <string.h>

stream *rnd(writer *w) { return &w->a->r; }

const char *pick_one(writer *w, const char *const *word, int n) { return word[below(rnd(w), n)]; }

/* --- axes --- */

axis *add_axis(writer *w, const char *name, int extent, bool batch) {
  axis *x = &w->axis[w->n_axis++];
  *x = (axis){.extent = extent, .batch = batch};
  strcpy(x->name, name);
  return x;
}

const char *axis_name(const value *v, int d) {
  static const char *const image[] = {"n", "h", "w", "c"}, *const small[] = {"n", "j", "i"};
  return v->rank == RANK ? image[d] : d == 0 && !v->batch ? "q" : small[d];
}

void axes_of(writer *w, const value *v) {
  w->n_axis = 0;
  for (int d = 0; d < v->rank; d++) add_axis(w, axis_name(v, d), v->dim[d], d + 1 == v->batch);
}

static double points(const writer *w) {
  double n = 1;
  for (int i = 0; i < w->n_axis; i++)
    if (!w->axis[i].batch) n *= w->axis[i].extent;
  return n;
}

void reduction_axes(writer *w) {
  static const char *const name[] = {"u", "v", "k"};
  int n = between(rnd(w), 1, 3), most = 1 + (int)(3e4 / points(w));
  for (int i = 0; i < n && most > 1; i++) {
    int extent = chance(rnd(w), 50) ? between(rnd(w), 1, 5) : size_up_to(rnd(w), 33);
    if (extent > most) extent = most;
    add_axis(w, name[i], extent, false);
    most /= extent;
  }
}

void put_ranges(writer *w, FILE *f) {
  const char *sep = " for ";
  for (int i = 0; i < w->n_axis; i++) {
    axis *x = &w->axis[i];
    if (x->step || (!w->ranges && x->plain && !x->other && chance(rnd(w), 60))) continue;
    if (x->batch) fprintf(f, "%s%s:N", sep, x->name);
    else fprintf(f, "%s%s:%d", sep, x->name, x->extent);
    sep = ", ";
  }
  fputs(";\n", f);
}

/* --- reads --- */

static int any_axis(writer *w) {
  int i = w->n_axis ? below(rnd(w), w->n_axis) : -1;
  return i >= 0 && w->axis[i].batch ? (w->n_axis > 1 ? (i + 1) % w->n_axis : -1) : i;
}

/* An index that always lies in its dimension. */
static void put_index_within(writer *w, FILE *f, int extent) {
  for (int tries = 0; tries < 4; tries++) {
    int i = any_axis(w);
    if (i < 0 || w->axis[i].extent > extent) continue;
    if (chance(rnd(w), 20)) {
      fprintf(f, "%d-%s", extent - 1, w->axis[i].name);
      return;
    }
    if (w->axis[i].extent < extent) w->axis[i].other = true;
    else w->axis[i].plain = true;
    fputs(w->axis[i].name, f);
    return;
  }
  fprintf(f, "%d", below(rnd(w), extent));
}

static void put_batch_index(writer *w, FILE *f) {
  axis *n = NULL;
  for (int i = 0; i < w->n_axis; i++)
    if (w->axis[i].batch) n = &w->axis[i];
  if (!n) {
    fputc('0', f);
  } else if (w->within || chance(rnd(w), 94)) {
    n->plain = true;
    fputs(n->name, f);
  } else {
    static const char *const form[] = {"N-1-%s", "%s+1", "%s-1"};
    fprintf(f, form[below(rnd(w), 3)], n->name);
  }
}

static int axis_of_extent(writer *w, int extent) {
  int found = -1;
  for (int i = 0; i < w->n_axis; i++)
    if (!w->axis[i].batch && w->axis[i].extent == extent && (found < 0 || chance(rnd(w), 30)))
      found = i;
  return found;
}

static void put_odd_index(writer *w, FILE *f, int extent) {
  int i = any_axis(w), j = any_axis(w), by = between(rnd(w), 1, 3);
  if (i < 0 || chance(rnd(w), 8)) {
    fprintf(f, "%d", below(rnd(w), extent));
    return;
  }
  const char *x = w->axis[i].name, *y = w->axis[j].name;
  switch (below(rnd(w), 6)) {
  case 0: fprintf(f, "%d-%s", extent - 1, x); break;
  case 1: fprintf(f, "%s+%d", x, by); break;
  case 2: fprintf(f, "%s-%d", x, by); break;
  case 3: fprintf(f, "%d*%s", by + 1, x); break;
  case 4: fprintf(f, "%s+%s-%d", x, y, by); break;
  default: fprintf(f, "%s*%d+%s-%d", x, by, y, by / 2);
  }
}

static void put_index(writer *w, FILE *f, int extent) {
  int i = axis_of_extent(w, extent);
  if (i >= 0 && chance(rnd(w), 75)) {
    w->axis[i].plain = true;
    fputs(w->axis[i].name, f);
    return;
  }
  i = any_axis(w);
  if (i >= 0 && w->axis[i].extent != extent && chance(rnd(w), 25)) {
    w->axis[i].other = true;
    fputs(w->axis[i].name, f);
    return;
  }
  put_odd_index(w, f, extent);
}

void put_step(writer *w, FILE *f, int before) {
  if (w->steps) fprintf(f, "%d-t", w->steps - 1 + before);
  else if (before) fprintf(f, "t-%d", before);
  else fputc('t', f);
}

/* What a scan has written so far. */
static void put_step_index(writer *w, FILE *f, readiness r) {
  bool now = r == THIS_STEP && (w->within || chance(rnd(w), 80));
  put_step(w, f, now ? 0 : chance(rnd(w), 80) ? 1 : 2);
}

void put_read(writer *w, FILE *f, value *v) {
  w->reads++;
  v->was_read = true;
  if (*v->fixed) {
    fputs(v->fixed, f);
    return;
  }
  fprintf(f, "%s[", v->name);
  for (int d = 0; d < v->rank; d++) {
    if (d) fputc(',', f);
    if (d + 1 == v->batch) put_batch_index(w, f);
    else if (d == v->step_dim && v->ready) put_step_index(w, f, v->ready);
    else if (w->within) put_index_within(w, f, v->dim[d]);
    else put_index(w, f, v->dim[d]);
  }
  fputc(']', f);
}

static value *any_value(writer *w) {
  value *v = &w->value[below(rnd(w), w->n_value)];
  return v->hidden ? &w->value[0] : v;
}

/* --- parameters --- */

value *another_value(writer *w, const char *name, int number) {
  value *v = &w->value[w->n_value++];
  *v = (value){0};
  snprintf(v->name, sizeof v->name, "%s%d", name, number);
  return v;
}

/* A parameter along some of the statement's axes. */
static value *new_parameter(writer *w) {
  static const char *const init[] = {"1", "uniform(0.5)", "uniform(1)", "0.25"};
  value *v = another_value(w, "p", w->n_param++);
  int most = 4000;
  for (int i = 0; i < w->n_axis && v->rank < RANK; i++) {
    if (w->axis[i].batch || w->axis[i].extent > most || chance(rnd(w), 40)) continue;
    v->dim[v->rank++] = w->axis[i].extent;
    most /= w->axis[i].extent;
  }
  if (!v->rank) v->dim[v->rank++] = size_up_to(rnd(w), 9);
  fprintf(w->declared, "  param %s[", v->name);
  for (int d = 0; d < v->rank; d++) fprintf(w->declared, "%sa%d:%d", d ? ", " : "", d, v->dim[d]);
  fprintf(w->declared, "] ~ %s;\n", pick_one(w, init, 4));
  return v;
}

/* --- expressions --- */

static bool has_batch(const writer *w) {
  for (int i = 0; i < w->n_axis; i++)
    if (w->axis[i].batch) return true;
  return false;
}

static void put_leaf(writer *w, FILE *f) {
  int i = any_axis(w), kind = below(rnd(w), 100);
  if (kind < 14 && w->n_value < MAX_VALUES - 5 && w->n_param < 4 && w->declared != w->f)
    put_read(w, f, new_parameter(w));
  else if (kind < 80) put_read(w, f, any_value(w));
  else if (kind < 90 || i < 0)
    fprintf(f, "%s0.%d", chance(rnd(w), 20) ? "-" : "", between(rnd(w), 1, 99));
  else if (kind < 96) fprintf(f, "0.%d*%s", between(rnd(w), 1, 9), w->axis[i].name);
  else if (w->loss && has_batch(w)) fprintf(f, "(%s == label[n])", w->axis[i].name);
  else if (kind < 98 && w->declared != w->f) fputs("b", f);
  else if (w->a->tangled && chance(rnd(w), 95)) fputs("0.5", f);
  else fputs("rand()", f);
}

/* Each form keeps values of moderate size moderate; %e stands for a part. */
static const char *const forms[] = {"(%e + %e)",
                                    "(%e - %e)",
                                    "%e * %e",
                                    "%e * %e",
                                    "max(%e, %e)",
                                    "min(%e, %e)",
                                    "tanh(%e)",
                                    "select(%e > %e, %e, %e)",
                                    "select(%e <= 0.25, %e, 0)",
                                    "exp(min(%e, 1))",
                                    "sqrt(1.5 + tanh(%e))",
                                    "log(2.5 + tanh(%e))",
                                    "%e / (1.5 + tanh(%e))",
                                    "neg(%e)",
                                    "(%e < %e)",
                                    "(%e != 0)",
                                    "stop(%e)"};

static void put_form(writer *w, FILE *f, const char *form, int depth) {
  for (; *form; form++) {
    if (form[0] != '%') fputc(*form, f);
    else form++, put_value(w, f, depth - 1);
  }
}

void put_value(writer *w, FILE *f, int depth) {
  /* The last form hides gradients from differences. */
  int n = (int)(sizeof forms / sizeof *forms) - (w->a->tangled && chance(rnd(w), 98));
  if (depth <= 0 || w->reads > 12 || chance(rnd(w), 25)) put_leaf(w, f);
  else put_form(w, f, pick_one(w, forms, n), depth);
}

void put_right(writer *w, FILE *f, double terms, bool max) {
  w->reads = 0;
  w->within = max;
  put_read(w, f, any_value(w));
  fputs(chance(rnd(w), 60) ? " * " : " + ", f);
  put_value(w, f, between(rnd(w), 0, 3));
  if (terms > 8) fprintf(f, " * %.3f", 2 / terms);
  w->work += points(w) * (1 + w->reads);
}
