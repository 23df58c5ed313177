#include "cli/flags.h"
#include "cli/run_reference.h"
#include "base/decimal.h"
#include "base/workers.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_LR = 1000, KEY_SPLIT, KEY_NO_SHUFFLE };

static const struct argp_option value_options[] = {
    {"epochs", 'e', "N", 0, "epochs to train, instead of the file's", 1},
    {"batch", 'b', "N", 0, "samples of one step", 1},
    {"lr", KEY_LR, "RATE", 0, "learning rate", 1},
    {"seed", 's', "N", 0, "seed of initial weights, split and order", 1},
    {"split", KEY_SPLIT, "A/B", 0, "samples to train on / to validate with, or a fraction", 1},
    {"data", 'd', "PATH", 0, "data set", 1},
    {"no-shuffle", KEY_NO_SHUFFLE, 0, 0,
     "keep the order of the data set: in the split, and in every epoch", 2},
    {0}};

static const struct argp_option work_options[] = {
    {"threads", 't', "N", 0, "threads (default: every CPU; the results are the same)", 2},
    {"weights", 'w', "FILE", 0,
     "start from these weights (safetensors), as far as they fit the network", 2},
    {"force", 'f', 0, 0, "replace what the output directory holds", 3},
    {"json", 'j', 0, 0, "print one JSON object instead of tables", 3},
    {0}};

/* A split as the language writes it: A/B, A/B/C, or a fraction. */
static void check_split(struct argp_state *state, const char *text) {
  const char *end;
  decimal(text, &end);
  bool ok = end != text && *text >= '0' && *text <= '9';
  for (int part = 1; part < 3 && ok && *end == '/'; part++) {
    const char *next = end + 1;
    decimal(next, &end);
    ok = *next >= '0' && *next <= '9';
  }
  if (!ok || *end)
    argp_error(state, "--split takes counts as in 800/205 or a fraction as in 0.8, not `%s`", text);
}

static void override(struct argp_state *state, const char *word, const char *text) {
  train_flags *f = state->input;
  for (int i = 0; i < f->n_override; i++)
    if (!strcmp(f->word[i], word)) argp_error(state, "--%s is given twice", word);
  f->word[f->n_override] = word;
  f->text[f->n_override++] = text;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  train_flags *f = state->input;
  switch (key) {
  case 'e':
    option_whole(state, "--epochs", arg, 1, 1000000);
    override(state, "epochs", arg);
    break;
  case 'b':
    option_whole(state, "--batch", arg, 1, 65536);
    override(state, "batch", arg);
    break;
  case KEY_LR:
    option_real(state, "--lr", arg);
    override(state, "lr", arg);
    break;
  case 's':
    option_whole(state, "--seed", arg, 0, LONG_MAX >> 10);
    override(state, "seed", arg);
    break;
  case KEY_SPLIT:
    check_split(state, arg);
    override(state, "split", arg);
    break;
  case 'd': f->data = arg; break;
  case 't': f->threads = (int)option_whole(state, "--threads", arg, 1, 1024); break;
  case 'w': f->weights = weights_named(arg); break;
  case KEY_NO_SHUFFLE: f->shuffle = false; break;
  case 'j': f->json = true; break;
  case 'f': f->force = true; break;
  default: return ARGP_ERR_UNKNOWN;
  }
  return 0;
}

const struct argp value_flags_argp = {value_options, parse, 0, 0, 0, 0, 0};
const struct argp work_flags_argp = {work_options, parse, 0, 0, 0, 0, 0};

int available_threads(void) { return workers_processors(); }

void train_flags_init(train_flags *f) {
  *f = (train_flags){.threads = available_threads(), .shuffle = true};
}
