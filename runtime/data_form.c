#include "data_form.h"
#include "message.h"
#include "wav.h"
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static const struct {
  const char *magic;
  size_t n;
  const char *what;
} others[] = {
    {"\x93NUMPY", 6,
     "it is a single array (.npy); put inputs and targets into one file with numpy.savez"},
    {"\x1f\x8b", 2, "it is compressed twice (gzip); unpack it first"},
    {"BZh", 3, "it is compressed (bzip2); unpack it first"},
    {"\xfd"
     "7zXZ",
     5, "it is compressed (xz); unpack it first"},
    {"\x28\xb5\x2f\xfd", 4, "it is compressed (zstd); unpack it first"},
    {"\x89PNG", 4, "it is one image; a folder of images is a data set"},
    {"\xff\xd8\xff", 3, "it is one image; a folder of images is a data set"},
    {"RIFF", 4, "it is a RIFF file, and no WAV"},
    {"\x89HDF", 4, "it is an HDF5 file; netc reads .npz, pickles, tables and text"},
    {"PAR1", 4, "it is a Parquet file; write it as CSV, or as .npz with numpy.savez"},
    {"SQLite format 3", 15, "it is an SQLite database; write the table as CSV"},
    {"%PDF", 4, "it is a PDF document"},
    {"\xff\xfe", 2, "it is text in UTF-16; save it as UTF-8"},
    {"\xfe\xff", 2, "it is text in UTF-16; save it as UTF-8"},
};
enum { N_OTHERS = sizeof others / sizeof *others };

static bool begins(const uint8_t *head, size_t n, const char *magic, size_t length) {
  return n >= length && memcmp(head, magic, length) == 0;
}

/* Two zero bytes, a type, a rank: the files of MNIST. */
static bool is_idx(const uint8_t *h, size_t n) {
  return n >= 4 && !h[0] && !h[1] && h[2] >= 0x08 && h[2] <= 0x0e && h[3] >= 1 && h[3] <= 8;
}

/* The first opcodes that pickle's text protocols begin with: a mark, and what may stand after it;
   or a global, which is two names in lines of their own. */
static bool is_old_pickle(const uint8_t *h, size_t n) {
  if (n >= 3 && h[0] == '(' && strchr("dlt", h[1]))
    return h[2] == 'p' || h[2] == '.' || h[2] == '(';
  if (n >= 3 && h[0] == '(' && strchr("IFLVS(", h[1]))
    return isdigit(h[2]) || strchr("'\"-d(l", h[2]) != NULL;
  if (n < 3 || h[0] != 'c' || (!isalpha(h[1]) && h[1] != '_')) return false;
  const uint8_t *line = memchr(h, '\n', n < 100 ? n : 100);
  for (const uint8_t *p = h; line && p < line; p++)
    if (!isalnum(*p) && *p != '_' && *p != '.') return false;
  return line && line + 1 < h + n && (isalpha(line[1]) || line[1] == '_') && memchr(h, '(', n);
}

/* Protocols 2 to 5 say so themselves; 1 begins with an opcode that no text begins with, or with an
   empty dictionary, list or tuple. */
static bool is_pickle(const uint8_t *h, size_t n) {
  if (n >= 2 && h[0] == 0x80 && h[1] <= 5) return true;
  if (n >= 2 && strchr("}])", h[0]) && h[0]) return h[1] == 'q' || h[1] == '(' || h[1] == '.';
  if (n >= 2 && h[0] == '(' && (h[1] == ']' || h[1] == '}' || h[1] == 'K' || h[1] == 'c'))
    return h[2] == 'q' || h[2] == '(' || memchr(h, 0, n) || h[1] == 'c';
  return is_old_pickle(h, n);
}

/* No zero byte, and few control characters: UTF-8, Latin-1 and the like. */
static bool is_text(const uint8_t *h, size_t n) {
  size_t odd = 0;
  for (size_t i = 0; i < n; i++) {
    if (h[i] == 0) return false;
    odd += h[i] < ' ' && !strchr("\t\n\r\f\v\033", h[i]);
  }
  return odd * 50 <= n;
}

data_form data_form_of(const uint8_t *head, size_t n, char **why) {
  if (begins(head, n, "PK\3\4", 4) || begins(head, n, "PK\5\6", 4)) return FORM_NPZ;
  if (is_wav(head, n)) return FORM_WAV;
  for (int i = 0; i < N_OTHERS; i++)
    if (begins(head, n, others[i].magic, others[i].n)) {
      *why = message("%s", others[i].what);
      return FORM_REFUSED;
    }
  if (is_idx(head, n)) return FORM_IDX;
  if (is_pickle(head, n)) return FORM_PICKLE;
  if (n && is_text(head, n)) return FORM_TEXT;
  *why = n ? message("it is no kind of data set that netc knows (a pickle begins with the byte "
                     "0x80, and this with 0x%02x 0x%02x)",
                     head[0], n > 1 ? head[1] : 0)
           : message("it is empty");
  return FORM_REFUSED;
}
