/* The terminal at hand: how wide it is, and how wide a text is on it. */
#ifndef NETC_TERMINAL_H
#define NETC_TERMINAL_H
#include <stdbool.h>
#include <stdio.h>

/* Columns of the terminal that f writes to; 0 where it is none. COLUMNS overrides what the terminal
   says of itself. */
int terminal_columns(FILE *f);
int terminal_lines(FILE *f);
/* Columns that a UTF-8 text takes; a byte that is not UTF-8 takes one. */
int text_columns(const char *text);
/* How many bytes of the text fit into this many columns, whole characters only. */
int text_fit(const char *text, int columns);
/* The text in exactly this many columns (cut with an ellipsis where it is longer), to the left or
   the right of them. */
void print_in_columns(FILE *f, const char *text, int columns, bool left);
/* "45 s", "12:05 min", "3:20 h" in buf. */
const char *duration_text(char buf[32], double seconds);
/* A bar of `columns` characters of which this share is full, in buf. */
const char *bar_text(char *buf, int columns, double share);
/* A paragraph in lines that fit the terminal (110 columns where there is none); the lines after the
   first begin with `indent` spaces. */
void print_wrapped(FILE *f, const char *text, int indent);
/* A line, folded in the same way where the terminal is too narrow for it; one line elsewhere. */
void print_line(FILE *f, int indent, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#endif
