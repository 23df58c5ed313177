/* Plain text as a data set: one character (or byte) after another, in windows. */
#ifndef NETC_TEXT_DATA_H
#define NETC_TEXT_DATA_H
#include "field.h"
#include <stddef.h>

enum { CODE_POINTS = 0x110000 };

/* The code point at p and its bytes; 0 bytes: no UTF-8. */
uint32_t code_point(const uint8_t *p, size_t n, size_t *length);
/* A character in UTF-8, malloc'd. */
char *character_of(uint32_t c);

/* Fields "text" and "next": the same tokens, the second one position further on. A sample is a
   window of `window` positions, one at every position; the vocabulary (field names) is every
   character there is, in the order of Unicode, or with `bytes` all 256. NULL, or a sentence. */
char *text_read(const char *text, size_t n, int64_t window, bool bytes, field_set *out);
/* Tokens that text_read finds in it. */
int64_t text_tokens(const char *text, size_t n, bool bytes);
/* Tokens of a text by a vocabulary; -1 in *bad_at: all known. Malloc'd. */
int32_t *text_encode(const char *text, size_t n, char *const *vocabulary, int64_t below,
                     int64_t *n_token, int64_t *bad_at);
#endif
