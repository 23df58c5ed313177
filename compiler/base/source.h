/* Source texts, places in them, and the one form of every error. */
#ifndef NETC_SOURCE_H
#define NETC_SOURCE_H
#include "arena.h"
#include <stdbool.h>
#include <stdio.h>

/* A place: 1-based line and column of the first character, and the length to underline.
   file is an index into the source table; file < 0 means "no place" (command line, built in). */
typedef struct {
  int file, line, col, len;
} loc;
#define NOWHERE ((loc){-1, 0, 0, 0})

/* Collects diagnostics of one run. Several errors may be reported before the caller gives up. */
typedef struct diag diag;
diag *diag_new(arena *a);
/* Registers a text under the name to show in messages; returns its file index. The text must
 * outlive d. */
int diag_add_source(diag *d, const char *shown_name, const char *text, size_t n);
const char *diag_source_name(const diag *d, int file);
const char *diag_source_text(const diag *d, int file);
/* Printf-formatted error at a place; help (may be NULL) becomes the `= help:` line. */
void diag_error(diag *d, loc at, const char *help, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void diag_warning(diag *d, loc at, const char *help, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* A follow-up line to the last message ("first given here"), shown with its own source line. */
void diag_note(diag *d, loc at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The note that a path written at this place is relative to its file's folder; nothing where the
   folder is the current one, or the path is not in it. */
void diag_note_folder(diag *d, loc at, const char *path);
int diag_errors(const diag *d);
/* How messages are printed by the whole program: for people, or as lines of JSON. `to`: in place of
   the file that is given to diag_print; or NULL. */
typedef enum { DIAG_TEXT, DIAG_JSON } diag_style;
void diag_set_style(diag_style s, FILE *to);
/* Folds messages for people between words, at this many columns; 0, as at first: nowhere. */
void diag_set_columns(int columns);
/* A message without a place, printed at once and in the same form, on standard error: what a
   command could not do, a command line that cannot be read, a warning, a note. */
typedef enum { DIAG_FAILURE, DIAG_USAGE, DIAG_CAUTION, DIAG_REMARK } diag_kind;
void diag_tell(diag_kind kind, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Ends the text of a message, before the line that helps. */
#define DIAG_HELP "\n      = help: "
/* Prints all messages in order of place (at most 20 errors, then a count) and forgets them. */
void diag_print(diag *d, FILE *to);
#endif
