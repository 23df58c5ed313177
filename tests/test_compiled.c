/* Compiled code against the interpreter, to the bit: whole networks, and one around every
   operator's `test` lines, training and inference, every instruction set that this machine runs,
   one thread and two. The interpreter runs the nests before fusion and scheduling, so this holds
   every later pass to the arithmetic fixed by `order`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "compiler/lang/opdef.h"
#include "compiler/lang/syntax.h"
#include "compiler/base/philox.h"
#include "compiler/product/network.h"
#include "compiler/product/pipeline.h"
#include "compiler/product/weights.h"
#include "compiler/passes/passes.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 2 };

typedef struct {
  const char *name, *text;
  int batch;
} network;

#define LAST "linear classes; train { lr 0.05; optimizer sgd; }"
static const network networks[] = {
    {"linear", "input 1x1x7; classes 3; " LAST, 4},
    {"wide linear", "input 3x4x4; classes 5; linear 40 relu; linear 33 tanh; " LAST, 10},
    {"report",
     "input 3x16x16; classes 5; conv 32 k3 s2 p1 relu; maxpool 2; conv 64 k3 p1 relu; "
     "linear 48 relu; " LAST,
     5},
    {"odd sizes", "input 2x9x7; classes 3; conv 5 k3 relu; conv 7 k2 s2 p1 sigmoid; " LAST, 3},
    {"strides", "input 3x11x11; classes 4; conv 6 k3 s3 p2 relu; conv 4 k1 s2; " LAST, 2},
    {"dilation", "input 2x10x10; classes 3; conv 4 k3 d2 p2 relu; conv 3 k3x5 p1x2; " LAST, 2},
    {"groups", "input 4x6x6; classes 3; conv 8 k3 p1 g2 relu; dw k3 p1 relu6; " LAST, 2},
    {"volumes",
     "input 4x5x6x7; classes 3; conv 6 k3 s2 p1 g2 relu; dw k2 s1 p1 relu6; "
     "deconv 3 k3 s2 p1 extra=1 sigmoid; maxpool 2; " LAST,
     3},
    {"volumes, odd",
     "input 3x7x3x5; classes 3; dw k3 p2 d2 bn relu; conv 5 k2 bias=0; deconv 4 k2 s3 p1 d2 relu; "
     "avgpool 3 s2 p1; conv 8 k1 g4; gap; " LAST,
     2},
    {"volumes, lanes",
     "input 16x3x4x4; classes 2; conv 16 k3 p1 g16 relu; conv 32 k3 p1 relu; dw k3 s2 p1; "
     "deconv 16 k2 s2 relu; gmp; " LAST,
     4},
    {"pools",
     "input 3x9x9; classes 4; conv 8 k3 p1 relu; maxpool 3 s2 p1; avgpool 2 s1; gap; " LAST, 3},
    {"batch norm",
     "input 3x8x8; classes 4; conv 16 k3 p1 bn relu; conv 20 k3 s2 p1 bn relu; gap; " LAST, 6},
    {"residual",
     "input 3x8x8; classes 4; conv 16 k3 p1 bn relu; "
     "add { conv 16 k3 p1 bn relu; conv 16 k3 p1 bn; } {} relu; "
     "add { conv 32 k3 s2 p1 bn relu; conv 32 k3 p1 bn; } { conv 32 k1 s2 bn; } relu; gap; " LAST,
     4},
    {"joins",
     "input 3x6x6; classes 3; conv 8 k3 p1 relu; concat { conv 5 k1 relu; } { conv 3 k3 p1; } {}; "
     "mul { conv 16 k1 sigmoid; } {}; softmax; " LAST,
     2},
    {"dropout",
     "input 3x5x5; classes 3; conv 9 k3 relu dropout=0.3; linear 20 relu dropout=0.5; " LAST, 4},
    {"copies across rows",
     "op turn(x[N,H,W,C]) -> y[N,C,W,H] { y[n,c,w,h] = x[n,h,w,c] * 2 + x[n,0,w,c]; }"
     "input 3x21x6; classes 3; conv 37 k2; conv 29 k2; turn; turn; " LAST,
     6},
    {"slices of channels",
     "op mix(x[N,H,W,C], g=3) -> y[N,H,1,C/3] {"
     "  s[n,h,t,u] += x[n,t,0,h*(C/3/g)+c] * x[n,u,0,C/3+h*(C/3/g)+c]"
     "    for n:N, h:g, t:H, u:H, c:C/3/g;"
     "  m[n,h,t] max= s[n,h,t,u] for n:N, h:g, t:H, u:H;"
     "  e[n,h,t,u] = exp(s[n,h,t,u] - stop(m[n,h,t])) for n:N, h:g, t:H, u:H;"
     "  l[n,h,t] += e[n,h,t,u] for n:N, h:g, t:H, u:H;"
     "  y[n,t,0,h*(C/3/g)+c] += e[n,h,t,u] / l[n,h,t] * x[n,u,0,2*(C/3)+h*(C/3/g)+c]"
     "    for n:N, t:H, h:g, c:C/3/g, u:H;"
     "}"
     "op part(x[N,H,W,C]) -> y[N,1,1,C/2] {"
     "  y[n,0,0,a*2+b] += x[n,h,w,a*4+b] + x[n,0,0,a*2+b] for a:C/4, b:2;"
     "}"
     "input 3x5x1; classes 3; add { conv 54 k1; mix; } { conv 18 k1; }; conv 8 k1; part; " LAST,
     3},
    {"sums in pieces", "input 4x24x24; classes 3; conv 24 k3 p1 relu; maxpool 2; gap; " LAST, 13},
    {"tiles", "input 16x8x8; classes 3; conv 32 k3 p1 sigmoid; conv 32 k3 p1 relu; gap; " LAST, 12},
    {"tiles of 2", "input 16x6x6; classes 3; conv 32 k3 p1 relu; conv 32 k5 p2 relu; gap; " LAST,
     16},
    {"tiles in portions",
     "input 16x16x16; classes 3; conv 16 k3 p1 bn relu; add { conv 16 k3 p1; } {} relu; gap; " LAST,
     24},
    {"borders and portions",
     "input 16x16x16; classes 3; conv 16 k3 p1 relu; conv 16 k3 p1 relu; conv 16 k3 p1; gap; " LAST,
     24},
    {"momentum",
     "input 3x5x5; classes 3; conv 6 k3 relu; linear classes; "
     "train { lr 0.05; optimizer sgd momentum=0.9 nesterov=1 decay=0.001; }",
     4},
    {"adam",
     "input 3x5x5; classes 3; conv 6 k3 bn relu; linear 17 tanh; linear classes; "
     "train { lr 0.01; optimizer adam; }",
     4},
    /* Sums over 16 lanes: a rest, several chunks, outer axes of the sum. */
    {"lanes, 24", "input 3x8x8; classes 2; conv 24 k3 relu; linear 1; " LAST, 3},
    {"lanes, 20", "input 3x8x8; classes 1; conv 20 k3 p1 relu; maxpool 4; " LAST, 2},
    {"lanes, 20 in", "input 20x6x6; classes 2; conv 1 k3; " LAST, 3},
    {"lanes, 32", "input 3x8x8; classes 2; conv 32 k3 relu; linear 1; " LAST, 3},
    {"lanes, rows of 3",
     "input 4x6x6; classes 3; conv 40 k3 relu; deconv 3 k4 s2 p1 sigmoid; " LAST, 5},
    {"lanes, rows of 4 from 11",
     "input 2x6x7; classes 3; conv 11 k1 relu; deconv 4 k4 p1 sigmoid; " LAST, 3},
    {"a vector times a matrix in whole rows",
     "input 320x1x1; classes 3; linear 512 relu; linear 1088 relu; " LAST, 1},
    {"lanes, 72", "input 72x4x4; classes 2; conv 1 k3 p1; conv 72 k2 relu; linear 1; " LAST, 2},
    {"lanes across the input", "input 16x4x4; classes 1; " LAST, 4},
    /* A layer whose windows all lie in the padding. */
    {"only padding", "input 1x1x1; classes 1; linear 1; conv 1 k1 s3 p1; " LAST, 2},
    {"only padding, wide", "input 8x2x2; classes 2; conv 8 k3 p1; conv 4 k1 s4 p1; " LAST, 3},
    {"padding between", "input 4x2x2; classes 2; conv 4 k1; conv 3 k1 s4 p2; " LAST, 3},
    {"lanes along samples, borders beyond them",
     "input 1x1x2; classes 2; avgpool k1x2; add { conv 1 k1; dw k1 p1; } "
     "{ conv 1 k2 p2 d3; conv 1 k2 p1; }; " LAST,
     32},
    /* Borders that would be larger than they are worth. */
    {"far windows",
     "op far(x[N,H,W,C]) -> y[N,H,W,C] { y[n,h,w,c] += x[n,h+10000*u,w+10000*v,c] for u:2, v:2; } "
     "input 3x6x6; classes 3; conv 4 k1; far; " LAST,
     2},
    /* Steps far wider than their windows: one nest of zeros, and not thousands. */
    {"wide steps", "input 3x31x31; classes 3; conv 4 k1; conv 4 k3 s100 p50; " LAST, 2},
    {"states of a step",
     "op kept(x[N,H,W,C]) -> y[N,H,W,C] { state s[c:C] ~ 1; param w[c:C] ~ 1;"
     "  s[c] += w[c]*x[n,h,w,c]; t[n,c] = s[c]*x[n,0,0,c]; s[c] = s[c]*w[c] + 1;"
     "  y[n,h,w,c] = x[n,h,w,c]*s[c] + t[n,c]; s[c] = 0.1*s[c]; } "
     "input 3x5x5; classes 3; conv 4 k1; kept; " LAST,
     3},
    /* Seventy strides in one nest. */
    {"many strides",
     "op wide(x[N,H,W,C]) -> y[N,1,1,2] { y[n,a,b,c] = "
     "x[n,0,0,1*c]+x[n,0,0,2*c]+x[n,0,0,3*c]+x[n,0,0,4*c]+x[n,0,0,5*c]+x[n,0"
     ",0,6*c]+x[n,0,0,7*c]+x[n,0,0,8*c]+x[n,0,0,9*c]+x[n,0,0,10*c]+x[n,0,0,1"
     "1*c]+x[n,0,0,12*c]+x[n,0,0,13*c]+x[n,0,0,14*c]+x[n,0,0,15*c]+x[n,0,0,1"
     "6*c]+x[n,0,0,17*c]+x[n,0,0,18*c]+x[n,0,0,19*c]+x[n,0,0,20*c]+x[n,0,0,2"
     "1*c]+x[n,0,0,22*c]+x[n,0,0,23*c]+x[n,0,0,24*c]+x[n,0,0,25*c]+x[n,0,0,2"
     "6*c]+x[n,0,0,27*c]+x[n,0,0,28*c]+x[n,0,0,29*c]+x[n,0,0,30*c]+x[n,0,0,3"
     "1*c]+x[n,0,0,32*c]+x[n,0,0,33*c]+x[n,0,0,34*c]+x[n,0,0,35*c]+x[n,0,0,3"
     "6*c]+x[n,0,0,37*c]+x[n,0,0,38*c]+x[n,0,0,39*c]+x[n,0,0,40*c]+x[n,0,0,4"
     "1*c]+x[n,0,0,42*c]+x[n,0,0,43*c]+x[n,0,0,44*c]+x[n,0,0,45*c]+x[n,0,0,4"
     "6*c]+x[n,0,0,47*c]+x[n,0,0,48*c]+x[n,0,0,49*c]+x[n,0,0,50*c]+x[n,0,0,5"
     "1*c]+x[n,0,0,52*c]+x[n,0,0,53*c]+x[n,0,0,54*c]+x[n,0,0,55*c]+x[n,0,0,5"
     "6*c]+x[n,0,0,57*c]+x[n,0,0,58*c]+x[n,0,0,59*c]+x[n,0,0,60*c]+x[n,0,0,6"
     "1*c]+x[n,0,0,62*c]+x[n,0,0,63*c]+x[n,0,0,64*c]+x[n,0,0,65*c]+x[n,0,0,6"
     "6*c]+x[n,0,0,67*c]+x[n,0,0,68*c]+x[n,0,0,69*c]+x[n,0,0,70*c] for a:1, b:1, c:2; } "
     "input 72x1x1; classes 3; conv 72 k1; wide; " LAST,
     2},
    /* As many axes as a statement may have, and a gradient that needs more. */
    {"many axes",
     "op many(x[N,H,W,C]) -> y[N,C,2,2] { y[n,p,q,r] += x[n,q+a+b,q+a+b,p]*x[n,d+e,f+g,r+i+j]"
     "  for q:2, r:2, a:2, b:2, d:2, e:2, f:2, g:2, i:2, j:2; } "
     "input 3x6x6; classes 3; conv 4 k1; many; " LAST,
     2},
    /* Results written in parts. */
    {"rows in turn",
     "op turn(x[N,H,W,C]) -> y[N,H,W,C] { y[n,2*h,w,c] = 2*x[n,2*h,w,c] for h:H/2;"
     "  y[n,2*h+1,w,c] = 3*x[n,2*h+1,w,c] for h:H/2; } "
     "input 3x8x8; classes 3; conv 4 k1; turn; conv 3 k3 p1; turn; maxpool 3 s1 p1; " LAST,
     3},
    {"twelve apart",
     "op apart(x[N,H,W,C]) -> y[N,H,W,C] { y[n,h,w,12*g+i] = x[n,h,w,12*g+i] for g:2, i:6;"
     "  y[n,h,w,12*g+i+6] = -x[n,h,w,12*g+5-i] for g:2, i:6; } "
     "input 3x4x4; classes 3; conv 24 k1; apart; conv 5 k3 p1; " LAST,
     3},
    {"functions",
     "op wave(x[N,H,W,C]) -> y[N,H,W,C] { y[n,h,w,c] = sin(90*x[n,h,w,c])*cos(x[n,h,w,c])"
     "  + erf(x[n,h,w,c]) - sigmoid(3*x[n,h,w,c])*abs(x[n,h,w,c]) + "
     "x[n,h,w,c]*floor(4*x[n,h,w,c]); } "
     "input 3x5x5; classes 3; conv 6 k3; wave; linear 17; wave; linear classes; " LAST,
     3},
    {"a loss that is a maximum",
     "op worst(x[N,H,W,C], int label[N]) -> l[N] loss { l[n] max= x[n,0,0,c] + (c != label[n]); } "
     "input 3x4x4; classes 3; linear classes; train { lr 0.05; loss worst; }",
     5},
};

