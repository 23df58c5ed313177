#include "gzip.h"
#include "file.h"
#include "message.h"
#include <stdlib.h>
#include <zlib.h>

bool is_gzip(const uint8_t *head, size_t n) { return n >= 2 && head[0] == 0x1f && head[1] == 0x8b; }

static size_t most_bytes(size_t n) { return 128 * n + (64u << 20); }

/* One member after another, until the file ends. NULL, or what is wrong. */
static const char *unpack_all(z_stream *z, size_t most, uint8_t **out, size_t *have) {
  size_t room = 0;
  int status = Z_OK;
  while (status == Z_OK || (z->avail_in && inflateReset(z) == Z_OK)) {
    if (*have == room) {
      room = room ? 2 * room : 1 << 16;
      if (!(*out = realloc(*out, room))) abort();
    }
    if (*have > most) return "it unpacks to more than a data set of its size would";
    const size_t free_bytes = room - *have;
    z->next_out = *out + *have;
    z->avail_out = (uInt)(free_bytes < 1u << 30 ? free_bytes : 1u << 30);
    const uInt before = z->avail_out;
    status = inflate(z, Z_NO_FLUSH);
    *have += before - z->avail_out;
    if (status != Z_OK && status != Z_STREAM_END)
      return "it is compressed (gzip), and damaged or cut short";
  }
  return NULL;
}

uint8_t *gzip_unpack(const uint8_t *bytes, size_t n, size_t *size, char **error) {
  z_stream z = {.next_in = (Bytef *)bytes, .avail_in = (uInt)n};
  uint8_t *out = NULL;
  *size = 0;
  if (n > UINT32_MAX / 2 || inflateInit2(&z, 15 + 16) != Z_OK) {
    *error = message("it is compressed (gzip) and too large to be unpacked here");
    return NULL;
  }
  const char *wrong = unpack_all(&z, most_bytes(n), &out, size);
  inflateEnd(&z);
  if (!wrong) return out;
  *error = message("%s", wrong);
  free(out);
  return NULL;
}

uint8_t *file_read_unpacked(const char *path, size_t *n, char **error) {
  uint8_t *bytes = file_read(path, n, error), *plain;
  size_t size;
  if (!bytes || !is_gzip(bytes, *n)) return bytes;
  plain = gzip_unpack(bytes, *n, &size, error);
  free(bytes);
  *n = size;
  return plain;
}
