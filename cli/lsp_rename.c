/* Where names are given and used, through includes; and changing them there. */
#include "cli/lsp.h"
#include "runtime/message.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A file that names are looked for in. */
typedef struct {
  const char *path, *text;
  lsp_names names;
} looked;

typedef struct {
  arena *a;
  int n;
  looked *file; /* the document, then what it includes */
} lookup;

/* The text that the editor has of a file, or the one that was read. */
static const char *text_now(const lsp_document *open, const char *path, const char *read) {
  while (open && strcmp(open->path, path)) open = open->next;
  return open ? open->text : read;
}

static lookup look(arena *a, const lsp_document *open, const lsp_document *d) {
  lookup l = {.a = a};
  const opdef *ops = lsp_operators(a, d);
  looked own = {d->path, d->text, lsp_names_of(a, d->text, ops)};
  PUSH(a, l.file, l.n, own);
  for (int i = 0; d->g; i++) {
    const char *text = diag_source_text(d->g->d, i), *name = diag_source_name(d->g->d, i);
    if (!*text && !strcmp(name, "netc")) break;
    if (!strcmp(name, d->path) || !strncmp(name, "ops/", 4)) continue;
    text = text_now(open, name, text);
    looked other = {name, text, lsp_names_of(a, text, ops)};
    PUSH(a, l.file, l.n, other);
  }
  return l;
}

/* Is a symbol of one file what a symbol of another stands for? Names of blocks and operators stay
   in them. */
static bool same_symbol(const lsp_symbol *a, const lsp_symbol *b) {
  const bool kinds = a->kind == b->kind || (a->kind == LSP_FREE && b->kind != LSP_LABEL) ||
                     (b->kind == LSP_FREE && a->kind != LSP_LABEL);
  return !a->scope && !b->scope && kinds && a->name.n == b->name.n &&
         !strncmp(a->name.start, b->name.start, (size_t)a->name.n);
}

static const lsp_symbol *symbol_at(const lookup *l, lsp_position at) {
  const lsp_use *u = lsp_use_at(&l->file[0].names, text_at(l->file[0].text, at));
  return u ? &l->file[0].names.symbol[u->symbol] : NULL;
}

/* The file that gives a name, and *given in it; NULL: none that can be seen. */
static const looked *giver(const lookup *l, const lsp_symbol *s, const lsp_symbol **given) {
  for (int i = 0; i < l->n; i++)
    for (int k = 0; k < l->file[i].names.n_symbol; k++) {
      const lsp_symbol *t = &l->file[i].names.symbol[k];
      if (!t->given || (t != s && !same_symbol(t, s))) continue;
      *given = t;
      return &l->file[i];
    }
  return NULL;
}

static json_object *location(const char *path, const char *text, lsp_word w) {
  char *uri = lsp_uri(path);
  json_object *j = json_object_new_object();
  lsp_put(j, "uri", lsp_string(uri));
  lsp_put(j, "range", lsp_range(text, w.start, w.start + w.n));
  free(uri);
  return j;
}

/* The file that an `include` on this line names. */
static json_object *included(const lsp_document *d, const char *p) {
  const char *start = p;
  while (start > d->text && start[-1] != '\n' && start[-1] != ';') start--;
  start += strspn(start, " \t");
  const char *open = strchr(start, '"'), *slash = strrchr(d->path, '/');
  const char *close = open ? strchr(open + 1, '"') : NULL;
  if (!close || strncmp(start, "include", 7)) return NULL;
  int folder = open[1] == '/' || !slash ? 0 : (int)(slash - d->path) + 1;
  char *path = message("%.*s%.*s", folder, d->path, (int)(close - open - 1), open + 1);
  json_object *j = location(path, "", (lsp_word){"", 0});
  free(path);
  return j;
}

json_object *lsp_definition(const lsp_document *open, const lsp_document *d, lsp_position at) {
  json_object *file = included(d, text_at(d->text, at));
  if (file) return file;
  arena *a = arena_new();
  lookup l = look(a, open, d);
  const lsp_symbol *s = symbol_at(&l, at), *given = NULL;
  const looked *f = s ? giver(&l, s, &given) : NULL;
  json_object *j = f ? location(f->path, f->text, given->name) : NULL;
  arena_free(a);
  return j;
}

/* Calls `each` for every use of what a symbol of the document stands for. */
typedef void use_visitor(void *to, const looked *f, const lsp_use *u);
static void each_use(const lookup *l, const lsp_symbol *s, use_visitor *each, void *to) {
  for (int i = 0; i < l->n; i++)
    for (int k = 0; k < l->file[i].names.n_use; k++) {
      const lsp_use *u = &l->file[i].names.use[k];
      const lsp_symbol *t = &l->file[i].names.symbol[u->symbol];
      if (t == s || same_symbol(t, s)) each(to, &l->file[i], u);
    }
}

static void add_location(void *to, const looked *f, const lsp_use *u) {
  json_object_array_add(to, location(f->path, f->text, u->at));
}

