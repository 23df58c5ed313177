/* Learns to tell four shapes apart, on the device: draws samples, trains on them, and tests itself
   on new ones. Every machine prints the same, to the last bit of every weight. */
#include "shapes.h"
#include "board.h"

enum { SIDE = 16, STEPS = 400, TESTS = 25 };
static _Alignas(64) unsigned char params[SHAPES_PARAMS_BYTES], state[SHAPES_STATE_BYTES + 64];
/* Training and inference never run at once: they share their work. */
static _Alignas(
    64) unsigned char work[SHAPES_TRAIN_BYTES > SHAPES_INFER_BYTES ? SHAPES_TRAIN_BYTES
                                                                   : SHAPES_INFER_BYTES];
static float x[SHAPES_BATCH * SHAPES_INPUT], y[SHAPES_BATCH * SHAPES_CLASSES];
static int32_t labels[SHAPES_BATCH];
static uint32_t random_state = 1;

static int draw_number(int below) {
  random_state = random_state * 1664525u + 1013904223u;
  return (int)((random_state >> 16) % (uint32_t)below);
}

/* Is the pixel at (i, j) from the centre part of the shape? */
static int inside(int shape, int i, int j, int r) {
  int d = i * i + j * j;
  switch (shape) {
  case 0: return i * i <= 2 && j * j <= r * r;                                     /* a bar */
  case 1: return (i * i <= 2 && j * j <= r * r) || (j * j <= 2 && i * i <= r * r); /* a cross */
  case 2: return d <= r * r && d >= (r - 2) * (r - 2);                             /* a ring */
  default: return d <= r * r;                                                      /* a blob */
  }
}

static void draw_sample(float *image, int shape) {
  int r = 4 + draw_number(3), ci = 6 + draw_number(4), cj = 6 + draw_number(4);
  for (int i = 0; i < SIDE; i++)
    for (int j = 0; j < SIDE; j++)
      image[i * SIDE + j] =
          (float)inside(shape, i - ci, j - cj, r) * 0.75f + (float)draw_number(256) * (1.0f / 1024);
}

static void draw_batch(void) {
  for (int b = 0; b < SHAPES_BATCH; b++) {
    labels[b] = draw_number(SHAPES_CLASSES);
    draw_sample(x + b * SHAPES_INPUT, labels[b]);
  }
}

static int right_answers(void) {
  int right = 0;
  for (int b = 0; b < SHAPES_BATCH; b++) {
    int best = 0;
    for (int k = 1; k < SHAPES_CLASSES; k++)
      if (y[b * SHAPES_CLASSES + k] > y[b * SHAPES_CLASSES + best]) best = k;
    right += best == labels[b];
  }
  return right;
}

static uint32_t hash_of_params(void) {
  uint32_t h = 2166136261u;
  for (int i = 0; i < SHAPES_PARAMS_BYTES; i++) h = (h ^ params[i]) * 16777619u;
  return h;
}

int main(void) {
  float loss = 0;
  int right = 0;
  shapes_init(params, 1);
  for (int step = 0; step < STEPS; step++) {
    draw_batch();
    loss += shapes_train(params, state, x, labels, 0.05f, (uint64_t)step, work);
    if (step % 50 != 49) continue;
    board_print("step ", (uint32_t)step + 1, "  mean loss, thousandths: ", (uint32_t)(loss * 20));
    loss = 0;
  }
  for (int i = 0; i < TESTS; i++) {
    draw_batch();
    shapes_infer(params, x, y, work);
    right += right_answers();
  }
  board_print("new samples: ", TESTS * SHAPES_BATCH, "  right: ", (uint32_t)right);
  board_print("hash of the weights: ", hash_of_params(), "  bytes: ", SHAPES_PARAMS_BYTES);
  return 0;
}
