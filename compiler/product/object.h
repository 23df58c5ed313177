/* A network as an object file: the kernels of its programs, and the four functions that a C program
   calls (`netc build`). Nothing here opens a file. */
#ifndef NETC_OBJECT_H
#define NETC_OBJECT_H
#include "data_fact.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct graph;

typedef struct {
  const char *prefix; /* of every name that the object exports: a C identifier */
  int batch;
  bool train;                          /* the training step too; the graph must have a train {..} */
  const void *weights;                 /* a params block (program.h) to embed, or NULL */
  const char *triple, *cpu, *features; /* NULL: this machine's */
  data_facts facts;                    /* for the header; they must outlive the object */
  const char *ident; /* one line about compiler, source and settings, kept inside the object */
} object_options;

/* What the header's constants say; bytes unless said otherwise. */
typedef struct {
  int batch;
  int64_t input;     /* values of one sample of the first input */
  int64_t classes;   /* floats of one sample of the first result */
  int64_t one_batch; /* all inputs, targets and results */
  int64_t params, state, infer, train;
  bool has_train, has_weights, has_init; /* has_init: PREFIX_init and PREFIX_load are there */
} object_sizes;

typedef enum { OBJECT_CODE, OBJECT_ASSEMBLY, OBJECT_LLVM, OBJECT_BITCODE } object_form;

typedef struct object object;
/* Compiles. NULL with *error a malloc'd sentence: no such target or processor. */
object *object_new(const struct graph *g, const object_options *o, char **error);
void object_free(object *o);
object_sizes object_size(const object *o);
/* The machine that was compiled for: "x86_64-unknown-linux-gnu, znver5". malloc'd. */
char *object_machine(const object *o);
/* The module in one of its forms; malloc'd, *n bytes and a 0 byte after them. */
char *object_bytes(const object *o, object_form form, size_t *n);
/* Does the code call this function of the C library? (`code` from object_bytes, OBJECT_CODE) */
bool object_calls(const char *code, size_t n, const char *function);
/* The C header; malloc'd. */
char *object_header(const object *o);
#endif
