/* The table of a program's expressions: each distinct affine, list of indices and node once. */
#include "expr.h"
#include <stddef.h>
#include <string.h>

enum { BLOCK = 1024 };

typedef struct expr node_memory;
typedef struct {
  int n;
  const affine *ix[]; /* n of them */
} index_list;

/* Finds what is there by its hash: numbers of things (plus 1; 0 is free), a power of two of them.
 */
typedef struct {
  int n, room;
  uint32_t *slot;
} table;

struct exprs {
  arena *mem;
  int n_node;
  bool settled; /* leaves and ops are not kept */
  table leaves, ops, affines, lists;
  struct expr **block; /* node i is block[i / BLOCK][i % BLOCK] */
  reads **known;       /* reads below it, as far as they were asked for, in such blocks */
  int n_block;
  const affine **affine;
  const index_list **list;
  walk *spare;
};

exprs *exprs_new(arena *mem) {
  exprs *x = NEW(mem, exprs);
  x->mem = mem;
  return x;
}

arena *exprs_arena(const exprs *x) { return x->mem; }

/* --- hashing --- */

static uint64_t mixed(uint64_t h, uint64_t v) {
  h = (h ^ v) * 0x9E3779B97F4A7C15u;
  return h ^ h >> 29;
}

/* Of whole words. */
static uint64_t hash_words(uint64_t h, const void *data, size_t bytes) {
  for (const char *p = data, *end = p + bytes; p < end; p += sizeof h) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    h = mixed(h, v);
  }
  return h;
}

static uint64_t hash_payload(expr *e) {
  return hash_words(mixed(0, e->kind), &e->num, sizeof *e - offsetof(struct expr, num));
}

/* Near the place of the newest argument: what is made together lies together in the table. That has
   two places for each node (node_in), so that no two stretches of nodes fall together. */
static uint64_t hash_op(expr *e) {
  int newest = 0;
  for (int i = 0; i < scalar_arity(e->kind); i++)
    if (e->a[i]->id > newest) newest = e->a[i]->id;
  return 2 * (uint64_t)newest + (hash_payload(e) & 7);
}

static uint64_t hash_node(expr *e) { return scalar_arity(e->kind) ? hash_op(e) : hash_payload(e); }

static expr *node(const exprs *x, int i) { return &x->block[i / BLOCK][i % BLOCK]; }

static uint64_t hash_affine(const exprs *x, int i) {
  return hash_words(1, x->affine[i], sizeof(affine));
}

/* Pointers may be half a word. */
static uint64_t hash_indices(const affine *const *ix, int n) {
  uint64_t h = (uint64_t)n;
  for (int i = 0; i < n; i++) h = mixed(h, (uintptr_t)ix[i]);
  return h;
}

static uint64_t hash_list(const exprs *x, int i) {
  const index_list *l = x->list[i];
  return hash_indices(l->ix, l->n);
}

static uint64_t hash_nth(const exprs *x, int i) { return hash_node(node(x, i)); }

typedef uint64_t hasher(const exprs *x, int i);
typedef bool matcher(const exprs *x, int i, const void *what);

static void put(table *t, uint64_t hash, int i) {
  uint32_t at = (uint32_t)hash & (uint32_t)(t->room - 1);
  while (t->slot[at]) at = (at + 1) & (uint32_t)(t->room - 1);
  t->slot[at] = (uint32_t)i + 1;
}

static void grow(exprs *x, table *t, hasher *hash) {
  uint32_t *old = t->slot;
  int room = t->room;
  t->room = room ? 2 * room : 256;
  t->slot = NEW_N(x->mem, uint32_t, t->room);
  for (int i = 0; i < room; i++)
    if (old[i]) put(t, hash(x, (int)old[i] - 1), (int)old[i] - 1);
  arena_drop(x->mem, old);
}

/* The number of the thing like `what`, or -1. */
static int find(const exprs *x, const table *t, uint64_t hash, matcher *match, const void *what) {
  if (!t->room) return -1;
  for (uint32_t at = (uint32_t)hash;; at++) {
    uint32_t i = t->slot[at & (uint32_t)(t->room - 1)];
    if (!i) return -1;
    if (match(x, (int)i - 1, what)) return (int)i - 1;
  }
}

/* Enters thing number i, which is in its place already. */
static void enter(exprs *x, table *t, uint64_t hash, hasher *rehash, int i) {
  if (4 * (t->n + 1) > 3 * t->room) grow(x, t, rehash);
  t->n++;
  put(t, hash, i);
}

/* --- affines and lists of them --- */

static bool match_affine(const exprs *x, int i, const void *what) {
  return !memcmp(x->affine[i], what, sizeof(affine));
}

const affine *affine_in(exprs *x, affine v) {
  uint64_t hash = hash_words(1, &v, sizeof v);
  int at = find(x, &x->affines, hash, match_affine, &v);
  if (at >= 0) return x->affine[at];
  affine *kept = NEW(x->mem, affine);
  int n = x->affines.n;
  *kept = v;
  PUSH(x->mem, x->affine, n, kept);
  enter(x, &x->affines, hash, hash_affine, n - 1);
  return kept;
}

static bool match_list(const exprs *x, int i, const void *what) {
  const index_list *l = x->list[i], *m = what;
  return l->n == m->n && !memcmp(l->ix, m->ix, sizeof *l->ix * (size_t)l->n);
}

