/* Network files: reading, including, and the whole way to a checked graph. */
#include "expand.h"
#include "base/near_file.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_FILES = 256, MAX_FILE_BYTES = 4 << 20 };

const char *resolve_path(arena *a, const char *folder, const char *path) {
  if (path[0] == '/' || !folder[0]) return arena_strdup(a, path);
  return arena_printf(a, "%s/%s", folder, path);
}

static const char *folder_of(arena *a, const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash) return "";
  return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

static const char *name_of(arena *a, const char *path) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  const char *dot = strrchr(base, '.');
  return arena_strndup(a, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

/* NULL after an error at `at`. */
static const char *read_text(expander *x, const char *path, loc at, size_t *n) {
  struct stat st;
  FILE *f = fopen(path, "rb");
  const char *problem = NULL;
  if (!f || fstat(fileno(f), &st)) problem = strerror(errno);
  else if (!S_ISREG(st.st_mode)) problem = "this is no file";
  else if (st.st_size > MAX_FILE_BYTES)
    problem = "this file is too large to be a network (over 4 MB)";
  char *text = NULL;
  if (!problem) {
    text = arena_alloc(x->a, (size_t)st.st_size + 1);
    *n = fread(text, 1, (size_t)st.st_size, f);
    if (ferror(f)) problem = "cannot be read";
  }
  if (!problem) return fclose(f), text;
  if (f) fclose(f);
  char *help = errno == ENOENT && !f ? absent_file_help(path) : NULL;
  diag_error(x->d, at, help, "%s: %s", path, problem);
  if (!f) diag_note_folder(x->d, at, path);
  free(help);
  return NULL;
}

/* A metric and the total of its sums have one name. */
static bool belong_together(opkind a, opkind b) {
  return (a == OP_METRIC && b == OP_TOTAL) || (a == OP_TOTAL && b == OP_METRIC);
}

/* Two layers of a file are told apart by how many values they need as well; one of the library
   gives way to all of that name and those inputs. */
static bool told_apart(const expander *x, const opdef *a, const opdef *b) {
  return a->kind == OP_LAYER && b->kind == OP_LAYER && a->at.file >= x->first_file &&
         needed_values(a) != needed_values(b);
}

/* An operator of the same name that could take the same inputs. */
static opdef *same_form(const expander *x, const opdef *op) {
  int rank[MAX_INPUTS], len[MAX_PACKS];
  for (opdef *o = ops_find(x->g->ops, op->name); o; o = ops_find(o->next, op->name)) {
    if (belong_together(o->kind, op->kind)) continue;
    bool same = o->kind == op->kind && o->n_in == op->n_in && !told_apart(x, o, op);
    for (int i = 0; i < op->n_in; i++) rank[i] = op->in[i].n_dim;
    for (int i = 0; same && i < op->n_in; i++) same = o->in[i].is_int == op->in[i].is_int;
    if (o->kind != op->kind || (same && op_fits(o, op->n_in, rank, len))) return o;
  }
  return NULL;
}

static void unlink_operator(graph *g, const opdef *op) {
  opdef **link = &g->ops;
  while (*link != op) link = &(*link)->next;
  *link = op->next;
}

/* Takes out of the library what this one of the file's stands in for, which is the default then if
   that was. Returns the list of it. */
static opdef *replace_library(expander *x, opdef *op) {
  opdef *gone = NULL, *same = same_form(x, op);
  for (; same && same->at.file < x->first_file; same = same_form(x, op)) {
    unlink_operator(x->g, same);
    op->is_default |= same->is_default;
    same->next = gone;
    gone = same;
  }
  return gone;
}

/* Back into the library: what stood in for it is wrong. */
static void put_back(graph *g, opdef *gone) {
  while (gone) {
    opdef *next = gone->next;
    gone->next = g->ops;
    g->ops = gone;
    gone = next;
  }
}

/* At the end of the list, or among the rejected, in place of which the library's come back. */
static void add_checked(expander *x, opdef *op, opdef *gone) {
  opdef **end = &x->g->ops;
  while (*end) end = &(*end)->next;
  if (check_operator(x, op)) {
    *end = op;
    return;
  }
  op->next = x->rejected;
  x->rejected = op;
  put_back(x->g, gone);
}

static bool too_many_operators(expander *x, loc at) {
  int n = 0;
  for (const opdef *o = x->g->ops; o; o = o->next) n++;
  if (n > 300) diag_error(x->d, at, NULL, "too many operators");
  return n > 300;
}

/* The library comes first, the user's own operators after it, in the order of the text. */
static void add_operators(expander *x, opdef *ops) {
  for (opdef *next; ops; ops = next) {
    next = ops->next;
    opdef *gone = replace_library(x, ops), *same = same_form(x, ops);
    ops->next = NULL;
    if (same) {
      diag_error(x->d, ops->at, "choose another name", "there already is an operator `%s`",
                 ops->name);
      diag_note(x->d, same->at, "it is defined here");
    } else if (too_many_operators(x, ops->at)) {
      return;
    } else {
      add_checked(x, ops, gone);
    }
  }
}

static bool run_text(expander *x, const char *path, const char *text, size_t n) {
  syntax s;
  int file = diag_add_source(x->d, path, text, n);
  PUSH(x->a, x->g->source_path, x->g->n_source, path);
  if (strlen(text) != n) {
    diag_error(x->d, (loc){file, 1, 1, 1}, NULL, "this file holds zero bytes: it is no text");
    return false;
  }
  if (!parse_source(x->a, x->d, file, &s)) return false;
  add_operators(x, s.ops);
  const char *outer = x->folder;
  x->folder = folder_of(x->a, path);
  run_statements(x, s.body);
  x->folder = outer;
  return true;
}

static bool fewer_files(expander *x, loc at) {
  enum { DEEPEST = sizeof x->active / sizeof *x->active - 1 };
  if (x->file_depth == DEEPEST)
    diag_error(x->d, at, "let one file include what they hold, one after the other",
               "files include one another more than %d deep", DEEPEST);
  else if (++x->n_file > MAX_FILES)
    diag_error(x->d, at, "put what belongs together into one file",
               "more than %d files are included", MAX_FILES);
  return x->file_depth < DEEPEST && x->n_file <= MAX_FILES;
}

static bool may_include(expander *x, const char *path, loc at) {
  char real[PATH_MAX];
  if (!fewer_files(x, at)) return false;
  const char *id = realpath(path, real) ? real : path;
  for (int i = 0; i <= x->file_depth; i++)
    if (!strcmp(x->active[i], id)) {
      diag_error(x->d, at, NULL, "`%s` includes itself", path);
      return false;
    }
  x->active[++x->file_depth] = arena_strdup(x->a, id);
  return true;
}

void load_file(expander *x, const char *path, loc at) {
  size_t n = 0;
  if (!may_include(x, path, at)) {
    x->incomplete = true;
    return;
  }
  const char *text = read_text(x, path, at, &n);
  if (!text || !run_text(x, path, text, n)) x->incomplete = true;
  x->file_depth--;
}

static void check_overrides_used(expander *x) {
  for (int i = 0; x->over && i < x->over->n; i++)
    if (!x->over_used[i] && strcmp(x->over->word[i], "net"))
      diag_error(x->d, NOWHERE, NULL, "there is no `%s` in this network to be set to %s",
                 x->over->word[i], x->over->text[i]);
}

static graph *finish(expander *x, bool parsed) {
  if (parsed && !x->incomplete && !too_many_errors(x)) {
    check_output(x);
    read_train(x);
    add_normalize(x);
    add_variants(x);
    check_overrides_used(x);
  }
  return x->g;
}

static void start(expander *x, const char *path, const overrides *over) {
  arena *a = arena_new();
  *x = (expander){.a = a, .g = NEW(a, graph), .d = diag_new(a), .over = over, .folder = ""};
  x->g->mem = a;
  x->g->d = x->d;
  x->g->path = arena_strdup(a, path);
  x->g->name = name_of(a, path);
  x->g->ops = ops_library(a, x->d);
  x->first_file = oplib_n;
  x->scope = &x->global;
  x->input_at = x->classes_at = NOWHERE;
  x->over_used = NEW_N(a, bool, over ? over->n + 1 : 1);
  x->active[0] = x->g->path;
}

static graph *load_started(expander *x, const char *text, size_t n) {
  char real[PATH_MAX];
  if (!text) return finish(x, false);
  if (realpath(x->g->path, real)) x->active[0] = arena_strdup(x->a, real);
  x->g->text = text;
  return finish(x, run_text(x, x->g->path, text, n));
}

graph *graph_read_text(const char *path, const char *text, size_t n, const overrides *over) {
  expander x;
  start(&x, path, over);
  return load_started(&x, arena_strndup(x.a, text, n), n);
}

graph *graph_read(const char *path, const overrides *over) {
  expander x;
  size_t n = 0;
  for (int i = 0; over && i < over->n; i++)
    if (!strcmp(over->word[i], "net")) path = over->text[i];
  start(&x, path, over);
  const char *text = read_text(&x, path, NOWHERE, &n);
  return load_started(&x, text, n);
}

void graph_free(graph *g) {
  if (g) arena_free(g->mem);
}
