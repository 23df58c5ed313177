#include "fmt.h"
#include "syntax.h"
#include <ctype.h>
#include <string.h>

enum { WIDTH = 80, STEP = 2, CONTINUED = 4, MAX_LEVELS = 64 };

typedef enum { F_WORD, F_STRING, F_MARK, F_COMMENT, F_VERBATIM, F_END } fkind;

typedef struct {
  fkind kind;
  const char *text;
  int n, newlines; /* line ends before it */
} ftoken;

typedef struct {
  arena *a;
  int n, at;
  ftoken *t;
  char *out;
  size_t len, room;
  bool deep;
} formatter;

/* --- tokens --- */

static int word_length(const char *p) {
  int n = 0;
  bool digits = isdigit((unsigned char)*p) || *p == '.';
  while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == '.' ||
         (n > 0 && digits && (p[n] == '-' || p[n] == '+') && (p[n - 1] | 32) == 'e'))
    n++;
  return n;
}

/* An operator from `op` to the end of its body, or a `test` line, as it stands. */
static int verbatim_length(const char *p) {
  bool is_op = p[0] == 'o';
  int depth = 0, n = 0;
  for (; p[n]; n++) {
    if (p[n] == '#')
      while (p[n + 1] && p[n + 1] != '\n') n++;
    if (p[n] == '"')
      while (p[n + 1] && p[++n] != '"') continue;
    if (p[n] == '{') depth++;
    if (is_op && p[n] == '}' && --depth == 0) return n + 1;
    if (!is_op && p[n] == ';') return n + 1;
  }
  return n;
}

static bool starts_verbatim(const formatter *f, const char *p, int n) {
  bool first = f->n == 0 || f->t[f->n - 1].kind == F_COMMENT || f->t[f->n - 1].kind == F_VERBATIM ||
               strchr(";}", f->t[f->n - 1].text[0]);
  return first && ((n == 2 && !strncmp(p, "op", 2)) || (n == 4 && !strncmp(p, "test", 4)));
}

static ftoken next_token(const formatter *f, const char *p) {
  ftoken t = {F_MARK, p, 1, 0};
  if (!*p) {
    t = (ftoken){F_END, p, 0, 0};
  } else if (*p == '#') {
    t.kind = F_COMMENT;
    t.n = (int)strcspn(p, "\n");
    while (t.n > 1 && isspace((unsigned char)p[t.n - 1])) t.n--;
  } else if (*p == '"') {
    t.kind = F_STRING;
    t.n = (int)strcspn(p + 1, "\"") + 2;
  } else if (isalnum((unsigned char)*p) || *p == '_' || *p == '.') {
    t.n = word_length(p);
    t.kind = starts_verbatim(f, p, t.n) ? F_VERBATIM : F_WORD;
    if (t.kind == F_VERBATIM) t.n = verbatim_length(p);
  } else if (*p == '@') {
    t.kind = F_WORD;
    t.n = 1 + word_length(p + 1);
  }
  return t;
}

static void tokenize(formatter *f, const char *p) {
  if (!strncmp(p, "\xef\xbb\xbf", 3)) p += 3;
  for (;;) {
    int newlines = 0;
    for (; isspace((unsigned char)*p); p++) newlines += *p == '\n';
    ftoken t = next_token(f, p);
    t.newlines = newlines;
    PUSH(f->a, f->t, f->n, t);
    if (t.kind == F_END) return;
    p += t.n;
  }
}

/* --- output --- */

static void put(formatter *f, const char *s, size_t n) {
  if (f->len + n + 1 > f->room) {
    size_t room = 2 * (f->room + n + 64);
    char *bigger = arena_alloc(f->a, room);
    if (f->len) memcpy(bigger, f->out, f->len);
    f->out = bigger;
    f->room = room;
  }
  memcpy(f->out + f->len, s, n);
  f->len += n;
  f->out[f->len] = 0;
}

static void newline(formatter *f, int indent) {
  while (f->len && f->out[f->len - 1] == ' ') f->len--;
  put(f, "\n", 1);
  for (int i = 0; i < indent; i++) put(f, " ", 1);
}

static bool is(const ftoken *t, const char *text) {
  return t->kind != F_STRING && (int)strlen(text) == t->n && !strncmp(t->text, text, (size_t)t->n);
}

