/* emit: one scheduled nest becomes one function
     void kernel(char **tensors, index begin, index end)
   that runs tiles [begin, end) of the nest's domain. The reduction lives in SSA accumulators from
   the first iteration to the stores; operands shared by points of a tile are loaded once. */
#include "base/internal.h"
#include "emit.h"
#include "emit_scalar.h"
#include "emit_transpose.h"
#include "nest/elementary.h"
#include "nest/picks.h"
#include <llvm-c/Target.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Random values beyond these are had by calls: each takes a hundred instructions, and code for very
   many takes LLVM minutes. */
enum { MANY_DRAWS = 16 };

/* A pointer that walks with the loops. Accesses to one tensor that move alike share it, and lie at
   constant distances from it. */
typedef struct {
  const tensor *t;
  bool read;
  int64_t stride[MAX_AXES];
  LLVMValueRef
      at; /* the tensor's element at the current loop indices, less constants and tile offsets */
} ref;

typedef struct {
  int64_t at;
  int width;
} chunk;

/* Where in the tile: an offset from the loop index for every axis; along the vector axis, a chunk.
 */
typedef struct {
  int64_t off[MAX_AXES];
  int chunk;
} point;

typedef struct {
  ir c;
  nest *n;
  schedule *s;
  const target_info *t;
  LLVMValueRef fn, tensors, begin, end;
  int n_arg;
  LLVMValueRef *arg;
  tensor *const *arg_tensor;
  arena *mem; /* of this kernel */
  int n_ref;
  ref *refs;
  LLVMValueRef index[MAX_AXES]; /* loop index at the tile's origin; NULL: 0 */
  int64_t tile[MAX_AXES];       /* tile of the code being emitted (smaller at ragged edges) */
  int vec;                      /* axis along vectors in the current phase, or -1 */
  int n_chunk;
  chunk *chunk;
  walk *nodes;
  unsigned *depends;   /* axes that node i depends on, as bits */
  LLVMValueRef **memo; /* values of node i at tile points, since the block began */
  int64_t n_point;
  point *points; /* output points of the tile */
  LLVMValueRef *acc;
  const point *store_point; /* E_ACC refers to this one */
  int64_t acc_now;
  int n_draw;         /* random values in the code so far */
  bool at_once;       /* stores need not wait for all values */
  bool within_guards; /* the guards are known to hold */
} em;

#define B (e->c.b)

/* --- loop indices, addresses --- */

static LLVMValueRef add_scaled(em *e, LLVMValueRef base, LLVMValueRef i, int64_t k) {
  if (!k || !i) return base;
  LLVMValueRef t = k == 1 ? i : LLVMBuildMul(B, i, ir_index(&e->c, k), "");
  return base ? LLVMBuildAdd(B, base, t, "") : t;
}

static LLVMTypeRef element_type(em *e, const ref *r) {
  return is_whole(r->t) ? e->c.i32 : e->c.f32;
}

static LLVMValueRef advance(em *e, const ref *r, LLVMValueRef i, int64_t stride) {
  if (!stride || !i) return r->at;
  LLVMValueRef off = add_scaled(e, NULL, i, stride);
  return LLVMBuildGEP2(B, element_type(e, r), r->at, &off, 1, "");
}

/* Of the access x, which moves as r does. */
static LLVMValueRef address(em *e, const ref *r, const access *x, const point *p) {
  int64_t off = 0;
  for (int d = 0; d < x->t->rank; d++) off += x->ix[d]->c * x->t->stride[d];
  for (int a = 0; a < e->n->n_axis; a++) off += r->stride[a] * p->off[a];
  if (!off) return r->at;
  LLVMValueRef o = ir_index(&e->c, off);
  return LLVMBuildGEP2(B, element_type(e, r), r->at, &o, 1, "");
}

static ref *find_ref(em *e, const access *x) {
  int64_t stride[MAX_AXES] = {0};
  for (int a = 0; a < e->n->n_axis; a++) stride[a] = access_stride(x, a);
  for (int i = 0; i < e->n_ref; i++)
    if (e->refs[i].t == x->t && !memcmp(e->refs[i].stride, stride, sizeof stride))
      return &e->refs[i];
  return NULL;
}

static ref *ref_of(em *e, const access *x) {
  ref *r = find_ref(e, x);
  if (!r) internal_error(e->n->name, "an access without a pointer");
  return r;
}

/* --- expressions at a point of the tile --- */

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

