/* The operator notation, parsed. A name that ends in `..` is a pack: `S..` several dimensions,
   `s..` an index for each, `..` such dimensions or indices without a name. opform.c writes an
   operator with packs out for one number of dimensions; what it makes has none. (The syntax tree
   of the layer language is private to the parser and expand.c; operators are kept as trees because
   `lower` instantiates them.) */
#ifndef NETC_AST_H
#define NETC_AST_H
#include "base/source.h"
#include <stdint.h>

/* Expressions of operator bodies, shape rules and settings. */
typedef enum {
  X_NUM,  /* num */
  X_NAME, /* name: a setting, a dimension (H), an axis (i), or `lr` */
  X_READ, /* name[arg, ...]; `name[..]` (every index of the statement's output) has every == true */
  X_CALL, /* name(arg, ...): a scalar function of scalar.def, or rand() */
  X_NEG,
  X_ADD,
  X_SUB,
  X_MUL,
  X_DIV,
  X_EQ,
  X_NE,
  X_LT,
  X_LE,
  X_GT,
  X_GE
} xkind;

typedef struct xexpr {
  xkind kind;
  loc at;
  double num;
  const char *name;
  bool every;
  int n;
  int depth; /* of the tree below; the parser bounds it, so that recursion is safe */
  struct xexpr **arg;
} xexpr;

/* Combiners of a nest: out = e, out += e, out max= e. */
typedef enum { COMB_SET, COMB_SUM, COMB_MAX } combiner;

typedef struct {
  const char *name;
  xexpr *extent;
  loc at;
} opaxis; /* `u:k.h` */

typedef struct opstmt {
  struct opstmt *next;
  loc at;
  /* a nest: lhs comb rhs for axes; (neither cond nor scan) */
  xexpr *lhs; /* X_READ */
  combiner comb;
  xexpr *rhs;
  int n_axis;
  opaxis *axis;
  /* or `if cond { then } else { otherwise }`, decided when the operator is instantiated */
  xexpr *cond;
  /* or `scan t:T { then }`: the statements for t = 0, 1, .., T-1, one after the other */
  opaxis *scan;
  struct opstmt *then, *otherwise;
} opstmt;

/* `param weight[u:k.h, v:k.w, c:C, f:o] file [f, c, u, v] ~ uniform(bound);`
   `state running_mean[c:C] ~ 0;`   `state v[..] ~ 0;` (shape of the tensor that an optimizer
   updates) `file [f, (c, h, w)]`: PyTorch's order, with merged dimensions in parentheses; the
   default is the order given. `file int64` (rank 0 in the file, one element here): for counters
   such as num_batches_tracked. */
/* uniform(b): in [-b, b); normal(s): of mean 0 and standard deviation s */
typedef enum { INIT_CONST, INIT_UNIFORM, INIT_NORMAL } initkind;
typedef struct opdecl {
  const char *name;
  loc at;
  bool is_state, every, file_int64;
  int n_dim;
  opaxis *dim;
  int n_file;      /* entries of the file order over all groups: a permutation of 0..n_dim-1 */
  int *file_dim;   /* dim index of each entry */
  int *file_group; /* group (dimension in the file) of each entry; non-decreasing from 0 */
  initkind init;
  xexpr *init_arg;
  xexpr *when; /* `when cond` after the dims: declared only if non-zero; NULL = always */
} opdecl;

enum { MAX_INPUTS = 8, MAX_PACKS = 4, MAX_OP_RANK = 6 /* MAX_DIMS of a nest's tensor */ };

typedef struct {
  const char *name;
  loc at;
  const char *below; /* `of V`: the name of the number that they are below; or NULL */
  bool is_int;       /* `int label[N]` */
  bool every;        /* `w[..]` */
  int n_dim;
  const char *dim[MAX_OP_RANK]; /* a symbol each; the first use binds it, later uses must agree */
} opinput;

typedef struct {
  const char *name;
  loc at;
  bool pair;                   /* `pair k`: k3 or k3x5; body names k.h and k.w */
  const char *name_h, *name_w; /* of a pair: "k.h", "k.w" */
  xexpr *dflt; /* NULL: must be given. May use dimensions and settings to its left. */
  int n_word;
  const char **word; /* `p=0|same|causal`: words that may stand for its value: -1, -2, .. */
} opsetting;

typedef struct {
  const char *name;
  xexpr *v;
  loc at;
} oplet; /* `let oh = (H+2*p-k)/s+1;`: after the settings, for sizes, needs and statements */

/* `need k.h >= 2*p.h "reason";`: checked with the shapes, before anything is instantiated. */
typedef struct {
  xexpr *cond;
  const char *reason;
  loc at;
} opneed;

/* `onnx t = "Gemm"(x, weight, transB=1);`: one node of the operator's form in ONNX. Inputs: a name
   of a tensor, a number (a float constant), or a list (an int64 vector). Attributes: a whole
   number, `float(..)`, a string, or a list of whole numbers, in which `s..` of a pack is ONNX's
   axes of it. */
typedef struct {
  const char *name; /* of an attribute; NULL: an input */
  const char *text; /* an attribute that is a string, or NULL */
  bool list;
  int n;
  xexpr **x;
  loc at;
} onnx_arg;
typedef struct {
  const char *out, *type;
  loc at;
  xexpr *when; /* only if non-zero; NULL: always */
  int n_arg;
  onnx_arg *arg;
} onnx_step;

/* A metric has sums for each sample, of which a total makes one value for all of them. */
typedef enum { OP_LAYER, OP_LOSS, OP_OPTIMIZER, OP_METRIC, OP_TOTAL } opkind;

typedef struct {
  int n_dim;
  int64_t dim[MAX_OP_RANK];
} optest_input;
typedef struct {
  loc at;
  int n_in;
  optest_input *in;
  int n_arg;             /* positional and named settings */
  const char **arg_name; /* NULL: positional */
  xexpr **arg;           /* numbers; a pair 3x5 is an X_CALL of "x" with two numbers */
} optest;                /* `test avgpool(x[2,6,6,8], 3, s=2);` */

/* op NAME(inputs, settings) -> out[dims] [as "Title"] [weights "prefix"]
     [loss|optimizer|metric|total] [default] [folds] [binary] [shares] [rises] { ... }
 */
typedef struct opdef {
  struct opdef *next;
  struct opdef *forms; /* of one with packs: written out for numbers of dimensions (opform.c) ... */
  int len[MAX_PACKS];  /* ... these */
  const char *name;
  loc at;
  opkind kind;
  bool is_default; /* a loss or optimizer that stands in where none is named */
  bool binary; /* a loss whose targets are 0 or 1, and whose predictions stand before a sigmoid */
  bool shares; /* a loss whose targets are a share for each class, predictions before a softmax */
  bool rises;  /* a metric of which more is better */
  bool folds;  /* of two inputs: more are folded from the left */
  const char *title;  /* row in `summary` ("Conv2d"); NULL: a row only if it has weights */
  const char *prefix; /* of its tensors in weight files ("fc"); defaults to the name */
  const char *doc;    /* the comment lines above, joined */
  int n_in;
  opinput *in;
  int n_set;
  opsetting *set;
  const char *out;
  bool out_every;
  int n_out_dim;
  xexpr **out_dim;
  int n_let;
  oplet *let;
  int n_need;
  opneed *need;
  int n_decl;
  opdecl *decl;
  opstmt *body;          /* both programs */
  opstmt *train, *infer; /* appended to body in that program only */
  int n_onnx;            /* 0: it has no form in ONNX */
  onnx_step *onnx;
  int n_test;
  optest *test;
} opdef;
#endif
