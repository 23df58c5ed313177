/* Weights from the bytes of a safetensors file: 8 bytes of header length, a JSON header, the
   values. The bytes are not trusted: every position is checked before it is read, nothing recurses,
   and the params block is only written once every tensor was found whole. */
#include "embed.h"

enum { LENGTH_BYTES = 8, LARGEST_HEADER = 100 << 20 };

/* A place in the header's text; ok ends with the first thing that is not as it must be. */
typedef struct {
  uint32_t at, end;
  int32_t ok;
} reader;

/* One entry of the header. */
typedef struct {
  int32_t type; /* 'F': float32, 'I': int64, 0: another */
  int32_t rank, has_shape, has_place;
  uint64_t shape[EMBED_RANK];
  uint64_t from, to;
} entry;

static uint8_t peek(const uint8_t *s, reader *r) {
  while (r->at < r->end &&
         (s[r->at] == ' ' || s[r->at] == '\n' || s[r->at] == '\t' || s[r->at] == '\r'))
    r->at++;
  return r->ok && r->at < r->end ? s[r->at] : 0;
}

static int32_t take(const uint8_t *s, reader *r, uint8_t c) {
  if (peek(s, r) != c) return 0;
  r->at++;
  return 1;
}

static void expect(const uint8_t *s, reader *r, uint8_t c) {
  if (!take(s, r, c)) r->ok = 0;
}

/* A string; returns where its first character stands, and its bytes in *n. */
static uint32_t string(const uint8_t *s, reader *r, uint32_t *n) {
  expect(s, r, '"');
  uint32_t from = r->at;
  while (r->ok && r->at < r->end && s[r->at] != '"') r->at += s[r->at] == '\\' ? 2 : 1;
  *n = r->at - from;
  if (r->at >= r->end) r->ok = 0;
  else r->at++;
  return from;
}

static int32_t same(const uint8_t *a, uint32_t n, const char *b, uint32_t m) {
  if (n != m) return 0;
  for (uint32_t i = 0; i < n; i++)
    if (a[i] != (uint8_t)b[i]) return 0;
  return 1;
}

static uint64_t whole_number(const uint8_t *s, reader *r) {
  uint64_t v = 0;
  uint32_t digits = 0;
  for (peek(s, r); r->at < r->end && s[r->at] >= '0' && s[r->at] <= '9'; r->at++, digits++)
    v = v * 10 + (uint64_t)(s[r->at] - '0');
  if (digits == 0 || digits > 18) r->ok = 0;
  return v;
}

/* [a, b, ...] into v, at most EMBED_RANK of them; returns how many there are. */
static int32_t numbers(const uint8_t *s, reader *r, uint64_t *v) {
  int32_t n = 0;
  expect(s, r, '[');
  if (take(s, r, ']')) return 0;
  do {
    uint64_t x = whole_number(s, r);
    if (n < EMBED_RANK) v[n] = x;
    n++;
  } while (r->ok && take(s, r, ','));
  expect(s, r, ']');
  return n;
}

/* Any value: up to the `,` or `}` that follows it on its own level. */
static void skip_value(const uint8_t *s, reader *r) {
  uint32_t depth = 0, n;
  for (;;) {
    uint8_t c = peek(s, r);
    if (!c) {
      r->ok = 0;
      return;
    }
    if (!depth && (c == ',' || c == '}' || c == ']')) return;
    if (c == '"') {
      string(s, r, &n);
      continue;
    }
    depth += (uint32_t)(c == '{' || c == '[') - (uint32_t)(c == '}' || c == ']');
    r->at++;
  }
}

static void type_field(const uint8_t *s, reader *r, entry *e) {
  uint32_t n, at = string(s, r, &n);
  e->type = same(s + at, n, "F32", 3) ? 'F' : same(s + at, n, "I64", 3) ? 'I' : 0;
}

static void place_field(const uint8_t *s, reader *r, entry *e) {
  uint64_t v[EMBED_RANK];
  v[0] = v[1] = 0;
  e->has_place = numbers(s, r, v) == 2;
  e->from = v[0];
  e->to = v[1];
}

