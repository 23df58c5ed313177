#include "value.h"
#include "message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

value_heap *heap_new(size_t budget) {
  value_heap *h = allocate(sizeof *h);
  h->mem = arena_new();
  h->budget = budget;
  return h;
}

void heap_free(value_heap *h) {
  if (!h) return;
  for (value_seq *s = h->growable; s; s = s->next) free(s->item);
  arena_free(h->mem);
  free(h);
}

static bool charge(value_heap *h, size_t bytes) {
  if (bytes > h->budget - h->used) return false;
  h->used += bytes;
  return true;
}

void *heap_alloc(value_heap *h, size_t bytes) {
  return charge(h, bytes + 16) ? arena_alloc(h->mem, bytes ? bytes : 1) : NULL;
}

value_seq *heap_seq(value_heap *h) {
  value_seq *s = heap_alloc(h, sizeof *s);
  if (!s) return NULL;
  s->next = h->growable;
  h->growable = s;
  return s;
}

bool seq_append(value_heap *h, value_seq *s, const value *v, size_t n) {
  if (n > s->room - s->n) {
    size_t room = s->room * 2 > s->n + n ? s->room * 2 : s->n + n;
    if (room > SIZE_MAX / 2 / sizeof *v || !charge(h, (room - s->room) * sizeof *v)) return false;
    value *item = realloc(s->item, room * sizeof *v);
    if (!item) return false;
    s->item = item;
    s->room = room;
  }
  if (n) memmove(s->item + s->n, v, n * sizeof *v);
  s->n += n;
  return true;
}

bool make_string(value_heap *h, value_kind kind, const char *p, size_t n, value *out) {
  value_string *s = heap_alloc(h, sizeof *s);
  if (!s) return false;
  *s = (value_string){p, n};
  *out = (value){.kind = kind, .s = s};
  return true;
}

bool is_string(const value *v) { return v->kind == VAL_TEXT || v->kind == VAL_BYTES; }

bool string_is(const value *v, const char *s) {
  return is_string(v) && v->s->n == strlen(s) && memcmp(v->s->p, s, v->s->n) == 0;
}

const value *dict_find(const value *v, const char *key) {
  if (v->kind != VAL_DICT) return NULL;
  for (size_t i = v->seq->n; i >= 2; i -= 2)
    if (string_is(&v->seq->item[i - 2], key)) return &v->seq->item[i - 1];
  return NULL;
}

static char *dtype_name(const value_dtype *t) {
  int bits = (int)(t->size * 8);
  switch (t->kind) {
  case 'b': return message("bool");
  case 'i': return message("int%d", bits);
  case 'u': return message("uint%d", bits);
  case 'f': return message("float%d", bits);
  case 'c': return message("complex%d", bits);
  case 'S': return message("byte strings");
  case 'U': return message("strings");
  case 'O': return message("objects");
  case 'M':
  case 'm': return message("times");
  default: return message("records");
  }
}

char *value_type_name(const value *v) {
  static const char *const name[] = {
      [VAL_NONE] = "None",   [VAL_BOOL] = "bool",     [VAL_INT] = "int",   [VAL_HUGE] = "int",
      [VAL_FLOAT] = "float", [VAL_BYTES] = "bytes",   [VAL_TEXT] = "str",  [VAL_LIST] = "list",
      [VAL_TUPLE] = "tuple", [VAL_SET] = "set",       [VAL_DICT] = "dict", [VAL_ARRAY] = "array",
      [VAL_DTYPE] = "dtype", [VAL_CLASS] = "a class",
  };
  if (v->kind == VAL_ARRAY) return dtype_name(&v->array->type);
  return message("%s", name[v->kind]);
}

char *value_describe(const value *v) {
  char *type = value_type_name(v), *out;
  if (v->kind == VAL_ARRAY) {
    char shape[ARRAY_DIMS * 24] = "";
    size_t used = 0;
    for (int i = 0; i < v->array->n_dim; i++)
      used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%lld", i ? "x" : "",
                               (long long)v->array->shape[i]);
    out = message("%s array %s", type, v->array->n_dim ? shape : "without dimensions");
  } else if (v->kind == VAL_LIST || v->kind == VAL_TUPLE || v->kind == VAL_SET)
    out = message("%s of %zu", type, v->seq->n);
  else if (v->kind == VAL_DICT) out = message("dict of %zu", v->seq->n / 2);
  else out = message("%s", type);
  free(type);
  return out;
}
