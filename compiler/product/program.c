/* Compiled programs: building them, and running their kernels in order over one or more threads. */
#include "base/internal.h"
#include "base/workers.h"
#include "base/timing.h"
#include "nest/cost.h"
#include "passes/passes.h"
#include "pipeline.h"
#include "weights.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* One kernel on its tensors: run with tensors[first_arg ..], over [0, domain). */
typedef struct {
  kernel_fn fn;
  int64_t domain;
  int first_arg;
  bool in_turn;    /* tile by tile with the step before */
  bool every_part; /* of sliced tensors: the same for the part of every thread */
  int64_t turns;   /* of a loop in order: so many, in turn with the others of its group; or 0 */
  bool falling;    /* ... from the last one to the first */
} step;

typedef struct {
  int block;
  int64_t offset, slice; /* slice: bytes from one thread's part to the next one's, or 0 */
} place;

struct program {
  compilation c;
  jit *jit;
  int n_step, n_place, n_group;
  int from_group; /* where the run at hand begins */
  int positions;  /* the first group of a stepwise loop, or the number of groups */
  int64_t turn;   /* of it, the one at hand */
  step *step;
  int *first_step; /* of every group, and the end of the last one */
  int *shares;     /* that a group is cut into (base/workers.h) */
  place *place;    /* of every argument of every step */
  void **tensors;  /* the same as addresses, for the blocks last run with: thread by thread */
  int n_port;
  port_info *port;
  void **blocks, **given; /* by number: those last run with, and those of this run */
  control ctl;
  int threads;
  bool twin; /* of another program, whose everything it shares but what a run writes */
  double compile_seconds;
  weight_table weights;
};

static place place_of(const kernel_arg *a) {
  const tensor *t = a->t;
  if (!t) return (place){BLOCK_CONTROL, 0, 0};
  if (t->block == BLOCK_CONTROL) return (place){BLOCK_CONTROL, offsetof(control, lr), 0};
  return (place){t->block, arg_offset(a), slice_bytes(t)};
}

/* --- groups of steps, and what threads share of them --- */

enum { SHARES_A_THREAD = 4, MAX_SHARES = 32767 };

/* A share below that many operations costs about as much to take as it saves. */
static const double least_share = 40000;

/* Does n write parts of its own for every thread, but not as a link of the chain or loop that does?
 */
static bool fills_parts(const nest *n) {
  return !n->chain && !n->loop && n->store[0].out.t->sliced;
}

static double operations(const nest *n) {
  double bytes = 0;
  for (int s = 0; s < n->n_store; s++) bytes += (double)tensor_bytes(n->store[s].out.t);
  return nest_flops(n) + bytes;
}

/* The number of shares, up to `most`, that leaves `threads` threads with the least to do one after
   the other. */
static int even_shares(int64_t domain, int threads, int64_t most) {
  int64_t best = 1, least = domain;
  for (int64_t n = 2; n <= most && n <= domain; n++) {
    int64_t longest = (domain + n - 1) / n * ((n + threads - 1) / threads);
    if (longest <= least) best = n, least = longest;
  }
  return (int)best;
}

static int64_t gcd(int64_t a, int64_t b) { return b ? gcd(b, a % b) : a; }

/* Of a loop in order: every share has the same samples in all of its nests. */
static int shares_of_loop(const program *p, int from, int to) {
  int64_t tiles = 0;
  double work = 0;
  for (int i = from; i < to; i++) {
    const nest *n = p->c.kernels->call[i].n;
    if (n->sched->serial) return 1;
    tiles = gcd(tiles, n->sched->domain / n->axis[0].extent);
    work += operations(n);
  }
  for (int s = 2 * p->threads; s >= p->threads && work > s * least_share; s--)
    if (tiles % s == 0) return s;
  return 1;
}

/* Is it in the loop whose steps are run one by one? */
static bool steps_apart(const program *p, int i) {
  return p->c.p->stepwise && p->c.kernels->call[i].n->loop == p->c.p->n_loop;
}

/* Of one step there: every nest is shared by itself, if that pays. */
static int shares_of_step(const program *p, int i) {
  const nest *n = p->c.kernels->call[i].n;
  const int64_t turns = n->axis[0].extent, most = 2 * (int64_t)p->threads;
  const double pays = operations(n) / (double)turns / least_share;
  if (p->threads == 1 || pays < 2) return 1;
  return even_shares(n->sched->domain / turns, p->threads,
                     pays < (double)most ? (int64_t)pays : most);
}

