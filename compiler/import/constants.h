/* Nodes of constants (constants.c). */
#ifndef NETC_IMPORT_CONSTANTS_H
#define NETC_IMPORT_CONSTANTS_H
#include "layers.h"

/* What computes the result of a node of this type from constants; NULL: nothing does. It gives
   NULL where an input is not known. */
typedef const constant *(*constant_fold)(importer *im, const onnx_node *n);
constant_fold find_fold(const char *type);
#endif
