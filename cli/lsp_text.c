#include "cli/lsp_text.h"
#include <ctype.h>
#include <string.h>

static bool in_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

/* Bytes and UTF-16 units of the character at p. */
static int character_bytes(const char *p, int *units) {
  unsigned char c = (unsigned char)*p;
  int n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
  *units = n == 4 ? 2 : 1;
  for (int i = 1; i < n; i++)
    if (((unsigned char)p[i] & 0xc0) != 0x80) return 1;
  return n;
}

static const char *line_start(const char *text, int line) {
  while (line > 0 && (text = strchr(text, '\n'))) line--, text++;
  return text;
}

const char *text_at(const char *text, lsp_position p) {
  const char *at = line_start(text, p.line);
  if (!at) return text + strlen(text);
  for (int i = 0, units; i < p.character && *at && *at != '\n'; i += units)
    at += character_bytes(at, &units);
  return at;
}

lsp_position position_of(const char *text, const char *at) {
  lsp_position p = {0, 0};
  const char *start = text;
  for (const char *c = text; c < at && *c; c++)
    if (*c == '\n') p.line++, start = c + 1;
  for (int units; start < at && *start; p.character += units)
    start += character_bytes(start, &units);
  return p;
}

const char *text_at_column(const char *text, int line, int column) {
  const char *at = line_start(text, line - 1);
  if (!at) return text + strlen(text);
  for (int i = 1; i < column && *at && *at != '\n'; i++) at++;
  return at;
}

lsp_word word_at(const char *text, const char *at) {
  const char *from = at, *to = at;
  while (from > text && in_word(from[-1])) from--;
  while (in_word(*to)) to++;
  return (lsp_word){from, (int)(to - from)};
}

bool word_is(lsp_word w, const char *s) {
  return strlen(s) == (size_t)w.n && !strncmp(w.start, s, (size_t)w.n);
}
