/* The values of expressions at the points of a tile; those that points share are computed once. */
#include "emit_parts.h"
#include "emit_transpose.h"
#include "nest/elementary.h"
#include <stddef.h>
#include <stdlib.h>

/* Random values beyond these are had by calls: each takes a hundred instructions, and code for very
   many takes LLVM minutes. */
enum { MANY_DRAWS = 16 };

/* Of node i, whose arguments are known. */
static unsigned depends_of(em *e, int i) {
  expr *x = e->nodes->node[i];
  unsigned m = x->axes;
  for (int a = 0; x->kind == E_ACC && a < e->n->n_axis; a++)
    m |= e->n->axis[a].reduce ? 0 : 1u << a;
  for (int k = 0; k < scalar_arity(x->kind); k++) m |= e->depends[walk_place(e->nodes, x->a[k])];
  return m;
}

/* Position of a point among those that differ in the axes a node depends on. */
static int64_t memo_index(em *e, unsigned deps, const point *p) {
  int64_t at = 0;
  for (int a = 0; a < e->n->n_axis; a++) {
    if (!(deps >> a & 1)) continue;
    if (a == e->vec) at = at * e->n_chunk + p->chunk;
    else at = at * e->tile[a] + p->off[a];
  }
  return at;
}

void forget_values(em *e) {
  for (int i = 0; i < e->nodes->n; i++) {
    free(e->memo[i]);
    e->memo[i] = NULL;
  }
}

static LLVMValueRef *memo_slot(em *e, expr *x, const point *p) {
  int at = walk_place(e->nodes, x);
  unsigned deps = e->depends[at];
  if (!e->memo[at]) {
    int64_t n = 1;
    for (int a = 0; a < e->n->n_axis; a++)
      if (deps >> a & 1) n *= a == e->vec ? e->n_chunk : e->tile[a];
    e->memo[at] = calloc((size_t)n, sizeof(LLVMValueRef));
  }
  return &e->memo[at][memo_index(e, deps, p)];
}

static bool along_vector(em *e, expr *x) {
  return e->vec >= 0 && e->depends[walk_place(e->nodes, x)] >> e->vec & 1;
}

static LLVMValueRef load(em *e, expr *x, const point *p) {
  ref *r = ref_of(e, &x->rd);
  int w = along_vector(e, x) && r->stride[e->vec] ? width_at(e, p) : 1;
  LLVMTypeRef t = is_whole(x->rd.t) ? ir_int_type(&e->c, w) : ir_float_type(&e->c, w);
  LLVMValueRef v = LLVMBuildLoad2(B, t, address(e, r, &x->rd, p), "");
  LLVMSetAlignment(v, (unsigned)element_bytes(x->rd.t));
  return is_whole(x->rd.t) ? LLVMBuildSIToFP(B, v, ir_float_type(&e->c, w), "") : v;
}

/* Is x read along the axis `across`, where others run along the vector axis? */
static bool read_across(em *e, expr *x) {
  if (e->s->across < 0 || e->vec < 0) return false;
  const ref *r = ref_of(e, &x->rd);
  return r->stride[e->vec] && r->stride[e->s->across] == 1;
}

/* Loads the block of x around p, row by row, and remembers it as vectors along the vector axis. */
static void load_block(em *e, expr *x, const point *p) {
  int across = e->s->across, rows = width_at(e, p), columns = (int)e->tile[across];
  LLVMValueRef row[LANES * 4], column[LANES * 4];
  point q = *p;
  for (int i = 0; i < rows; i++) {
    q.off[across] = 0;
    q.off[e->vec] = p->off[e->vec] + i;
    row[i] = LLVMBuildLoad2(B, ir_float_type(&e->c, columns),
                            address(e, ref_of(e, &x->rd), &x->rd, &q), "");
    LLVMSetAlignment(row[i], (unsigned)element_bytes(x->rd.t));
  }
  ir_transpose(&e->c, row, rows, columns, column);
  q.off[e->vec] = p->off[e->vec];
  for (int j = 0; j < columns; j++) {
    q.off[across] = j;
    *memo_slot(e, x, &q) = column[j];
  }
}

static LLVMValueRef random_value(em *e, expr *x, const point *p) {
  LLVMValueRef block = NULL, word[4];
  for (int i = 0; i < e->n_arg; i++)
    if (!e->given[i].t) block = e->arg[i];
  for (int i = 0; i < 4; i++) {
    LLVMValueRef o = ir_index(&e->c, (int64_t)(offsetof(control, seed_lo) / 4) + i);
    word[i] = LLVMBuildLoad2(B, e->c.i32, LLVMBuildGEP2(B, e->c.i32, block, &o, 1, ""), "");
  }
  LLVMValueRef at = index_value(e, x->aff, p);
  ir_draw d = {ir_int(&e->c, x->stream, 1), word[2], word[3], word[0], word[1]};
  return ir_random(&e->c, at, &d, ++e->n_draw > MANY_DRAWS);
}

