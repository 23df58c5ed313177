/* Writes the initial weights of a golden case as safetensors.
   Usage: make_weights CASE.txt OUT.safetensors
   Reads the lines `tensor NAME HOW VALUE [EXTENT ...]` of the case: HOW is `uniform` (VALUE is
   the fan-in), `const` (float32) or `int64`. The numbers equal make_golden.py's to the bit. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TENSORS = 256, MAX_RANK = 4 };

typedef struct {
  char name[64], how[16];
  double value;
  int rank;
  long extent[MAX_RANK], count;
} tensor;

static void die(const char *message, const char *what) {
  fprintf(stderr, "make_weights: %s: %s\n", message, what);
  exit(1);
}

/* A tensor line without its first word. */
static tensor parse_tensor(char *line) {
  tensor t = {.count = 1};
  int used = 0;
  if (sscanf(line, "%63s %15s %lf%n", t.name, t.how, &t.value, &used) != 3)
    die("not a tensor line", line);
  char *rest = line + used, *end;
  for (long e; e = strtol(rest, &end, 10), end != rest; rest = end) {
    if (t.rank == MAX_RANK || e <= 0) die("bad shape", line);
    t.extent[t.rank++] = e;
    t.count *= e;
  }
  return t;
}

static int read_case(const char *path, tensor *t) {
  FILE *f = fopen(path, "r");
  if (!f) die("cannot open", path);
  char line[256];
  int n = 0;
  while (fgets(line, sizeof line, f)) {
    if (strncmp(line, "tensor ", 7) != 0) continue;
    if (n == MAX_TENSORS) die("too many tensors", path);
    t[n++] = parse_tensor(line + 7);
  }
  fclose(f);
  return n;
}

static uint64_t name_key(const char *name) {
  uint64_t key = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
  for (; *name; name++) key = (key ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
  return key;
}

/* In [-1, 1), a multiple of 2^-23. The mixing is that of splitmix64. */
static double unit(uint64_t key, uint64_t index) {
  uint64_t z = key + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  z ^= z >> 31;
  return (double)(z >> 40) / 8388608.0 - 1.0;
}

static size_t element_size(const tensor *t) {
  return strcmp(t->how, "int64") == 0 ? sizeof(int64_t) : sizeof(float);
}

static void write_header(FILE *f, const tensor *t, int n) {
  static char text[MAX_TENSORS * 256];
  size_t used = 0, at = 0;
  for (int i = 0; i < n; i++) {
    size_t bytes = element_size(t + i) * (size_t)t[i].count;
    used += (size_t)sprintf(text + used, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i ? "," : "{",
                            t[i].name, element_size(t + i) == 8 ? "I64" : "F32");
    for (int d = 0; d < t[i].rank; d++)
      used += (size_t)sprintf(text + used, "%s%ld", d ? "," : "", t[i].extent[d]);
    used += (size_t)sprintf(text + used, "],\"data_offsets\":[%zu,%zu]}", at, at + bytes);
    at += bytes;
  }
  text[used++] = '}';
  while (used % 8) text[used++] = ' ';
  uint64_t length = used; /* little-endian, as the hosts of this test are */
  fwrite(&length, sizeof length, 1, f);
  fwrite(text, 1, used, f);
}

static void write_tensor(FILE *f, const tensor *t) {
  uint64_t key = name_key(t->name);
  double bound = strcmp(t->how, "uniform") == 0 ? 1.0 / sqrt(t->value) : 0;
  int64_t whole = (int64_t)t->value;
  for (long i = 0; i < t->count; i++) {
    float x = (float)(bound != 0 ? unit(key, (uint64_t)i) * bound : t->value);
    if (element_size(t) == 8) fwrite(&whole, sizeof whole, 1, f);
    else fwrite(&x, sizeof x, 1, f);
  }
}

int main(int argc, char **argv) {
  static tensor t[MAX_TENSORS];
  if (argc != 3) die("usage", "make_weights CASE.txt OUT.safetensors");
  int n = read_case(argv[1], t);
  FILE *f = fopen(argv[2], "wb");
  if (!f) die("cannot write", argv[2]);
  write_header(f, t, n);
  for (int i = 0; i < n; i++) write_tensor(f, t + i);
  if (ferror(f) | fclose(f)) die("cannot write", argv[2]);
  return 0;
}
