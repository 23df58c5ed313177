#include "cli/suggest.h"
#include <string.h>

enum { MAX_WORD = 32 };

static int min3(int a, int b, int c) { return a < b ? (a < c ? a : c) : (b < c ? b : c); }

/* Optimal string alignment distance. */
static int edits(const char *a, const char *b) {
  int n = (int)strlen(a), m = (int)strlen(b), d[MAX_WORD + 1][MAX_WORD + 1];
  if (n > MAX_WORD || m > MAX_WORD)
    return MAX_WORD;
  for (int i = 0; i <= n; i++)
    for (int j = 0; j <= m; j++) {
      if (!i || !j) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
          d[i - 2][j - 2] + 1 < d[i][j])
        d[i][j] = d[i - 2][j - 2] + 1;
    }
  return d[n][m];
}

const char *nearest_word(const char *word, const char *const *list, int n) {
  const char *best = NULL;
  int least = (int)strlen(word) / 3 + 2; /* fewer edits than this count as a misspelling */
  for (int i = 0; i < n; i++) {
    int e = edits(word, list[i]);
    if (e < least)
      least = e, best = list[i];
  }
  return best;
}
