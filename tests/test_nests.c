/* The middle of the compiler: every operator's `test` lines through lower, grad, gather and
   simplify, with the interpreter in double precision as the judge; gradients of strided and dilated
   windows; ties of max; exp, log and tanh against libm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "compiler/nest/elementary.h"
#include "compiler/passes/instantiate.h"
#include "compiler/passes/passes.h"
#include "compiler/lang/syntax.h"
#include "compiler/lang/opdef.h"
#include "compiler/base/philox.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PROBES = 24 };

/* --- a program around one operator --- */

typedef struct {
  arena *mem;
  graph g;
  nestprog p;
  tensor *result;
  bool train;
} bench;

static int64_t elements(const tensor *t) {
  int64_t n = 1;
  for (int d = 0; d < t->rank; d++) n *= t->dim[d];
  return n;
}

static double uniform(uint32_t stream, uint64_t i) {
  uint32_t ctr[4] = {(uint32_t)i, (uint32_t)(i >> 32), stream, 7}, key[2] = {1, 2}, r[4];
  philox4x32_10(ctr, key, r);
  return r[0] * 0x1p-31 - 1;
}

static double setting_value(bench *b, const xexpr *x, int half, xenv *env) {
  double v;
  if (x->kind == X_CALL && !strcmp(x->name, "x")) x = x->arg[half];
  assert_true(xexpr_eval(x, env, b->g.d, &v));
  return v;
}

static const xexpr *given(const optest *t, int i, const char *name) {
  int at = 0;
  for (int k = 0; k < t->n_arg; k++) {
    if (t->arg_name[k] ? !strcmp(t->arg_name[k], name) : at == i) return t->arg[k];
    at += !t->arg_name[k];
  }
  return NULL;
}

/* Settings of a test line, defaults filled in: a pair's default is evaluated for each half. */
static setting *settings_of(bench *b, const opdef *op, const optest *t) {
  setting *set = NEW_N(b->mem, setting, op->n_set + 1);
  xenv env[2] = {{0}};
  for (int i = 0; i < op->n_in; i++)
    for (int d = 0; d < op->in[i].n_dim; d++)
      for (int half = 0; half < 2; half++) {
        env[half].name[env[half].n] = op->in[i].dim[d];
        env[half].v[env[half].n++] = (double)t->in[i].dim[d];
      }
  for (int i = 0; i < op->n_set; i++)
    for (int k = 0; k < op->set[i].n_word; k++)
      for (int half = 0; half < 2; half++) {
        env[half].name[env[half].n] = op->set[i].word[k];
        env[half].v[env[half].n++] = -1 - k;
      }
  for (int i = 0; i < op->n_set; i++) {
    const xexpr *x = given(t, i, op->set[i].name);
    if (!x) x = op->set[i].dflt;
    assert_non_null(x);
    set[i].name = op->set[i].name;
    for (int half = 0; half < 2; half++) {
      set[i].v[half] = setting_value(b, x, half, &env[half]);
      env[half].name[env[half].n] = op->set[i].name;
      env[half].v[env[half].n++] = set[i].v[half];
    }
  }
  return set;
}

static void append(nestprog *p, nest *n) {
  nest **end = &p->nests;
  while (*end) end = &(*end)->next;
  *end = n;
}

/* losses[n] += y[n,..] * weight[n,..]: something to differentiate. */
static void add_random_loss(bench *b, tensor *y) {
  nestprog *p = &b->p;
  tensor *w = tensor_new(p, "mix", T_STATE, y->rank, y->dim);
  p->losses = tensor_new(p, "losses", T_LOSSES, 1, y->dim);
  nest *n = nest_new(p, "losses", NULL);
  affine ix[MAX_DIMS];
  static const char *const name[] = {"n", "h", "w", "c", "d", "e"};
  for (int d = 0; d < y->rank; d++) {
    n->axis[n->n_axis++] = (axis){name[d], y->dim[d], d > 0};
    ix[d] = aff_axis(d, 1);
  }
  n->red = R_SUM;
  n->term = e_op(p->ex, E_MUL, e_read(p->ex, access_of(p->ex, y, ix)),
                 e_read(p->ex, access_of(p->ex, w, ix)), NULL);
  nest_store(n, access_of(p->ex, p->losses, ix), e_acc(p->ex));
  n->canonical = true;
  append(p, n);
}

