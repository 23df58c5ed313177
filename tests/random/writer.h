/* What writes a random operator: the values that an expression may read, and the axes of the
   statement that is being written. */
#ifndef WRITER_H
#define WRITER_H
#include "author.h"

enum { MAX_VALUES = 24, RANK = 4 };

/* Of a tensor that a `scan` writes, while it runs. */
typedef enum { COMPLETE, THIS_STEP, EARLIER_STEPS } readiness;

/* A tensor that an expression may read. */
typedef struct {
  char name[16];
  int batch; /* the dimension whose size is N, counted from 1; 0: none */
  int rank, dim[RANK];
  bool known; /* its dimensions stand in the signature */
  readiness ready;
  int step_dim; /* where the step of a `scan` stands */
  bool hidden;  /* for now */
  bool local;   /* complete, and may be added to */
  bool was_read;
  char fixed[64]; /* the only way to read it, if any */
} value;

typedef struct {
  char name[4];
  int extent;
  bool batch, plain, other; /* stood alone in a dimension of its extent, or in another one */
  bool step;                /* of the scan around the statement */
} axis;

typedef struct {
  author *a;
  FILE *f; /* the body */
  FILE *declared;
  int n_value, n_param, n_local, n_axis, n_state;
  value value[MAX_VALUES];
  axis axis[8];
  int reads; /* of the statement so far */
  double work;
  bool loss;
  bool within; /* indices may not leave their tensors: a maximum over nothing is -inf */
  int steps;   /* of a scan from its end to its beginning; 0: the other way */
  bool ranges; /* are all given, as a scan may read what no statement has written so far */
} writer;

stream *rnd(writer *w);
const char *pick_one(writer *w, const char *const *word, int n);

axis *add_axis(writer *w, const char *name, int extent, bool batch);
/* The index that a dimension of v has on the left side. */
const char *axis_name(const value *v, int d);
/* One axis for each dimension: n, h, w, c for images, and their ends for smaller tensors. */
void axes_of(writer *w, const value *v);
/* Axes that only the right side has: the statement sums over them. */
void reduction_axes(writer *w);
/* ` for n:N, ..;` and the line's end: what the tensors' dimensions do not tell, and more at times.
 */
void put_ranges(writer *w, FILE *f);

value *another_value(writer *w, const char *name, int number);
void put_read(writer *w, FILE *f, value *v);
/* A right side that reads at least one tensor. A sum is scaled by the number of its terms;
   a maximum may not be one of nothing. */
void put_right(writer *w, FILE *f, double terms, bool max);

/* An expression of parts, so deep at most. */
void put_value(writer *w, FILE *f, int depth);
/* The step of a scan, or one before it. */
void put_step(writer *w, FILE *f, int before);
/* How many terms a sum over the axes that v has not takes. */
double terms_of(const writer *w, const value *v);
/* A statement over all of v: `=`, `+=`, `max=`. */
void put_plain(writer *w, const value *v, const char *sign);
/* All of v, in one statement or several. */
void put_statements(writer *w, const value *v);
/* A new local tensor, written whole. */
void put_local(writer *w);
int local_size(writer *w, int like, int most);
/* A dimension of at least two elements, other than the batch; -1: none. */
int divisible(writer *w, const value *v);

/* `scan t:steps { .. }` that writes a state, and y if it may: then true. */
bool put_scan(writer *w, const value *y);
/* The statements of an operator whose tensors are written, read and added to in any order. */
void put_tangle(writer *w, const value *y);
/* More onto a tensor that is complete, if there is one. */
void put_addition(writer *w);
/* Several states in one scan, each read by the others. */
void put_scan_of_several(writer *w);
#endif
