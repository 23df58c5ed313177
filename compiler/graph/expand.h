/* From the syntax tree to the graph: what the files of this stage share.
   load.c reads and includes, expand.c runs statements, arguments.c binds arguments to settings,
   shape.c evaluates shape rules, traincfg.c and study.c read `train {..}` and `sweep`. */
#ifndef NETC_EXPAND_H
#define NETC_EXPAND_H
#include "graph.h"
#include "lang/syntax.h"

enum {
  MAX_NODES = 100000,
  MAX_STEPS = 1000000, /* statements run, repeats counted */
  MAX_NESTING = 64,    /* bodies, blocks and branches inside one another */
  MAX_BINDINGS = 10000,
  MAX_ERRORS = 50
};

typedef struct binding {
  struct binding *next;
  const char *name;
  loc at;
  int file_depth; /* of the file that made it: a file's `let` wins over those of files it includes
                   */
  value *v;       /* let, block parameter: resolved, so never a name that is bound itself */
  stmt *block;
  int first, end; /* of a shared block that was used: the layers of its first use */
  bool used;
  node *label;
  int label_first, label_end; /* the layers of a labelled statement */
  node *named;                /* the layer that has the label for a name, or NULL */
  port *target;
  bool active; /* a block that is being expanded */
} binding;

typedef struct scope {
  struct scope *up;
  binding *first;
  int n;
} scope;

/* What was counted so far, hashed by its key. */
typedef struct {
  const char *key;
  int n;
} name_count;
typedef struct {
  int n, room;
  name_count *slot;
} name_table;

/* Layers that are made once more, one by one, with the weights of the first time: those of
   graph.node from `first` to `end`; the one that `base` stands for is the first. */
typedef struct {
  int first, end, base;
} reuse;

/* One statement of train {..}: kept until all files are read, because an including file wins. */
typedef struct {
  stmt *s;
  int file_depth;
  const char *folder; /* relative paths start here */
} train_use;

typedef struct {
  stmt *s;
  const char *folder;
} sweep_use;

typedef struct expander {
  graph *g;
  arena *a;
  diag *d;
  const overrides *over;
  bool *over_used;
  node *cur; /* the current tensor; NULL before `input` */
  scope global, *scope;
  int nesting, steps, file_depth, n_file;
  opdef *rejected;        /* operators with errors: their uses are no further errors */
  int first_file;         /* of the user's sources; the library's come before */
  const char *folder;     /* of the file that is being read */
  const char *active[16]; /* files that are being read, outermost first */
  name_table names;
  const char *path; /* of the labels around, "b1" or "blocks.0.b1"; or NULL */
  const char *own;  /* the name of the layer that a labelled statement is about, until it is made */
  reuse *reuse;     /* a shared body that runs once more, or NULL */
  const node *tie;  /* `weights=@label`: of the layer that is made next, or NULL */
  bool frozen;      /* inside `frozen {..}` */
  loc input_at, classes_at; /* of the first input and the first target */
  int n_target;
  port **target; /* all of them: graph.target has those that are given */
  bool input_missing_said;
  bool incomplete; /* a file could not be included: what it holds may be what others miss */
  int n_train;
  train_use *train;
  int n_sweep;
  sweep_use *sweep;
} expander;

/* A setting of an operator or a parameter of a block, and what a call gave for it. */
typedef struct {
  const char *name;
  bool pair, optional;
  value *v; /* resolved; NULL: not given */
  loc at;
} slot;

/* A bare word (`relu`) or `dropout=0.3` after the arguments: a layer applied next. */
typedef struct {
  const char *name;
  loc at;
  value *v; /* its one argument, or NULL */
} trailing_layer;

typedef struct {
  const char *what; /* the layer or block, for messages */
  loc at;
  bool layers; /* trailing layers may follow (not for optimizers and losses) */
  bool block;
  int n_slot;
  slot *slot;
  int n_trailing;
  trailing_layer *trailing;
  reuse tie; /* of a block: `weights=@label`, or nothing (end 0) */
} call;

/* load.c */
void load_file(expander *x, const char *path, loc at);
const char *resolve_path(arena *a, const char *folder, const char *path);

