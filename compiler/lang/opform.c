/* Operators with packs (`x[N,S..,C]`), written out for one number of dimensions: `S..` becomes H, W
   and `s..` h, w where there are two of them, the name S alone the product
   H*W, and s alone the position h*W+w. */
#include "opdef.h"
#include <ctype.h>
#include <string.h>

typedef struct {
  const char *dims, *index; /* "S..", "s.." ("..": without a name, both) */
  const char *alone, *flat; /* "S", "s"; NULL for ".." */
  int n;
  const char *dim[6], *at[6];
} pack;

typedef struct {
  arena *a;
  int n;
  pack p[MAX_PACKS];
  int n_name; /* every name of the operator's text: new ones must be others */
  const char **name;
} packs;

static bool is_pack(const char *name) {
  size_t n = strlen(name);
  return n >= 2 && !strcmp(name + n - 2, "..");
}

/* The packs of an operator are those of its inputs, in order. */
static int pack_number(const opdef *op, const char *name) {
  const char *seen[MAX_PACKS];
  int n = 0;
  for (int i = 0; i < op->n_in; i++)
    for (int d = 0; d < op->in[i].n_dim; d++) {
      const char *dim = op->in[i].dim[d];
      if (!is_pack(dim)) continue;
      int k = 0;
      while (k < n && strcmp(seen[k], dim)) k++;
      if (!strcmp(dim, name)) return k;
      if (k == n && n < MAX_PACKS) seen[n++] = dim;
    }
  return n;
}

static bool input_fits(const opdef *op, const opinput *in, int rank, int len[MAX_PACKS]) {
  int fixed = 0, which = -1;
  if (in->every) return true;
  for (int d = 0; d < in->n_dim; d++) {
    if (is_pack(in->dim[d])) which = pack_number(op, in->dim[d]);
    else fixed++;
  }
  if (which < 0) return rank == fixed;
  if (which >= MAX_PACKS || rank < fixed || (len[which] >= 0 && len[which] != rank - fixed))
    return false;
  len[which] = rank - fixed;
  return true;
}

bool op_fits(const opdef *op, int n, const int *rank, int len[MAX_PACKS]) {
  for (int k = 0; k < MAX_PACKS; k++) len[k] = -1;
  for (int i = 0; i < n; i++)
    if (i >= op->n_in || !input_fits(op, &op->in[i], rank[i], len)) return false;
  return n == op->n_in;
}

int needed_values(const opdef *op) {
  int n = 0;
  for (int i = 0; i < op->n_set; i++) n += !op->set[i].dflt;
  return n;
}

/* --- names --- */

static void note_name(packs *k, const char *name) {
  if (name && !is_pack(name)) PUSH(k->a, k->name, k->n_name, name);
}

static void names_of(packs *k, const xexpr *x) {
  if (!x) return;
  note_name(k, x->name);
  for (int i = 0; i < x->n; i++) names_of(k, x->arg[i]);
}

static void names_of_axes(packs *k, const opaxis *axis, int n) {
  for (int i = 0; i < n; i++) {
    note_name(k, axis[i].name);
    names_of(k, axis[i].extent);
  }
}

static void names_of_statements(packs *k, const opstmt *s) {
  for (; s; s = s->next) {
    names_of(k, s->lhs);
    names_of(k, s->rhs);
    names_of(k, s->cond);
    if (s->scan) names_of_axes(k, s->scan, 1);
    names_of_axes(k, s->axis, s->n_axis);
    names_of_statements(k, s->then);
    names_of_statements(k, s->otherwise);
  }
}

static void names_of_operator(packs *k, const opdef *op) {
  for (int i = 0; i < op->n_in; i++) {
    note_name(k, op->in[i].name);
    for (int d = 0; d < op->in[i].n_dim; d++) note_name(k, op->in[i].dim[d]);
  }
  for (int i = 0; i < op->n_set; i++) note_name(k, op->set[i].name);
  for (int i = 0; i < op->n_let; i++) note_name(k, op->let[i].name);
  for (int i = 0; i < op->n_decl; i++) names_of_axes(k, op->decl[i].dim, op->decl[i].n_dim);
  names_of_statements(k, op->body);
  names_of_statements(k, op->train);
  names_of_statements(k, op->infer);
}

static bool is_taken(const packs *k, const char *name) {
  for (int i = 0; i < k->n_name; i++)
    if (!strcmp(k->name[i], name)) return true;
  return false;
}

