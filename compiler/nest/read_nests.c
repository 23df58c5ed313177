/* read_nests: what dump_nests prints, read back; up to the pass before halo, after which tensors
   have strides and nests schedules, which are not read. Made for tests of single passes. */
#include "picks.h"
#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SHARED = 1000 };

typedef struct {
  nestprog *p;
  nest *n;
  const char *at, *start;
  expr *shared[MAX_SHARED]; /* %1, %2 .. of the nest at hand */
  const char *pick;         /* the picked axis of the nest at hand, or NULL */
  char **error;
  jmp_buf failed;
} reader;

static _Noreturn void fail(reader *r, const char *what) {
  int line = 1;
  for (const char *s = r->start; s < r->at; s++) line += *s == '\n';
  *r->error = arena_printf(r->p->mem, "line %d: %s, not `%.20s`", line, what, r->at);
  longjmp(r->failed, 1);
}

/* --- words --- */

static void blanks(reader *r) {
  while (*r->at == ' ') r->at++;
}

static bool accept(reader *r, const char *word) {
  blanks(r);
  if (strncmp(r->at, word, strlen(word))) return false;
  r->at += strlen(word);
  return true;
}

static void expect(reader *r, const char *word) {
  if (!accept(r, word)) fail(r, arena_printf(r->p->mem, "`%s` was expected", word));
}

static void next_line(reader *r) {
  r->at += strcspn(r->at, "\n");
  if (*r->at) r->at++;
}

static bool in_name(char c) { return isalnum((unsigned char)c) || strchr("_.'@", c); }

static const char *name(reader *r) {
  blanks(r);
  size_t n = 0;
  while (r->at[n] && in_name(r->at[n])) n++;
  if (!n) fail(r, "a name was expected");
  r->at += n;
  return arena_strndup(r->p->mem, r->at - n, n);
}

static int64_t whole(reader *r) {
  blanks(r);
  char *end;
  long long v = strtoll(r->at, &end, 10);
  if (end == r->at) fail(r, "a whole number was expected");
  r->at = end;
  return v;
}

/* --- indices --- */

static int axis_named(const nest *n, const char *word) {
  for (int a = 0; a < n->n_axis; a++)
    if (!strcmp(n->axis[a].name, word)) return a;
  return -1;
}

static affine index_term(reader *r, int64_t sign) {
  int64_t k = 1;
  if (isdigit((unsigned char)*r->at)) {
    k = whole(r);
    if (*r->at != '*') return aff_const(sign * k);
    r->at++;
  }
  int ax = axis_named(r->n, name(r));
  if (ax < 0) fail(r, "there is no such axis");
  return aff_axis(ax, sign * k);
}

static affine index_of(reader *r) {
  affine x = aff_const(0);
  blanks(r);
  for (bool first = true; first || *r->at == '+' || *r->at == '-'; first = false) {
    int64_t sign = *r->at == '-' ? -1 : 1;
    if (*r->at == '+' || *r->at == '-') r->at++;
    x = aff_add(x, index_term(r, sign));
  }
  return x;
}

static tensor *tensor_named(reader *r, const char *word) {
  for (int i = 0; i < r->p->n_tensor; i++)
    if (!strcmp(r->p->tensor[i]->name, word)) return r->p->tensor[i];
  fail(r, "there is no such tensor");
}

/* `t[i,j+1]`, from behind the name. */
static access access_at(reader *r, const char *word) {
  tensor *t = tensor_named(r, word);
  affine ix[MAX_DIMS];
  expect(r, "[");
  for (int d = 0; d < t->rank; d++) {
    if (d) expect(r, ",");
    ix[d] = index_of(r);
  }
  expect(r, "]");
  return access_of(r->p->ex, t, ix);
}

/* --- expressions --- */

static expr *expression(reader *r);

static ekind function_named(reader *r, const char *word) {
  for (int k = E_RAND + 1; k < E_COUNT; k++)
    if (!strcmp(scalar_word((ekind)k), word)) return (ekind)k;
  fail(r, "there is no such function");
}

static expr *call(reader *r, const char *word) {
  expr *a[3] = {0};
  expect(r, "(");
  if (!strncmp(word, "rand", 4) && isdigit((unsigned char)word[4])) {
    affine at = index_of(r);
    expect(r, ")");
    return e_rand(r->p->ex, at, atoll(word + 4));
  }
  ekind k = function_named(r, word);
  for (int i = 0; i < scalar_arity(k); i++) {
    if (i) expect(r, ",");
    a[i] = expression(r);
  }
  expect(r, ")");
  return e_op(r->p->ex, k, a[0], a[1], a[2]);
}

