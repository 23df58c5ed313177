/* Blocks: runs of lines that stand several times in a network, differing in nothing but numbers,
   become one definition; numbers that differ become its parameters. */
#include "text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  MAX_LINES = 4000, /* beyond that no blocks are looked for */
  MAX_RUN = 8,      /* lines of a block */
  MAX_PARAMS = 6,
  MAX_BLOCKS = 12,
  LEAST_LAYERS = 3
};

typedef struct {
  lines *in;
  int list, at, n; /* list: which one `in` is */
  uint64_t shape;
} window;

typedef struct {
  arena *a;
  int n_list, n_window, n_line;
  lines **list;
  window *window;
} finder;

static uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 29;
}

/* --- what lines have in common --- */

static uint64_t shape_of(const line *l);

static uint64_t branch_shape(const line *l, const branch *b) {
  if (b->ref) return (uint64_t)(uintptr_t)l;
  uint64_t h = 77;
  for (int i = 0; i < b->body.n; i++) h = mix(h, shape_of(b->body.line[i]));
  return h;
}

/* A line with a label, or with a reference to one, is like no other. */
static uint64_t shape_of(const line *l) {
  uint64_t h = mix((uint64_t)(uintptr_t)l->call, (uint64_t)l->n_layer);
  if (l->from || l->times) return (uint64_t)(uintptr_t)l;
  for (int i = 0; i < l->n_layer; i++) {
    if (l->layer[i]->label) return (uint64_t)(uintptr_t)l;
    h = mix(h, (uint64_t)(uintptr_t)l->layer[i]->n->op);
  }
  for (int i = 0; i < l->n_branch; i++) h = mix(h, branch_shape(l, &l->branch[i]));
  return mix(h, (uint64_t)l->n_branch);
}

static int layers_of(const line *l) {
  int n = l->n_layer + (l->call ? 1 : 0);
  for (int i = 0; i < l->n_branch; i++)
    for (int k = 0; k < l->branch[i].body.n; k++) n += layers_of(l->branch[i].body.line[k]);
  return n;
}

static int run_layers(const window *w) {
  int n = 0;
  for (int i = 0; i < w->n; i++) n += layers_of(w->in->line[w->at + i]);
  return n;
}

void line_numbers(arena *a, const line *l, numbers *to) {
  for (int i = 0; i < l->n_branch; i++)
    for (int k = 0; k < l->branch[i].body.n; k++) line_numbers(a, l->branch[i].body.line[k], to);
  for (int i = 0; i < l->n_layer; i++)
    for (int s = 0; s < l->layer[i]->n->n_set; s++)
      for (int p = 0; p < 1 + l->layer[i]->n->op->set[s].pair; p++)
        PUSH(a, to->v, to->n, l->layer[i]->n->set[s].v[p]);
  for (int i = 0; i < l->n_arg; i++) PUSH(a, to->v, to->n, l->arg[i]);
}

static numbers run_numbers(arena *a, const window *w) {
  numbers n = {0};
  for (int i = 0; i < w->n; i++) line_numbers(a, w->in->line[w->at + i], &n);
  return n;
}

/* --- the best run --- */

static bool same_column(const double *a, const double *b, int n) {
  for (int i = 0; i < n; i++)
    if (a[i] != b[i]) return false;
  return true;
}

static bool equal_runs(arena *a, const lines *in, int at, int other, int n) {
  window x = {(lines *)in, 0, at, n, 0}, y = {(lines *)in, 0, other, n, 0};
  for (int i = 0; i < n; i++)
    if (in->line[at + i]->shape != in->line[other + i]->shape) return false;
  numbers v = run_numbers(a, &x), w = run_numbers(a, &y);
  return v.n == w.n && same_column(v.v, w.v, v.n);
}

static void gather(finder *f, lines *in) {
  PUSH(f->a, f->list, f->n_list, in);
  f->n_line += in->n;
  for (int i = 0; i < in->n; i++) {
    in->line[i]->shape = shape_of(in->line[i]);
    for (int b = 0; b < in->line[i]->n_branch; b++) gather(f, &in->line[i]->branch[b].body);
  }
}

/* Lines that follow one another unchanged are a repetition's business: a block neither contains two
   such, nor cuts them apart. */
static bool cuts_a_run(finder *f, const window *w) {
  for (int i = w->at - 1; w->n > 1 && i < w->at + w->n; i++)
    if (i >= 0 && i + 1 < w->in->n && equal_runs(f->a, w->in, i, i + 1, 1)) return true;
  return false;
}

static void gather_windows(finder *f) {
  for (int l = 0; l < f->n_list; l++)
    for (int at = 0; at < f->list[l]->n; at++) {
      window w = {f->list[l], l, at, 0, 1};
      for (w.n = 1; w.n <= MAX_RUN && at + w.n <= w.in->n; w.n++) {
        w.shape = mix(w.shape, w.in->line[at + w.n - 1]->shape);
        PUSH(f->a, f->window, f->n_window, w);
      }
    }
}

