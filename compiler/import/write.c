/* Layers as text. A join whose branches keep to themselves is written with its branches in braces;
   where results go elsewhere too, lines follow one another and name what they take. */
#include "text.h"
#include "lang/fmt.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 24 };

typedef struct {
  importer *im;
  arena *a;
  int n_live, stamp, n_label;
  layer **live; /* inputs before users */
  layer_list *weights;
  const block *in; /* the block whose body is being printed, or NULL */
  int hole;        /* the next of its numbers */
  char *out;
  int n_out;
} writer;

/* --- which layers, and what dominates them --- */

static void mark_live(writer *w, layer *output) {
  layer **pending = NULL;
  int n = 0;
  output->live = true;
  PUSH(w->a, pending, n, output);
  while (n) {
    layer *l = pending[--n];
    for (int i = 0; i < l->n_in; i++) {
      l->in[i]->n_use++;
      if (l->in[i]->live) continue;
      l->in[i]->live = true;
      PUSH(w->a, pending, n, l->in[i]);
    }
  }
  for (int i = 0; i < w->im->n_layer; i++)
    if (w->im->layer[i]->live) PUSH(w->a, w->live, w->n_live, w->im->layer[i]);
}

static layer *common(layer *a, layer *b) {
  while (a && b && a != b)
    if (a->order > b->order) a = a->dominator;
    else b = b->dominator;
  return a == b ? a : NULL;
}

static void find_dominators(writer *w) {
  for (int i = 0; i < w->n_live; i++) {
    layer *l = w->live[i];
    l->order = i;
    l->dominator = l->n_in ? l->in[0] : NULL;
    for (int k = 1; k < l->n_in; k++) l->dominator = common(l->dominator, l->in[k]);
  }
}

/* --- lines --- */

static line *new_line(writer *w, lines *to, layer *l) {
  line *x = NEW(w->a, line);
  PUSH(w->a, x->layer, x->n_layer, l);
  PUSH(w->a, to->line, to->n, x);
  return x;
}

static bool shape_stays(const layer *l) {
  return l->n_in && shape_equal(&l->n->shape, &l->n->in[0]->shape);
}

/* Is the setting what it is where nothing is said? */
static bool is_default(const writer *w, const node *n, int i) {
  const opsetting *s = &n->op->set[i];
  xenv env;
  double v;
  node before = *n;
  before.n_set = i;
  if (!s->dflt) return false;
  for (int k = 0; s->pair && s->dflt->kind == X_NAME && k < i; k++)
    if (!strcmp(n->op->set[k].name, s->dflt->name))
      return n->set[i].v[0] == n->set[k].v[0] && n->set[i].v[1] == n->set[k].v[1];
  return node_env(&before, 1, w->im->d, &env) && xexpr_eval(s->dflt, &env, w->im->d, &v) &&
         v == n->set[i].v[0] && v == n->set[i].v[1];
}

/* May stand behind another layer: a bare word, or word=value. */
static bool is_short(const writer *w, const layer *l) {
  for (int i = 0; i < l->n->n_set; i++)
    if ((i && !is_default(w, l->n, i)) || l->n->set[i].v[0] != l->n->set[i].v[1]) return false;
  return l->n_in == 1 && shape_stays(l);
}

static bool goes_behind(const writer *w, const lines *to, const layer *l) {
  const line *last = to->n ? to->line[to->n - 1] : NULL;
  if (!last || last->layer[last->n_layer - 1]->label) return false;
  return is_short(w, l) && !(last->n_branch && l->n->op->n_decl);
}

static layer *named(writer *w, layer *l) {
  if (l->label) return l;
  char *name = arena_strdup(w->a, l->n_in || l->n->port ? printable(w->a, l->hint) : l->hint);
  bool good = isalpha((unsigned char)*name) && strlen(name) < 24;
  for (char *c = name; *c; c++)
    if (!isalnum((unsigned char)*c)) *c = '_';
  for (int i = 0; good && i < w->n_live; i++)
    good = !w->live[i]->label || strcmp(w->live[i]->label, name);
  good = good && !ops_find(w->im->ops, name);
  l->label = good ? name : arena_printf(w->a, "v%d", ++w->n_label);
  return l;
}