static int shares_of(const program *p, int from, int to) {
  if (steps_apart(p, from)) return shares_of_step(p, from);
  if (p->c.kernels->call[from].n->loop) return shares_of_loop(p, from, to);
  int64_t domain = 1, most = (int64_t)SHARES_A_THREAD * p->threads;
  double work = 0;
  for (int i = from; i < to; i++) {
    const nest *n = p->c.kernels->call[i].n;
    if (n->sched->serial || fills_parts(n)) return 1;
    if (n->sched->domain > domain) domain = n->sched->domain;
    work += operations(n);
  }
  if (work / least_share < (double)most) most = (int64_t)(work / least_share);
  if (most < p->threads) most = p->threads;
  return even_shares(domain, p->threads, most < MAX_SHARES ? most : MAX_SHARES);
}

/* Where the group that begins there ends: of a loop whose steps are run one by one those nests are
   together that one thread runs. */
static int end_of_group(const program *p, int from) {
  const kernel_list *l = p->c.kernels;
  const int group = l->call[from].n->sched->group;
  int end = from + 1;
  if (steps_apart(p, from) && shares_of_step(p, from) > 1) return end;
  for (; end < l->n_call && l->call[end].n->sched->group == group; end++)
    if (steps_apart(p, end) && shares_of_step(p, end) > 1) break;
  return end;
}

static void lay_out_groups(program *p) {
  const kernel_list *l = p->c.kernels;
  p->first_step = calloc((size_t)l->n_call + 1, sizeof *p->first_step);
  p->shares = calloc((size_t)l->n_call + 1, sizeof *p->shares);
  for (int i = 0, end; i < l->n_call; i = end) {
    end = end_of_group(p, i);
    if (!steps_apart(p, i)) p->positions = p->n_group + 1;
    p->shares[p->n_group] = shares_of(p, i, end);
    p->first_step[p->n_group++] = i;
    p->first_step[p->n_group] = end;
  }
}

static void lay_out_steps(program *p, const kernel_fn *fn) {
  const kernel_list *l = p->c.kernels;
  int args = 0;
  for (int i = 0; i < l->n_call; i++) args += l->call[i].n_arg;
  p->step = calloc((size_t)l->n_call + 1, sizeof *p->step);
  p->place = calloc((size_t)args + 1, sizeof *p->place);
  for (int i = 0; i < l->n_call; i++) {
    const kernel_call *k = &l->call[i];
    const schedule *s = k->n->sched;
    p->step[p->n_step++] = (step){.fn = fn[k->k->id],
                                  .domain = s->domain,
                                  .first_arg = p->n_place,
                                  .in_turn = s->interleaved,
                                  .every_part = fills_parts(k->n),
                                  .turns = k->n->loop ? k->n->axis[0].extent : 0,
                                  .falling = k->n->falling};
    for (int a = 0; a < k->n_arg; a++) p->place[p->n_place++] = place_of(&k->arg[a]);
  }
  lay_out_groups(p);
}

static machine *this_machine(const char *cpu, const char *features) {
  char *error = NULL;
  machine *m = machine_new(NULL, cpu, features, &error);
  if (m) return m;
  internal_error("machine", error);
}

static port_role role_of(const tensor *t) {
  return t->role == T_INPUT    ? PORT_INPUT
         : t->role == T_LABEL  ? PORT_TARGET
         : t->role == T_LOGITS ? PORT_PREDICTION
         : t->role == T_METRIC ? PORT_METRIC
                               : PORT_LOSS;
}

/* Predictions that are vectors may be images of 1 x 1 inside. */
port_info describe_port(const tensor *t) {
  const char *name = t->role != T_LOGITS ? t->name : t->node->label ? t->node->label : "logits";
  port_info i = {.name = name, .role = role_of(t), .is_int = is_whole(t), .below = t->below};
  i.count = 1;
  for (int d = 1; d < t->rank; d++) i.count *= t->dim[d];
  bool vector = i.role == PORT_PREDICTION && t->rank > 2 && t->dim[t->rank - 1] == i.count;
  for (int d = vector ? t->rank - 1 : 1; d < t->rank; d++) i.shape[i.rank++] = t->dim[d];
  return i;
}

/* Where the tensors of a run are. */
static void make_tables(program *p) {
  p->tensors = calloc((size_t)p->n_place * (size_t)p->threads + 1, sizeof *p->tensors);
  p->blocks = calloc((size_t)(BLOCK_PORTS + p->n_port), sizeof *p->blocks);
  p->given = calloc((size_t)(BLOCK_PORTS + p->n_port), sizeof *p->given);
}

