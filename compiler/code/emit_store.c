/* The values that a tile ends in, and in which order they may be written. */
#include "emit_parts.h"
#include "nest/effects.h"

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

bool stores_at_once(em *e) {
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

void write_results(em *e) {
  bool at_once = e->at_once;
  LLVMValueRef *v = NEW_N(e->mem, LLVMValueRef, e->n->n_store);
  forget_values(e);
  for (int64_t i = 0; i < e->n_point; i++) {
    const point *p = &e->points[i];
    e->acc_now = i;
    for (int s = 0; s < e->n->n_store; s++) {
      v[s] = value_to_store(e, s, p);
      if (at_once) write_store(e, s, p, v[s]);
    }
    for (int s = 0; !at_once && s < e->n->n_store; s++) write_store(e, s, p, v[s]);
  }
  forget_values(e);
}
