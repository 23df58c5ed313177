/* netc import: an ONNX model as a network that a person can read, and its weights. */
#include "cli/command.h"
#include "cli/facts.h"
#include "cli/version.h"
#include "compiler/import/import.h"
#include "runtime/atomic_file.h"
#include "runtime/file.h"
#include "runtime/message.h"
#include "runtime/safetensors.h"
#include "runtime/torch_file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_OUTPUT_NAME = 1000, KEY_LOGITS, MAX_EXTERNAL = 16 };

typedef struct {
  const char *file, *out, *output;
  bool logits, force;
} import_command;

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "the network to write (default: the model's name and .net)", 1},
    {"result", KEY_OUTPUT_NAME, "NAME", 0, "the model's output to compute, if it has several", 1},
    {"logits", KEY_LOGITS, 0, 0, "leave out a softmax at the end: `cross_entropy` contains it", 1},
    {"force", 'f', 0, 0, "replace files that are there", 1},
    {0}};

static const char doc[] =
    "Reads an ONNX model (operator sets 6 and newer) and writes it as a network that can be read, "
    "changed and trained on."
    "\vThe weights stand beside the network, in a file of the same name that ends in .safetensors. "
    "What netc has no layer for is named, all of it, and then nothing is written.";

static error_t parse(int key, char *arg, struct argp_state *state) {
  import_command *c = state->input;
  switch (key) {
  case 'o': c->out = arg; break;
  case KEY_OUTPUT_NAME: c->output = arg; break;
  case KEY_LOGITS: c->logits = true; break;
  case 'f': c->force = true; break;
  default: return option_file(state, key, arg, &c->file);
  }
  return 0;
}

/* --- files that a model keeps beside itself --- */

typedef struct {
  const char *model;
  int n;
  char *location[MAX_EXTERNAL];
  uint8_t *bytes[MAX_EXTERNAL];
  size_t size[MAX_EXTERNAL];
} external_files;

static const uint8_t *read_external(void *self, const char *location, size_t *n, char **error) {
  external_files *x = self;
  for (int i = 0; i < x->n; i++)
    if (!strcmp(x->location[i], location)) {
      *n = x->size[i];
      return x->bytes[i];
    }
  if (x->n == MAX_EXTERNAL) {
    *error = message("the model lies in more than %d files", MAX_EXTERNAL);
    return NULL;
  }
  const char *slash = strrchr(x->model, '/');
  char *folder = copy_string(x->model, slash ? (size_t)(slash - x->model) : 0);
  char *path = slash ? path_join(folder, location) : copy_string(location, strlen(location));
  x->bytes[x->n] = file_read(path, n, error);
  free(folder), free(path);
  if (!x->bytes[x->n]) return NULL;
  x->location[x->n] = copy_string(location, strlen(location));
  x->size[x->n] = *n;
  return x->bytes[x->n++];
}

static void free_external(external_files *x) {
  for (int i = 0; i < x->n; i++) free(x->location[i]), free(x->bytes[i]);
}

/* --- what is written --- */

/* Of what the model says of its data, what netc knows and can read: for the metadata of weights. */
static st_meta *facts_for(const import_result *r, int *n) {
  safetensors said = {0};
  said.meta = allocate((size_t)(r->n_fact + 1) * sizeof *said.meta);
  for (int i = 0; i < r->n_fact; i++) {
    char *clean = clean_utf8(r->fact[i].value);
    if (!strcmp(clean, r->fact[i].value))
      said.meta[said.n_meta++] = (st_meta){r->fact[i].key, r->fact[i].value};
    free(clean);
  }
  data_facts known = facts_of(&said);
  for (int i = 0; i < known.n; i++)
    said.meta[i] = (st_meta){known.fact[i].key, known.fact[i].value};
  *n = known.n;
  facts_free(&known);
  return said.meta;
}

