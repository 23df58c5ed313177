/* A walk over a text's words, which notes every name that it gives or uses, and, for one place,
   which statement that is in. It follows the grammar of compiler/lang/parse.y as far as names go,
   and takes what does not fit as it comes: a text is wrong most of the time that somebody types it.
 */
#include "cli/lsp_names.h"
#include <ctype.h>
#include <string.h>

/* A name (without `.h` behind it), an @reference, a string, a number, or a character. */
typedef enum { T_NAME = 'a', T_REF = '@', T_STRING = '"', T_NUMBER = '0', T_END = 0 } token_kind;
typedef struct {
  int kind;
  lsp_word w;      /* of a reference without the @ and without what follows a dot */
  const char *end; /* of all of it */
} token;

/* A word that stands for something, before it is known for what. */
typedef enum { GIVES, USES, USES_LABEL, KEY, BRIEF } mention_role;
typedef struct {
  mention_role role;
  lsp_kind kind; /* what it gives */
  lsp_word w, callee;
  int scope;
} mention;

typedef struct {
  arena *a;
  int n, i;
  token *t;
  int n_mention;
  mention *mention;
  int scope, n_scope;
  const char *at; /* the place that is asked about, or NULL */
  bool placed;
  lsp_place now, place;
} walk;

/* --- words --- */

static bool begins_name(char c) { return isalpha((unsigned char)c) || c == '_'; }
static bool in_name(char c) { return isalnum((unsigned char)c) || c == '_'; }

static const char *name_end(const char *p) {
  while (in_name(*p)) p++;
  return p;
}

/* "k" of "k.h", and all of it. */
static token name_token(const char *p, int kind) {
  const char *end = name_end(p), *all = end;
  while (*all == '.' && begins_name(all[1])) all = name_end(all + 1);
  return (token){kind, {p, (int)(end - p)}, all};
}

static token next_token(const char *p) {
  if (begins_name(*p)) return name_token(p, T_NAME);
  if (*p == '@' && begins_name(p[1])) return name_token(p + 1, T_REF);
  const char *end = p + 1;
  if (isdigit((unsigned char)*p) || (*p == '.' && isdigit((unsigned char)p[1]))) {
    while (in_name(*end) || (*end == '.' && isdigit((unsigned char)end[1]))) end++;
    return (token){T_NUMBER, {p, (int)(end - p)}, end};
  }
  if (*p == '"') {
    end += strcspn(end, "\"\n");
    if (*end == '"') end++;
    return (token){T_STRING, {p, (int)(end - p)}, end};
  }
  return (token){(unsigned char)*p, {p, 1}, end};
}

static void split(walk *w, const char *p) {
  for (;;) {
    while (isspace((unsigned char)*p) || !strncmp(p, "\xef\xbb\xbf", 3))
      p += isspace((unsigned char)*p) ? 1 : 3;
    if (*p == '#') {
      p += strcspn(p, "\n");
      continue;
    }
    token t = *p ? next_token(p) : (token){T_END, {p, 0}, p};
    PUSH(w->a, w->t, w->n, t);
    if (t.kind == T_END) return;
    p = t.end;
  }
}

static const token *ahead(const walk *w, int by) {
  return &w->t[w->i + by < w->n ? w->i + by : w->n - 1];
}

static bool is(const token *t, const char *word) {
  return t->kind == T_NAME && t->end == t->w.start + t->w.n && word_is(t->w, word);
}

static bool is_any(const token *t, const char *const *words) {
  while (*words && !is(t, *words)) words++;
  return *words != NULL;
}

/* Takes a word; where the place that is asked about lies before or in it, that is known now. */
static token *step(walk *w) {
  token *t = &w->t[w->i];
  const bool reaches =
      w->at && (t->w.start >= w->at || (t->end >= w->at && begins_name(*t->w.start)));
  if (!w->placed && (reaches || t->kind == T_END)) {
    w->placed = true;
    w->place = w->now;
    w->place.scope = w->scope;
    w->place.reference = t->kind == T_REF && t->w.start <= w->at;
  }
  if (w->i < w->n - 1) w->i++;
  return t;
}

static void note(walk *w, mention_role role, lsp_kind kind, lsp_word word, lsp_word callee) {
  mention m = {role, kind, word, callee, w->scope};
  PUSH(w->a, w->mention, w->n_mention, m);
}

static void gives(walk *w, lsp_kind kind, lsp_word word) {
  note(w, GIVES, kind, word, (lsp_word){0});
}

static void uses(walk *w, lsp_word word) { note(w, USES, LSP_FREE, word, (lsp_word){0}); }

/* --- the layer language --- */

static void statements(walk *w);