static bench *bench_new(bool train) {
  arena *mem = arena_new();
  bench *b = NEW(mem, bench);
  b->mem = mem;
  b->g.mem = mem;
  b->g.d = diag_new(mem);
  b->p = *nestprog_new(mem);
  b->p.graph = &b->g;
  b->p.train = b->train = train;
  return b;
}

static void fail_with_diagnostics(bench *b, const char *what) {
  diag_print(b->g.d, stderr);
  fail_msg("%s", what);
}

/* Inputs are made parameters, so that their gradients are derived as well. */
static bench *bench_op(const opdef *op, const optest *t, bool train) {
  bench *b = bench_new(train);
  bool compares = op->kind != OP_LAYER && op->kind != OP_OPTIMIZER;
  node *n = NEW(b->mem, node);
  n->name = op->name;
  n->op = op;
  instance o = {.p = &b->p,
                .d = b->g.d,
                .op = op,
                .node = n,
                .n_set = op->n_set,
                .set = settings_of(b, op, t),
                .n_in = op->n_in,
                .prefix = op->name,
                .result = compares ? "losses" : "y",
                .train = train,
                .result_role = compares ? T_LOSSES : T_TEMP};
  int64_t one[1] = {1};
  if (op->kind == OP_OPTIMIZER) b->p.lr = tensor_new(&b->p, "lr", T_HYPER, 1, one);
  for (int i = 0; i < op->n_in; i++) {
    const opinput *in = &op->in[i];
    trole role = in->is_int ? T_LABEL : op->kind == OP_OPTIMIZER && i ? T_STATE : T_PARAM;
    o.in[i] = tensor_new(&b->p, in->name, role, t->in[i].n_dim, t->in[i].dim);
    o.in[i]->dtype = in->is_int ? I32 : F32;
    o.in[i]->below = in->is_int ? 3 : 0; /* as fill has it */
  }
  if (!instantiate(&o)) fail_with_diagnostics(b, op->name);
  append(&b->p, o.first);
  b->result = o.out;
  if (op->kind == OP_LAYER) add_random_loss(b, o.out);
  else b->p.losses = o.out;
  verify(&b->p);
  return b;
}

/* --- running --- */

typedef struct {
  double **data;
} buffers;

static buffers values_new(const bench *b) {
  buffers v = {NEW_N(b->mem, double *, b->p.n_tensor)};
  for (int i = 0; i < b->p.n_tensor; i++) {
    const tensor *t = b->p.tensor[i];
    v.data[i] = NEW_N(b->mem, double, elements(t));
  }
  return v;
}

/* The same values for the same tensor name in every variant of a program. */
static uint32_t stream_of(const char *name) {
  uint32_t h = 5381;
  while (*name) h = h * 33 + (unsigned char)*name++;
  return h;
}

static void fill(const bench *b, buffers v) {
  for (int i = 0; i < b->p.n_tensor; i++) {
    const tensor *t = b->p.tensor[i];
    for (int64_t k = 0; k < elements(t); k++) {
      double u = uniform(stream_of(t->name), (uint64_t)k);
      if (is_whole(t)) ((int32_t *)v.data[i])[k] = (int32_t)((u + 1) * 1.4999);
      else if (t->role == T_HYPER) v.data[i][k] = 0.1;
      else if (t->role == T_OPT) v.data[i][k] = 0.5 + 0.25 * u; /* second moments are positive */
      else if (t->role == T_STATE) v.data[i][k] = strcmp(t->name, "mix") ? 1.5 + u : u;
      else v.data[i][k] = t->role == T_PARAM ? 2 * (double)(float)u : NAN;
    }
  }
}