static bool is_mark(const ftoken *t, const char *marks) {
  return t->kind == F_MARK && strchr(marks, t->text[0]);
}

/* --- a statement's extent --- */

typedef struct {
  int first, last; /* tokens, inclusive */
  int head;        /* its first word after a label */
  bool bodies;     /* its braces hold statements, not values */
  bool let, block, ends_in_body;
} extent;

static int closing_brace(const formatter *f, int i) {
  for (int depth = 0; i < f->n - 1; i++) {
    if (is_mark(&f->t[i], "{")) depth++;
    if (is_mark(&f->t[i], "}") && --depth == 0) return i;
  }
  return i;
}

/* Braces hold statements if these end in `;`, or if there is nothing in them; else a set of values.
 */
static bool holds_statements(const formatter *f, int open, bool must) {
  int close = closing_brace(f, open);
  bool any = must || close == open + 1;
  for (int i = open; i < close; i++) any |= is_mark(&f->t[i], ";");
  return any;
}

static int next_word(const formatter *f, int i) {
  while (f->t[i].kind == F_COMMENT) i++;
  return i;
}

static extent statement_extent(const formatter *f, int i) {
  extent e = {.first = i, .head = i};
  int after = next_word(f, i + 1);
  if (is_mark(&f->t[after], ":")) e.head = next_word(f, after + 1);
  const ftoken *h = &f->t[e.head];
  bool ends_in_body = is(h, "train") || is(h, "sweep") || is(h, "block") || is(h, "repeat");
  const int next = next_word(f, e.head + 1);
  if (is(h, "shared") && is(&f->t[next], "block")) e.head = next, e.block = ends_in_body = true;
  ends_in_body |= is(h, "frozen") && is_mark(&f->t[next], "{");
  e.ends_in_body = ends_in_body;
  e.let = is(h, "let");
  e.block |= is(h, "block");
  for (i = e.head; i < f->n - 1; i++) {
    if (is_mark(&f->t[i], ";")) break;
    if (is_mark(&f->t[i], "}")) { /* that of the body around it: its own `;` is missing */
      i--;
      break;
    }
    if (!is_mark(&f->t[i], "{")) continue;
    bool body = holds_statements(f, i, ends_in_body);
    e.bodies |= body;
    i = closing_brace(f, i);
    if (ends_in_body && body) break;
  }
  e.last = i;
  return e;
}

static int statements_in_body(const formatter *f, int open) {
  int n = 0, close = closing_brace(f, open);
  for (int i = open + 1; i < close;) {
    if (is_mark(&f->t[i], ";") || f->t[i].kind == F_COMMENT) {
      i++;
      continue;
    }
    i = statement_extent(f, i).last + 1;
    n++;
  }
  return n;
}

/* Blocks and repeats of more than one statement read better broken up, short or not. */
static bool wants_lines(const formatter *f, const extent *e) {
  for (int i = e->first; i < e->last; i++) {
    if (!is(&f->t[i], "block") && !is(&f->t[i], "repeat") && !is(&f->t[i], "frozen")) continue;
    int open = i;
    while (open < e->last && !is_mark(&f->t[open], "{")) open++;
    if (open < e->last && statements_in_body(f, open) > 1) return true;
  }
  return false;
}

/* --- spacing inside a statement --- */

static bool space_before(const formatter *f, const extent *e, int i, int parens) {
  const ftoken *t = &f->t[i], *p = &f->t[i - 1];
  if (i == e->first || is_mark(t, ";,):") || is_mark(p, "(")) return false;
  if (is_mark(p, ",")) return true;
  if (is_mark(t, "=") || is_mark(p, "=")) return e->let && !parens;
  if (is_mark(t, "+-*/<>!") && parens) return false;
  if (is_mark(p, "+-*/<>!")) return false;
  if (is_mark(t, "/")) return false;
  if (is_mark(t, "(")) return !parens && !(e->block && i == e->head + 2);
  if (!e->bodies && (is_mark(t, "}") || is_mark(p, "{"))) return false;
  return true;
}

static bool has_comment(const formatter *f, const extent *e) {
  for (int i = e->first; i <= e->last; i++)
    if (f->t[i].kind == F_COMMENT) return true;
  return false;
}

/* --- statements --- */

static void statements(formatter *f, int indent, int level);

