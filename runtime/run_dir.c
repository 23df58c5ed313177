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

static const char columns[] = "epoch,train_loss,train_acc,val_loss,val_acc,seconds";

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

static bool lock_directory(const char *dir, int how, char **error) {
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    *error = message("cannot open the directory `%s`: %s", dir, strerror(errno));
    return false;
  }
  /* Never closed: the lock goes with the process. Where a file system knows no locks, there is
   * none. */
  if (flock(fd, how | LOCK_NB) == 0 || errno != EWOULDBLOCK) return true;
  close(fd);
  *error = message("another netc is writing to `%s` at this moment", dir);
  return false;
}

bool run_dir_lock(const char *dir, char **error) { return lock_directory(dir, LOCK_EX, error); }

bool run_dir_share(const char *dir, char **error) { return lock_directory(dir, LOCK_SH, error); }

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

enum { ROW_TEXT = 500 };

static void print_row(char buf[ROW_TEXT], const metric_names *names, const epoch_row *r) {
  int at = snprintf(buf, ROW_TEXT, "%d,%.9g,%.9g,%.9g,%.9g,%.4f", r->epoch, r->train_loss,
                    r->train_acc, r->val_loss, r->val_acc, r->seconds);
  for (int i = 0; i < names->n; i++)
    at += snprintf(buf + at, (size_t)(ROW_TEXT - at), ",%.9g", r->more[i]);
  for (int i = 0; i < names->n_own; i++)
    at += snprintf(buf + at, (size_t)(ROW_TEXT - at), ",%.9g", r->own[i]);
  snprintf(buf + at, (size_t)(ROW_TEXT - at), "\n");
}

/* The columns of every run, and those of its task. */
static char *header_of(const metric_names *names) {
  char *s = message("%s", columns);
  for (int i = 0; i < names->n; i++) s = free_and(s, message("%s,%s", s, names->name[i]));
  for (int i = 0; i < names->n_own; i++) s = free_and(s, message("%s,%s", s, names->own[i]));
  return free_and(s, message("%s\n", s));
}

bool metrics_write(const char *dir, const metric_names *names, const epoch_row *row, int n,
                   char **error) {
  char *path = run_file(dir, "metrics.csv"), *header = header_of(names), line[ROW_TEXT];
  atomic_file a;
  bool ok = atomic_open(&a, path, error);
  if (ok) {
    fputs(header, a.f);
    for (int i = 0; i < n; i++) {
      print_row(line, names, &row[i]);
      fputs(line, a.f);
    }
    ok = atomic_commit(&a, error);
  }
  free(header);
  free(path);
  return ok;
}

bool metrics_append(const char *dir, const metric_names *names, const epoch_row *row,
                    char **error) {
  char *path = run_file(dir, "metrics.csv"), line[ROW_TEXT];
  print_row(line, names, row);
  bool ok = append_durable(path, line, error);
  free(path);
  return ok;
}

/* How many columns of the header are a task's, if the last n_own are the file's. */
static int task_columns(const char *header, int n_own) {
  int n = -n_own;
  for (const char *at = header + strlen(columns); *at && *at != '\n'; at++) n += *at == ',';
  return n < 0 ? 0 : n > METRIC_VALUES ? METRIC_VALUES : n;
}

/* False where the line is none. */
static bool read_row(const char *line, int of_task, epoch_row *r) {
  int used = 0, more = 0;
  *r = (epoch_row){0};
  if (sscanf(line, "%d,%lf,%lf,%lf,%lf,%lf%n", &r->epoch, &r->train_loss, &r->train_acc,
             &r->val_loss, &r->val_acc, &r->seconds, &used) != 6)
    return false;
  for (int i = 0; i < of_task && sscanf(line + used, ",%lf%n", &r->more[i], &more) == 1; i++)
    used += more;
  for (int i = 0; i < MAX_METRICS && sscanf(line + used, ",%lf%n", &r->own[i], &more) == 1; i++)
    used += more;
  return true;
}

static bool is_metrics(const char *text) {
  const size_t n = strlen(columns);
  return !strncmp(text, columns, n) && (text[n] == '\n' || text[n] == ',');
}

int metrics_read(const char *dir, int n_own, epoch_row *row, int limit, char **error) {
  char *path = run_file(dir, "metrics.csv");
  size_t size;
  char *text = read_whole_file(path, 1 << 26, &size, error), *line = text;
  int n = text ? 0 : -1;
  if (text && !is_metrics(text)) {
    *error = message("`%s` does not begin with the columns of a metrics file", path);
    n = -1;
  }
  const int of_task = n < 0 ? 0 : task_columns(text, n_own);
  /* A row that a crash cut off has no newline, and does not count. */
  while (n >= 0 && n < limit && (line = strchr(line, '\n')) && strchr(line + 1, '\n')) {
    if (!read_row(++line, of_task, &row[n])) break;
    n++;
  }
  free(text);
  free(path);
  return n;
}
