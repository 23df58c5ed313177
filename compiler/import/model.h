/* An ONNX model as a graph of nodes and values, read with every bound checked. Values that are
   known before anything runs (initializers, and what `fold.c` makes of them) hold a constant. */
#ifndef NETC_IMPORT_MODEL_H
#define NETC_IMPORT_MODEL_H
#include "base/arena.h"
#include <stdbool.h>
#include <stdint.h>

struct layer;

enum { MODEL_RANK = 8, MODEL_NODES = 100000, MODEL_OPSET_FIRST = 6 };
/* The samples of one call, where the model leaves their number open; only in dimensions. */
#define ANY_BATCH INT64_C(-9000000000000000000)
/* A dimension may be a number of times the open batch. */
static inline bool is_open(int64_t d) { return d < ANY_BATCH / 2; }
static inline int64_t known_part(int64_t d) { return is_open(d) ? d - ANY_BATCH + 1 : d; }
static inline int64_t open_times(int64_t d, int64_t n) { return ANY_BATCH + known_part(d) * n - 1; }

/* Floats, or whole numbers (of any width, and truth values). */
typedef struct {
  int rank;
  int64_t dim[MODEL_RANK], n;
  float *f;
  int64_t *i; /* one of the two is NULL */
} constant;

typedef struct value {
  const char *name;
  struct onnx_node *maker; /* NULL: an input of the model, or an initializer */
  int result;              /* which result of its maker */
  const constant *k;       /* NULL: not known before the network runs */
  bool is_whole;           /* an input of whole numbers */
  bool has_dims;
  int rank;
  int64_t dim[MODEL_RANK]; /* as ONNX sees it, the batch first */
  struct layer *layer;     /* the netc layer whose values these are, in the same order */
  /* Else it may be another value in another order (layout.c): `of`, whose axes come as `fine` says;
     dimension i is count[i] of them in a row. */
  struct value *of;
  int n_fine, fine[MODEL_RANK], count[MODEL_RANK];
  int n_user;
  struct onnx_node **user;
} value;

typedef enum { ATTR_OTHER, ATTR_FLOAT, ATTR_INT, ATTR_TEXT, ATTR_TENSOR, ATTR_LIST } attr_kind;
typedef struct {
  const char *name;
  attr_kind kind;
  double number;    /* FLOAT and INT */
  const char *text; /* TEXT */
  const constant *tensor;
  bool floats; /* LIST of floats, else of whole numbers */
  int n;
  double *list;
} attribute;

typedef struct onnx_node {
  const char *type, *name; /* the name may be "" */
  int n_in, n_out, n_attr;
  value **in, **out; /* inputs that are left out are NULL */
  attribute *attr;
  bool axes_known;    /* what it says of axes has been checked and brought to netc's dimensions */
  const char *reason; /* why this is no layer, once that is known */
  bool told;
  int waits; /* for so many inputs, while the nodes are being ordered */
} onnx_node;

typedef struct {
  const char *key, *value;
} model_fact;

typedef struct {
  arena *a;
  const char *name;
  int opset;
  int n_node;
  onnx_node **node; /* every node after those whose results it takes */
  int n_value;
  value **value;
  int n_input;
  value **input; /* without initializers */
  int n_fact;
  model_fact *fact; /* its metadata_props */
  int n_output;
  value **output;
} model;

/* Bytes of a file that a model keeps beside itself, or NULL with *error a sentence (malloc'd). */
typedef struct {
  const uint8_t *(*read)(void *self, const char *location, size_t *n, char **error);
  void *self;
} model_files;

/* NULL with *error one sentence in the arena: what in the bytes is no model that netc reads. */
model *model_read(arena *a, const uint8_t *bytes, size_t n, const model_files *files,
                  const char **error);

const attribute *node_attr(const onnx_node *n, const char *name);
double attr_number(const onnx_node *n, const char *name, double otherwise);
bool node_is(const onnx_node *n, const char *type);
/* A constant's dimensions are its value's. */
void value_note_dims(value *v);
/* A new value, one that is a constant, or a number; and a new node with one result. None is known
   to anybody else. */
value *model_new_value(model *m, const char *name);
value *model_constant(model *m, const char *name, const constant *k);
value *model_number(model *m, double v);
onnx_node *model_new_node(model *m, const onnx_node *like, const char *type, int n_in);
void node_set_attr(model *m, onnx_node *n, attribute a);
constant *constant_new(arena *a, bool floats, int rank, const int64_t *dim);
/* Names of a model may hold anything: safe to print, and not too long. */
const char *printable(arena *a, const char *name);
#endif
