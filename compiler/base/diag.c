#include "codes.h"
#include "message.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_SHOWN = 20 };

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

/* Cuts the help off the end of a text that brings its own; NULL if it has none. */
static const char *split_help(char *text) {
  char *help = strstr(text, DIAG_HELP);
  if (!help) return NULL;
  *help = 0;
  return help + strlen(DIAG_HELP);
}

static message *new_message(diag *d, severity kind, loc at, const char *help, const char *fmt,
                            va_list ap) {
  message *m = NEW(d->a, message);
  m->kind = kind;
  m->at = at;
  char *text = arena_vprintf(d->a, fmt, ap);
  const char *own = split_help(text);
  m->text = text;
  m->help = help ? arena_strdup(d->a, help) : own;
  if (kind != M_NOTE) m->code = message_code(fmt, kind == M_WARNING);
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

void diag_note_folder(diag *d, loc at, const char *path) {
  const char *file = diag_source_name(d, at.file), *slash = strrchr(file, '/');
  const int n = slash ? (int)(slash - file) : 0;
  if (n && !strncmp(path, file, (size_t)n))
    diag_note(d, NOWHERE, "paths in a file are relative to its folder, here `%.*s`", n, file);
}

int diag_errors(const diag *d) { return d->n_error; }

static int by_place(const void *x, const void *y) {
  const message *a = *(message *const *)x, *b = *(message *const *)y;
  if (a->at.file != b->at.file) return a->at.file < b->at.file ? -1 : 1;
  if (a->at.line != b->at.line) return a->at.line < b->at.line ? -1 : 1;
  if (a->at.col != b->at.col) return a->at.col < b->at.col ? -1 : 1;
  return a->order < b->order ? -1 : 1;
}

static diag_style style;
static FILE *instead;

void diag_set_style(diag_style s, FILE *to) {
  style = s;
  instead = to;
}

void diag_tell(diag_kind kind, const char *fmt, ...) {
  static const struct {
    severity kind;
    const char *code;
  } form[] = {[DIAG_FAILURE] = {M_ERROR, CODE_FAILURE},
              [DIAG_USAGE] = {M_ERROR, CODE_USAGE},
              [DIAG_CAUTION] = {M_WARNING, CODE_CAUTION},
              [DIAG_REMARK] = {M_NOTE, NULL}};
  diag none = {.a = arena_new()};
  va_list ap;
  va_start(ap, fmt);
  message *m = new_message(&none, form[kind].kind, NOWHERE, NULL, fmt, ap);
  va_end(ap);
  m->code = form[kind].code;
  message_print(&none, m, instead ? instead : stderr, style);
  arena_free(none.a);
}

void diag_print(diag *d, FILE *to) {
  if (instead) to = instead;
  if (d->n_message) qsort(d->message, (size_t)d->n_message, sizeof *d->message, by_place);
  int errors = 0;
  for (int i = 0; i < d->n_message; i++) {
    bool is_error = d->message[i]->kind == M_ERROR;
    if (!is_error || errors < MAX_SHOWN || style == DIAG_JSON)
      message_print(d, d->message[i], to, style);
    errors += is_error;
  }
  if (errors > MAX_SHOWN && style != DIAG_JSON)
    fprintf(to, "netc: error: and %d more\n", errors - MAX_SHOWN);
  d->n_message = 0;
  d->n_error = 0;
  d->last = NULL;
}