static void write_range(writer *w, lines *to, layer *from, layer *until);

/* --- one after the other --- */

static bool reaches(const layer *l, const layer *from) {
  while (l && l->order > from->order) l = l->dominator;
  return l == from;
}

/* Layers between `from` and `until`, each naming what it takes unless it is the current tensor. */
static void write_flat(writer *w, lines *to, layer *from, layer *until) {
  layer *current = from;
  int first = from ? from->order + 1 : 0;
  for (int i = first; i <= until->order; i++) {
    layer *l = w->live[i];
    if (!l->n_in || (from && !reaches(l, from))) continue;
    line *x = new_line(w, to, l);
    if (l->n_in == 1 && l->in[0] != current) x->from = named(w, l->in[0]);
    for (int k = 0; l->n_in > 1 && k < l->n_in; k++) {
      branch b = {.ref = l->in[k] == current ? NULL : named(w, l->in[k])};
      PUSH(w->a, x->branch, x->n_branch, b);
    }
    current = l;
  }
}

/* --- with branches --- */

/* The branches of a join: those of a chain of the same joins are its own. */
static int branches_of(writer *w, layer *l, layer ***list) {
  layer *first = l->in[0];
  int n = 0, most = 1;
  layer **back = NULL;
  for (; l->n->op->folds && first->n_in == 2 && first->n->op == l->n->op && first->n_use == 1 &&
         !first->n->n_set && first->dominator == l->dominator;
       first = first->in[0])
    most++;
  for (int i = l->n_in - 1; i > 1; i--) PUSH(w->a, back, n, l->in[i]);
  for (int i = 0; i < most; i++, l = l->in[0]) PUSH(w->a, back, n, l->in[1]);
  *list = NULL;
  int count = 0;
  PUSH(w->a, *list, count, first);
  while (n) {
    n--;
    PUSH(w->a, *list, count, back[n]);
  }
  return count;
}

/* Can everything between be written in branches? Each layer must be met once. */
static bool is_structured(writer *w, layer *from, layer *until, int depth) {
  for (layer *l = until; l != from; l = l->dominator) {
    if (!l || l->mark == w->stamp || depth > MAX_DEPTH || !l->n_in) return false;
    l->mark = w->stamp;
    layer **list;
    int n = l->n_in > 1 ? branches_of(w, l, &list) : 0;
    for (int i = 0; i < n; i++)
      if (list[i] != l->dominator && !is_structured(w, l->dominator, list[i], depth + 1))
        return false;
  }
  return true;
}

static void write_join(writer *w, lines *to, layer *l) {
  layer **list;
  int n = branches_of(w, l, &list);
  line *x = new_line(w, to, l);
  for (int i = 0; i < n; i++) {
    branch b = {0};
    if (list[i] != l->dominator) write_range(w, &b.body, l->dominator, list[i]);
    PUSH(w->a, x->branch, x->n_branch, b);
  }
}

static void write_step(writer *w, lines *to, layer *from, layer *l) {
  w->stamp++;
  if (l->n_in > 1 && from && is_structured(w, from, l, 0)) write_join(w, to, l);
  else if (l->n_in != 1 || l->in[0] != from) write_flat(w, to, from, l);
  else if (goes_behind(w, to, l)) {
    line *last = to->line[to->n - 1];
    PUSH(w->a, last->layer, last->n_layer, l);
  } else new_line(w, to, l);
}

/* Lines that lead from one layer's result to another's. */
static void write_range(writer *w, lines *to, layer *from, layer *until) {
  layer **way = NULL;
  int n = 0;
  for (layer *l = until; l != from; l = l->dominator) PUSH(w->a, way, n, l);
  for (layer *before = from; n; before = way[n]) {
    n--;
    if (way[n]->n_in) write_step(w, to, before, way[n]);
  }
}

