/* From a source text to its tree: joins scanner and parser; and help for misspelt words. */
#include "scan.h"
#include "parse.h"
#define YYSTYPE NETC_STYPE
#define YYLTYPE loc
#include "lex.h"

enum { MAX_TEXT = 4 << 20 };

static void run_parser(arena *a, diag *d, int file, int start, parse_state *p) {
  const char *text = diag_source_text(d, file);
  size_t n = strlen(text), bom = strncmp(text, "\xef\xbb\xbf", 3) ? 0 : 3;
  scan_state s = {.a = a, .d = d, .file = file, .line = 1, .col = 1 + (int)bom, .start = start};
  p->s = &s;
  if (n > MAX_TEXT) {
    diag_error(d, (loc){file, 1, 1, 1}, NULL, "this file is too large to be a network (over 4 MB)");
    return;
  }
  netc_lex_init_extra(&s, &p->scanner);
  netc__scan_bytes(text + bom, (int)(n - bom), p->scanner);
  netc_parse(p->scanner, p);
  netc_lex_destroy(p->scanner);
  p->s = NULL;
}

bool parse_source(arena *a, diag *d, int file, syntax *out) {
  parse_state p = {.out = out};
  int before = diag_errors(d);
  *out = (syntax){0};
  run_parser(a, d, file, WHOLE_FILE, &p);
  return diag_errors(d) == before;
}

bool parse_values(arena *a, diag *d, int file, int *n, arg **args) {
  syntax out = {0};
  parse_state p = {.out = &out};
  int before = diag_errors(d);
  run_parser(a, d, file, ONLY_VALUES, &p);
  *n = p.values.n;
  *args = p.values.v;
  return diag_errors(d) == before;
}

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