static const char *lower_case(arena *a, const char *s) {
  char *t = arena_strdup(a, s);
  for (char *c = t; *c; c++) *c = (char)tolower((unsigned char)*c);
  return t;
}

/* The usual names of n dimensions between the batch and (unless `last`) the channels. */
static const char *usual_name(int n, int i, bool last, bool is_int) {
  static const char *const usual[] = {"D", "H", "W"};
  if (last && !is_int && i == n - 1) return "C";
  int spatial = n - (last && !is_int);
  if (spatial == 1) return "L";
  return spatial <= 3 ? usual[3 - spatial + i] : NULL;
}

static void name_pack(packs *k, pack *p, bool last, bool is_int) {
  const char *stem = p->alone ? p->alone : "D";
  for (int i = 0; i < p->n; i++) {
    const char *dim = usual_name(p->n, i, last, is_int);
    if (!dim || is_taken(k, dim) || is_taken(k, lower_case(k->a, dim)))
      dim = arena_printf(k->a, "%s%d", stem, i + 1);
    while (is_taken(k, dim) || is_taken(k, lower_case(k->a, dim)))
      dim = arena_printf(k->a, "%s_", dim);
    p->dim[i] = dim;
    p->at[i] = lower_case(k->a, dim);
    note_name(k, dim);
    note_name(k, p->at[i]);
  }
}

static void find_packs(packs *k, const opdef *op, const int *len) {
  names_of_operator(k, op);
  for (int i = 0; i < op->n_in; i++)
    for (int d = 0; d < op->in[i].n_dim; d++) {
      const char *dim = op->in[i].dim[d];
      if (!is_pack(dim) || pack_number(op, dim) != k->n || k->n == MAX_PACKS) continue;
      pack *p = &k->p[k->n];
      *p = (pack){.dims = dim, .index = lower_case(k->a, dim), .n = len[k->n] > 0 ? len[k->n] : 0};
      if (dim[0] != '.') p->alone = arena_strndup(k->a, dim, strlen(dim) - 2);
      if (p->alone) p->flat = lower_case(k->a, p->alone);
      name_pack(k, p, d == op->in[i].n_dim - 1, op->in[i].is_int);
      k->n++;
    }
}

/* --- copies --- */

/* What a pack's name stands for in a list: indices where `index`, else dimensions. */
static const pack *find_pack(const packs *k, const char *name, bool *index) {
  for (int i = 0; i < k->n; i++) {
    if (!strcmp(k->p[i].dims, name)) {
      if (name[0] != '.') *index = false;
      return &k->p[i];
    }
    if (!strcmp(k->p[i].index, name)) {
      *index = true;
      return &k->p[i];
    }
  }
  return NULL;
}

static xexpr *named(const packs *k, const xexpr *like, const char *name) {
  xexpr *x = NEW(k->a, xexpr);
  *x = (xexpr){.kind = X_NAME, .at = like->at, .name = name};
  return x;
}

static xexpr *number(const packs *k, const xexpr *like, double v) {
  xexpr *x = named(k, like, NULL);
  x->kind = X_NUM;
  x->num = v;
  return x;
}

static xexpr *binary(const packs *k, xkind kind, xexpr *a, xexpr *b) {
  xexpr *x = named(k, a, NULL);
  x->kind = kind;
  x->n = 2;
  x->depth = a->depth + 1;
  x->arg = NEW_N(k->a, xexpr *, 2);
  x->arg[0] = a;
  x->arg[1] = b;
  return x;
}

static xexpr *product_of(const packs *k, const xexpr *like, const pack *p) {
  xexpr *all = NULL;
  for (int i = 0; i < p->n; i++) {
    xexpr *one = named(k, like, p->dim[i]);
    all = all ? binary(k, X_MUL, all, one) : one;
  }
  return all ? all : number(k, like, 1);
}

/* The indices as one, row by row: (h)*W + w. */
static xexpr *flat_index(const packs *k, const xexpr *like, const pack *p) {
  xexpr *all = NULL;
  for (int i = 0; i < p->n; i++) {
    xexpr *one = named(k, like, p->at[i]);
    if (all) {
      all = binary(k, X_MUL, all, named(k, like, p->dim[i]));
      all = binary(k, X_ADD, all, one);
    } else {
      all = one;
    }
  }
  return all ? all : number(k, like, 0);
}