/* --- printing --- */

static void put(writer *w, const char *s) {
  for (; *s; s++) PUSH(w->a, w->out, w->n_out, *s);
}

/* The shortest decimal that is this number as a float. */
static const char *number_text(arena *a, double v) {
  if (v == floor(v) && fabs(v) < 1e15) return arena_printf(a, "%.0f", v);
  int decimals = 1;
  const char *s = arena_printf(a, "%.1f", v);
  while (decimals < 40 && (float)strtod(s, NULL) != (float)v)
    s = arena_printf(a, "%.*f", ++decimals, v);
  return s;
}

/* What stands for the next number of a block's body; NULL: itself. */
static const char *next_hole(writer *w) { return w->in ? w->in->hole[w->hole++] : NULL; }

/* A setting whose default is another one needs no word where both are the same parameter. */
static bool follows(const node *n, int i, const char *hole, const char **texts) {
  const opsetting *s = &n->op->set[i];
  if (!hole || !s->dflt || s->dflt->kind != X_NAME) return false;
  for (int k = 0; k < i; k++)
    if (!strcmp(n->op->set[k].name, s->dflt->name)) return texts[k] && !strcmp(texts[k], hole);
  return false;
}

/* Of the forms of an operator that need different numbers of values, it is the one that as many are
   given to without a name: `reshape 16 4 4`. */
static bool told_by_values(const writer *w, const opdef *op) {
  for (const opdef *other = w->im->ops; other; other = other->next)
    if (!strcmp(other->name, op->name) && needed_values(other) != needed_values(op)) return true;
  return false;
}

static void put_setting(writer *w, const node *n, int i, bool behind, const char **texts) {
  const opsetting *s = &n->op->set[i];
  const char *h0 = next_hole(w), *h1 = s->pair ? next_hole(w) : NULL;
  texts[i] = h0;
  double v = n->set[i].v[0], v1 = n->set[i].v[1];
  bool square = s->pair ? (!h0 && !h1 && v == v1) || (h0 && h1 && !strcmp(h0, h1)) : true;
  if (!h0 && !h1 && is_default(w, n, i)) return;
  if (square && follows(n, i, h0, texts)) return;
  const char *text = h0 ? h0 : number_text(w->a, v);
  bool letter = !s->name[1] && !h0 && v >= 0 && v == floor(v);
  if (!square) text = arena_printf(w->a, "%sx%s", text, h1 ? h1 : number_text(w->a, v1));
  if (behind) put(w, arena_printf(w->a, "=%s", text));
  else if (!s->dflt && (i == 0 || told_by_values(w, n->op)))
    put(w, arena_printf(w->a, " %s", text));
  else put(w, arena_printf(w->a, letter ? " %s%s" : " %s=%s", s->name, text));
}

static void put_layer(writer *w, const layer *l, bool behind) {
  const char **texts = NEW_N(w->a, const char *, l->n->n_set + 1);
  for (int i = 0; i < l->n->n_set; i++) put_setting(w, l->n, i, behind, texts);
}

static void put_lines(writer *w, const lines *x);

static void put_branch(writer *w, const branch *b) {
  if (b->ref) put(w, arena_printf(w->a, " @%s", b->ref->label));
  else {
    put(w, " {");
    put_lines(w, &b->body);
    put(w, "}");
  }
}

static void put_call(writer *w, const line *l) {
  put(w, l->call->name);
  for (int i = 0; i < l->n_arg; i++) {
    const char *hole = next_hole(w);
    put(w, arena_printf(w->a, " %s", hole ? hole : number_text(w->a, l->arg[i])));
  }
}