typedef struct {
  const char *name, *cpu, *features;
  int threads;
} target_case;

static const target_case targets[] = {
    {"this machine", NULL, NULL, 1},
    {"this machine, two threads", NULL, NULL, 2},
    {"avx2", "x86-64-v3", "+avx2,+fma", 1},
    {"sse with fma", "x86-64-v2", "+fma,+avx", 1},
};

/* --- the interpreter's side --- */

typedef struct {
  compilation c;
  double **data;
} oracle;

static int64_t elements(const tensor *t) {
  int64_t n = 1;
  for (int d = 0; d < t->rank; d++) n *= t->dim[d];
  return n;
}

static tensor *find_tensor(nestprog *p, const char *name) {
  for (int i = 0; i < p->n_tensor; i++)
    if (!strcmp(p->tensor[i]->name, name)) return p->tensor[i];
  fail_msg("no tensor %s", name);
  return NULL;
}

static oracle oracle_new(const graph *g, bool train, int batch) {
  oracle o = {.c = {.g = g, .opt = {.train = train, .loss = true, .batch = batch}}};
  o.c.optimizer = &g->train.optimizer[0];
  pipeline_run(&o.c, "order");
  winograd(o.c.p); /* the rest of what fixes the bits; nothing is fused here */
  o.data = calloc((size_t)o.c.p->n_tensor, sizeof *o.data);
  for (int i = 0; i < o.c.p->n_tensor; i++)
    o.data[i] = calloc((size_t)elements(o.c.p->tensor[i]), sizeof(double));
  return o;
}

