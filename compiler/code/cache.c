#include "cache.h"
#include "base/internal.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[16] = "netc kernels 1\n";

/* More than that is cut to half of it, the oldest files first. */
static const int64_t most_bytes = (int64_t)256 << 20;

typedef struct {
  char magic[16];
  uint64_t kernels, keys, object; /* how many; bytes of all their names and keys; bytes */
  uint64_t sum;                   /* of everything after the head */
} head;

static uint64_t fnv(const char *bytes, size_t n, uint64_t h) {
  for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)bytes[i]) * 0x100000001b3u;
  return h;
}

/* --- where --- */

static char *folder;

static bool make_folder(char *path) {
  for (char *p = path + 1; *p; p++) {
    if (*p != '/') continue;
    *p = 0;
    mkdir(path, 0700);
    *p = '/';
  }
  return mkdir(path, 0700) == 0 || errno == EEXIST;
}

void cache_disable(void) {
  free(folder);
  folder = NULL;
}

void cache_enable(void) {
  const char *off = getenv("NETC_CACHE"), *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  bool at_home = !base || base[0] != '/';
  cache_disable();
  if ((off && !strcmp(off, "0")) || (at_home && (!home || home[0] != '/'))) return;
  if (asprintf(&folder, "%s%s/netc", at_home ? home : base, at_home ? "/.cache" : "") < 0)
    out_of_memory();
  if (!make_folder(folder)) cache_disable();
}

const char *cache_folder(void) { return folder; }

static char *path_of(const char *name, const char *end) {
  char *p;
  if (asprintf(&p, "%s/%s%s", folder, name, end) < 0) out_of_memory();
  return p;
}

/* --- keys --- */

cached_kernel cached_kernel_of(const char *machine, const int64_t *word, size_t n_word) {
  cached_kernel k;
  size_t n = strlen(machine) + 1, bytes = n_word * sizeof *word;
  k.n_key = n + bytes;
  k.key = allocated(malloc(k.n_key));
  memcpy(k.key, machine, n);
  memcpy(k.key + n, word, bytes);
  uint64_t a = fnv(k.key, k.n_key, 0xcbf29ce484222325u), b = fnv(k.key, k.n_key, ~a);
  memset(k.name, 0, sizeof k.name);
  snprintf(k.name, sizeof k.name, "netc_%016" PRIx64 "%016" PRIx64, a, b);
  return k;
}

void cached_kernel_free(cached_kernel *k) { free(k->key); }

/* --- reading --- */

static char *read_all(const char *path, size_t *n) {
  struct stat s;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  char *bytes = NULL;
  if (!fstat(fd, &s) && S_ISREG(s.st_mode) && s.st_size > 0 && s.st_size < most_bytes)
    bytes = malloc((size_t)s.st_size);
  *n = bytes ? (size_t)s.st_size : 0;
  for (size_t at = 0; bytes && at < *n;) {
    ssize_t got = read(fd, bytes + at, *n - at);
    if (got <= 0) {
      free(bytes);
      bytes = NULL;
    } else {
      at += (size_t)got;
    }
  }
  close(fd);
  return bytes;
}

/* Is it a whole file of the cache? */
static bool sound(cached_file *f) {
  head h;
  if (f->n < sizeof h) return false;
  memcpy(&h, f->bytes, sizeof h);
  if (memcmp(h.magic, magic, sizeof magic) || h.keys > f->n || h.object > f->n) return false;
  if (sizeof h + h.keys + h.object != f->n) return false;
  if (fnv(f->bytes + sizeof h, f->n - sizeof h, 0) != h.sum) return false;
  f->object = f->bytes + sizeof h + h.keys;
  f->n_object = h.object;
  return true;
}

bool cached_file_holds(const cached_file *f, const cached_kernel *k) {
  head h;
  memcpy(&h, f->bytes, sizeof h);
  const char *at = f->bytes + sizeof h;
  for (uint64_t i = 0; i < h.kernels && at + CACHE_NAME + 8 <= f->object; i++) {
    uint64_t n;
    memcpy(&n, at + CACHE_NAME, sizeof n);
    const char *key = at + CACHE_NAME + sizeof n;
    if (n > (uint64_t)(f->object - key)) return false;
    if (n == k->n_key && !memcmp(at, k->name, CACHE_NAME) && !memcmp(key, k->key, n)) return true;
    at = key + n;
  }
  return false;
}

bool cache_find(const cached_kernel *k, cached_file *f) {
  if (!folder) return false;
  char *path = path_of(k->name, ".k");
  size_t n;
  char *bytes = read_all(path, &n);
  free(path);
  if (!bytes) return false;
  *f = (cached_file){.bytes = bytes, .n = n};
  if (sound(f) && cached_file_holds(f, k)) return true;
  free(f->bytes);
  return false;
}

/* --- writing --- */

