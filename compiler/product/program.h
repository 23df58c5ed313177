/* A compiled network: the boundary between the compiler and everything that uses it.
   The runtime sees this header, graph.h's training values, and nothing else of the compiler. */
#ifndef NETC_PROGRAM_H
#define NETC_PROGRAM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct graph;
struct opuse;

/* A named tensor of the params or state block as weight files know it. */
typedef struct {
  const char *name;       /* "conv1.weight", "bn1.running_mean", optimizer state "conv1.weight.v" */
  const char *first_name; /* without labels, as in older files: "conv1.weight"; NULL: the same */
  bool in_state;          /* optimizer state (state block); else params block */
  bool trained;           /* a parameter that is not frozen, not running statistics */
  bool is_int64;          /* in files: int64, rank 0; one float in memory */
  int rank;               /* in files (PyTorch's order) */
  int64_t shape[6];
  int64_t count;     /* elements */
  const char *layer; /* "conv1" */
} param_info;

/* What a program is given and what it gives, each behind a pointer of its own. */
typedef enum {
  PORT_INPUT,
  PORT_TARGET,     /* of training, and where losses or metrics are computed */
  PORT_PREDICTION, /* what losses compare, else the network's last value */
  PORT_LOSS,       /* one value a sample; their mean is the batch's loss */
  PORT_METRIC      /* of evaluation: a metric's sums for each sample */
} port_role;
typedef struct {
  const char *name; /* "x", "label", "logits", "losses", or the label in the file */
  port_role role;
  bool binary;   /* floats that are 0 or 1, or a prediction of those, before its sigmoid */
  bool wanted;   /* an input that is a target as well */
  bool shares;   /* a share for each class, or a prediction of those, before its softmax */
  bool is_int;   /* int32 from 0 to below - 1; else floats */
  int64_t below; /* 0 for floats */
  int rank;      /* in PyTorch's order, without the batch: C x H x W, C x L, C; 0: one value */
  int64_t shape[6];
  int64_t count; /* elements of one sample */
} port_info;

typedef struct program program; /* one of: inference or training step, for one batch size */

/* A training step may be had in two: gradients, and what the optimizer does with them. The state
   block of the first is the gradients; that of the second begins with them, in the same places. */
typedef enum { PART_STEP, PART_GRADIENTS, PART_UPDATE } program_part;

typedef struct {
  bool train;
  bool loss; /* inference with the losses too (evaluation): labels and losses are used */
  int batch;
  int threads;
  const char *cpu, *features; /* NULL: this machine */
  int optimizer;              /* index into train.optimizer; 0 by default */
  program_part part;          /* of training */
  bool stepwise;              /* inference of one position after the other, where that may be */
  bool quick;                 /* compile in half of the time, run slowly: for a few runs */
} program_options;

/* Compiles. Never fails on a checked graph; internal errors abort. */
program *program_build(const struct graph *g, const program_options *o);
/* Another one of the same code, for a thread of its own: p->threads is 1, and p outlives it. */
program *program_twin(const program *p);
void program_free(program *p);
int program_batch(const program *p);
size_t program_params_bytes(const program *p);
size_t program_state_bytes(const program *p); /* 0 for plain SGD and for inference */
size_t program_work_bytes(const program *p);
double program_compile_seconds(const program *p);
/* Where operator state i (running statistics; from 0) lies in the params block, in bytes. False
   beyond the last one. */
bool program_statistic(const program *p, int i, size_t *offset, size_t *bytes);

/* The tensors, params block first, in network order. Layout of the params block is the same for
   every program of one graph, so training and inference share one block. */
int program_n_params(const program *p);
const param_info *program_param(const program *p, int i);
/* Moves tensor i between its block (pass the params or the state block) and dense PyTorch order.
   `file` holds count floats, or one int64_t if is_int64. */
void program_export(const program *p, int i, const void *block, void *file);
void program_import(const program *p, int i, void *block, const void *file);
/* Where the network averages its weights: puts the averages of the state block in place of the
   parameters in the params block. */
void program_average(const program *p, const void *state, void *params);
/* Initial values: parameters drawn by Philox from seed, tensor name and element (file order);
   running statistics and optimizer state to theirs. state may be NULL. */
void program_init(const program *p, void *params, void *state, uint64_t seed);

/* A program's ports: inputs, targets, predictions, losses, metrics, in this order. */
int program_n_ports(const program *p);
const port_info *program_port(const program *p, int i);

/* The metrics that the network names: their columns in metrics.csv, and what sums over n samples
   come to, in double precision. */
