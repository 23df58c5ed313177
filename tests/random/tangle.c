/* Operators whose tensors are written in parts, read, added to and read again, in any order: where
   a gradient needs the value that a tensor had, and not the one that it came to have. */
#include "writer.h"
#include <string.h>

static void note(writer *w, construct c) { w->a->found |= 1u << c; }

/* --- a part of a tensor --- */

/* How a dimension is indexed on the left, and over how many values. */
typedef struct {
  char index[32];
  int extent;
} place;

static place whole(const value *v, int d) {
  place p = {.extent = v->dim[d]};
  strcpy(p.index, axis_name(v, d));
  return p;
}

/* The first ones, later ones, every second one, one alone, or all from the last to the first. */
static place random_place(writer *w, const value *v, int d) {
  place p = whole(v, d);
  const char *name = axis_name(v, d);
  int n = v->dim[d], cut = between(rnd(w), 0, n - 1), kind = below(rnd(w), 6);
  if (d + 1 == v->batch || kind == 0) return p;
  p.extent = n - cut;
  if (kind == 1) snprintf(p.index, sizeof p.index, "%s", name);
  else if (kind == 2) snprintf(p.index, sizeof p.index, "%s+%d", name, cut);
  else if (kind == 3) snprintf(p.index, sizeof p.index, "%d-%s", n - 1, name);
  else if (kind == 4) snprintf(p.index, sizeof p.index, "%d", cut), p.extent = 1;
  else snprintf(p.index, sizeof p.index, "2*%s", name), p.extent = (n + 1) / 2;
  return p;
}

static void put_at(writer *w, const value *v, const place *p) {
  w->n_axis = 0;
  fprintf(w->f, "    %s[", v->name);
  for (int d = 0; d < v->rank; d++) {
    fprintf(w->f, "%s%s", d ? "," : "", p[d].index);
    bool alone = p[d].index[0] >= '0' && p[d].index[0] <= '9' && !strpbrk(p[d].index, "*-");
    if (!alone) add_axis(w, axis_name(v, d), p[d].extent, d + 1 == v->batch)->other = true;
  }
  fputc(']', w->f);
}

/* --- adding to what is complete --- */

static value *added_to(writer *w) {
  int from = below(rnd(w), w->n_value);
  for (int i = 0; i < w->n_value; i++) {
    value *v = &w->value[(from + i) % w->n_value];
    if (v->local && !v->hidden) return v;
  }
  return NULL;
}

/* t[.., s*i+u, ..] += : some elements several times, some never. */
static void put_overlapping(writer *w, const value *v, int d) {
  place p[RANK];
  int step = between(rnd(w), 1, 2), extent = between(rnd(w), 1, v->dim[d] - 1);
  while (step * (extent - 1) + 1 > v->dim[d]) extent--;
  int taps = between(rnd(w), 1, v->dim[d] - step * (extent - 1));
  for (int i = 0; i < v->rank; i++) p[i] = whole(v, i);
  snprintf(p[d].index, sizeof p[d].index, "%d*%s+u", step, axis_name(v, d));
  p[d].extent = extent;
  put_at(w, v, p);
  add_axis(w, "u", taps, false)->other = true;
  fputs(" += ", w->f);
  put_right(w, w->f, taps, false);
  note(w, ADDED_BY_SCATTER);
}

static void put_part_added(writer *w, const value *v) {
  place p[RANK];
  double terms = 1;
  for (int d = 0; d < v->rank; d++) p[d] = random_place(w, v, d);
  put_at(w, v, p);
  int had = w->n_axis;
  if (chance(rnd(w), 30)) reduction_axes(w);
  for (int i = had; i < w->n_axis; i++) terms *= w->axis[i].extent;
  fputs(" += ", w->f);
  put_right(w, w->f, terms, false);
  note(w, ADDED_IN_PART);
}

void put_addition(writer *w) {
  value *v = added_to(w);
  if (!v) return;
  int d = divisible(w, v), kind = below(rnd(w), 10);
  if (v->was_read) note(w, ADDED_AFTER_READ);
  v->hidden = true; /* no statement reads what it writes */
  if (kind < 3) put_plain(w, v, "+=");
  else {
    if (kind < 8 || d < 0) put_part_added(w, v);
    else put_overlapping(w, v, d);
    put_ranges(w, w->f);
  }
  v->hidden = false;
}