static void put_line(writer *w, const line *l) {
  const layer *last = l->n_layer ? l->layer[l->n_layer - 1] : NULL;
  if (last && last->label) put(w, arena_printf(w->a, "%s: ", last->label));
  if (l->times) {
    put(w, arena_printf(w->a, "repeat %d {", l->times));
    put_lines(w, &l->body);
    put(w, "}\n");
    return;
  }
  if (l->call) put_call(w, l);
  else put(w, l->layer[0]->n->op->name);
  if (l->from) put(w, arena_printf(w->a, " @%s", l->from->label));
  for (int i = 0; i < l->n_branch; i++) put_branch(w, &l->branch[i]);
  for (int i = 0; i < l->n_layer; i++) {
    if (i) put(w, arena_printf(w->a, " %s", l->layer[i]->n->op->name));
    put_layer(w, l->layer[i], i > 0);
  }
  put(w, ";\n");
}

static void put_lines(writer *w, const lines *x) {
  for (int i = 0; i < x->n; i++) put_line(w, x->line[i]);
}

static void put_input(writer *w, const layer *l, bool named_too) {
  int64_t dim[MAX_RANK];
  const bool whole = l->n->port && l->n->port->is_int;
  int rank = shape_in_files(&l->n->shape, whole, dim);
  if (named_too) put(w, arena_printf(w->a, "%s: ", l->label));
  put(w, "input ");
  for (int i = 0; i < rank; i++)
    put(w, arena_printf(w->a, i ? "x%lld" : "%lld", (long long)dim[i]));
  if (whole) put(w, arena_printf(w->a, " of %lld", (long long)l->n->shape.below));
  put(w, ";\n");
}

static void put_head(writer *w, const layer *output, const char *title) {
  int inputs = 0;
  put(w, arena_printf(w->a, "# %s\n", title));
  for (int i = 0; i < w->n_live; i++) inputs += !w->live[i]->n_in;
  for (int i = 0; i < w->n_live; i++)
    if (!w->live[i]->n_in) put_input(w, w->live[i], inputs > 1 || w->live[i]->label);
  const shape *s = &output->n->shape;
  if (shape_elements(s) == s->dim[s->rank - 1])
    put(w, arena_printf(w->a, "classes %lld;\n", (long long)s->dim[s->rank - 1]));
  put(w, "\n");
}

static void put_blocks(writer *w, const block_list *blocks) {
  for (int i = 0; i < blocks->n; i++) {
    const block *b = blocks->block[i];
    put(w, arena_printf(w->a, "block %s(", b->name));
    for (int p = 0; p < b->n_param; p++) put(w, arena_printf(w->a, p ? ", %s" : "%s", b->param[p]));
    put(w, ") {\n");
    w->in = b;
    w->hole = 0;
    put_lines(w, &b->body);
    w->in = NULL;
    put(w, "}\n\n");
  }
}

/* In the order in which the lines become layers again. */
static void collect_weights(writer *w, const lines *x) {
  for (int i = 0; i < x->n; i++) {
    const line *l = x->line[i];
    for (int b = 0; b < l->n_branch; b++) collect_weights(w, &l->branch[b].body);
    for (int k = 0; k < l->n_layer; k++)
      if (l->layer[k]->n->op->n_decl) PUSH(w->a, w->weights->layer, w->weights->n, l->layer[k]);
  }
}

char *write_network(importer *im, layer *output, const char *title, layer_list *weights) {
  writer w = {.im = im, .a = im->a, .weights = weights};
  lines top = {0};
  layer *root = NULL;
  int inputs = 0;
  mark_live(&w, output);
  find_dominators(&w);
  for (int i = 0; i < w.n_live; i++)
    if (!w.live[i]->n_in) root = w.live[i], inputs++;
  if (inputs > 1) {
    for (int i = 0; i < w.n_live; i++)
      if (!w.live[i]->n_in) named(&w, w.live[i]);
    root = NULL;
  }
  write_range(&w, &top, root, output);
  collect_weights(&w, &top);
  block_list blocks = find_blocks(im->a, &top);
  put_head(&w, output, title);
  put_blocks(&w, &blocks);
  put_lines(&w, &top);
  PUSH(im->a, w.out, w.n_out, 0);
  return format_source(im->a, im->d, "imported network", w.out);
}
