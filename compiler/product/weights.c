#include "weights.h"
#include "lang/ast.h"
#include "graph/graph.h"
#include "base/draw.h"
#include <stdlib.h>

static bool is_weight(const tensor *t, bool in_state) {
  /* Gradients that are kept for an update are in the state block, but no state: undeclared. */
  return in_state ? t->role == T_OPT && t->decl : t->role == T_PARAM || t->role == T_STATE;
}

static param_info info_of(const tensor *t) {
  param_info i = {.name = t->name,
                  .in_state = t->role == T_OPT,
                  .first_name = t->first_name,
                  .trained = t->role == T_PARAM && !t->frozen,
                  .is_int64 = t->decl && t->decl->file_int64,
                  .count = 1,
                  .layer = t->node ? t->node->name : ""};
  for (int d = 0; d < t->rank; d++) i.count *= t->dim[d];
  if (i.is_int64) return i;
  if (!t->decl || !t->decl->n_file) {
    i.rank = t->rank;
    for (int d = 0; d < t->rank; d++) i.shape[d] = t->dim[d];
    return i;
  }
  for (int k = 0; k < t->decl->n_file; k++) {
    int group = t->decl->file_group[k];
    if (group == i.rank) i.shape[i.rank++] = 1;
    i.shape[group] *= t->dim[t->decl->file_dim[k]];
  }
  return i;
}

static void collect(weight_table *w, nestprog *p, bool in_state) {
  int n_tensor = w->n;
  for (int i = 0; i < p->n_tensor; i++) {
    if (!is_weight(p->tensor[i], in_state)) continue;
    PUSH(p->mem, w->info, w->n, info_of(p->tensor[i]));
    PUSH(p->mem, w->tensor, n_tensor, p->tensor[i]);
  }
}

void weights_collect(weight_table *w, nestprog *p) {
  collect(w, p, false);
  collect(w, p, true);
}

/* Walks over the elements of a tensor in the order of its file. */
typedef struct {
  int rank;
  int64_t dim[MAX_DIMS], stride[MAX_DIMS], at[MAX_DIMS],
      offset; /* offset: in its block, in elements */
} place;

static place place_first(const tensor *t) {
  place w = {.rank = t->rank, .offset = t->offset / element_bytes(t)};
  bool mapped = t->decl && t->decl->n_file;
  for (int k = 0; k < t->rank; k++) {
    int d = mapped ? t->decl->file_dim[k] : k;
    w.dim[k] = t->dim[d];
    w.stride[k] = t->stride[d];
  }
  return w;
}

/* The element at hand, and on to the next. */
static int64_t place_next(place *w) {
  int64_t here = w->offset;
  for (int k = w->rank - 1; k >= 0; k--) {
    w->offset += w->stride[k];
    if (++w->at[k] < w->dim[k]) break;
    w->offset -= w->dim[k] * w->stride[k];
    w->at[k] = 0;
  }
  return here;
}

void weight_export(const weight_table *w, int i, const void *block, void *file) {
  const float *from = block;
  place at = place_first(w->tensor[i]);
  if (w->info[i].is_int64) *(int64_t *)file = (int64_t)from[place_next(&at)];
  else
    for (int64_t k = 0; k < w->info[i].count; k++) ((float *)file)[k] = from[place_next(&at)];
}

void weight_import(const weight_table *w, int i, void *block, const void *file) {
  float *to = block;
  place at = place_first(w->tensor[i]);
  if (w->info[i].is_int64) to[place_next(&at)] = (float)*(const int64_t *)file;
  else
    for (int64_t k = 0; k < w->info[i].count; k++) to[place_next(&at)] = ((const float *)file)[k];
}

void weights_average(const weight_table *w, const void *state, void *params) {
  const float *from = state;
  float *to = params;
  for (int i = 0; i < w->n; i++) {
    const tensor *of = w->tensor[i]->average_of;
    if (!of) continue;
    place a = place_first(w->tensor[i]), b = place_first(of);
    for (int64_t k = 0; k < w->info[i].count; k++) to[place_next(&b)] = from[place_next(&a)];
  }
}

uint32_t weight_stream(const char *s) {
  uint32_t h = 2166136261u;
  for (; *s; s++) h = (h ^ (uint8_t)*s) * 16777619u;
  return h;
}

uint32_t draw_stream(const tensor *t) {
  return weight_stream(t->first_name ? t->first_name : t->name);
}

int weight_draws(const tensor *t) {
  if (!t->decl || t->decl->init == INIT_CONST) return DRAW_NOTHING;
  return t->decl->init == INIT_NORMAL ? DRAW_NORMAL : DRAW_UNIFORM;
}

void weight_init(const weight_table *w, int i, void *block, uint64_t seed) {
  const tensor *t = w->tensor[i];
  const int kind = weight_draws(t);
  const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)}, stream = draw_stream(t);
  float *to = block;
  place at = place_first(t);
  for (int64_t k = 0; k < w->info[i].count; k++) {
    float v = (float)t->init;
    if (kind) v = draw_value(kind, k, stream, key) * v;
    to[place_next(&at)] = v;
  }
}
