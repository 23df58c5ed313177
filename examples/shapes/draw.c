/* Draws two data sets as .npz files, the same on every machine.
     shapes.npz  x: N pictures 3 x 32 x 32 of squares, discs and crosses on noise;
                 mask: N x 32 x 32, 0 for the ground, 1 to 3 for the shapes
     pairs.npz   left, right: N pictures 1 x 28 x 28 of one shape each; same: 1 if it is the same
   kind cc -O2 draw.c -o draw -lm && ./draw          (or: make) */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- .npz: a ZIP file of .npy arrays, stored as they are --- */

enum { MAX_MEMBERS = 8 };

typedef struct {
  FILE *f;
  int n;
  struct {
    char name[16];
    uint32_t crc, size, at;
  } member[MAX_MEMBERS];
} npz;

static uint32_t crc_of(const uint8_t *p, size_t n, uint32_t crc) {
  for (crc = ~crc; n--; p++) {
    crc ^= *p;
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

static void put(FILE *f, uint32_t v, int bytes) {
  for (; bytes--; v >>= 8) putc((int)(v & 255), f);
}

/* What a member's local header and its line in the directory share. */
static void put_member(const npz *z, int i) {
  put(z->f, 20, 2), put(z->f, 0, 4), put(z->f, 0, 2), put(z->f, 0x21, 2);
  put(z->f, z->member[i].crc, 4);
  put(z->f, z->member[i].size, 4), put(z->f, z->member[i].size, 4);
  put(z->f, (uint32_t)strlen(z->member[i].name), 2), put(z->f, 0, 2);
}

static void add_array(npz *z, const char *name, const char *shape, const uint8_t *v, size_t n) {
  char head[129];
  int i = z->n++;
  snprintf(z->member[i].name, sizeof z->member[i].name, "%s.npy", name);
  memcpy(head, "\x93NUMPY\1\0\x76\0", 10);
  int used = 10 + snprintf(head + 10, sizeof head - 10,
                           "{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }", shape);
  memset(head + used, ' ', (size_t)(127 - used));
  head[127] = '\n';
  z->member[i].size = 128 + (uint32_t)n;
  z->member[i].crc = crc_of(v, n, crc_of((uint8_t *)head, 128, 0));
  z->member[i].at = (uint32_t)ftell(z->f);
  put(z->f, 0x04034b50, 4), put_member(z, i);
  fputs(z->member[i].name, z->f);
  fwrite(head, 1, 128, z->f);
  fwrite(v, 1, n, z->f);
}

static void finish(npz *z) {
  const uint32_t from = (uint32_t)ftell(z->f);
  for (int i = 0; i < z->n; i++) {
    put(z->f, 0x02014b50, 4), put(z->f, 20, 2), put_member(z, i);
    put(z->f, 0, 4), put(z->f, 0, 2), put(z->f, 0, 4), put(z->f, z->member[i].at, 4);
    fputs(z->member[i].name, z->f);
  }
  const uint32_t size = (uint32_t)ftell(z->f) - from;
  put(z->f, 0x06054b50, 4), put(z->f, 0, 4), put(z->f, (uint32_t)z->n, 2);
  put(z->f, (uint32_t)z->n, 2), put(z->f, size, 4), put(z->f, from, 4), put(z->f, 0, 2);
  if (fclose(z->f)) perror("draw"), exit(1);
}

static npz begin(const char *path) {
  npz z = {.f = fopen(path, "wb")};
  if (!z.f) perror(path), exit(1);
  return z;
}

/* --- pictures --- */

static uint32_t state = 1;
static int below(int n) { /* 0 .. n-1 */
  state = state * 1664525u + 1013904223u;
  return (int)((uint64_t)(state >> 8) * (uint64_t)n >> 24);
}

/* Is (x, y), seen from the middle of a shape of that kind and radius, inside? */
static int inside(int kind, int x, int y, int r) {
  const int ax = abs(x), ay = abs(y);
  if (kind == 1) return ax <= r && ay <= r;
  if (kind == 2) return x * x + y * y <= r * r + r / 2;
  return (ax <= r / 3 && ay <= r) || (ay <= r / 3 && ax <= r);
}

static void noise(uint8_t *v, int n, int most) {
  for (int i = 0; i < n; i++) v[i] = (uint8_t)below(most);
}

/* One shape in a picture of c planes; mask may be NULL. */
static void draw(uint8_t *v, uint8_t *mask, int c, int size, int kind) {
  const int r = 4 + below(5), x0 = r + below(size - 2 * r), y0 = r + below(size - 2 * r);
  int colour[3];
  for (int k = 0; k < c; k++) colour[k] = 110 + below(146);
  for (int y = 0; y < size; y++)
    for (int x = 0; x < size; x++) {
      if (!inside(kind, x - x0, y - y0, r)) continue;
      for (int k = 0; k < c; k++) v[(k * size + y) * size + x] = (uint8_t)(colour[k] - below(40));
      if (mask) mask[y * size + x] = (uint8_t)kind;
    }
}

enum { SHAPES = 1000, SIZE = 32, PAIRS = 2000, SMALL = 28 };
static uint8_t x[SHAPES][3 * SIZE * SIZE], mask[SHAPES][SIZE * SIZE];
static uint8_t left[PAIRS][SMALL * SMALL], right[PAIRS][SMALL * SMALL], same[PAIRS];

int main(void) {
  for (int i = 0; i < SHAPES; i++) {
    noise(x[i], 3 * SIZE * SIZE, 100);
    for (int k = 1 + below(3); k--;) draw(x[i], mask[i], 3, SIZE, 1 + below(3));
  }
  npz z = begin("shapes.npz");
  add_array(&z, "x", "1000, 3, 32, 32", x[0], sizeof x);
  add_array(&z, "mask", "1000, 32, 32", mask[0], sizeof mask);
  finish(&z);
  for (int i = 0; i < PAIRS; i++) {
    const int kind = 1 + below(3), other = 1 + (kind + below(2)) % 3;
    same[i] = (uint8_t)(i % 2);
    noise(left[i], SMALL * SMALL, 100), draw(left[i], NULL, 1, SMALL, kind);
    noise(right[i], SMALL * SMALL, 100), draw(right[i], NULL, 1, SMALL, same[i] ? kind : other);
  }
  z = begin("pairs.npz");
  add_array(&z, "left", "2000, 1, 28, 28", left[0], sizeof left);
  add_array(&z, "right", "2000, 1, 28, 28", right[0], sizeof right);
  add_array(&z, "same", "2000,", same, sizeof same);
  finish(&z);
  return 0;
}
