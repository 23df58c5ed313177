#include "near_file.h"
#include "internal.h"
#include "nearest_word.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_NAMES = 1000 };

typedef struct {
  char *name[MAX_NAMES];
  int n;
} folder_names;

static char *text_of(const char *fmt, const char *a, const char *b) {
  char *text;
  if (asprintf(&text, fmt, a, b) < 0) out_of_memory();
  return text;
}

static void read_names(folder_names *f, const char *folder) {
  DIR *d = opendir(folder);
  for (struct dirent *e; d && f->n < MAX_NAMES && (e = readdir(d));)
    if (e->d_name[0] != '.') f->name[f->n++] = text_of("%s%s", e->d_name, "");
  if (d) closedir(d);
}

static const char *extension(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot ? dot : "";
}

/* Among the names with the extension of `name` by what stands before it; -1: none is near. */
static int same_extension(const folder_names *f, const char *name) {
  char *stem[MAX_NAMES] = {0}, *own = text_of("%s%s", name, "");
  int n = 0, index[MAX_NAMES], found = -1;
  own[strlen(name) - strlen(extension(name))] = 0;
  for (int i = 0; i < f->n; i++) {
    if (strcmp(extension(f->name[i]), extension(name)) != 0) continue;
    stem[n] = text_of("%s%s", f->name[i], "");
    stem[n][strlen(stem[n]) - strlen(extension(name))] = 0;
    index[n++] = i;
  }
  const char *near = nearest_word(own, (const char *const *)stem, n);
  for (int i = 0; i < n; i++) {
    if (stem[i] == near) found = index[i];
    free(stem[i]);
  }
  free(own);
  return found;
}

/* `small` for small.net, `m.onx` for m.onnx. */
static int other_extension(const folder_names *f, const char *name) {
  size_t n = strlen(name) - strlen(extension(name));
  for (int i = 0; i < f->n; i++)
    if (!strncmp(f->name[i], name, n) && f->name[i][n] == '.') return i;
  return -1;
}

static char *suggestion(const char *folder, const char *name) {
  folder_names f = {.n = 0};
  read_names(&f, *folder ? folder : ".");
  int i = same_extension(&f, name);
  if (i < 0) i = other_extension(&f, name);
  char *path = i >= 0 ? text_of("%s%s", folder, f.name[i]) : NULL;
  char *help = path ? text_of("did you mean `%s`?%s", path, "") : NULL;
  for (int k = 0; k < f.n; k++) free(f.name[k]);
  free(path);
  return help;
}

char *absent_file_help(const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  char *folder = text_of("%s%s", path, ""), *help;
  folder[name - path] = 0;
  if (*folder && access(folder, F_OK) && errno == ENOENT) {
    folder[strlen(folder) - 1] = 0;
    help = text_of("there is no folder `%s`%s", folder, "");
  } else {
    help = suggestion(folder, name);
  }
  free(folder);
  return help;
}