/* Settings of `train` whose words are their own, and no names of the file. */
static bool has_own_words(lsp_word statement) {
  static const char *const words[] = {"data",    "split",     "schedule", "stop",
                                      "augment", "normalize", NULL};
  const char *const *p = words;
  while (*p && !word_is(statement, *p)) p++;
  return *p != NULL;
}

static bool ends_statement(const token *t) {
  return t->kind == ';' || t->kind == '}' || t->kind == T_END;
}

static void arithmetic(walk *w) {
  for (int depth = 0; !ends_statement(ahead(w, 0));) {
    token *t = step(w);
    depth += t->kind == '(' ? 1 : t->kind == ')' ? -1 : 0;
    if (t->kind == T_NAME && ahead(w, 0)->kind != '(') uses(w, t->w);
    if (depth <= 0) return;
  }
}

static void branch(walk *w) {
  const lsp_place outside = w->now;
  step(w);
  w->now.statement = w->now.second = (lsp_word){0};
  statements(w);
  w->now = outside;
  if (ahead(w, 0)->kind == '}') step(w);
}

static void skip_branch(walk *w) {
  while (ahead(w, 0)->kind != '}' && ahead(w, 0)->kind != T_END) step(w);
  if (ahead(w, 0)->kind == '}') step(w);
}

/* `k3`, `s2`, `k3x5`: a letter and its value. */
static bool is_brief(lsp_word w) {
  return w.n > 1 && isalpha((unsigned char)*w.start) && isdigit((unsigned char)w.start[1]);
}

static void argument(walk *w, lsp_word callee) {
  token *t = step(w);
  const bool own = w->now.where == LSP_IN_TRAIN && has_own_words(w->now.statement);
  if (t->kind == T_REF) note(w, USES_LABEL, LSP_LABEL, t->w, callee);
  if (t->kind != T_NAME) return;
  if (ahead(w, 0)->kind == '=') {
    if (!own && w->now.where == LSP_IN_FILE) note(w, KEY, LSP_FREE, t->w, callee);
    step(w);
    if (own && ahead(w, 0)->kind == T_NAME) step(w);
    return;
  }
  if (own) return;
  if (is_brief(t->w)) note(w, BRIEF, LSP_FREE, (lsp_word){t->w.start, 1}, callee);
  uses(w, t->w);
}

static void arguments(walk *w, lsp_word callee) {
  while (!ends_statement(ahead(w, 0))) {
    const token *t = ahead(w, 0);
    const lsp_word first = t->w;
    const bool own = w->now.where == LSP_IN_TRAIN && has_own_words(w->now.statement);
    if (t->kind == '{' && own) skip_branch(w);
    else if (t->kind == '{') branch(w);
    else if (t->kind == '(') arithmetic(w);
    else argument(w, callee);
    if (!w->now.second.n) w->now.second = first;
  }
}

/* `(c, s=1)` of a block. */
static void parameters(walk *w) {
  if (ahead(w, 0)->kind != '(') return;
  step(w);
  while (!ends_statement(ahead(w, 0)) && ahead(w, 0)->kind != ')' && ahead(w, 0)->kind != '{') {
    token *t = step(w);
    if (t->kind == T_NAME) gives(w, LSP_PARAMETER, t->w);
    if (t->kind != T_NAME || ahead(w, 0)->kind != '=') continue;
    step(w);
    if (ahead(w, 0)->kind == '(') arithmetic(w);
    else if (step(w)->kind == T_NAME) uses(w, w->t[w->i - 1].w);
  }
  if (ahead(w, 0)->kind == ')') step(w);
}

static void body(walk *w) {
  if (ahead(w, 0)->kind == '{') branch(w);
}

static void block(walk *w) {
  step(w);
  const token *name = step(w);
  if (name->kind != T_NAME) return;
  gives(w, LSP_BLOCK, name->w);
  w->scope = ++w->n_scope;
  parameters(w);
  body(w);
  w->scope = 0;
}

static void settings_body(walk *w, lsp_where where) {
  const lsp_where outside = w->now.where;
  w->now.where = where;
  body(w);
  w->now.where = outside;
}

static void repeat(walk *w) {
  if (ahead(w, 0)->kind == '(') arithmetic(w);
  else if (ahead(w, 0)->kind == T_NAME) uses(w, step(w)->w);
  else step(w);
  if (is(ahead(w, 0), "shared")) step(w);
  body(w);
}

static void call(walk *w) {
  const token *t = step(w);
  if (w->now.where != LSP_IN_TRAIN) uses(w, t->w);
  w->now.statement = t->w;
  arguments(w, t->w);
}

static void let(walk *w) {
  w->now.statement = step(w)->w;
  if (ahead(w, 0)->kind == T_NAME) gives(w, LSP_LET, step(w)->w);
  if (ahead(w, 0)->kind == '=') step(w);
  arguments(w, (lsp_word){0});
}

