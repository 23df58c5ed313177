/* netc export: a trained network as an ONNX model. */
#include "cli/command.h"
#include "cli/facts.h"
#include "cli/inference.h"
#include "cli/run_reference.h"
#include "cli/version.h"
#include "product/network.h"
#include "product/onnx.h"
#include "runtime/atomic_file.h"
#include "runtime/message.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct {
  const char *file, *weights, *out;
  int batch; /* 0: open */
} export_command;

static const struct argp_option options[] = {
    {"weights", 'w', "FILE", 0, "the weights (safetensors), or the run that has them; needed", 1},
    {"output", 'o', "FILE", 0, "what to write (default: the network's name and .onnx)", 1},
    {"batch", 'b', "N", 0, "fix the samples of one call (default: any number)", 1},
    {0}};

static const char doc[] =
    "Writes FILE.net with its weights as an ONNX model (opset 17)."
    "\vIts input is `x` [batch, channels, height, width], scaled as in training; its output "
    "`logits` [batch, classes]. Weights keep the names and layouts of weight files; names of "
    "classes, scale and vocabulary stand in its metadata_props.";

static error_t parse(int key, char *arg, struct argp_state *state) {
  export_command *c = state->input;
  switch (key) {
  case 'w': c->weights = weights_named(arg); break;
  case 'o': c->out = arg; break;
  case 'b': c->batch = (int)option_whole(state, "--batch", arg, 1, 65536); break;
  case ARGP_KEY_END:
    if (!c->weights) argp_error(state, "--weights is needed (e.g. runs/NAME/best.safetensors)");
    break;
  default: return option_file(state, key, arg, &c->file);
  }
  return 0;
}

static int export_graph(const export_command *c, const graph *g) {
  char *error = NULL;
  size_t n = 0;
  inference f;
  safetensors *st;
  data_facts facts;
  if (!inference_open(&f, g, 1, false, 1, c->weights, &error)) return report_failure(error);
  if (!facts_read(c->weights, &st, &facts, &error)) {
    inference_close(&f);
    return report_failure(error);
  }
  const uint8_t *model = onnx_encode(g, f.b.p, f.params, c->batch, &facts, NETC_VERSION, &n);
  facts_free(&facts);
  safetensors_free(st);
  inference_close(&f);
  if (!model) return EXIT_WRONG_INPUT;
  char *path = c->out ? message("%s", c->out) : message("%s.onnx", g->name);
  bool ok = atomic_write(path, model, n, &error);
  free(path);
  return ok ? EXIT_DONE : report_failure(error);
}

const struct argp export_argp = {options, parse, "FILE.net", doc, 0, 0, 0};

int command_export(int argc, char **argv) {
  export_command c = {0};
  parse_command(&export_argp, argc, argv, &c);
  graph *g = graph_load(c.file, NULL);
  if (!g) return EXIT_WRONG_INPUT;
  int status = export_graph(&c, g);
  graph_free(g);
  return status;
}
