#include "file.h"
#include "base/near_file.h"
#include "base/source.h"
#include "message.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *file_problem(const char *path, int error_number) {
  if (error_number != ENOENT) return message("%s", strerror(error_number));
  char *help = absent_file_help(path);
  if (!help) return message("no such file");
  return free_and(help, message("no such file" DIAG_HELP "%s", help));
}

/* All n bytes from fd, or NULL. */
static uint8_t *read_all(int fd, size_t n) {
  uint8_t *bytes = malloc(n ? n : 1);
  size_t have = 0;
  while (bytes && have < n) {
    ssize_t got = read(fd, bytes + have, n - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += (size_t)got;
  }
  if (bytes && have == n) return bytes;
  if (bytes && errno == 0) errno = EIO; /* the file shrank while it was read */
  free(bytes);
  return NULL;
}

/* A regular file, or -1 with *error. */
static int open_regular(const char *path, struct stat *st, char **error) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hang */
  if (fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode)) return fd;
  *error = fd < 0 || errno ? file_problem(path, errno) : message("not a regular file");
  if (fd >= 0) close(fd);
  return -1;
}

bool file_head(const char *path, uint8_t *bytes, size_t *n, char **error) {
  struct stat st;
  errno = 0;
  int fd = open_regular(path, &st, error);
  if (fd < 0) return false;
  if ((uint64_t)st.st_size < *n) *n = (size_t)st.st_size;
  ssize_t got = pread(fd, bytes, *n, 0);
  if (got < 0) *error = file_problem(path, errno);
  *n = got < 0 ? 0 : (size_t)got;
  close(fd);
  return got >= 0;
}

uint8_t *file_read(const char *path, size_t *n, char **error) {
  struct stat st;
  errno = 0;
  int fd = open_regular(path, &st, error);
  if (fd < 0) return NULL;
  *n = (size_t)st.st_size;
  uint8_t *bytes = read_all(fd, *n);
  if (!bytes) *error = file_problem(path, errno);
  close(fd);
  return bytes;
}

bool is_directory(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_exists(const char *path) { return access(path, F_OK) == 0; }

char *path_join(const char *folder, const char *name) {
  size_t n = strlen(folder);
  return message("%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name);
}

const char *const train_folders[] = {"train", "training", "Train", "TRAIN", NULL},
                  *const val_folders[] = {"val",        "valid", "validation", "dev", "Val",
                                          "Validation", "VAL",   "Valid",      NULL},
                  *const test_folders[] = {"test", "testing", "Test", "TEST", NULL};

char *folder_inside(const char *folder, const char *const *names) {
  for (; *names; names++) {
    char *path = path_join(folder, *names);
    if (is_directory(path)) return path;
    free(path);
  }
  return NULL;
}