static void operator_text(walk *w);

/* `test NAME(x[2,3], k=3);` */
static void test_line(walk *w) {
  w->now.statement = step(w)->w;
  if (ahead(w, 0)->kind == T_NAME) uses(w, step(w)->w);
  while (!ends_statement(ahead(w, 0))) step(w);
}

static void statement(walk *w) {
  const token *t = ahead(w, 0), *next = ahead(w, 1);
  if (t->kind == T_NAME && next->kind == ':') {
    gives(w, LSP_LABEL, t->w);
    step(w), step(w);
  }
  t = ahead(w, 0), next = ahead(w, 1);
  if (t->kind != T_NAME) arguments(w, (lsp_word){0});
  else if (is(t, "shared") && is(next, "block")) step(w);
  else if (is(t, "block") && next->kind == T_NAME) block(w);
  else if (is(t, "let")) let(w);
  else if (is(t, "op") && next->kind == T_NAME) operator_text(w);
  else if (is(t, "test") && next->kind == T_NAME) test_line(w);
  else if (is(t, "train") && next->kind == '{') step(w), settings_body(w, LSP_IN_TRAIN);
  else if (is(t, "sweep") && next->kind == T_NAME) step(w), step(w), settings_body(w, LSP_IN_SWEEP);
  else if (is(t, "repeat")) step(w), repeat(w);
  else if (is(t, "frozen") && next->kind == '{') step(w), body(w);
  else call(w);
}

/* Up to the brace that ends them, which stays. */
static void statements(walk *w) {
  while (ahead(w, 0)->kind != '}' && ahead(w, 0)->kind != T_END) {
    if (ahead(w, 0)->kind != ';') statement(w);
    if (ahead(w, 0)->kind != ';') continue;
    step(w);
    w->now.statement = w->now.second = (lsp_word){0};
  }
}

/* --- the operator notation --- */

/* Words of its own, where they stand as such: a tensor may be called `loss` or `scan`. */
static bool own_word(const walk *w, bool header, bool onnx) {
  static const char *const always[] = {"param", "state", "file",  "when", "int",   "pair",
                                       "as",    "for",   "if",    "else", "infer", "need",
                                       "onnx",  "let",   "train", "lr",   NULL};
  static const char *const options[] = {"loss",    "optimizer", "metric", "total",
                                        "default", "folds",     "binary", "shares",
                                        "weights", "rises",     "of",     NULL};
  const token *t = ahead(w, 0), *next = ahead(w, 1);
  const int before = w->i ? w->t[w->i - 1].kind : 0;
  return is_any(t, always) || next->kind == '(' || before == '|' || (onnx && next->kind == '=') ||
         (header && before != '[' && next->kind != '[' && is_any(t, options)) ||
         (is(t, "scan") && next->kind == T_NAME);
}

static void operator_text(walk *w) {
  const lsp_place outside = w->now;
  w->now = (lsp_place){.where = LSP_IN_OPERATOR, .statement = ahead(w, 0)->w};
  step(w);
  gives(w, LSP_OPERATOR, step(w)->w);
  w->scope = ++w->n_scope;
  bool onnx = false;
  for (int depth = 0, body = 0; ahead(w, 0)->kind != T_END;) {
    const token *t = ahead(w, 0);
    if (t->kind == ';') onnx = false;
    if (t->kind == T_NAME && !own_word(w, !body, onnx)) gives(w, LSP_LOCAL, t->w);
    if (is(t, "onnx")) onnx = true;
    step(w);
    depth += t->kind == '{' ? 1 : t->kind == '}' ? -1 : 0;
    body |= t->kind == '{';
    if (is(t, "onnx") && ahead(w, 0)->kind == T_NAME) gives(w, LSP_LOCAL, step(w)->w);
    if (body && depth <= 0) break;
  }
  w->scope = 0;
  w->now = outside;
}

static void walk_text(walk *w, const char *text) {
  split(w, text);
  while (ahead(w, 0)->kind != T_END) {
    statements(w);
    if (ahead(w, 0)->kind == '}') step(w); /* that nothing has opened */
  }
  step(w);
}

/* --- what the words stand for --- */

static bool same_word(lsp_word a, lsp_word b) {
  return a.n == b.n && !strncmp(a.start, b.start, (size_t)a.n);
}

static int find_symbol(const lsp_names *l, lsp_kind kind, lsp_word w, int scope) {
  for (int i = 0; i < l->n_symbol; i++)
    if (l->symbol[i].kind == kind && l->symbol[i].scope == scope && same_word(l->symbol[i].name, w))
      return i;
  return -1;
}

