#include "internal.h"
#include "arena.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 * 1024, MAX_CHUNK = 4 << 20, ALIGN = 16 };

typedef struct chunk {
  struct chunk *next;
  size_t used, size;
  bool alone; /* for one large piece */
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

void arena_drop(arena *a, void *p) {
  for (chunk **c = &a->top; p && *c; c = &(*c)->next) {
    if ((*c)->bytes != p || !(*c)->alone) continue;
    chunk *gone = *c;
    *c = gone->next;
    a->bytes -= gone->used;
    free(gone);
    return;
  }
}

size_t arena_bytes(const arena *a) { return a->bytes; }

static chunk *new_chunk(size_t size) {
  chunk *c = allocated(calloc(1, sizeof(chunk) + size));
  c->size = size;
  return c;
}

/* A chunk with room: the top one, a new top, or one for a large piece alone. */
static chunk *room_for(arena *a, size_t bytes) {
  if (a->top && a->top->size - a->top->used >= bytes) return a->top;
  size_t usual = CHUNK;
  while (usual < MAX_CHUNK && usual < a->bytes / 16) usual *= 2; /* fewer for a large arena */
  chunk *c = new_chunk(bytes > CHUNK ? bytes : usual), **at = &a->top;
  if (bytes > CHUNK && a->top) at = &a->top->next; /* the top one is not full */
  c->alone = bytes > CHUNK;
  c->next = *at;
  return *at = c;
}

void *arena_alloc(arena *a, size_t bytes) {
  if (bytes > SIZE_MAX / 2) out_of_memory();
  bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
  chunk *c = room_for(a, bytes);
  void *p = c->bytes + c->used;
  c->used += bytes;
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
