/* What writes a random network: its text so far, and the shape that the next layer gets. */
#ifndef AUTHOR_H
#define AUTHOR_H
#include "random.h"
#include <stdio.h>

/* Dimensions without the batch: 1 a vector of c, 2 a sequence of w positions (h is 1), 3 an image.
 */
typedef struct {
  int c, h, w, rank;
} shape;

enum { MAX_LABELS = 6, MAX_OWN = 6 };

/* What a network must hold often enough for its faults to be found. */
#define CONSTRUCTS(X)                                                                              \
  X(ADDED_AFTER_READ, "a tensor added to after it was read")                                       \
  X(ADDED_IN_PART, "one added to in part")                                                         \
  X(ADDED_BY_SCATTER, "one added to by a scatter")                                                 \
  X(READ_IN_PARTS, "one read before all of it is written")                                         \
  X(MAXIMUM, "a maximum")                                                                          \
  X(RATIO, "a ratio of sums")                                                                      \
  X(STATE_WRITTEN, "a state read before and after it is written")                                  \
  X(PICKED, "rows by number")                                                                      \
  X(SCAN_SEVERAL, "a scan of several states")                                                      \
  X(SCAN_BACKWARDS, "a scan from the end")                                                         \
  X(SCAN_ADDS, "a scan that adds to what is complete")                                             \
  X(SCAN_PARTS, "a scan that writes in parts")                                                     \
  X(ANY_RANK, "an operator of any rank")                                                           \
  X(SHARED, "an operator's weights used twice")                                                    \
  X(FROZEN, "a frozen operator")                                                                   \
  X(SECOND_INPUT, "an operator of two inputs")                                                     \
  X(TWO_LOSSES, "two losses")                                                                      \
  X(OWN_METRIC, "a metric of its own")
#define WORD(name, text) name,
typedef enum { CONSTRUCTS(WORD) N_CONSTRUCTS } construct;
#undef WORD
extern const char *const construct_name[N_CONSTRUCTS];

/* An operator that the network's file defines. */
typedef struct {
  char name[16];
  shape in, out;
  shape second; /* rank 0: it takes one input */
  double work;
  bool weights;
} own_operator;

/* A result that later layers may read; below: whole numbers below it, 0: floats. */
typedef struct {
  char name[16];
  shape at;
  int below;
} label;

typedef struct {
  stream r;
  FILE *ports, *body, *operators, *train;
  shape at, input;    /* of the next layer, of the last input */
  int n_input, below; /* whole numbers below it go in: 0: floats */
  int batch, depth;   /* depth: of branches */
  double work, most;  /* multiply-adds of one sample so far, and how many are allowed */
  int n_label;
  label label[MAX_LABELS];
  int n_own, own_percent;
  own_operator own[MAX_OWN];
  bool tangled;   /* operators are */
  label whole;    /* whole numbers that operators may read; below 0: none */
  uint32_t found; /* a bit for each construct */
} author;

/* One of the sizes of a window. */
typedef struct {
  int k, s, p, d;
} window;

int window_size(window x, int n);
/* Windows that lie in the padding altogether are legal for convolutions. */
window random_window(author *a, int n);
/* A pool's, whose padding is at most half of it. */
window pool_window(author *a, int n);
void put_windows(author *a, window h, window w);
/* A divisor of both, at times. */
int random_groups(author *a, int c, int o);

void put(author *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
int elements(shape s);
bool same_shape(shape a, shape b);
/* Takes work from what is left, or refuses. */
bool afford(author *a, double work);
const char *activation(author *a);
/* Bare words after a layer. */
void put_words(author *a);
/* `n` random layers, each with `; ` behind it. */
void put_layers(author *a, int n);
/* A branch in braces, kept only if it comes out in a shape that the join can take (`want`, or any).
   Returns its text (malloc'd) or NULL. */
char *branch(author *a, shape from, int layers, const shape *want);
/* A layer that makes `to` of a->at, and `; `. False: none was found that may be paid. */
bool put_fitting(author *a, shape to);

/* A kind of layer, and how often it is written. Each function refuses by false, having written
   nothing; else a->at is what comes out. */
typedef struct {
  bool (*put)(author *a);
  int weight;
} maker;
extern const maker image_makers[], sequence_makers[], any_makers[], join_makers[]; /* NULL ends */
/* One of these, of those that take any shape, or a join. */
bool put_one_of(author *a, const maker *makers);

/* Inputs: one or several, joined into a->at. */
void put_inputs(author *a);
/* The last layers, the targets, and the losses in the training section. */
void put_targets(author *a, bool own);

/* A new operator of the file's own that takes a->at, and at times @second of another label. */
own_operator *write_operator(author *a, const shape *second);
/* `op err..`: a loss of a->at and of a class for each sample, or of floats of the same shape. */
void write_loss(author *a, const char *name, bool floats);
void write_optimizer(author *a, const char *name);
/* `op err..`: a metric of a->at and of floats of the same shape. */
void write_metric(author *a, const char *name);
/* An operator of a->at whose rank is left open. */
own_operator *write_any_rank(author *a);
/* A network of layers; of layers and operators of its own; of such operators alone, tangled. */
typedef enum { LAYERS, OWN, TANGLED, N_KINDS } network_kind;
/* The whole text of the network of this seed (malloc'd), and what it holds, a bit each. */
char *random_network(uint64_t seed, network_kind kind, uint32_t *found);
void put_tangled_network(author *a);
#endif
