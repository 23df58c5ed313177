#include "lists.h"
#include "message.h"
#include <string.h>

/* The items of a list, a tuple or an array of objects with one axis; NULL for anything else. */
static const value_seq *items_of(const value *v) {
  if (v->kind == VAL_LIST || v->kind == VAL_TUPLE) return v->seq;
  if (v->kind == VAL_ARRAY && v->array->built && v->array->objects && v->array->n_dim == 1)
    return v->array->objects;
  return NULL;
}

typedef struct {
  int n_dim; /* of the result */
  int64_t shape[ARRAY_DIMS];
  int depth;               /* levels of lists above the leaves */
  const value_array *leaf; /* the first leaf where leaves are arrays */
  bool whole;
  uint8_t *to;
} nesting;

/* Follows the first items down to a leaf. A list that holds itself ends at the last dimension. */
static char *find_shape(const value *v, nesting *t) {
  for (const value_seq *s; (s = items_of(v)); v = &s->item[0]) {
    if (t->n_dim == ARRAY_DIMS) return message("is nested too deeply");
    t->shape[t->n_dim++] = (int64_t)s->n;
    if (s->n == 0) break;
  }
  t->depth = t->n_dim;
  if (v->kind != VAL_ARRAY || items_of(v)) return NULL;
  t->leaf = v->array;
  if (!t->leaf->built || t->leaf->objects) return message("holds arrays of objects");
  if (t->n_dim + t->leaf->n_dim > ARRAY_DIMS) return message("is nested too deeply");
  for (int i = 0; i < t->leaf->n_dim; i++) t->shape[t->n_dim++] = t->leaf->shape[i];
  return NULL;
}

static bool same_form(const value_array *a, const value_array *b) {
  return a->built && a->type.kind == b->type.kind && a->type.size == b->type.size &&
         a->type.swapped == b->type.swapped && a->n_dim == b->n_dim &&
         memcmp(a->shape, b->shape, (size_t)a->n_dim * sizeof *a->shape) == 0;
}

static char *fill_leaf(const value *v, nesting *t) {
  if (t->leaf) {
    if (v->kind != VAL_ARRAY || !same_form(v->array, t->leaf))
      return message("holds arrays of different shapes or types");
    size_t size = (size_t)t->leaf->type.size;
    for (int64_t i = 0; i < v->array->count; i++, t->to += size)
      memcpy(t->to, array_at(v->array, i), size);
    return NULL;
  }
  double d;
  if (v->kind == VAL_INT || v->kind == VAL_BOOL) d = (double)v->i;
  else if (v->kind == VAL_FLOAT) d = v->f, t->whole = false;
  else {
    char *what = value_describe(v), *wrong = message("holds %s where a number belongs", what);
    return free_and(what, wrong);
  }
  memcpy(t->to, &d, sizeof d);
  t->to += sizeof d;
  return NULL;
}

/* As deep as the result has dimensions, so that the recursion is bounded. */
static char *fill(const value *v, nesting *t, int level) {
  if (level == t->depth) return fill_leaf(v, t);
  const value_seq *s = items_of(v);
  if (!s || (int64_t)s->n != t->shape[level])
    return message("is ragged: its lists have different lengths");
  for (size_t i = 0; i < s->n; i++) {
    char *wrong = fill(&s->item[i], t, level + 1);
    if (wrong) return wrong;
  }
  return NULL;
}

static bool is_integer_kind(char kind) { return kind == 'i' || kind == 'u' || kind == 'b'; }

char *value_to_array(value_heap *h, const value *v, value_array *out, bool *whole) {
  if (v->kind == VAL_ARRAY && !items_of(v)) {
    if (!v->array->built || v->array->objects) return message("is an array of objects");
    *out = *v->array;
    *whole = is_integer_kind(out->type.kind);
    return NULL;
  }
  if (!items_of(v)) {
    char *what = value_describe(v), *wrong = message("is %s, not an array", what);
    return free_and(what, wrong);
  }
  nesting t = {.whole = true};
  char *wrong = find_shape(v, &t);
  if (wrong) return wrong;
  *out = (value_array){.built = true, .type = {'f', false, 8}};
  if (t.leaf) out->type = t.leaf->type, t.whole = is_integer_kind(out->type.kind);
  if (!array_shape(out, t.n_dim, t.shape, 'C', h->budget - h->used) ||
      !(t.to = heap_alloc(h, (size_t)out->count * (size_t)out->type.size)))
    return message("holds more elements than a file of its size should");
  out->data = t.to;
  wrong = out->count ? fill(v, &t, 0) : NULL;
  *whole = t.whole;
  return wrong;
}
