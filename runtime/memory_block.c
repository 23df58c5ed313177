#include "memory_block.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static const size_t huge = 2 << 20;

void memory_reserve(memory_block *m, size_t bytes) {
  *m = (memory_block){.size = (bytes + huge - 1) / huge * huge + huge, .left = bytes};
  m->base = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (m->base == MAP_FAILED) {
    fprintf(stderr, "netc: out of memory (%zu bytes asked for)\n", bytes);
    abort();
  }
  madvise(m->base, m->size, MADV_HUGEPAGE); /* a wish; ordinary pages do as well */
  m->used = (huge - (size_t)m->base % huge) % huge;
}

size_t memory_rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }

static void not_as_planned(const char *what) {
  fprintf(stderr, "netc: internal error: %s memory is taken than was planned\n", what);
  abort();
}

void *memory_take(memory_block *m, size_t bytes) {
  void *p = m->base + m->used;
  if (memory_rounded(bytes) > m->left) not_as_planned("more");
  m->used += memory_rounded(bytes);
  m->left -= memory_rounded(bytes);
  return p;
}

void memory_all_taken(const memory_block *m) {
  if (m->left) not_as_planned("less");
}

void memory_release(memory_block *m) {
  if (m->base) munmap(m->base, m->size);
  *m = (memory_block){0};
}
