#include "run_dir.h"
#include "atomic_file.h"
#include "message.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = {"metrics.csv", "best.safetensors",       "last.safetensors",
                                    "run.json",    "checkpoint.safetensors", "curves.svg",
                                    "curves.png"};
enum { N_FILES = sizeof files / sizeof *files, N_MARKS = 5 };

static const char header[] = "epoch,train_loss,train_acc,val_loss,val_acc,seconds\n";

char *run_file(const char *dir, const char *file) { return message("%s/%s", dir, file); }

/* Makes the directories above path. */
static bool make_parents(const char *path, char **error) {
  const char *slash = strrchr(path, '/');
  if (!slash || slash == path) return true;
  char *parent = copy_string(path, (size_t)(slash - path));
  bool ok = make_directories(parent, error);
  free(parent);
  return ok;
}

char *run_dir_next(const char *path, char **error) {
  if (!make_parents(path, error)) return NULL;
  for (int i = 1;; i++) {
    char *name = i == 1 ? message("%s", path) : message("%s-%d", path, i);
    if (mkdir(name, 0777) == 0) return name;
    if (errno != EEXIST) {
      *error = message("cannot make the directory `%s`: %s", name, strerror(errno));
      free(name);
      return NULL;
    }
    free(name);
  }
}

bool run_dir_holds_run(const char *dir) {
  bool any = false;
  for (int i = 0; i < N_MARKS && !any; i++) {
    char *path = run_file(dir, files[i]);
    any = access(path, F_OK) == 0;
    free(path);
  }
  return any;
}

bool run_dir_lock(const char *dir, char **error) {
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    *error = message("cannot open the directory `%s`: %s", dir, strerror(errno));
    return false;
  }
  /* Never closed: the lock goes with the process. Where a file system knows no locks, there is
   * none. */
  if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return true;
  close(fd);
  *error = message("another netc is writing to `%s` at this moment", dir);
  return false;
}

void run_dir_clear(const char *dir) {
  for (int i = 0; i < N_FILES; i++) {
    char *path = run_file(dir, files[i]);
    unlink(path);
    free(path);
  }
}

/* ".last.safetensors.a1b2c3": what atomic_open writes to. */
static bool is_leftover(const char *name) {
  for (int i = 0; i < N_FILES; i++) {
    size_t n = strlen(files[i]);
    if (name[0] == '.' && !strncmp(name + 1, files[i], n) && name[n + 1] == '.' &&
        strlen(name + n + 2) == 6)
      return true;
  }
  return false;
}

void run_dir_tidy(const char *dir) {
  DIR *d = opendir(dir);
  for (struct dirent *e; d && (e = readdir(d));) {
    if (!is_leftover(e->d_name)) continue;
    char *path = run_file(dir, e->d_name);
    unlink(path);
    free(path);
  }
  if (d) closedir(d);
}

static void print_row(char buf[200], const epoch_row *r) {
  snprintf(buf, 200, "%d,%.9g,%.9g,%.9g,%.9g,%.4f\n", r->epoch, r->train_loss, r->train_acc,
           r->val_loss, r->val_acc, r->seconds);
}

bool metrics_write(const char *dir, const epoch_row *row, int n, char **error) {
  char *path = run_file(dir, "metrics.csv"), line[200];
  atomic_file a;
  bool ok = atomic_open(&a, path, error);
  if (ok) {
    fputs(header, a.f);
    for (int i = 0; i < n; i++) {
      print_row(line, &row[i]);
      fputs(line, a.f);
    }
    ok = atomic_commit(&a, error);
  }
  free(path);
  return ok;
}

bool metrics_append(const char *dir, const epoch_row *row, char **error) {
  char *path = run_file(dir, "metrics.csv"), line[200];
  print_row(line, row);
  bool ok = append_durable(path, line, error);
  free(path);
  return ok;
}

int metrics_read(const char *dir, epoch_row *row, int limit, char **error) {
  char *path = run_file(dir, "metrics.csv");
  size_t size;
  char *text = read_whole_file(path, 1 << 26, &size, error), *line = text;
  int n = text ? 0 : -1;
  if (text && strncmp(text, header, sizeof header - 1)) {
    *error = message("`%s` does not begin with the columns of a metrics file", path);
    n = -1;
  }
  /* A row that a crash cut off has no newline, and does not count. */
  while (n >= 0 && n < limit && (line = strchr(line, '\n')) && strchr(line + 1, '\n')) {
    epoch_row r;
    line++;
    if (sscanf(line, "%d,%lf,%lf,%lf,%lf,%lf", &r.epoch, &r.train_loss, &r.train_acc, &r.val_loss,
               &r.val_acc, &r.seconds) != 6)
      break;
    row[n++] = r;
  }
  free(text);
  free(path);
  return n;
}
