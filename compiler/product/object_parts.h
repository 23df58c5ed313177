/* What the files of object.c share. */
#ifndef NETC_OBJECT_PARTS_H
#define NETC_OBJECT_PARTS_H
#include "object.h"
#include "pipeline.h"
#include "weights.h"

struct object {
  const graph *g;
  object_options opt;
  object_sizes size;
  machine *machine;
  LLVMTargetMachineRef generator;
  LLVMModuleRef module;
  compilation infer, train;     /* train: only if size.has_train */
  int64_t logits_at, losses_at; /* bytes from the start of the training step's workspace */
};

/* The exported functions (object_entry.c); the kernels must be in the module. */
void object_add_functions(object *o);
/* Adds a function of the module that other modules see. */
LLVMValueRef object_function(object *o, const char *name, LLVMTypeRef type);
#endif
