#include "named_fields.h"
#include "keys.h"
#include "lists.h"
#include "message.h"
#include "string_list.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An entry of the file that may become a field. */
typedef struct {
  char *name;
  const value *v;
  int64_t n; /* of the first axis */
  bool words;
  bool whole;
  value_array a; /* unless words */
} entry;

typedef struct {
  value_heap *heap;
  int n;
  entry *entry;
} entries;

enum { MAX_ENTRIES = 256 };

static bool numeric(const value_array *a) { return a->type.kind && strchr("biuf", a->type.kind); }

/* False where the value is none that a field could be made of. */
static bool take_entry(entries *e, const char *name, const value *v) {
  if (e->n == MAX_ENTRIES) return false;
  entry *x = &e->entry[e->n];
  *x = (entry){.v = v};
  int64_t words = count_strings(v);
  if (words > 0) {
    x->words = true;
    x->n = words;
  } else {
    if (v->kind == VAL_ARRAY && !v->array->built) return false;
    char *wrong = value_to_array(e->heap, v, &x->a, &x->whole);
    free(wrong);
    if (wrong || x->a.n_dim < 1 || x->a.n_dim - 1 > FIELD_RANK || !numeric(&x->a)) return false;
    if (x->a.type.kind == 'f' && x->a.type.size > 8) return false;
    x->n = x->a.shape[0];
  }
  if (x->n < 1) return false;
  x->name = copy_string(name, strlen(name));
  e->n++;
  return true;
}

static void take_all(entries *e, const value *root) {
  static const char *const unnamed[] = {"x", "y"};
  if (root->kind == VAL_DICT) {
    for (size_t i = 0; i + 1 < root->seq->n; i += 2) {
      const value *key = &root->seq->item[i];
      if (!is_string(key)) continue;
      char *name = copy_string(key->s->p, key->s->n < 60 ? key->s->n : 60);
      for (char *p = name; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127) *p = '?';
      take_entry(e, name, &root->seq->item[i + 1]);
      free(name);
    }
  } else if ((root->kind == VAL_TUPLE || root->kind == VAL_LIST) && root->seq->n == 2) {
    for (size_t i = 0; i < 2; i++) take_entry(e, unnamed[i], &root->seq->item[i]);
  }
}

/* The extent that most entries share; of equal ones the larger. */
static int64_t common_extent(const entries *e) {
  int64_t best = 0;
  int most = 0;
  for (int i = 0; i < e->n; i++) {
    int same = 0;
    for (int j = 0; j < e->n; j++) same += e->entry[j].n == e->entry[i].n;
    if (same > most || (same == most && e->entry[i].n > best)) best = e->entry[i].n, most = same;
  }
  return best;
}

/* ---- training and test in one file: x_train, x_test ---- */

/* "x" of "x_train", "train_x"; NULL where the word is not part of the name. */
static char *without(const char *name, const char *word) {
  size_t n = strlen(name), w = strlen(word);
  if (n > w + 1 && !strncasecmp(name, word, w) && name[w] == '_')
    return message("%s", name + w + 1);
  if (n > w + 1 && !strcasecmp(name + n - w, word) && name[n - w - 1] == '_')
    return copy_string(name, n - w - 1);
  return NULL;
}

static entry *partner(const entries *e, const char *base, const char *word) {
  for (int i = 0; i < e->n; i++) {
    char *b = without(e->entry[i].name, word);
    bool same = b && !strcasecmp(b, base);
    free(b);
    if (same) return &e->entry[i];
  }
  return NULL;
}

/* The samples kept apart from those of x_train: x_test, or else x_val. */
static entry *held_partner(const entries *e, const char *base) {
  static const char *const words[] = {"test", "val", "valid", "validation", "dev"};
  entry *found = NULL;
  for (size_t i = 0; i < sizeof words / sizeof *words && !found; i++)
    found = partner(e, base, words[i]);
  return found;
}

static bool same_rows(const entry *a, const entry *b) {
  if (a->words || b->words) return a->words == b->words;
  return a->a.n_dim == b->a.n_dim && a->a.type.kind == b->a.type.kind &&
         !memcmp(a->a.shape + 1, b->a.shape + 1, (size_t)(a->a.n_dim - 1) * sizeof *a->a.shape);
}

/* ---- from an entry to a field ---- */

static bool fits_bytes(const value_array *a) {
  return a->type.kind == 'b' || (a->type.kind == 'u' && a->type.size == 1);
}

static double element(const value_array *a, int64_t i) {
  const uint8_t *at = array_at(a, i);
  int64_t v;
  if (a->type.kind == 'f') return element_float(&a->type, at);
  return element_int(&a->type, at, &v) ? (double)v : INFINITY;
}

static bool all_int32(const value_array *a) {
  for (int64_t i = 0; i < a->count; i++)
    if (!(fabs(element(a, i)) <= INT32_MAX)) return false;
  return true;
}

static field_type type_of(const entry *x, const entry *more) {
  if (fits_bytes(&x->a) && (!more || fits_bytes(&more->a))) return FIELD_BYTES;
  bool whole = x->whole && (!more || more->whole);
  return whole && all_int32(&x->a) && (!more || all_int32(&more->a)) ? FIELD_WHOLE : FIELD_FLOATS;
}