static void flat_statement(formatter *f, int level);

static void flat_body(formatter *f, int level) {
  put(f, "{", 1);
  f->at++;
  bool any = false;
  while (f->at < f->n - 1 && !is_mark(&f->t[f->at], "}")) {
    if (is_mark(&f->t[f->at], ";")) {
      f->at++;
      continue;
    }
    put(f, " ", 1);
    flat_statement(f, level + 1);
    any = true;
  }
  put(f, any ? " }" : "}", any ? 2 : 1);
}

static void broken_body(formatter *f, int indent, int level) {
  put(f, "{", 1);
  f->at++;
  statements(f, indent + STEP, level + 1);
  newline(f, indent);
  put(f, "}", 1);
}

static void print_statement(formatter *f, int indent, int level, bool flat) {
  extent e = statement_extent(f, f->at);
  int parens = 0;
  for (; f->at <= e.last && f->at < f->n - 1; f->at++) {
    const ftoken *t = &f->t[f->at];
    if (t->kind == F_COMMENT) {
      if (f->len && f->out[f->len - 1] != ' ') put(f, " ", 1);
      put(f, t->text, (size_t)t->n);
      newline(f, indent + CONTINUED);
      continue;
    }
    bool at_margin = f->len && f->out[f->len - 1] == ' ';
    if (!at_margin && space_before(f, &e, f->at, parens)) put(f, " ", 1);
    parens += is_mark(t, "(") - is_mark(t, ")");
    bool body = is_mark(t, "{") && holds_statements(f, f->at, e.ends_in_body);
    if (body && flat) flat_body(f, level);
    else if (body && is_mark(&f->t[f->at + 1], "}")) put(f, "{", 1);
    else if (body) broken_body(f, indent, level);
    else if (e.bodies && is_mark(t, "}") && f->out[f->len - 1] == ' ') f->out[f->len - 1] = '}';
    else put(f, t->text, (size_t)t->n);
  }
}

static void flat_statement(formatter *f, int level) {
  if (level > MAX_LEVELS) {
    f->deep = true;
    f->at = f->n - 1;
    return;
  }
  print_statement(f, 0, level, true);
}

/* On one line if it fits and holds no comment; else its bodies are broken up. */
static void statement(formatter *f, int indent, int level) {
  int at = f->at;
  size_t len = f->len;
  extent e = statement_extent(f, at);
  if (!has_comment(f, &e) && !wants_lines(f, &e)) {
    flat_statement(f, level);
    if (!e.bodies || f->len - len + (size_t)indent <= WIDTH) return;
    f->at = at;
    f->len = len;
  }
  print_statement(f, indent, level, false);
}

static void statements(formatter *f, int indent, int level) {
  bool first = true;
  if (level > MAX_LEVELS) {
    f->deep = true;
    f->at = f->n - 1;
  }
  while (f->at < f->n - 1 && !is_mark(&f->t[f->at], "}")) {
    const ftoken *t = &f->t[f->at];
    if (is_mark(t, ";")) {
      f->at++;
      continue;
    }
    if (t->kind == F_COMMENT && t->newlines == 0 && f->len) {
      put(f, " ", 1);
    } else {
      if (f->len && t->newlines > 1 && !first) newline(f, 0);
      if (f->len) newline(f, indent);
    }
    first = false;
    if (t->kind == F_COMMENT || t->kind == F_VERBATIM) {
      for (int i = 0; i < t->n; i++)
        if (t->text[i] != '\r') put(f, t->text + i, 1);
      f->at++;
    } else {
      statement(f, indent, level);
    }
  }
}

char *format_source(arena *a, diag *d, const char *shown_name, const char *text) {
  syntax s;
  int file = diag_add_source(d, shown_name, text, strlen(text));
  if (!parse_source(a, d, file, &s)) return NULL;
  formatter f = {.a = a};
  tokenize(&f, text);
  put(&f, "", 0);
  while (f.at < f.n - 1) {
    statements(&f, 0, 0);
    if (f.at < f.n - 1) f.at++;
  }
  if (f.deep) {
    diag_error(d, (loc){file, 1, 1, 1}, NULL, "nested too deeply (more than %d levels)",
               MAX_LEVELS);
    return NULL;
  }
  if (f.len) newline(&f, 0);
  return f.out;
}
