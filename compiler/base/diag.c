#include "source.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_SHOWN = 20, MAX_LINE = 160 };

typedef enum { M_ERROR, M_WARNING, M_NOTE } severity;

typedef struct message {
  severity kind;
  loc at;
  const char *text, *help;
  int order;            /* position in the order of reporting */
  struct message *note; /* follow-ups of this message */
  struct message *last_note, *next_note;
} message;

typedef struct {
  const char *name, *text;
  size_t n;
} source_text;

struct diag {
  arena *a;
  int n_source, n_message, n_error, n_reported;
  source_text *source;
  message **message;
  message *last;
};

diag *diag_new(arena *a) {
  diag *d = NEW(a, diag);
  d->a = a;
  return d;
}

int diag_add_source(diag *d, const char *shown_name, const char *text, size_t n) {
  source_text s = {shown_name, text, n};
  PUSH(d->a, d->source, d->n_source, s);
  return d->n_source - 1;
}

const char *diag_source_name(const diag *d, int file) {
  return file >= 0 && file < d->n_source ? d->source[file].name : "netc";
}

const char *diag_source_text(const diag *d, int file) {
  return file >= 0 && file < d->n_source ? d->source[file].text : "";
}

static message *new_message(diag *d, severity kind, loc at, const char *help, const char *fmt,
                            va_list ap) {
  message *m = NEW(d->a, message);
  m->kind = kind;
  m->at = at;
  m->help = help ? arena_strdup(d->a, help) : NULL;
  m->text = arena_vprintf(d->a, fmt, ap);
  m->order = d->n_reported++;
  return m;
}

/* The same text at the same place is said once (a block that is used twice fails twice). */
static bool already_said(const diag *d, const message *m) {
  for (int i = 0; i < d->n_message; i++) {
    const message *o = d->message[i];
    if (o->at.file == m->at.file && o->at.line == m->at.line && o->at.col == m->at.col &&
        o->kind == m->kind && !strcmp(o->text, m->text))
      return true;
  }
  return false;
}

static void report(diag *d, message *m) {
  d->last = m;
  if (m->kind == M_ERROR) d->n_error++;
  if (d->n_message < 10 * MAX_SHOWN && !already_said(d, m)) PUSH(d->a, d->message, d->n_message, m);
}

void diag_error(diag *d, loc at, const char *help, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  report(d, new_message(d, M_ERROR, at, help, fmt, ap));
  va_end(ap);
}

void diag_warning(diag *d, loc at, const char *help, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  report(d, new_message(d, M_WARNING, at, help, fmt, ap));
  va_end(ap);
}

void diag_note(diag *d, loc at, const char *fmt, ...) {
  if (!d->last) return;
  va_list ap;
  va_start(ap, fmt);
  message *m = new_message(d, M_NOTE, at, NULL, fmt, ap);
  va_end(ap);
  if (d->last->last_note) d->last->last_note->next_note = m;
  else d->last->note = m;
  d->last->last_note = m;
}

int diag_errors(const diag *d) { return d->n_error; }

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

static void print_message(const diag *d, const message *m, FILE *to) {
  static const char *const word[] = {"error", "warning", "note"};
  bool placed = m->at.file >= 0 && m->at.file < d->n_source && m->at.line > 0;
  if (!placed && m->kind == M_NOTE) {
    fprintf(to, "      = note: %s\n", m->text);
    return;
  }
  if (placed) fprintf(to, "%s:%d:%d: ", d->source[m->at.file].name, m->at.line, m->at.col);
  else fputs("netc: ", to);
  fprintf(to, "%s: ", word[m->kind]);
  for (const char *p = m->text; *p; p++)
    fputc((unsigned char)*p < ' ' && *p != '\n' ? '?' : *p, to);
  fputc('\n', to);
  if (placed) print_source(d, m->at, to);
  if (m->help) fprintf(to, "      = help: %s\n", m->help);
  for (const message *n = m->note; n; n = n->next_note) print_message(d, n, to);
}

static int by_place(const void *x, const void *y) {
  const message *a = *(message *const *)x, *b = *(message *const *)y;
  if (a->at.file != b->at.file) return a->at.file < b->at.file ? -1 : 1;
  if (a->at.line != b->at.line) return a->at.line < b->at.line ? -1 : 1;
  if (a->at.col != b->at.col) return a->at.col < b->at.col ? -1 : 1;
  return a->order < b->order ? -1 : 1;
}

void diag_print(diag *d, FILE *to) {
  if (d->n_message) qsort(d->message, (size_t)d->n_message, sizeof *d->message, by_place);
  int errors = 0;
  for (int i = 0; i < d->n_message; i++) {
    bool is_error = d->message[i]->kind == M_ERROR;
    if (!is_error || errors < MAX_SHOWN) print_message(d, d->message[i], to);
    errors += is_error;
  }
  if (errors > MAX_SHOWN) fprintf(to, "netc: error: and %d more\n", errors - MAX_SHOWN);
  d->n_message = 0;
  d->n_error = 0;
  d->last = NULL;
}
