/* A network file, expanded and checked: what every command works on. */
#ifndef NETC_GRAPH_H
#define NETC_GRAPH_H
#include "lang/opdef.h"

typedef struct {
  const char *name;
  double v[2]; /* both equal unless a pair was given as 3x5 (h, w) */
} setting;

enum { MAX_RANK = 5 };
#define MAX_ELEMENTS 2147483648.0 /* of one tensor of one sample */

/* Of one sample, in netc's order: H x W x C, L x C, C; of whole numbers, just positions. */
typedef struct {
  int rank; /* -1: not known (after an error) */
  int64_t dim[MAX_RANK];
  int64_t below; /* whole numbers from 0 to below - 1; 0: floats */
} shape;

/* What a program is given: an input of the network, or what its predictions are compared with. */
typedef struct port {
  const char *name; /* "input", "label", or the label before it */
  bool target;      /* else an input */
  bool is_int;      /* whole numbers from 0 to below - 1; else floats */
  int64_t below;    /* 0 for floats */
  shape shape;
  struct node *node; /* of an input */
  loc at;
} port;

/* One operator applied, or an input. */
typedef struct node {
  int id;           /* position in graph.node: inputs come before users */
  const opdef *op;  /* NULL for an input */
  const port *port; /* of an input */
  int n_in;
  struct node **in;
  shape *as; /* each input as the operator sees it: a vector may be an image of 1 x 1, or back */
  int n_set;
  setting *set; /* all of op->set, in order, defaults filled in */
  shape shape;
  const char *name;    /* unique, and that of its weights in files: "conv1", "stem", "b1.conv1" */
  const char *counted; /* prefix and count of its kind, whatever labels say: "conv1" */
  const struct node *owner; /* the layer above whose weights it has, or NULL: its own */
  bool tied;                /* `weights=@label`: parameters only, and as far as they fit */
  bool frozen;              /* computes as in inference, and is not trained */
  const char *label;        /* given by the user, or NULL */
  loc at;
} node;

/* Training values. A set `lr {a b c}` keeps all; the first is the default. */
typedef struct {
  int n;
  double *v;
  loc at; /* NOWHERE: not given in the file */
} values;

/* `split 800/100/105`, `split 0.8`: parts for training, validation and test. */
typedef struct {
  bool is_fraction;
  double fraction[3];
  int64_t count[3];
  int parts;    /* that are written; 1: the rest validates */
  bool ordered; /* `end`: in the order of the data */
} splitval;

/* `optimizer sgd momentum=0.9`: an operator and its settings. */
typedef struct opuse {
  const opdef *op;
  int n_set;
  setting *set;
  loc at;
  double clip, average; /* of an optimizer: the gradients' norm at most, the averaged weights'
                           share that a step keeps; 0: neither */
} opuse;

/* `loss mse @head @y times=0.3;`: an operator of a prediction and what it is compared with, in its
   order: a target, an input or what a label names; or of the prediction alone. */
typedef struct {
  opuse use;
  node *prediction;
  int n_with;
  const port *with[MAX_INPUTS - 1]; /* those that are no target have a node */
  shape as[MAX_INPUTS];             /* the prediction and these, as the operator sees them */
  double times;                     /* the losses add up, each times this */
  bool balanced; /* `weights=balanced`: by the classes' counts in the training samples */
  int n_table;   /* the values of the loss's table (its one state), a class each; 0: ones */
  double *table;
} lossuse;

/* The target among what a loss compares, which may be an input; NULL: none. */
const port *loss_target(const lossuse *l);

/* `metric iou @head @mask;`: sums for each sample, and what becomes of them. */
typedef struct metricuse {
  lossuse compared;   /* an operator of kind OP_METRIC or OP_LOSS */
  const opdef *total; /* of the sums over all samples; NULL: their mean */
  const char *column; /* of metrics.csv: "val_iou" */
} metricuse;

enum { MAX_METRICS = 8 };

/* `schedule cosine warmup=5 final=0.1`: how the learning rate changes. */
enum {
  SCHEDULE_EVERY, /* epochs (or steps) from one step down to the next */
  SCHEDULE_TIMES,
  SCHEDULE_WARMUP,    /* epochs (or steps) */
  SCHEDULE_FINAL,     /* the last rate, as a share of lr */
  SCHEDULE_PCT_START, /* of one cycle: the share of the steps that it rises for; what lr is ... */
  SCHEDULE_DIV,       /* ... divided by at the start, and that again ... */
  SCHEDULE_FINAL_DIV, /* ... at the end */
  SCHEDULE_VALUES
};
typedef struct {
  const char *kind; /* NULL, "constant", "step", "exponential", "cosine", "linear", "onecycle" */
  double value[SCHEDULE_VALUES];
  bool in_steps;
} schedule_rule;

