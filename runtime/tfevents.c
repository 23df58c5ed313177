/* The format: TensorFlow's record files (length, masked CRC-32C of it, data, masked CRC-32C of
   that) of Event messages (tensorflow/core/util/event.proto), of which the few fields below are
   needed. */
#include "tfevents.h"
#include "atomic_file.h"
#include "message.h"
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct tfevents {
  FILE *f;
  char *path;
};

/* A protocol buffer in the making. */
typedef struct {
  uint8_t *at;
  size_t n, room;
} bytes;

static void put(bytes *b, const void *from, size_t n) {
  if (b->n + n > b->room) {
    b->room = 2 * (b->n + n) + 64;
    b->at = realloc(b->at, b->room);
    if (!b->at) abort();
  }
  if (n) memcpy(b->at + b->n, from, n);
  b->n += n;
}

static void put_varint(bytes *b, uint64_t v) {
  uint8_t byte;
  do {
    byte = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
    put(b, &byte, 1);
    v >>= 7;
  } while (v);
}

/* The bits of v, least first, whatever the machine's order. */
static void put_fixed(bytes *b, uint64_t v, int n) {
  for (int i = 0; i < n; i++) put(b, &(uint8_t){(uint8_t)(v >> (8 * i))}, 1);
}

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };
static void put_key(bytes *b, int field, int type) {
  put_varint(b, (uint64_t)field << 3 | (uint64_t)type);
}

static void put_block(bytes *b, int field, const void *from, size_t n) {
  put_key(b, field, LENGTH);
  put_varint(b, n);
  put(b, from, n);
}

/* Castagnoli's polynomial, reflected; masked as TensorFlow does, so that a CRC of data that holds
   CRCs is none of those. */
static uint32_t masked_crc(const uint8_t *p, size_t n) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < n; i++) {
    crc ^= p[i];
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8;
}

static bool write_record(tfevents *t, const bytes *event, char **error) {
  bytes r = {0};
  put_fixed(&r, event->n, 8);
  put_fixed(&r, masked_crc(r.at, 8), 4);
  put(&r, event->at, event->n);
  put_fixed(&r, masked_crc(event->at, event->n), 4);
  const bool ok = fwrite(r.at, 1, r.n, t->f) == r.n && fflush(t->f) == 0;
  free(r.at);
  if (!ok) *error = message("cannot write `%s`: %s", t->path, strerror(errno));
  return ok;
}

/* An Event as far as its time and step. */
static bytes event_at(int64_t step) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const double seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
  uint64_t bits;
  memcpy(&bits, &seconds, 8);
  bytes b = {0};
  put_key(&b, 1, FIXED64);
  put_fixed(&b, bits, 8);
  put_key(&b, 2, VARINT);
  put_varint(&b, (uint64_t)step);
  return b;
}

/* What a file begins with: its version, and from which step on it replaces earlier files. */
static bool write_beginning(tfevents *t, int64_t first, char **error) {
  static const char version[] = "brain.Event:2";
  static const uint8_t start[] = {1 << 3 | VARINT, 1}; /* SessionLog { status: START } */
  bytes b = event_at(0);
  put_block(&b, 3, version, sizeof version - 1);
  bool ok = write_record(t, &b, error);
  free(b.at);
  if (!ok) return false;
  b = event_at(first);
  put_block(&b, 7, start, sizeof start);
  ok = write_record(t, &b, error);
  free(b.at);
  return ok;
}

/* A run that begins anew leaves nothing of an earlier one under its name. */
static void remove_earlier(const char *dir) {
  char *pattern = message("%s/events.out.tfevents.*.netc", dir);
  glob_t g;
  if (glob(pattern, GLOB_NOSORT, NULL, &g) == 0) {
    for (size_t i = 0; i < g.gl_pathc; i++) unlink(g.gl_pathv[i]);
    globfree(&g);
  }
  free(pattern);
}

tfevents *tfevents_open(const char *dir, int64_t first, char **error) {
  if (!make_directories(dir, error)) return NULL;
  if (first <= 1) remove_earlier(dir);
  tfevents *t = allocate(sizeof *t);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  t->path = message("%s/events.out.tfevents.%010lld.%09ld.%ld.netc", dir, (long long)now.tv_sec,
                    now.tv_nsec, (long)getpid());
  t->f = fopen(t->path, "wbx");
  if (!t->f) *error = message("cannot write `%s`: %s", t->path, strerror(errno));
  if (t->f && write_beginning(t, first, error)) return t;
  tfevents_close(t);
  return NULL;
}

bool tfevents_add(tfevents *t, int64_t step, int n, const char *const *tag, const double *value,
                  char **error) {
  bytes summary = {0}, event = event_at(step);
  for (int i = 0; i < n; i++) {
    const float v = (float)value[i];
    uint32_t bits;
    memcpy(&bits, &v, 4);
    bytes one = {0};
    put_block(&one, 1, tag[i], strlen(tag[i]));
    put_key(&one, 2, FIXED32);
    put_fixed(&one, bits, 4);
    put_block(&summary, 1, one.at, one.n);
    free(one.at);
  }
  put_block(&event, 5, summary.at, summary.n);
  const bool ok = write_record(t, &event, error);
  free(summary.at);
  free(event.at);
  return ok;
}

void tfevents_close(tfevents *t) {
  if (!t) return;
  if (t->f) fclose(t->f);
  free(t->path);
  free(t);
}