static bool compares(const lossuse *l, const tensor *t) {
  const port *target = loss_target(l);
  if (t->role == T_LABEL) return target && !target->node && !strcmp(target->name, t->name);
  return t->role == T_LOGITS && l->prediction == t->node;
}

/* `target input`: is it this one? */
static bool wants(const lossuse *l, const tensor *t) {
  const port *target = loss_target(l);
  const node *from = target ? target->node : NULL;
  return t->role == T_INPUT && from && !strcmp(from->id ? from->name : "x", t->name);
}

/* Targets and predictions that a loss compares as yes or no, or as shares of classes. */
static void meaning(const graph *g, const tensor *t, port_info *io) {
  for (int i = 0; i < g->train.n_loss; i++) io->wanted |= wants(&g->train.loss[i], t);
  for (int i = 0; g->has_train && i < g->train.n_loss; i++) {
    const lossuse *l = &g->train.loss[i];
    if (!l->use.op || !compares(l, t)) continue;
    io->binary |= l->use.op->binary;
    io->shares |= l->use.op->shares;
  }
}

static void collect_ports(program *p) {
  const nestprog *n = p->c.p;
  p->n_port = n->n_port;
  p->port = calloc((size_t)n->n_port + 1, sizeof *p->port);
  for (int i = 0; i < n->n_port; i++) {
    p->port[i] = describe_port(n->port[i]);
    meaning(p->c.g, n->port[i], &p->port[i]);
  }
}

int program_n_ports(const program *p) { return p->n_port; }
const port_info *program_port(const program *p, int i) { return &p->port[i]; }

int program_n_metrics(const program *p) { return p->c.g->train.n_metric; }

const char *program_metric(const program *p, int i) { return p->c.g->train.metric[i].column; }

static const tensor *metric_port(const program *p, int i) {
  const nestprog *n = p->c.p;
  for (int k = 0; k < n->n_port; k++)
    if (n->port[k]->role == T_METRIC && i-- == 0) return n->port[k];
  internal_error("metric", "the program has no such one");
}

/* The text of the total was tried when the file was checked. */
double program_metric_value(const program *p, int i, const double *sums, int64_t n) {
  const metricuse *m = &p->c.g->train.metric[i];
  if (!m->total) return sums[0] / (double)n;
  arena *mem = arena_new();
  const tensor *port = metric_port(p, i);
  nestprog *t = total_of(m, port->rank, port->dim, diag_new(mem), mem);
  if (!t) internal_error(m->column, "its total does not fit");
  double **data = NEW_N(mem, double *, t->n_tensor);
  for (int k = 0; k < t->n_tensor; k++)
    data[k] = NEW_N(mem, double, tensor_elements(t->tensor[k]) + 1);
  memcpy(data[t->x->id], sums, (size_t)tensor_elements(t->x) * sizeof *sums);
  interp(t, data, true, 0, 0);
  const double value = data[t->losses->id][0];
  arena_free(mem);
  return isnan(value) ? (double)NAN : value; /* of which sign hangs on the machine */
}

program *program_compile(const compilation *c) {
  double start = seconds_now();
  char title[64];
  program *p = calloc(1, sizeof *p);
  p->c = *c;
  p->threads = c->opt.threads > 0 ? c->opt.threads : 1;
  p->c.machine = this_machine(c->opt.cpu, c->opt.features);
  p->c.machine->quick = c->opt.quick;
  pipeline_run(&p->c, NULL);
  kernel_fn *fn = calloc((size_t)p->c.kernels->n_kernel + 1, sizeof *fn);
  p->jit = jit_compile(p->c.kernels, p->c.machine, p->threads, fn);
  lay_out_steps(p, fn);
  free(fn);
  weights_collect(&p->weights, p->c.p);
  collect_ports(p);
  make_tables(p);
  p->compile_seconds = seconds_now() - start;
  pipeline_title(c, title);
  timing_report(title);
  return p;
}

program *program_build(const graph *g, const program_options *o) {
  compilation c = {.g = g, .opt = *o};
  if (o->train) c.optimizer = &g->train.optimizer[o->optimizer];
  return program_compile(&c);
}

program *program_twin(const program *p) {
  program *twin = calloc(1, sizeof *twin);
  *twin = *p;
  twin->twin = true;
  make_tables(twin);
  return twin;
}

const weight_table *program_weights(const program *p) { return &p->weights; }
const nestprog *program_nests(const program *p) { return p->c.p; }

