/* What augmentation does to a sample. Every draw depends on seed, epoch and sample alone (Philox
   4x32-10 as a counter), never on the batch, the thread or the process that a sample is in. */
#ifndef NETC_AUGMENT_H
#define NETC_AUGMENT_H
#include <stdbool.h>
#include <stdint.h>

typedef struct {
  bool flip;     /* images are mirrored left to right with probability 1/2 */
  int shift;     /* moved by up to this many positions each way; what comes in is 0 */
  double crop;   /* a window of sides from this share to all of them becomes the whole; 0: no */
  double rotate; /* turned by up to so many degrees each way; 0: no */
  int cutout;    /* a square of so many positions becomes 0; 0: no */
  double noise;  /* standard deviation of what is added to the first input; 0: none */
  double mixup;  /* another sample is mixed in, its share from Beta(mixup, mixup); 0: no */
  uint64_t seed, epoch;
  const int64_t *train; /* where mixup takes the other sample from */
  int64_t n_train;
} augmentation;

/* Values of 4 bytes that lie as planes of h x w: an image, or a sequence with h 1. */
typedef struct {
  int planes, h, w; /* planes 0: nothing is moved */
  bool image;       /* may be mirrored and turned */
  bool whole;       /* classes, which are never interpolated */
} augment_form;

/* Is there anything to do? */
bool augments(const augmentation *a);
/* Moves the values: flip, crop, rotate, shift. The same for all ports of a sample. copy: room for
   as many values. */
void augment_place(const augmentation *a, int64_t sample, const augment_form *f, float *v,
                   float *copy);
void augment_cutout(const augmentation *a, int64_t sample, const augment_form *f, float *v);
/* Adds numbers of mean 0 and standard deviation a->noise: each the sum of four that are uniform. */
void augment_noise(const augmentation *a, int64_t sample, int64_t n, float *v);
typedef struct {
  int64_t sample; /* the other one */
  double share;   /* of the sample itself; the rest is the other's */
  bool own;       /* true with that probability: whose classes they are */
} augment_mix;
augment_mix augment_partner(const augmentation *a, int64_t sample);
#endif
