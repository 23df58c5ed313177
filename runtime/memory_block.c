#include "memory_block.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static const size_t huge = 2 << 20;

void memory_reserve(memory_block *m, size_t bytes) {
  *m = (memory_block){.size = (bytes + huge - 1) / huge * huge + huge};
  m->base = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (m->base == MAP_FAILED) {
    fprintf(stderr, "netc: out of memory (%zu bytes asked for)\n", bytes);
    abort();
  }
  madvise(m->base, m->size, MADV_HUGEPAGE); /* a wish; ordinary pages do as well */
  m->used = (huge - (size_t)m->base % huge) % huge;
}

size_t memory_rounded(size_t bytes) { return (bytes + 64) / 64 * 64; }

void *memory_take(memory_block *m, size_t bytes) {
  void *p = m->base + m->used;
  m->used += memory_rounded(bytes);
  if (m->used > m->size) abort();
  return p;
}

void memory_release(memory_block *m) {
  if (m->base) munmap(m->base, m->size);
  *m = (memory_block){0};
}
