/* netc generate: text from a language model, one token after another. */
#include "base/internal.h"
#include "cli/command.h"
#include "base/philox.h"
#include "cli/flags.h"
#include "cli/inference.h"
#include "cli/run_reference.h"
#include "cli/workload.h"
#include "runtime/message.h"
#include "runtime/text_data.h"
#include "runtime/travel.h"
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  train_flags f;
  const char *file, *prompt;
  long tokens, top, slide, seed;
  double temperature;
} generate_command;

enum { KEY_PROMPT = 1, KEY_TOKENS, KEY_TEMPERATURE, KEY_TOP, KEY_SLIDE };

static const struct argp_option options[] = {
    {"weights", 'w', "FILE", 0,
     "the weights (safetensors), or the run that has them; needed, unless a run is named", 0},
    {"prompt", KEY_PROMPT, "TEXT", 0, "what the text begins with (default: a new line)", 0},
    {"tokens", KEY_TOKENS, "N", 0, "characters (or bytes) to add (default 500)", 0},
    {"temperature", KEY_TEMPERATURE, "T", 0,
     "1: as the network says (default); less: more of the likely; 0: always the likeliest", 0},
    {"top", KEY_TOP, "K", 0, "draw among the K likeliest only (default: all)", 0},
    {"slide", KEY_SLIDE, "N", 0,
     "tokens to forget at once when the window is full (default 1; see below)", 0},
    {"seed", 's', "N", 0, "seed of the draws (default 1)", 0},
    {"threads", 't', "N", 0, "threads (default: every CPU; the text is the same)", 0},
    {"json", 'j', 0, 0, "print one JSON object instead of the text", 0},
    {0}};

static const char doc[] =
    "Goes on with a text, by a network that tells the next token of every position."
    "\vWhat the network made of the text so far is kept, so that a token costs one position, as "
    "long as the text fits into the window (the network's input) and no position looks at later "
    "ones. In a full window all tokens move, and the whole of it is computed for every token; "
    "with --slide at half of the window that is seldom, and costs about as much again.\n\n"
    "The vocabulary travels with the weights. The same seed gives the same text. FILE.net may be "
    "the directory of a run.";

static error_t parse(int key, char *arg, struct argp_state *state) {
  generate_command *c = state->input;
  switch (key) {
  case 'w': c->f.weights = weights_named(arg); break;
  case KEY_PROMPT: c->prompt = arg; break;
  case KEY_TOKENS: c->tokens = option_whole(state, "--tokens", arg, 1, 100000000); break;
  case KEY_TOP: c->top = option_whole(state, "--top", arg, 1, 100000000); break;
  case KEY_SLIDE: c->slide = option_whole(state, "--slide", arg, 1, 100000000); break;
  case 's': c->seed = option_whole(state, "--seed", arg, 0, 2147483647); break;
  case 't': c->f.threads = (int)option_whole(state, "--threads", arg, 1, 1024); break;
  case 'j': c->f.json = true; break;
  case KEY_TEMPERATURE:
    c->temperature = option_real(state, "--temperature", arg);
    if (c->temperature < 0) argp_error(state, "--temperature takes a number from 0 on");
    break;
  case ARGP_KEY_END:
    if (!c->f.weights) c->f.weights = run_weights();
    if (!c->f.weights) argp_error(state, "--weights is needed (e.g. runs/NAME/best.safetensors)");
    break;
  default: return option_file(state, key, arg, &c->file);
  }
  return 0;
}

/* A model at work on one text. */
typedef struct {
  inference f;
  inference whole;    /* where f is one position after the other, and the window may be full */
  int64_t positions;  /* of f, one by one; or 0 */
  int64_t from, done; /* the first token in the window; positions of it that are computed */
  int64_t windows;    /* that were computed whole */
  char **vocabulary;  /* NULL: bytes */
  int64_t below, window, given;
  bool every; /* predicts at every position; else only what comes after the window */
  int32_t *token;
  int64_t n_token;
  double *weight; /* of every token, for one draw */
} writer;

/* ---- drawing ---- */

static double unit(uint64_t seed, uint64_t step) {
  const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  const uint32_t ctr[4] = {(uint32_t)step, (uint32_t)(step >> 32), 0x47454e45u, 0};
  uint32_t r[4];
  philox4x32_10(ctr, key, r);
  return ((double)r[0] + 0x1p-32 * r[1]) * 0x1p-32;
}