static double mean_loss(const bench *b, buffers v) {
  const tensor *t = b->p.losses;
  double sum = 0;
  for (int64_t k = 0; k < elements(t); k++) sum += v.data[t->id][k];
  return sum / (double)elements(t);
}

static const tensor *named(const bench *b, const char *name) {
  for (int i = 0; i < b->p.n_tensor; i++)
    if (!strcmp(b->p.tensor[i]->name, name)) return b->p.tensor[i];
  return NULL;
}

static void assert_same(const bench *a, buffers va, const tensor *ta, const bench *b, buffers vb,
                        double tolerance) {
  const tensor *tb = named(b, ta->name);
  assert_non_null(tb);
  for (int64_t k = 0; k < elements(ta); k++) {
    double x = va.data[ta->id][k], y = vb.data[tb->id][k];
    if (!(fabs(x - y) <= tolerance * (1 + fabs(x)))) {
      dump_nests(&a->p, stderr);
      dump_nests(&b->p, stderr);
      fail_msg("%s[%ld]: %.17g and %.17g", ta->name, (long)k, x, y);
    }
  }
}

/* --- the tests of the operator library --- */

static opdef *library(arena *mem) { return ops_library(mem, diag_new(mem)); }

static opdef *form_of_test(arena *mem, opdef *op, const optest *t) {
  int rank[MAX_INPUTS], len[MAX_PACKS];
  for (int i = 0; i < t->n_in; i++) rank[i] = t->in[i].n_dim;
  assert_true(op_fits(op, t->n_in, rank, len));
  return op_form(mem, op, len);
}

static void each_test(void (*f)(const opdef *, const optest *)) {
  arena *mem = arena_new();
  for (opdef *op = library(mem); op; op = op->next)
    for (int i = 0; i < op->n_test; i++) f(form_of_test(mem, op, &op->test[i]), &op->test[i]);
  arena_free(mem);
}

static void keep_gradients(bench *b) {
  for (int i = 0; i < b->p.n_tensor; i++) {
    tensor *t = b->p.tensor[i];
    if (t->grad_of && t->grad_of->role == T_PARAM) t->role = T_STATE; /* simplify keeps it */
  }
}

static bench *with_gradients(const opdef *op, const optest *t) {
  bench *b = bench_op(op, t, true);
  assert_true(grad(&b->p, NULL));
  verify(&b->p);
  return b;
}

/* The least relative error over several steps: kinks and rounding spoil some, never all. */
static double worst_probe(const bench *b, buffers v, const tensor *t, const double *g, int64_t k,
                          double scale) {
  double best = INFINITY, at;
  for (double h = 1e-4; h > 1e-7; h /= 4) {
    double f[2];
    for (int side = 0; side < 2; side++) {
      fill(b, v);
      at = v.data[t->id][k];
      v.data[t->id][k] = at + (side ? -h : h);
      interp(&b->p, v.data, true, 3, 0);
      f[side] = mean_loss(b, v);
    }
    double fd = (f[0] - f[1]) / (2 * h);
    best = fmin(best, fabs(fd - g[k]) / (fabs(fd) + scale));
  }
  return best;
}

static void check_gradient(const bench *b, buffers v, const tensor *t) {
  const tensor *d = named(b, arena_printf(b->mem, "d.%s", t->name));
  int64_t n = elements(t);
  double *g = NEW_N(b->mem, double, n), scale = 1e-9;
  fill(b, v);
  interp(&b->p, v.data, true, 3, 0);
  for (int64_t k = 0; k < n; k++) {
    g[k] = d ? v.data[d->id][k] : 0;
    scale = fmax(scale, 0.01 * fabs(g[k]));
  }
  for (int p = 0; p < PROBES && p < n; p++) {
    int64_t k = n <= PROBES ? p : (int64_t)((uniform(99, (uint64_t)p) + 1) / 2 * (double)n);
    double e = worst_probe(b, v, t, g, k, scale);
    if (!(e < 1e-6)) {
      dump_nests(&b->p, stderr);
      fail_msg("gradient of %s[%ld] is off by %g", t->name, (long)k, e);
    }
  }
}

