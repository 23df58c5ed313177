/* How one nest becomes machine code: chosen by sched.c, read by emit.c. Nothing here changes a bit
   of the result: tiles and loops run over output elements, and every reduction keeps its order. */
#ifndef NETC_SCHEDULE_H
#define NETC_SCHEDULE_H
#include "nest.h"

/* One line of target.def: what the scheduler knows about a machine. */
typedef struct {
  const char *name;
  const char *feature; /* in LLVM's feature string; "" matches any machine of the architecture */
  int lanes;           /* floats in a vector register */
  int registers;
  int l1, l2; /* data caches in KiB, per core */
  int body;   /* unroll a reduction until its body has about this many operations */
  bool fma;   /* false: fused multiply-adds round twice (a documented rule of that target) */
} target_info;

typedef struct schedule {
  int vec;    /* axis along vectors, or -1: scalar code. With lanes: the last reduce axis */
  int across; /* axis along which some reads run, while stores run along vec: blocks of a tile are
                 transposed in registers; or -1 */
  int fold;   /* with lanes: output axis whose tile is folded and stored as one vector, or -1 */
  bool ahead; /* while a tile is computed, memory is asked for what the next one along vec needs:
                 operands whose rows lie far apart, ... */
  bool results_ahead; /* ... and what the stores read */
  bool strip; /* the reduction loops stand outside of the loop along vec, sums wait in memory: what
                 is read once streams in whole rows */
  int64_t
      tile[MAX_AXES]; /* points of the axis inside one tile: unrolled, or in vectors along vec */
  int n_loop;
  int loop[MAX_AXES]; /* output axes that are loops, outermost first */
  int n_domain;       /* that many leading loops form the domain that threads share */
  int64_t domain;     /* tiles in the domain; a kernel runs tiles [begin, end) of it */
  int group;          /* nests of one group run without a barrier between them */
  bool serial;        /* one thread runs it */
  double cycles;      /* of a sum of products, as expected when its tile was chosen; or 0 */
  bool interleaved;   /* tile by tile in turn with the nest before, which reads the same slices */
} schedule;

/* Floats of a vector register in code for t, and the widest chunk not above `left`. */
int64_t vector_chunk(const target_info *t, int64_t left);
/* Do neighbours of the sum read x so far apart that no prefetcher follows? */
bool rows_far_apart(const nest *n, const access *x);
/* Is n a vector times a matrix beyond the caches, with output axis ax along the matrix' rows? */
bool streams_matrix(const nest *n, int ax, const target_info *t);
enum {
  TILE_VECTORS = 16, /* most vectors of a tile along vec: as long a row stays in registers */
  MOST_STRIP = 4096  /* sums that wait in the first-level cache */
};
/* The steps of one access along an axis, in elements. Valid once strides are set (halo.c). */
int64_t access_stride(const access *x, int ax);
#endif