/* --- a part that is read before the others are written --- */

static value new_local(writer *w, const char *letter) {
  value v = {.batch = 1, .rank = RANK - below(rnd(w), 3), .dim = {1}, .local = true};
  for (int d = 1; d < v.rank; d++) v.dim[d] = between(rnd(w), 2, 5);
  snprintf(v.name, sizeof v.name, "%s%d", letter, w->n_local++);
  return v;
}

static void put_share(writer *w, const value *t, int d, const char *index, int extent) {
  place p[RANK];
  for (int i = 0; i < t->rank; i++) p[i] = whole(t, i);
  snprintf(p[d].index, sizeof p[d].index, "%s", index);
  p[d].extent = extent;
  put_at(w, t, p);
  fputs(" = ", w->f);
  put_right(w, w->f, 1, false);
  put_ranges(w, w->f);
}

/* s[..] = t[.., index, ..] * ..: of the elements that have been written. */
static void put_reader(writer *w, const value *t, int d, const char *index, int extent) {
  value s = new_local(w, "s");
  char read[96];
  s.rank = t->rank;
  memcpy(s.dim, t->dim, sizeof s.dim);
  s.dim[d] = extent;
  int n = snprintf(read, sizeof read, "%s[", t->name);
  for (int i = 0; i < t->rank; i++)
    n += snprintf(read + n, sizeof read - (size_t)n, "%s%s", i ? "," : "",
                  i == d ? index : axis_name(t, i));
  axes_of(w, &s);
  for (int i = 0; i < s.rank; i++) w->axis[i].other = true;
  fprintf(w->f, "    %s[", s.name);
  for (int i = 0; i < s.rank; i++) fprintf(w->f, "%s%s", i ? "," : "", axis_name(&s, i));
  fprintf(w->f, "] = %s] * tanh(", read);
  put_right(w, w->f, 1, false);
  fputc(')', w->f);
  put_ranges(w, w->f);
  w->value[w->n_value++] = s;
}

static void put_interleaved(writer *w) {
  value t = new_local(w, "t");
  int d = between(rnd(w), 1, t.rank - 1), n = t.dim[d];
  const char *name = axis_name(&t, d);
  char late[32], early[32];
  int cut = between(rnd(w), 1, n - 1), first = n - cut;
  snprintf(late, sizeof late, "%s+%d", name, cut);
  snprintf(early, sizeof early, "%s", name);
  if (chance(rnd(w), 40)) { /* every second one */
    snprintf(late, sizeof late, "2*%s+%d", name, (n - 1) % 2);
    snprintf(early, sizeof early, n % 2 ? "2*%s+1" : "2*%s", name);
    first = (n + 1) / 2, cut = n / 2;
  }
  fputs("    scan t:1 {\n", w->f); /* elsewhere, tensors are read whole */
  put_share(w, &t, d, late, first);
  put_reader(w, &t, d, late, first);
  put_share(w, &t, d, early, cut);
  fputs("    }\n", w->f);
  w->value[w->n_value++] = t;
  note(w, READ_IN_PARTS);
}

/* --- states, rows by number, maxima --- */

static void put_state(writer *w) {
  static const char *const init[] = {"0", "0.5", "0.25"};
  value *s = another_value(w, "s", 100 + w->n_state++);
  s->rank = between(rnd(w), 1, 2);
  for (int d = 0; d < s->rank; d++) s->dim[d] = between(rnd(w), 1, 6);
  fprintf(w->declared, "  state %s[a:%d", s->name, s->dim[0]);
  if (s->rank > 1) fprintf(w->declared, ", b:%d", s->dim[1]);
  fprintf(w->declared, "] ~ %s;\n", pick_one(w, init, 3));
  if (chance(rnd(w), 70)) put_local(w);
  s->hidden = true;
  put_plain(w, s, chance(rnd(w), 50) ? "=" : "+=");
  s->hidden = false;
  put_local(w);
  if (s->was_read) note(w, STATE_WRITTEN);
}

