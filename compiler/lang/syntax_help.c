/* What may be meant where the text is no sentence of the language: habits of other languages, a
   forgotten `;`, a brace that nobody closes. It only looks at the text around the place. */
#include "scan.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* The text of a statement: the whole of it, where the text went wrong, and the whole source. */
typedef struct {
  const char *text, *start, *p;
} around;

/* `3,32,32`, `(3, 32, 32)`, `[3,32,32]`, `3 x 32 x 32` and `3*32*32` behind `input`. */
static const char *input_shape(arena *a, const around *s) {
  const char *c = s->start + strspn(s->start, "inputINPUT"), *shape = "";
  if (strncasecmp(s->start, "input", 5) != 0 || is_word(s->start[5])) return NULL;
  int n = 0;
  for (; *c && *c != ';' && *c != '\n'; n++) {
    c += strspn(c, " ,x*()[]");
    size_t digits = strspn(c, "0123456789");
    if (!digits) break;
    shape = arena_printf(a, "%s%s%.*s", shape, n ? "x" : "", (int)digits, c);
    c += digits;
  }
  if (n < 2 || (*c && !strchr(";\n", *c))) return NULL;
  return arena_printf(a, "a shape is written with `x`: `input %s;`", shape);
}

/* Is the place behind the `(` of a call, as in `conv(32` and `optimizer adam(lr=0.1`? */
static bool is_called(const around *s) {
  int depth = 0;
  bool called = false;
  for (const char *c = s->start; *c && c <= s->p; c++) {
    if (*c == '(' && !depth++) called = c > s->start && is_word(c[-1]);
    if (*c == ')' && depth && c < s->p) depth--;
  }
  return depth && called;
}

static const char *own_sign(arena *a, const around *s) {
  const char *p = s->p;
  const bool number = p > s->text && isdigit((unsigned char)p[-1]);
  if (!strncmp(p, "//", 2) || !strncmp(p, "/*", 2))
    return "a comment begins with `#` and ends with its line";
  if (*p == '\'') return "a text stands in double quotes, as in `data \"emoji.pkl\";`";
  if (*p == '%' && number) {
    while (p > s->text && isdigit((unsigned char)p[-1])) p--;
    return arena_printf(a, "a share is a number: `%.3g`", atof(p) / 100);
  }
  if (!strncmp(p, "->", 2) || *p == '|' || *p == '>')
    return "layers follow one another, each with its `;`: `conv 8 k3; relu;`";
  if (*p == '@' && p == s->start)
    return "`@a` refers to a layer; its label stands before it without the `@`: `a: conv 8;`";
  return NULL;
}

/* Words with which a statement begins elsewhere. */
static const char *own_word(const around *s) {
  static const struct {
    const char *word, *help;
  } habit[] = {
      {"for", "`repeat 3 { .. }` writes its layers three times"},
      {"while", "`repeat 3 { .. }` writes its layers three times"},
      {"loop", "`repeat 3 { .. }` writes its layers three times"},
      {"if",
       "nothing is chosen while a network runs; `repeat` with a count of 0 leaves layers out"},
      {"import", "`include \"other.net\";` takes in another file"},
      {"from", "`include \"other.net\";` takes in another file"},
      {"def", "`block name(c) { conv c k3; }` gives layers a name"},
      {"class", "`block name(c) { conv c k3; }` gives layers a name"},
      {"function", "`block name(c) { conv c k3; }` gives layers a name"},
      {"const", "`let width = 8;` gives a value a name"},
      {"var", "`let width = 8;` gives a value a name"},
      {"return", "the last layer is the result"},
      {"include", "a path stands in quotes: `include \"other.net\";`"}};
  size_t n = strcspn(s->start, " \t(\n;");
  for (size_t i = 0; i < sizeof habit / sizeof *habit; i++)
    if (strlen(habit[i].word) == n && !strncmp(s->start, habit[i].word, n)) return habit[i].help;
  return NULL;
}

/* Is the place in the brackets of a declaration, as in `param w[c`? */
static bool is_declared(const around *s) {
  const char *open = strchr(s->start, '[');
  bool declares = !strncmp(s->start, "param ", 6) || !strncmp(s->start, "state ", 6);
  return declares && open && open < s->p && !memchr(open, ']', (size_t)(s->p - open));
}

