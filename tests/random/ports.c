/* Inputs of every kind, one or several; targets, and losses that fit them. */
#include "author.h"
#include <string.h>

/* --- inputs --- */

static shape random_shape(author *a) {
  stream *r = &a->r;
  int kind = below(r, 100);
  shape s = {size_up_to(r, 33), 1, 1, 1};
  if (kind < 12) return s;
  s.rank = kind < 34 ? 2 : 3;
  s.w = size_up_to(r, 24);
  if (s.rank == 3) s.h = chance(r, 60) ? s.w : size_up_to(r, 24);
  while (elements(s) > 4000) s.h = (s.h + 1) / 2, s.w = (s.w + 1) / 2;
  return s;
}

/* `6x20`, `12 of 9`. */
static void write_shape(FILE *f, shape s, int below) {
  if (!below) fprintf(f, s.rank > 1 ? "%dx" : "%d", s.c);
  if (s.rank == 3) fprintf(f, "%dx", s.h);
  if (s.rank > 1 || below) fprintf(f, "%d", s.w);
  if (below) fprintf(f, " of %d", below);
}

static void put_input(author *a, const char *name) {
  stream *r = &a->r;
  a->input = random_shape(a);
  a->below = 0;
  if (chance(r, 10)) {
    a->below = size_up_to(r, 33);
    a->input = (shape){0, 1, size_up_to(r, 17), 2};
  }
  if (*name) fprintf(a->ports, "%s: ", name);
  fputs("input ", a->ports);
  write_shape(a->ports, a->input, a->below);
  fputs("; ", a->ports);
  a->at = a->input;
}

/* The numbers of all inputs as one vector; the others stay as labels. */
static void join_inputs(author *a) {
  const label *l = a->label;
  for (int i = 0; i + 1 < a->n_input; i++, l++) {
    int n = between(&a->r, 1, 9), m = size_up_to(&a->r, 17);
    if (l->below) put(a, "concat { embed @%s %d; linear %d; } { linear %d; }; ", l->name, n, n, m);
    else put(a, "concat { linear @%s %d; } { linear %d; }; ", l->name, n, m);
    a->at = (shape){n + m, 1, 1, 1};
  }
}

void put_inputs(author *a) {
  a->n_input = chance(&a->r, 85) ? 1 : between(&a->r, 2, 3);
  for (int i = 0; i < a->n_input; i++) {
    char name[16] = "";
    if (a->n_input > 1) snprintf(name, sizeof name, "i%d", i);
    put_input(a, name);
    if (i + 1 == a->n_input) break;
    label *l = &a->label[a->n_label++];
    strcpy(l->name, name);
    l->at = a->input, l->below = a->below;
  }
  if (a->below) {
    a->at.c = size_up_to(&a->r, 17);
    put(a, "embed %d; ", a->at.c);
  }
  join_inputs(a);
}

/* --- targets --- */

static const char *float_loss(author *a) {
  static const char *const word[] = {"mse", "l1", "huber", "huber delta=0.5", "bce"};
  return word[below(&a->r, 5)];
}

static void put_loss(author *a, bool own, bool floats) {
  if (own && chance(&a->r, 20)) {
    write_loss(a, "own_loss", floats);
    fputs("loss own_loss; ", a->train);
  } else if (floats) {
    if (chance(&a->r, 75)) fprintf(a->train, "loss %s; ", float_loss(a));
  } else if (chance(&a->r, 40)) {
    fputs(chance(&a->r, 50) ? "loss mse; " : "loss cross_entropy smooth=0.1; ", a->train);
  }
}

/* One class for each sample; of an image only a loss of its own can make that. */
static void put_classes(author *a, bool own) {
  int n = chance(&a->r, 15) ? 1 : between(&a->r, 2, 18);
  bool open = own && a->at.rank == 3 && chance(&a->r, 20);
  fprintf(a->ports, "classes %d;", n);
  if (!open) put(a, "linear classes;");
  else if (a->at.c != n) put(a, "conv classes k1;");
  a->at = open ? (shape){n, a->at.h, a->at.w, 3} : (shape){n, 1, 1, 1};
  if (open && a->at.h * a->at.w > 1) {
    write_loss(a, "own_loss", false);
    fputs("loss own_loss; ", a->train);
  } else put_loss(a, own, false);
}

static void put_numbers(author *a, bool own) {
  int n = size_up_to(&a->r, 18);
  fprintf(a->ports, "target %d;", n);
  put(a, "linear %d;", n);
  a->at = (shape){n, 1, 1, 1};
  put_loss(a, own, true);
}

/* A class for each position or pixel. */
static void put_positions(author *a) {
  int n = between(&a->r, 1, 18);
  if (a->at.rank == 2 && a->at.w == 1)
    put(a, "flatten; "), a->at.rank = 1; /* `1 of n`: a vector's */
  if (a->at.rank == 1) put(a, "unflatten %d 1 1; ", a->at.c), a->at.rank = 3;
  put(a, "dense %d;", n);
  a->at.c = n;
  fputs("target ", a->ports);
  write_shape(a->ports, a->at, n);
  fputc(';', a->ports);
  if (chance(&a->r, 40)) fputs("loss cross_entropy smooth=0.2; ", a->train);
}

static void put_floats(author *a, bool own) {
  fputs("target ", a->ports);
  write_shape(a->ports, a->at, 0);
  fputc(';', a->ports);
  put(a, "scale;");
  put_loss(a, own, true);
}

static bool put_input_again(author *a, bool own) {
  shape to = a->input;
  if (a->n_input > 1) return false;
  if (a->below) to.c = a->below;
  if (!put_fitting(a, to)) return false;
  fputs("target input;", a->ports);
  if (!a->below) put_loss(a, own, true);
  return true;
}

/* Two heads over one body, and the sum of their losses. */
static void put_two(author *a) {
  int n = between(&a->r, 1, 9), m = between(&a->r, 1, 9);
  fprintf(a->ports, "y: target %d; z: target 1 of %d;", n, m);
  put(a, "body: %s; head: linear %d; other: linear @body %d;", activation(a), n, m);
  static const char *const loss[] = {"mse @head @y", "huber @head @y delta=0.5", "l1 @head @y",
                                     "bce @head @y"};
  fprintf(a->train, "loss %s; loss cross_entropy @other @z times=0.3; ", loss[below(&a->r, 4)]);
}

void put_targets(author *a, bool own) {
  int kind = below(&a->r, 100);
  if (kind < 50) put_classes(a, own);
  else if (kind < 65) put_numbers(a, own);
  else if (kind < 75) put_positions(a);
  else if (kind < 85 || (kind < 92 && !put_input_again(a, own))) put_floats(a, own);
  else if (kind >= 92) put_two(a);
}