static void write_out(const packs *k, int n, xexpr *const *arg, bool index, int *n_out,
                      xexpr ***out);

static xexpr *copy(const packs *k, const xexpr *x) {
  if (!x) return NULL;
  for (int i = 0; x->kind == X_NAME && k->p[i].alone && i < k->n; i++) {
    if (!strcmp(k->p[i].alone, x->name)) return product_of(k, x, &k->p[i]);
    if (!strcmp(k->p[i].flat, x->name)) return flat_index(k, x, &k->p[i]);
  }
  xexpr *y = NEW(k->a, xexpr);
  *y = *x;
  y->n = 0;
  y->arg = NULL;
  write_out(k, x->n, x->arg, x->kind == X_READ, &y->n, &y->arg);
  return y;
}

/* A list in which packs become as many entries as they have dimensions. */
static void write_out(const packs *k, int n, xexpr *const *arg, bool index, int *n_out,
                      xexpr ***out) {
  for (int i = 0; i < n; i++) {
    bool at = index;
    const pack *p = arg[i]->kind == X_NAME ? find_pack(k, arg[i]->name, &at) : NULL;
    if (!p) {
      xexpr *one = copy(k, arg[i]);
      PUSH(k->a, *out, *n_out, one);
    }
    for (int d = 0; p && d < p->n; d++) {
      xexpr *one = named(k, arg[i], at ? p->at[d] : p->dim[d]);
      PUSH(k->a, *out, *n_out, one);
    }
  }
}

static void copy_axes(const packs *k, int n, const opaxis *axis, int *n_out, opaxis **out) {
  *n_out = 0;
  *out = NULL;
  for (int i = 0; i < n; i++) {
    bool index = true;
    const pack *p = find_pack(k, axis[i].name, &index);
    if (!p) {
      opaxis one = {axis[i].name, copy(k, axis[i].extent), axis[i].at};
      PUSH(k->a, *out, *n_out, one);
    }
    for (int d = 0; p && d < p->n; d++) { /* `s..` runs over `S..`; what else is named is unknown */
      const xexpr *extent = axis[i].extent;
      bool own = !extent || !extent->name || !strcmp(extent->name, p->dims);
      xexpr *to = own ? named(k, extent, p->dim[d]) : copy(k, extent);
      opaxis one = {p->at[d], to, axis[i].at};
      PUSH(k->a, *out, *n_out, one);
    }
  }
}

static opstmt *copy_statements(const packs *k, const opstmt *s) {
  opstmt *first = NULL, **end = &first;
  for (; s; s = s->next) {
    opstmt *t = NEW(k->a, opstmt);
    *t = *s;
    t->next = NULL;
    t->lhs = copy(k, s->lhs);
    t->rhs = copy(k, s->rhs);
    t->cond = copy(k, s->cond);
    copy_axes(k, s->n_axis, s->axis, &t->n_axis, &t->axis);
    if (s->scan) {
      t->scan = NEW(k->a, opaxis);
      *t->scan = (opaxis){s->scan->name, copy(k, s->scan->extent), s->scan->at};
    }
    t->then = copy_statements(k, s->then);
    t->otherwise = copy_statements(k, s->otherwise);
    *end = t;
    end = &t->next;
  }
  return first;
}

static void copy_inputs(const packs *k, opdef *o) {
  opinput *in = NEW_N(k->a, opinput, o->n_in + 1);
  for (int i = 0; i < o->n_in; i++) {
    in[i] = o->in[i];
    in[i].n_dim = 0;
    for (int d = 0; d < o->in[i].n_dim; d++) {
      bool index = false;
      const pack *p = find_pack(k, o->in[i].dim[d], &index);
      if (!p && in[i].n_dim < 6) in[i].dim[in[i].n_dim++] = o->in[i].dim[d];
      for (int e = 0; p && e < p->n && in[i].n_dim < 6; e++) in[i].dim[in[i].n_dim++] = p->dim[e];
    }
  }
  o->in = in;
}

/* The file order over the dimensions as they are now: groups stay groups; a pack by itself makes
   a group of each of its dimensions. */
