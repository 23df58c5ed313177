/* Trains a network with the training step of trainer.o, and no other library:
     netc build --train --batch=10 -o trainer.o ../../models/emoji.net
     python3 flatten.py ../emoji/emoji.pkl emoji.bin
     cc train.c trainer.o -lm -o train && ./train emoji.bin
   Keeps every fifth image for validation. */
#include "trainer.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct {
  int32_t n, c, h, w;
  unsigned char *pixel;
  int32_t *label;
} images;

static _Alignas(64) unsigned char params[EMOJI_PARAMS_BYTES], state[EMOJI_STATE_BYTES + 64],
    infer_work[EMOJI_INFER_BYTES], train_work[EMOJI_TRAIN_BYTES];
static float x[EMOJI_BATCH * EMOJI_INPUT], y[EMOJI_BATCH * EMOJI_CLASSES];
static int32_t labels[EMOJI_BATCH];

static int read_images(const char *path, images *d) {
  FILE *f = fopen(path, "rb");
  if (!f || fread(d, 4, 4, f) != 4 || d->n < 1 || (int64_t)d->c * d->h * d->w != EMOJI_INPUT)
    return 0;
  size_t n = (size_t)d->n;
  d->pixel = malloc(n * EMOJI_INPUT);
  d->label = malloc(n * 4);
  int ok = d->pixel && d->label && fread(d->pixel, EMOJI_INPUT, n, f) == n &&
           fread(d->label, 4, n, f) == n;
  fclose(f);
  return ok;
}

static void fill(const images *d, const int *index) {
  for (int b = 0; b < EMOJI_BATCH; b++) {
    for (int i = 0; i < EMOJI_INPUT; i++)
      x[b * EMOJI_INPUT + i] = (float)d->pixel[(size_t)index[b] * EMOJI_INPUT + i] / 255;
    labels[b] = d->label[index[b]];
  }
}

static int right_answers(void) {
  int right = 0;
  for (int b = 0; b < EMOJI_BATCH; b++) {
    int best = 0;
    for (int k = 1; k < EMOJI_CLASSES; k++)
      if (y[b * EMOJI_CLASSES + k] > y[b * EMOJI_CLASSES + best]) best = k;
    right += best == labels[b];
  }
  return right;
}

static void shuffle(int *index, int n, uint32_t *random) {
  for (int i = n - 1; i > 0; i--) {
    *random = *random * 1664525u + 1013904223u;
    int k = (int)(((uint64_t)*random * (uint64_t)(i + 1)) >> 32), t = index[i];
    index[i] = index[k];
    index[k] = t;
  }
}

int main(int argc, char **argv) {
  images d;
  if (argc < 2 || !read_images(argv[1], &d)) {
    fprintf(stderr, "usage: train IMAGES.bin (written by flatten.py, %d values an image)\n",
            EMOJI_INPUT);
    return 1;
  }
  int epochs = argc > 2 ? atoi(argv[2]) : 16, n = 0, m = 0;
  int *train = malloc((size_t)d.n * sizeof *train), *check = malloc((size_t)d.n * sizeof *check);
  for (int i = 0; i < d.n; i++) *(i % 5 ? &train[n++] : &check[m++]) = i;
  uint32_t random = 1;
  uint64_t step = 0;
  emoji_init(params, 1);
  for (int epoch = 1; epoch <= epochs; epoch++) {
    double loss = 0;
    int steps = 0, right = 0, seen = 0;
    shuffle(train, n, &random);
    for (int i = 0; i + EMOJI_BATCH <= n; i += EMOJI_BATCH, steps++) {
      fill(&d, train + i);
      loss += emoji_train(params, state, x, labels, 0.07f, step++, train_work);
    }
    for (int i = 0; i + EMOJI_BATCH <= m; i += EMOJI_BATCH, seen += EMOJI_BATCH) {
      fill(&d, check + i);
      emoji_infer(params, x, y, infer_work);
      right += right_answers();
    }
    printf("epoch %2d  loss %.4f  validation accuracy %.4f\n", epoch, loss / steps,
           (double)right / seen);
  }
}