/* All but the k heaviest lose their weight; of equal ones the first stay. */
static void keep_top(double *weight, int64_t n, long k) {
  double *rest = allocate((size_t)n * sizeof *rest);
  memcpy(rest, weight, (size_t)n * sizeof *rest);
  memset(weight, 0, (size_t)n * sizeof *weight);
  for (long i = 0; i < k && i < n; i++) {
    int64_t best = 0;
    for (int64_t j = 1; j < n; j++)
      if (rest[j] > rest[best]) best = j;
    weight[best] = rest[best];
    rest[best] = -1;
  }
  free(rest);
}

static int64_t draw(const generate_command *c, writer *w, const float *y, int64_t apart,
                    uint64_t step) {
  int64_t best = 0;
  for (int64_t k = 1; k < w->below; k++)
    if (y[k * apart] > y[best * apart]) best = k;
  if (c->temperature == 0) return best;
  double sum = 0;
  for (int64_t k = 0; k < w->below; k++)
    w->weight[k] = exp(((double)y[k * apart] - y[best * apart]) / c->temperature);
  if (c->top) keep_top(w->weight, w->below, c->top);
  for (int64_t k = 0; k < w->below; k++) sum += w->weight[k];
  double at = unit((uint64_t)c->seed, step) * sum;
  for (int64_t k = 0; k < w->below; k++)
    if (w->weight[k] > 0 && (at -= w->weight[k]) < 0) return k;
  return best;
}

/* ---- one token ---- */

/* The last tokens: at the front of the window where every position is told (what follows does not
   matter), at its end where only the next one is. */
static int64_t fill_window(const writer *w, int32_t *x) {
  const int64_t have = w->n_token - w->from, at = w->every ? 0 : w->window - have;
  memset(x, 0, (size_t)w->window * sizeof *x);
  memcpy(x + at, w->token + w->from, (size_t)have * sizeof *x);
  return w->every ? have - 1 : 0;
}

static const float *run_window(writer *w, const inference *f) {
  const int64_t at = fill_window(w, f->b.port[0]);
  run_args a = {.params = f->params, .work = f->b.work, .port = f->b.port};
  program_run(f->b.p, &a);
  w->windows++;
  return (const float *)f->b.port[program_port_of(f->b.p, PORT_PREDICTION, 0)] + at;
}

/* What is new in the window. */
static const float *run_positions(writer *w) {
  const inference *f = &w->f;
  int32_t *x = f->b.port[0];
  run_args a = {.params = f->params, .work = f->b.work, .port = f->b.port};
  for (; w->done < w->n_token - w->from; w->done++) {
    x[w->done] = w->token[w->from + w->done];
    program_run_position(f->b.p, &a, w->done);
  }
  return (const float *)f->b.port[program_port_of(f->b.p, PORT_PREDICTION, 0)] + w->done - 1;
}

static void add_token(const generate_command *c, writer *w, uint64_t step) {
  if (w->n_token - w->from > w->window) {
    w->from = w->n_token - w->window + c->slide - 1;
    w->done = 0;
  }
  const float *y = w->whole.b.p && w->from ? run_window(w, &w->whole)
                   : w->positions          ? run_positions(w)
                                           : run_window(w, &w->f);
  w->token[w->n_token++] = (int32_t)draw(c, w, y, w->every ? w->window : 1, step);
}

/* ---- beginning and end ---- */

static const char *unfit(const graph *g, const inference *f) {
  const int at = program_port_of(f->b.p, PORT_PREDICTION, 0);
  if (g->n_input != 1 || !g->input[0]->is_int) return "it takes no tokens";
  const port_info *x = program_port(f->b.p, 0);
  const int64_t outputs = at < 0 ? 0 : program_port(f->b.p, at)->count;
  if (outputs != x->below && outputs != x->below * x->count)
    return "it does not tell the next token";
  return NULL;
}

static bool read_vocabulary(writer *w, const char *path, char **error) {
  safetensors *st = safetensors_read(path, error);
  if (!st) return false;
  int64_t n = 0;
  const bool bytes = safetensors_meta(st, "tokens") != NULL;
  w->vocabulary = travel_list(st, "vocabulary", &n);
  safetensors_free(st);
  if (w->vocabulary && n > w->below)
    *error = message("`%s` has %lld tokens, and the network takes %lld", path, (long long)n,
                     (long long)w->below);
  else if (!w->vocabulary && !bytes)
    *error = message("`%s` carries no vocabulary: it was not trained on a text", path);
  else if (w->vocabulary) w->below = n;
  return !*error;
}

