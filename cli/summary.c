/* netc summary: the layer table, as torchsummary prints it, and what running the network takes. */
#include "cli/progress.h"
#include "cli/terminal.h"
#include "cli/trace.h"
#include "cli/workload.h"
#include "product/program.h"
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  train_flags f;
  const char *file;
  bool wide;
} summary_command;

enum { KEY_WIDE = 1 };

static const struct argp_option options[] = {
    {"batch", 'b', "N", 0, "samples of a training step, instead of the file's", 0},
    {"json", 'j', 0, 0, "print one JSON object instead of the table", 0},
    {"wide", KEY_WIDE, 0, 0, "show multiply-adds and memory of each layer as well", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  summary_command *c = state->input;
  switch (key) {
  case 'b':
    option_whole(state, "--batch", arg, 1, 65536);
    c->f.word[0] = "batch", c->f.text[0] = arg, c->f.n_override = 1;
    break;
  case 'j': c->f.json = true; break;
  case KEY_WIDE: c->wide = true; break;
  default: return option_file(state, key, arg, &c->file);
  }
  return 0;
}

static const char doc[] =
    "Prints the layers of FILE.net with their output shapes and parameters, and the memory and "
    "arithmetic that the network takes."
    "\vMB are 2^20 bytes. Forward/backward pass size counts the outputs of the rows twice, as "
    "torchsummary does; the bytes below it are exactly what netc allocates. The memory of a layer "
    "is its parameters and the values that it makes of one sample, as 32-bit numbers.";

static bool is_one(const xexpr *x) { return x->kind == X_NUM && x->num == 1; }

/* PyTorch would hold this node's result as [N, features]: it comes from an operator that makes one
   value a feature out of a whole image (and is not named for two dimensions), or follows one. */
static bool is_vector(const node *n) {
  if (!n->op) return false;
  if (n->op->title && strstr(n->op->title, "2d")) return false;
  if (n->op->n_out_dim == 4 && is_one(n->op->out_dim[1]) && is_one(n->op->out_dim[2])) return true;
  return shape_elements(&n->shape) == n->shape.dim[n->shape.rank - 1] && n->n_in &&
         is_vector(n->in[0]);
}

/* A node's shape as PyTorch has it, without the batch. */
static int file_shape(const node *n, int64_t dim[MAX_RANK]) {
  int rank = shape_in_files(&n->shape, n->port && n->port->is_int, dim);
  return rank > 1 && is_vector(n) ? 1 : rank;
}

static const char *shape_text(char buf[80], const node *n) {
  int64_t dim[MAX_RANK];
  int rank = file_shape(n, dim), at = snprintf(buf, 80, "[-1");
  for (int i = 0; i < rank && at < 60; i++)
    at += snprintf(buf + at, (size_t)(80 - at), ", %lld", (long long)dim[i]);
  snprintf(buf + at, (size_t)(80 - at), "]");
  return buf;
}

/* The word in a node's row, or NULL: an operator without a title has a row where it has weights. */
static const char *row_type(const node *n, int64_t params) {
  if (!n->op) return NULL;
  return n->op->title || (!params && !n->owner) ? n->op->title : n->op->name;
}

/* What the commands' two forms of output share. */
typedef struct {
  int64_t params, frozen, infer_macs;
  double input_mb, pass_mb, params_mb;
  program_costs cost;
  int batch;
  int64_t *node_params, *node_macs; /* by node id; in the graph's arena */
} totals;

static totals add_up(const graph *g) {
  totals t = {.batch = g->has_train && g->train.batch.n ? (int)g->train.batch.v[0] : 1};
  t.cost = program_cost(g, t.batch, available_threads());
  t.node_params = NEW_N(g->mem, int64_t, g->n_node);
  t.node_macs = NEW_N(g->mem, int64_t, g->n_node);
  node_costs(g, t.node_params, t.node_macs);
  t.params = t.cost.params;
  t.infer_macs = t.cost.macs;
  int64_t outputs = 0;
  for (int i = 0; i < g->n_node; i++) {
    if (g->node[i]->frozen) t.frozen += t.node_params[i];
    if (row_type(g->node[i], t.node_params[i])) outputs += shape_elements(&g->node[i]->shape);
  }
  const double mb = 1048576;
  for (int i = 0; i < g->n_input; i++)
    t.input_mb += (double)shape_elements(&g->input[i]->shape) * 4 / mb;
  t.pass_mb = (double)outputs * 8 / mb;
  t.params_mb = (double)t.params * 4 / mb;
  return t;
}

/* torchsummary's table has 64 columns; a narrower terminal takes from the shapes. The wide one has
   two more columns. */
enum {
  TABLE_COLUMNS = 64,
  WIDE_COLUMNS = 86,
  SHAPE_COLUMNS = 25,
  LEAST_SHAPE = 17,
  LEAST_WIDE = WIDE_COLUMNS - SHAPE_COLUMNS + LEAST_SHAPE
};

static int shape_columns(bool wide) {
  const int room = terminal_columns(stdout), all = wide ? WIDE_COLUMNS : TABLE_COLUMNS;
  const int shape = SHAPE_COLUMNS - all + room;
  if (!room || room >= all) return SHAPE_COLUMNS;
  return shape > LEAST_SHAPE ? shape : LEAST_SHAPE;
}

static void print_rule(char c, bool wide) {
  const int all = wide ? WIDE_COLUMNS : TABLE_COLUMNS;
  for (int i = all - SHAPE_COLUMNS + shape_columns(wide); i > 0; i--) putchar(c);
  putchar('\n');
}

static int64_t memory_of(const node *n, const totals *t) {
  return 4 * (t->node_params[n->id] + shape_elements(&n->shape));
}

static void print_wide(const char *count, const node *n, const totals *t) {
  char macs[32], kb[32];
  printf(" %13s %14s %9s", count, with_commas(macs, t->node_macs[n->id]),
         with_commas(kb, (memory_of(n, t) + 1023) / 1024));
}

static void print_rows(const graph *g, const totals *t, bool wide) {
  const int columns = shape_columns(wide);
  int row = 0;
  for (int i = 0; i < g->n_node; i++) {
    const node *n = g->node[i];
    const char *type = row_type(n, t->node_params[i]);
    if (!type) continue;
    char name[80], shape[80], number[32];
    snprintf(name, sizeof name, "%.60s-%d", type, ++row);
    const char *count =
        n->owner && !t->node_params[i] ? "shared" : with_commas(number, t->node_params[i]);
    printf("%20s  %*s", name, columns, shape_text(shape, n));
    if (wide) print_wide(count, n, t);
    else printf(" %15s", count);
    puts(n->frozen && t->node_params[i] ? "*" : "");
  }
}

static void print_head(bool wide) {
  print_rule('-', wide);
  printf("%20s  %*s", "Layer (type)", shape_columns(wide), "Output Shape");
  if (wide) printf(" %13s %14s %9s\n", "Param #", "Mult-adds", "Mem (KB)");
  else printf(" %15s\n", "Param #");
  print_rule('=', wide);
}

static void print_bytes(const char *title, const char *what, size_t params, size_t rest) {
  char a[32], b[32], c[32];
  print_line(stdout, 2, "%s: %s bytes (%s of parameters, %s of %s)", title,
             with_commas(a, (int64_t)(params + rest)), with_commas(b, (int64_t)params),
             with_commas(c, (int64_t)rest), what);
}

static void print_needs(const graph *g, const totals *t) {
  char a[32];
  printf("MACs of one sample: %s\n", with_commas(a, t->infer_macs));
  print_bytes("Inference, batch 1", "workspace", t->cost.params_bytes, t->cost.infer_bytes);
  if (g->has_train) {
    char title[40];
    snprintf(title, sizeof title, "Training, batch %d", t->batch);
    print_bytes(title, "optimizer state and workspace", t->cost.params_bytes, t->cost.train_bytes);
  }
}

static void print_table(const graph *g, const totals *t, bool asked_wide) {
  char a[32];
  const int room = terminal_columns(stdout);
  const bool wide = asked_wide && (!room || room >= LEAST_WIDE);
  print_head(wide);
  print_rows(g, t, wide);
  print_rule('=', wide);
  printf("Total params: %s\n", with_commas(a, t->params));
  printf("Trainable params: %s\n", with_commas(a, t->params - t->frozen));
  printf("Non-trainable params: %s%s\n", with_commas(a, t->frozen), t->frozen ? " (*)" : "");
  print_rule('-', wide);
  printf("Input size (MB): %.2f\n", t->input_mb);
  printf("Forward/backward pass size (MB): %.2f\n", t->pass_mb);
  printf("Params size (MB): %.2f\n", t->params_mb);
  printf("Estimated Total Size (MB): %.2f\n", t->input_mb + t->pass_mb + t->params_mb);
  print_rule('-', wide);
  print_needs(g, t);
  if (asked_wide && !wide)
    print_line(stdout, 0, "Multiply-adds and memory of each layer take a terminal of %d columns.",
               LEAST_WIDE);
}

static json_object *json_rows(const graph *g, const totals *t) {
  json_object *rows = json_object_new_array();
  for (int i = 0; i < g->n_node; i++) {
    const node *n = g->node[i];
    const char *type = row_type(n, t->node_params[i]);
    if (!type) continue;
    json_object *row = json_object_new_object(), *shape = json_object_new_array();
    int64_t dims[MAX_RANK];
    for (int k = 0, rank = file_shape(n, dims); k < rank; k++)
      json_object_array_add(shape, json_object_new_int64(dims[k]));
    json_object_object_add(row, "name", json_object_new_string(n->name));
    json_object_object_add(row, "type", json_object_new_string(type));
    json_object_object_add(row, "output_shape", shape);
    json_object_object_add(row, "params", json_object_new_int64(t->node_params[i]));
    json_object_object_add(row, "macs", json_object_new_int64(t->node_macs[i]));
    json_object_object_add(row, "memory_bytes", json_object_new_int64(memory_of(n, t)));
    if (n->frozen) json_object_object_add(row, "frozen", json_object_new_boolean(true));
    if (n->owner)
      json_object_object_add(row, "shares_weights_of", json_object_new_string(n->owner->name));
    json_object_array_add(rows, row);
  }
  return rows;
}

static void add_whole(json_object *j, const char *key, int64_t v) {
  json_object_object_add(j, key, json_object_new_int64(v));
}

static void print_object(const graph *g, const totals *t) {
  json_object *j = json_object_new_object();
  json_object_object_add(j, "network", json_object_new_string(g->name));
  json_object_object_add(j, "layers", json_rows(g, t));
  add_whole(j, "params", t->params);
  add_whole(j, "macs", t->infer_macs);
  json_object_object_add(j, "input_mb", json_object_new_double(t->input_mb));
  json_object_object_add(j, "forward_backward_mb", json_object_new_double(t->pass_mb));
  json_object_object_add(j, "params_mb", json_object_new_double(t->params_mb));
  json_object_object_add(j, "total_mb",
                         json_object_new_double(t->input_mb + t->pass_mb + t->params_mb));
  add_whole(j, "batch", t->batch);
  add_whole(j, "params_bytes", (int64_t)t->cost.params_bytes);
  add_whole(j, "infer_bytes", (int64_t)t->cost.infer_bytes);
  if (g->has_train) add_whole(j, "train_bytes", (int64_t)t->cost.train_bytes);
  print_json(j);
}

static const struct argp_child children[] = {{&times_argp, 0, 0, 0}, {0}};
const struct argp summary_argp = {options, parse, "FILE.net", doc, children, 0, 0};

int command_summary(int argc, char **argv) {
  summary_command c = {0};
  train_flags_init(&c.f);
  parse_command(&summary_argp, argc, argv, &c);
  graph *g = load_network(c.file, &c.f, NULL);
  if (!g) return EXIT_WRONG_INPUT;
  totals t = add_up(g);
  if (c.f.json) print_object(g, &t);
  else print_table(g, &t, c.wide);
  graph_free(g);
  return EXIT_DONE;
}