/* expand.c */
void run_statements(expander *x, stmt *s);
/* A block or branch, in a scope of its own. */
void run_body(expander *x, stmt *body, loc at);
/* A word with its arguments: an operator, a block, or the name of a layer. */
void apply_word(expander *x, const char *word, loc at, int n, arg *args);
binding *find_binding(const expander *x, const char *name);
/* False after an error: the name is taken in this scope, or by an operator of the file's own. */
bool name_is_free(expander *x, const char *name, loc at);
binding *new_binding(expander *x, const char *name, loc at);
bool too_many_errors(const expander *x);
const char *override_text(expander *x, const char *word);

/* inputs.c */
void run_input(expander *x, const stmt *s);
void run_classes(expander *x, const stmt *s);
void run_target(expander *x, const stmt *s);

/* layers.c */
node *new_node(expander *x, const opdef *op, loc at);
void apply_operator(expander *x, opdef *op, loc at, int n, arg *args);
/* The bare words behind the arguments of a layer or block. */
void apply_trailing(expander *x, const call *c);
/* The values of branches {..} and labels @a, all from the current tensor; false after an error. */
bool run_branches(expander *x, int n, const arg *args, node **in);
/* In place of a layer with an error: a value whose shape nobody knows. */
void add_unknown(expander *x, loc at);

/* names.c */
/* `label` below the labels around it: free, and taken from now on. */
const char *join_path(expander *x, const char *label);
/* Both names of a layer; `given`: by its label, or NULL. */
void name_node(expander *x, node *n, const char *prefix, const char *given);

/* share.c */
/* For a layer that was just made, before its settings: where its weights are. */
void share_weights(expander *x, node *n);
/* After its shape: do they fit? */
bool check_shared(expander *x, const node *n);
/* Takes `weights=@label` out of the arguments, unless a setting is called so: for the layer that is
   made next, or, of a block, into the call. False after an error. */
bool take_tie(expander *x, call *c, int *n, arg **args);

/* arguments.c */
value *resolve(expander *x, value *v);
/* True unless a statement of one value has more arguments; then the error is told at the second,
   before which a `;` may be missing. */
bool at_most_one(expander *x, const char *word, int n, const arg *args);
void op_slots(expander *x, const opdef *op, call *c);
bool bind_arguments(expander *x, call *c, int n, arg *args);
/* The arguments at the front that are branches {..} or labels @a. */
int count_branches(int n, const arg *args);
int count_values(const expander *x, int n, const arg *args);
bool slots_to_settings(expander *x, const call *c, const opdef *op, const xenv *dims, setting *out);
bool value_number(expander *x, const value *v, double *out);
const char *did_you_mean(expander *x, const char *word, const char *const *words, int n);

/* shape.c */
/* A setting's names: "k", and of a pair "k.h" and "k.w". */
void env_add_setting(xenv *env, const opsetting *s, const setting *v);
bool shape_node(expander *x, node *n);
/* As it is written in files: 3x32x32. */
const char *shape_text(arena *a, const shape *s, bool is_int);
const char *node_shape_text(arena *a, const node *n);
const char *port_text(arena *a, const port *p);
void note_shapes(expander *x, const node *n);
void check_output(expander *x);
/* Has a symbol that inputs a and b both use one size? */
bool sizes_agree(const opdef *op, const shape *as, int a, int b);

/* normalize.c: after read_train. */
void add_normalize(expander *x);

/* match.c: the form of an operator, written out, that takes these inputs, and how it sees them
   (`as`); NULL: none. `op` is the first of its name. Of several it is the one that needs as many
   `values` as are given. */
opdef *match_form(expander *x, opdef *op, int n, const shape *in, int values, shape *as);
/* How far a form is from needing so many values: less where it needs more. */
int values_off(const opdef *op, int values);
/* "x[N,L,C] or x[N,H,W,C]" */
const char *forms_text(expander *x, opdef *op);
int most_inputs(opdef *op);
int least_inputs(opdef *op);

/* traincfg.c */
void read_train(expander *x);
/* study.c */
void add_variants(expander *x);
void add_set_variants(expander *x, const char *study, const stmt *s);
const char *source_slice(expander *x, loc at);

/* opcheck.c: a user's operator must be sound before it is instantiated. */
bool check_operator(expander *x, opdef *op);
#endif
