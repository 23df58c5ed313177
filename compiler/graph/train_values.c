/* The values and words of a statement of `train {..}`. */
#include "traincfg.h"
#include <math.h>
#include <string.h>

bool bad(expander *x, const chosen *c, const char *takes) {
  diag_error(x->d, c->at, NULL, "`%s` takes %s", c->word, takes);
  return false;
}

/* The alternatives of the one value of a statement: {a b c}, or just a. */
bool alternatives(expander *x, const chosen *c, const char *takes, int *n, value ***v) {
  if (!at_most_one(x, c->word, c->n, c->args)) return false;
  if (c->n != 1 || c->args[0].key) return bad(x, c, takes);
  value *only = c->args[0].v;
  *n = only->kind == V_SET ? only->n : 1;
  *v = NEW_N(x->a, value *, *n);
  for (int i = 0; i < *n; i++) {
    (*v)[i] = resolve(x, only->kind == V_SET ? only->item[i] : only);
    if (!(*v)[i]) return false;
  }
  return true;
}

void read_numbers(expander *x, const chosen *c, values *out, double lo, double hi, bool whole,
                  const char *takes) {
  value **v;
  int n;
  if (!alternatives(x, c, takes, &n, &v)) return;
  values got = {.n = n, .v = NEW_N(x->a, double, n), .at = c->at};
  for (int i = 0; i < n; i++) {
    if (!value_number(x, v[i], &got.v[i])) return;
    if (!(got.v[i] >= lo && got.v[i] <= hi) || (whole && got.v[i] != floor(got.v[i]))) {
      diag_error(x->d, v[i]->at, NULL, "`%s` takes %s", c->word, takes);
      return;
    }
  }
  *out = got;
}

bool first_name(expander *x, const chosen *c, const char *takes, value **v) {
  if (c->n < 1 || c->args[0].key) return bad(x, c, takes);
  *v = c->args[0].v;
  if ((*v)->kind != V_SET) *v = resolve(x, *v);
  return *v != NULL;
}

/* Binds a statement's arguments to named slots; word slots are for names, the others for numbers.
 */
bool word_slots(expander *x, const chosen *c, int from, int n, slot *slots) {
  call k = {.what = c->word, .at = c->at, .n_slot = n, .slot = slots};
  for (int i = 0; i < n; i++) slots[i].optional = true, slots[i].at = NOWHERE;
  return bind_arguments(x, &k, c->n - from, c->args + from);
}

bool slot_number(expander *x, const chosen *c, const slot *s, double lo, double hi, bool whole,
                 double *out) {
  if (!s->v) return true;
  double v;
  if (!value_number(x, s->v, &v)) return false;
  if (v < lo || v > hi || (whole && v != floor(v))) {
    diag_error(x->d, s->v->at, NULL, "`%s` of `%s` is %s from %.10g to %.10g", s->name, c->word,
               whole ? "a whole number" : "a number", lo, hi);
    return false;
  }
  *out = v;
  return true;
}

bool one_of(expander *x, const chosen *c, const value *v, const char *const *words, int n,
            const char **out) {
  if (v->kind == V_SET && v->n) v = v->item[0];
  const char *list = words[0];
  for (int i = 0; i < n; i++) {
    if (v->kind == V_NAME && !strcmp(v->text, words[i])) {
      *out = words[i];
      return true;
    }
    if (i) list = arena_printf(x->a, "%s%s`%s`", list, i == n - 1 ? " or " : ", ", words[i]);
    else list = arena_printf(x->a, "`%s`", words[0]);
  }
  const char *help = v->kind == V_NAME ? did_you_mean(x, v->text, words, n) : NULL;
  diag_error(x->d, v->at, help, "`%s` takes %s", c->word, list);
  return false;
}
