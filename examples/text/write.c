/* Trains a language model on the text that it reads, and writes on after a prompt. The network, its
   weights and its training step are in gpt.o; there is no other library.
     ./write STEPS "a prompt" < text */
#include "gpt.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = GPT_X_COUNT, LETTERS = GPT_X_BELOW, WRITTEN = 300, MOST = 1 << 20 };
static _Alignas(64) unsigned char params[GPT_PARAMS_BYTES], state[GPT_STATE_BYTES];
static _Alignas(64) unsigned char infer_work[GPT_INFER_BYTES], train_work[GPT_TRAIN_BYTES];
static int32_t x[GPT_BATCH * WINDOW], next[GPT_BATCH * WINDOW];
static float y[GPT_BATCH * LETTERS * WINDOW];
static unsigned char text[MOST];

static void draw_windows(size_t n) {
  for (int b = 0; b < GPT_BATCH; b++)
    for (size_t i = 0, from = (size_t)rand() % (n - WINDOW); i < WINDOW; i++) {
      x[b * WINDOW + i] = text[from + i];
      next[b * WINDOW + i] = text[from + i + 1];
    }
}

/* The likeliest byte after the last n ones; y holds every byte's logit for every position. */
static unsigned char next_byte(const unsigned char *end, int n) {
  int best = 0;
  for (int i = 0; i < n; i++) x[i] = end[i - n];
  gpt_infer(params, x, y, infer_work);
  for (int k = 1; k < LETTERS; k++)
    if (y[k * WINDOW + n - 1] > y[best * WINDOW + n - 1]) best = k;
  return (unsigned char)best;
}

int main(int argc, char **argv) {
  int steps = argc == 3 ? atoi(argv[1]) : -1;
  size_t n = fread(text, 1, MOST, stdin);
  if (steps < 0 || n <= WINDOW || !*argv[2])
    return fprintf(stderr, "write STEPS PROMPT <text\n"), 2;
  gpt_init(params, 0); /* the embedded weights */
  for (int step = 0; step < steps; step++) {
    draw_windows(n);
    float loss = gpt_train(params, state, x, next, 0.001f, (uint64_t)step, train_work);
    if (step % 50 == 0 || step == steps - 1) fprintf(stderr, "step %d: loss %.3f\n", step, loss);
  }
  static unsigned char out[MOST];
  size_t at = (size_t)snprintf((char *)out, MOST - WRITTEN, "%s", argv[2]);
  for (size_t end = at + WRITTEN; at < end; at++)
    out[at] = next_byte(out + at, at < WINDOW ? (int)at : WINDOW);
  printf("%s\n", (char *)out);
  return 0;
}
