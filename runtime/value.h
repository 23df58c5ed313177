/* What a data file says, once read: numbers, strings, lists, dictionaries and NumPy arrays.
   Values live in a heap that is freed whole. A heap has a budget, so that a small hostile file
   cannot ask for much memory. Values may refer to one another in circles: whoever walks them
   bounds the depth. */
#ifndef NETC_VALUE_H
#define NETC_VALUE_H
#include "base/arena.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum {
  VAL_NONE,
  VAL_BOOL,  /* i */
  VAL_INT,   /* i */
  VAL_HUGE,  /* an integer outside int64_t */
  VAL_FLOAT, /* f */
  VAL_BYTES, /* s: bytes, bytearray, Python 2's str */
  VAL_TEXT,  /* s: UTF-8 */
  VAL_LIST,  /* seq */
  VAL_TUPLE, /* seq */
  VAL_SET,   /* seq */
  VAL_DICT, /* seq: key, value, key, value ... in the order of the file; the last of equal keys wins
             */
  VAL_ARRAY, /* array */
  VAL_DTYPE, /* dtype */
  VAL_CLASS  /* i: a constructor of the closed list (pickle_build.h) */
} value_kind;

typedef struct {
  const char *p; /* not terminated */
  size_t n;
} value_string;

typedef struct value value;

typedef struct value_seq {
  size_t n, room;
  value *item;
  struct value_seq *next; /* all growable ones of a heap, to free them */
} value_seq;

typedef struct {
  char kind;    /* NumPy's letter: b i u f c S U V O M m; 0: not one that is known */
  bool swapped; /* the other byte order than this machine's */
  int64_t size; /* bytes of an element */
} value_dtype;

enum { ARRAY_DIMS = 8 };
typedef struct {
  value_dtype type;
  bool built; /* false: announced, its contents never came */
  int n_dim;
  int64_t shape[ARRAY_DIMS], stride[ARRAY_DIMS]; /* strides in bytes; of object arrays in items */
  int64_t count;                                 /* product of the shape */
  const uint8_t *data;                           /* outlives the heap or lies in it */
  const value_seq *objects;                      /* kind 'O': the items */
} value_array;

struct value {
  value_kind kind;
  union {
    int64_t i;
    double f;
    const value_string *s;
    value_seq *seq;
    value_array *array;
    value_dtype *dtype;
  };
};

typedef struct {
  arena *mem;
  size_t used, budget; /* bytes */
  value_seq *growable;
} value_heap;

value_heap *heap_new(size_t budget);
void heap_free(value_heap *h);
/* NULL where the budget is spent. */
void *heap_alloc(value_heap *h, size_t bytes);
value_seq *heap_seq(value_heap *h);
/* Appends n values; false where the budget is spent. */
bool seq_append(value_heap *h, value_seq *s, const value *v, size_t n);
/* p is not copied. False where the budget is spent. */
bool make_string(value_heap *h, value_kind kind, const char *p, size_t n, value *out);

/* Reads a type such as "u1", "<f8", "|S10" (n characters). False: not one that NumPy writes. */
bool dtype_parse(const char *p, size_t n, value_dtype *out);
/* Sets shape, strides and count; order 'C' or 'F'. False on a negative extent, too many
   dimensions, or where count * element size is over `limit` bytes. */
bool array_shape(value_array *a, int n_dim, const int64_t *shape, char order, uint64_t limit);
/* One element of a numeric array at its address. */
double element_float(const value_dtype *t, const uint8_t *at);
/* kinds b, i, u; false where it does not fit. */
bool element_int(const value_dtype *t, const uint8_t *at, int64_t *out);
/* The address of element i in C order, whatever the strides. */
const uint8_t *array_at(const value_array *a, int64_t i);
/* Item i in C order of an array of objects. */
const value *array_object(const value_array *a, int64_t i);

bool is_string(const value *v);
bool string_is(const value *v, const char *s);
/* The value under a string key (text or bytes), or NULL. v may be any value. */
const value *dict_find(const value *v, const char *key);
/* "uint8 array 1005x32x32x3", "list of 1005", "None": for messages; malloc'd. */
char *value_describe(const value *v);
/* "uint8", "float64", "list": malloc'd. */
char *value_type_name(const value *v);
#endif
