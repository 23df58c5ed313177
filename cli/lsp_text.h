/* Places in a text as editors count them (lines and UTF-16 units, from 0), and words at them. */
#ifndef NETC_LSP_TEXT_H
#define NETC_LSP_TEXT_H
#include <stdbool.h>
#include <stddef.h>

typedef struct {
  int line, character;
} lsp_position;

typedef struct {
  const char *start;
  int n;
} lsp_word;

/* The byte at a place; the end of the line or text if it lies beyond. */
const char *text_at(const char *text, lsp_position p);
lsp_position position_of(const char *text, const char *at);
/* Line and column in bytes, from 1, as messages have them. */
const char *text_at_column(const char *text, int line, int column);
/* The word (letters, digits, _ and .) that holds or ends at a byte; n = 0: none. */
lsp_word word_at(const char *text, const char *at);
bool word_is(lsp_word w, const char *s);
#endif