/* `(..)` holds an index, unless something is read, called or spaced in it. */
static bool holds_index(const char *at) {
  size_t n = strcspn(at, ")[( %");
  return at[n] == ')' && strncmp(at, "acc", 3);
}

static expr *primary(reader *r) {
  exprs *x = r->p->ex;
  blanks(r);
  if (accept(r, "-inf")) return e_const(x, -INFINITY);
  if (accept(r, "(")) {
    expr *e = holds_index(r->at) ? e_index(x, index_of(r)) : expression(r);
    expect(r, ")");
    return e;
  }
  if (accept(r, "%")) {
    int64_t k = whole(r);
    if (k < 1 || k >= MAX_SHARED || !r->shared[k]) fail(r, "this value is not known");
    return r->shared[k];
  }
  if (isdigit((unsigned char)*r->at) || *r->at == '-') {
    char *end;
    double v = strtod(r->at, &end);
    r->at = end;
    return e_const(x, v);
  }
  const char *word = name(r);
  if (*r->at == '[') return e_read(x, access_at(r, word));
  if (*r->at == '(') return call(r, word);
  if (!strcmp(word, "acc")) return e_acc(x);
  if (!strcmp(word, "inf")) return e_const(x, INFINITY);
  fail(r, "a value was expected");
}

static expr *product(reader *r) {
  expr *e = primary(r);
  while (*r->at == '*' || *r->at == '/') {
    ekind k = *r->at++ == '*' ? E_MUL : E_DIV;
    e = e_op(r->p->ex, k, e, primary(r), NULL);
  }
  return e;
}

static expr *sum(reader *r) {
  expr *e = product(r);
  while (!strncmp(r->at, " + ", 3) || !strncmp(r->at, " - ", 3)) {
    ekind k = r->at[1] == '+' ? E_ADD : E_SUB;
    r->at += 3;
    e = e_op(r->p->ex, k, e, product(r), NULL);
  }
  return e;
}

static expr *expression(reader *r) {
  expr *e = sum(r);
  for (int k = E_EQ; k <= E_GE; k++) {
    const char *word = arena_printf(r->p->mem, " %s ", scalar_word((ekind)k));
    if (strncmp(r->at, word, strlen(word))) continue;
    r->at += strlen(word);
    return e_op(r->p->ex, (ekind)k, e, sum(r), NULL);
  }
  return e;
}

/* --- tensors --- */

static void read_tensor(reader *r) {
  int64_t dim[MAX_DIMS];
  int rank = 0;
  const char *word = name(r);
  trole role = T_INPUT;
  while (role <= T_METRIC && strcmp(role_word(role), word)) role++;
  if (role > T_METRIC) fail(r, "there is no such role");
  bool is_int = accept(r, "int ");
  const char *called = name(r);
  expect(r, "[");
  do dim[rank++] = whole(r);
  while (rank < MAX_DIMS && accept(r, ","));
  expect(r, "]");
  tensor *t = tensor_new(r->p, called, role, rank, dim);
  t->dtype = is_int ? I32 : F32;
  if (accept(r, "of ")) t->grad_of = tensor_named(r, name(r));
  if (accept(r, "apart ")) t->apart = (int)whole(r);
  t->sliced = accept(r, "sliced");
  next_line(r);
}

/* --- nests --- */

static void read_axes(reader *r) {
  bool reduce = accept(r, "|");
  do {
    if (r->n->n_axis == MAX_AXES) fail(r, "too many axes");
    const char *word = name(r);
    expect(r, ":");
    r->n->axis[r->n->n_axis++] = (axis){word, whole(r), reduce};
    if (accept(r, "|")) reduce = true;
    else if (!accept(r, ",")) return;
  } while (true);
}

/* The axes stand behind the term: they are read first. */
static void find_axes(reader *r) {
  const char *back = r->at, *line = r->at;
  while (strncmp(line, "    ", 4) == 0 || *line == ' ') {
    size_t n = strcspn(line, "\n");
    const char *at = memmem(line, n, "  for ", 6);
    if (at) {
      r->at = at + 6;
      read_axes(r);
      break;
    }
    if (memchr(line, ';', n) && strncmp(line, "  %", 3)) break;
    line += n + (line[n] != 0);
  }
  r->at = back;
}