/* A full window whose tokens move one by one is computed at once. */
static bool open_whole(writer *w, const generate_command *c, const graph *g, char **error) {
  const bool fills = w->given + c->tokens - 1 > w->window;
  if (c->slide > w->window)
    *error = message("--slide takes at most %lld here, the network's window", (long long)w->window);
  if (*error || !w->positions || !fills || c->slide > 1) return !*error;
  return inference_open(&w->whole, g, 1, false, c->f.threads, c->f.weights, error);
}

/* A window at once takes the time of about an eighth of its positions one by one (measured: a
   fourth to a fourteenth), so that after a long prompt a few tokens are had sooner that way. */
static bool positions_pay(const generate_command *c, const graph *g) {
  double window = 1;
  for (int d = 0; g->n_input && d < g->input[0]->shape.rank; d++)
    window *= (double)g->input[0]->shape.dim[d];
  return (double)c->tokens * window / 8 > (double)strlen(c->prompt);
}

static bool begin(writer *w, const generate_command *c, const graph *g, char **error) {
  program_options o = {.batch = 1, .threads = c->f.threads, .stepwise = positions_pay(c, g)};
  if (!inference_open_as(&w->f, g, &o, c->f.weights, error)) return false;
  const char *why = unfit(g, &w->f);
  if (why) *error = message("`%s` cannot go on with a text: %s", g->path, why);
  if (*error) return false;
  const port_info *x = program_port(w->f.b.p, 0);
  w->below = x->below;
  w->window = x->count;
  w->positions = program_positions(w->f.b.p);
  w->every =
      program_port(w->f.b.p, program_port_of(w->f.b.p, PORT_PREDICTION, 0))->count > x->below;
  if (!read_vocabulary(w, c->f.weights, error)) return false;
  int64_t bad, n;
  int32_t *prompt = text_encode(c->prompt, strlen(c->prompt), w->vocabulary, w->below, &n, &bad);
  if (bad >= 0)
    *error = message("byte %lld of the prompt is a character that the network does not know",
                     (long long)bad + 1);
  else if (!n) *error = message("the prompt is empty");
  w->token = allocate((size_t)(n + c->tokens) * sizeof *w->token);
  memcpy(w->token, prompt, (size_t)n * sizeof *prompt);
  w->n_token = w->given = n;
  w->weight = allocate((size_t)w->below * sizeof *w->weight);
  free(prompt);
  return !*error && open_whole(w, c, g, error);
}

static void finish(writer *w) {
  inference_close(&w->f);
  inference_close(&w->whole);
  travel_free(w->vocabulary, w->vocabulary ? w->below : 0);
  free(w->token);
  free(w->weight);
}

static void put_token(const writer *w, int32_t token, FILE *to) {
  if (w->vocabulary) fputs(w->vocabulary[token], to);
  else putc(token, to);
}

static void print_text(const generate_command *c, const writer *w) {
  char *text = NULL;
  size_t n;
  FILE *f = allocated(open_memstream(&text, &n));
  for (int64_t i = 0; i < w->n_token; i++) put_token(w, w->token[i], f);
  fclose(f);
  json_object *j = json_object_new_object();
  json_object_object_add(j, "prompt", json_object_new_string(c->prompt));
  json_object_object_add(j, "text", json_object_new_string(text));
  json_object_object_add(j, "tokens", json_object_new_int64(w->n_token - w->given));
  json_object_object_add(j, "windows", json_object_new_int64(w->windows));
  print_json(j);
  free(text);
}

static void write_text(const generate_command *c, writer *w) {
  for (int64_t i = 0; i < w->given && !c->f.json; i++) put_token(w, w->token[i], stdout);
  for (long i = 0; i < c->tokens && !ferror(stdout); i++) {
    add_token(c, w, (uint64_t)i);
    if (!c->f.json) put_token(w, w->token[w->n_token - 1], stdout);
    if (!c->f.json) fflush(stdout);
  }
  if (c->f.json) print_text(c, w);
  else putchar('\n');
}

const struct argp generate_argp = {options, parse, "FILE.net", doc, 0, 0, 0};

int command_generate(int argc, char **argv) {
  generate_command c = {.prompt = "\n", .tokens = 500, .temperature = 1, .slide = 1, .seed = 1};
  train_flags_init(&c.f);
  parse_command(&generate_argp, argc, argv, &c);
  graph *g = load_network(c.file, &c.f, NULL);
  if (!g) return EXIT_WRONG_INPUT;
  char *error = NULL;
  writer w = {0};
  if (begin(&w, &c, g, &error)) write_text(&c, &w);
  if (w.f.b.p) finish(&w);
  graph_free(g);
  return error ? report_failure(error) : EXIT_DONE;
}
