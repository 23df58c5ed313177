#ifndef NETC_SUGGEST_H
#define NETC_SUGGEST_H
/* The word of the list nearest to `word` by edits (insertion, deletion, change, swap of
   neighbours), or NULL if none is near. */
const char *nearest_word(const char *word, const char *const *list, int n);
#endif