static void gradient_of_test(const opdef *op, const optest *t) {
  if (op->kind != OP_LAYER && op->kind != OP_LOSS) return;
  bench *b = with_gradients(op, t);
  keep_gradients(b);
  gather(&b->p);
  verify(&b->p);
  simplify(&b->p);
  verify(&b->p);
  buffers v = values_new(b);
  for (int i = 0; i < b->p.n_tensor; i++)
    if (b->p.tensor[i]->role == T_PARAM) check_gradient(b, v, b->p.tensor[i]);
  arena_free(b->mem);
}

static void gradients_agree_with_differences(void **state) {
  (void)state;
  each_test(gradient_of_test);
}

/* Scatters interpreted as they are, and what gather and simplify make of them. */
static void gathered_of_test(const opdef *op, const optest *t) {
  if (op->kind != OP_LAYER && op->kind != OP_LOSS) return;
  bench *raw = with_gradients(op, t), *done = with_gradients(op, t);
  keep_gradients(raw);
  keep_gradients(done);
  gather(&done->p);
  simplify(&done->p);
  buffers a = values_new(raw), b = values_new(done);
  fill(raw, a);
  fill(done, b);
  interp(&raw->p, a.data, true, 3, 0);
  interp(&done->p, b.data, true, 3, 0);
  for (int i = 0; i < raw->p.n_tensor; i++)
    if (raw->p.tensor[i]->role == T_STATE || raw->p.tensor[i]->role == T_LOSSES)
      assert_same(raw, a, raw->p.tensor[i], done, b, 1e-9);
  arena_free(raw->mem);
  arena_free(done->mem);
}

static void gather_and_simplify_keep_values(void **state) {
  (void)state;
  each_test(gathered_of_test);
}

/* Training and inference bodies, in single precision against double. */
static void forward_of_test(const opdef *op, const optest *t) {
  for (int train = 0; train < 2; train++) {
    bench *raw = bench_op(op, t, train), *done = bench_op(op, t, train);
    gather(&done->p);
    simplify(&done->p);
    verify(&done->p);
    buffers a = values_new(raw), b = values_new(done);
    fill(raw, a);
    fill(done, b);
    interp(&raw->p, a.data, true, 3, 0);
    interp(&done->p, b.data, false, 3, 0);
    assert_same(raw, a, raw->p.losses, done, b, 3e-5);
    arena_free(raw->mem);
    arena_free(done->mem);
  }
}

static void single_precision_is_close(void **state) {
  (void)state;
  each_test(forward_of_test);
}

/* --- windows --- */

static const char *const windows =
    "op win(x[N,W], k, s=1, d=1, p=0) -> y[N, (W+2*p-d*(k-1)-1)/s+1] {\n"
    "  y[n,i] += x[n, i*s+u*d-p] * x[n, i*s+u*d-p] for u:k;\n}\n"
    "op up(x[N,W], k, s=1) -> y[N, (W-1)*s+k] {\n"
    "  param w[u:k] ~ 1;\n  y[n, i*s+u] += x[n,i] * w[u];\n}\n"
    "op mirror(x[N,W], s=1) -> y[N,W] { y[n,i] = x[n, W-1-i] * x[n,i]; }\n"
    "op part(x[N,W], s=1) -> y[N,s] { y[n,i] = x[n, i+1]; }\n"
    "op both(x[N,W], k) -> y[N,W] { y[n,i] += x[n, i+u-1] + x[n, i-u] for u:k; }\n"
    "op peak(x[N,W], k, s=1, p=0) -> y[N, (W+2*p-k)/s+1] { y[n,i] max= x[n, i*s+u-p] for u:k; }\n"
    "op peaks(x[N,W], k) -> y[N,2*W] { y[n,2*i] max= x[n, i+u] for i:W, u:k;\n"
    "  y[n,2*i+1] max= -x[n, i-u] for i:W, u:k; }\n";

