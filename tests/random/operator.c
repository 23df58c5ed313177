/* Random legal operators: sums, maxima, shifts, mirrored and strided reads, scatters, writes in
   parts (every second row, halves of the channels), selects, locals, parameters, running means.
   Every value stays of moderate size, so that neither the comparison of bits nor finite differences
   meet infinities. */
#include "author.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 16, RANK = 4 };

/* A tensor that an expression may read. Dimension 0 is the batch if `batch`: its size is N. */
typedef struct {
  char name[16];
  bool batch;
  int rank, dim[RANK];
  bool known; /* its dimensions stand in the signature */
} value;

typedef struct {
  char name[4];
  int extent;
  bool batch, plain, other; /* stood alone in a dimension of its extent, or in another one */
} axis;

typedef struct {
  author *a;
  FILE *f; /* the body */
  FILE *declared;
  int n_value, n_param, n_local, n_axis;
  value value[MAX_VALUES];
  axis axis[8];
  int reads; /* of the statement so far */
  double work;
  bool loss;
  bool within; /* indices may not leave their tensors: a maximum over nothing is -inf */
} writer;

static stream *rnd(writer *w) { return &w->a->r; }

static const char *pick(writer *w, const char *const *word, int n) {
  return word[below(rnd(w), n)];
}

/* --- axes --- */

static axis *add_axis(writer *w, const char *name, int extent, bool batch) {
  axis *x = &w->axis[w->n_axis++];
  *x = (axis){.extent = extent, .batch = batch};
  strcpy(x->name, name);
  return x;
}

/* One axis for each dimension: n, h, w, c for images, and their ends for smaller tensors. */
static void axes_of(writer *w, const value *v) {
  static const char *const image[] = {"n", "h", "w", "c"}, *const small[] = {"n", "j", "i"};
  w->n_axis = 0;
  for (int d = 0; d < v->rank; d++) {
    const char *name = v->rank == RANK ? image[d] : d == 0 && !v->batch ? "q" : small[d];
    add_axis(w, name, v->dim[d], d == 0 && v->batch);
  }
}

static double points(const writer *w) {
  double n = 1;
  for (int i = 0; i < w->n_axis; i++)
    if (!w->axis[i].batch) n *= w->axis[i].extent;
  return n;
}

/* Axes that only the right side has: the statement sums over them. */
static void reduction_axes(writer *w) {
  static const char *const name[] = {"u", "v", "k"};
  int n = between(rnd(w), 1, 3), most = 1 + (int)(3e4 / points(w));
  for (int i = 0; i < n && most > 1; i++) {
    int extent = chance(rnd(w), 50) ? between(rnd(w), 1, 5) : size_up_to(rnd(w), 33);
    if (extent > most) extent = most;
    add_axis(w, name[i], extent, false);
    most /= extent;
  }
}