static char *copy_elements(data_field *f, const value_array *a, int64_t at) {
  const int64_t rows = a->count / (a->shape[0] ? a->shape[0] : 1);
  for (int64_t i = 0; i < a->count; i++) {
    double v = element(a, i);
    if (!isfinite(v) && f->type == FIELD_FLOATS)
      return message("`%s` holds a %s in row %lld", f->name, isnan(v) ? "NaN" : "infinity",
                     (long long)((at + i) / (rows ? rows : 1)));
    if (f->type == FIELD_BYTES) ((uint8_t *)f->data)[at + i] = (uint8_t)v;
    else if (f->type == FIELD_WHOLE) ((int32_t *)f->data)[at + i] = (int32_t)v;
    else ((float *)f->data)[at + i] = (float)v;
  }
  return NULL;
}

static char *add_numbers(field_set *s, const char *name, const entry *x, const entry *more) {
  data_field *f = field_add(s, name);
  field_allocate(f, type_of(x, more), x->a.count + (more ? more->a.count : 0));
  field_shape(f, x->a.n_dim - 1, x->a.shape + 1);
  f->stored = value_type_name(x->v);
  char *wrong = copy_elements(f, &x->a, 0);
  if (!wrong && more) wrong = copy_elements(f, &more->a, x->a.count);
  if (f->type != FIELD_FLOATS) field_find_below(f);
  return wrong;
}

static char *add_words(field_set *s, const char *name, const entry *x, const entry *more) {
  const int64_t n = x->n + (more ? more->n : 0);
  char **word = allocate((size_t)n * sizeof *word);
  for (int64_t i = 0; i < n; i++)
    word[i] = i < x->n ? string_at(x->v, i) : string_at(more->v, i - x->n);
  field_set_words(field_add(s, name), word, n);
  return NULL;
}

static char *add_entry(field_set *s, const char *name, const entry *x, const entry *more) {
  return x->words ? add_words(s, name, x, more) : add_numbers(s, name, x, more);
}

/* Where there are both, validation samples have no place of their own in one file. */
static void look_for_val(const entries *e, const char *base, const entry *test, field_set *s) {
  const entry *val = partner(e, base, "val");
  if (!val) val = partner(e, base, "valid");
  if (val && val != test) note_left_out(s, val->name, test->name);
}

static char *add_pairs(entries *e, field_set *s) {
  char *wrong = NULL;
  for (int i = 0; i < e->n && !wrong; i++) {
    entry *x = &e->entry[i];
    char *base = without(x->name, "train");
    entry *test = base ? held_partner(e, base) : NULL;
    if (test && same_rows(x, test) && (!s->n || (s->held_from == x->n && s->n == x->n + test->n))) {
      s->n = x->n + test->n;
      s->held_from = x->n;
      wrong = add_entry(s, base, x, test);
      look_for_val(e, base, test, s);
    }
    free(base);
  }
  return wrong;
}

/* Other samples of the same kind, whose name does not say what they are. */
static void note_others(const entries *e, field_set *s, const entry *x) {
  for (int i = 0; i < e->n; i++) {
    const entry *other = &e->entry[i];
    if (other->n == x->n || x->words || other->words || x->a.n_dim < 2 || !same_rows(x, other))
      continue;
    field_note(s,
               message("`%s` is left out: it has %lld samples, and `%s` %lld; to validate on it, "
                       "save the arrays with names, x_train, y_train, x_test, y_test",
                       other->name, (long long)other->n, x->name, (long long)x->n));
  }
}

static char *add_singles(entries *e, field_set *s) {
  char *wrong = NULL;
  s->n = s->held_from = common_extent(e);
  for (int i = 0; i < e->n && !wrong; i++)
    if (e->entry[i].n == s->n) {
      wrong = add_entry(s, e->entry[i].name, &e->entry[i], NULL);
      note_others(e, s, &e->entry[i]);
    }
  return wrong;
}

/* Names of classes go to the one field of whole numbers that they fit. */
static void name_classes(field_set *s, const value *root) {
  const value *names = find_label_names(root);
  const int64_t n = names ? count_strings(names) : -1;
  data_field *fit = NULL;
  for (int i = 0; i < s->n_field; i++) {
    data_field *f = &s->field[i];
    if (f->type == FIELD_FLOATS || f->rank || f->names || !f->below || f->below > n) continue;
    if (fit) return;
    fit = f;
  }
  if (!fit || n == s->n) return;
  fit->names = allocate((size_t)n * sizeof *fit->names);
  for (int64_t i = 0; i < n; i++) fit->names[i] = string_at(names, i);
  fit->below = n;
}

char *named_fields(value_heap *h, const value *root, field_set *out) {
  entries e = {.heap = h, .entry = allocate(MAX_ENTRIES * sizeof(entry))};
  *out = (field_set){0};
  take_all(&e, root);
  char *wrong = add_pairs(&e, out);
  if (!wrong && !out->n_field) wrong = add_singles(&e, out);
  if (!wrong && !out->n_field) {
    char *what = value_describe(root);
    wrong = free_and(what, message("it holds %s, and no array of samples in it", what));
  }
  if (!wrong) name_classes(out, root);
  for (int i = 0; i < e.n; i++) free(e.entry[i].name);
  free(e.entry);
  if (wrong) field_set_free(out);
  return wrong;
}