static void free_code(program *p) {
  jit_free(p->jit);
  machine_free(p->c.machine);
  compilation_free(&p->c);
  free(p->step);
  free(p->first_step);
  free(p->shares);
  free(p->place);
  free(p->port);
}

void program_free(program *p) {
  if (!p) return;
  if (!p->twin) free_code(p);
  free(p->tensors);
  free(p->blocks);
  free(p->given);
  free(p);
}

int program_batch(const program *p) { return p->c.opt.batch; }
size_t program_params_bytes(const program *p) { return (size_t)p->c.memory.bytes[BLOCK_PARAMS]; }
size_t program_state_bytes(const program *p) { return (size_t)p->c.memory.bytes[BLOCK_STATE]; }
size_t program_work_bytes(const program *p) { return (size_t)p->c.memory.bytes[BLOCK_WORK]; }
double program_compile_seconds(const program *p) { return p->compile_seconds; }

/* --- weights --- */

int program_n_params(const program *p) { return p->weights.n; }

const param_info *program_param(const program *p, int i) { return &p->weights.info[i]; }

void program_export(const program *p, int i, const void *block, void *file) {
  weight_export(&p->weights, i, block, file);
}

void program_import(const program *p, int i, void *block, const void *file) {
  weight_import(&p->weights, i, block, file);
}

void program_average(const program *p, const void *state, void *params) {
  weights_average(&p->weights, state, params);
}

void program_init(const program *p, void *params, void *state, uint64_t seed) {
  if (params) memset(params, 0, program_params_bytes(p));
  if (state) memset(state, 0, program_state_bytes(p));
  for (int i = 0; i < p->weights.n; i++) {
    void *block = p->weights.info[i].in_state ? state : params;
    if (block) weight_init(&p->weights, i, block, seed);
  }
}

/* --- running --- */

/* Without run_args.port: the first port of each role. */
static void *usual_block(const program *p, const run_args *a, int i) {
  const port_role role = p->port[i].role;
  if (i && p->port[i - 1].role == role) return NULL;
  return role == PORT_INPUT        ? (void *)(uintptr_t)a->x
         : role == PORT_TARGET     ? (void *)(uintptr_t)a->labels
         : role == PORT_PREDICTION ? (void *)a->logits
         : role == PORT_LOSS       ? (void *)a->losses
                                   : NULL;
}

static void find_tensors(program *p, const run_args *a) {
  const size_t n = (size_t)(BLOCK_PORTS + p->n_port);
  void **blocks = p->given;
  blocks[BLOCK_PARAMS] = a->params;
  blocks[BLOCK_STATE] = a->state;
  blocks[BLOCK_WORK] = a->work;
  blocks[BLOCK_CONTROL] = &p->ctl;
  for (int i = 0; i < p->n_port; i++)
    blocks[BLOCK_PORTS + i] = a->port ? a->port[i] : usual_block(p, a, i);
  if (!memcmp(blocks, p->blocks, n * sizeof *blocks)) return;
  memcpy(p->blocks, blocks, n * sizeof *blocks);
  for (int me = 0; me < p->threads; me++)
    for (int i = 0; i < p->n_place; i++)
      p->tensors[me * p->n_place + i] =
          (char *)blocks[p->place[i].block] + p->place[i].offset + me * p->place[i].slice;
}

/* The arguments of a step as thread `me` sees them. */
static void **arguments(const program *p, int me, const step *s) {
  return p->tensors + me * p->n_place + s->first_arg;
}

/* Steps [i, end), which walk the same slices: one tile of each in turn. */
static void run_in_turn(const program *p, int me, int i, int end, int64_t from, int64_t to) {
  for (int64_t t = from; t < to; t++)
    for (int k = i; k < end; k++) p->step[k].fn(arguments(p, me, &p->step[k]), t, t + 1);
}

static void run_step(const program *p, int me, const step *s, int64_t from, int64_t to) {
  if (!s->every_part) s->fn(arguments(p, me, s), from, to);
  for (int part = 0; s->every_part && part < p->threads; part++)
    s->fn(arguments(p, part, s), from, to);
}

/* A share of steps [i, end), a loop in order: all turns of its part of the samples. */
static void run_loop(const program *p, int me, int i, int end, int share, int shares) {
  int64_t turns = p->step[i].turns;
  for (int64_t t = 0; t < turns; t++) {
    int64_t at = p->step[i].falling ? turns - 1 - t : t;
    for (int k = i; k < end; k++) {
      int64_t tiles = p->step[k].domain / turns, from = at * tiles;
      p->step[k].fn(arguments(p, me, &p->step[k]), from + tiles * share / shares,
                    from + tiles * (share + 1) / shares);
    }
  }
}

