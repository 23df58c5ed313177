#include "base/internal.h"
#include "cli/terminal.h"
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

int terminal_columns(FILE *f) {
  struct winsize size;
  if (!isatty(fileno(f))) return 0;
  const char *given = getenv("COLUMNS");
  const int n = given ? atoi(given) : 0;
  if (n > 0) return n;
  if (ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

int terminal_lines(FILE *f) {
  struct winsize size;
  return ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

/* The next character of a UTF-8 text: its bytes, and its columns. */
static int next_character(const char *p, int *columns) {
  static bool ready;
  wchar_t c = 0;
  mbstate_t state = {0};
  if (!ready) setlocale(LC_CTYPE, "C.UTF-8");
  ready = true;
  size_t n = mbrtowc(&c, p, strlen(p), &state);
  int w = n > 4 ? 1 : wcwidth(c);
  *columns = w < 0 ? 1 : w;
  return n > 4 || n == 0 ? 1 : (int)n;
}

int text_columns(const char *text) {
  int all = 0, w;
  for (; *text; all += w) text += next_character(text, &w);
  return all;
}

int text_fit(const char *text, int columns) {
  int bytes = 0, w;
  while (text[bytes]) {
    int n = next_character(text + bytes, &w);
    if (w > columns) break;
    bytes += n, columns -= w;
  }
  return bytes;
}

void print_in_columns(FILE *f, const char *text, int columns, bool left) {
  const int own = text_columns(text), space = columns > own ? columns - own : 0;
  if (!left) fprintf(f, "%*s", space, "");
  if (own <= columns) {
    fputs(text, f);
  } else {
    char *cut = allocated(strndup(text, (size_t)text_fit(text, columns - 1)));
    fprintf(f, "%s\xe2\x80\xa6%*s", cut, columns - 1 - text_columns(cut), "");
    free(cut);
  }
  if (left) fprintf(f, "%*s", space, "");
}

const char *duration_text(char buf[32], double seconds) {
  const long s = (long)(seconds + 0.5);
  if (s < 100) snprintf(buf, 32, "%ld s", s);
  else if (s < 6000) snprintf(buf, 32, "%ld:%02ld min", s / 60, s % 60);
  else snprintf(buf, 32, "%ld:%02ld h", s / 3600, s / 60 % 60);
  return buf;
}

const char *bar_text(char *buf, int columns, double share) {
  const int full = (int)(columns * (share < 0 ? 0 : share > 1 ? 1 : share));
  memset(buf, '#', (size_t)full);
  memset(buf + full, '.', (size_t)(columns - full));
  buf[columns] = 0;
  return buf;
}

/* The next word, in a line of its own if the one at hand has no room; where the line ends then. */
static int print_word(FILE *f, const char *word, int at, int indent, int right) {
  const int w = text_columns(word);
  const bool again = at > 0 && at + 1 + w > right, first = at == 0;
  if (again) fputc('\n', f);
  at = again ? indent : first ? 0 : at;
  fprintf(f, "%*s%s", again ? indent : first ? 0 : 1, "", word);
  return at + w + !(again || first);
}

static void print_folded(FILE *f, const char *text, int indent, int right) {
  const int lead = (int)strspn(text, " ");
  int at = lead ? lead - 1 : 0; /* a word brings the space before it */
  fprintf(f, "%*s", at, "");
  for (text += lead; *text;) {
    const size_t n = strcspn(text, " ");
    char *word = allocated(strndup(text, n));
    at = print_word(f, word, at, indent, right);
    free(word);
    text += n + (text[n] == ' ');
  }
  fputc('\n', f);
}

void print_wrapped(FILE *f, const char *text, int indent) {
  const int columns = terminal_columns(f);
  print_folded(f, text, indent, columns ? columns : 110);
}

void print_line(FILE *f, int indent, const char *fmt, ...) {
  va_list ap;
  char *text = NULL;
  va_start(ap, fmt);
  const int n = vasprintf(&text, fmt, ap);
  va_end(ap);
  if (n < 0) out_of_memory();
  const int columns = terminal_columns(f);
  print_folded(f, text, indent, columns ? columns : INT_MAX);
  free(text);
}
