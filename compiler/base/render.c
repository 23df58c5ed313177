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

static void print_source(const diag *d, loc at, FILE *to) {
  int n;
  const char *line = find_line(&d->source[at.file], at.line, &n);
  if (!line) return;
  int col = at.col - 1 < n ? at.col - 1 : n, from = 0;
  if (col < 0) col = 0;
  if (col > MAX_LINE - 40) from = col - MAX_LINE / 2;
  while (from > 0 && continues_character(line[from])) from--;
  if (n > from + MAX_LINE) n = from + MAX_LINE;
  while (n > from && (line[n - 1] == ' ' || line[n - 1] == '\t')) n--;
  fprintf(to, "%5d | ", at.line);
  print_bytes(line + from, n - from, to);
  fputs("\n      | ", to);
  print_caret(line, from, col, at.len, n, to);
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

static void print_place(const diag *d, const message *m, bool placed, FILE *to) {
  if (placed) fprintf(to, "%s:%d:%d: ", d->source[m->at.file].name, m->at.line, m->at.col);
  else fputs("netc: ", to);
}

/* On a terminal the code stands behind the message: `netc explain CODE` tells more. */
static void print_text(const diag *d, const message *m, FILE *to) {
  static const char *const word[] = {"error", "warning", "note"};
  const colours c = colours_for(to);
  const bool placed = is_placed(d, m);
  fputs(c.bold, to);
  print_place(d, m, placed, to);
  fprintf(to, "%s%s%s: ", c.kind[m->kind], word[m->kind], c.off);
  for (const char *p = m->text; *p; p++)
    fputc((unsigned char)*p < ' ' && *p != '\n' ? '?' : *p, to);
  if (*c.off && m->code) fprintf(to, " [%s]", m->code);
  fputc('\n', to);
  if (placed) print_source(d, m->at, to);
  if (m->help) fprintf(to, "      = %shelp%s: %s\n", c.help, c.off, m->help);
  for (const message *n = m->note; n; n = n->next_note)
    if (is_placed(d, n)) print_text(d, n, to);
    else fprintf(to, "      = %snote%s: %s\n", c.kind[M_NOTE], c.off, n->text);
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
