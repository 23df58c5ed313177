/* Keeps stderr in an unlinked file for a while. */
#include "capture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

capture capture_begin(void) {
  fflush(stderr);
  FILE *f = tmpfile();
  capture c = {dup(STDERR_FILENO), f ? dup(fileno(f)) : -1};
  if (f) fclose(f);
  if (c.saved >= 0 && c.file >= 0) dup2(c.file, STDERR_FILENO);
  return c;
}

char *capture_end(capture c) {
  char text[512] = "";
  fflush(stderr);
  if (c.saved >= 0) {
    dup2(c.saved, STDERR_FILENO);
    close(c.saved);
  }
  ssize_t n = c.file >= 0 ? pread(c.file, text, sizeof text - 1, 0) : 0;
  if (c.file >= 0) close(c.file);
  text[n > 0 ? n : 0] = 0;
  text[strcspn(text, "\n")] = 0;
  return strdup(text);
}