/* Equal shapes side by side, in the order of the text (which the gathering kept). */
static int by_shape(const void *a, const void *b) {
  const window *x = a, *y = b;
  if (x->shape != y->shape) return x->shape < y->shape ? -1 : 1;
  return x->list != y->list ? x->list - y->list : x->at - y->at;
}

/* Leaves out windows that overlap the one before; returns how many stay. */
static int apart(window *w, int n) {
  int kept = 0;
  for (int i = 0; i < n; i++)
    if (!kept || w[i].in != w[kept - 1].in || w[i].at >= w[kept - 1].at + w[kept - 1].n)
      w[kept++] = w[i];
  return kept;
}

typedef struct {
  int n;
  window *window;
} group;

/* A block may not name what is alike everywhere: that is a repetition. */
static bool side_by_side(const window *w, int n) {
  for (int i = 1; i < n; i++)
    if (w[i].in != w[0].in || w[i].at != w[i - 1].at + w[i - 1].n) return false;
  return true;
}

static bool all_equal(arena *a, const window *w, int n) {
  numbers first = run_numbers(a, &w[0]);
  for (int i = 1; i < n; i++) {
    numbers other = run_numbers(a, &w[i]);
    if (memcmp(first.v, other.v, (size_t)first.n * sizeof *first.v)) return false;
  }
  return true;
}

static bool parameters(arena *a, const group *g, block *b, double **args);

static bool comes_first(const window *a, const window *b) {
  return a->list != b->list ? a->list < b->list : a->at < b->at;
}

static group best_group(finder *f, block *b, double **args) {
  group best = {0};
  int gain = 0;
  if (f->n_window) qsort(f->window, (size_t)f->n_window, sizeof *f->window, by_shape);
  for (int i = 0, j; i < f->n_window; i = j) {
    for (j = i; j < f->n_window && f->window[j].shape == f->window[i].shape; j++) {
    }
    group g = {apart(f->window + i, j - i), f->window + i};
    int layers = run_layers(&f->window[i]), saved = (g.n - 1) * layers - 2;
    block trial = {0};
    double *values;
    if (g.n < 2 || layers < LEAST_LAYERS || saved < gain || !saved) continue;
    if (saved == gain && best.n && !comes_first(g.window, best.window)) continue;
    if (cuts_a_run(f, &f->window[i])) continue;
    if (side_by_side(g.window, g.n) && all_equal(f->a, g.window, g.n)) continue;
    if (parameters(f->a, &g, &trial, &values)) best = g, gain = saved, *b = trial, *args = values;
  }
  return best;
}

/* --- parameters --- */

/* The whole number by which every a must be multiplied to give b; 0: there is none. */
static double multiple(const double *a, const double *b, int n) {
  double times = a[0] != 0 ? b[0] / a[0] : 0;
  if (times < 2 || times != floor(times)) return 0;
  for (int i = 0; i < n; i++)
    if (a[i] * times != b[i]) return 0;
  return times;
}

/* By number; "" for the second of a pair. */
static void setting_names(arena *a, const line *l, int *n, const char ***names) {
  for (int i = 0; i < l->n_branch; i++)
    for (int k = 0; k < l->branch[i].body.n; k++)
      setting_names(a, l->branch[i].body.line[k], n, names);
  for (int i = 0; i < l->n_layer; i++) {
    const opdef *op = l->layer[i]->n->op;
    for (int s = 0; s < op->n_set; s++)
      for (int p = 0; p < 1 + op->set[s].pair; p++) PUSH(a, *names, *n, p ? "" : op->set[s].name);
  }
  for (int i = 0; i < l->n_arg; i++) PUSH(a, *names, *n, l->call->param[i]);
}

/* The setting's name if it is free, or a letter: never one with a digit, which would read as a
   short setting. */
static const char *free_name(arena *a, const block *b, const char *like) {
  for (char letter = 'a' - 1; letter <= 'z'; letter++) {
    const char *name = letter < 'a' ? like : arena_printf(a, "%c", letter);
    bool taken = false;
    for (int i = 0; i < b->n_param; i++) taken |= !strcmp(b->param[i], name);
    if (!taken) return name;
  }
  return like;
}

/* What stands in the block for a number that differs from use to use: `values` by use. */
static const char *parameter_for(arena *a, block *b, double **args, int n_use, const double *values,
                                 const char *like) {
  for (int p = 0; p < b->n_param; p++)
    if (same_column(args[p], values, n_use)) return b->param[p];
  for (int p = 0; p < b->n_param; p++) {
    double times = multiple(args[p], values, n_use);
    if (times) return arena_printf(a, "(%.0f*%s)", times, b->param[p]);
  }
  if (b->n_param == MAX_PARAMS) return NULL;
  for (int i = 0; i < n_use; i++)
    if (values[i] != floor(values[i]) || values[i] < 0) return NULL;
  memcpy(args[b->n_param], values, (size_t)n_use * sizeof *values);
  const char *name = free_name(a, b, like);
  PUSH(a, b->param, b->n_param, name);
  return name;
}