static void oracle_free(oracle *o) {
  for (int i = 0; i < o->c.p->n_tensor; i++) free(o->data[i]);
  free(o->data);
  compilation_free(&o->c);
}

/* --- both --- */

typedef struct {
  program *p;
  run_args args;
  size_t params, state;
  void **port;
} subject;

static void *block(size_t bytes) {
  bytes = (bytes + 127) / 64 * 64;
  return memset(aligned_alloc(64, bytes), 0, bytes);
}

static float random_at(uint32_t stream, uint32_t i) {
  uint32_t ctr[4] = {i, stream, 0, 0}, key[2] = {7, 7}, r[4];
  philox4x32_10(ctr, key, r);
  return (float)(r[0] >> 8) * 0x1p-24f;
}

/* Floats around 0.2, and whole numbers of every class. */
static void fill_ports(subject *s, int batch) {
  for (int i = 0; i < program_n_ports(s->p); i++) {
    const port_info *port = program_port(s->p, i);
    int64_t n = port->count * batch;
    s->port[i] = block((size_t)n * 4);
    if (port->role != PORT_INPUT && port->role != PORT_TARGET) continue;
    for (int64_t k = 0; k < n; k++)
      if (port->is_int) ((int32_t *)s->port[i])[k] = (int32_t)(k * 7 % port->below);
      else ((float *)s->port[i])[k] = random_at((uint32_t)i + 1, (uint32_t)k) - 0.3f;
  }
}

