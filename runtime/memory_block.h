/* The memory of a run: one mapping, made once, in huge pages where the machine offers them (the
   first touch of fresh 4 KB pages is slow). Blocks are zeroed and aligned to 64 bytes. */
#ifndef NETC_MEMORY_BLOCK_H
#define NETC_MEMORY_BLOCK_H
#include <stddef.h>

typedef struct {
  char *base;
  size_t size, used, left; /* left: planned and not yet taken */
} memory_block;

void memory_reserve(memory_block *m, size_t bytes);
/* The next part; 0 bytes give a pointer that is not NULL. Aborts beyond the reservation. */
void *memory_take(memory_block *m, size_t bytes);
/* Aborts unless exactly the reserved bytes have been taken: the plan is what runs. */
void memory_all_taken(const memory_block *m);
size_t memory_rounded(size_t bytes); /* what memory_take uses up for it */
void memory_release(memory_block *m);
#endif
