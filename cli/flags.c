#include "cli/flags.h"
#include "product/program.h"
#include <limits.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum {
  KEY_EPOCHS = 1000,
  KEY_BATCH,
  KEY_LR,
  KEY_SEED,
  KEY_SPLIT,
  KEY_DATA,
  KEY_THREADS,
  KEY_WEIGHTS,
  KEY_NO_SHUFFLE,
  KEY_DUMP,
  KEY_JSON,
  KEY_FORCE
};

static const struct argp_option options[] = {
    {"epochs", KEY_EPOCHS, "N", 0, "epochs to train, instead of the file's", 1},
    {"batch", KEY_BATCH, "N", 0, "samples of one step", 1},
    {"lr", KEY_LR, "RATE", 0, "learning rate", 1},
    {"seed", KEY_SEED, "N", 0, "seed of initial weights, split and order", 1},
    {"split", KEY_SPLIT, "A/B", 0, "samples to train on / to validate with, or a fraction", 1},
    {"data", KEY_DATA, "PATH", 0, "data set", 1},
    {"threads", KEY_THREADS, "N", 0, "threads (default: every CPU; the results are the same)", 2},
    {"weights", KEY_WEIGHTS, "FILE", 0, "start from these weights (safetensors)", 2},
    {"no-shuffle", KEY_NO_SHUFFLE, 0, 0,
     "keep the order of the data set: in the split, and in every epoch", 2},
    {"dump", KEY_DUMP, "STAGE", 0, "print a stage of the compilation of the training step, and end",
     2},
    {"force", KEY_FORCE, 0, 0, "replace what the output directory holds", 3},
    {"json", KEY_JSON, 0, 0, "print one JSON object instead of tables", 3},
    {0}};

/* A split as the language writes it: A/B, or a fraction. */
static void check_split(struct argp_state *state, const char *text) {
  char *end;
  strtod(text, &end);
  bool ok = end != text && *text >= '0' && *text <= '9';
  if (ok && *end == '/') {
    const char *second = end + 1;
    strtoul(second, &end, 10);
    ok = *second >= '0' && *second <= '9' && !*end;
  } else {
    ok = ok && !*end;
  }
  if (!ok)
    argp_error(state, "--split takes two counts as in 800/205 or a fraction as in 0.8, not `%s`",
               text);
}

static void check_stage(struct argp_state *state, const char *name) {
  if (pipeline_has_stage(name)) return;
  fprintf(stderr, "Stages of the compilation:\n");
  pipeline_list(stderr);
  argp_error(state, "--dump: there is no stage `%s`", name);
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
  case KEY_EPOCHS:
    option_whole(state, "--epochs", arg, 1, 1000000);
    override(state, "epochs", arg);
    break;
  case KEY_BATCH:
    option_whole(state, "--batch", arg, 1, 65536);
    override(state, "batch", arg);
    break;
  case KEY_LR:
    option_real(state, "--lr", arg);
    override(state, "lr", arg);
    break;
  case KEY_SEED:
    option_whole(state, "--seed", arg, 0, LONG_MAX >> 10);
    override(state, "seed", arg);
    break;
  case KEY_SPLIT:
    check_split(state, arg);
    override(state, "split", arg);
    break;
  case KEY_DATA: f->data = arg; break;
  case KEY_THREADS: f->threads = (int)option_whole(state, "--threads", arg, 1, 1024); break;
  case KEY_WEIGHTS: f->weights = arg; break;
  case KEY_NO_SHUFFLE: f->shuffle = false; break;
  case KEY_DUMP:
    check_stage(state, arg);
    f->dump = arg;
    break;
  case KEY_JSON: f->json = true; break;
  case KEY_FORCE: f->force = true; break;
  default: return ARGP_ERR_UNKNOWN;
  }
  return 0;
}

const struct argp train_flags_argp = {options, parse, 0, 0, 0, 0, 0};

int available_threads(void) { return omp_get_num_procs(); }

void train_flags_init(train_flags *f) {
  *f = (train_flags){.threads = available_threads(), .shuffle = true};
}
