/* Tensors: what nests read and write. */
#ifndef NETC_TENSOR_H
#define NETC_TENSOR_H
#include <stdbool.h>
#include <stdint.h>

struct node;
struct opdecl;

enum { MAX_DIMS = 6 };

typedef enum {
  T_INPUT,  /* an input as the caller gives it: batch x C x H x W, or int32 */
  T_LABEL,  /* a target, likewise */
  T_PARAM,  /* trained */
  T_STATE,  /* an operator's state (running statistics): lives in the params block */
  T_OPT,    /* an optimizer's state: lives in the state block */
  T_HYPER,  /* [1]: the learning rate of this step */
  T_TEMP,   /* workspace */
  T_LOGITS, /* a prediction, in the caller's order: written for the caller, stays readable */
  T_LOSSES, /* [N] loss of each sample, written for the caller */
  T_METRIC  /* [N,..] sums of a metric for each sample, written for the caller */
} trole;

/* How elements are kept in memory; in nests they are numbers of the program's precision. */
typedef enum {
  F32,
  F64, /* floats of a program in double precision (`check`) */
  I32
} dtype;

typedef struct tensor {
  int id;
  const char *name; /* unique: "conv1.weight", "conv1", "d.conv1" */
  trole role;
  dtype dtype;
  int64_t below; /* if whole: all values are; 0: not known */
  int rank;
  int64_t dim[MAX_DIMS];
  struct tensor *grad_of;          /* for d.* tensors */
  const struct tensor *average_of; /* of a T_OPT: the parameter that it averages */
  struct tensor *view_of;          /* a part of that tensor's memory (block.c) ... */
  int64_t view_at;                 /* ... from this element on */
  const struct node *node;         /* the layer it belongs to, or NULL */
  const struct opdecl *decl;       /* T_PARAM, T_STATE, T_OPT: initial values and file order */
  /* Its name without labels: keys the draws of initial values, and stands in old weight files; or
     NULL: as its name. */
  const char *first_name;
  bool frozen; /* T_PARAM: not trained */
  double init; /* evaluated: the constant or the bound */
  int port;    /* T_INPUT, T_LABEL, T_LOGITS, T_LOSSES, T_METRIC: the index in nestprog.port */
  int apart;   /* elements along this dimension (not the first) are used together: keep them out of
                  the same cache sets */
  bool sliced; /* in a chain or loop: memory of one index of dimension 0, for each thread */
  /* filled in by plan: */
  int64_t pad_lo[MAX_DIMS], pad_hi[MAX_DIMS]; /* zero halo around the data, in elements */
  int64_t stride[MAX_DIMS];                   /* in elements */
  int block;                                  /* which memory block (plan.h) */
  int64_t offset;                             /* of element [0,..,0], in bytes */
  int64_t slice; /* if sliced: elements for one thread; stride[0] is 0 */
  bool laid_out; /* the strides are known (halo.c) */
} tensor;

/* The role in dumps. */
const char *role_word(trole role);
/* The tensor whose memory t is (a part of). */
tensor *tensor_base(tensor *t);
int64_t tensor_elements(const tensor *t);
/* Are the elements whole numbers? How many bytes does one take? */
bool is_whole(const tensor *t);
int element_bytes(const tensor *t);
#endif
