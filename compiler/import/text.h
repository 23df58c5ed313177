/* The lines of a network file before they are text. A line is a layer and those that go behind it
   on the same line, a call of a block, or a repetition. */
#ifndef NETC_IMPORT_TEXT_H
#define NETC_IMPORT_TEXT_H
#include "layers.h"

typedef struct {
  int n;
  struct line **line;
} lines;

typedef struct {
  layer *ref; /* `@label`, or NULL: a body */
  lines body;
} branch;

typedef struct block {
  const char *name;
  lines body;
  int n_param;
  const char **param;
  int n_hole;
  const char **hole; /* for each number in the body: what stands for it, or NULL: itself */
} block;

typedef struct line {
  int n_layer;
  layer **layer;
  int n_branch; /* of the first layer */
  branch *branch;
  layer *from; /* what the layer takes, where that is not the current tensor */
  const block *call;
  int n_arg;
  double *arg;
  int times; /* a repetition of `body`, or 0 */
  lines body;
  uint64_t shape; /* equal where lines differ in nothing but numbers; of find_blocks */
} line;

/* blocks.c: calls of blocks in place of lines that differ in nothing but numbers, and repetitions.
   Returns the blocks, in the order of their definitions. */
typedef struct {
  int n;
  block **block;
} block_list;
block_list find_blocks(arena *a, lines *top);
/* All numbers of a line, in the order in which they are written. */
typedef struct {
  int n;
  double *v;
} numbers;
void line_numbers(arena *a, const line *l, numbers *to);
#endif