static subject subject_new(const graph *g, bool train, int batch, const target_case *t) {
  program_options o = {.train = train,
                       .loss = true,
                       .batch = batch,
                       .threads = t->threads,
                       .cpu = t->cpu,
                       .features = t->features};
  subject s = {.p = program_build(g, &o)};
  s.params = program_params_bytes(s.p);
  s.state = program_state_bytes(s.p);
  s.port = calloc((size_t)program_n_ports(s.p) + 1, sizeof *s.port);
  fill_ports(&s, batch);
  s.args = (run_args){.params = block(s.params),
                      .state = block(s.state),
                      .work = block(program_work_bytes(s.p)),
                      .port = s.port,
                      .lr = 0.05f,
                      .seed = 42};
  program_init(s.p, s.args.params, s.args.state, 3);
  memset(s.args.work, 0xff, program_work_bytes(s.p)); /* NaN: nothing may rest on fresh memory */
  return s;
}

static void subject_free(subject *s) {
  free(s->args.params);
  free(s->args.state);
  free(s->args.work);
  for (int i = 0; i < program_n_ports(s->p); i++) free(s->port[i]);
  free(s->port);
  program_free(s->p);
}

/* Copies weights between the subject's blocks and the oracle's tensors, or compares them. */
static void weights_to_oracle(const subject *s, oracle *o) {
  const weight_table *w = program_weights(s->p);
  for (int i = 0; i < w->n; i++) {
    const float *from = w->info[i].in_state ? s->args.state : s->args.params;
    double *to = o->data[find_tensor(o->c.p, w->info[i].name)->id];
    for (int64_t k = 0; k < w->info[i].count; k++)
      to[k] = (double)from[w->tensor[i]->offset / 4 + k];
  }
}

