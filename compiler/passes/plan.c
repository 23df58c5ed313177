/* plan: gives every tensor a block and an offset. Workspace is shared by tensors that are never
   alive together; a tensor lives from the group that first writes it to the one that last reads it.
 */
#include "base/internal.h"
#include "plan.h"
#include "nest/effects.h"
#include "nest/schedule.h"
#include <stdlib.h>

enum { ALIGN = 64 };

typedef struct {
  tensor *t;
  int first, last; /* groups; first > last: never used */
  int64_t at, bytes;
} life;

static int64_t aligned(int64_t n) { return (n + ALIGN - 1) / ALIGN * ALIGN; }

int64_t slice_bytes(const tensor *t) { return t->sliced ? aligned(tensor_bytes(t)) : 0; }

int64_t tensor_bytes(const tensor *t) {
  if (t->sliced) return element_bytes(t) * t->slice;
  int64_t rows = t->dim[0] + t->pad_lo[0] + t->pad_hi[0];
  return t->rank ? element_bytes(t) * t->stride[0] * rows : element_bytes(t);
}

static int64_t origin(const tensor *t) {
  int64_t o = 0;
  for (int d = 0; d < t->rank; d++) o += t->pad_lo[d] * t->stride[d];
  return o * element_bytes(t);
}

static void touch(life *l, int group) {
  if (group < l->first) l->first = group;
  if (group > l->last) l->last = group;
}

static void find_lives(nestprog *p, life *lives) {
  for (nest *n = p->nests; n; n = n->next) {
    reads r = reads_of(n);
    for (int i = 0; i < r.n; i++) touch(&lives[tensor_base(r.read[i]->rd.t)->id], n->sched->group);
    for (int s = 0; s < n->n_store; s++) touch(&lives[n->store[s].out.t->id], n->sched->group);
  }
}

/* What is placed already, by address. */
typedef struct {
  int64_t at, end;
  int first, last;
} taken;

/* The lowest place where l fits between the tensors alive at the same time; those are `n`. */
static int64_t lowest_place(const life *l, const taken *by, int n) {
  int64_t at = 0;
  for (int i = 0; i < n && by[i].at < at + l->bytes; i++) {
    bool together = by[i].first <= l->last && l->first <= by[i].last;
    if (together && by[i].end > at) at = by[i].end;
  }
  return at;
}

static void take(taken *by, int n, const life *l) {
  int i = n;
  for (; i > 0 && by[i - 1].at > l->at; i--) by[i] = by[i - 1];
  by[i] = (taken){l->at, l->at + l->bytes, l->first, l->last};
}

static int larger_first(const void *a, const void *b) {
  const life *x = *(life *const *)a, *y = *(life *const *)b;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
  return x->t->id - y->t->id;
}

static int64_t place_workspace(nestprog *p, life *lives) {
  life **order = NEW_N(p->mem, life *, p->n_tensor);
  int n = 0;
  for (int i = 0; i < p->n_tensor; i++) {
    tensor *t = p->tensor[i];
    lives[i].t = t;
    lives[i].bytes = aligned(tensor_bytes(t)) * (t->sliced ? p->threads : 1);
    if (t->role == T_TEMP && lives[i].first <= lives[i].last) order[n++] = &lives[i];
  }
  qsort(order, (size_t)n, sizeof *order, larger_first);
  taken *by = NEW_N(p->mem, taken, n + 1);
  int64_t total = 0;
  for (int i = 0; i < n; i++) {
    order[i]->at = lowest_place(order[i], by, i);
    take(by, i, order[i]);
    order[i]->t->block = BLOCK_WORK;
    order[i]->t->offset = order[i]->at + origin(order[i]->t);
    if (order[i]->at + order[i]->bytes > total) total = order[i]->at + order[i]->bytes;
  }
  return total;
}

static int block_of(const tensor *t) {
  switch (t->role) {
  case T_PARAM:
  case T_STATE: return BLOCK_PARAMS;
  case T_OPT: return BLOCK_STATE;
  case T_HYPER: return BLOCK_CONTROL;
  case T_INPUT:
  case T_LABEL:
  case T_LOGITS:
  case T_LOSSES:
  case T_METRIC: return BLOCK_PORTS + t->port;
  case T_TEMP: return BLOCK_WORK;
  }
  internal_error(t->name, "a tensor without a role");
}

memory_plan plan(nestprog *p) {
  memory_plan m = {{0}};
  life *lives = NEW_N(p->mem, life, p->n_tensor);
  for (int i = 0; i < p->n_tensor; i++) {
    tensor *t = p->tensor[i];
    lives[i].first = INT32_MAX;
    lives[i].last = -1;
    t->block = block_of(t);
    if (t->block > BLOCK_STATE) continue;
    t->offset = m.bytes[t->block];
    m.bytes[t->block] += aligned(tensor_bytes(t));
  }
  find_lives(p, lives);
  m.bytes[BLOCK_WORK] = place_workspace(p, lives);
  for (int i = 0; i < p->n_tensor; i++) {
    tensor *t = p->tensor[i];
    if (!t->view_of) continue;
    t->block = t->view_of->block;
    t->offset = t->view_of->offset + t->view_at * element_bytes(t);
  }
  return m;
}

void dump_places(const nestprog *p, FILE *to) {
  static const char *const block[] = {"params", "state", "work"};
  fprintf(to, "memory {\n");
  for (int i = 0; i < p->n_tensor; i++) {
    const tensor *t = p->tensor[i];
    if (t->block <= BLOCK_WORK)
      fprintf(to, "  %-6s %s  at %lld, %lld bytes\n", block[t->block], t->name,
              (long long)t->offset, (long long)tensor_bytes(t));
  }
  fprintf(to, "}\n");
}
