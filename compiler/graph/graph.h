/* A network file, expanded and checked: what every command works on. */
#ifndef NETC_GRAPH_H
#define NETC_GRAPH_H
#include "lang/opdef.h"

typedef struct {
  const char *name;
  double v[2]; /* both equal unless a pair was given as 3x5 (h, w) */
} setting;

/* One operator applied. Shapes are H, W, C of one sample; vectors are 1 x 1 x C. */
typedef struct node {
  int id;          /* position in graph.node: inputs come before users */
  const opdef *op; /* NULL for the input */
  int n_in;
  struct node *in[2]; /* n-ary joins become chains of binary ones */
  int n_set;
  setting *set; /* all of op->set, in order, defaults filled in */
  int64_t h, w, c;
  const char *name;  /* prefix and count of its kind: "conv1", "fc2", "bn3"; unique */
  const char *label; /* given by the user, or NULL */
  loc at;
} node;

/* Training values. A set `lr {a b c}` keeps all; the first is the default. */
typedef struct {
  int n;
  double *v;
  loc at; /* NOWHERE: not given in the file */
} values;

typedef struct {
  bool is_fraction;
  double fraction;
  int64_t train, val; /* counts */
} splitval;

/* `optimizer sgd momentum=0.9`, `loss cross_entropy`: an operator and its settings. */
typedef struct opuse {
  const opdef *op;
  int n_set;
  setting *set;
  loc at;
} opuse;

typedef struct {
  const char *data; /* resolved against the .net file's folder; NULL: none */
  const char *data_as_written;
  const char *images, *labels, *layout; /* NULL: found by themselves */
  double scale;                         /* 0: by type (uint8: 1/255, floats: 1) */
  loc data_at;
  int n_split;
  splitval *split;
  loc split_at;
  opuse loss;
  int n_optimizer;
  opuse *optimizer;
  values lr, batch, epochs, seed;
  const char *schedule;    /* NULL, "step", "cosine", "linear" */
  double schedule_arg[2];  /* step: every n epochs, times g; cosine, linear: warm-up epochs, final
                              fraction */
  const char *stop_metric; /* NULL, "val_loss", "val_acc", "train_loss" */
  int stop_patience;
  bool stop_restore;
  bool augment_flip; /* `augment flip shift=2`: horizontal mirror; shift by up to n pixels */
  int augment_shift;
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
  int64_t h, w, c, classes;
  int n_node;
  node **node; /* node[0] is the input */
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

/* Reads, parses, expands and shapes a network file. Returns NULL after printing every error
   to stderr in the form of SPEC section 1. `over` may be NULL. Free with graph_free. */
graph *graph_load(const char *path, const overrides *over);
/* The same from memory; `path` is only shown, and resolves relative paths. */
graph *graph_load_text(const char *path, const char *text, size_t n, const overrides *over);
void graph_free(graph *g);

/* Dimensions of a node's operator, bound to its inputs with N = batch, and its settings. */
void node_env(const node *n, int64_t batch, xenv *env);
/* A setting of a node by name; aborts if the operator has none such (a bug in netc). */
double node_setting(const node *n, const char *name);
#endif
