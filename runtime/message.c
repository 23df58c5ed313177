#include "message.h"
#include <stdarg.h>
#include <stdbool.h>
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

/* Bytes of the UTF-8 character at s, or 0 where there is none (overlong forms and surrogates too).
 */
static size_t utf8_length(const char *text) {
  const unsigned char *s = (const unsigned char *)text;
  size_t n = s[0] < 0x80   ? 1
             : s[0] < 0xc2 ? 0
             : s[0] < 0xe0 ? 2
             : s[0] < 0xf0 ? 3
             : s[0] < 0xf5 ? 4
                           : 0;
  for (size_t i = 1; i < n; i++)
    if ((s[i] & 0xc0) != 0x80) return 0;
  bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
  bool outside = (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f);
  return n > 1 && (overlong || outside) ? 0 : n;
}

char *clean_utf8(const char *text) {
  char *clean = copy_string(text, strlen(text));
  for (char *s = clean; *s;) {
    size_t n = utf8_length(s);
    if (!n) *s = '?';
    s += n ? n : 1;
  }
  return clean;
}

char *free_and(char *s, char *sentence) {
  free(s);
  return sentence;
}
