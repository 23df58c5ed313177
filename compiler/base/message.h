/* What a message holds: between diag.c, which collects them, and render.c, which prints them. */
#ifndef NETC_MESSAGES_H
#define NETC_MESSAGES_H
#include "source.h"

typedef enum { M_ERROR, M_WARNING, M_NOTE } severity;

typedef struct message {
  severity kind;
  loc at;
  const char *text, *help, *code; /* notes have no code */
  int order;                      /* position in the order of reporting */
  struct message *note;           /* follow-ups of this message */
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

/* One message with its notes: for people, or as one line of JSON. */
void message_print(const diag *d, const message *m, FILE *to, diag_style style);
#endif
