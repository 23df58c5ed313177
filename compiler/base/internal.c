#include "internal.h"
#include <stdio.h>
#include <stdlib.h>

void internal_error(const char *what, const char *why) {
  fprintf(stderr, "netc: internal error: %s: %s\n", what, why);
  abort();
}

void out_of_memory(void) {
  fputs("netc: out of memory\n", stderr);
  exit(1);
}

void *allocated(void *p) {
  if (!p) out_of_memory();
  return p;
}
