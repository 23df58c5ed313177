/* Runs an object built with --train --prefix=net on made-up samples, and prints a hash of every
   result: the lines are the same on every machine. */
#include "net.h"
#include "samples.h"
#include <stdio.h>

enum { STEPS = 25 };
#define BLOCK(name, bytes) static _Alignas(64) uint8_t name[(bytes) + 64]
BLOCK(params, NET_PARAMS_BYTES);
BLOCK(state, NET_STATE_BYTES);
BLOCK(infer_work, NET_INFER_BYTES);
BLOCK(train_work, NET_TRAIN_BYTES);
static float x[NET_BATCH * NET_INPUT], y[NET_BATCH * NET_CLASSES];
static int32_t labels[NET_BATCH];

static void show(const char *what, const void *data, int64_t n) {
  printf("%s %016llx\n", what, (unsigned long long)hash_bytes(data, n));
}

int main(void) {
  float losses[STEPS];
  net_init(params, 7);
  show("init", params, NET_PARAMS_BYTES);
  make_samples(x, NET_BATCH * NET_INPUT, labels, NET_BATCH, NET_CLASSES, 1);
  net_infer(params, x, y, infer_work);
  show("logits", y, sizeof y);
  for (int i = 0; i < STEPS; i++) {
    make_samples(x, NET_BATCH * NET_INPUT, labels, NET_BATCH, NET_CLASSES, 2 + (uint32_t)i);
    losses[i] = net_train(params, state, x, labels, 0.05f, (uint64_t)i, train_work);
  }
  show("losses", losses, sizeof losses);
  show("state", state, NET_STATE_BYTES);
  show("params", params, NET_PARAMS_BYTES);
  net_infer(params, x, y, infer_work);
  show("trained", y, sizeof y);
  return 0;
}