/* A name beside `path` that no other process uses. */
static char *temporary(const char *path) {
  static unsigned count;
  char *p;
  if (asprintf(&p, "%s.%ld.%u", path, (long)getpid(), count++) < 0) out_of_memory();
  return p;
}

static void append(char **at, const void *bytes, size_t n) {
  memcpy(*at, bytes, n);
  *at += n;
}

static char *file_of(const cached_kernel *k, int n, const char *object, size_t n_object,
                     size_t *size) {
  head h = {.kernels = (uint64_t)n, .object = n_object};
  memcpy(h.magic, magic, sizeof magic);
  for (int i = 0; i < n; i++) h.keys += CACHE_NAME + sizeof(uint64_t) + k[i].n_key;
  *size = sizeof h + h.keys + n_object;
  char *bytes = allocated(malloc(*size)), *at = bytes + sizeof h;
  for (int i = 0; i < n; i++) {
    uint64_t length = k[i].n_key;
    append(&at, k[i].name, CACHE_NAME);
    append(&at, &length, sizeof length);
    append(&at, k[i].key, k[i].n_key);
  }
  append(&at, object, n_object);
  h.sum = fnv(bytes + sizeof h, *size - sizeof h, 0);
  memcpy(bytes, &h, sizeof h);
  return bytes;
}

static bool write_file(const char *path, const char *bytes, size_t n) {
  char *part = temporary(path);
  int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  bool ok = fd >= 0 && write(fd, bytes, n) == (ssize_t)n;
  if (fd >= 0) ok = !close(fd) && ok;
  ok = ok && !rename(part, path);
  if (!ok && fd >= 0) unlink(part);
  free(part);
  return ok;
}

static void lead_to(const char *name, const char *target) {
  char *path = path_of(name, ".k"), *part = temporary(path);
  if (!symlink(target, part) && rename(part, path)) unlink(part);
  free(part);
  free(path);
}

static void cut_to_size(void);

void cache_keep(const cached_kernel *k, int n, const char *object, size_t n_object) {
  if (!folder || !n) return;
  size_t size;
  char *bytes = file_of(k, n, object, n_object, &size), target[CACHE_NAME + 4];
  snprintf(target, sizeof target, "%s.o", k[0].name);
  char *path = path_of(k[0].name, ".o");
  cut_to_size();
  if (write_file(path, bytes, size))
    for (int i = 0; i < n; i++) lead_to(k[i].name, target);
  free(path);
  free(bytes);
}

/* --- keeping house --- */

typedef struct {
  char *path;
  int64_t bytes;
  struct timespec time;
} entry;

typedef struct {
  int n;
  entry *e;
  int64_t bytes;
} listing;

/* The cache's own files (links are of no size); nothing else that may lie in the folder. */
static listing list_files(void) {
  listing l = {0};
  DIR *d = folder ? opendir(folder) : NULL;
  for (struct dirent *f; d && (f = readdir(d));) {
    struct stat s;
    char *path = path_of(f->d_name, "");
    if (strncmp(f->d_name, "netc_", 5) || lstat(path, &s)) {
      free(path);
      continue;
    }
    l.e = allocated(realloc(l.e, sizeof *l.e * (size_t)(l.n + 1)));
    l.e[l.n++] = (entry){path, S_ISREG(s.st_mode) ? s.st_size : 0, s.st_mtim};
    l.bytes += l.e[l.n - 1].bytes;
  }
  if (d) closedir(d);
  return l;
}

static void free_listing(listing *l) {
  for (int i = 0; i < l->n; i++) free(l->e[i].path);
  free(l->e);
}

static int by_age(const void *a, const void *b) {
  const entry *x = a, *y = b;
  if (x->time.tv_sec != y->time.tv_sec) return x->time.tv_sec < y->time.tv_sec ? -1 : 1;
  return x->time.tv_nsec < y->time.tv_nsec ? -1 : x->time.tv_nsec > y->time.tv_nsec;
}

/* Once in a process. */
static void cut_to_size(void) {
  static bool done;
  if (done) return;
  done = true;
  listing l = list_files();
  if (l.bytes > most_bytes) {
    qsort(l.e, (size_t)l.n, sizeof *l.e, by_age);
    for (int i = 0; i < l.n && l.bytes > most_bytes / 2; i++)
      if (!unlink(l.e[i].path)) l.bytes -= l.e[i].bytes;
  }
  free_listing(&l);
}

void cache_measure(int *files, int64_t *bytes) {
  listing l = list_files();
  *files = 0;
  for (int i = 0; i < l.n; i++) *files += l.e[i].bytes > 0;
  *bytes = l.bytes;
  free_listing(&l);
}

int cache_clear(void) {
  listing l = list_files();
  int gone = 0;
  for (int i = 0; i < l.n; i++) gone += !unlink(l.e[i].path) && l.e[i].bytes > 0;
  free_listing(&l);
  return gone;
}