static void read_title(reader *r) {
  size_t n = strcspn(r->at, "\n(");
  while (n && r->at[n - 1] == ' ') n--;
  r->n = nest_new(r->p, arena_strndup(r->p->mem, r->at, n), NULL);
  r->at += n;
  r->n->part = accept(r, "(scatter of a part)");
  r->n->canonical = !r->n->part && !accept(r, "(scatter)");
  r->n->lanes = accept(r, "(16 lanes)");
  r->pick = NULL;
  if (accept(r, "(picks ")) {
    r->pick = name(r);
    expect(r, ")");
  }
  if (accept(r, "(chain ")) {
    r->n->chain = (int)whole(r);
    if (r->n->chain > r->p->n_chain) r->p->n_chain = r->n->chain;
  }
  if (accept(r, "(loop ")) {
    r->n->loop = (int)whole(r);
    r->n->falling = accept(r, ", falling");
    if (r->n->loop > r->p->n_loop) r->p->n_loop = r->n->loop;
  }
  next_line(r);
}

static void read_guards(reader *r) {
  do {
    expect(r, "0 <=");
    affine ix = index_of(r);
    expect(r, "<");
    nest_guard(r->n, ix, whole(r));
  } while (accept(r, ","));
}

static void read_shared(reader *r) {
  memset(r->shared, 0, sizeof r->shared);
  while (accept(r, "%")) {
    int64_t k = whole(r);
    if (k < 1 || k >= MAX_SHARED) fail(r, "too many shared values");
    expect(r, ":=");
    r->shared[k] = expression(r);
    expect(r, ";");
    next_line(r);
  }
}

static void read_stores(reader *r) {
  while (!strncmp(r->at, "    ", 4) && r->at[4] != '#') {
    const char *word = name(r);
    access out = access_at(r, word);
    expect(r, "=");
    nest_store(r->n, out, expression(r));
    expect(r, ";");
    next_line(r);
  }
}

static void read_body(reader *r) {
  nest *n = r->n;
  exprs *x = r->p->ex;
  const char *word = name(r);
  bool plain = strcmp(word, "acc");
  access out = {0};
  if (plain) out = access_at(r, word);
  blanks(r);
  n->red = accept(r, "+=") ? R_SUM : accept(r, "max=") ? R_MAX : R_SET;
  if (n->red == R_SET) expect(r, "=");
  n->term = expression(r);
  if (accept(r, "for ")) {
    int had = n->n_axis;
    n->n_axis = 0;
    read_axes(r);
    if (n->n_axis != had) fail(r, "the axes changed");
  }
  if (accept(r, "where ")) read_guards(r);
  if (accept(r, "from ")) n->init = expression(r);
  bool onto = accept(r, "onto what is there");
  expect(r, ";");
  next_line(r);
  if (plain) nest_store(n, out, onto ? e_op(x, E_ADD, e_read(x, out), e_acc(x), NULL) : e_acc(x));
  else read_stores(r);
}

static void find_picked(reader *r) {
  int ax = r->pick ? axis_named(r->n, r->pick) : -1;
  if (!r->pick) return;
  r->n->picked = ax >= 0 ? picked_by(r->n, ax) : NULL;
  if (!r->n->picked) fail(r, "the term does not pick that axis");
  r->n->pick = ax + 1;
}

static void read_nest(reader *r, nest ***end) {
  expect(r, "#");
  blanks(r);
  read_title(r);
  find_axes(r);
  read_shared(r);
  read_body(r);
  find_picked(r);
  while (!strncmp(r->at, "    #", 5)) next_line(r);
  **end = r->n;
  *end = &r->n->next;
}

static void read_all(reader *r) {
  nest **end = &r->p->nests;
  r->p->train = accept(r, "training");
  if (!r->p->train) expect(r, "inference");
  expect(r, ", batch");
  r->p->batch = (int)whole(r);
  expect(r, ", after");
  r->p->stage = name(r);
  next_line(r);
  expect(r, "tensors {\n");
  while (!accept(r, "}\n")) read_tensor(r);
  expect(r, "nests {\n");
  while (!accept(r, "}")) read_nest(r, &end);
}

nestprog *read_nests(arena *mem, const char *text, char **error) {
  reader *r = NEW(mem, reader);
  *r = (reader){.p = nestprog_new(mem), .at = text, .start = text, .error = error};
  r->p->threads = 1;
  if (setjmp(r->failed)) return NULL;
  read_all(r);
  return r->p;
}
