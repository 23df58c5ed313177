/* The text forms of protocol 0: numbers and strings as Python writes them. */
#ifndef NETC_PICKLE_TEXT_H
#define NETC_PICKLE_TEXT_H
#include "value.h"

/* "12", "-3", "12L": VAL_INT, or VAL_HUGE outside int64_t. False: not a number. */
bool text_integer(const char *p, size_t n, value *out);
bool text_float(const char *p, size_t n, value *out);
/* Takes the quotes off 'x' or "x". */
bool text_unquote(value_string *s);
/* Python's string escapes to bytes; out has room for n. */
bool text_unescape(const char *p, size_t n, char *out, size_t *length);
/* Latin-1 with \uXXXX and \UXXXXXXXX to UTF-8; out has room for 2 n + 4. */
bool text_raw_unicode(const char *p, size_t n, char *out, size_t *length);
/* UTF-8 to Latin-1, the inverse of how Python 3 writes bytes in protocols 0 to 2; out has room
   for n. False: not UTF-8, or a character above 255. */
bool text_to_latin1(const char *p, size_t n, char *out, size_t *length);
#endif
