#include "saved_form.h"
#include "keys.h"
#include "message.h"
#include "string_list.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  value_heap *heap;
  value_seq *out; /* the dictionary that is made */
  bool full;      /* the heap's budget is spent */
  char *wrong;    /* or something else is wrong */
} namer;

static bool is_row(const value *v) { return v->kind == VAL_LIST || v->kind == VAL_TUPLE; }

/* Samples that v may hold: the first extent of an array, the length of a list; 0: no such thing. */
static int64_t extent(const value *v) {
  if (is_row(v)) return (int64_t)v->seq->n;
  return v->kind == VAL_ARRAY && v->array->built && v->array->n_dim ? v->array->shape[0] : 0;
}

/* Inputs and targets of as many samples. A list of two lists may be two samples as well. */
static bool is_pair(const value *v) {
  if (!is_row(v) || v->seq->n != 2) return false;
  const value *x = &v->seq->item[0], *y = &v->seq->item[1];
  return extent(x) > 0 && extent(x) == extent(y) && (v->kind == VAL_TUPLE || x->kind == VAL_ARRAY);
}

/* One sample: an array with a number or a word, in either order, or a tuple of two arrays. */
static bool is_sample(const value *v) {
  if (!is_row(v) || v->seq->n != 2) return false;
  const value *x = &v->seq->item[0], *y = &v->seq->item[1];
  if (extent(x) && extent(y))
    return v->kind == VAL_TUPLE && x->kind == VAL_ARRAY && y->kind == VAL_ARRAY;
  return (extent(x) || extent(y)) && x->kind != VAL_DICT && y->kind != VAL_DICT;
}

static bool is_dictionary(const value *v) { return v->kind == VAL_DICT && v->seq->n; }

static bool every(const value *v, bool (*is)(const value *)) {
  if (!is_row(v)) return false;
  for (size_t i = 0; i < v->seq->n; i++)
    if (!is(&v->seq->item[i])) return false;
  return v->seq->n > 0;
}

static void append(namer *m, value_seq *to, const value *v) {
  if (!to || !seq_append(m->heap, to, v, 1)) m->full = true;
}

/* "x_train": v, or "x": v where there are no parts. */
static void put(namer *m, const char *name, size_t n, const char *part, value v) {
  const size_t room = n + strlen(part) + 2;
  char *text = heap_alloc(m->heap, room);
  value key;
  if (!text) m->full = true;
  if (m->full) return;
  snprintf(text, room, "%.*s%s%s", (int)n, name, *part ? "_" : "", part);
  if (!make_string(m->heap, VAL_TEXT, text, strlen(text), &key)) m->full = true;
  else append(m, m->out, &key), append(m, m->out, &v);
}

static void put_pair(namer *m, const char *part, const value *x, const value *y) {
  put(m, "x", 1, part, *x);
  put(m, "y", 1, part, *y);
}

/* The usual names become x and y. */
static void put_dictionary(namer *m, const char *part, const value *d) {
  const usual_keys known = usual_keys_of(d);
  for (size_t i = 0; i + 1 < d->seq->n; i += 2) {
    const value *key = &d->seq->item[i];
    const char *usual = usual_name(&known, key);
    if (!is_string(key)) continue;
    if (usual) put(m, usual, strlen(usual), part, key[1]);
    else put(m, key->s->p, key->s->n < 60 ? key->s->n : 60, part, key[1]);
  }
}

static value list_of(value_seq *s) { return (value){.kind = VAL_LIST, .seq = s}; }

/* [(x, y), ..] as the list of x and that of y; in [("word", array), ..] the array is x. */
static void put_samples(namer *m, const char *part, const value *v) {
  const int x = extent(&v->seq->item[0].seq->item[0]) ? 0 : 1;
  value_seq *to[2] = {heap_seq(m->heap), heap_seq(m->heap)};
  for (size_t i = 0; i < v->seq->n && !m->full; i++) {
    const value *pair = v->seq->item[i].seq->item;
    append(m, to[0], &pair[x]);
    append(m, to[1], &pair[1 - x]);
  }
  const value xs = list_of(to[0]), ys = list_of(to[1]);
  if (!m->full) put_pair(m, part, &xs, &ys);
}

static bool same_key(const value *a, const value *b) {
  return is_string(a) && a->s->n == b->s->n && !memcmp(a->s->p, b->s->p, a->s->n);
}