static bool write_weights(const import_result *r, const char *path, char **error) {
  st_tensor *t = allocate((size_t)r->n_weight * sizeof *t);
  for (int i = 0; i < r->n_weight; i++) {
    const constant *k = r->weight[i].k;
    t[i] = (st_tensor){.name = r->weight[i].name, .type = k->f ? ST_F32 : ST_I64, .rank = k->rank};
    t[i].count = k->n;
    t[i].bytes = (size_t)k->n * (k->f ? sizeof(float) : sizeof(int64_t));
    t[i].data = k->f ? (const uint8_t *)k->f : (const uint8_t *)k->i;
    memcpy(t[i].shape, k->dim, sizeof t[i].shape);
  }
  int n_fact;
  st_meta *fact = facts_for(r, &n_fact);
  bool ok = safetensors_write(path, t, r->n_weight, fact, n_fact, error);
  free(t), free(fact);
  return ok;
}

/* "a/b.onnx" to "a/b" and the suffix. */
static char *beside(const char *path, const char *ending, const char *suffix) {
  size_t n = strlen(path), e = strlen(ending);
  if (n > e && !strcmp(path + n - e, ending)) n -= e;
  return message("%.*s%s", (int)n, path, suffix);
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static void tell(const import_result *r, const char *net, const char *weights) {
  int64_t n = 0;
  for (int i = 0; i < r->n_weight; i++) n += r->weight[i].k->f ? r->weight[i].k->n : 0;
  fprintf(stderr, "%s: the network\n", net);
  if (r->n_weight)
    fprintf(stderr, "%s: %lld numbers in %d tensors\n", weights, (long long)n, r->n_weight);
  if (r->ends_in_softmax)
    fprintf(stderr, "note: it ends in a softmax; to train it on with cross_entropy, which contains "
                    "one, import it with --logits\n");
}

static int write_files(const import_command *c, const import_result *r) {
  char *error = NULL;
  char *net =
      c->out ? copy_string(c->out, strlen(c->out)) : beside(last_part(c->file), ".onnx", ".net");
  char *weights = beside(net, ".net", ".safetensors");
  const char *taken = file_exists(net) ? net : file_exists(weights) ? weights : NULL;
  if (taken && !c->force) error = message("%s is there already; --force replaces it", taken);
  bool ok = !error && (!r->n_weight || write_weights(r, weights, &error)) &&
            atomic_write(net, r->text, strlen(r->text), &error);
  if (ok) tell(r, net, weights);
  free(net), free(weights);
  return ok ? EXIT_DONE : report_failure(error);
}

static int import_bytes(const import_command *c, const uint8_t *bytes, size_t n) {
  arena *a = arena_new();
  const char *error = NULL;
  external_files files = {.model = c->file};
  model_files reader = {read_external, &files};
  import_options o = {.output = c->output, .logits = c->logits};
  import_result r;
  o.title = arena_printf(a, "Imported from %s.", printable(a, last_part(c->file)));
  bool ok = import_model(a, bytes, n, &reader, &o, &r, &error);
  int status = ok ? write_files(c, &r) : report_failure(message("%s: %s", c->file, error));
  free_external(&files);
  arena_free(a);
  return status;
}

const struct argp import_argp = {options, parse, "FILE.onnx", doc, 0, 0, 0};

int command_import(int argc, char **argv) {
  import_command c = {0};
  parse_command(&import_argp, argc, argv, &c);
  char *error = NULL;
  size_t n = 0;
  uint8_t *bytes = file_read(c.file, &n, &error);
  if (!bytes) return report_failure(free_and(error, message("%s: %s", c.file, error)));
  int status = torch_file_begins(bytes, n)
                   ? report_failure(message(
                         "%s: these are PyTorch's weights, without a network; write a model "
                         "with torch.onnx.export and import that, or give them to a "
                         "network that fits: --weights %s",
                         c.file, c.file))
                   : import_bytes(&c, bytes, n);
  free(bytes);
  return status;
}