static void copy_order(const packs *k, const opdecl *from, opdecl *to) {
  int first[7] = {0}, count[7] = {0}, group = -1, last = -1;
  for (int d = 0, at = 0; d < from->n_dim; d++, at += count[d - 1]) {
    bool index = true;
    const pack *p = find_pack(k, from->dim[d].name, &index);
    first[d] = at;
    count[d] = p ? p->n : 1;
  }
  to->n_file = 0;
  to->file_dim = NEW_N(k->a, int, to->n_dim + 1);
  to->file_group = NEW_N(k->a, int, to->n_dim + 1);
  for (int i = 0; i < from->n_file; i++) {
    int d = from->file_dim[i], of = from->file_group[i];
    bool alone = (i == 0 || from->file_group[i - 1] != of) &&
                 (i == from->n_file - 1 || from->file_group[i + 1] != of);
    for (int e = 0; e < count[d]; e++) {
      if (of != last || alone) group++;
      last = of;
      to->file_dim[to->n_file] = first[d] + e;
      to->file_group[to->n_file++] = group;
    }
  }
}

static void copy_declarations(const packs *k, opdef *o) {
  opdecl *decl = NEW_N(k->a, opdecl, o->n_decl + 1);
  for (int i = 0; i < o->n_decl; i++) {
    const opdecl *from = &o->decl[i];
    decl[i] = *from;
    copy_axes(k, from->n_dim, from->dim, &decl[i].n_dim, &decl[i].dim);
    copy_order(k, from, &decl[i]);
    decl[i].init_arg = copy(k, from->init_arg);
    decl[i].when = copy(k, from->when);
  }
  o->decl = decl;
}

/* Indices in an ONNX list are axes there: positions come after batch and channels. */
static void name_axes(const packs *k, onnx_arg *list) {
  for (int i = 0; i < list->n; i++)
    for (int p = 0; p < k->n; p++)
      for (int d = 0; d < k->p[p].n; d++)
        if (list->x[i]->name && list->x[i]->name == k->p[p].at[d])
          list->x[i] = number(k, list->x[i], 2 + d);
}

static void copy_onnx(const packs *k, opdef *o) {
  onnx_step *step = NEW_N(k->a, onnx_step, o->n_onnx + 1);
  for (int i = 0; i < o->n_onnx; i++) {
    step[i] = o->onnx[i];
    step[i].when = copy(k, step[i].when);
    step[i].arg = NEW_N(k->a, onnx_arg, step[i].n_arg + 1);
    for (int j = 0; j < step[i].n_arg; j++) {
      const onnx_arg *from = &o->onnx[i].arg[j];
      onnx_arg *to = &step[i].arg[j];
      *to = *from;
      to->n = 0;
      to->x = NULL;
      write_out(k, from->n, from->x, false, &to->n, &to->x);
      if (from->list) name_axes(k, to);
    }
  }
  o->onnx = step;
}

static void copy_rules(const packs *k, opdef *o) {
  opsetting *set = NEW_N(k->a, opsetting, o->n_set + 1);
  opneed *need = NEW_N(k->a, opneed, o->n_need + 1);
  oplet *let = NEW_N(k->a, oplet, o->n_let + 1);
  xexpr **dim = o->out_dim;
  int n = o->n_out_dim;
  for (int i = 0; i < o->n_set; i++) set[i] = o->set[i], set[i].dflt = copy(k, set[i].dflt);
  for (int i = 0; i < o->n_need; i++) need[i] = o->need[i], need[i].cond = copy(k, need[i].cond);
  for (int i = 0; i < o->n_let; i++) let[i] = o->let[i], let[i].v = copy(k, let[i].v);
  o->set = set;
  o->need = need;
  o->let = let;
  o->out_dim = NULL;
  o->n_out_dim = 0;
  write_out(k, n, dim, false, &o->n_out_dim, &o->out_dim);
}

opdef *op_form(arena *a, opdef *op, const int len[MAX_PACKS]) {
  packs k = {.a = a};
  find_packs(&k, op, len);
  if (!k.n) return op;
  for (opdef *f = op->forms; f; f = f->forms)
    if (!memcmp(f->len, len, sizeof f->len)) return f;
  opdef *o = NEW(a, opdef);
  *o = *op;
  o->next = NULL;
  memcpy(o->len, len, sizeof o->len);
  copy_inputs(&k, o);
  copy_rules(&k, o);
  copy_declarations(&k, o);
  copy_onnx(&k, o);
  o->body = copy_statements(&k, op->body);
  o->train = copy_statements(&k, op->train);
  o->infer = copy_statements(&k, op->infer);
  o->forms = op->forms;
  op->forms = o;
  return o;
}
