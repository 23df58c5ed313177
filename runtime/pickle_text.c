#include "pickle_text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool text_integer(const char *p, size_t n, value *out) {
  size_t i = 0;
  bool minus = n && p[0] == '-', huge = false;
  int64_t v = 0;
  if (n && (p[0] == '-' || p[0] == '+')) i = 1;
  size_t first = i;
  for (; i < n && isdigit((unsigned char)p[i]); i++) {
    int64_t digit = minus ? -(p[i] - '0') : p[i] - '0';
    huge = huge || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v);
  }
  if (i == first) return false;
  if (i < n && p[i] == 'L') i++;
  *out = (value){.kind = huge ? VAL_HUGE : VAL_INT, .i = huge ? 0 : v};
  return i == n;
}

bool text_float(const char *p, size_t n, value *out) {
  char buf[64], *end;
  bool hexadecimal = memchr(p, 'x', n) || memchr(p, 'X', n); /* which strtod takes, Python not */
  if (n == 0 || n >= sizeof buf || isspace((unsigned char)*p) || hexadecimal) return false;
  memcpy(buf, p, n);
  buf[n] = 0;
  *out = (value){.kind = VAL_FLOAT, .f = strtod(buf, &end)};
  return end == buf + n;
}

bool text_unquote(value_string *s) {
  if (s->n < 2 || (s->p[0] != '\'' && s->p[0] != '"') || s->p[s->n - 1] != s->p[0]) return false;
  s->p++;
  s->n -= 2;
  return true;
}

/* Up to `most` digits of a base; *at moves behind them. -1: none. */
static int32_t digits(const char *p, size_t n, size_t *at, int most, int base) {
  int32_t v = 0;
  int count = 0;
  for (; count < most && *at < n; count++, ++*at) {
    int c = (unsigned char)p[*at], d = isdigit(c)    ? c - '0'
                                       : isxdigit(c) ? (c | 32) - 'a' + 10
                                                     : 99;
    if (d >= base) break;
    v = (int32_t)((uint32_t)v * (uint32_t)base + (uint32_t)d);
  }
  return count ? v : -1;
}

bool text_unescape(const char *p, size_t n, char *out, size_t *length) {
  static const char letter[] = "abfnrtv\\'\"", meaning[] = "\a\b\f\n\r\t\v\\'\"";
  size_t at = 0, k = 0;
  while (at < n) {
    if (p[at] != '\\') {
      out[k++] = p[at++];
      continue;
    }
    if (++at == n) return false;
    const char *known = strchr(letter, p[at]);
    int32_t c;
    if (p[at] && known) c = meaning[known - letter], at++;
    else if (p[at] == 'x') at++, c = digits(p, n, &at, 2, 16);
    else c = digits(p, n, &at, 3, 8);
    if (c < 0) return false;
    out[k++] = (char)c;
  }
  *length = k;
  return true;
}

static size_t put_utf8(char *out, uint32_t c) {
  if (c < 0x80) return out[0] = (char)c, 1;
  int tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
  out[0] = (char)(lead[tail] | c >> (6 * tail));
  for (int i = 1; i <= tail; i++) out[i] = (char)(0x80 | (c >> (6 * (tail - i)) & 63));
  return (size_t)tail + 1;
}

bool text_raw_unicode(const char *p, size_t n, char *out, size_t *length) {
  size_t at = 0, k = 0;
  while (at < n) {
    int width = p[at] == '\\' && at + 1 < n ? (p[at + 1] == 'u' ? 4 : p[at + 1] == 'U' ? 8 : 0) : 0;
    uint32_t c = (uint8_t)p[at];
    if (width) {
      size_t start = at += 2;
      int32_t v = digits(p, n, &at, width, 16);
      if (at - start != (size_t)width || v < 0 || v > 0x10ffff) return false;
      c = (uint32_t)v;
    } else at++;
    k += put_utf8(out + k, c);
  }
  *length = k;
  return true;
}

bool text_to_latin1(const char *p, size_t n, char *out, size_t *length) {
  size_t k = 0;
  for (size_t i = 0; i < n; i++) {
    uint8_t c = (uint8_t)p[i];
    if (c >= 0x80) { /* only two-byte sequences reach up to 255 */
      if ((c != 0xc2 && c != 0xc3) || i + 1 == n || ((uint8_t)p[i + 1] & 0xc0) != 0x80)
        return false;
      c = (uint8_t)((c & 3) << 6 | ((uint8_t)p[++i] & 63));
    }
    out[k++] = (char)c;
  }
  *length = k;
  return true;
}
