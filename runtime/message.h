/* Two things that every part of the runtime needs: error sentences and memory that is there. */
#ifndef NETC_MESSAGE_H
#define NETC_MESSAGE_H
#include <stddef.h>

/* A printf-formatted malloc'd string; the caller frees. */
char *message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Zeroed memory, never NULL: an exhausted machine aborts with a message. 0 bytes give a pointer. */
void *allocate(size_t bytes);
char *copy_string(const char *s, size_t n);
/* A malloc'd copy in which every byte that belongs to no UTF-8 character is a question mark. */
char *clean_utf8(const char *text);
/* Frees s and returns the sentence that was made from it. */
char *free_and(char *s, char *sentence);
#endif
