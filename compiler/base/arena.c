#include "internal.h"
#include "arena.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 * 1024, ALIGN = 16 };

typedef struct chunk {
  struct chunk *next;
  size_t used, size;
  _Alignas(16) char bytes[];
} chunk;

struct arena {
  chunk *top;
  size_t bytes;
};

arena *arena_new(void) { return allocated(calloc(1, sizeof(arena))); }

void arena_free(arena *a) {
  if (!a) return;
  for (chunk *c = a->top; c;) {
    chunk *next = c->next;
    free(c);
    c = next;
  }
  free(a);
}

size_t arena_bytes(const arena *a) { return a->bytes; }

void *arena_alloc(arena *a, size_t bytes) {
  if (bytes > SIZE_MAX / 2) out_of_memory();
  bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
  if (!a->top || a->top->size - a->top->used < bytes) {
    size_t size = bytes > CHUNK ? bytes : CHUNK;
    chunk *c = allocated(calloc(1, sizeof(chunk) + size));
    c->size = size;
    c->next = a->top;
    a->top = c;
  }
  void *p = a->top->bytes + a->top->used;
  a->top->used += bytes;
  a->bytes += bytes;
  return p;
}

char *arena_strndup(arena *a, const char *s, size_t n) {
  char *p = arena_alloc(a, n + 1);
  memcpy(p, s, n);
  return p;
}

char *arena_strdup(arena *a, const char *s) { return arena_strndup(a, s, strlen(s)); }

char *arena_vprintf(arena *a, const char *fmt, va_list ap) {
  va_list again;
  va_copy(again, ap);
  int n = vsnprintf(NULL, 0, fmt, ap);
  char *p = arena_alloc(a, (size_t)n + 1);
  vsnprintf(p, (size_t)n + 1, fmt, again);
  va_end(again);
  return p;
}

char *arena_printf(arena *a, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  char *p = arena_vprintf(a, fmt, ap);
  va_end(ap);
  return p;
}

void *arena_regrow(arena *a, const void *old, size_t n, size_t item) {
  void *p = arena_alloc(a, (n ? 2 * n : 1) * item);
  if (n) memcpy(p, old, n * item);
  return p;
}