static int add_symbol(arena *a, lsp_names *l, lsp_kind kind, lsp_word w, int scope, bool given) {
  lsp_symbol s = {.kind = kind, .name = w, .scope = scope, .given = given};
  PUSH(a, l->symbol, l->n_symbol, s);
  return l->n_symbol - 1;
}

/* What a bare word is: the nearest of these; a word that no line gives may be of another file. */
static int find_word(const lsp_names *l, lsp_word w, int scope) {
  static const lsp_kind kinds[] = {LSP_LET, LSP_BLOCK, LSP_OPERATOR};
  int i = find_symbol(l, LSP_PARAMETER, w, scope);
  for (int k = 0; i < 0 && k < 3; k++) i = find_symbol(l, kinds[k], w, 0);
  return i < 0 ? find_symbol(l, LSP_FREE, w, 0) : i;
}

static bool operator_takes(const opdef *ops, lsp_word callee, lsp_word key) {
  for (const opdef *op = ops; op; op = op->next)
    if (word_is(callee, op->name))
      for (int i = 0; i < op->n_set; i++)
        if (word_is(key, op->set[i].name)) return true;
  return false;
}

/* The setting of a block or an operator of this text that a key stands for; -1: none. */
static int find_setting(const lsp_names *l, lsp_word callee, lsp_word key) {
  for (int i = 0; i < l->n_symbol; i++) {
    const lsp_symbol *s = &l->symbol[i];
    const bool setting = s->kind == LSP_PARAMETER || s->kind == LSP_LOCAL;
    if (setting && same_word(s->name, key) && same_word(s->holder, callee)) return i;
  }
  return -1;
}

static int symbol_of(arena *a, lsp_names *l, const mention *m, const opdef *ops) {
  int i = -1;
  switch (m->role) {
  case GIVES: return find_symbol(l, m->kind, m->w, m->scope);
  case USES_LABEL:
    i = find_symbol(l, LSP_LABEL, m->w, m->scope);
    if (i < 0) i = find_symbol(l, LSP_LABEL, m->w, 0);
    return i < 0 ? add_symbol(a, l, LSP_LABEL, m->w, 0, false) : i;
  case USES:
    i = find_word(l, m->w, m->scope);
    return i < 0 ? add_symbol(a, l, LSP_FREE, m->w, 0, false) : i;
  case KEY:
    i = find_setting(l, m->callee, m->w);
    return i >= 0 || operator_takes(ops, m->callee, m->w) ? i : find_word(l, m->w, m->scope);
  case BRIEF: return find_setting(l, m->callee, m->w);
  }
  return i;
}

/* Whose names a scope holds is the block or operator that was given right before it. */
static void add_given(arena *a, lsp_names *l, const walk *w) {
  lsp_word holder = {0};
  for (int k = 0; k < w->n_mention; k++) {
    const mention *m = &w->mention[k];
    if (m->role != GIVES) continue;
    if (m->kind == LSP_BLOCK || m->kind == LSP_OPERATOR) holder = m->w;
    if (find_symbol(l, m->kind, m->w, m->scope) >= 0) continue;
    int i = add_symbol(a, l, m->kind, m->w, m->scope, true);
    if (m->scope) l->symbol[i].holder = holder;
  }
}

lsp_names lsp_names_of(arena *a, const char *text, const opdef *ops) {
  walk w = {.a = a};
  lsp_names l = {0};
  walk_text(&w, text);
  add_given(a, &l, &w);
  for (int k = 0; k < w.n_mention; k++) {
    const mention *m = &w.mention[k];
    lsp_use u = {m->w, symbol_of(a, &l, m, ops), m->role == BRIEF};
    if (u.symbol >= 0) PUSH(a, l.use, l.n_use, u);
  }
  return l;
}

const lsp_use *lsp_use_at(const lsp_names *l, const char *at) {
  const lsp_use *found = NULL;
  for (int i = 0; i < l->n_use; i++) {
    const lsp_use *u = &l->use[i];
    if (at < u->at.start || at > u->at.start + u->at.n) continue;
    if (!found || l->symbol[u->symbol].given) found = u;
  }
  return found;
}

static bool in_comment_or_string(const char *text, const char *at) {
  bool comment = false, string = false;
  for (const char *p = text; p < at && *p; p++) {
    if (*p == '\n') comment = string = false;
    else if (*p == '#' && !string) comment = true;
    else if (*p == '"' && !comment) string = !string;
  }
  return comment || string;
}

lsp_place lsp_place_of(arena *a, const char *text, const char *at) {
  walk w = {.a = a, .at = at};
  walk_text(&w, text);
  if (in_comment_or_string(text, at)) w.place.where = LSP_IN_TEXT;
  return w.place;
}
