/* Shrinking by deletion and by smaller numbers, until neither succeeds any more. What makes no
   sense is refused by the predicate, so nothing here knows the language beyond `;`, braces and
   numbers. */
#include "shrink.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  char *text;
  bool (*fails)(const char *, void *);
  void *arg;
  double until;
} shrinker;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Takes `candidate` (malloc'd) if it fails too. */
static bool try(shrinker *s, char *candidate) {
  bool better = strcmp(candidate, s->text) && now() < s->until && s->fails(candidate, s->arg);
  free(better ? s->text : candidate);
  if (better) s->text = candidate;
  return better;
}

/* The text with [from, to) replaced. */
static char *replaced(const char *text, size_t from, size_t to, const char *by) {
  char *out = malloc(strlen(text) + strlen(by) + 1);
  sprintf(out, "%.*s%s%s", (int)from, text, by, text + to);
  return out;
}

/* --- deleting --- */

/* The end of the statement that starts here: after its `;`, or after the brace that closes it. */
static size_t statement_end(const char *t, size_t at) {
  int depth = 0;
  for (; t[at]; at++) {
    depth += (t[at] == '{') - (t[at] == '}');
    if (depth < 0) return at;
    if (depth == 0 && t[at] == ';') return at + 1;
    if (depth == 0 && t[at] == '}') {
      size_t next = at + 1 + strspn(t + at + 1, " \n");
      if (!strchr("{;@", t[next]) && !islower(t[next])) return at + 1;
      if (t[next] && t[next - 1] == '\n' && islower(t[next])) return at + 1;
    }
  }
  return at;
}

static bool starts_statement(const char *t, size_t at) {
  size_t i = at;
  while (i && isspace(t[i - 1])) i--;
  return !isspace(t[at]) && (!i || strchr(";{}", t[i - 1]));
}

/* From the end on: uses stand below what they use. */
static bool delete_statements(shrinker *s) {
  bool any = false;
  for (size_t i = strlen(s->text); i-- > 0;) {
    if (!starts_statement(s->text, i)) continue;
    size_t end = statement_end(s->text, i);
    if (end > i && try(s, replaced(s->text, i, end, ""))) any = true;
  }
  return any;
}

/* `{ body }` becomes `body`, and `word { .. } { .. };` one of its branches. */
static bool unwrap(shrinker *s) {
  bool any = false;
  for (size_t i = 0; s->text[i]; i++) {
    if (!starts_statement(s->text, i)) continue;
    size_t end = statement_end(s->text, i), open = i;
    for (; open < end; open++) {
      if (s->text[open] != '{') continue;
      size_t close = statement_end(s->text, open + 1);
      while (s->text[close] && s->text[close] != '}') close = statement_end(s->text, close);
      char *inner = strndup(s->text + open + 1, close > open ? close - open - 1 : 0);
      bool done = try(s, replaced(s->text, i, end, inner));
      free(inner);
      if (done) any = true;
      if (done) break;
    }
  }
  return any;
}

/* Words: ` relu`, ` p=0x2`, a branch `{}`. */
static bool delete_words(shrinker *s) {
  bool any = false;
  for (size_t i = 0; s->text[i]; i++) {
    if (!isspace(s->text[i])) continue;
    size_t end = i + 1 + strcspn(s->text + i + 1, " \n;{}");
    if (end > i + 1 && try(s, replaced(s->text, i, end, ""))) any = true, i -= i > 0;
  }
  return any;
}

/* --- expressions: `(a * b)` becomes `a`, `tanh(a)` becomes a number --- */

static size_t closing(const char *t, size_t open) {
  int depth = 0;
  for (size_t i = open; t[i] && t[i] != ';'; i++) {
    depth += (t[i] == '(' || t[i] == '[') - (t[i] == ')' || t[i] == ']');
    if (!depth) return i;
  }
  return 0;
}

static size_t word_start(const char *t, size_t at) {
  while (at && (isalnum(t[at - 1]) || strchr("_.@", t[at - 1]))) at--;
  return at;
}

/* Each argument of a call in place of it; then a number. */
static bool simplify_call(shrinker *s, size_t open) {
  size_t close = closing(s->text, open), from = word_start(s->text, open);
  if (!close) return false;
  for (size_t i = open + 1; s->text[open] == '(' && i <= close;) {
    size_t end = i;
    int depth = 0;
    for (; end < close && (depth || s->text[end] != ','); end++)
      depth += !!strchr("([", s->text[end]) - !!strchr(")]", s->text[end]);
    char *argument = strndup(s->text + i, end - i);
    bool done = try(s, replaced(s->text, from, close + 1, argument));
    free(argument);
    if (done) return true;
    i = end + 1;
  }
  return try(s, replaced(s->text, from, close + 1, "1"));
}

static bool simplify_calls(shrinker *s) {
  bool any = false;
  for (size_t i = 0; s->text[i]; i++)
    if (strchr("([", s->text[i]) && simplify_call(s, i)) any = true, i = word_start(s->text, i);
  return any;
}

/* ` * factor`, ` + term`: one operand up to the next operator goes. */
static bool delete_operands(shrinker *s) {
  bool any = false;
  for (size_t i = 1; s->text[i]; i++) {
    if (!strchr("+-*/", s->text[i]) || s->text[i + 1] == '=') continue;
    size_t end = i + 1;
    int depth = 0;
    for (; s->text[end] && s->text[end] != ';'; end++) {
      if (!depth && end > i + 2 && strchr("+-*/,<>=)] ", s->text[end])) break;
      depth += !!strchr("([", s->text[end]) - !!strchr(")]", s->text[end]);
      if (depth < 0) break;
    }
    if (try(s, replaced(s->text, i, end, ""))) any = true;
  }
  return any;
}

/* --- numbers --- */

static bool starts_number(const char *t, size_t at) {
  return isdigit(t[at]) && (!at || !(isdigit(t[at - 1]) || t[at - 1] == '.'));
}

static bool plain_number(const char *t, size_t at, size_t end) {
  return t[end] != '.' && (!at || t[at - 1] != '.');
}

/* The text with every occurrence of the number at `at` replaced. */
static char *everywhere(const char *text, size_t at, size_t end, const char *by) {
  char *out, *word = strndup(text + at, end - at);
  size_t size, n = end - at;
  FILE *f = open_memstream(&out, &size);
  for (size_t i = 0; text[i];) {
    bool it = starts_number(text, i) && !strncmp(text + i, word, n) && !isdigit(text[i + n]) &&
              text[i + n] != '.';
    if (it) fputs(by, f), i += n;
    else fputc(text[i++], f);
  }
  fclose(f);
  free(word);
  return out;
}

static bool shrink_number(shrinker *s, size_t at) {
  size_t end = at + strspn(s->text + at, "0123456789");
  if (!plain_number(s->text, at, end)) return false;
  long n = strtol(s->text + at, NULL, 10), smaller[] = {1, n / 2, n - 1, 0};
  for (int i = 0; i < 4; i++) {
    char by[24];
    if (smaller[i] < 0 || smaller[i] >= n || (smaller[i] == 0 && n > 1)) continue;
    snprintf(by, sizeof by, "%ld", smaller[i]);
    if (try(s, replaced(s->text, at, end, by)) || try(s, everywhere(s->text, at, end, by)))
      return true;
  }
  return false;
}

static bool shrink_numbers(shrinker *s) {
  bool any = false;
  for (size_t i = 0; s->text[i]; i++)
    if (starts_number(s->text, i))
      while (starts_number(s->text, i) && shrink_number(s, i)) any = true;
  return any;
}

char *shrink(const char *text, bool (*fails)(const char *, void *), void *arg, double seconds) {
  shrinker s = {strdup(text), fails, arg, now() + seconds};
  bool any = true;
  while (any && now() < s.until) {
    any = delete_statements(&s);
    any |= unwrap(&s);
    any |= delete_words(&s);
    any |= simplify_calls(&s);
    any |= delete_operands(&s);
    any |= shrink_numbers(&s);
  }
  return s.text;
}
