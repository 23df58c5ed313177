#include "csv_columns.h"
#include "message.h"
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

/* The mean of a column of numbers, for rows to come that have no value. */
static void add_mean(json_object *c, const data_field *f) {
  double sum = 0;
  for (int64_t i = 0; i < f->count; i++) sum += field_value(f, i, 0);
  json_object_object_add(c, "mean", json_object_new_double(sum / (double)f->count));
}

static json_object *list_of(char *const *word, int64_t n) {
  json_object *list = json_object_new_array();
  for (int64_t k = 0; k < n; k++) json_object_array_add(list, json_object_new_string(word[k]));
  return list;
}

char *columns_note(const field_set *s, int n, bool means) {
  json_object *list = json_object_new_array();
  for (int i = 0; i < n; i++) {
    const data_field *f = &s->field[i];
    json_object *c = json_object_new_object();
    json_object_object_add(c, "name", json_object_new_string(f->name));
    if (f->characters)
      json_object_object_add(c, "characters", list_of(f->characters, f->n_character));
    else if (f->names) json_object_object_add(c, "words", list_of(f->names, f->below));
    if (means && !f->names) add_mean(c, f);
    json_object_array_add(list, c);
  }
  char *text = clean_utf8(json_object_to_json_string_ext(list, JSON_C_TO_STRING_NOSLASHESCAPE));
  json_object_put(list);
  return text;
}

static const char *name_of(json_object *column) {
  json_object *name = NULL;
  json_object_object_get_ex(column, "name", &name);
  const char *text = json_object_get_string(name);
  return text ? text : "";
}

bool columns_mean(const char *note, const char *name, double *mean) {
  json_object *list = note ? json_tokener_parse(note) : NULL, *v = NULL;
  const bool is = json_object_is_type(list, json_type_array);
  bool found = false;
  for (size_t i = 0; is && i < json_object_array_length(list) && !found; i++) {
    json_object *c = json_object_array_get_idx(list, i);
    found = !strcmp(name_of(c), name) && json_object_object_get_ex(c, "mean", &v);
    if (found) *mean = json_object_get_double(v);
  }
  json_object_put(list);
  return found;
}

bool columns_have(const char *note, const char *name) {
  json_object *list = note ? json_tokener_parse(note) : NULL;
  const bool is = json_object_is_type(list, json_type_array);
  bool found = false;
  for (size_t i = 0; is && i < json_object_array_length(list) && !found; i++)
    found = !strcmp(name_of(json_object_array_get_idx(list, i)), name);
  json_object_put(list);
  return found;
}

/* The number that a word had, or -1. */
static int64_t number_of(json_object *words, const char *word) {
  const size_t n = words ? json_object_array_length(words) : 0;
  for (size_t k = 0; k < n; k++) {
    const char *known = json_object_get_string(json_object_array_get_idx(words, k));
    if (known && !strcmp(known, word)) return (int64_t)k;
  }
  return -1;
}

/* Words that are not known are like missing ones, where missing ones are known. */
static char *renumber(field_set *s, data_field *f, int64_t rows, json_object *words) {
  int32_t *number = f->data;
  int64_t *to = allocate((size_t)f->below * sizeof *to), unknown = 0;
  const int64_t none = number_of(words, "(missing)");
  char *wrong = NULL;
  for (int64_t k = 0; k < f->below && !wrong; k++)
    if ((to[k] = number_of(words, f->names[k])) < 0) {
      unknown++;
      if ((to[k] = none) < 0)
        wrong = message("`%s` is no value of `%s` that the network was trained on", f->names[k],
                        f->name);
    }
  if (!wrong && unknown)
    field_note(s, message("%lld value%s of `%s` that the network was not trained on count%s as "
                          "missing",
                          (long long)unknown, unknown == 1 ? "" : "s", f->name,
                          unknown == 1 ? "s" : ""));
  for (int64_t r = 0; r < rows && !wrong; r++) number[r] = (int32_t)to[number[r]];
  free(to);
  if (wrong) return wrong;
  for (int64_t k = 0; k < f->below; k++) free(f->names[k]);
  free(f->names);
  f->below = (int64_t)json_object_array_length(words);
  f->names = allocate((size_t)f->below * sizeof *f->names);
  for (int64_t k = 0; k < f->below; k++) {
    const char *s = json_object_get_string(json_object_array_get_idx(words, (size_t)k));
    f->names[k] = message("%s", s ? s : "");
  }
  return NULL;
}

/* Text is taken as it is, with the characters that were known. */
static void take_characters(data_field *f, json_object *list) {
  f->n_character = (int64_t)json_object_array_length(list);
  f->characters = allocate((size_t)(f->n_character + 1) * sizeof *f->characters);
  for (int64_t k = 0; k < f->n_character; k++) {
    const char *s = json_object_get_string(json_object_array_get_idx(list, (size_t)k));
    f->characters[k] = message("%s", s ? s : "");
  }
}

static char *take_column(field_set *s, data_field *f, json_object *column, field_set *out) {
  json_object *words = NULL, *characters = NULL;
  json_object_object_get_ex(column, "words", &words);
  json_object_object_get_ex(column, "characters", &characters);
  if (words && !json_object_is_type(words, json_type_array)) words = NULL;
  if (characters && !json_object_is_type(characters, json_type_array)) characters = NULL;
  if (!(words || characters) != !f->names)
    return message("the column `%s` holds %s, and the network was trained on %s", f->name,
                   f->names ? "words" : "numbers",
                   words        ? "words"
                   : characters ? "text"
                                : "numbers");
  if (characters) take_characters(f, characters);
  char *wrong = words ? renumber(out, f, s->n, words) : NULL;
  if (wrong) return wrong;
  data_field *to = field_add(out, f->name);
  field_free(to);
  *to = *f;
  *f = (data_field){0};
  return NULL;
}

static data_field *find_column(field_set *s, json_object *list, size_t i, bool by_place) {
  if (by_place) return (int)i < s->n_field ? &s->field[i] : NULL;
  for (int k = 0; k < s->n_field; k++)
    if (s->field[k].name && !strcmp(s->field[k].name, name_of(json_object_array_get_idx(list, i))))
      return &s->field[k];
  return NULL;
}

static char *take_columns(field_set *s, json_object *list, field_set *out) {
  const size_t n = json_object_array_length(list);
  bool any = false;
  for (size_t i = 0; i < n; i++) any |= find_column(s, list, i, false) != NULL;
  if (!any && (size_t)s->n_field < n)
    return message("it has %d columns, and the network takes %zu", s->n_field, n);
  char *wrong = NULL;
  for (size_t i = 0; i < n && !wrong; i++) {
    json_object *column = json_object_array_get_idx(list, i);
    data_field *f = find_column(s, list, i, !any);
    wrong = f ? take_column(s, f, column, out)
              : message("it has no column `%s`, which the network takes", name_of(column));
  }
  return wrong;
}

char *columns_conform(field_set *s, const char *note) {
  json_object *list = json_tokener_parse(note);
  field_set out = {.n = s->n, .held_from = s->n};
  char *wrong = list && json_object_is_type(list, json_type_array)
                    ? take_columns(s, list, &out)
                    : message("the weights' note of the columns is damaged");
  json_object_put(list);
  field_set_free(s);
  if (wrong) field_set_free(&out);
  *s = out;
  return wrong;
}