/* Scatters of many residue classes: zeros in one nest before them all, and more of them than nests
   are made for. */
static const char *const scatters =
    "op comb(x[N,W], s, r) -> y[N,W] {\n"
    "  t[n, s*i+r*j] += x[n,i] * x[n,j];\n  y[n,i] = t[n, s*i+r*i] * x[n,i];\n}\n"
    "op met(x[N,W], k) -> y[N,W] {\n"
    "  t[n, 7*i+11*a+13*b+17*d+19*e] += x[n,i] for a:k, b:k, d:k, e:k;\n"
    "  y[n,i] = t[n, 7*i+11*i] * x[n,i];\n}\n";

/* States that are read before and after they are written, within one step. */
static const char *const states =
    "op before(x[N,W]) -> y[N,W] {\n"
    "  state s[i:W] ~ 1;\n  y[n,i] = x[n,i] * s[i];\n  s[i] = s[i]*0.5 + 0.1;\n}\n"
    "op after(x[N,W]) -> y[N,W] {\n"
    "  state s[i:W] ~ 1;\n  s[i] += x[n,i] * s[i];\n  y[n,i] = x[n,i] * s[i];\n}\n"
    "op between(x[N,W]) -> y[N,W] {\n"
    "  state s[i:W] ~ 1;\n  param w[i:W] ~ 1;\n  s[i] += x[n,i] * w[i];\n"
    "  t[n,i] = s[i] * x[n,i];\n  s[i] = s[i]*w[i] + 1;\n  y[n,i] = x[n,i]*s[i] + t[n,i];\n"
    "  s[0] += w[1];\n}\n";

static opdef *parse_ops(arena *mem, const char *text) {
  diag *d = diag_new(mem);
  syntax s;
  int file = diag_add_source(d, "windows", text, strlen(text));
  if (!parse_source(mem, d, file, &s)) {
    diag_print(d, stderr);
    fail();
  }
  return s.ops;
}

static void try_window(opdef *op, int64_t width, const double *arg, int n_arg) {
  optest_input in = {2, {2, width}};
  xexpr num[4];
  xexpr *args[4];
  const char *names[4] = {NULL};
  for (int i = 0; i < n_arg; i++) {
    num[i] = (xexpr){.kind = X_NUM, .num = arg[i]};
    args[i] = &num[i];
  }
  optest t = {.n_in = 1, .in = &in, .n_arg = n_arg, .arg_name = names, .arg = args};
  gradient_of_test(op, &t);
  gathered_of_test(op, &t);
}

static void windows_of_every_stride(void **state) {
  (void)state;
  arena *mem = arena_new();
  opdef *ops = parse_ops(mem, windows);
  for (double s = 1; s <= 3; s++)
    for (double d = 1; d <= 3; d++)
      for (double p = 0; p <= 2; p++)
        for (double k = 1; k <= 3; k++)
          try_window(ops_find(ops, "win"), 8, (double[]){k, s, d, p}, 4);
  for (double s = 1; s <= 3; s++)
    for (double k = 1; k <= 4; k++) {
      try_window(ops_find(ops, "up"), 5, (double[]){k, s}, 2);
      try_window(ops_find(ops, "peak"), 9, (double[]){k, s, k > 1}, 3);
    }
  try_window(ops_find(ops, "mirror"), 7, (double[]){1}, 1);
  try_window(ops_find(ops, "part"), 7, (double[]){3}, 1);
  try_window(ops_find(ops, "peaks"), 6, (double[]){3}, 1);
  try_window(ops_find(ops, "both"), 6, (double[]){3}, 1);
  arena_free(mem);
}