/* Records have their keys in one order, mostly: the key stood at `place` in the first. */
static const value *under(const value *d, const value *key, size_t place) {
  if (place + 1 < d->seq->n && same_key(&d->seq->item[place], key)) return &d->seq->item[place + 1];
  for (size_t i = 0; i + 1 < d->seq->n; i += 2)
    if (same_key(&d->seq->item[i], key)) return &d->seq->item[i + 1];
  return NULL;
}

static void lacks(namer *m, size_t i, const value *key) {
  char *name = copy_string(key->s->p, key->s->n < 60 ? key->s->n : 60);
  if (!m->wrong) m->wrong = message("entry %zu of the list has no `%s`, as the first has", i, name);
  free(name);
}

/* What the records of v have under the key at `place` of the first. */
static value_seq *column_of(namer *m, const value *v, size_t place) {
  const value *key = &v->seq->item[0].seq->item[place];
  value_seq *column = heap_seq(m->heap);
  for (size_t i = 0; i < v->seq->n && !m->full && !m->wrong; i++) {
    const value *one = under(&v->seq->item[i], key, place);
    if (one) append(m, column, one);
    else lacks(m, i, key);
  }
  return column;
}

/* [{"x": .., "y": ..}, ..] as a list under each key of the first. */
static void put_records(namer *m, const char *part, const value *v) {
  const value *first = &v->seq->item[0];
  value_seq *columns = heap_seq(m->heap);
  const value table = {.kind = VAL_DICT, .seq = columns};
  for (size_t k = 0; k + 1 < first->seq->n && k < 512 && !m->full && !m->wrong; k += 2) {
    const value *key = &first->seq->item[k];
    if (!is_string(key)) continue;
    const value list = list_of(column_of(m, v, k));
    append(m, columns, key);
    append(m, columns, &list);
  }
  if (!m->full && !m->wrong) put_dictionary(m, part, &table);
}

static bool is_part(const value *v) {
  return is_pair(v) || is_dictionary(v) || every(v, is_sample) || every(v, is_dictionary);
}

static void put_part(namer *m, const char *part, const value *v) {
  if (is_pair(v)) put_pair(m, part, &v->seq->item[0], &v->seq->item[1]);
  else if (is_dictionary(v)) put_dictionary(m, part, v);
  else if (every(v, is_sample)) put_samples(m, part, v);
  else put_records(m, part, v);
}

/* ---- several parts ---- */

static const char *const two_parts[] = {"train", "test"}, *const three_parts[] = {"train", "val",
                                                                                  "test"};

/* "train" for "Training" and so on; NULL: no name of a part. */
static const char *part_named(const value *key) {
  static const char *const name[][2] = {
      {"train", "train"}, {"training", "train"}, {"val", "val"},   {"valid", "val"},
      {"dev", "val"},     {"validation", "val"}, {"test", "test"}, {"testing", "test"}};
  for (size_t i = 0; i < sizeof name / sizeof *name; i++)
    if (is_string(key) && key->s->n == strlen(name[i][0]) &&
        !strncasecmp(key->s->p, name[i][0], key->s->n))
      return name[i][1];
  return NULL;
}

/* {"train": .., "val": .., "names": ..}: what is no part keeps its name. */
static bool put_nested(namer *m, const value *root) {
  const usual_keys known = usual_keys_of(root);
  bool train = false;
  for (size_t i = 0; i + 1 < root->seq->n; i += 2) {
    const char *part = part_named(&root->seq->item[i]);
    if (part ? !is_part(&root->seq->item[i + 1]) : usual_name(&known, &root->seq->item[i]) != NULL)
      return false;
    train = train || (part && !strcmp(part, "train"));
  }
  for (size_t i = 0; train && i + 1 < root->seq->n; i += 2) {
    const value *key = &root->seq->item[i];
    const char *part = part_named(key);
    if (part) put_part(m, part, key + 1);
    else if (is_string(key)) put(m, key->s->p, key->s->n, "", key[1]);
  }
  return train;
}

/* Do the lengths fit x, y, x, y (step 1) or x, x, y, y (step n / 2)? */
static bool lengths_fit(const value_seq *s, size_t step) {
  const size_t parts = s->n / 2, to_next = step == 1 ? 2 : 1;
  for (size_t p = 0; p < parts; p++)
    if (!extent(&s->item[p * to_next]) ||
        extent(&s->item[p * to_next]) != extent(&s->item[p * to_next + step]))
      return false;
  return true;
}