/* A share of steps [i, end), in one turn of a loop whose steps are run one by one: all threads see
   the same memory. */
static void run_turn(const program *p, int i, int end, int share, int shares) {
  for (; i < end; i++) {
    const step *s = &p->step[i];
    const int64_t tiles = s->domain / s->turns, from = p->turn * tiles;
    s->fn(arguments(p, 0, s), from + tiles * share / shares, from + tiles * (share + 1) / shares);
  }
}

/* Thread `me` does a share of a group: the same part of the domain of all its steps, in order. */
static void run_share(void *self, int me, int group, int share) {
  const program *p = self;
  group += p->from_group;
  int last = p->first_step[group + 1], n = p->shares[group];
  if (group >= p->positions) {
    run_turn(p, p->first_step[group], last, share, n);
    return;
  }
  if (p->step[p->first_step[group]].turns) {
    run_loop(p, me, p->first_step[group], last, share, n);
    return;
  }
  for (int i = p->first_step[group], end; i < last; i = end) {
    const step *s = &p->step[i];
    for (end = i + 1; end < last && p->step[end].in_turn; end++) continue;
    int64_t from = s->domain * share / n, to = s->domain * (share + 1) / n;
    if (end == i + 1) run_step(p, me, s, from, to);
    else run_in_turn(p, me, i, end, from, to);
  }
}

static void prepare(program *p, const run_args *a) {
  p->ctl = (control){(uint32_t)a->seed,
                     (uint32_t)(a->seed >> 32),
                     (uint32_t)a->step,
                     (uint32_t)(a->step >> 32),
                     {0}};
  if (p->c.real == F64) p->ctl.lr_exact = (double)a->lr;
  else p->ctl.lr = a->lr;
  find_tensors(p, a);
}

static void run_groups(program *p, int from, int to) {
  p->from_group = from;
  workers_run(&(shared_work){to - from, p->shares + from, run_share, p}, p->threads);
}

int64_t program_positions(const program *p) {
  return p->positions < p->n_group ? p->step[p->n_step - 1].turns : 0;
}

/* What the positions need once stands before them. */
void program_run_position(program *p, const run_args *a, int64_t at) {
  prepare(p, a);
  if (at == 0) run_groups(p, 0, p->positions);
  p->turn = at;
  run_groups(p, p->positions, p->n_group);
}

void program_run(program *p, const run_args *a) {
  const int64_t positions = program_positions(p);
  for (int64_t i = 0; i < positions; i++) program_run_position(p, a, i);
  if (positions) return;
  prepare(p, a);
  run_groups(p, 0, p->n_group);
}

/* --- single steps --- */

int program_n_steps(const program *p) { return p->n_step; }

typedef struct {
  const program *p;
  const step *s;
  int shares;
} single;

static void run_single(void *self, int me, int group, int share) {
  const single *one = self;
  (void)group;
  run_step(one->p, me, one->s, one->s->domain * share / one->shares,
           one->s->domain * (share + 1) / one->shares);
}

void program_run_step(program *p, const run_args *a, int i) {
  if (i == 0) prepare(p, a);
  single one = {p, &p->step[i], shares_of(p, i, i + 1)};
  workers_run(&(shared_work){1, &one.shares, run_single, &one}, p->threads);
}

step_info program_step(const program *p, int i) {
  const kernel_call *k = &p->c.kernels->call[i];
  step_info s = {.name = k->n->name, .layer = k->n->node ? k->n->node->name : ""};
  s.flops = nest_flops(k->n);
  s.contraction = nest_macs(k->n) > 0;
  s.expected = k->n->sched->cycles * 2 * p->c.machine->info->lanes; /* two FMAs a cycle */
  for (int a = 0; a < k->n_arg; a++)
    if (k->arg[a].t)
      s.bytes += (double)tensor_bytes(k->arg[a].t) *
                 (double)(k->arg[a].t->sliced ? k->n->sched->domain : 1);
  return s;
}

bool program_statistic(const program *p, int i, size_t *offset, size_t *bytes) {
  const nestprog *n = p->c.p;
  for (int k = 0; k < n->n_tensor; k++) {
    const tensor *t = n->tensor[k];
    if (t->role != T_STATE || i--) continue;
    *offset = (size_t)t->offset;
    *bytes = (size_t)tensor_bytes(t);
    return true;
  }
  return false;
}