static LLVMValueRef eval(em *e, expr *x, const point *p);

/* Is x a heavy function of select(.., .., constant), in a nest that has little code? Then vectors
   all of whose elements are that constant need no work: half of the scores of a causal attention.
 */
static bool may_be_constant(em *e, const expr *x) {
  if (!scalar_elementary(x->kind) || e->c.exact || e->n->red != R_SET || e->n_point > 4)
    return false;
  return x->a[0]->kind == E_SELECT && x->a[0]->a[2]->kind == E_CONST;
}

/* Is any element of the vector not 0? */
static LLVMValueRef any_set(em *e, LLVMValueRef v) {
  unsigned w = (unsigned)ir_width(v);
  LLVMValueRef c = LLVMBuildFCmp(B, LLVMRealUNE, v, ir_float(&e->c, 0, (int)w), "");
  c = LLVMBuildBitCast(B, c, LLVMIntTypeInContext(e->c.cx, w), "");
  return LLVMBuildICmp(B, LLVMIntNE, c, LLVMConstNull(LLVMTypeOf(c)), "");
}

/* x, computed where not all elements of the vector take the selection's constant. */
static LLVMValueRef unless_constant(em *e, expr *x, const point *p) {
  expr *chosen = x->a[0];
  LLVMValueRef c = eval(e, chosen->a[0], p), arg = eval(e, chosen, p);
  int w = ir_width(arg);
  if (w == 1 || ir_width(c) != w) return ir_scalar(&e->c, x->kind, &arg);
  float none = elementary_eval_by(x->kind, (float)chosen->a[2]->num, e->c.fma);
  LLVMBasicBlockRef from = LLVMGetInsertBlock(B), some = code_block(e, "some"),
                    join = code_block(e, "");
  LLVMBuildCondBr(B, any_set(e, c), some, join);
  LLVMPositionBuilderAtEnd(B, some);
  LLVMValueRef v[2] = {ir_float(&e->c, none, w), ir_scalar(&e->c, x->kind, &arg)};
  LLVMBasicBlockRef in[2] = {from, LLVMGetInsertBlock(B)};
  LLVMBuildBr(B, join);
  LLVMPositionBuilderAtEnd(B, join);
  LLVMValueRef phi = LLVMBuildPhi(B, LLVMTypeOf(arg), "");
  LLVMAddIncoming(phi, v, in, 2);
  return phi;
}

static LLVMValueRef apply(em *e, expr *x, const point *p) {
  LLVMValueRef a[3] = {0};
  int n = scalar_arity(x->kind), w = 1;
  for (int i = 0; i < n; i++) {
    a[i] = eval(e, x->a[i], p);
    if (ir_width(a[i]) > w) w = ir_width(a[i]);
  }
  for (int i = 0; i < n; i++) a[i] = ir_splat(&e->c, a[i], w);
  return ir_scalar(&e->c, x->kind, a);
}

/* The value of x at p: a vector where it varies along the vector axis, else a float. */
static LLVMValueRef eval(em *e, expr *x, const point *p) {
  if (x->kind == E_CONST) return ir_float(&e->c, x->num, 1);
  if (x->kind == E_ACC) return e->acc[e->acc_now];
  LLVMValueRef *known = memo_slot(e, x, p);
  if (*known) return *known;
  LLVMValueRef v;
  switch (x->kind) {
  case E_READ:
    if (read_across(e, x)) {
      load_block(e, x, p);
      return *memo_slot(e, x, p);
    }
    v = load(e, x, p);
    break;
  case E_RAND: v = random_value(e, x, p); break;
  case E_INDEX: {
    LLVMValueRef i = index_value(e, x->aff, p);
    LLVMTypeRef t = LLVMTypeOf(i);
    int w = LLVMGetTypeKind(t) == LLVMVectorTypeKind ? (int)LLVMGetVectorSize(t) : 1;
    v = LLVMBuildSIToFP(B, i, ir_float_type(&e->c, w), "");
    break;
  }
  default: v = may_be_constant(e, x) ? unless_constant(e, x, p) : apply(e, x, p); break;
  }
  return *memo_slot(e, x, p) = v;
}

LLVMValueRef eval_wide(em *e, expr *x, const point *p, int w) {
  return ir_splat(&e->c, eval(e, x, p), w);
}

void number_nodes(em *e) {
  nest *n = e->n;
  e->nodes = walk_new(e->mem);
  walk_add(e->nodes, n->term);
  if (n->init) walk_add(e->nodes, n->init);
  for (int i = 0; i < n->n_store; i++) walk_add(e->nodes, n->store[i].value);
  e->depends = NEW_N(e->mem, unsigned, e->nodes->n);
  e->memo = NEW_N(e->mem, LLVMValueRef *, e->nodes->n);
  for (int i = 0; i < e->nodes->n; i++) e->depends[i] = depends_of(e, i);
}
