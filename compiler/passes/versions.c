/* versions: a part of grad. A state that is overwritten within a step has several values in it, and
   the gradient of what has read one of them needs that one, though it is gone. So where others read
   a state than the statements that write it, each of its values becomes a tensor of its own:
     y = x*s;  s = 0.9*s + 0.1*m;   becomes   s0 = s;  y = x*s0;  s1 = 0.9*s0 + 0.1*m;  s = s1;
   and gradients go through the state within the step like through any local tensor. Other tensors
   are only ever added to: where one was read before that, what was read is a tensor of its own.
   Keeps every value. Requires forward nests of one store. */
#include "nest/effects.h"
#include "versions.h"

typedef struct {
  nestprog *p;
  tensor *state, *now; /* the tensor that holds its value at the nest at hand */
  int n;               /* versions so far */
  bool written;        /* by an earlier nest */
} versions;

static bool writes(const nest *n, const tensor *t) { return n->store[0].out.t == t; }

/* The states that are written, and read by a nest that makes something else; by tensor id. */
static bool *find_versioned(const nestprog *p) {
  bool *written = NEW_N(p->mem, bool, p->n_tensor), *found = NEW_N(p->mem, bool, p->n_tensor);
  for (const nest *n = p->nests; n; n = n->next) {
    reads r = reads_of(n);
    written[n->store[0].out.t->id] = true;
    for (int i = 0; i < r.n; i++) found[r.read[i]->rd.t->id] |= !writes(n, r.read[i]->rd.t);
  }
  for (int i = 0; i < p->n_tensor; i++) found[i] &= written[i] && p->tensor[i]->role == T_STATE;
  return found;
}

static tensor *new_version(versions *v) {
  const tensor *s = v->state;
  const char *name = arena_printf(v->p->mem, "%s.%d", s->name, v->n++);
  tensor *t = tensor_new(v->p, name, T_TEMP, s->rank, s->dim);
  t->node = s->node;
  return t;
}

static nest *copy_of(nestprog *p, tensor *from, tensor *to) {
  nest *c = nest_new(p, to->name, to->node);
  affine ix[MAX_DIMS];
  c->n_axis = to->rank;
  for (int d = 0; d < to->rank; d++) {
    c->axis[d] = (axis){arena_printf(p->mem, "%c", 'a' + d), to->dim[d], false};
    ix[d] = aff_axis(d, 1);
  }
  c->term = e_read(p->ex, access_of(p->ex, from, ix));
  nest_store(c, access_of(p->ex, to, ix), e_acc(p->ex));
  c->canonical = true;
  return c;
}

static nest **put_before(nest **link, nest *c) {
  c->next = *link;
  *link = c;
  return &c->next;
}

static expr *read_now(exprs *x, expr *e, expr *const *a, void *arg) {
  const versions *v = arg;
  (void)a;
  if (e->kind != E_READ || e->rd.t != v->state) return NULL;
  access at = e->rd;
  at.t = v->now;
  return e_read(x, at);
}

/* All elements anew, whatever was there before? */
static bool sets_whole(const nest *n) {
  int by[MAX_AXES];
  return n->red == R_SET && n->canonical && n->store[0].value->kind == E_ACC &&
         covers_whole(n, &n->store[0].out, by);
}

static bool adds(const nest *n) { return !n->canonical || n->store[0].value->kind == E_ADD; }

/* n, which writes the state, makes the next version, in place of a copy unless it sets all of it.
   Returns the link to n. */
static nest **write_version(versions *v, nest **link) {
  nest *n = *link;
  tensor *next = new_version(v);
  bool whole = sets_whole(n);
  n->term = expr_rewrite(n->ex, n->term, read_now, v);
  if (!whole) link = put_before(link, copy_of(v->p, v->now, next));
  v->now = next;
  n->store[0].value = expr_rewrite(n->ex, n->store[0].value, read_now, v);
  n->store[0].out.t = next;
  v->written = true;
  return link;
}

/* Of a value that was written in this step, and is then changed in part or by a maximum, the
   gradient is not known. */
static bool make_versions(nestprog *p, tensor *state) {
  versions v = {.p = p, .state = state};
  nest **link = &p->nests, **last = NULL;
  for (; *link; link = &(*link)->next) {
    bool reads = reads_tensor(*link, state), write = writes(*link, state);
    if (!reads && !write) continue;
    if (!v.now) {
      tensor *first = new_version(&v);
      link = put_before(link, copy_of(p, state, first));
      v.now = first;
    }
    if (write && v.written && !sets_whole(*link) && !adds(*link)) return false;
    if (write) link = write_version(&v, link);
    else nest_rewrite(*link, read_now, &v);
    if (write) last = &(*link)->next;
  }
  put_before(last, copy_of(p, v.now, state));
  return true;
}

const tensor *version_states(nestprog *p) {
  const bool *versioned = find_versioned(p);
  for (int i = 0, had = p->n_tensor; i < had; i++)
    if (versioned[i] && !make_versions(p, p->tensor[i])) return p->tensor[i];
  return NULL;
}

/* --- what others add to after it was read --- */

static bool adds_onto(const nest *n) {
  return n->store[0].value->kind != E_ACC && n->store[0].out.t->role != T_STATE;
}

bool *find_added_to(const nestprog *p) {
  bool *added = NEW_N(p->mem, bool, p->n_tensor);
  for (const nest *n = p->nests; n; n = n->next) added[n->store[0].out.t->id] |= adds_onto(n);
  return added;
}

static bool read_before(const nestprog *p, const nest *end, const tensor *t) {
  for (const nest *n = p->nests; n != end; n = n->next)
    if (!writes(n, t) && reads_tensor(n, t)) return true;
  return false;
}

/* What stands before *link writes and reads a version of its own of the tensor that *link adds to.
   Returns the link to the same nest. */
static nest **part_from(nestprog *p, nest **link, int n_version) {
  const nest *adding = *link;
  tensor *t = adding->store[0].out.t;
  versions v = {.p = p, .state = t, .n = n_version};
  v.now = new_version(&v);
  for (nest *n = p->nests; n != adding; n = n->next) {
    nest_rewrite(n, read_now, &v);
    if (writes(n, t)) n->store[0].out.t = v.now;
  }
  return put_before(link, copy_of(p, v.now, t));
}

void keep_read_values(nestprog *p) {
  int n = 0;
  for (nest **link = &p->nests; *link; link = &(*link)->next)
    if (!(*link)->loop && adds_onto(*link) && read_before(p, *link, (*link)->store[0].out.t))
      link = part_from(p, link, n++);
}