static void scatters_of_many_classes(void **state) {
  (void)state;
  arena *mem = arena_new();
  opdef *ops = parse_ops(mem, scatters);
  try_window(ops_find(ops, "comb"), 6, (double[]){97, 89}, 2);
  try_window(ops_find(ops, "comb"), 5, (double[]){6, 4}, 2);
  try_window(ops_find(ops, "met"), 5, (double[]){6}, 1);
  arena_free(mem);
}

static void states_have_gradients(void **state) {
  (void)state;
  arena *mem = arena_new();
  opdef *ops = parse_ops(mem, states);
  for (opdef *op = ops; op; op = op->next) try_window(op, 5, NULL, 0);
  arena_free(mem);
}

/* The functions of scalar.def that no operator of the library uses. */
static const char *const functions =
    "op f(x[N,W]) -> y[N,W] {\n"
    "  y[n,i] = sin(2*x[n,i])*cos(x[n,i]) + erf(x[n,i]) - sigmoid(3*x[n,i])*abs(x[n,i])\n"
    "         + x[n,i]*floor(4*x[n,i]); }\n";

static void functions_have_gradients(void **state) {
  (void)state;
  arena *mem = arena_new();
  try_window(ops_find(parse_ops(mem, functions), "f"), 9, NULL, 0);
  arena_free(mem);
}

static void first_maximum_takes_the_gradient(void **state) {
  (void)state;
  arena *mem = arena_new();
  opdef *op = ops_find(parse_ops(mem, windows), "peak");
  optest_input in = {2, {1, 6}};
  xexpr three = {.kind = X_NUM, .num = 3};
  const char *names[2] = {NULL};
  xexpr *args[2] = {&three, &three};
  optest t = {.n_in = 1, .in = &in, .n_arg = 2, .arg_name = names, .arg = args};
  bench *b = with_gradients(op, &t);
  keep_gradients(b);
  gather(&b->p);
  simplify(&b->p);
  buffers v = values_new(b);
  fill(b, v);
  double *x = v.data[named(b, "x")->id], *mix = v.data[named(b, "mix")->id];
  const double given_x[6] = {1, 5, 5, 4, 4, 4};
  memcpy(x, given_x, sizeof given_x);
  interp(&b->p, v.data, false, 0, 0);
  const double *d = v.data[named(b, "d.x")->id];
  const double want[6] = {0, (float)mix[0], 0, (float)mix[1], 0, 0};
  for (int i = 0; i < 6; i++) assert_true(fabs(d[i] - want[i]) < 1e-6);
  arena_free(b->mem);
  arena_free(mem);
}

/* --- operators that are wrong --- */

static void wrong_operators_are_reported(void **state) {
  (void)state;
  static const char *const bad[] = {
      "op f(x[N,W]) -> y[N,W] { y[n,i] = z[n,i]; }\n",
      "op f(x[N,W]) -> y[N,W] { y[n,i] = x[n]; }\n",
      "op f(x[N,W]) -> y[N,W] { y[n,i] = x[n,i*i]; }\n",
      "op f(x[N,W]) -> y[N,W] { y[n,i+1] = x[n,i] for i:W; }\n",
      "op f(x[N,W]) -> y[N,W] { y[n,i] = t[n,i]; t[n,i] = x[n,i]; }\n",
      "op f(x[N,W]) -> y[N,W] { y[n,i] = x[n,u] for u:W; }\n",
      "op f(x[N,W]) -> y[N,W] { y[n,i] = x[n,i] for i:W-1; }\n",
      "op f(x[N,W]) -> y[N,W] { y[n,i] = x[n,i]; y[n,i] = x[n,i]; }\n",
      "op f(x[N,W]) -> y[N,W] { y[n,i] = exq(x[n,i]); }\n",
      "op f(x[N,W]) -> y[N,W] { y[n,i] = max(x[n,i]); }\n",
      "op f(x[N,W]) -> y[N,W] { y[n,i] = x[n,i]; x[n,i] = 1; }\n",
      "op f(x[N,W]) -> y[N,W] { y[n,i] = x[n,i] + y[n,i]; }\n",
      "op f(x[N,W]) -> y[N,W] { t[n,i] = 0; y[n,i] = x[n,i]; }\n",
      "op f(x[N,W]) -> y[N,W+1] { y[n,i] = x[n,i]; }\n",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bench *b = bench_new(true);
    int64_t dim[2] = {2, 5};
    syntax s;
    int file = diag_add_source(b->g.d, "bad", bad[i], strlen(bad[i]));
    assert_true(parse_source(b->mem, b->g.d, file, &s));
    instance o = {.p = &b->p,
                  .d = b->g.d,
                  .op = s.ops,
                  .n_in = 1,
                  .prefix = "f",
                  .result = "y",
                  .in = {tensor_new(&b->p, "x", T_PARAM, 2, dim)}};
    if (instantiate(&o) || diag_errors(b->g.d) != 1) fail_msg("not refused: %s", bad[i]);
    arena_free(b->mem);
  }
}

