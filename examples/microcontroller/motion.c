/* Learns on the device to tell three motions apart by what an accelerometer says, one reading after
   the other: a recurrent network, with its training step, in 64 KB of RAM. */
#include "motion.h"
#include "board.h"

enum { READINGS = 24, STEPS = 600, TESTS = 50 };
static _Alignas(64) unsigned char params[MOTION_PARAMS_BYTES], state[MOTION_STATE_BYTES + 64];
static _Alignas(
    64) unsigned char work[MOTION_TRAIN_BYTES > MOTION_INFER_BYTES ? MOTION_TRAIN_BYTES
                                                                   : MOTION_INFER_BYTES];
static float x[MOTION_BATCH * MOTION_X_COUNT], y[MOTION_BATCH * MOTION_LOGITS_COUNT];
static int32_t labels[MOTION_BATCH];
static uint32_t random_state = 1;

static int draw_number(int below) {
  random_state = random_state * 1664525u + 1013904223u;
  return (int)((random_state >> 16) % (uint32_t)below);
}

/* Back and forth between -1 and 1 in `period` readings. */
static float wave(int t, int period) {
  int at = t % period * 4;
  return (float)(at < period       ? at
                 : at < 3 * period ? 2 * period - at
                                   : at - 4 * period) /
         (float)period;
}

/* Shaken: one axis, quickly. Turned: two axes, one behind the other. Lifted: one axis, once. */
static float reading(int motion, int axis, int t) {
  switch (motion) {
  case 0: return axis == 0 ? wave(t, 5) : 0;
  case 1: return axis == 2 ? 0 : wave(t + 4 * axis, 16);
  default: return axis == 2 && t > 8 && t < 16 ? wave(t - 8, 8) : 0;
  }
}

static void draw_batch(void) {
  for (int b = 0; b < MOTION_BATCH; b++) {
    int motion = draw_number(3), late = draw_number(6);
    labels[b] = motion;
    for (int i = 0; i < MOTION_X_COUNT; i++) {
      float noise = (float)(draw_number(256) - 128) * (1.0f / 512);
      x[b * MOTION_X_COUNT + i] = reading(motion, i / READINGS, i % READINGS + late) + noise;
    }
  }
}

static int right_answers(void) {
  int right = 0;
  for (int b = 0; b < MOTION_BATCH; b++) {
    int best = 0;
    for (int k = 1; k < MOTION_LOGITS_COUNT; k++)
      if (y[b * MOTION_LOGITS_COUNT + k] > y[b * MOTION_LOGITS_COUNT + best]) best = k;
    right += best == labels[b];
  }
  return right;
}

int main(void) {
  uint32_t hash = 2166136261u;
  float loss = 0;
  int right = 0;
  motion_init(params, 1);
  for (int step = 0; step < STEPS; step++) {
    draw_batch();
    loss += motion_train(params, state, x, labels, 0.1f, (uint64_t)step, work);
    if (step % 100 != 99) continue;
    board_print("step ", (uint32_t)step + 1, "  mean loss, thousandths: ", (uint32_t)(loss * 10));
    loss = 0;
  }
  for (int i = 0; i < TESTS; i++) {
    draw_batch();
    motion_infer(params, x, y, work);
    right += right_answers();
  }
  for (int i = 0; i < MOTION_PARAMS_BYTES; i++) hash = (hash ^ params[i]) * 16777619u;
  board_print("new samples: ", TESTS * MOTION_BATCH, "  right: ", (uint32_t)right);
  board_print("hash of the weights: ", hash, "  bytes: ", MOTION_PARAMS_BYTES);
  return 0;
}
