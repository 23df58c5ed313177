#include "nearest_word.h"
#include <stdbool.h>
#include <string.h>

static int min3(int a, int b, int c) { return a < b ? (a < c ? a : c) : (b < c ? b : c); }

/* Edit distance with neighbouring letters exchanged counting as one (optimal string alignment). */
static int edit_distance(const char *a, const char *b) {
  enum { MAX = 32 };
  int n = (int)strlen(a), m = (int)strlen(b), d[MAX + 1][MAX + 1];
  if (n > MAX || m > MAX) return MAX;
  for (int i = 0; i <= n; i++) d[i][0] = i;
  for (int j = 0; j <= m; j++) d[0][j] = j;
  for (int i = 1; i <= n; i++)
    for (int j = 1; j <= m; j++) {
      d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped && d[i - 2][j - 2] + 1 < d[i][j]) d[i][j] = d[i - 2][j - 2] + 1;
    }
  return d[n][m];
}

const char *nearest_word(const char *word, const char *const *words, int n) {
  int length = (int)strlen(word), limit = length < 3 ? 1 : length < 6 ? 2 : 3, best = limit + 1;
  const char *found = NULL;
  for (int i = 0; i < n; i++) {
    int e = edit_distance(word, words[i]);
    if (e < best && e < length) best = e, found = words[i];
  }
  return found;
}
