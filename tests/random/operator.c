/* Random legal operators: sums, maxima, shifts, mirrored and strided reads, scatters, writes in
   parts (every second row, halves of the channels), selects, locals, parameters, running means,
   recurrences; losses and optimizers. */
#include "writer.h"
#include <stdlib.h>
#include <string.h>

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

double terms_of(const writer *w, const value *v) {
  double n = 1;
  for (int i = v->rank; i < w->n_axis; i++) n *= w->axis[i].extent;
  return n;
}

void put_plain(writer *w, const value *v, const char *sign) {
  axes_of(w, v);
  if (*sign != '=') reduction_axes(w);
  put_left(w, w->f, v, -1, NULL);
  fprintf(w->f, " %s ", sign);
  put_right(w, w->f, *sign == '+' ? terms_of(w, v) : 1, *sign == 'm');
  put_ranges(w, w->f);
}

/* A dimension of at least two elements, other than the batch; -1: none. */
int divisible(writer *w, const value *v) {
  int from = below(rnd(w), v->rank);
  for (int i = 0; i < v->rank; i++) {
    int d = (from + i) % v->rank;
    if (v->dim[d] >= 2 && d + 1 != v->batch) return d;
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
  const char *name = axis_name(v, d);
  int step = v->dim[d] > 2 && chance(rnd(w), 30) ? 3 : 2;
  for (int i = 0; i < step; i++) {
    char index[32];
    int first = (v->dim[d] - 1 - i) % step;
    snprintf(index, sizeof index, first ? "%d*%s+%d" : "%d*%s", step, name, first);
    put_part(w, v, d, index, (v->dim[d] - first + step - 1) / step);
  }
}

static void put_halves(writer *w, const value *v, int d) {
  const char *name = axis_name(v, d);
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
void put_statements(writer *w, const value *v) {
  int d = divisible(w, v), kind = below(rnd(w), 100);
  if (d < 0 || kind < 60) put_plain(w, v, kind % 6 < 3 ? "=" : kind % 6 < 5 ? "+=" : "max=");
  else if (kind < 75) put_residues(w, v, d);
  else if (kind < 88) put_halves(w, v, d);
  else put_scatter(w, v, d);
  if (chance(rnd(w), 10)) put_plain(w, v, "+="); /* more onto what is complete */
}

/* --- values between --- */

int local_size(writer *w, int like, int most) {
  int n = chance(rnd(w), 60) ? like : size_up_to(rnd(w), 17);
  return n > most ? most : n;
}

void put_local(writer *w) {
  value v = {.batch = chance(rnd(w), 80)};
  const value *x = &w->value[0];
  int most = 3000;
  v.rank = chance(rnd(w), 55) ? RANK : between(rnd(w), 1, 3);
  snprintf(v.name, sizeof v.name, "t%d", w->n_local++);
  if (v.rank == RANK) v.batch = 1;
  for (int d = 0; d < v.rank; d++) {
    int from = d + x->rank - v.rank;
    v.dim[d] = d + 1 == v.batch ? 1 : local_size(w, from > 0 ? x->dim[from] : 3, most);
    most /= v.dim[d];
  }
  put_statements(w, &v);
  v.local = true;
  w->value[w->n_value++] = v;
}

/* A running mean: training reads the batch's, inference the one that was kept. */
static void put_running_mean(writer *w, const value *y) {
  static const char *const all[] = {"", "", "x[n,c]", "x[n,l,c]", "x[n,h,w,c]"};
  value *m = another_value(w, "m", 0);
  m->rank = 1, m->dim[0] = y->dim[y->rank - 1];
  fprintf(w->declared, "  state s0[a0:%d] ~ %s;\n", m->dim[0], chance(rnd(w), 50) ? "0" : "0.5");
  fprintf(w->f, "    m0[c] += %s * 0.01 for c:%d;\n", all[w->value[0].rank], m->dim[0]);
  fprintf(w->f, "  train {\n    s0[c] = 0.9 * s0[c] + 0.1 * m0[c];\n");
  put_plain(w, y, "=");
  fputs("  }\n  infer {\n", w->f);
  strcpy(m->name, "s0");
  put_plain(w, y, "=");
  fputs("  }\n", w->f);
}

static value value_of(const char *name, shape s) {
  value v = {.batch = 1, .known = true, .rank = s.rank + 1, .dim = {1}};
  strcpy(v.name, name);
  if (s.rank == 3) v.dim[1] = s.h;
  if (s.rank >= 2) v.dim[s.rank - 1] = s.w;
  v.dim[s.rank] = s.c;
  return v;
}

static shape result_shape(author *a) {
  stream *r = &a->r;
  if (chance(r, 55)) return a->at;
  int rank = chance(r, 60) ? a->at.rank : between(r, 1, 3);
  return (shape){size_up_to(r, 20), rank == 3 ? size_up_to(r, 9) : 1,
                 rank > 1 ? size_up_to(r, 9) : 1, rank};
}

static void put_body(writer *w, const value *y) {
  bool written = false;
  if (w->a->tangled) {
    put_tangle(w, y);
    return;
  }
  for (int n = below(rnd(w), 4); n && w->n_value < MAX_VALUES - 6; n--) put_local(w);
  if (chance(rnd(w), 15)) written = put_scan(w, y);
  if (written) return;
  if (chance(rnd(w), 10)) put_running_mean(w, y);
  else put_statements(w, y);
}

/* `x[N,L,C]`, or with other letters for a second input. */
static void put_input(FILE *f, const char *name, shape s, const char *letters) {
  fprintf(f, "%s[N", name);
  for (int i = 3 - s.rank; i < 3; i++)
    fprintf(f, ",%c", i == 1 && s.rank == 2 ? letters[3] : letters[i]);
  fputc(']', f);
}

static void put_signature(FILE *f, const own_operator *o, bool whole) {
  fprintf(f, "op %s(", o->name);
  put_input(f, "x", o->in, "HWCL");
  if (o->second.rank) fputs(", ", f), put_input(f, "z", o->second, "PQDM");
  else if (whole) fputs(", int z[N,M] of V", f);
  fputs(", b=0.5) -> y[N", f);
  if (o->out.rank == 3) fprintf(f, ",%d", o->out.h);
  if (o->out.rank > 1) fprintf(f, ",%d", o->out.w);
  fprintf(f, ",%d] {\n", o->out.c);
}

own_operator *write_operator(author *a, const shape *second) {
  own_operator *o = &a->own[a->n_own];
  char *body, *declared;
  size_t size;
  writer w = {.a = a};
  *o = (own_operator){.in = a->at, .out = result_shape(a)};
  if (second) o->second = *second;
  snprintf(o->name, sizeof o->name, "own%d", a->n_own);
  value y = value_of("y", o->out);
  w.f = open_memstream(&body, &size);
  w.declared = open_memstream(&declared, &size);
  w.value[w.n_value++] = value_of("x", a->at);
  if (second) w.value[w.n_value++] = value_of("z", *second);
  put_body(&w, &y);
  fclose(w.f), fclose(w.declared);
  o->work = w.work;
  o->weights = w.n_param > 0;
  if (w.work < 4e5) {
    put_signature(a->operators, o, a->whole.below > 0);
    fprintf(a->operators, "%s%s}\n", declared, body);
    a->n_own++;
  }
  free(body), free(declared);
  return w.work < 4e5 ? o : NULL;
}

/* --- of any rank --- */

static value *fixed(writer *w, const char *name, const char *read) {
  value *v = another_value(w, name, 0);
  snprintf(v->name, sizeof v->name, "%s", name);
  strcpy(v->fixed, read);
  return v;
}

static void put_fixed(writer *w, value *v, bool sum) {
  bool was = v->hidden;
  v->hidden = true;
  w->n_axis = 0;
  add_axis(w, "n", 1, true);
  add_axis(w, "c", w->a->at.c, false);
  fprintf(w->f, "    %s %s x[n,s..,c] %c ", v->fixed, sum ? "+=" : "=",
          chance(rnd(w), 50) ? '*' : '+');
  put_right(w, w->f, sum ? 16 : 1, false);
  fputs(";\n", w->f);
  v->hidden = was;
}

/* Sums over the channels, over the positions, and what is added to after it was read. */
own_operator *write_any_rank(author *a) {
  own_operator *o = &a->own[a->n_own];
  writer w = {.a = a, .f = a->operators, .declared = a->operators};
  *o = (own_operator){.in = a->at, .out = a->at, .weights = true};
  snprintf(o->name, sizeof o->name, "own%d", a->n_own++);
  fprintf(w.f, "op %s(x[N,S..,C], b=0.5) -> y[N,S..,C] {\n  param p[c:C] ~ uniform(1);\n", o->name);
  fixed(&w, "x", "x[n,s..,c]");
  fixed(&w, "p", "p[c]");
  value *m = fixed(&w, "m", "m[n,s..]"), *g = fixed(&w, "g", "g[n,c]"),
        *t = fixed(&w, "t", "t[n,s..,c]"), *y = fixed(&w, "y", "y[n,s..,c]");
  m->hidden = g->hidden = t->hidden = y->hidden = true;
  value *const order[] = {m, g, t};
  for (int i = 0, from = below(&a->r, 3); i < 3; i++) {
    value *v = order[(from + i) % 3];
    put_fixed(&w, v, v != t);
    v->hidden = false;
  }
  if (chance(&a->r, 50)) put_fixed(&w, t, true);
  put_fixed(&w, y, false);
  y->hidden = false;
  for (int n = below(&a->r, 4); n; n--) put_fixed(&w, n % 2 ? t : y, true);
  fputs("}\n", w.f);
  return o;
}

/* --- losses, metrics and optimizers --- */

void write_loss(author *a, const char *name, bool floats) {
  writer w = {.a = a, .f = a->operators, .declared = a->operators, .loss = !floats};
  value loss = {.name = "l", .batch = 1, .rank = 1, .dim = {1}, .known = true};
  w.value[w.n_value++] = value_of("x", a->at);
  if (floats) w.value[w.n_value++] = value_of("t", a->at);
  fprintf(w.f, "op %s(", name);
  put_input(w.f, "x", a->at, "HWCL");
  if (floats) fputs(", ", w.f), put_input(w.f, "t", a->at, "HWCL");
  fprintf(w.f, "%s) -> l[N] loss {\n", floats ? "" : ", int label[N]");
  if (chance(&a->r, 40)) put_local(&w);
  put_plain(&w, &loss, chance(&a->r, 25) ? "max=" : "+=");
  fputs("}\n", w.f);
}

void write_metric(author *a, const char *name) {
  writer w = {.a = a, .f = a->operators, .declared = a->operators};
  int n = between(&a->r, 1, 3);
  w.value[w.n_value++] = value_of("x", a->at);
  w.value[w.n_value++] = value_of("t", a->at);
  fprintf(w.f, "op %s(", name);
  put_input(w.f, "x", a->at, "HWCL");
  fputs(", ", w.f), put_input(w.f, "t", a->at, "HWCL");
  fprintf(w.f, n > 1 ? ") -> sums[N,%d] metric {\n" : ") -> sums[N] metric {\n", n);
  if (chance(&a->r, 40)) put_local(&w);
  for (int i = 0; i < n; i++) {
    w.n_axis = 0;
    add_axis(&w, "n", 1, true)->other = true;
    if (i) reduction_axes(&w);
    fprintf(w.f, n > 1 ? "    sums[n,%d] %s " : "    sums[n%.0d] %s ", i, i ? "+=" : "=");
    put_right(&w, w.f, 16, false);
    put_ranges(&w, w.f);
  }
  fputs("}\n", w.f);
  if (n > 1)
    fprintf(w.f, "op %s(sums[N,K]) -> value[N] total { value[n] += sums[n,k] * 0.3; }\n", name);
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
