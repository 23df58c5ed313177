/* Where things are: pointers that walk with the loops, indices, and the guards that bound them. */
#include "base/internal.h"
#include "emit_parts.h"
#include <string.h>

LLVMValueRef add_scaled(em *e, LLVMValueRef base, LLVMValueRef i, int64_t k) {
  if (!k || !i) return base;
  LLVMValueRef t = k == 1 ? i : LLVMBuildMul(B, i, ir_index(&e->c, k), "");
  return base ? LLVMBuildAdd(B, base, t, "") : t;
}

LLVMTypeRef element_type(em *e, const ref *r) { return is_whole(r->t) ? e->c.i32 : e->c.f32; }

static LLVMValueRef advance(em *e, const ref *r, LLVMValueRef i, int64_t stride) {
  if (!stride || !i) return r->at;
  LLVMValueRef off = add_scaled(e, NULL, i, stride);
  return LLVMBuildGEP2(B, element_type(e, r), r->at, &off, 1, "");
}

LLVMValueRef address(em *e, const ref *r, const access *x, const point *p) {
  int64_t off = -r->from;
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

ref *ref_of(em *e, const access *x) {
  ref *r = find_ref(e, x);
  if (!r) internal_error(e->n->name, "an access without a pointer");
  return r;
}

LLVMValueRef *places(em *e) {
  LLVMValueRef *at = NEW_N(e->mem, LLVMValueRef, e->n_ref);
  for (int i = 0; i < e->n_ref; i++) at[i] = e->refs[i].at;
  return at;
}

void return_to(em *e, LLVMValueRef *at) {
  for (int i = 0; i < e->n_ref; i++) e->refs[i].at = at[i];
}

void move_to(em *e, int ax, LLVMValueRef index) {
  e->index[ax] = index;
  for (int i = 0; i < e->n_ref; i++)
    e->refs[i].at = advance(e, &e->refs[i], index, e->refs[i].stride[ax]);
}

LLVMValueRef index_value(em *e, const affine *x, const point *p) {
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

LLVMValueRef guards_hold(em *e, const point *p) {
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

static void add_ref(em *e, const access *x, bool read) {
  int arg = 0;
  ref *old = find_ref(e, x);
  if (old) {
    old->read |= read;
    return;
  }
  while (e->given[arg].t != x->t) arg++;
  ref r = {.t = x->t, .read = read, .from = e->given[arg].at, .at = e->arg[arg]};
  for (int a = 0; a < e->n->n_axis; a++) r.stride[a] = access_stride(x, a);
  PUSH(e->mem, e->refs, e->n_ref, r);
}

void add_refs(em *e) {
  for (int i = 0; i < e->nodes->n; i++)
    if (e->nodes->node[i]->kind == E_READ) add_ref(e, &e->nodes->node[i]->rd, true);
  for (int i = 0; i < e->n->n_store; i++) add_ref(e, &e->n->store[i].out, false);
}

void load_pointers(em *e, const kernel_call *k) {
  e->n_arg = k->n_arg;
  e->arg = NEW_N(e->mem, LLVMValueRef, k->n_arg);
  e->given = k->arg;
  for (int i = 0; i < k->n_arg; i++) {
    LLVMValueRef o = ir_index(&e->c, i);
    e->arg[i] = LLVMBuildLoad2(B, e->c.ptr, LLVMBuildGEP2(B, e->c.ptr, e->tensors, &o, 1, ""), "");
  }
}