/* A pair is one parameter or none: no text says `k3xn`. */
static bool pairs_agree(const block *b, const char *const *names) {
  for (int h = 1; h < b->n_hole; h++) {
    const char *first = b->hole[h - 1], *second = b->hole[h];
    if (!*names[h] && (!first != !second || (first && strcmp(first, second)))) return false;
  }
  return true;
}

/* args: for each use, the parameters' values, one use after the other. */
static bool parameters(arena *a, const group *g, block *b, double **args) {
  numbers *use = NEW_N(a, numbers, g->n);
  const char **names = NULL;
  int n_name = 0;
  double *column[MAX_PARAMS], *values = NEW_N(a, double, g->n);
  for (int p = 0; p < MAX_PARAMS; p++) column[p] = NEW_N(a, double, g->n);
  for (int i = 0; i < g->n; i++) use[i] = run_numbers(a, &g->window[i]);
  for (int i = 0; i < g->window[0].n; i++)
    setting_names(a, g->window[0].in->line[g->window[0].at + i], &n_name, &names);
  b->n_hole = use[0].n;
  b->hole = NEW_N(a, const char *, b->n_hole + 1);
  for (int h = 0; h < b->n_hole; h++) {
    bool differs = false;
    for (int i = 0; i < g->n; i++) values[i] = use[i].v[h], differs |= values[i] != values[0];
    const char *like = names[h - (h && !*names[h])];
    if (differs && !(b->hole[h] = parameter_for(a, b, column, g->n, values, like))) return false;
  }
  if (!pairs_agree(b, names)) return false;
  *args = NEW_N(a, double, g->n * b->n_param + 1);
  for (int i = 0; i < g->n; i++)
    for (int p = 0; p < b->n_param; p++) (*args)[i * b->n_param + p] = column[p][i];
  return true;
}

/* --- in place of the lines --- */

static void replace_run(arena *a, const window *w, const block *b, double *args) {
  line *call = NEW(a, line);
  *call = (line){.call = b, .n_arg = b->n_param, .arg = args};
  w->in->line[w->at] = call;
  for (int i = 1; i < w->n; i++) w->in->line[w->at + i] = NULL;
}

static void close_gaps(lines *in) {
  int kept = 0;
  for (int i = 0; i < in->n; i++)
    if (in->line[i]) in->line[kept++] = in->line[i];
  in->n = kept;
}

static bool find_one(arena *a, lines *top, block_list *blocks) {
  finder f = {.a = a};
  block *b = NEW(a, block);
  double *args = NULL;
  gather(&f, top);
  if (f.n_line > MAX_LINES) return false;
  gather_windows(&f);
  group g = best_group(&f, b, &args);
  if (!g.n) return false;
  b->name = arena_printf(a, blocks->n ? "unit%d" : "unit", blocks->n + 1);
  for (int i = 0; i < g.window[0].n; i++)
    PUSH(a, b->body.line, b->body.n, g.window[0].in->line[g.window[0].at + i]);
  for (int i = 0; i < g.n; i++) replace_run(a, &g.window[i], b, args + i * b->n_param);
  for (int i = 0; i < f.n_list; i++) close_gaps(f.list[i]);
  PUSH(a, blocks->block, blocks->n, b);
  return true;
}

/* --- repetitions --- */

/* The run of lines at `at` that repeats most; lines saved, 0: none does. */
static int best_repeat(arena *a, const lines *in, int at, int *n_best, int *times_best) {
  int saved = 0;
  for (int n = 1; n <= MAX_RUN && at + 2 * n <= in->n; n++) {
    int times = 1;
    while (at + (times + 1) * n <= in->n && equal_runs(a, in, at, at + times * n, n)) times++;
    if ((times - 1) * n > saved) saved = (times - 1) * n, *n_best = n, *times_best = times;
  }
  return saved;
}

static void find_repeats(arena *a, lines *in) {
  lines out = {0};
  for (int i = 0; i < in->n; i++) in->line[i]->shape = shape_of(in->line[i]);
  for (int i = 0, n, times; i < in->n;) {
    if (!best_repeat(a, in, i, &n, &times)) {
      line *l = in->line[i++];
      for (int b = 0; b < l->n_branch; b++) find_repeats(a, &l->branch[b].body);
      PUSH(a, out.line, out.n, l);
      continue;
    }
    line *r = NEW(a, line);
    r->times = times;
    for (int k = 0; k < n; k++) PUSH(a, r->body.line, r->body.n, in->line[i + k]);
    PUSH(a, out.line, out.n, r);
    i += n * times;
  }
  *in = out;
}

block_list find_blocks(arena *a, lines *top) {
  block_list blocks = {0};
  while (blocks.n < MAX_BLOCKS && find_one(a, top, &blocks)) {
  }
  if (top->n <= MAX_LINES) find_repeats(a, top);
  return blocks;
}
