/* dump_nests: nests printed as the operator notation writes them. */
#include "effects.h"
#include "schedule.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct {
  FILE *to;
  const nest *n;
  walk *w;       /* the nodes of n, if they are so many ... */
  int *shared;   /* ... that those used more than once are printed apart: their numbers, or 0 */
  expr *defined; /* what is printed apart just now */
} printer;

static void print_affine(const printer *p, const affine *x) {
  bool any = false;
  for (int a = 0; a < p->n->n_axis; a++) {
    int64_t k = x->k[a];
    if (!k) continue;
    if (k < 0) fputc('-', p->to);
    else if (any) fputc('+', p->to);
    if (k != 1 && k != -1) fprintf(p->to, "%" PRId64 "*", k < 0 ? -k : k);
    fputs(p->n->axis[a].name, p->to);
    any = true;
  }
  if (x->c || !any) fprintf(p->to, any ? "%+" PRId64 : "%" PRId64, x->c);
}

static void print_access(const printer *p, const access *x) {
  fprintf(p->to, "%s[", x->t->name);
  for (int d = 0; d < x->t->rank; d++) {
    if (d) fputc(',', p->to);
    print_affine(p, x->ix[d]);
  }
  fputc(']', p->to);
}

/* How tightly an operator binds: comparisons 1, sums 2, products 3, all else 4. */
static int binding(ekind k) {
  if (k == E_ADD || k == E_SUB) return 2;
  if (k == E_MUL || k == E_DIV) return 3;
  return k >= E_EQ && k <= E_GE ? 1 : 4;
}

static void print_number(const printer *p, double v) {
  if (isinf(v)) fputs(v > 0 ? "inf" : "-inf", p->to);
  else fprintf(p->to, v == (float)v ? "%.9g" : "%.17g", v);
}

static void print_expr(const printer *p, const expr *e, int outer);

static void print_infix(const printer *p, const expr *e, int outer) {
  int own = binding(e->kind);
  if (own < outer) fputc('(', p->to);
  print_expr(p, e->a[0], own);
  fprintf(p->to, own == 3 ? "%s" : " %s ", scalar_word(e->kind));
  print_expr(p, e->a[1], own + 1);
  if (own < outer) fputc(')', p->to);
}

static void print_call(const printer *p, const expr *e) {
  fprintf(p->to, "%s(", scalar_word(e->kind));
  for (int i = 0; i < scalar_arity(e->kind); i++) {
    if (i) fputs(", ", p->to);
    print_expr(p, e->a[i], 0);
  }
  fputc(')', p->to);
}

static int number_of(const printer *p, const expr *e) {
  return p->w && e != p->defined ? p->shared[walk_place(p->w, e)] : 0;
}

static void print_expr(const printer *p, const expr *e, int outer) {
  if (number_of(p, e)) {
    fprintf(p->to, "%%%d", number_of(p, e));
    return;
  }
  switch (e->kind) {
  case E_CONST: print_number(p, e->num); return;
  case E_INDEX:
    fputc('(', p->to);
    print_affine(p, e->aff);
    fputc(')', p->to);
    return;
  case E_READ: print_access(p, &e->rd); return;
  case E_ACC: fputs("acc", p->to); return;
  case E_RAND:
    fprintf(p->to, "rand%" PRId64 "(", e->stream);
    print_affine(p, e->aff);
    fputc(')', p->to);
    return;
  default:
    if (binding(e->kind) < 4) print_infix(p, e, outer);
    else print_call(p, e);
  }
}

/* `for n:2, i:8 | k:3`: the axes to reduce over stand last. */
static void print_axes(const printer *p) {
  const nest *n = p->n;
  if (n->n_axis) fputs("  for", p->to);
  for (int reduce = 0; reduce < 2; reduce++) {
    const char *before = reduce ? " | " : " ";
    for (int a = 0; a < n->n_axis; a++) {
      if (n->axis[a].reduce != reduce) continue;
      fprintf(p->to, "%s%s:%" PRId64, before, n->axis[a].name, n->axis[a].extent);
      before = ", ";
    }
  }
}

static void print_guards(const printer *p) {
  for (int g = 0; g < p->n->n_guard; g++) {
    fputs(g ? ", 0 <= " : "  where 0 <= ", p->to);
    print_affine(p, p->n->guard[g].ix);
    fprintf(p->to, " < %" PRId64, p->n->guard[g].extent);
  }
}