static void put_ranges(writer *w, FILE *f) {
  const char *sep = " for ";
  for (int i = 0; i < w->n_axis; i++) {
    axis *x = &w->axis[i];
    if (x->plain && !x->other && chance(rnd(w), 60)) continue;
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

static void put_read(writer *w, FILE *f, const value *v) {
  fprintf(f, "%s[", v->name);
  for (int d = 0; d < v->rank; d++) {
    if (d) fputc(',', f);
    if (d == 0 && v->batch) put_batch_index(w, f);
    else if (w->within) put_index_within(w, f, v->dim[d]);
    else put_index(w, f, v->dim[d]);
  }
  fputc(']', f);
  w->reads++;
}

/* --- parameters --- */

static value *new_value(writer *w, const char *name, int number) {
  value *v = &w->value[w->n_value++];
  *v = (value){0};
  snprintf(v->name, sizeof v->name, "%s%d", name, number);
  return v;
}

/* A parameter along some of the statement's axes. */
static const value *new_parameter(writer *w) {
  static const char *const init[] = {"1", "uniform(0.5)", "uniform(1)", "0.25"};
  value *v = new_value(w, "p", w->n_param++);
  int most = 4000;
  for (int i = 0; i < w->n_axis && v->rank < RANK; i++) {
    if (w->axis[i].batch || w->axis[i].extent > most || chance(rnd(w), 40)) continue;
    v->dim[v->rank++] = w->axis[i].extent;
    most /= w->axis[i].extent;
  }
  if (!v->rank) v->dim[v->rank++] = size_up_to(rnd(w), 9);
  fprintf(w->declared, "  param %s[", v->name);
  for (int d = 0; d < v->rank; d++) fprintf(w->declared, "%sa%d:%d", d ? ", " : "", d, v->dim[d]);
  fprintf(w->declared, "] ~ %s;\n", pick(w, init, 4));
  return v;
}

/* --- expressions --- */

static void put_value(writer *w, FILE *f, int depth);

static void put_leaf(writer *w, FILE *f) {
  int i = any_axis(w), kind = below(rnd(w), 100);
  if (kind < 14 && w->n_value < MAX_VALUES - 2 && w->n_param < 4 && !w->loss)
    put_read(w, f, new_parameter(w));
  else if (kind < 80) put_read(w, f, &w->value[below(rnd(w), w->n_value)]);
  else if (kind < 90 || i < 0)
    fprintf(f, "%s0.%d", chance(rnd(w), 20) ? "-" : "", between(rnd(w), 1, 99));
  else if (kind < 96) fprintf(f, "0.%d*%s", between(rnd(w), 1, 9), w->axis[i].name);
  else if (w->loss) fprintf(f, "(%s == label[n])", w->axis[i].name);
  else if (kind < 98) fputs("b", f);
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
                                    "stop(%e)",
                                    "(%e != 0)"};

static void put_form(writer *w, FILE *f, const char *form, int depth) {
  for (; *form; form++) {
    if (form[0] != '%') fputc(*form, f);
    else form++, put_value(w, f, depth - 1);
  }
}

static void put_value(writer *w, FILE *f, int depth) {
  if (depth <= 0 || w->reads > 12 || chance(rnd(w), 25)) put_leaf(w, f);
  else put_form(w, f, pick(w, forms, (int)(sizeof forms / sizeof *forms)), depth);
}

/* A right side that reads at least one tensor. A sum is scaled by the number of its terms;
   a maximum may not be one of nothing. */
static void put_right(writer *w, FILE *f, double terms, bool max) {
  w->reads = 0;
  w->within = max;
  put_read(w, f, &w->value[below(rnd(w), w->n_value)]);
  fputs(chance(rnd(w), 60) ? " * " : " + ", f);
  put_value(w, f, between(rnd(w), 0, 3));
  if (terms > 8) fprintf(f, " * %.3f", 2 / terms);
  w->work += points(w) * (1 + w->reads);
}

/* --- statements --- */

/* What is written: its indices but for dimension `part`, whose index is given. */
static void put_left(writer *w, FILE *f, const value *v, int part, const char *index) {
  fprintf(f, "    %s[", v->name);
  for (int d = 0; d < v->rank; d++) {
    if (d) fputc(',', f);
    if (d == part) {
      fputs(index, f);
      continue;
    }
    fputs(w->axis[d].name, f);
    w->axis[d].plain = v->known;
  }
  fputc(']', f);
}

static double terms_of(const writer *w, const value *v) {
  double n = 1;
  for (int i = v->rank; i < w->n_axis; i++) n *= w->axis[i].extent;
  return n;
}

static void put_plain(writer *w, const value *v, const char *sign) {
  axes_of(w, v);
  if (*sign != '=') reduction_axes(w);
  put_left(w, w->f, v, -1, NULL);
  fprintf(w->f, " %s ", sign);
  put_right(w, w->f, *sign == '+' ? terms_of(w, v) : 1, *sign == 'm');
  put_ranges(w, w->f);
}

/* A dimension of at least two elements, other than the batch; -1: none. */
static int divisible(writer *w, const value *v) {
  int from = below(rnd(w), v->rank);
  for (int i = 0; i < v->rank; i++) {
    int d = (from + i) % v->rank;
    if (v->dim[d] >= 2 && !(d == 0 && v->batch)) return d;
  }
  return -1;
}

static void put_part(writer *w, const value *v, int d, const char *index, int extent) {
  bool max = chance(rnd(w), 25);
  axes_of(w, v);
  w->axis[d].extent = extent;
  w->axis[d].other = true;
  if (max) reduction_axes(w);
  /* Elements between those written may not stay without a value: a sum with gaps is a scatter. */
  put_left(w, w->f, v, d, index);
  fputs(max ? " max= " : " = ", w->f);
  put_right(w, w->f, 1, max);
  put_ranges(w, w->f);
}

/* Every step-th element in a statement of its own; the last element first, since a local tensor is
   as large as the first statement needs. */
static void put_residues(writer *w, const value *v, int d) {
  static const char *const axis_name[] = {"n", "h", "w", "c"}, *const small[] = {"n", "j", "i"};
  const char *name = v->rank == RANK ? axis_name[d] : d == 0 && !v->batch ? "q" : small[d];
  int step = v->dim[d] > 2 && chance(rnd(w), 30) ? 3 : 2;
  for (int i = 0; i < step; i++) {
    char index[32];
    int first = (v->dim[d] - 1 - i) % step;
    snprintf(index, sizeof index, first ? "%d*%s+%d" : "%d*%s", step, name, first);
    put_part(w, v, d, index, (v->dim[d] - first + step - 1) / step);
  }
}

static void put_halves(writer *w, const value *v, int d) {
  static const char *const axis_name[] = {"n", "h", "w", "c"}, *const small[] = {"n", "j", "i"};
  const char *name = v->rank == RANK ? axis_name[d] : d == 0 && !v->batch ? "q" : small[d];
  int cut = between(rnd(w), 1, v->dim[d] - 1);
  char index[32];
  snprintf(index, sizeof index, "%s+%d", name, cut);
  put_part(w, v, d, index, v->dim[d] - cut);
  put_part(w, v, d, name, cut);
}

/* out[step*d + u] += ..: several terms may reach an element, or none. */
static void put_scatter(writer *w, const value *v, int d) {
  int extent = between(rnd(w), 1, v->dim[d]), step, taps;
  step = extent > 1 ? between(rnd(w), 1, (v->dim[d] - 1) / (extent - 1)) : 2;
  if (step > 3) step = 3;
  taps = v->dim[d] - step * (extent - 1);
  axes_of(w, v);
  char index[32];
  snprintf(index, sizeof index, "%d*%s+u", step, w->axis[d].name);
  w->axis[d].extent = extent;
  w->axis[d].other = true;
  add_axis(w, "u", taps, false);
  put_left(w, w->f, v, d, index);
  fputs(" += ", w->f);
  put_right(w, w->f, taps, false);
  put_ranges(w, w->f);
}

/* All of v, in one statement or several. */
static void put_statements(writer *w, const value *v) {
  int d = divisible(w, v), kind = below(rnd(w), 100);
  if (d < 0 || kind < 60) put_plain(w, v, kind % 6 < 3 ? "=" : kind % 6 < 5 ? "+=" : "max=");
  else if (kind < 75) put_residues(w, v, d);
  else if (kind < 88) put_halves(w, v, d);
  else put_scatter(w, v, d);
  if (chance(rnd(w), 10)) put_plain(w, v, "+="); /* more onto what is complete */
}

/* --- values between --- */

static int local_size(writer *w, int like, int most) {
  int n = chance(rnd(w), 60) ? like : size_up_to(rnd(w), 17);
  return n > most ? most : n;
}

static void put_local(writer *w) {
  value v = {.batch = chance(rnd(w), 80)};
  const value *x = &w->value[0];
  int most = 3000;
  v.rank = chance(rnd(w), 55) ? RANK : between(rnd(w), 1, 3);
  snprintf(v.name, sizeof v.name, "t%d", w->n_local++);
  if (v.rank == RANK) v.batch = true;
  for (int d = 0; d < v.rank; d++) {
    v.dim[d] = d == 0 && v.batch ? 1 : local_size(w, x->dim[d + RANK - v.rank], most);
    most /= v.dim[d];
  }
  put_statements(w, &v);
  w->value[w->n_value++] = v;
}

/* A running mean: training reads the batch's, inference the one that was kept. */
static void put_running_mean(writer *w, const value *y) {
  value *m = new_value(w, "m", 0);
  m->rank = 1, m->dim[0] = y->dim[3];
  fprintf(w->declared, "  state s0[a0:%d] ~ %s;\n", m->dim[0], chance(rnd(w), 50) ? "0" : "0.5");
  fputs("    m0[c] += x[n,h,w,c] * 0.01", w->f);
  fprintf(w->f, " for n:N, h:H, w:W, c:%d;\n  train {\n    s0[c] = 0.9 * s0[c] + 0.1 * m0[c];\n",
          m->dim[0]);
  put_plain(w, y, "=");
  fputs("  }\n  infer {\n", w->f);
  strcpy(m->name, "s0");
  put_plain(w, y, "=");
  fputs("  }\n", w->f);
}

static void add_input(writer *w, shape s) {
  value *x = &w->value[w->n_value++];
  *x = (value){"x", true, RANK, {1, s.h, s.w, s.c}, true};
}

static shape result_shape(author *a) {
  if (chance(&a->r, 55)) return a->at;
  shape s = {size_up_to(&a->r, 20), size_up_to(&a->r, 9), size_up_to(&a->r, 9)};
  return s;
}

static void put_body(writer *w, const value *y) {
  for (int n = below(rnd(w), 4); n && w->n_value < MAX_VALUES - 4; n--) put_local(w);
  if (chance(rnd(w), 10)) put_running_mean(w, y);
  else put_statements(w, y);
}

own_operator *write_operator(author *a) {
  own_operator *o = &a->own[a->n_own];
  char *body, *declared;
  size_t size;
  writer w = {.a = a};
  *o = (own_operator){.in = a->at, .out = result_shape(a)};
  snprintf(o->name, sizeof o->name, "own%d", a->n_own);
  value y = {"y", true, RANK, {1, o->out.h, o->out.w, o->out.c}, true};
  w.f = open_memstream(&body, &size);
  w.declared = open_memstream(&declared, &size);
  add_input(&w, a->at);
  put_body(&w, &y);
  fclose(w.f), fclose(w.declared);
  o->work = w.work;
  if (w.work < 4e5) {
    fprintf(a->operators, "op %s(x[N,H,W,C], b=0.5) -> y[N,%d,%d,%d] {\n%s%s}\n", o->name, o->out.h,
            o->out.w, o->out.c, declared, body);
    a->n_own++;
  }
  free(body), free(declared);
  return w.work < 4e5 ? o : NULL;
}

/* --- losses and optimizers --- */

void write_loss(author *a, const char *name) {
  writer w = {.a = a, .f = a->operators, .declared = a->operators, .loss = true};
  value loss = {"l", true, 1, {1}, true};
  add_input(&w, a->at);
  fprintf(w.f, "op %s(x[N,H,W,C], int label[N]) -> l[N] loss {\n", name);
  if (chance(&a->r, 40)) put_local(&w);
  put_plain(&w, &loss, chance(&a->r, 25) ? "max=" : "+=");
  fputs("}\n", w.f);
}

void write_optimizer(author *a, const char *name) {
  static const char *const step[] = {"lr * v[..]", "lr * v[..] / (0.1 + sqrt(v[..] * v[..]))",
                                     "lr * tanh(v[..] + 0.5 * g[..])",
                                     "lr * select(v[..] > g[..], v[..], g[..])"};
  fprintf(a->operators,
          "op %s(w[..], g[..], b=0.9) -> w[..] optimizer {\n  state v[..] ~ %s;\n"
          "  v[..] = b * v[..] + %s;\n  w[..] = w[..] - %s;\n}\n",
          name, chance(&a->r, 50) ? "0" : "0.01", chance(&a->r, 50) ? "g[..]" : "(1 - b) * g[..]",
          step[below(&a->r, 4)]);
}
