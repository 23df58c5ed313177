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