static const char *punctuation(arena *a, const around *s) {
  const char *p = s->p, *before = p;
  while (before > s->start && before[-1] == ' ') before--;
  if (*p == '(' && !strncmp(s->start, "train", 5)) return "a body stands in braces: `train { .. }`";
  if (*p == '}' && p > s->start) return "the last statement before `}` ends with `;` as well";
  if (is_declared(s)) return "an axis and how far it runs: `c:C`, or `s..:S..` for several";
  if (before > s->start && before[-1] == ':')
    return "a value stands behind its word, without a sign between: `epochs 3;`";
  if (*p == ',' && p > s->text && isdigit((unsigned char)p[-1]) && isdigit((unsigned char)p[1]))
    return with_crosses(a, s->text, p);
  if (*p == ',') return "arguments are separated by spaces: `conv 32 k3;`";
  if (*p && strchr("*/+", *p) && p > s->text) return in_parentheses(a, s->text, p);
  return NULL;
}

/* Where the statement begins whose `;` the end of the file is asked for; it may end with a body. */
static const char *last_statement(const char *text, const char *p) {
  int depth = 0;
  while (p > text && isspace((unsigned char)p[-1])) p--;
  for (bool in = true; p > text && in; p -= in) {
    depth += p[-1] == '}';
    in = depth || !strchr(";{\n", p[-1]);
    depth -= p[-1] == '{' && depth;
  }
  return p + strspn(p, " \t\n");
}

/* `op hinge(d[N,1])`: a number where a signature names a dimension. */
static const char *signature(const around *s) {
  if (strncmp(s->start, "op ", 3) != 0 || !isdigit((unsigned char)*s->p)) return NULL;
  return "a dimension of an input is a name, and `need K == 1 \"..\";` what it must be: `x[N,K]`";
}

const char *syntax_help(arena *a, const diag *d, loc at) {
  const char *text = diag_source_text(d, at.file), *p = place_in(d, at);
  if (!p) return NULL;
  if (!p[strspn(p, " \t\r\n")]) return own_word(&(around){text, last_statement(text, p), p});
  const around s = {text, statement_start(text, p), p};
  const char *help = own_sign(a, &s);
  if (!help) help = signature(&s);
  if (!help) help = own_word(&s);
  if (!help) help = input_shape(a, &s);
  if (!help && is_called(&s))
    help = "arguments stand behind the word, without parentheses and commas: `conv 32 k3 relu;`";
  return help ? help : punctuation(a, &s);
}

const char *number_help(const diag *d, loc at) {
  const char *p = place_in(d, at);
  const int n = p ? (int)strspn(p, "0123456789x") : 0;
  int crosses = 0;
  for (int i = 0; i < n; i++) crosses += p[i] == 'x';
  return n == at.len && crosses > 5 ? "a shape has at most 5 dimensions, without the batch"
                                    : "a shape is written 3x32x32, a number 0.07 or 1e-3";
}

const char *assignment_help(arena *a, const diag *d, loc at) {
  const char *p = place_in(d, at);
  if (!p) return NULL;
  const char *end = p + at.len;
  if (strlen(p) < (size_t)at.len || end[strspn(end, " ")] != '=') return NULL;
  return arena_printf(a,
                      "a layer's label is written `%.*s: conv 8;`, a value's name `let %.*s = 8;`",
                      at.len, p, at.len, p);
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

bool note_open_brace(diag *d, int file) {
  position at;
  bool open = open_brace(diag_source_text(d, file), &at);
  if (open) diag_note(d, (loc){file, at.line, at.col, 1}, "this `{` is not closed");
  return open;
}

/* The last word before a place, if a line ends between: the `;` is missing there. */
void note_missing_end(diag *d, loc at) {
  const char *text = diag_source_text(d, at.file), *p = place_in(d, at);
  bool new_line = false;
  if (!p) return;
  for (; p > text && isspace((unsigned char)p[-1]); p--) new_line |= p[-1] == '\n';
  const char *end = p;
  while (p > text && is_word(p[-1])) p--;
  p -= p == end && p > text && p[-1] == '}';
  if (!new_line || p == end) return;
  position from = {1, 1};
  for (const char *c = text; c < p; c++) step(c, &from);
  diag_note(d, (loc){at.file, from.line, from.col, (int)(end - p)},
            "a `;` is missing after this, or something before the next line");
}
