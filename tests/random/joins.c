/* Joins of branches and labels. */
#include "author.h"
#include <stdlib.h>
#include <string.h>

/* The padding and the window of step 1 that make `to` of n. */
static window fitting_window(int n, int to) {
  int p = to > n ? (to - n + 1) / 2 : 0;
  return (window){n + 2 * p - to + 1, 1, p, 1};
}

static bool fit_image(author *a, shape to) {
  window h = fitting_window(a->at.h, to.h), w = fitting_window(a->at.w, to.w);
  if (!afford(a, (double)elements(to) * a->at.c * h.k * w.k)) return false;
  put(a, "conv %d", to.c);
  put_windows(a, h, w);
  put(a, "; ");
  return true;
}

static bool fit_sequence(author *a, shape to) {
  window x = fitting_window(a->at.w, to.w);
  if (!afford(a, (double)elements(to) * a->at.c * x.k)) return false;
  put(a, "conv %d k%d", to.c, x.k);
  if (x.p) put(a, " p%d", x.p);
  put(a, "; ");
  return true;
}

/* Through a vector. */
static bool fit_any(author *a, shape to) {
  if (!afford(a, (double)elements(to) * elements(a->at))) return false;
  put(a, "linear %d; ", elements(to));
  if (to.rank > 1) put(a, "unflatten %d %d %d; ", to.c, to.h, to.w);
  if (to.rank == 2) put(a, "sequence; ");
  return true;
}

bool put_fitting(author *a, shape to) {
  bool image = to.rank == 3 && a->at.rank != 2, sequence = to.rank == 2 && a->at.rank == 2;
  if (!(image ? fit_image : sequence ? fit_sequence : fit_any)(a, to)) return false;
  a->at = to;
  return true;
}

/* Also in rank: it decides which settings a later layer has (slice along=height). */
static bool fits(shape at, shape want) { return same_shape(at, want) && at.rank == want.rank; }

char *branch(author *a, shape from, int layers, const shape *want) {
  author b = *a;
  char *text;
  size_t size;
  b.at = from;
  b.depth++;
  b.body = open_memstream(&text, &size);
  put_layers(&b, layers);
  bool ok = !want || fits(b.at, *want) || put_fitting(&b, *want);
  fclose(b.body);
  b.body = a->body;
  b.depth--;
  *a = b;
  if (ok) return text;
  free(text);
  return NULL;
}

/* add or mul of two or three branches of one shape. */
static bool put_sum(author *a) {
  shape from = a->at, to;
  char *first = branch(a, from, between(&a->r, 1, 3), NULL);
  to = a->at;
  int more = chance(&a->r, 20) ? 2 : 1;
  char *other[2] = {NULL, NULL};
  bool ok = true;
  for (int i = 0; i < more && ok; i++) {
    if (fits(from, to) && chance(&a->r, 60)) other[i] = strdup("");
    else ok = (other[i] = branch(a, from, below(&a->r, 2), &to)) != NULL;
  }
  a->at = ok ? to : from;
  if (ok) put(a, "%s { %s} { %s}", chance(&a->r, 70) ? "add" : "mul", first, other[0]);
  if (ok && other[1]) put(a, " { %s}", other[1]);
  if (ok) put_words(a);
  free(first), free(other[0]), free(other[1]);
  return ok;
}

static bool put_concat(author *a) {
  shape from = a->at, to;
  char *first = branch(a, from, between(&a->r, 0, 2), NULL);
  to = a->at;
  shape second = to;
  second.c = size_up_to(&a->r, 20);
  char *other = branch(a, from, below(&a->r, 2), &second);
  if (other) put(a, "concat { %s} { %s}", first, other);
  if (other) put_words(a);
  a->at = from;
  if (other) a->at = to, a->at.c += second.c;
  free(first), free(other);
  return other != NULL;
}

static bool put_label(author *a) {
  if (a->n_label == MAX_LABELS || a->depth) return false;
  label *l = &a->label[a->n_label];
  snprintf(l->name, sizeof l->name, "l%d", a->n_label++);
  l->at = a->at, l->below = 0;
  put(a, "%s: %s", l->name, activation(a));
  return true;
}

/* What lies at the same positions is joined by channels; all else as numbers. */
static bool put_reference(author *a) {
  if (!a->n_label) return false;
  const label *l = &a->label[below(&a->r, a->n_label)];
  int n = size_up_to(&a->r, 17);
  if (l->below) return false;
  if (l->at.rank == a->at.rank && l->at.h == a->at.h && l->at.w == a->at.w) {
    bool equal = l->at.c == a->at.c && chance(&a->r, 60);
    put(a, "%s {} @%s", !equal ? "concat" : chance(&a->r, 70) ? "add" : "mul", l->name);
    if (!equal) a->at.c += l->at.c;
    put_words(a);
    return true;
  }
  if (!chance(&a->r, 30) || !afford(a, (double)n * (elements(l->at) + elements(a->at))))
    return false;
  put(a, "concat { linear @%s %d; } { linear %d; }", l->name, n, n);
  a->at = (shape){2 * n, 1, 1, 1};
  return true;
}

/* Layers that training leaves as they are. */
static bool put_frozen(author *a) {
  char *body = branch(a, a->at, between(&a->r, 1, 2), NULL);
  put(a, "frozen { %s}", body);
  free(body);
  return true;
}

/* The same weights twice: a layer's by its label, or those of what repeats. */
static bool put_shared(author *a) {
  int c = a->at.c, n = between(&a->r, 2, 3);
  if (!afford(a, (double)elements(a->at) * c * n)) return false;
  if (a->n_label == MAX_LABELS || a->depth || chance(&a->r, 50)) {
    put(a, "repeat %d shared { dense %d %s; }", n, c, activation(a));
    return true;
  }
  label *l = &a->label[a->n_label];
  snprintf(l->name, sizeof l->name, "l%d", a->n_label++);
  l->at = a->at, l->below = 0;
  put(a, "%s: dense %d%s; %s; dense %d weights=@%s", l->name, c, chance(&a->r, 20) ? " bias=0" : "",
      activation(a), c, l->name);
  return true;
}

const maker join_makers[] = {{put_sum, 7},    {put_concat, 5}, {put_label, 4}, {put_reference, 5},
                             {put_frozen, 1}, {put_shared, 2}, {NULL, 0}};
