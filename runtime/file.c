#include "file.h"
#include "message.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *reason(int error_number) {
  if (error_number == ENOENT) return message("no such file");
  return message("%s", strerror(error_number));
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

uint8_t *file_read(const char *path, size_t *n, char **error) {
  struct stat st;
  uint8_t *bytes = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hang */
  if (fd < 0 || fstat(fd, &st) != 0) *error = reason(errno);
  else if (!S_ISREG(st.st_mode)) *error = message("not a regular file");
  else {
    errno = 0;
    *n = (size_t)st.st_size;
    bytes = read_all(fd, *n);
    if (!bytes) *error = reason(errno);
  }
  if (fd >= 0) close(fd);
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