/* --- elementary functions --- */

static double ulp_of(float x) {
  int e;
  if (fabsf(x) < 0x1p-126f) return 0x1p-149;
  frexpf(x, &e);
  return ldexp(1, e - 24);
}

static double worst_ulp_to(ekind k, double (*f)(double), float most) {
  double worst = 0;
  for (uint64_t bits = 0; bits < 0x100000000u; bits += 4099) {
    uint32_t u = (uint32_t)bits;
    float x;
    memcpy(&x, &u, 4);
    if (fabsf(x) > most && !isinf(x)) continue;
    double t = f(x);
    float y = elementary_eval(k, x);
    if (isnan(t)) assert_true(isnan(y));
    else if (isinf((float)t)) assert_true(y == (float)t);
    else worst = fmax(worst, fabs(y - t) / ulp_of((float)t));
  }
  return worst;
}

static double worst_ulp(ekind k, double (*f)(double)) { return worst_ulp_to(k, f, INFINITY); }

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static void elementary_functions_are_close_to_libm(void **state) {
  (void)state;
  assert_true(worst_ulp(E_EXP, exp) < 1.01);
  assert_true(worst_ulp(E_LOG, log) < 0.8);
  assert_true(worst_ulp(E_TANH, tanh) < 1.4);
  assert_true(worst_ulp(E_ERF, erf) < 1.0);
  assert_true(worst_ulp(E_SIGMOID, sigmoid) < 2.2);
  assert_true(worst_ulp(E_FLOOR, floor) == 0);
  assert_true(worst_ulp_to(E_SIN, sin, 8192) < 2.2 && worst_ulp_to(E_COS, cos, 8192) < 2.2);
  assert_true(fabsf(elementary_eval(E_SIN, 3e38f)) <= 1 && isnan(elementary_eval(E_COS, INFINITY)));
  assert_true(elementary_eval(E_EXP, -INFINITY) == 0);
  assert_true(elementary_eval(E_EXP, 0) == 1 && elementary_eval(E_LOG, 1) == 0);
  assert_true(elementary_eval(E_LOG, 0) == -INFINITY && isnan(elementary_eval(E_LOG, -1)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(elementary_functions_are_close_to_libm),
      cmocka_unit_test(functions_have_gradients),
      cmocka_unit_test(wrong_operators_are_reported),
      cmocka_unit_test(first_maximum_takes_the_gradient),
      cmocka_unit_test(windows_of_every_stride),
      cmocka_unit_test(scatters_of_many_classes),
      cmocka_unit_test(states_have_gradients),
      cmocka_unit_test(gather_and_simplify_keep_values),
      cmocka_unit_test(single_precision_is_close),
      cmocka_unit_test(gradients_agree_with_differences),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
