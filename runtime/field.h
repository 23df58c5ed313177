/* A named field of a data set: one array with a value (or an array of values) for every sample.
   What readers give, whatever file it came from; the network's ports are matched with fields. */
#ifndef NETC_FIELD_H
#define NETC_FIELD_H
#include <stdbool.h>
#include <stdint.h>

enum { FIELD_RANK = 6 };

typedef enum { FIELD_BYTES, FIELD_FLOATS, FIELD_WHOLE } field_type;

typedef struct {
  char *name;
  char *stored; /* type in the file: "uint8", "float64", "words" */
  field_type type;
  int rank; /* of one sample, in PyTorch's order; 0: one value */
  int64_t dim[FIELD_RANK];
  int64_t size;  /* product of dim */
  int64_t step;  /* elements from one sample to the next: size, or less where windows overlap */
  int64_t run;   /* of windows of a table: values that lie side by side, of one column; else 0 */
  int64_t plane; /* and elements from one column to the next */
  void *data;    /* uint8_t, float or int32_t */
  bool borrowed; /* data belongs to another field */
  int64_t count; /* elements in data */
  double scale;  /* factor of every value when it is read as a float */
  int64_t below; /* of whole numbers: all lie in [0, below); 0: some do not */
  char **names;  /* below names (classes, categories, characters), or NULL */
  char **characters; /* of a table's column that is read as text: n_character of them; else NULL */
  int64_t n_character;
} data_field;

/* Samples that are windows of a table's rows: so many rows, and from the last of them `horizon`
   rows to the first of `steps` that are told. length 0: they are not. */
typedef struct {
  int64_t length, horizon, steps;
} series_form;

typedef struct {
  int64_t n; /* samples */
  int n_field;
  data_field *field;
  int64_t held_from; /* the file's own validation set begins here; n: it has none */
  int64_t test_from; /* and its own test set, which training never looks at; 0 or n: it has none */
  int n_input;       /* of a table: the first so many columns are for the input */
  int rate;          /* of sounds: samples a second; 0: there are none */
  int64_t window;    /* samples are windows of so many positions, one at every position; 0: no */
  series_form series;
  char *columns; /* of a table: what travels with the weights (csv_columns.h), or NULL */
  int n_note;
  char **note; /* what the reader did that its user should know: a sentence each */
} field_set;

data_field *field_add(field_set *s, const char *name);
/* Room for `count` elements of type t, zeroed. */
void field_allocate(data_field *f, field_type t, int64_t count);
void field_shape(data_field *f, int rank, const int64_t *dim);
data_field *field_find(const field_set *s, const char *name);
void field_free(data_field *f);
void field_set_free(field_set *s);
void field_note(field_set *s, char *sentence);
/* Says that validation samples are left out of a file, where its test samples validate. */
void note_left_out(field_set *s, const char *val, const char *test);

/* One sample as floats, times scale; as whole numbers, unscaled. */
void field_floats(const data_field *f, int64_t sample, float *out);
void field_whole(const data_field *f, int64_t sample, int32_t *out);
/* Element k of a sample. */
double field_value(const data_field *f, int64_t sample, int64_t k);
/* "3x32x32", "8", "" for one value; malloc'd. */
char *field_shape_text(const data_field *f);
/* "`x` (float64, 1797 x 64)": malloc'd. */
char *field_describe(const data_field *f, int64_t n);
/* All fields of a set: "`x` (..), `y` (..)". */
char *fields_describe(const field_set *s);
/* Sets below (and names to NULL) from the values. */
void field_find_below(data_field *f);
/* Words to whole numbers, in the order of the alphabet: word[i] of n samples, taken over. */
void field_set_words(data_field *f, char **word, int64_t n);
#endif