/* The shape of a sample decides where all parts are equally long. */
static bool inputs_first(const value_seq *s) {
  const value *a = &s->item[0], *b = &s->item[1];
  return a->kind == VAL_ARRAY && b->kind == VAL_ARRAY && a->array->n_dim > 1 &&
         a->array->n_dim == b->array->n_dim &&
         !memcmp(a->array->shape + 1, b->array->shape + 1,
                 (size_t)(a->array->n_dim - 1) * sizeof *a->array->shape);
}

static bool put_row(namer *m, const value_seq *s) {
  const size_t half = s->n / 2;
  const bool by_turns = lengths_fit(s, 1), by_kind = lengths_fit(s, half);
  if (!by_turns && !by_kind) return false;
  const bool kinds = by_kind && (!by_turns || inputs_first(s));
  for (size_t p = 0; p < half; p++)
    put_pair(m, half == 2 ? two_parts[p] : three_parts[p], &s->item[kinds ? p : 2 * p],
             &s->item[kinds ? p + half : 2 * p + 1]);
  return true;
}

/* Arrays of one length are fields of the same samples; names of classes may stand behind. */
static bool put_fields(namer *m, const value_seq *s) {
  size_t n = s->n;
  if (n == 3 && count_strings(&s->item[2]) > 0 && extent(&s->item[2]) < extent(&s->item[0])) n--;
  for (size_t i = 0; i < n; i++)
    if (!extent(&s->item[i]) || extent(&s->item[i]) != extent(&s->item[0])) return false;
  if (n < s->n) {
    put_pair(m, "", &s->item[0], &s->item[1]);
    put(m, "label_names", 11, "", s->item[2]);
    return true;
  }
  for (size_t i = 0; i < n; i++) {
    char name[32];
    snprintf(name, sizeof name, "arr_%zu", i);
    put(m, name, strlen(name), "", s->item[i]);
  }
  return true;
}

static char *unknown_row(const value *root) {
  char *what = value_describe(root), *s = message("it holds %s", what);
  free(what);
  for (size_t i = 0; i < root->seq->n; i++) {
    what = value_describe(&root->seq->item[i]);
    s = free_and(s, message("%s%s%s", s, i ? ", " : ": ", what));
    free(what);
  }
  return free_and(s, message("%s; which is what? save them with names, as in "
                             "pickle.dump({\"x_train\": x, \"y_train\": y, \"x_test\": u, "
                             "\"y_test\": v}, f)",
                             s));
}

/* A tuple of arrays and lists, or a list with at least one array among them. */
static bool is_row_of_arrays(const value *root) {
  const value_seq *s = root->seq;
  bool some = root->kind == VAL_TUPLE;
  for (size_t i = 0; i < s->n && s->n <= 8; i++) {
    if (!extent(&s->item[i])) return false;
    some = some || s->item[i].kind == VAL_ARRAY;
  }
  return some && s->n > 2;
}

static char *put_sequence(namer *m, const value *root) {
  const value_seq *s = root->seq;
  if ((s->n == 2 || s->n == 3) && every(root, is_pair))
    for (size_t p = 0; p < s->n; p++)
      put_part(m, s->n == 2 ? two_parts[p] : three_parts[p], &s->item[p]);
  else if (every(root, is_sample)) put_samples(m, "", root);
  else if (every(root, is_dictionary)) put_records(m, "", root);
  else if (is_row_of_arrays(root) && !((s->n == 4 || s->n == 6) && put_row(m, s)) &&
           !put_fields(m, s))
    return unknown_row(root);
  return NULL;
}

char *name_parts(value_heap *h, value *root) {
  namer m = {h, heap_seq(h), false, NULL};
  char *wrong = NULL;
  bool named = m.out != NULL;
  if (named && is_row(root)) wrong = put_sequence(&m, root);
  else named = named && root->kind == VAL_DICT && put_nested(&m, root);
  if (!named) return NULL;
  if (!wrong) wrong = m.wrong;
  if (!wrong && m.full) wrong = message("it holds more elements than a file of its size should");
  if (!wrong && m.out->n) *root = (value){.kind = VAL_DICT, .seq = m.out};
  return wrong;
}