static const affine *const *list_in(exprs *x, int n, const affine *const *ix) {
  size_t bytes = sizeof(index_list) + sizeof *ix * (size_t)n;
  union {
    index_list l;
    char room[sizeof(index_list) + MAX_DIMS * sizeof(affine *)];
  } u = {.l.n = n};
  memcpy(u.l.ix, ix, sizeof *ix * (size_t)n);
  uint64_t hash = hash_indices(ix, n);
  int at = find(x, &x->lists, hash, match_list, &u.l);
  if (at >= 0) return x->list[at]->ix;
  index_list *kept = arena_alloc(x->mem, bytes);
  int count = x->lists.n;
  memcpy(kept, &u.l, bytes);
  PUSH(x->mem, x->list, count, kept);
  enter(x, &x->lists, hash, hash_list, count - 1);
  return kept->ix;
}

access access_of(exprs *x, tensor *t, const affine *ix) {
  const affine *kept[MAX_DIMS];
  for (int d = 0; d < t->rank; d++) kept[d] = affine_in(x, ix[d]);
  return (access){t, list_in(x, t->rank, kept)};
}

access access_with(exprs *x, access at, int d, affine ix) {
  const affine *kept[MAX_DIMS];
  memcpy(kept, at.ix, sizeof *kept * (size_t)at.t->rank);
  kept[d] = affine_in(x, ix);
  return (access){at.t, list_in(x, at.t->rank, kept)};
}

/* --- nodes --- */

static bool match_node(const exprs *x, int i, const void *what) {
  expr *e = node(x, i), *f = what;
  return e->kind == f->kind && !memcmp(&e->num, &f->num, sizeof *e - offsetof(struct expr, num));
}

static void new_block(exprs *x) {
  int n = x->n_block;
  PUSH(x->mem, x->block, n, NEW_N(x->mem, node_memory, BLOCK));
  PUSH(x->mem, x->known, x->n_block, NULL);
}

static table *table_for(exprs *x, expr *e) { return scalar_arity(e->kind) ? &x->ops : &x->leaves; }

void exprs_settle(exprs *x) {
  arena_drop(x->mem, x->ops.slot);
  arena_drop(x->mem, x->leaves.slot);
  x->ops = x->leaves = (table){0};
  x->settled = true;
}

/* Finds all nodes again. */
static void unsettle(exprs *x) {
  x->settled = false;
  for (int i = 0; i < x->n_node; i++)
    enter(x, table_for(x, node(x, i)), hash_nth(x, i), hash_nth, i);
}

/* The one node like e, whose unused bytes are zero. */
static expr *node_in(exprs *x, struct expr e) {
  if (x->settled) unsettle(x);
  table *t = table_for(x, &e);
  uint64_t hash = hash_node(&e);
  int at = find(x, t, hash, match_node, &e);
  if (at >= 0) return node(x, at);
  int n = e.id = x->n_node++;
  if (n == x->n_block * BLOCK) new_block(x);
  struct expr *kept = &x->block[n / BLOCK][n % BLOCK];
  *kept = e;
  if (t == &x->ops && 2 * x->n_node > t->room) grow(x, t, hash_nth);
  enter(x, t, hash, hash_nth, n);
  return kept;
}

static struct expr blank(ekind k) {
  struct expr e;
  memset(&e, 0, sizeof e);
  e.kind = k;
  return e;
}

bool expr_is(expr *e, double v) { return e->kind == E_CONST && e->num == v; }

expr *e_const(exprs *x, double v) {
  struct expr e = blank(E_CONST);
  e.num = v;
  return node_in(x, e);
}

expr *e_index(exprs *x, affine aff) {
  struct expr e = blank(E_INDEX);
  e.aff = affine_in(x, aff);
  e.axes = aff_axes(&aff);
  return node_in(x, e);
}

expr *e_rand(exprs *x, affine aff, int64_t stream) {
  struct expr e = blank(E_RAND);
  e.aff = affine_in(x, aff);
  e.stream = stream;
  e.axes = aff_axes(&aff);
  e.calls = true;
  return node_in(x, e);
}

expr *e_read(exprs *x, access rd) {
  struct expr e = blank(E_READ);
  e.rd = rd;
  for (int d = 0; d < rd.t->rank; d++) e.axes |= aff_axes(rd.ix[d]);
  return node_in(x, e);
}

expr *e_acc(exprs *x) {
  struct expr e = blank(E_ACC);
  e.acc = true;
  return node_in(x, e);
}

expr *e_op(exprs *x, ekind k, expr *a, expr *b, expr *c) {
  struct expr e = blank(k);
  expr *arg[3] = {a, b, c};
  e.calls = scalar_heavy(k);
  for (int i = 0; i < scalar_arity(k); i++) {
    e.a[i] = arg[i];
    e.calls |= arg[i]->calls;
    e.acc |= arg[i]->acc;
    e.axes |= arg[i]->axes;
  }
  return node_in(x, e);
}

/* --- walks, and reads that were asked for --- */

walk *walk_begin(exprs *x) {
  walk *w = x->spare;
  if (!w) return walk_new(x->mem);
  x->spare = w->next;
  w->n = 0;
  return w;
}

void walk_end(exprs *x, walk *w) {
  w->next = x->spare;
  x->spare = w;
}

reads roots_reads(exprs *x, int n, expr *const *root) {
  walk *w = walk_begin(x);
  int k = 0;
  for (int i = 0; i < n; i++) walk_add(w, root[i]);
  for (int i = 0; i < w->n; i++)
    if (w->node[i]->kind == E_READ) w->to[k++] = w->node[i];
  expr **kept = NEW_N(x->mem, expr *, k);
  memcpy(kept, w->to, sizeof *kept * (size_t)k);
  walk_end(x, w);
  return (reads){k, kept};
}

reads expr_reads(exprs *x, expr *e) {
  reads **known = &x->known[e->id / BLOCK];
  if (!*known) *known = NEW_N(x->mem, reads, BLOCK);
  reads *r = &(*known)[e->id % BLOCK];
  if (!r->read) *r = roots_reads(x, 1, &e);
  return *r;
}