json_object *lsp_references(const lsp_document *open, const lsp_document *d, lsp_position at) {
  arena *a = arena_new();
  lookup l = look(a, open, d);
  const lsp_symbol *s = symbol_at(&l, at), *given = NULL;
  json_object *list = s && giver(&l, s, &given) ? json_object_new_array() : NULL;
  if (list) each_use(&l, given, add_location, list);
  arena_free(a);
  return list;
}

/* --- renaming --- */

typedef struct {
  const char *name;
  json_object *changes;
} renaming;

static void add_edit(void *to, const looked *f, const lsp_use *u) {
  const renaming *r = to;
  char *uri = lsp_uri(f->path);
  json_object *list = json_object_object_get(r->changes, uri);
  if (!list) json_object_object_add(r->changes, uri, list = json_object_new_array());
  const bool brief = u->brief && r->name[1]; /* `s2` becomes `step=2` */
  char *by = message(brief ? "%s=" : "%s", r->name);
  json_object_array_add(list, lsp_edit(f->text, u->at.start, u->at.start + u->at.n, by));
  free(by), free(uri);
}

static bool is_name(const char *s) {
  if (!isalpha((unsigned char)*s) && *s != '_') return false;
  while (isalnum((unsigned char)*s) || *s == '_') s++;
  return !*s;
}

static bool is_keyword(const char *name) {
  for (int i = 0; i < lsp_n_known; i++)
    if (lsp_known_words[i].where == LSP_IN_FILE && !strcmp(lsp_known_words[i].word, name))
      return true;
  return false;
}

/* Does another name of the same files stand in the way? */
static bool is_taken(const lookup *l, const lsp_symbol *s, const char *name) {
  for (int i = 0; i < l->n; i++)
    for (int k = 0; k < l->file[i].names.n_symbol; k++) {
      const lsp_symbol *t = &l->file[i].names.symbol[k];
      const bool labels = (t->kind == LSP_LABEL) == (s->kind == LSP_LABEL);
      const bool meets = t->scope == s->scope || (!t->scope && s->kind != LSP_LOCAL) || !s->scope;
      if (t != s && t->given && labels && t->kind != LSP_LOCAL && meets && word_is(t->name, name))
        return true;
      if (t->kind == LSP_LOCAL && t->scope == s->scope && t != s && word_is(t->name, name))
        return true;
    }
  return false;
}

static const char *refusal(const lookup *l, const lsp_symbol *given, const char *name) {
  if (!given) return "there is no name here that these files give";
  if (!is_name(name)) return "a name has letters, digits and _, and begins with no digit";
  if (is_keyword(name)) return "this is a word of the language";
  if (is_taken(l, given, name)) return "there is such a name already";
  return NULL;
}

json_object *lsp_rename(const lsp_document *open, const lsp_document *d, lsp_position at,
                        const char *name, char **why) {
  arena *a = arena_new();
  lookup l = look(a, open, d);
  const lsp_symbol *s = symbol_at(&l, at), *given = NULL;
  if (s) giver(&l, s, &given);
  const char *no = refusal(&l, given, name);
  json_object *j = no ? NULL : json_object_new_object();
  renaming r = {name, no ? NULL : json_object_new_object()};
  if (no) *why = copy_string(no, strlen(no));
  else each_use(&l, given, add_edit, &r), lsp_put(j, "changes", r.changes);
  arena_free(a);
  return j;
}

json_object *lsp_renamed(const lsp_document *open, const lsp_document *d, lsp_position at) {
  arena *a = arena_new();
  lookup l = look(a, open, d);
  const lsp_symbol *s = symbol_at(&l, at), *given = NULL;
  const lsp_use *u = lsp_use_at(&l.file[0].names, text_at(d->text, at));
  json_object *j =
      s && giver(&l, s, &given) ? lsp_range(d->text, u->at.start, u->at.start + u->at.n) : NULL;
  arena_free(a);
  return j;
}

/* --- the outline --- */

json_object *lsp_outline(const lsp_document *d) {
  enum { FUNCTION = 12, VARIABLE = 13, OPERATOR = 25, KEY = 20 };
  static const int kinds[] = {
      [LSP_LET] = VARIABLE, [LSP_BLOCK] = FUNCTION, [LSP_LABEL] = KEY, [LSP_OPERATOR] = OPERATOR};
  arena *a = arena_new();
  lsp_names names = lsp_names_of(a, d->text, lsp_operators(a, d));
  json_object *list = json_object_new_array();
  for (int i = 0; i < names.n_symbol; i++) {
    const lsp_symbol *s = &names.symbol[i];
    if (!s->given || s->kind == LSP_PARAMETER || s->kind == LSP_LOCAL) continue;
    json_object *j = json_object_new_object();
    lsp_put(j, "name", lsp_string(arena_strndup(a, s->name.start, (size_t)s->name.n)));
    lsp_put(j, "kind", json_object_new_int(kinds[s->kind]));
    lsp_put(j, "range", lsp_range(d->text, s->name.start, s->name.start + s->name.n));
    lsp_put(j, "selectionRange", lsp_range(d->text, s->name.start, s->name.start + s->name.n));
    json_object_array_add(list, j);
  }
  arena_free(a);
  return list;
}
