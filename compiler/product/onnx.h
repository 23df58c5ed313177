/* A network and its weights as an ONNX model (opset 17, IR version 8). How an operator looks there
   stands with the operator, in the `onnx` lines of its definition. */
#ifndef NETC_ONNX_H
#define NETC_ONNX_H
#include "data_fact.h"
#include "graph/graph.h"
#include "program.h"
#include <stdint.h>

/* The encoded model, allocated in g->mem; input "x" [batch, C, H, W], output "logits" [batch,
   classes]; initializers carry the names and layouts of weight files. p: any program of g, and
   params its block. batch 0: left open, as dimension "batch". facts stand in metadata_props.
   NULL after the reasons were printed to stderr: an operator without a form in ONNX or with a wrong
   one, or more than 2 GB of weights. */
uint8_t *onnx_encode(const graph *g, const program *p, const void *params, int batch,
                     const data_facts *facts, const char *version, size_t *bytes);
#endif
