/* Nodes that go along some dimensions of their inputs, wherever a model has them. */
#ifndef NETC_IMPORT_AXES_H
#define NETC_IMPORT_AXES_H
#include "layers.h"

/* A node like n along the channels, whose result in another order is n's. NULL: n goes along the
   batch, which n->reason tells, or is not known well enough. */
onnx_node *along_channels(importer *im, onnx_node *n, double axis);
/* Every row of x along an axis times a constant matrix [out, in]. */
onnx_node *matrix_along(importer *im, onnx_node *n, value *x, int axis, const constant *weight);
/* n's result: a matrix product of x, whose rows are the batch and other dimensions together. */
bool rows_apart(importer *im, onnx_node *n, const constant *weight, const constant *bias);
/* For each whole number of the input x, its row of a constant table. */
onnx_node *rows_of_table(importer *im, onnx_node *n, value *table, value *x);
onnx_node *concat_channels(importer *im, onnx_node *n);
onnx_node *rows_before(importer *im, onnx_node *n);

typedef struct {
  int64_t from, to, step; /* to: the first that is not taken */
} part;
/* y: these elements of an axis of x. */
bool part_along(importer *im, const onnx_node *n, value *x, value *y, int axis, const part *p);
/* A product of two tensors or of one and a matrix; n itself, where it may be a layer as it is. */
onnx_node *normal_matmul(importer *im, onnx_node *n);
/* n's result: its input reduced over these dimensions. */
bool reduce_axes(importer *im, onnx_node *n, const bool gone[MODEL_RANK], bool keep);
/* operands.c: a node of a tensor and a constant as a sum or product of them in the tensor's
   dimensions; itself, if it is none. NULL: it is a layer already. */
onnx_node *with_constant(importer *im, onnx_node *n);
/* What is the same for every sample of a batch of one fixed size, once. */
const constant *constant_of_sample(importer *im, const constant *k);
onnx_node *normal_where(importer *im, onnx_node *n);
/* einsum.c: of two tensors, a product of matrices. */
onnx_node *normal_einsum(importer *im, onnx_node *n);
/* spread.c */
onnx_node *normal_expand(importer *im, onnx_node *n);
/* recurrent.c */
onnx_node *normal_recurrent(importer *im, onnx_node *n);
/* normal.c: an axes input or attribute that says channels, as netc's operators have it. */
void say_channels(importer *im, onnx_node *n);
#endif
