/* One operator applied to given tensors: its statements become nests. Used by lower (layers, the
   loss) and by grad (the optimizer, once a parameter). */
#ifndef NETC_INSTANTIATE_H
#define NETC_INSTANTIATE_H
#include "graph/graph.h"
#include "nest/nest.h"

typedef struct {
  nestprog *p;
  diag *d;
  const opdef *op;
  const node *node; /* the layer, or NULL */
  int n_set;
  const setting *set;
  int n_in;
  tensor *in[MAX_INPUTS];
  const char *prefix;       /* of the names of its tensors: "conv1", "conv1.weight" */
  const char *first_prefix; /* the same without labels, or NULL */
  int owned_from, owned_to; /* of a layer with another's weights: where those are among tensors */
  const char *result;       /* name of the result tensor; ignored by optimizers */
  trole result_role;        /* T_TEMP, T_LOGITS, T_LOSSES */
  bool train;
  int n_table; /* of a loss: the values of its one state, else ones */
  const double *table;
  /* out: */
  tensor *out;        /* the result; an optimizer's is in[0] */
  nest *first, *last; /* the nests, not yet part of the program */
} instance;

/* Creates the operator's parameters, states, locals and result in o->p and its nests in o. False:
   the operator is wrong; o->d has the errors, at the operator's own text, with a note that tells
   which layer uses it. */
bool instantiate(instance *o);

/* --- shared by instantiate.c, statement.c, written.c, operand.c and scan.c --- */

/* A name that stands for a tensor while one operator is instantiated. */
typedef struct {
  const char *name;
  tensor *t;
  bool given;      /* an input: read only */
  bool kept;       /* holds values from before: parameters and states */
  bool complete;   /* every element has been written */
  int64_t written; /* elements written so far */
  int n_part;
  struct written_part *part;
  int n_known; /* while a scan is tried as a loop: the parts that all of its statements write */
  struct written_part *known;
} binding;

enum { MAX_SCAN_STEPS = 4096, MAX_BINDINGS = 64 };

/* What the step of the scan around a statement is while that is lowered (scan.c). */
typedef enum {
  STEP_NUMBER, /* of one step after the other */
  STEP_SHAPES, /* the first axis of a loop, whose tensors are not known yet */
  STEP_AXIS    /* the first axis of a loop */
} step_form;

typedef struct {
  instance *o;
  arena *mem;
  exprs *ex;
  xenv env;
  int n_bound;
  binding bound[MAX_BINDINGS];
  int n_rand;
  const opstmt *scan; /* around the statements at hand: its name stands for the step; or NULL */
  int64_t steps;
  step_form step;
  /* of the statement at hand: */
  nest *n;
  const tensor *target; /* being written */
  bool nothing;         /* it reads what no step has written yet: no term contributes */
  access at;            /* where */
} instantiation;

binding *find_bound(instantiation *s, const char *name);
/* False after an error. */
bool bind_tensor(instantiation *s, const char *name, tensor *t, loc at);
void add_to_instance(instance *o, nest *n);
bool is_constant_name(const instantiation *s, const char *name);
int find_axis(const nest *n, const char *name);
/* A whole number from a constant expression. */
bool constant_value(instantiation *s, const xexpr *x, int64_t *out);
/* An index: whole constants times axes. */
bool lower_index(instantiation *s, const xexpr *x, affine *out);
/* The same, with all of its values within what integers hold. */
bool lower_bounded_index(instantiation *s, const xexpr *x, affine *out);
/* A scalar expression; NULL after an error. */
expr *lower_scalar(instantiation *s, const xexpr *x);
/* The access name[arg, ..] of a tensor with known shape. */
bool lower_access(instantiation *s, const xexpr *x, tensor *t, access *out);
/* Have all elements that the access reads been written by one earlier statement, or does it read
   none? What a step of a scan reads of the steps before it. */
bool reads_written(instantiation *s, const binding *b, const access *rd);
/* Is the scan around the statement at hand to be a loop? Its step is an axis then. */
bool in_loop(const instantiation *s);
/* Is the tensor of that name made by the scan around the statement at hand? */
bool written_in_scan(const instantiation *s, const char *name);
/* Does the statement at hand add to what an earlier one left there? False after an error in *ok. */
bool accumulates(instantiation *s, const opstmt *st, binding *b, bool *ok);
/* Does it skip elements between those that it writes? */
bool has_gaps(instantiation *s);
bool lower_statements(instantiation *s, const opstmt *st);
/* A scan: a loop, or its statements for each step in turn. */
bool lower_scan(instantiation *s, const opstmt *st);
/* Another name for a constant; false after an error. */
bool define_constant(instantiation *s, const char *name, double v);
/* Makes the constant that was defined last something else. */
void set_last_constant(instantiation *s, double v);
/* Does an axis of the statement, a tensor, lr or rand() occur in x? If not, it is a constant. */
bool is_constant(const instantiation *s, const xexpr *x);
#endif
