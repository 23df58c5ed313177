/* Suggestions for misspelled words. */
#ifndef NETC_NEAREST_WORD_H
#define NETC_NEAREST_WORD_H
/* The word of `words` (n of them) nearest to `word`, or NULL if none is near: for help lines. */
const char *nearest_word(const char *word, const char *const *words, int n);
#endif
