#include "message.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(size_t bytes) {
  fprintf(stderr, "netc: out of memory (%zu bytes asked for)\n", bytes);
  abort();
}

char *message(const char *fmt, ...) {
  char *s = NULL;
  va_list ap;
  va_start(ap, fmt);
  int n = vasprintf(&s, fmt, ap);
  va_end(ap);
  if (n < 0) out_of_memory(0);
  return s;
}

void *allocate(size_t bytes) {
  void *p = calloc(1, bytes ? bytes : 1);
  if (!p) out_of_memory(bytes);
  return p;
}

char *copy_string(const char *s, size_t n) {
  char *copy = allocate(n + 1);
  memcpy(copy, s, n);
  return copy;
}

char *free_and(char *s, char *sentence) {
  free(s);
  return sentence;
}
