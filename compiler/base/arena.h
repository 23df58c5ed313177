/* Arenas: memory by lifetime. Everything a stage builds lives in one arena and is
   freed whole; there is no free() inside a pass. */
#ifndef NETC_ARENA_H
#define NETC_ARENA_H
#include <stdarg.h>
#include <stddef.h>

typedef struct arena arena;

arena *arena_new(void);
void arena_free(arena *a);
/* Gives back a large piece (64 KiB or more) before its time; what is smaller stays. */
void arena_drop(arena *a, void *p);
/* What was asked of it so far, in bytes. */
size_t arena_bytes(const arena *a);
/* Zeroed memory aligned to 16 bytes; never NULL (an exhausted machine aborts with a message). */
void *arena_alloc(arena *a, size_t bytes);
char *arena_strdup(arena *a, const char *s);
char *arena_strndup(arena *a, const char *s, size_t n);
char *arena_printf(arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(arena *a, const char *fmt, va_list ap);

#define NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define NEW_N(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (size_t)(n)))

/* Appends to an arena-backed array; doubles its room as it fills. */
#define PUSH(a, arr, n, item)                                                                      \
  do {                                                                                             \
    if (((n) & ((n) - 1)) == 0) (arr) = arena_regrow((a), (arr), (size_t)(n), sizeof *(arr));      \
    (arr)[(n)++] = (item);                                                                         \
  } while (0)
void *arena_regrow(arena *a, const void *old, size_t n, size_t item);
#endif