typedef struct {
  const char *data; /* resolved against the .net file's folder; NULL: none */
  const char *data_as_written;
  const char *data_val, *data_test;     /* validation and test set in files of their own, or NULL */
  const char *images, *labels, *layout; /* NULL: found by themselves */
  const char *fit;                /* `fit=pad`: of pictures of other proportions; NULL: stretch */
  double scale;                   /* 0: by type (uint8: 1/255, floats: 1) */
  int n_data_target, n_data_drop; /* columns of a table */
  const char **data_target, **data_drop;
  bool data_missing_mean, data_bytes; /* missing=mean; tokens=bytes */
  double data_mel;                    /* `mel=40`: bands of sounds; 0: as they are */
  bool data_series;                   /* `horizon=1`: samples are windows of a table's rows */
  double data_horizon;                /* rows from a window's last to the first of its target */
  loc data_at;
  bool normalize;
  loc normalize_at;
  int64_t epoch_steps; /* `epochs 10 of 200`: batches of an epoch, drawn at random; 0: all */
  int n_split;
  splitval *split;
  loc split_at;
  int n_loss;
  lossuse *loss;
  int n_metric; /* beyond those that the target has by itself */
  metricuse *metric;
  int n_optimizer;
  opuse *optimizer;
  values lr, batch, epochs, seed;
  values clip, average; /* n 0: neither */
  values shards;        /* parts of a batch, each with a gradient of its own; n 0: none */
  schedule_rule schedule;
  const char *stop_metric; /* NULL, "val_loss", "val_mae" .. */
  int stop_own;            /* the metric of the list above that it is, from 1; 0: none */
  bool stop_rises;         /* such a one is better where it is larger */
  int stop_patience;
  bool stop_restore;
  /* `augment flip shift=2 crop=0.8 rotate=10 cutout=8 noise=0.05 mixup=0.2`; 0: not */
  struct {
    bool flip;
    int shift, cutout;   /* positions */
    double crop, rotate; /* smallest share of a side; degrees */
    double noise, mixup; /* standard deviation; both parameters of a Beta */
  } augment;
} traincfg;

/* One alternative that `netc sweep` runs: the values it changes, in words and in effect. */
typedef struct {
  const char *study; /* sweep's name, or the setting's word for a plain set in train {..} */
  const char *label; /* "lr=0.05", "act=sigmoid", "split=845/160" */
  int n_override;
  const char **word; /* the setting or `let` name ... */
  const char **text; /* ... and the source text of its value, or the path for word "net" */
} variant;

typedef struct graph {
  arena *mem;
  diag *d;
  const char *path, *name; /* "models/emoji.net", "emoji" */
  const char *text;        /* the source of the file itself */
  int n_source;
  const char **source_path; /* the file and everything it includes */
  int n_input, n_target;
  port **input, **target;
  int64_t classes; /* the number after `of` (or `classes`) of the first target; 0: floats */
  int64_t h, w, c; /* the first input as an image */
  int n_node;
  node **node;
  node *output;
  bool has_train;
  traincfg train;
  opdef *ops; /* library operators and the file's own */
  int n_variant;
  variant *variant;
} graph;

/* Sets of words and values to put in place of the file's: from --lr etc., or from a sweep's
 * variant. */
typedef struct {
  int n;
  const char **word, **text;
} overrides;

/* Reads, parses, expands and shapes a network file; its errors are in g->d, and not yet printed
   (product/network.h goes on from here). `over` may be NULL. Free with graph_free. */
graph *graph_read(const char *path, const overrides *over);
/* The same from memory; `path` is only shown, and resolves relative paths. */
graph *graph_read_text(const char *path, const char *text, size_t n, const overrides *over);
void graph_free(graph *g);

int64_t shape_elements(const shape *s);
bool shape_equal(const shape *a, const shape *b);
/* In PyTorch's order: C x H x W, C x L, C (whole numbers have no channels). Returns the rank. */
int shape_in_files(const shape *s, bool is_int, int64_t dim[MAX_RANK]);
/* Dimensions of a node's operator, bound to its inputs with N = batch, its settings, and what it
   makes of them with `let`. False: d has the error. */
bool node_env(const node *n, int64_t batch, diag *d, xenv *env);
/* The shape that a layer's rule gives for its inputs and settings, into the node. False, with
   errors in d, if they do not fit. */
bool node_shape(arena *a, diag *d, node *n);
/* The words of `train {..}`, by number; NULL after the last. */
const char *train_word(int i);
/* Do weights a and b, which have these dimensions, hold the same numbers in files: of one shape, or
   of two dimensions transposed? map[d]: which dimension of a dimension d of b is; -1: one of 1. */
bool weights_map(const opdecl *a, int rank, const int64_t *dim, const opdecl *b, int rank_b,
                 const int64_t *dim_b, int *map);
/* A setting of a node by name; aborts if the operator has none such (a bug in netc). */
double node_setting(const node *n, const char *name);
#endif
