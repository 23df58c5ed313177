#include "string_list.h"
#include "message.h"

/* Text that a terminal can be given: control characters become question marks. */
static char *clean_copy(const char *p, size_t n) {
  char *s = copy_string(p, n);
  for (size_t i = 0; i < n; i++)
    if ((unsigned char)s[i] < ' ' || s[i] == 127) s[i] = '?';
  return s;
}

/* An element of a NumPy array of strings: S (bytes) or U (four bytes a character). */
static char *array_string(const value_array *a, int64_t i) {
  const uint8_t *at = array_at(a, i);
  size_t n = 0, step = a->type.kind == 'U' ? 4 : 1, most = (size_t)a->type.size / step;
  char *s = allocate(most + 1);
  for (; n < most; n++) {
    uint32_t c = 0;
    for (size_t k = 0; k < step; k++)
      c = c << 8 | at[n * step + (a->type.swapped ? k : step - 1 - k)];
    if (!c) break;
    s[n] = (step == 1 ? c < ' ' || c == 127 : c < ' ' || c >= 127) ? '?' : (char)c;
  }
  return s;
}

int64_t count_strings(const value *v) {
  if (v->kind == VAL_ARRAY && v->array->built && v->array->n_dim == 1) {
    const value_array *a = v->array;
    if (a->type.kind == 'S' || a->type.kind == 'U') return a->count;
    for (int64_t i = 0; a->objects && i < a->count; i++)
      if (!is_string(array_object(a, i))) return -1;
    return a->objects ? a->count : -1;
  }
  if (v->kind != VAL_LIST && v->kind != VAL_TUPLE) return -1;
  for (size_t i = 0; i < v->seq->n; i++)
    if (!is_string(&v->seq->item[i])) return -1;
  return (int64_t)v->seq->n;
}

char *string_at(const value *v, int64_t i) {
  if (v->kind == VAL_ARRAY && !v->array->objects) return array_string(v->array, i);
  const value *s = v->kind == VAL_ARRAY ? array_object(v->array, i) : &v->seq->item[i];
  return clean_copy(s->s->p, s->s->n);
}