/* p[n,j,k] += select(v == z[n,j], e[v,k] * .., 0) */
static void put_pick(writer *w) {
  const author *a = w->a;
  int width = between(rnd(w), 1, 17);
  value *e = another_value(w, "e", w->n_param++), *p = another_value(w, "p", 50 + w->n_local++);
  e->rank = 2, e->dim[0] = a->whole.below, e->dim[1] = width;
  fprintf(w->declared, "  param %s[a:%d, b:%d] ~ uniform(1);\n", e->name, e->dim[0], width);
  p->batch = 1, p->rank = 3, p->dim[0] = 1, p->dim[1] = a->whole.at.w, p->dim[2] = width;
  p->hidden = true;
  w->n_axis = 0;
  add_axis(w, "n", 1, true)->other = true;
  add_axis(w, "j", p->dim[1], false)->other = true;
  add_axis(w, "i", width, false)->other = true;
  bool factor = chance(rnd(w), 40);
  fprintf(w->f,
          factor ? "    %s[n,j,i] += (v == z[n,j]) * %s[v,i] * tanh("
                 : "    %s[n,j,i] += select(v == z[n,j], %s[v,i] * tanh(",
          p->name, e->name);
  put_right(w, w->f, 1, false);
  fputs(factor ? ")" : "), 0)", w->f);
  add_axis(w, "v", a->whole.below, false)->other = true;
  put_ranges(w, w->f);
  p->hidden = false, p->local = true;
  note(w, PICKED);
}

static void put_maximum(writer *w) {
  value m = new_local(w, "m");
  put_plain(w, &m, "max=");
  w->value[w->n_value++] = m;
  note(w, MAXIMUM);
}

/* a / sum of a's exponents, as softmax has it. */
static void put_ratio(writer *w) {
  value a = new_local(w, "a"), s = {.batch = 1, .rank = 1, .dim = {1}, .local = true};
  snprintf(s.name, sizeof s.name, "d%d", w->n_local++);
  axes_of(w, &a);
  fprintf(w->f, "    %s[%s] = exp(min(", a.name,
          a.rank == 4   ? "n,h,w,c"
          : a.rank == 3 ? "n,j,i"
                        : "n,j");
  put_right(w, w->f, 1, false);
  fputs(", 1))", w->f);
  for (int i = 0; i < a.rank; i++) w->axis[i].other = true;
  put_ranges(w, w->f);
  const char *at = a.rank == 4 ? "n,h,w,c" : a.rank == 3 ? "n,j,i" : "n,j";
  fprintf(w->f, "    %s[n] += %s[%s];\n", s.name, a.name, at);
  w->value[w->n_value++] = a;
  w->value[w->n_value++] = s;
  value q = a;
  snprintf(q.name, sizeof q.name, "q%d", w->n_local++);
  fprintf(w->f, "    %s[%s] = %s[%s] / %s[n];\n", q.name, at, a.name, at, s.name);
  w->value[w->n_value++] = q;
  note(w, RATIO);
}

/* --- all of it --- */

static void put_event(writer *w) {
  int kind = below(rnd(w), 100);
  if (kind < 18) put_local(w);
  else if (kind < 52) put_addition(w);
  else if (kind < 62) put_interleaved(w);
  else if (kind < 72) put_scan_of_several(w);
  else if (kind < 78) put_state(w);
  else if (kind < 84) put_maximum(w);
  else if (kind < 90) put_ratio(w);
  else if (w->a->whole.below) put_pick(w);
  else put_local(w);
}

void put_tangle(writer *w, const value *y) {
  int n = between(rnd(w), 2, 8), at = below(rnd(w), n);
  for (int i = 0; i < n; i++) {
    if (i == at) {
      put_statements(w, y);
      value *v = &w->value[w->n_value++];
      *v = *y;
      v->local = true;
      v->known = false; /* each statement says how far it runs */
    } else if (w->n_value < MAX_VALUES - 14) put_event(w);
    else put_addition(w);
  }
}