static bool same(float a, double b) {
  float f = (float)b;
  return !memcmp(&a, &f, sizeof f) || (a == 0 && f == 0);
}

static int differences(const char *what, const char *name, const float *got, const double *want,
                       int64_t n) {
  int bad = 0;
  for (int64_t i = 0; i < n; i++)
    if (!same(got[i], want[i]) && bad++ < 3)
      print_error("  %s %s[%ld]: compiled %a, interpreted %a\n", what, name, (long)i,
                  (double)got[i], want[i]);
  return bad;
}

static int compare_all(const subject *s, oracle *o, const char *what) {
  const weight_table *w = program_weights(s->p);
  int bad = 0;
  for (int i = 0; i < w->n; i++) {
    const float *got = w->info[i].in_state ? s->args.state : s->args.params;
    const double *want = o->data[find_tensor(o->c.p, w->info[i].name)->id];
    bad +=
        differences(what, w->info[i].name, got + w->tensor[i]->offset / 4, want, w->info[i].count);
  }
  for (int i = 0; i < o->c.p->n_port; i++) {
    const tensor *t = o->c.p->port[i];
    if (t->role == T_INPUT || t->role == T_LABEL) continue;
    bad += differences(what, t->name, s->port[i], o->data[t->id], elements(t));
  }
  return bad;
}