int program_n_metrics(const program *p);
const char *program_metric(const program *p, int i);
double program_metric_value(const program *p, int i, const double *sums, int64_t n);

typedef struct {
  void *params, *state, *work; /* 64-byte aligned, of the sizes above */
  const float *x;              /* batch x C x H x W, scaled */
  const int32_t *labels;       /* batch (training or loss; else NULL) */
  float *logits;               /* batch x classes, out */
  float *losses;               /* batch, out; their mean is the batch's loss (training or loss) */
  float lr;
  uint64_t seed, step; /* key and counter of dropout */
  /* batch x count values of every port, by its index (floats, or int32 if is_int); then x, labels,
     logits and losses, which mean the first port of their role, are not used. */
  void *const *port;
} run_args;
void program_run(program *p, const run_args *a);
/* Of a program that was asked to be stepwise: how many positions its input has, or 0 if it cannot
   be had one by one (then it is a program like any other). */
int64_t program_positions(const program *p);
/* Computes one position of the predictions, from the input there and what is kept in the workspace
   of those before it: positions are run in order, from 0 on; 0 begins anew. What program_run gives
   there, to the bit. */
void program_run_position(program *p, const run_args *a, int64_t at);
/* --- for `netc check` --- */
typedef struct {
  const char *name; /* of the parameter, as in weight files; valid while the graph is */
  double error;     /* worst relative error of its probes, but for those below */
  int probes;
  int kinks;         /* probes where the loss has no derivative */
  double resolution; /* above 0: a probe's differences tell no more than this, and agree to that */
  bool infinite;     /* the loss or the gradient is no number here */
  bool zero;         /* the gradient was zero: that was checked, and nothing else */
} check_row;
/* In double precision, an honest gradient agrees far better than this. */
#define CHECK_TOLERANCE 1e-6
/* Compares the derived gradients of this network, in double precision and on random data, with
   central differences, parameter by parameter. Returns the rows (malloc'd, *n of them), or NULL
   after a message, if that would take hours. */
typedef void check_progress(const char *parameter, int done, int of); /* or NULL */
check_row *program_check(const struct graph *g, int batch, uint64_t seed, check_progress *progress,
                         int *n);

/* What became of the numbers in a pass, or in the code ("code"). */
typedef struct {
  const char *pass;
  bool bits; /* held to the very bits; else to the rounding of double precision */
  bool ok;
  double error;      /* the largest, as a share of the greatest value in its tensor */
  const char *where; /* the tensor with the largest, or NULL */
} pass_row;
/* Interprets the program after every pass, on random data, and runs its code; rows are malloc'd. */
pass_row *program_check_passes(const struct graph *g, bool train, int batch, uint64_t seed, int *n);
void pass_rows_free(pass_row *row, int n);

/* --- for `netc bench`: one step of a program is one nest's code --- */
typedef struct {
  const char *name; /* "conv2 by weight" */
  const char *layer;
  double flops;     /* multiply-adds count two; other operations one */
  double bytes;     /* of every tensor it touches, once */
  bool contraction; /* convolution, linear, and their gradients */
  double expected;  /* multiply-adds that the FMA peak would do in the time that the cost model
                       expects of a contraction; or 0 */
} step_info;
int program_n_steps(const program *p);
step_info program_step(const program *p, int i);
/* Runs step i alone, on all threads. Steps must be run in order, from 0. */
void program_run_step(program *p, const run_args *a, int i);
/* This machine's FMA peak in GFLOP/s and memory bandwidth in GB/s (large arrays, read), on
   `threads` cores, measured by generated code; takes some tens of milliseconds. */
void machine_measure(int threads, double *gflops, double *gbytes);

/* Is there a stage of that name? (also "llvm" and "asm") */
bool pipeline_has_stage(const char *name);
/* From now on that stage of every compilation is printed to stdout; is there one? */
void pipeline_dump(const char *stage);
bool pipeline_dumps(void);
/* The stages' names and one line each, for --help. */
void pipeline_list(FILE *to);

/* What `summary` prints. Memory is that of a program for so many threads. */
typedef struct {
  int64_t params, macs; /* trained parameters; multiply-adds of one sample's inference */
  size_t params_bytes, infer_bytes, train_bytes; /* planned, at the given batch */
} program_costs;
program_costs program_cost(const struct graph *g, int batch, int threads);
/* Trained parameters and MACs of every node, by node id (arrays of graph.n_node). */
void node_costs(const struct graph *g, int64_t *params, int64_t *macs);
#endif
