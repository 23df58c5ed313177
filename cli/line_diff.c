#include "cli/line_diff.h"
#include "runtime/message.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINES = 4000 };

typedef struct {
  const char *at;
  size_t n;
} line;

static int split_lines(const char *text, line *l, int room) {
  int n = 0;
  while (*text && n < room) {
    size_t all = strcspn(text, "\n"), used = all;
    while (used && (text[used - 1] == ' ' || text[used - 1] == '\r' || text[used - 1] == '\t'))
      used--;
    l[n++] = (line){text, used};
    text += all + (text[all] == '\n');
  }
  return n;
}

static bool same(const line *a, const line *b) {
  return a->n == b->n && !memcmp(a->at, b->at, a->n);
}

/* longest[i * (m + 1) + j]: of the lines from i and from j on. */
static int *subsequences(const line *a, int n, const line *b, int m) {
  int *longest = allocate((size_t)(n + 1) * (size_t)(m + 1) * sizeof *longest);
  for (int i = n - 1; i >= 0; i--)
    for (int j = m - 1; j >= 0; j--) {
      int *here = &longest[i * (m + 1) + j], down = here[m + 1], right = here[1];
      *here = same(&a[i], &b[j]) ? here[m + 2] + 1 : down > right ? down : right;
    }
  return longest;
}

int line_diff(const char *base, const char *text, diff_line *out, int room) {
  line *a = allocate(MAX_LINES * sizeof *a), *b = allocate(MAX_LINES * sizeof *b);
  const int n = split_lines(base, a, MAX_LINES), m = split_lines(text, b, MAX_LINES);
  int *longest = subsequences(a, n, b, m), k = 0;
  for (int i = 0, j = 0; k < room && (i < n || j < m);) {
    if (i < n && j < m && same(&a[i], &b[j])) {
      out[k++] = (diff_line){' ', b[j].at, b[j].n};
      i++, j++;
    } else if (i < n &&
               (j == m || longest[(i + 1) * (m + 1) + j] >= longest[i * (m + 1) + j + 1])) {
      out[k++] = (diff_line){'-', a[i].at, a[i].n};
      i++;
    } else {
      out[k++] = (diff_line){'+', b[j].at, b[j].n};
      j++;
    }
  }
  free(longest);
  free(a);
  free(b);
  return k;
}
