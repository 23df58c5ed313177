#include "atomic_file.h"
#include "file.h"
#include "message.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The directory that holds `path`, malloc'd. */
static char *directory_of(const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash) return copy_string(".", 1);
  return copy_string(path, slash == path ? 1 : (size_t)(slash - path));
}

static bool failed(const char *path, char **error) {
  *error = message("cannot write `%s`: %s", path, strerror(errno));
  return false;
}

bool atomic_open(atomic_file *a, const char *path, char **error) {
  char *dir = directory_of(path);
  const char *slash = strrchr(path, '/');
  *a = (atomic_file){copy_string(path, strlen(path)),
                     message("%s/.%s.XXXXXX", dir, slash ? slash + 1 : path), NULL};
  free(dir);
  int fd = mkostemp(a->temporary, O_CLOEXEC);
  if (fd >= 0) {
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask); /* mkstemp gives 0600 */
    a->f = fdopen(fd, "wb");
  }
  if (a->f) return true;
  failed(path, error);
  free(a->path);
  free(a->temporary);
  *a = (atomic_file){0};
  return false;
}

static void release(atomic_file *a) {
  free(a->path);
  free(a->temporary);
  *a = (atomic_file){0};
}

void atomic_abandon(atomic_file *a) {
  if (!a->path) return;
  if (a->f) fclose(a->f);
  unlink(a->temporary);
  release(a);
}

/* A rename is only on the disk once its directory is. Some file systems cannot sync directories;
   the file itself is whole in either case, so that is no error. */
static void sync_directory(const char *path) {
  char *dir = directory_of(path);
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    fsync(fd);
    close(fd);
  }
  free(dir);
}

bool atomic_commit(atomic_file *a, char **error) {
  bool ok = !ferror(a->f) && fflush(a->f) == 0 && fsync(fileno(a->f)) == 0;
  int why = errno;
  ok = fclose(a->f) == 0 && ok;
  a->f = NULL;
  if (ok && rename(a->temporary, a->path) == 0) {
    sync_directory(a->path);
    release(a);
    return true;
  }
  errno = ok ? errno : why;
  failed(a->path, error);
  atomic_abandon(a);
  return false;
}

bool atomic_write(const char *path, const void *data, size_t n, char **error) {
  atomic_file a;
  if (!atomic_open(&a, path, error)) return false;
  if (n && fwrite(data, 1, n, a.f) != n) {
    failed(path, error);
    atomic_abandon(&a);
    return false;
  }
  return atomic_commit(&a, error);
}

static bool write_all(int fd, const char *text, size_t n) {
  while (n) {
    ssize_t k = write(fd, text, n);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return false;
    text += k;
    n -= (size_t)k;
  }
  return true;
}

bool append_durable(const char *path, const char *text, char **error) {
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return failed(path, error);
  off_t before = lseek(fd, 0, SEEK_END);
  bool ok = write_all(fd, text, strlen(text)) && fdatasync(fd) == 0;
  if (!ok) {
    failed(path, error);
    if (before >= 0 && ftruncate(fd, before) != 0)
      before = -1; /* nothing more can be done; the first error is the one to tell */
  }
  close(fd);
  return ok;
}

char *read_whole_file(const char *path, size_t limit, size_t *n, char **error) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hang */
  FILE *f = fd < 0 ? NULL : fdopen(fd, "rb");
  struct stat st;
  if (!f || fstat(fileno(f), &st) != 0) {
    char *why = file_problem(path, errno);
    *error = free_and(why, message("cannot read `%s`: %s", path, why));
    if (f) fclose(f);
    return NULL;
  }
  char *text = NULL;
  if (S_ISDIR(st.st_mode)) *error = message("cannot read `%s`: it is a directory", path);
  else if (!S_ISREG(st.st_mode))
    *error = message("cannot read `%s`: it is not a regular file", path);
  else if ((uint64_t)st.st_size > limit)
    *error = message("`%s` has %lld bytes; at most %zu are read here", path, (long long)st.st_size,
                     limit);
  else {
    text = allocate((size_t)st.st_size + 1);
    *n = fread(text, 1, (size_t)st.st_size, f);
    text[*n] = 0;
  }
  fclose(f);
  return text;
}

bool copy_into(const char *dir, const char *path, char **error) {
  const char *slash = strrchr(path, '/');
  size_t n;
  char *text = read_whole_file(path, 1 << 30, &n, error);
  char *to = message("%s/%s", dir, slash ? slash + 1 : path);
  bool ok = text && atomic_write(to, text, n, error);
  free(to);
  free(text);
  return ok;
}

bool make_directories(const char *path, char **error) {
  char *copy = copy_string(path, strlen(path));
  bool ok = true;
  for (char *p = copy + 1; ok; p++) {
    if (*p && *p != '/') continue;
    char was = *p;
    *p = 0;
    struct stat st;
    ok = mkdir(copy, 0777) == 0 || (errno == EEXIST && stat(copy, &st) == 0 && S_ISDIR(st.st_mode));
    *p = was;
    if (!was) break;
  }
  if (!ok) *error = message("cannot make the directory `%s`: %s", path, strerror(errno));
  free(copy);
  return ok;
}