static void forget(em *e) {
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

static int width_at(em *e, const point *p) { return e->vec < 0 ? 1 : e->chunk[p->chunk].width; }

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

/* The value of an affine index at a point, as i32 (a vector where it varies along the vector). */
static LLVMValueRef index_value(em *e, const affine *x, const point *p) {
  int64_t c = x->c;
  LLVMValueRef base = NULL;
  for (int a = 0; a < e->n->n_axis; a++) {
    base = add_scaled(e, base, e->index[a], x->k[a]);
    c += x->k[a] * p->off[a];
  }
  LLVMValueRef v = ir_index(&e->c, c);
  if (base) v = LLVMBuildAdd(B, base, v, "");
  v = LLVMBuildTrunc(B, v, e->c.i32, "");
  int w = width_at(e, p);
  if (e->vec < 0 || !x->k[e->vec] || w == 1) return v;
  LLVMValueRef step[LANES * 4];
  for (int i = 0; i < w; i++) step[i] = LLVMConstInt(e->c.i32, (uint64_t)(i * x->k[e->vec]), 1);
  return LLVMBuildAdd(B, ir_splat(&e->c, v, w), LLVMConstVector(step, (unsigned)w), "");
}

static LLVMValueRef random_value(em *e, expr *x, const point *p) {
  LLVMValueRef block = NULL, word[4];
  for (int i = 0; i < e->n_arg; i++)
    if (!e->arg_tensor[i]) block = e->arg[i];
  for (int i = 0; i < 4; i++) {
    LLVMValueRef o = ir_index(&e->c, (int64_t)(offsetof(control, seed_lo) / 4) + i);
    word[i] = LLVMBuildLoad2(B, e->c.i32, LLVMBuildGEP2(B, e->c.i32, block, &o, 1, ""), "");
  }
  LLVMValueRef at = index_value(e, x->aff, p);
  ir_draw d = {ir_int(&e->c, x->stream, 1), word[2], word[3], word[0], word[1]};
  return ir_random(&e->c, at, &d, ++e->n_draw > MANY_DRAWS);
}

static LLVMBasicBlockRef new_block(em *e, const char *name) {
  return LLVMAppendBasicBlockInContext(e->c.cx, e->fn, name);
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
  LLVMBasicBlockRef from = LLVMGetInsertBlock(B), some = new_block(e, "some"),
                    join = new_block(e, "");
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

/* A broadcast of a scalar operand, made once for all points that share it. */
static LLVMValueRef eval_wide(em *e, expr *x, const point *p, int w) {
  return ir_splat(&e->c, eval(e, x, p), w);
}

/* --- the points of a tile --- */

static void set_vector(em *e, int axis, int64_t extent, int64_t unit) {
  e->vec = axis;
  e->n_chunk = 0;
  for (int64_t at = 0; axis >= 0 && at < extent;) {
    int64_t w = unit ? unit : e->t->lanes;
    while (w > extent - at) w /= 2;
    PUSH(e->mem, e->chunk, e->n_chunk, ((chunk){at, (int)w}));
    at += w;
  }
}

typedef struct {
  int64_t n;
  point *at;
} points;

static void next_points(em *e, int ax, bool reduce, point *p, points *out) {
  while (ax < e->n->n_axis && e->n->axis[ax].reduce != reduce) ax++;
  if (ax == e->n->n_axis) {
    PUSH(e->mem, out->at, out->n, *p);
    return;
  }
  bool vec = ax == e->vec;
  int64_t count = vec ? e->n_chunk : e->tile[ax];
  for (int64_t i = 0; i < count; i++) {
    p->off[ax] = vec ? e->chunk[i].at : i;
    if (vec) p->chunk = (int)i;
    next_points(e, ax + 1, reduce, p, out);
  }
  p->off[ax] = 0;
}

static points list_points(em *e, bool reduce) {
  point p = {0};
  points out = {0};
  next_points(e, 0, reduce, &p, &out);
  return out;
}

/* The output points of the tile at hand, with room for their accumulators. */
static void list_outputs(em *e) {
  points out = list_points(e, false);
  e->n_point = out.n;
  e->points = out.at;
  e->acc = NEW_N(e->mem, LLVMValueRef, out.n);
}

static point join(const em *e, const point *out, const point *red) {
  point p = *out;
  for (int a = 0; a < e->n->n_axis; a++)
    if (e->n->axis[a].reduce) p.off[a] = red->off[a];
  if (e->n->lanes) p.chunk = red->chunk;
  return p;
}

/* --- combining terms --- */

static LLVMValueRef greater(em *e, LLVMValueRef acc, LLVMValueRef v) {
  return LLVMBuildSelect(B, LLVMBuildFCmp(B, LLVMRealOGT, v, acc, ""), v, acc, "");
}

static LLVMValueRef combine(em *e, LLVMValueRef acc, const point *p) {
  expr *t = e->n->term;
  int w = ir_width(acc);
  if (e->n->red == R_SUM && t->kind == E_MUL)
    return ir_fma(&e->c, eval_wide(e, t->a[0], p, w), eval_wide(e, t->a[1], p, w), acc);
  LLVMValueRef v = eval_wide(e, t, p, w);
  if (e->n->red == R_SET) return v;
  if (e->n->red == R_SUM) return LLVMBuildFAdd(B, acc, v, "");
  return greater(e, acc, v);
}

/* i1: every guard holds at p; NULL when the nest has none. */
static LLVMValueRef guards_hold(em *e, const point *p) {
  LLVMValueRef all = NULL;
  for (int g = 0; g < e->n->n_guard; g++) {
    const affine *x = e->n->guard[g].ix;
    LLVMValueRef v = NULL;
    int64_t c = x->c;
    for (int a = 0; a < e->n->n_axis; a++) {
      v = add_scaled(e, v, e->index[a], x->k[a]);
      c += x->k[a] * p->off[a];
    }
    v = v ? LLVMBuildAdd(B, v, ir_index(&e->c, c), "") : ir_index(&e->c, c);
    LLVMValueRef ok = LLVMBuildICmp(B, LLVMIntULT, v, ir_index(&e->c, e->n->guard[g].extent), "");
    all = all ? LLVMBuildAnd(B, all, ok, "") : ok;
  }
  return all;
}

static LLVMValueRef combine_guarded(em *e, LLVMValueRef acc, const point *p) {
  LLVMValueRef ok = e->within_guards ? NULL : guards_hold(e, p);
  if (!ok) return combine(e, acc, p);
  LLVMBasicBlockRef from = LLVMGetInsertBlock(B), in = new_block(e, "in"),
                    out = new_block(e, "out");
  LLVMBuildCondBr(B, ok, in, out);
  LLVMPositionBuilderAtEnd(B, in);
  forget(e); /* values of this block do not reach past it */
  LLVMValueRef v = combine(e, acc, p);
  forget(e);
  LLVMBasicBlockRef last = LLVMGetInsertBlock(B);
  LLVMBuildBr(B, out);
  LLVMPositionBuilderAtEnd(B, out);
  LLVMValueRef phi = LLVMBuildPhi(B, LLVMTypeOf(acc), ""), vs[2] = {acc, v};
  LLVMBasicBlockRef bs[2] = {from, last};
  LLVMAddIncoming(phi, vs, bs, 2);
  return phi;
}

/* --- reduction loops --- */

/* Asks for what x reads in the next tile along the vectors, as p has it in this one. */
static void ask_ahead(em *e, const access *x, const point *p) {
  const ref *r = ref_of(e, x);
  int64_t tile = e->tile[e->vec], line = 16;
  point next = *p;
  for (int64_t at = 0; at < tile; at += line) {
    next.off[e->vec] = tile + at;
    LLVMValueRef a[4] = {address(e, r, x, &next), ir_int(&e->c, 0, 1), ir_int(&e->c, 2, 1),
                         ir_int(&e->c, 1, 1)};
    ir_call(&e->c, "llvm.prefetch", e->c.ptr, 4, a);
  }
}

static void ask_for_operands(em *e, const point *red) {
  reads r = reads_of_term(e->n);
  point p = join(e, &e->points[0], red);
  for (int i = 0; i < r.n; i++)
    if (access_stride(&r.read[i]->rd, e->vec) == 1 && rows_far_apart(e->n, &r.read[i]->rd))
      ask_ahead(e, &r.read[i]->rd, &p);
}

static void ask_for_results(em *e) {
  reads r = reads_of_stores(e->n);
  for (int i = 0; i < r.n; i++)
    for (int64_t k = 0; k < e->n_point; k++)
      if (e->points[k].chunk == 0 && access_stride(&r.read[i]->rd, e->vec) == 1)
        ask_ahead(e, &r.read[i]->rd, &e->points[k]);
}

static void body(em *e) {
  points red = list_points(e, true);
  for (int64_t r = 0; r < red.n; r++) {
    if (e->s->ahead) ask_for_operands(e, &red.at[r]);
    for (int64_t i = 0; i < e->n_point; i++) {
      point p = join(e, &e->points[i], &red.at[r]);
      e->acc[i] = combine_guarded(e, e->acc[i], &p);
    }
  }
  forget(e);
}

/* Opens a counted loop at the current block: index, moving addresses and accumulators as phis. */
typedef struct {
  int axis;
  int64_t from, count, step;
  LLVMBasicBlockRef head;
  LLVMValueRef index, outer_index;
  LLVMValueRef *at, *outer_at; /* of the refs */
  LLVMValueRef *acc;
} loop;

/* Where the pointers are now; and back to there. */
static LLVMValueRef *places(em *e) {
  LLVMValueRef *at = NEW_N(e->mem, LLVMValueRef, e->n_ref);
  for (int i = 0; i < e->n_ref; i++) at[i] = e->refs[i].at;
  return at;
}

static void return_to(em *e, LLVMValueRef *at) {
  for (int i = 0; i < e->n_ref; i++) e->refs[i].at = at[i];
}

static LLVMValueRef phi_like(em *e, LLVMValueRef v) { return LLVMBuildPhi(B, LLVMTypeOf(v), ""); }

static void loop_open(em *e, loop *l) {
  LLVMBasicBlockRef before = LLVMGetInsertBlock(B);
  LLVMValueRef start = ir_index(&e->c, l->from);
  l->at = NEW_N(e->mem, LLVMValueRef, e->n_ref);
  l->outer_at = places(e);
  l->outer_index = e->index[l->axis];
  l->head = new_block(e, e->n->axis[l->axis].name);
  LLVMBuildBr(B, l->head);
  LLVMPositionBuilderAtEnd(B, l->head);
  l->index = LLVMBuildPhi(B, e->c.index, "");
  LLVMAddIncoming(l->index, &start, &before, 1);
  e->index[l->axis] = l->index;
  for (int i = 0; i < e->n_ref; i++) {
    if (!e->refs[i].stride[l->axis]) continue;
    l->at[i] = phi_like(e, e->refs[i].at);
    LLVMAddIncoming(l->at[i], &l->outer_at[i], &before, 1);
    e->refs[i].at = l->at[i];
  }
  l->acc = NEW_N(e->mem, LLVMValueRef, e->n_point);
  for (int64_t i = 0; i < e->n_point; i++) {
    l->acc[i] = phi_like(e, e->acc[i]);
    LLVMAddIncoming(l->acc[i], &e->acc[i], &before, 1);
    e->acc[i] = l->acc[i];
  }
}

static void loop_close(em *e, loop *l) {
  LLVMBasicBlockRef last = LLVMGetInsertBlock(B), after = new_block(e, "");
  LLVMValueRef next = LLVMBuildAdd(B, l->index, ir_index(&e->c, l->step), "");
  LLVMAddIncoming(l->index, &next, &last, 1);
  for (int i = 0; i < e->n_ref; i++) {
    if (!l->at[i]) continue;
    LLVMValueRef o = ir_index(&e->c, e->refs[i].stride[l->axis] * l->step);
    LLVMValueRef p = LLVMBuildGEP2(B, element_type(e, &e->refs[i]), l->at[i], &o, 1, "");
    LLVMAddIncoming(l->at[i], &p, &last, 1);
  }
  for (int64_t i = 0; i < e->n_point; i++) LLVMAddIncoming(l->acc[i], &e->acc[i], &last, 1);
  LLVMValueRef more =
      LLVMBuildICmp(B, LLVMIntSLT, next, ir_index(&e->c, l->from + l->count * l->step), "");
  LLVMBuildCondBr(B, more, l->head, after);
  LLVMPositionBuilderAtEnd(B, after);
  return_to(e, l->outer_at);
  e->index[l->axis] = l->outer_index;
}

static void move_to(em *e, int ax, LLVMValueRef index) {
  e->index[ax] = index;
  for (int i = 0; i < e->n_ref; i++)
    e->refs[i].at = advance(e, &e->refs[i], index, e->refs[i].stride[ax]);
}

/* The whole number that the picked axis must equal; 0 where it is out of range: the term is 0
   there, since it asks for the number itself. */
static LLVMValueRef picked_index(em *e) {
  const access *x = &e->n->picked->rd;
  const point origin = {0};
  LLVMValueRef at = address(e, ref_of(e, x), x, &origin);
  LLVMValueRef v = LLVMBuildLoad2(B, e->c.i32, at, "");
  LLVMValueRef none = LLVMConstInt(e->c.i32, 0, 0);
  LLVMValueRef extent = LLVMConstInt(e->c.i32, (uint64_t)e->n->axis[e->n->pick - 1].extent, 0);
  LLVMSetAlignment(v, (unsigned)element_bytes(x->t));
  v = LLVMBuildSelect(B, LLVMBuildICmp(B, LLVMIntULT, v, extent, ""), v, none, "");
  return LLVMBuildZExtOrBitCast(B, v, e->c.index, "");
}

/* Runs `inside` where the picked axis stands at its number. */
static void at_picked(em *e, void (*inside)(em *)) {
  int ax = e->n->pick - 1;
  LLVMValueRef *at = places(e), saved = e->index[ax];
  move_to(e, ax, picked_index(e));
  inside(e);
  return_to(e, at);
  e->index[ax] = saved;
}

static void reduce_from(em *e, int ax);

/* The last elements of a vectorised reduction: each goes to its own lane. */
static void lanes_rest(em *e, int64_t done, int64_t rest) {
  int vec = e->vec;
  int64_t tile = e->tile[vec];
  LLVMValueRef saved = e->index[vec];
  LLVMValueRef *at = places(e);
  move_to(e, vec, ir_index(&e->c, done));
  e->vec = -1;
  e->tile[vec] = rest;
  for (int64_t l = 0; l < rest; l++)
    for (int64_t i = 0; i < e->n_point; i++) {
      point p = e->points[i];
      p.off[vec] = l;
      LLVMValueRef lane = LLVMBuildExtractElement(B, e->acc[i], ir_index(&e->c, l), "");
      forget(e);
      lane = combine_guarded(e, lane, &p);
      e->acc[i] = LLVMBuildInsertElement(B, e->acc[i], lane, ir_index(&e->c, l), "");
    }
  forget(e);
  e->vec = vec;
  e->tile[vec] = tile;
  return_to(e, at);
  e->index[vec] = saved;
}

static void reduce_loop(em *e, int ax, int64_t count, int64_t step) {
  if (count == 1) {
    e->index[ax] = NULL;
    reduce_from(e, ax + 1);
    return;
  }
  loop l = {.axis = ax, .count = count, .step = step};
  loop_open(e, &l);
  reduce_from(e, ax + 1);
  loop_close(e, &l);
}

/* Do all guards say the same for the whole tile and the reduction axes from ax inwards? */
static bool guards_stand(const em *e, int ax) {
  for (int g = 0; g < e->n->n_guard; g++)
    for (int a = 0; a < e->n->n_axis; a++)
      if (e->n->guard[g].ix->k[a] && (e->tile[a] != 1 || (e->n->axis[a].reduce && a >= ax)))
        return false;
  return e->n->n_guard > 0;
}

/* The reduction axes from ax inwards, where the guards hold. */
static void reduce_within_guards(em *e, int ax) {
  const point origin = {0};
  LLVMValueRef *before = NEW_N(e->mem, LLVMValueRef, e->n_point), ok = guards_hold(e, &origin);
  LLVMBasicBlockRef from = LLVMGetInsertBlock(B), in = new_block(e, "in"),
                    out = new_block(e, "out");
  for (int64_t i = 0; i < e->n_point; i++) before[i] = e->acc[i];
  LLVMBuildCondBr(B, ok, in, out);
  LLVMPositionBuilderAtEnd(B, in);
  forget(e); /* values of this block do not reach past it */
  e->within_guards = true;
  reduce_from(e, ax);
  e->within_guards = false;
  forget(e);
  LLVMBasicBlockRef last = LLVMGetInsertBlock(B);
  LLVMBuildBr(B, out);
  LLVMPositionBuilderAtEnd(B, out);
  for (int64_t i = 0; i < e->n_point; i++) {
    LLVMValueRef v[2] = {before[i], e->acc[i]};
    LLVMBasicBlockRef blocks[2] = {from, last};
    e->acc[i] = phi_like(e, before[i]);
    LLVMAddIncoming(e->acc[i], v, blocks, 2);
  }
}

/* The reduction axes from ax inwards, in order: this order is the definition of the sum. */
static void reduce_from(em *e, int ax) {
  if (!e->within_guards && guards_stand(e, ax)) {
    reduce_within_guards(e, ax);
    return;
  }
  while (ax < e->n->n_axis && !e->n->axis[ax].reduce) ax++;
  if (ax == e->n->n_axis) {
    body(e);
    return;
  }
  int64_t extent = e->n->axis[ax].extent;
  if (ax == e->n->pick - 1) {
    at_picked(e, body);
    return;
  }
  if (e->n->lanes && ax == e->vec) {
    reduce_loop(e, ax, extent / e->tile[ax], e->tile[ax]);
    if (extent % LANES) lanes_rest(e, extent / LANES * LANES, extent % LANES);
    return;
  }
  reduce_loop(e, ax, extent / e->tile[ax], e->tile[ax]);
}

/* --- folding the partial results --- */

/* Joins lane l and l + w/2 within every group of w lanes; a and b (may be NULL) end in one vector.
 */
static LLVMValueRef fold_step(em *e, LLVMValueRef a, LLVMValueRef b, int w) {
  int width = ir_width(a), groups = width / w, n = 0;
  LLVMValueRef lo[2 * LANES], hi[2 * LANES];
  for (int v = 0; v < (b ? 2 : 1); v++)
    for (int g = 0; g < groups; g++)
      for (int l = 0; l < w / 2; l++, n++) {
        lo[n] = LLVMConstInt(e->c.i32, (uint64_t)(v * width + g * w + l), 0);
        hi[n] = LLVMConstInt(e->c.i32, (uint64_t)(v * width + g * w + w / 2 + l), 0);
      }
  LLVMValueRef other = b ? b : LLVMGetPoison(LLVMTypeOf(a));
  LLVMValueRef low = LLVMBuildShuffleVector(B, a, other, LLVMConstVector(lo, (unsigned)n), "");
  LLVMValueRef high = LLVMBuildShuffleVector(B, a, other, LLVMConstVector(hi, (unsigned)n), "");
  return e->n->red == R_MAX ? greater(e, low, high) : LLVMBuildFAdd(B, low, high, "");
}

/* Folds n (a power of two, at most 16) vectors of partial results into one of n results. */
static LLVMValueRef fold_together(em *e, LLVMValueRef *v, int n) {
  for (int w = LANES; w > 1; w /= 2) {
    if (n == 1) {
      v[0] = fold_step(e, v[0], NULL, w);
      continue;
    }
    for (int i = 0; i < n / 2; i++) v[i] = fold_step(e, v[2 * i], v[2 * i + 1], w);
    n /= 2;
  }
  if (LLVMGetVectorSize(LLVMTypeOf(v[0])) > 1) return v[0];
  return LLVMBuildExtractElement(B, v[0], ir_index(&e->c, 0), "");
}

/* Replaces the tile's 16-lane accumulators by sums, a vector along the fold axis where there is
 * one. */
static void fold_all(em *e) {
  int fold = e->s->fold;
  const point *was = e->points;
  LLVMValueRef *sums = e->acc;
  int64_t n_was = e->n_point;
  set_vector(e, fold, fold >= 0 ? e->tile[fold] : 0, LANES);
  list_outputs(e);
  for (int64_t i = 0; i < e->n_point; i++) {
    LLVMValueRef part[LANES];
    int n = 0, w = width_at(e, &e->points[i]);
    for (int l = 0; l < w; l++)
      for (int64_t j = 0; j < n_was; j++) {
        point want = e->points[i];
        if (fold >= 0) want.off[fold] += l;
        if (!memcmp(want.off, was[j].off, sizeof want.off)) {
          part[n++] = sums[j];
          break;
        }
      }
    e->acc[i] = fold_together(e, part, n);
  }
}

/* --- stores and output loops --- */

static bool may_meet(const nest *n, const access *x, const access *y) {
  return x->t == y->t ? !disjoint(n, x, n, y) : tensor_base(x->t) == tensor_base(y->t);
}

/* Is what store s writes read by the value of a store after it? */
static bool read_behind(em *e, int s) {
  walk w = {.mem = e->mem};
  for (int later = s + 1; later < e->n->n_store; later++) walk_add(&w, e->n->store[later].value);
  for (int i = 0; i < w.n; i++)
    if (w.node[i]->kind == E_READ && may_meet(e->n, &w.node[i]->rd, &e->n->store[s].out))
      return true;
  return false;
}

static bool reads_what_it_writes(em *e) {
  for (int i = 0; i < e->n_ref; i++)
    for (int s = 0; e->refs[i].read && s < e->n->n_store; s++)
      if (tensor_base((tensor *)e->refs[i].t) == tensor_base(e->n->store[s].out.t)) return true;
  return false;
}

/* May a store be made before the values of the stores after it are computed? */
static bool stores_at_once(em *e) {
  for (int s = 0; reads_what_it_writes(e) && s < e->n->n_store; s++)
    if (read_behind(e, s)) return false;
  return true;
}

static LLVMValueRef value_to_store(em *e, int s, const point *p) {
  return eval_wide(e, e->n->store[s].value, p, width_at(e, p));
}

static void write_store(em *e, int s, const point *p, LLVMValueRef v) {
  const access *out = &e->n->store[s].out;
  LLVMValueRef at = address(e, ref_of(e, out), out, p);
  LLVMSetAlignment(LLVMBuildStore(B, v, at), (unsigned)element_bytes(out->t));
}

static void write_results(em *e) {
  bool at_once = e->at_once;
  LLVMValueRef *v = NEW_N(e->mem, LLVMValueRef, e->n->n_store);
  forget(e);
  for (int64_t i = 0; i < e->n_point; i++) {
    const point *p = &e->points[i];
    e->acc_now = i;
    for (int s = 0; s < e->n->n_store; s++) {
      v[s] = value_to_store(e, s, p);
      if (at_once) write_store(e, s, p, v[s]);
    }
    for (int s = 0; !at_once && s < e->n->n_store; s++) write_store(e, s, p, v[s]);
  }
  forget(e);
}

/* --- output by number: the sum goes through its points, and adds each where it belongs --- */

static void start_sums(em *e) {
  for (int64_t i = 0; i < e->n_point; i++)
    e->acc[i] = eval_wide(e, e->n->init, &e->points[i], width_at(e, &e->points[i]));
  forget(e);
}

static void add_point(em *e) {
  list_outputs(e);
  start_sums(e);
  body(e);
  write_results(e);
  e->n_point = 0;
}

static void add_from(em *e, int ax) {
  while (ax < e->n->n_axis && !e->n->axis[ax].reduce) ax++;
  if (ax == e->n->n_axis) {
    at_picked(e, add_point);
    return;
  }
  loop l = {.axis = ax, .count = e->n->axis[ax].extent, .step = 1};
  e->n_point = 0; /* sums are in memory between the points */
  loop_open(e, &l);
  add_from(e, ax + 1);
  loop_close(e, &l);
}

static void tile_code(em *e) {
  bool lanes = e->n->lanes;
  set_vector(e, e->s->vec, e->s->vec >= 0 ? e->tile[e->s->vec] : 0, lanes ? LANES : 0);
  if (picks_output(e->n)) {
    add_from(e, 0);
    return;
  }
  list_outputs(e);
  double start = e->n->red == R_MAX ? -INFINITY : 0;
  for (int64_t i = 0; i < e->n_point; i++)
    e->acc[i] = e->n->init ? eval_wide(e, e->n->init, &e->points[i], width_at(e, &e->points[i]))
                           : ir_float(&e->c, start, lanes ? LANES : width_at(e, &e->points[i]));
  forget(e);
  if (e->s->results_ahead) ask_for_results(e);
  reduce_from(e, 0);
  if (lanes) fold_all(e);
  write_results(e);
}

static void output_loops(em *e, int at);

/* One axis: full tiles in a loop, then a smaller tile for what is left. */
static void output_loop(em *e, int at) {
  int ax = e->s->loop[at];
  int64_t tile = e->tile[ax], extent = e->n->axis[ax].extent, full = extent / tile;
  e->n_point = 0; /* no accumulators live across output loops */
  if (full) {
    loop l = {.axis = ax, .count = full, .step = tile};
    loop_open(e, &l);
    output_loops(e, at + 1);
    e->n_point = 0;
    loop_close(e, &l);
  }
  if (extent % tile) {
    LLVMValueRef *keep = places(e);
    e->tile[ax] = extent % tile;
    move_to(e, ax, ir_index(&e->c, full * tile));
    output_loops(e, at + 1);
    e->tile[ax] = tile;
    e->index[ax] = NULL;
    return_to(e, keep);
  }
}

static void output_loops(em *e, int at) {
  if (at == e->s->n_loop) tile_code(e);
  else output_loop(e, at);
}

/* for (t = begin; t < end; t++): t's digits are the tile indices of the domain's axes. */
static void domain_loop(em *e) {
  LLVMBasicBlockRef entry = LLVMGetInsertBlock(B), head = new_block(e, "tile"),
                    exit = new_block(e, "done");
  LLVMValueRef any = LLVMBuildICmp(B, LLVMIntSLT, e->begin, e->end, "");
  LLVMBuildCondBr(B, any, head, exit);
  LLVMPositionBuilderAtEnd(B, head);
  LLVMValueRef t = LLVMBuildPhi(B, e->c.index, "t"), rest = t;
  LLVMAddIncoming(t, &e->begin, &entry, 1);
  for (int i = e->s->n_domain - 1; i >= 0; i--) {
    int ax = e->s->loop[i];
    LLVMValueRef count = ir_index(&e->c, e->n->axis[ax].extent / e->tile[ax]), digit = rest;
    if (i) {
      digit = LLVMBuildURem(B, rest, count, "");
      rest = LLVMBuildUDiv(B, rest, count, "");
    }
    move_to(e, ax, LLVMBuildMul(B, digit, ir_index(&e->c, e->tile[ax]), ""));
  }
  output_loops(e, e->s->n_domain);
  LLVMBasicBlockRef last = LLVMGetInsertBlock(B);
  LLVMValueRef next = LLVMBuildAdd(B, t, ir_index(&e->c, 1), "");
  LLVMAddIncoming(t, &next, &last, 1);
  LLVMBuildCondBr(B, LLVMBuildICmp(B, LLVMIntSLT, next, e->end, ""), head, exit);
  LLVMPositionBuilderAtEnd(B, exit);
}

/* --- setting up --- */

static void add_ref(em *e, const access *x, bool read) {
  int arg = 0;
  ref *old = find_ref(e, x);
  if (old) {
    old->read |= read;
    return;
  }
  while (e->arg_tensor[arg] != x->t) arg++;
  ref r = {.t = x->t, .read = read, .at = e->arg[arg]};
  for (int a = 0; a < e->n->n_axis; a++) r.stride[a] = access_stride(x, a);
  PUSH(e->mem, e->refs, e->n_ref, r);
}

static void add_refs(em *e) {
  for (int i = 0; i < e->nodes->n; i++)
    if (e->nodes->node[i]->kind == E_READ) add_ref(e, &e->nodes->node[i]->rd, true);
  for (int i = 0; i < e->n->n_store; i++) add_ref(e, &e->n->store[i].out, false);
}

static void load_pointers(em *e, const kernel_call *k) {
  e->n_arg = k->n_arg;
  e->arg = NEW_N(e->mem, LLVMValueRef, k->n_arg);
  e->arg_tensor = k->arg;
  for (int i = 0; i < k->n_arg; i++) {
    LLVMValueRef o = ir_index(&e->c, i);
    e->arg[i] = LLVMBuildLoad2(B, e->c.ptr, LLVMBuildGEP2(B, e->c.ptr, e->tensors, &o, 1, ""), "");
  }
}

static void begin_function(em *e, const kernel_call *k) {
  LLVMTypeRef params[3] = {e->c.ptr, e->c.index, e->c.index};
  LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(e->c.cx), params, 3, 0);
  e->fn = LLVMAddFunction(e->c.module, k->k->name, type);
  LLVMSetUnnamedAddress(e->fn, LLVMGlobalUnnamedAddr);
  char bits[16];
  snprintf(bits, sizeof bits, "%d", e->t->lanes * 32);
  LLVMAddTargetDependentFunctionAttr(e->fn, "prefer-vector-width", bits);
  LLVMAddTargetDependentFunctionAttr(e->fn, "min-legal-vector-width", bits);
  unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
  LLVMAddAttributeAtIndex(e->fn, LLVMAttributeFunctionIndex,
                          LLVMCreateEnumAttribute(e->c.cx, nounwind, 0));
  e->tensors = LLVMGetParam(e->fn, 0);
  e->begin = LLVMGetParam(e->fn, 1);
  e->end = LLVMGetParam(e->fn, 2);
  LLVMPositionBuilderAtEnd(B, new_block(e, "entry"));
}

static void number_nodes(em *e) {
  nest *n = e->n;
  e->nodes = walk_new(e->mem);
  walk_add(e->nodes, n->term);
  if (n->init) walk_add(e->nodes, n->init);
  for (int i = 0; i < n->n_store; i++) walk_add(e->nodes, n->store[i].value);
  e->depends = NEW_N(e->mem, unsigned, e->nodes->n);
  e->memo = NEW_N(e->mem, LLVMValueRef *, e->nodes->n);
  for (int i = 0; i < e->nodes->n; i++) e->depends[i] = depends_of(e, i);
}

/* An integer as wide as a pointer: addresses need no more, and less costs more code to extend. */
static LLVMTypeRef index_type(LLVMModuleRef m) {
  unsigned bytes = LLVMPointerSize(LLVMGetModuleDataLayout(m));
  return LLVMIntTypeInContext(LLVMGetModuleContext(m), 8 * bytes);
}

void emit_kernel(LLVMModuleRef m, const kernel_call *k, const target_info *t) {
  arena *mem = arena_new();
  em *e = NEW(mem, em);
  e->mem = mem;
  LLVMContextRef cx = LLVMGetModuleContext(m);
  e->n = k->n;
  bool exact = e->n->store[0].out.t->dtype == F64;
  e->c = (ir){cx,
              m,
              LLVMCreateBuilderInContext(cx),
              exact ? LLVMDoubleTypeInContext(cx) : LLVMFloatTypeInContext(cx),
              LLVMInt32TypeInContext(cx),
              LLVMInt64TypeInContext(cx),
              index_type(m),
              LLVMPointerTypeInContext(cx, 0),
              exact,
              t->fma};
  e->s = k->n->sched;
  e->t = t;
  memcpy(e->tile, e->s->tile, sizeof e->tile);
  begin_function(e, k);
  load_pointers(e, k);
  number_nodes(e);
  add_refs(e);
  e->at_once = stores_at_once(e);
  domain_loop(e);
  LLVMBuildRetVoid(B);
  forget(e);
  LLVMDisposeBuilder(B);
  arena_free(mem);
}