static void inputs_to_oracle(const subject *s, oracle *o) {
  nestprog *p = o->c.p;
  for (int i = 0; i < p->n_port; i++) {
    const tensor *t = p->port[i];
    if (t->role != T_INPUT && t->role != T_LABEL) continue;
    if (is_whole(t)) memcpy(o->data[t->id], s->port[i], (size_t)elements(t) * 4);
    for (int64_t k = 0; !is_whole(t) && k < elements(t); k++)
      o->data[t->id][k] = (double)((float *)s->port[i])[k];
  }
  if (p->lr) o->data[p->lr->id][0] = (double)s->args.lr;
}

static int check_network(const network *n, bool train, const target_case *t) {
  char what[128];
  snprintf(what, sizeof what, "%s (%s, %s)", n->name, train ? "training" : "inference", t->name);
  graph *g = graph_load_text("test.net", n->text, strlen(n->text), NULL);
  assert_non_null(g);
  subject s = subject_new(g, train, n->batch, t);
  oracle o = oracle_new(g, train, n->batch);
  weights_to_oracle(&s, &o);
  inputs_to_oracle(&s, &o);
  for (int k = 0; k < (train ? STEPS : 1); k++) {
    s.args.step = (uint64_t)k;
    program_run(s.p, &s.args);
    interp(o.c.p, o.data, false, s.args.seed, s.args.step);
  }
  int bad = compare_all(&s, &o, what);
  if (bad) print_error("%s: %d values differ\n", what, bad);
  subject_free(&s);
  oracle_free(&o);
  graph_free(g);
  return bad;
}

/* --- the operators' `test` lines: a small network around each --- */

static void print_value(FILE *f, const opdef *op, const char *name, const xexpr *x) {
  for (int i = 0; i < op->n_set; i++)
    if (name && !strcmp(op->set[i].name, name) && x->kind == X_NUM && x->num < 0 &&
        -x->num <= op->set[i].n_word) {
      fputs(op->set[i].word[(int)-x->num - 1], f);
      return;
    }
  if (x->kind == X_CALL && x->n == 2) fprintf(f, "%.17gx%.17g", x->arg[0]->num, x->arg[1]->num);
  else if (x->kind == X_NUM) fprintf(f, "%.17g", x->num);
  else fail_msg("`test %s`: an argument that is no number", op->name);
}

static void print_arguments(FILE *f, const opdef *op, const optest *t) {
  for (int i = 0; i < t->n_arg; i++) {
    fputc(' ', f);
    if (t->arg_name[i]) fprintf(f, "%s=", t->arg_name[i]);
    print_value(f, op, t->arg_name[i], t->arg[i]);
  }
}

