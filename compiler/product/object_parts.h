/* What the files of object.c share. */
#ifndef NETC_OBJECT_PARTS_H
#define NETC_OBJECT_PARTS_H
#include "object.h"
#include "pipeline.h"
#include "weights.h"

typedef struct {
  const char *c_name; /* a C identifier, unique among those of a function */
  port_info info;
  int block;
} object_port;
typedef struct {
  int n;
  object_port *port; /* inputs, targets, predictions */
} port_list;

struct object {
  const graph *g;
  object_options opt;
  object_sizes size;
  machine *machine;
  LLVMTargetMachineRef generator;
  LLVMModuleRef module;
  compilation infer, train;     /* train: only if size.has_train */
  port_list ports, train_ports; /* of inference and of the training step */
  bool plain;                   /* one image or row of floats, one class: today's header */
  int64_t *kept_at;             /* for each of train_ports: where the step keeps a prediction ... */
  int64_t losses_at;            /* ... and the losses, in bytes from the start of its workspace */
};

/* ports, train_ports, plain, and the sizes that follow from them (object_ports.c). */
void object_find_ports(object *o);
/* The exported functions (object_entry.c); the kernels must be in the module. */
void object_add_functions(object *o);
/* Adds a function of the module that other modules see. */
LLVMValueRef object_function(object *o, const char *name, LLVMTypeRef type);
#endif