/* --- values that are used more than once, where writing them out each time takes too long --- */

enum { LONG = 4000 };

static void add_nodes(walk *w, const nest *n) {
  walk_add(w, n->term);
  if (n->init) walk_add(w, n->init);
  for (int s = 0; s < n->n_store; s++) walk_add(w, n->store[s].value);
}

/* Nodes that all of n's expressions have when written out. */
static double written_length(const walk *w, const nest *n, double *length) {
  for (int i = 0; i < w->n; i++) {
    length[i] = 1;
    for (int k = 0; k < scalar_arity(w->node[i]->kind); k++)
      length[i] += length[walk_place(w, w->node[i]->a[k])];
  }
  double all = length[walk_place(w, n->term)];
  for (int s = 0; s < n->n_store; s++) all += length[walk_place(w, n->store[s].value)];
  return all;
}

static void find_shared(printer *p, arena *mem) {
  walk *w = walk_begin(p->n->ex);
  int number = 0;
  add_nodes(w, p->n);
  if (written_length(w, p->n, NEW_N(mem, double, w->n)) < LONG) {
    walk_end(p->n->ex, w);
    return;
  }
  int *uses = NEW_N(mem, int, w->n);
  for (int i = 0; i < w->n; i++)
    for (int k = 0; k < scalar_arity(w->node[i]->kind); k++)
      uses[walk_place(w, w->node[i]->a[k])]++;
  for (int i = 0; i < w->n; i++)
    uses[i] = uses[i] > 1 && scalar_arity(w->node[i]->kind) ? ++number : 0;
  p->w = w;
  p->shared = uses;
}

static void print_shared(printer *p) {
  for (int i = 0; p->w && i < p->w->n; i++) {
    if (!p->shared[i]) continue;
    fprintf(p->to, "  %%%d := ", p->shared[i]);
    p->defined = p->w->node[i];
    print_expr(p, p->defined, 0);
    fputs(";\n", p->to);
  }
  p->defined = NULL;
}

/* Is the store's value the result (0), the target plus the result (1), or anything else (2)? */
static int store_form(const store *s) {
  const expr *v = s->value;
  if (v->kind == E_ACC) return 0;
  bool adds = v->kind == E_ADD && v->a[1]->kind == E_ACC && v->a[0]->kind == E_READ;
  return adds && access_equal(&v->a[0]->rd, &s->out) ? 1 : 2;
}

/* `y[..] += term` where the store is plain; else `acc += term`, and a line for each store. */
/* "# conv1 (16 lanes) (loop 2, falling)" */
static void print_title(const nest *n, FILE *to) {
  fprintf(to, "  # %s%s%s", n->name,
          n->canonical ? ""
          : n->part    ? " (scatter of a part)"
                       : " (scatter)",
          n->lanes ? " (16 lanes)" : "");
  if (n->pick) fprintf(to, " (picks %s)", n->axis[n->pick - 1].name);
  if (n->chain) fprintf(to, " (chain %d)", n->chain);
  if (n->loop) fprintf(to, " (loop %d%s)", n->loop, n->falling ? ", falling" : "");
  fputs("\n", to);
}

/* "acc += term for n:10 from init;", where `acc` may be the only store's place. */
static void print_sum(printer *p, bool named) {
  static const char *const comb[] = {"=", "+=", "max="};
  const nest *n = p->n;
  fputs("  ", p->to);
  if (named) fputs("acc", p->to);
  else print_access(p, &n->store[0].out);
  fprintf(p->to, " %s ", comb[n->red]);
  print_expr(p, n->term, 0);
  print_axes(p);
  print_guards(p);
  if (!n->init) return;
  fputs("  from ", p->to);
  print_expr(p, n->init, 0);
}

static void print_store(printer *p, const store *s) {
  fputs("    ", p->to);
  print_access(p, &s->out);
  fputs(" = ", p->to);
  print_expr(p, s->value, 0);
  fputs(";\n", p->to);
}

