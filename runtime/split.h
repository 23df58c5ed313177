/* Which samples are trained on, which validate, which are kept for a last test, and in which order
   an epoch visits them.
   Everything here depends on the seed, the epoch and the count alone: never on earlier draws. */
#ifndef NETC_SPLIT_H
#define NETC_SPLIT_H
#include "dataset.h"

typedef struct {
  bool given; /* false: the data set's own parts; where it has none, 20% of the samples validate */
  int parts;  /* for training, validation, test; 1: what is left validates */
  bool is_fraction; /* `split 0.8`, `split 0.8/0.1/0.1`: of the samples, rounded */
  double fraction[3];
  int64_t count[3]; /* `split 800/205`, `split 800/100/105` */
  uint64_t seed;
  bool shuffle; /* false: the first samples train, the next validate, as they are stored */
} split_options;

typedef struct {
  int64_t n_train, n_val, n_test;
  int64_t *train, *val, *test; /* sample indices */
  int64_t windows; /* of texts: training windows begin anywhere below; train holds those that
                      do not overlap. 0: samples are what train holds */
} split;

/* The data set's own test set takes no part in a split, nor does its own validation set unless a
   split is given. Texts and series are split in their order: their end validates, or is the test.
   NULL on failure, with *error one malloc'd sentence (say it at the place of `split` in the file):
   more samples asked for than there are, no sample left to train on or to validate with. */
split *split_make(const dataset *ds, const split_options *o, char **error);
void split_free(split *s);
/* The order of epoch `epoch` (from 0): order[0..n_train) gets the training indices, shuffled by
   (seed, epoch), or as they stand in the split where shuffle is false. */
void split_epoch_order(const split *s, uint64_t seed, uint64_t epoch, bool shuffle, int64_t *order);
/* `count` training samples drawn at random, with replacement: order[0..count). */
void split_epoch_draw(const split *s, uint64_t seed, uint64_t epoch, int64_t count, int64_t *order);
/* Fisher-Yates over v[0..n) with draws from Philox: key = seed, counter = (position, purpose,
   epoch). Same arguments, same permutation, on every machine. */
void shuffle_indices(int64_t *v, int64_t n, uint64_t seed, uint32_t purpose, uint64_t epoch);
#endif
