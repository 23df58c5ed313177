/* Networks of operators of their own alone: parameters lie before and within them, so that all
   gradients are seen, and losses and metrics are of the file's own as well. */
#include "writer.h"
#include <stdlib.h>

static void note(author *a, construct c) { a->found |= 1u << c; }

/* --- what goes in --- */

static void put_shape(FILE *f, shape s) {
  fprintf(f, "%d", s.c);
  if (s.rank == 3) fprintf(f, "x%d", s.h);
  if (s.rank > 1) fprintf(f, "x%d", s.w);
}

static shape small_shape(author *a) {
  stream *r = &a->r;
  shape s = {size_up_to(r, 17), 1, 1, between(r, 1, 3)};
  if (s.rank > 1) s.w = between(r, 1, 7);
  if (s.rank > 2) s.h = between(r, 1, 6);
  while (elements(s) > 150) s.c = (s.c + 1) / 2;
  if (s.rank == 1 && chance(r, 30)) s.c = between(r, 1, 40);
  return s;
}

static void put_ports(author *a) {
  a->at = a->input = small_shape(a);
  if (chance(&a->r, 35)) {
    a->whole = (label){"i0", {0, 1, between(&a->r, 1, 6), 2}, between(&a->r, 1, 9)};
    fprintf(a->ports, "i0: input %d of %d; i1: ", a->whole.at.w, a->whole.below);
  }
  fputs("input ", a->ports);
  put_shape(a->ports, a->at);
  fputs("; ", a->ports);
}

/* One parameter for each number, so that differences reach what comes behind. */
static void put_lift(author *a) {
  static const char *const x[] = {"", "n,c", "n,w,c", "n,h,w,c"};
  static const char *const size[] = {"", "N,C", "N,W,C", "N,H,W,C"};
  static const char *const q[] = {"", "c:C", "w:W, c:C", "h:H, w:W, c:C"};
  int r = a->at.rank;
  fprintf(a->operators,
          "op lift(x[%s]) -> y[%s] {\n  param q[%s] ~ uniform(0.7);\n  y[%s] = x[%s] + q[%s];\n}\n",
          size[r], size[r], q[r], x[r], x[r], x[r] + 2);
  put(a, "lift; ");
}

/* --- operators --- */

static void label_here(author *a) {
  label *l = &a->label[a->n_label];
  snprintf(l->name, sizeof l->name, "l%d", a->n_label++);
  l->at = a->at, l->below = 0;
  put(a, "%s: ", l->name);
}

static void put_used(author *a, const own_operator *o, const char *branches) {
  int kind = below(&a->r, 100);
  bool again = same_shape(o->in, o->out) && o->in.rank == o->out.rank;
  if (kind < 12) {
    put(a, "frozen { %s%s; }; ", o->name, branches);
    note(a, FROZEN);
  } else if (kind < 30 && again) {
    note(a, SHARED);
    if (chance(&a->r, 50) || !o->weights || a->n_label == MAX_LABELS) {
      put(a, "repeat 2 shared { %s%s; }; ", o->name, branches);
    } else {
      label_here(a);
      const char *name = a->label[a->n_label - 1].name;
      put(a, "%s%s; tanh; %s%s weights=@%s; ", o->name, branches, o->name, branches, name);
    }
  } else {
    if (a->n_label < MAX_LABELS) {
      label_here(a);
      a->label[a->n_label - 1].at = o->out;
    }
    put(a, "%s%s; ", o->name, branches);
  }
}

static void put_operator(author *a) {
  char branches[24] = "";
  own_operator *o;
  label whole = a->whole;
  int kind = below(&a->r, 100);
  if (kind < 15 && a->at.rank > 1) {
    o = write_any_rank(a);
    note(a, ANY_RANK);
  } else if (whole.below && kind < 60) {
    o = write_operator(a, NULL);
    snprintf(branches, sizeof branches, " {} @%s", whole.name);
  } else {
    const label *z = a->n_label && chance(&a->r, 40) ? &a->label[below(&a->r, a->n_label)] : NULL;
    a->whole.below = 0;
    o = write_operator(a, z ? &z->at : NULL);
    if (z) snprintf(branches, sizeof branches, " {} @%s", z->name);
    if (z) note(a, SECOND_INPUT);
  }
  a->whole = whole;
  if (!o) return;
  put_used(a, o, branches);
  a->at = o->out;
}

/* --- losses --- */

static void put_loss(author *a, int i, const char *of, const char *target) {
  static const char *const word[] = {"mse", "l1", "huber"};
  char name[16];
  snprintf(name, sizeof name, "own_loss%d", i);
  bool own = chance(&a->r, 70);
  if (own) write_loss(a, name, true);
  fprintf(a->train, "loss %s%s%s%s; ", own ? name : word[below(&a->r, 3)], of, target,
          *of && chance(&a->r, 50) ? " times=0.3" : "");
}

static void put_metric(author *a, const char *of, const char *target) {
  write_metric(a, "own_metric");
  fprintf(a->train, "metric own_metric%s%s; ", of, target);
  note(a, OWN_METRIC);
}

/* Of what the network ends in and of a label, or both of the same. */
static void put_two_losses(author *a) {
  const label *l = a->n_label ? &a->label[below(&a->r, a->n_label)] : NULL;
  char of[20];
  fputs("t0: target ", a->ports);
  put_shape(a->ports, a->at);
  put(a, "end: scale;");
  put_loss(a, 0, " @end", " @t0");
  if (l && chance(&a->r, 70)) {
    fputs("; t1: target ", a->ports);
    a->at = l->at;
    put_shape(a->ports, a->at);
    snprintf(of, sizeof of, " @%s", l->name);
    put_loss(a, 1, of, " @t1");
    if (chance(&a->r, 40)) put_metric(a, of, " @t1");
  } else {
    put_loss(a, 1, " @end", " @t0");
    if (chance(&a->r, 40)) put_metric(a, " @end", " @t0");
  }
  fputc(';', a->ports);
  note(a, TWO_LOSSES);
}

static void put_ends(author *a) {
  if (chance(&a->r, 25)) {
    put_two_losses(a);
    return;
  }
  fputs("target ", a->ports);
  put_shape(a->ports, a->at);
  fputc(';', a->ports);
  if (chance(&a->r, 30)) put(a, "scale;");
  put_loss(a, 0, "", "");
  if (chance(&a->r, 25)) put_metric(a, "", "");
}

void put_tangled_network(author *a) {
  static const int batch[] = {1, 2, 2, 3, 3, 3, 7, 32};
  a->tangled = true;
  a->batch = batch[below(&a->r, 8)];
  a->most = 4e5;
  put_ports(a);
  put_lift(a);
  for (int n = between(&a->r, 1, 3); n; n--) put_operator(a);
  fprintf(a->train, "\ntrain { batch %d; lr 0.05; optimizer %s; ", a->batch,
          chance(&a->r, 70) ? "sgd" : "adam");
  put_ends(a);
}