static void print_nest(const nest *n, FILE *to) {
  arena *mem = arena_new();
  printer p = {.to = to, .n = n};
  find_shared(&p, mem);
  const int form = n->init || n->n_store != 1 ? 2 : store_form(&n->store[0]);
  print_title(n, to);
  print_shared(&p);
  print_sum(&p, form == 2);
  if (form == 1) fputs("  onto what is there", to);
  fputs(";\n", to);
  for (int s = 0; form == 2 && s < n->n_store; s++) print_store(&p, &n->store[s]);
  if (p.w) walk_end(n->ex, p.w);
  arena_free(mem);
}

/* The schedule: `tile n:10 r:32(vec) | c:4; loops i j; 64 tiles for the threads; group 7`. */
static void print_schedule(const nest *n, FILE *to) {
  const schedule *s = n->sched;
  fputs("    # tile", to);
  for (int a = 0; a < n->n_axis; a++)
    if (s->tile[a] > 1 || a == s->vec)
      fprintf(to, " %s%s:%" PRId64 "%s", n->axis[a].reduce ? "|" : "", n->axis[a].name, s->tile[a],
              a == s->vec      ? "(vec)"
              : a == s->across ? "(across)"
              : a == s->fold   ? "(fold)"
                               : "");
  fputs("; loops", to);
  for (int i = 0; i < s->n_loop; i++) fprintf(to, " %s", n->axis[s->loop[i]].name);
  if (s->serial) fputs("; one thread", to);
  else fprintf(to, "; %" PRId64 " tiles for the threads", s->domain);
  if (s->ahead) fputs("; operands asked for ahead", to);
  if (s->strip) fputs("; sums in memory", to);
  if (s->results_ahead) fputs("; results asked for ahead", to);
  fprintf(to, "; group %d%s\n", s->group, s->interleaved ? ", in turn with the nest before" : "");
}

const char *role_word(trole role) {
  static const char *const word[] = {
      [T_INPUT] = "input",   [T_LABEL] = "label",  [T_PARAM] = "param", [T_STATE] = "state",
      [T_OPT] = "opt",       [T_HYPER] = "hyper",  [T_TEMP] = "temp",   [T_LOGITS] = "logits",
      [T_LOSSES] = "losses", [T_METRIC] = "metric"};
  return word[role];
}

static void print_tensor(const tensor *t, FILE *to) {
  fprintf(to, "  %-6s %s%s[", role_word(t->role), is_whole(t) ? "int " : "", t->name);
  for (int d = 0; d < t->rank; d++) fprintf(to, d ? ",%" PRId64 : "%" PRId64, t->dim[d]);
  fputs("]", to);
  if (t->grad_of) fprintf(to, "  of %s", t->grad_of->name);
  if (t->apart) fprintf(to, "  apart %d", t->apart);
  if (t->sliced) fputs("  sliced", to);
  for (int d = 0; d < t->rank; d++)
    if (t->pad_lo[d] || t->pad_hi[d])
      fprintf(to, "  dim %d: %" PRId64 "+%" PRId64 " of border", d, t->pad_lo[d], t->pad_hi[d]);
  fputc('\n', to);
}

static bool *find_used(const nestprog *p, arena *mem) {
  bool *used = NEW_N(mem, bool, p->n_tensor + 1);
  for (const nest *n = p->nests; n; n = n->next) {
    reads r = reads_of(n);
    for (int i = 0; i < r.n; i++) used[r.read[i]->rd.t->id] = true;
    for (int s = 0; s < n->n_store; s++) used[n->store[s].out.t->id] = true;
  }
  for (int i = 0; i < p->n_tensor; i++)
    if (used[i] && p->tensor[i]->grad_of) used[p->tensor[i]->grad_of->id] = true;
  return used;
}

void dump_nests(const nestprog *p, FILE *to) {
  arena *tmp = arena_new();
  bool *used = find_used(p, tmp);
  fprintf(to, "%s, batch %d, after %s\ntensors {\n", p->train ? "training" : "inference", p->batch,
          p->stage ? p->stage : "construction");
  for (int i = 0; i < p->n_tensor; i++)
    if (used[i]) print_tensor(p->tensor[i], to);
  fputs("}\nnests {\n", to);
  for (const nest *n = p->nests; n; n = n->next) {
    print_nest(n, to);
    if (n->sched) print_schedule(n, to);
  }
  fputs("}\n", to);
  arena_free(tmp);
}
