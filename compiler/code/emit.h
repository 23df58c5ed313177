/* Scheduled nests -> LLVM IR. Everything that handles LLVM values is in emit*.c and back.c. */
#ifndef NETC_EMIT_H
#define NETC_EMIT_H
#include "nest/schedule.h"
#include <llvm-c/Core.h>

/* The code of one nest, shared by all nests that differ only in which tensors they touch. */
typedef struct kernel {
  struct kernel *next;
  const char *name; /* the function: void name(char **tensors, index begin, index end) */
  int id;
  /* what decides about the code: the nest, its schedule and its tensors' strides */
  uint64_t hash;
  int n_word;
  const int64_t *word;
  struct kernel *next_like; /* of those with a similar hash */
} kernel;

/* Is their code the same? */
bool kernel_same(const kernel *k, const kernel *l);

/* What a kernel is given: the place of its first access to a tensor where all loops begin, in
   elements from the tensor's start. Borders and residues that differ in this alone share code. */
typedef struct {
  tensor *t; /* NULL: the control block (seed and step) */
  int64_t at;
} kernel_arg;

/* Where the argument lies in its tensor's block, in bytes. */
int64_t arg_offset(const kernel_arg *a);

/* A nest's code applied to its tensors. */
typedef struct {
  nest *n;
  kernel *k;
  int n_arg;
  kernel_arg *arg;
} kernel_call;

/* Distinct kernels of a program, and its calls in order. */
typedef struct {
  int n_call;
  kernel_call *call;
  int n_kernel;
  kernel *kernels;
} kernel_list;

/* The control block of a step: what E_RAND and T_HYPER read. */
typedef struct {
  uint32_t seed_lo, seed_hi, step_lo, step_hi;
  union {
    float lr;
    double lr_exact; /* in double precision programs */
  };
} control;

kernel_list *kernels_collect(nestprog *p, const char *prefix);
/* Adds the function of call c's kernel to module m. */
void emit_kernel(LLVMModuleRef m, const kernel_call *c, const target_info *t);
#endif
