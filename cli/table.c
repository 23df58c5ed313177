#include "base/internal.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "runtime/message.h"
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2, MAX_COLUMNS = 64 };

struct table {
  const table_column *column;
  int n, n_cell, room;
  char **cell;
};

table *table_new(const table_column *column, int n) {
  table *t = allocate(sizeof *t);
  if (n > MAX_COLUMNS) internal_error("a table", "more columns than there is room for");
  *t = (table){.column = column, .n = n};
  return t;
}

void table_add(table *t, const char *format, ...) {
  if (t->n_cell == t->room) {
    t->room = t->room ? 2 * t->room : 64;
    t->cell = realloc(t->cell, (size_t)t->room * sizeof *t->cell);
  }
  va_list args;
  va_start(args, format);
  if (!t->cell || vasprintf(&t->cell[t->n_cell++], format, args) < 0) out_of_memory();
  va_end(args);
}

static int width_of(const table *t, int k) {
  int width = text_columns(t->column[k].head);
  width = width < t->column[k].least ? t->column[k].least : width;
  for (int i = k; i < t->n_cell; i += t->n) {
    const int w = text_columns(t->cell[i]);
    width = w > width ? w : width;
  }
  return width;
}

static int total(const table *t, const int *width) {
  int sum = -GAP;
  for (int k = 0; k < t->n; k++) sum += width[k] ? width[k] + GAP : 0;
  return sum;
}

/* Leaves columns out (width 0) until the rest fits; then what cannot go is cut, the widest first.
 */
static void fit(const table *t, int *width, int columns) {
  while (total(t, width) > columns) {
    int go = 0, widest = 0;
    for (int k = 1; k < t->n; k++) {
      if (width[k] && t->column[k].rank && (!go || t->column[k].rank > t->column[go].rank)) go = k;
      widest = width[k] > width[widest] ? k : widest;
    }
    if (go) width[go] = 0;
    else if (width[widest] > 8) width[widest]--;
    else return;
  }
}

static void print_row(const table *t, const int *width, char *const *cell) {
  int last = t->n - 1;
  while (last > 0 && !width[last]) last--;
  for (int k = 0; k <= last; k++) {
    if (!width[k]) continue;
    const char *text = cell ? cell[k] : t->column[k].head;
    if (k) printf("%*s", GAP, "");
    if (k == last && t->column[k].left && text_columns(text) <= width[k]) fputs(text, stdout);
    else print_in_columns(stdout, text, width[k], t->column[k].left);
  }
  putchar('\n');
}

static void name_left_out(const table *t, const int *width, const char *rest) {
  char *text = NULL;
  for (int k = 0; k < t->n; k++) {
    if (width[k]) continue;
    char *longer = message(text ? "%s, %s" : "%sleft out at this width: %s", text ? text : "",
                           t->column[k].head);
    free(text);
    text = longer;
  }
  if (!text) return;
  char *line = message("%s (%s)", text, rest);
  print_wrapped(stdout, line, 2);
  free(line);
  free(text);
}

void table_print(table *t, const char *rest) {
  int width[MAX_COLUMNS], columns = terminal_columns(stdout);
  for (int k = 0; k < t->n; k++) width[k] = width_of(t, k);
  fit(t, width, columns ? columns : INT_MAX);
  print_row(t, width, NULL);
  for (int i = 0; i < t->n_cell; i += t->n) print_row(t, width, t->cell + i);
  name_left_out(t, width, rest);
  for (int i = 0; i < t->n_cell; i++) free(t->cell[i]);
  free(t->cell);
  free(t);
}
