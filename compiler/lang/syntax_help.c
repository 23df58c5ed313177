/* What may be meant where the text is no sentence of the language: habits of other languages, a
   forgotten `;`, a brace that nobody closes. It only looks at the text around the place. */
#include "scan.h"
#include <ctype.h>
#include <string.h>

static const char *place_in(const diag *d, loc at) {
  const char *p = diag_source_text(d, at.file);
  for (int line = 1; line < at.line && p; line++) {
    p = strchr(p, '\n');
    p += p != NULL;
  }
  return p && (size_t)at.col <= strlen(p) + 1 ? p + at.col - 1 : NULL;
}

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_' || c == '.'; }

/* Where the statement around p begins. */
static const char *statement_start(const char *text, const char *p) {
  while (p > text && !strchr(";{}\n", p[-1])) p--;
  while (isspace((unsigned char)*p)) p++;
  return p;
}

/* `2*w` at the operator p, with parentheses around. */
static const char *in_parentheses(arena *a, const char *text, const char *p) {
  const char *from = p, *to = p + 1;
  while (from > text && (is_word(from[-1]) || strchr("*/+-", from[-1]))) from--;
  while (is_word(*to) || (*to && strchr("*/+-", *to))) to++;
  return arena_printf(a, "arithmetic stands in parentheses: `(%.*s)`", (int)(to - from), from);
}

/* `3,32,32` at one of its commas. */
static const char *with_crosses(arena *a, const char *text, const char *p) {
  const char *from = p;
  while (from > text && (isdigit((unsigned char)from[-1]) || from[-1] == ',')) from--;
  char *shape = arena_strndup(a, from, strspn(from, "0123456789,"));
  for (char *c = shape; *c; c++)
    if (*c == ',') *c = 'x';
  return arena_printf(a, "a shape is written with `x`: `%s`", shape);
}

static bool is_called(const char *start, const char *p) {
  const char *c = start;
  while (c < p && is_word(*c)) c++;
  return c > start && isalpha((unsigned char)*start) && *c == '(';
}

const char *syntax_help(arena *a, const diag *d, loc at) {
  const char *text = diag_source_text(d, at.file), *p = place_in(d, at);
  if (!p || !*p) return NULL;
  if (is_called(statement_start(text, p), p))
    return "arguments stand behind the word, without parentheses and commas: `conv 32 k3 relu;`";
  if (*p == ',' && p > text && isdigit((unsigned char)p[-1]) && isdigit((unsigned char)p[1]))
    return with_crosses(a, text, p);
  if (strchr("*/+", *p) && p > text) return in_parentheses(a, text, p);
  return NULL;
}

/* --- notes --- */

typedef struct {
  int line, col;
} position;

static void step(const char *p, position *at) {
  if (*p == '\n') at->line++, at->col = 1;
  else at->col++;
}

/* The innermost brace that is open at the end of the text. */
static bool open_brace(const char *text, position *out) {
  enum { DEEPEST = 256 };
  position at = {1, 1}, stack[DEEPEST];
  int n = 0;
  bool comment = false, string = false;
  for (const char *p = text; *p; step(p++, &at)) {
    if (*p == '\n') comment = string = false;
    else if (*p == '#' && !string) comment = true;
    else if (*p == '"' && !comment) string = !string;
    if (comment || string) continue;
    if (*p == '{' && n < DEEPEST) stack[n++] = at;
    if (*p == '}' && n) n--;
  }
  if (n) *out = stack[n - 1];
  return n > 0;
}

void note_open_brace(diag *d, int file) {
  position at;
  if (open_brace(diag_source_text(d, file), &at))
    diag_note(d, (loc){file, at.line, at.col, 1}, "this `{` is not closed");
}

/* The last word before a place, if a line ends between: the `;` is missing there. */
void note_missing_end(diag *d, loc at) {
  const char *text = diag_source_text(d, at.file), *p = place_in(d, at);
  bool new_line = false;
  if (!p) return;
  for (; p > text && isspace((unsigned char)p[-1]); p--) new_line |= p[-1] == '\n';
  const char *end = p;
  while (p > text && is_word(p[-1])) p--;
  if (!new_line || p == end) return;
  position from = {1, 1};
  for (const char *c = text; c < p; c++) step(c, &from);
  diag_note(d, (loc){at.file, from.line, from.col, (int)(end - p)},
            "a `;` is missing after this, or something before the next line");
}
