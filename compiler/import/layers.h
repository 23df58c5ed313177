/* What an ONNX model becomes: netc's layers. An operator's `onnx` lines, which say how it is
   exported, are read backwards here: a layer stands for the nodes that its lines would make. */
#ifndef NETC_IMPORT_LAYERS_H
#define NETC_IMPORT_LAYERS_H
#include "graph/graph.h"
#include "model.h"

typedef struct {
  const char *name; /* of the operator's declaration: "weight" */
  const constant *k;
} layer_weight;

typedef struct layer {
  node *n; /* operator, settings and shapes */
  int n_in;
  struct layer *in[MAX_INPUTS];
  int n_weight;
  layer_weight *weight;
  const char *hint; /* a name from the model */
  value *natural;   /* its result in its own dimensions, batch first */
  bool taken;       /* of an input: a layer reads it, so that its shape is fixed */

  /* for write.c */
  int order;               /* inputs before users */
  struct layer *dominator; /* the last layer that every way from the input goes through */
  int mark, n_use;
  bool live;
  const char *label;
} layer;

typedef struct {
  model *m;
  arena *a;
  diag *d;
  opdef *ops;
  /* How many leading dimensions of the model's tensors are netc's batch, and which; 1 in any usual
     model, where the first counts the samples. */
  int n_lead;
  int64_t lead[MODEL_RANK];
  int64_t batch; /* their product, or ANY_BATCH */
  bool has_input;
  int n_layer;
  layer **layer;   /* as they were found: inputs before users */
  const char *why; /* the last reason for which something did not match */
} importer;

/* normal.c: brings a node to the one form that newer operator sets and operators' lines use. May
   put another node in its place; NULL: it is done with, its results are known. */
onnx_node *normal_node(importer *im, onnx_node *n);
/* Does it look after the order of its inputs' dimensions itself? Else they are in the model's. */
bool minds_order(const char *type);
bool is_rewritten_type(const char *type);
/* The value of an attribute of a node, or ONNX's default for it; false if there is neither. */
bool schema_default(const onnx_node *n, const char *name, int spatial, attribute *out);
bool attr_is_default(const onnx_node *n, const attribute *a, int spatial);
int spatial_rank(const onnx_node *n);

/* fold.c */
/* Results that are known before the network runs: constants, shapes, and what is made of them. */
bool fold_node(importer *im, onnx_node *n);
/* Results that are the input in other dimensions. */
bool view_node(importer *im, onnx_node *n);
/* A value's dimensions with the leading ones as one batch; false: it has others. */
bool netc_dims(const importer *im, const value *v, value *out);
/* The other way: v's dimensions from netc's. */
void model_dims(const importer *im, const value *from, value *v);
void transpose_dims(onnx_node *n);
bool is_view_type(const char *type);
bool is_folded_type(const char *type);
/* Dimensions of a view of `in` by node n; false if they are unknown or do not fit. */
bool view_dims(importer *im, const onnx_node *n, const value *in, value *out);
/* A copy in other dimensions of as many elements. */
constant *constant_viewed(importer *im, const constant *k, int rank, const int64_t *dim);
/* The constant from which a step of this type, with this list of axes, makes k; NULL: there is
 * none. */
const constant *constant_before(importer *im, const char *type, const constant *k, int n,
                                const double *axes);
int64_t element_count(const value *v); /* of all dimensions but an open batch */

/* layout.c: transpositions are no layers, as long as nobody minds the order of dimensions. */
void give_transposed(importer *im, value *out, value *in, const int *perm);
/* As other dimensions of the same elements; false: that is not to be had without moving them. */
bool give_view(importer *im, value *out, value *in, const value *to);
/* The value with its dimensions in this order (dimension i is v's want[i]), with a layer that has
   its elements so, where there is one. */
value *in_order(importer *im, value *v, const int *want);
/* Which dimension counts the samples; -1: none by itself. */
int batch_axis(const value *v);
/* Gives a value a layer that has its elements in order. */
bool settle(importer *im, value *v);
/* A node that does the same to every element does it in the order that its inputs have. NULL: it
   is no such node. */
onnx_node *in_place(importer *im, onnx_node *n);
bool is_pointwise_type(const char *type);

/* spread.c: n, the same to every element, with all inputs as large as its result; NULL: they are,
   or it cannot be. */
onnx_node *spread_inputs(importer *im, onnx_node *n);

/* match.c */
layer *match_layer(importer *im, onnx_node *n);
/* The same, but only a layer that stands for several nodes at once. */
layer *match_several(importer *im, onnx_node *n);
layer *layer_input(importer *im, value *v);
bool same_dims(const value *a, const value *b); /* trailing ones do not count */

/* write.c: the network file. `weights` becomes the layers with weights in the order of the text. */
typedef struct {
  int n;
  layer **layer;
} layer_list;
char *write_network(importer *im, layer *output, const char *title, layer_list *weights);
#endif
