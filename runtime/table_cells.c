#include "table_cells.h"
#include "decimal_text.h"
#include "message.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

/* The bytes of a currency's sign at p, or 0. */
static size_t currency(const char *p, size_t n) {
  static const char *const sign[] = {"$", "\xe2\x82\xac", "\xc2\xa3", "\xc2\xa5"};
  for (size_t i = 0; i < sizeof sign / sizeof *sign; i++) {
    const size_t k = strlen(sign[i]);
    if (n >= k && !memcmp(p, sign[i], k)) return k;
  }
  return 0;
}

/* The length without a last %, or a currency's sign, and the blanks before it. */
static size_t without_unit(const char *p, size_t n) {
  size_t k = n;
  if (n && p[n - 1] == '%') k = n - 1;
  else
    for (size_t sign = 1; sign <= 3 && sign < n && k == n; sign++)
      if (currency(p + n - sign, sign) == sign) k = n - sign;
  while (k && k < n && p[k - 1] == ' ') k--;
  return k;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Copies 1,234,567.5 (or, where the comma is the mark, 1.234.567,5) without what stands between
   thousands. False: it stands elsewhere. */
static bool without_thousands(const char *p, size_t n, char mark, char *to) {
  const char between = mark == '.' ? ',' : '.';
  size_t i = 0, since = 0;
  bool any = false;
  for (; i < n && (is_digit(p[i]) || p[i] == between); i++) {
    if (is_digit(p[i])) since++, *to++ = p[i];
    else if (any ? since != 3 : since < 1 || since > 3 || p[0] == '0') return false;
    else since = 0, any = true;
  }
  if (any && since != 3) return false;
  for (; i < n; i++) {
    if (p[i] == between) return false;
    *to++ = p[i];
  }
  *to = 0;
  return true;
}

/* A single point is a mark as well, unless a comma follows it. */
static bool thousands_apart(const char *p, size_t n, char mark) {
  const char *point = memchr(p, '.', n), *comma = memchr(p, ',', n);
  return mark == '.' ? comma != NULL : point && comma && point < comma;
}

bool written_number(const char *p, size_t n, char mark, double *out) {
  char plain[64] = "-";
  if (decimal_text(p, n, mark, out)) return true;
  if (!n || n >= sizeof plain - 1) return false;
  const bool minus = *p == '-';
  p += minus, n -= minus;
  const size_t sign = currency(p, n);
  p += sign, n -= sign;
  while (sign && n && *p == ' ') p++, n--;
  if (!sign) n = without_unit(p, n);
  if (!n || !(is_digit(*p) || *p == mark || *p == '.')) return false;
  if (!thousands_apart(p, n, mark)) memcpy(plain + 1, p, n), plain[1 + n] = 0;
  else if (!without_thousands(p, n, mark, plain + 1)) return false;
  const char *from = plain + !minus;
  return decimal_text(from, strlen(from), mark, out);
}

bool missing_word(const char *text, size_t n) {
  static const char *const words[] = {"",     "NA",   "N/A", "NaN", "nan", "null",
                                      "NULL", "None", "?",   "na",  "#N/A"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(words[i]) == n && !memcmp(words[i], text, n)) return true;
  return false;
}

/* ---- cells apart by blanks ---- */

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

const char *after_blanks(const char *p, const char *end) {
  while (p < end && is_blank(*p)) p++;
  return p;
}

const char *after_blank_cell(const char *p, const char *end) {
  if (p < end && *p == '"') {
    const char *q = p + 1;
    while (q < end && *q != '"' && *q != '\n') q++;
    if (q < end && *q == '"') return q + 1;
  }
  while (p < end && !is_blank(*p) && *p != '\n') p++;
  return p;
}

/* The cells of the line at p, and how many of them are words that stand inside. */
static int count_cells(const char *p, const char *end, int *words) {
  double v;
  int n = 0;
  bool last = false; /* was the cell before this one such a word? */
  *words = 0;
  for (p = after_blanks(p, end); p < end && *p != '\n'; p = after_blanks(p, end), n++) {
    const char *from = p;
    p = after_blank_cell(p, end);
    const size_t k = (size_t)(p - from);
    *words += last;
    last = n && *from != '"' && !missing_word(from, k) && !decimal_text(from, k, '.', &v);
  }
  return n;
}

int count_blank_cells(const char *text, const char *end) {
  int words;
  return count_cells(text, end, &words);
}

bool looks_blank_separated(const char *text, const char *end) {
  enum { HEAD = 4000, LINES = 30 };
  const bool cut = end - text > HEAD;
  const char *stop = cut ? text + HEAD : end;
  int lines = 0, words, want = 0;
  for (const char *p = text; p < stop && lines < LINES;) {
    const char *next = memchr(p, '\n', (size_t)(stop - p));
    if (!next && cut) break;
    const int n = count_cells(p, next ? next : stop, &words);
    p = next ? next + 1 : stop;
    if (!n) continue;
    if (n < 3 || (lines && (n != want || words))) return false;
    want = n;
    lines++;
  }
  return lines >= 3;
}

/* ---- encodings ---- */

static bool is_utf8(const char *s) {
  const char *p = s;
  while ((unsigned char)*p - 1U < 127) p++;
  if (!*p) return true;
  char *clean = clean_utf8(s);
  const bool is = !strcmp(s, clean);
  free(clean);
  return is;
}

/* The character of a byte of Windows-1252, which is Latin-1 but for 0x80 to 0x9f; 0: none. */
static unsigned character(unsigned char b) {
  static const uint16_t own[32] = {0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                   0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
                                   0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                   0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};
  return b < 0x80 || b > 0x9f ? b : own[b - 0x80];
}

static char *add_utf8(char *to, unsigned c) {
  if (c < 0x80) *to++ = (char)c;
  else if (c < 0x800) *to++ = (char)(0xc0 | c >> 6), *to++ = (char)(0x80 | (c & 63));
  else {
    *to++ = (char)(0xe0 | c >> 12);
    *to++ = (char)(0x80 | (c >> 6 & 63));
    *to++ = (char)(0x80 | (c & 63));
  }
  return to;
}

char *utf8_of(const char *text, size_t n) {
  char *s = copy_string(text, n);
  if (is_utf8(s)) return s;
  char *out = allocate(3 * n + 1), *to = out;
  for (const char *p = s; *p; p++) {
    const unsigned c = character((unsigned char)*p);
    to = add_utf8(to, c ? c : '?');
  }
  *to = 0;
  free(s);
  return out;
}