static void field(const uint8_t *s, reader *r, entry *e) {
  uint32_t n, at = string(s, r, &n);
  expect(s, r, ':');
  if (!r->ok) return;
  if (same(s + at, n, "dtype", 5)) {
    type_field(s, r, e);
  } else if (same(s + at, n, "shape", 5)) {
    e->rank = numbers(s, r, e->shape);
    e->has_shape = 1;
  } else if (same(s + at, n, "data_offsets", 12)) {
    place_field(s, r, e);
  } else {
    skip_value(s, r);
  }
}

static void read_entry(const uint8_t *s, reader *r, entry *e) {
  expect(s, r, '{');
  if (take(s, r, '}')) return;
  do field(s, r, e);
  while (r->ok && take(s, r, ','));
  expect(s, r, '}');
  if (!e->has_shape || !e->has_place) r->ok = 0;
}

/* Looks through the header for the tensor of that name. */
static int32_t find(const uint8_t *s, uint32_t header, const char *name, int32_t bytes, entry *e) {
  reader r = {0, header, 1};
  int32_t found = 0;
  expect(s, &r, '{');
  if (r.ok && take(s, &r, '}')) return EMBED_MISSING;
  do {
    uint32_t n, at = string(s, &r, &n);
    expect(s, &r, ':');
    if (r.ok && !found && same(s + at, n, name, (uint32_t)bytes)) {
      read_entry(s, &r, e);
      found = 1;
    } else if (r.ok) {
      skip_value(s, &r);
    }
  } while (r.ok && take(s, &r, ','));
  expect(s, &r, '}');
  return !r.ok ? EMBED_NOT_SAFETENSORS : found ? EMBED_LOADED : EMBED_MISSING;
}

static int32_t fits(const embed_tensor *t, const entry *e, uint64_t room) {
  if (e->type != (t->is_int64 ? 'I' : 'F')) return EMBED_TYPE;
  if (e->rank != t->file_rank) return EMBED_SHAPE;
  for (int32_t d = 0; d < t->file_rank; d++)
    if (e->shape[d] != (uint64_t)t->shape[d]) return EMBED_SHAPE;
  uint64_t bytes = (uint64_t)t->count << (t->is_int64 ? 3 : 2);
  if (e->from > e->to || e->to > room) return EMBED_TRUNCATED;
  return e->to - e->from == bytes ? EMBED_LOADED : EMBED_SHAPE;
}

static uint32_t word(const uint8_t *s) {
  return s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 | (uint32_t)s[3] << 24;
}

static void copy(const embed_tensor *t, const uint8_t *from, float *params) {
  union {
    uint32_t bits;
    float value;
  } v;
  embed_walk w = embed_start(t);
  for (int64_t k = 0; k < t->count; k++, embed_next(t, &w)) {
    v.bits = word(from + 4 * k);
    if (t->is_int64) /* a counter of steps */
      v.value = (float)word(from);
    params[w.at] = v.value;
  }
}

static int32_t one_tensor(const embed_tensor *t, const char *names, const uint8_t *header,
                          uint32_t header_bytes, uint64_t room, float *params) {
  entry e;
  e.type = e.rank = e.has_shape = e.has_place = 0;
  e.from = e.to = 0;
  int32_t status = find(header, header_bytes, names + t->name, t->name_bytes, &e);
  if (status == EMBED_LOADED) status = fits(t, &e, room);
  if (status == EMBED_LOADED && params) copy(t, header + header_bytes + e.from, params);
  return status;
}

int32_t netc_embed_load(const embed_tensor *t, int32_t n, const char *names, float *params,
                        const uint8_t *file, uint64_t bytes) {
  if (bytes < LENGTH_BYTES) return EMBED_NOT_SAFETENSORS;
  uint32_t header = word(file);
  if (word(file + 4) || header > LARGEST_HEADER || header > bytes - LENGTH_BYTES)
    return EMBED_NOT_SAFETENSORS;
  uint64_t room = bytes - LENGTH_BYTES - header;
  for (int32_t pass = 0; pass < 2; pass++)
    for (int32_t i = 0; i < n; i++) {
      int32_t status =
          one_tensor(&t[i], names, file + LENGTH_BYTES, header, room, pass ? params : 0);
      if (status != EMBED_LOADED) return status;
    }
  return EMBED_LOADED;
}
