/* Parameters between memory (blocks, netc's order) and files (PyTorch's names and order). */
#ifndef NETC_WEIGHTS_H
#define NETC_WEIGHTS_H
#include "nest/nest.h"
#include "program.h"

typedef struct weight_table {
  int n;
  param_info *info;
  tensor **tensor; /* with its block and offset planned */
} weight_table;

/* All T_PARAM, T_STATE and T_OPT tensors of a planned program, in order, params block first. */
void weights_collect(weight_table *w, nestprog *p);
/* block: the params or state block; file: dense, info->count floats, or one int64_t. */
void weight_export(const weight_table *w, int i, const void *block, void *file);
void weight_import(const weight_table *w, int i, void *block, const void *file);
/* The averages in a state block take the place of what they average in a params block. */
void weights_average(const weight_table *w, const void *state, void *params);
/* FNV-1a, 32 bits: names the stream of random numbers of a tensor. */
uint32_t weight_stream(const char *name);
/* Of t: by its name without labels, so that a label changes no initial value. */
uint32_t draw_stream(const tensor *t);
/* How t begins (base/draw.h): drawn, times its init; or at that. */
int weight_draws(const tensor *t);
/* Initial value: constant, or drawn by Philox keyed by the seed, with a hash of the tensor's name
   and the element's position in the file as counter. */
void weight_init(const weight_table *w, int i, void *block, uint64_t seed);
#endif