/* A shape as files have it: channels first, unless it is of whole numbers. */
static void print_shape(FILE *f, const opinput *in, const optest_input *t, int64_t below) {
  int n = t->n_dim - 1;
  for (int d = 0; d < n; d++)
    fprintf(f, "%s%" PRId64, d ? "x" : "", t->dim[1 + (in->is_int ? d : (d + n - 1) % n)]);
  if (!n) fputs("1", f);
  if (in->is_int) fprintf(f, " of %" PRId64, below);
}

/* Input i, and a layer after it, so that it has a gradient. */
static void print_input(FILE *f, const opdef *op, const optest *t, int i) {
  fprintf(f, "i%d: input ", i);
  print_shape(f, &op->in[i], &t->in[i], 5);
  if (!op->in[i].is_int)
    fprintf(f, "; a%d: dense @i%d %" PRId64, i, i, t->in[i].dim[t->in[i].n_dim - 1]);
  fputs("; ", f);
}

static void print_layer(FILE *f, const opdef *op, const optest *t) {
  for (int i = 0; i < t->n_in; i++) print_input(f, op, t, i);
  fprintf(f, "classes 3; %s", op->name);
  for (int i = 0; i < t->n_in; i++) fprintf(f, " @%s%d", op->in[i].is_int ? "i" : "a", i);
  print_arguments(f, op, t);
  fputs("; linear classes; train { lr 0.05; }", f);
}

/* A metric beside the usual loss of such a target. */
static void print_loss(FILE *f, const opdef *op, const optest *t) {
  const bool loss = op->kind == OP_LOSS;
  print_input(f, op, t, 0);
  fputs("y: target ", f);
  print_shape(f, &op->in[1], &t->in[1], t->in[0].dim[t->in[0].n_dim - 1]);
  fprintf(f, "; train { lr 0.05; %s %s @a0 @y", loss ? "loss" : "mine: metric", op->name);
  print_arguments(f, op, t);
  fputs("; }", f);
}

static int check_test_line(const opdef *op, const optest *t, const target_case *target) {
  char *text;
  if (op->kind == OP_TOTAL) return 0; /* interpreted */
  size_t size;
  FILE *f = open_memstream(&text, &size);
  if (op->kind == OP_LAYER) print_layer(f, op, t);
  if (op->kind == OP_LOSS || op->kind == OP_METRIC) print_loss(f, op, t);
  if (op->kind == OP_OPTIMIZER) {
    fprintf(f, "input 2x3x3; classes 3; linear classes; train { lr 0.05; optimizer %s", op->name);
    print_arguments(f, op, t);
    fputs("; }", f);
  }
  fclose(f);
  network n = {text, text, op->kind == OP_OPTIMIZER ? 3 : (int)t->in[0].dim[0]};
  int bad = 0;
  for (int train = 0; train < 2; train++) bad += check_network(&n, train, target);
  free(text);
  return bad;
}

static int check_test_lines(const target_case *target) {
  arena *mem = arena_new();
  int bad = 0;
  for (opdef *op = ops_library(mem, diag_new(mem)); op; op = op->next)
    for (int i = 0; i < op->n_test; i++) bad += check_test_line(op, &op->test[i], target);
  arena_free(mem);
  return bad;
}

static void test_target(void **state) {
  const target_case *t = *state;
  int bad = 0;
  if (!strcmp(t->name, "avx2") && !__builtin_cpu_supports("avx2")) skip();
  if (!strcmp(t->name, "sse with fma") && !__builtin_cpu_supports("fma")) skip();
  for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
    for (int train = 0; train < 2; train++) bad += check_network(&networks[i], train, t);
  if (t->cpu || t->threads > 1) bad += check_test_lines(t); /* one thread alone: above is enough */
  assert_int_equal(bad, 0);
}

int main(void) {
  struct CMUnitTest tests[sizeof targets / sizeof *targets];
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
    tests[i] = (struct CMUnitTest){targets[i].name, test_target, NULL, NULL,
                                   (void *)(uintptr_t)&targets[i]};
  return _cmocka_run_group_tests("compiled = interpreted", tests, sizeof tests / sizeof *tests,
                                 NULL, NULL);
}
