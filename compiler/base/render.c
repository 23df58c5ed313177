/* Messages as they are printed: with their source line for people, or as JSON for programs. */
#include "message.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_LINE = 160 };

/* The text of a line without its end; NULL if the source has no such line. */
static const char *find_line(const source_text *s, int line, int *length) {
  const char *p = s->text, *end = s->text + s->n;
  for (int i = 1; i < line; i++) {
    p = memchr(p, '\n', (size_t)(end - p));
    if (!p++) return NULL;
  }
  const char *stop = memchr(p, '\n', (size_t)(end - p));
  if (!stop) stop = end;
  if (stop > p && stop[-1] == '\r') stop--;
  *length = (int)(stop - p);
  return p;
}

static bool continues_character(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

/* Control bytes would disturb a terminal; tabs keep the caret line aligned. */
static void print_bytes(const char *p, int n, FILE *to) {
  for (int i = 0; i < n; i++)
    fputc((unsigned char)p[i] < ' ' && p[i] != '\t' ? '?' : p[i] == 127 ? '?' : p[i], to);
}

static void print_caret(const char *line, int from, int col, int len, int n, FILE *to) {
  for (int i = from; i < col; i++)
    if (!continues_character(line[i])) fputc(line[i] == '\t' ? '\t' : ' ', to);
  fputc('^', to);
  for (int i = col + 1; i < col + len && i < n; i++)
    if (!continues_character(line[i])) fputc('~', to);
  fputc('\n', to);
}

static int line_columns; /* of the terminal; 0: lines are as long as they are */

void diag_set_columns(int columns) { line_columns = columns; }

enum { MARGIN = 8 /* "   12 | " */, CUT = 3 /* "..." */ };

/* The part of a line that a terminal has room for, with the place in it: *from to *n. Lines go to
   files longer, and without a mark where they are cut. */
static void choose_part(int col, int len, int *from, int *n) {
  const int room = line_columns ? (line_columns > 40 ? line_columns : 40) - MARGIN : MAX_LINE;
  const int seen = col + (len < room / 2 ? len : room / 2);
  *from = 0;
  if (!line_columns && col > MAX_LINE - 40) *from = col - MAX_LINE / 2;
  const int end = seen + room / 5 < *n ? seen + room / 5 + CUT : *n;
  if (line_columns && *n > room && end > room) *from = end - room;
  if (*n > *from + room) *n = *from + room;
}

static int without_blanks(const char *line, int from, int n) {
  while (n > from && (line[n - 1] == ' ' || line[n - 1] == '\t')) n--;
  return n;
}

static void print_source(const diag *d, loc at, FILE *to) {
  int whole, from;
  const char *line = find_line(&d->source[at.file], at.line, &whole);
  if (!line) return;
  int n = whole, col = at.col - 1 < n ? at.col - 1 : n;
  if (col < 0) col = 0;
  n = whole = without_blanks(line, 0, n);
  choose_part(col, at.len, &from, &n);
  while (from > 0 && continues_character(line[from])) from--;
  while (n < whole && n > from && continues_character(line[n])) n--;
  n = without_blanks(line, from, n);
  const int left = line_columns && from ? CUT : 0, right = line_columns && n < whole ? CUT : 0;
  fprintf(to, "%5d | %.*s", at.line, left, "...");
  print_bytes(line + from + left, n - from - left - right, to);
  fprintf(to, "%.*s\n      | ", right, "...");
  print_caret(line, from, col, at.len, n - right, to);
}

/* Colours where a terminal shows them; nothing of it in a pipe, or where NO_COLOR is set. */
static bool in_colour(FILE *to) {
  const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
  return isatty(fileno(to)) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

typedef struct {
  const char *bold, *kind[3], *help, *off;
} colours;

static colours colours_for(FILE *to) {
  static const colours none = {"", {"", "", ""}, "", ""};
  static const colours some = {
      "\033[1m", {"\033[1;31m", "\033[1;35m", "\033[1;36m"}, "\033[1;32m", "\033[0m"};
  return in_colour(to) ? some : none;
}

static bool is_placed(const diag *d, const message *m) {
  return m->at.file >= 0 && m->at.file < d->n_source && m->at.line > 0;
}

static int print_place(const diag *d, const message *m, bool placed, FILE *to) {
  if (!placed) return fprintf(to, "netc: ");
  return fprintf(to, "%s:%d:%d: ", d->source[m->at.file].name, m->at.line, m->at.col);
}

/* A text from column `at` on, folded between words where the line ends; what follows begins at
   column `indent`. Returns where it ends. */
static int print_folded(const char *text, int at, int indent, FILE *to) {
  for (int n; *text; text += n) {
    int columns = 0; /* of a word with the space or the line's end before it */
    for (n = 0; !n || (text[n] && text[n] != ' ' && text[n] != '\n'); n++)
      columns += !continues_character(text[n]);
    const bool ends = *text == '\n', folds = !ends && *text == ' ' && line_columns && at > indent &&
                                             at + columns > line_columns;
    if (ends || folds) fprintf(to, "\n%*s", ends ? 0 : indent, "");
    print_bytes(text + (ends || folds), n - (ends || folds), to);
    at = ends || folds ? (ends ? 0 : indent) + columns - 1 : at + columns;
  }
  return at;
}

/* "      = help: text" */
static void print_further(const char *colour, const char *word, const char *off, const char *text,
                          FILE *to) {
  const int indent = (int)strlen("      = : ") + (int)strlen(word);
  fprintf(to, "      = %s%s%s: ", colour, word, off);
  print_folded(text, indent, indent, to);
  fputc('\n', to);
}

/* On a terminal the code stands behind the message: `netc explain CODE` tells more. */
static void print_text(const diag *d, const message *m, FILE *to) {
  static const char *const word[] = {"error", "warning", "note"};
  const colours c = colours_for(to);
  const bool placed = is_placed(d, m);
  fputs(c.bold, to);
  int at = print_place(d, m, placed, to) + (int)strlen(word[m->kind]) + 2;
  fprintf(to, "%s%s%s: ", c.kind[m->kind], word[m->kind], c.off);
  at = print_folded(m->text, at, 4, to);
  if (*c.off && m->code) {
    char code[24];
    snprintf(code, sizeof code, " [%s]", m->code);
    print_folded(code, at, 4, to);
  }
  fputc('\n', to);
  if (placed) print_source(d, m->at, to);
  if (m->help) print_further(c.help, "help", c.off, m->help, to);
  for (const message *n = m->note; n; n = n->next_note)
    if (is_placed(d, n)) print_text(d, n, to);
    else print_further(c.kind[M_NOTE], "note", c.off, n->text, to);
}

/* --- JSON --- */

static void print_string(const char *s, FILE *to) {
  fputc('"', to);
  for (; *s; s++)
    if (*s == '"' || *s == '\\') fprintf(to, "\\%c", *s);
    else if ((unsigned char)*s < ' ') fprintf(to, "\\u%04x", (unsigned)*s);
    else fputc(*s, to);
  fputc('"', to);
}

static void print_field(const char *name, const char *value, FILE *to) {
  fprintf(to, ",\"%s\":", name);
  if (value) print_string(value, to);
  else fputs("null", to);
}

static void print_json(const diag *d, const message *m, FILE *to) {
  static const char *const word[] = {"error", "warning", "note"};
  const bool placed = is_placed(d, m);
  fprintf(to, "{\"severity\":\"%s\"", word[m->kind]);
  print_field("file", placed ? d->source[m->at.file].name : NULL, to);
  fprintf(to, ",\"line\":%d,\"column\":%d,\"length\":%d", placed ? m->at.line : 0,
          placed ? m->at.col : 0, placed ? m->at.len : 0);
  print_field("code", m->code, to);
  print_field("message", m->text, to);
  print_field("help", m->help, to);
  fputs(",\"notes\":[", to);
  for (const message *n = m->note; n; n = n->next_note) {
    print_json(d, n, to);
    if (n->next_note) fputc(',', to);
  }
  fputs("]}", to);
}

void message_print(const diag *d, const message *m, FILE *to, diag_style style) {
  if (style == DIAG_TEXT) {
    print_text(d, m, to);
  } else {
    print_json(d, m, to);
    fputc('\n', to);
  }
}
