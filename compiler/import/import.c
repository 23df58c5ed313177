/* From a model to a network: nodes, in their order, are folded, taken as views, or become layers;
   those that are none of these matter only if the result needs them. */
#include "import.h"
#include "layers.h"
#include "product/network.h"
#include <string.h>

enum { SHOWN = 40, SMALL_MODEL = 1 << 16 };

typedef struct {
  importer im;
  const import_options *o;
  const char *error;
  int n_wrong;
} importing;

static void add_reason(importing *x, const char *line) {
  x->error = x->error ? arena_printf(x->im.a, "%s\n%s", x->error, line) : line;
}

/* --- nodes --- */

static bool inputs_known(const onnx_node *n) {
  for (int i = 0; i < n->n_in; i++)
    if (n->in[i] && !n->in[i]->k && !n->in[i]->has_dims) return false;
  return true;
}

/* As a layer; false: what is in the way, n->reason says. Without its inputs it is not to blame. */
static bool take_layer(importer *im, onnx_node *n, bool known) {
  onnx_node *placed = known ? in_place(im, n) : NULL;
  if (!placed && !minds_order(n->type))
    for (int i = 0; i < n->n_in; i++)
      if (n->in[i]) settle(im, n->in[i]);
  onnx_node *normal = normal_node(im, placed ? placed : n);
  if (!normal) return true;
  n->reason = normal->reason;
  bool done = !n->reason && match_layer(im, normal);
  if (!n->reason && !done && known) n->reason = im->why ? im->why : "";
  normal->reason = n->reason;
  return done;
}

static void take_node(importing *x, onnx_node *n) {
  importer *im = &x->im;
  im->why = NULL;
  bool known = inputs_known(n);
  if (known && (fold_node(im, n) || view_node(im, n))) return;
  if (known && is_view_type(n->type)) n->reason = im->why ? im->why : "its shape is not known";
  if (is_view_type(n->type)) return;
  if (take_layer(im, n, known) || !known) return;
  /* It may still be a part of what a later node ends. */
  const char *reason = n->reason;
  onnx_node *maker = n->out[0]->maker, *all = spread_inputs(im, n);
  if (all && take_layer(im, all, true)) n->reason = NULL;
  else n->reason = reason, n->out[0]->maker = maker;
}

/* --- what the result needs and nothing gives --- */

static bool type_known(const importer *im, const char *type) {
  for (const opdef *op = im->ops; op; op = op->next)
    for (int i = 0; i < op->n_onnx; i++)
      if (!strcmp(op->onnx[i].type, type)) return true;
  return is_view_type(type) || is_folded_type(type) || is_rewritten_type(type);
}

static void tell(importing *x, const onnx_node *n) {
  arena *a = x->im.a;
  const char *name = printable(a, *n->name ? n->name : n->out[0]->name);
  const char *why = n->reason;
  if (!type_known(&x->im, n->type)) why = "netc has no such layer";
  if (!why) return; /* only because of what comes before it */
  if (x->n_wrong++ < SHOWN)
    add_reason(
        x, arena_printf(a, "  %s (%s)%s%s", printable(a, n->type), name, *why ? ": " : "", why));
}

static void tell_all(importing *x, value *output) {
  arena *a = x->im.a;
  value **pending = NULL;
  int n = 0;
  PUSH(a, pending, n, output);
  while (n) {
    value *v = pending[--n];
    onnx_node *from = v->maker;
    if (v->k || v->layer || !from || from->told) continue;
    from->told = true;
    tell(x, from);
    for (int i = 0; i < from->n_in; i++)
      if (from->in[i]) PUSH(a, pending, n, from->in[i]);
  }
  if (x->n_wrong > SHOWN) add_reason(x, arena_printf(a, "  and %d more", x->n_wrong - SHOWN));
  const char *list = x->error ? x->error : "  nothing leads from the input to it";
  x->error =
      arena_printf(a, "no network of netc computes `%s`:\n%s", printable(a, output->name), list);
}

/* --- the whole --- */

static value *chosen_output(importing *x) {
  model *m = x->im.m;
  const char *names = "";
  for (int i = 0; i < m->n_output; i++) {
    const char *name = printable(m->a, m->output[i]->name);
    if (x->o->output ? !strcmp(m->output[i]->name, x->o->output) : m->n_output == 1)
      return m->output[i];
    if (i < SHOWN) names = arena_printf(m->a, "%s%s`%s`", names, i ? ", " : "", name);
  }
  x->error =
      arena_printf(m->a, "the model has the outputs %s: choose one with --output=NAME", names);
  return NULL;
}

static bool take_inputs(importing *x) {
  model *m = x->im.m;
  for (int i = 0; i < m->n_input; i++) {
    value *v = m->input[i];
    if (!v->n_user) continue;
    if (layer_input(&x->im, v)) continue;
    x->error = arena_printf(m->a,
                            "input `%s` has no shape that netc takes: a batch, then sizes that "
                            "the model names",
                            printable(m->a, v->name));
    return false;
  }
  if (!m->n_input) x->error = "the model has no input";
  return m->n_input > 0;
}

static bool ends_in_softmax(const value *v) {
  return v->maker && v->layer->n_in == 1 && !strcmp(v->maker->type, "Softmax");
}

/* --- weights --- */

/* What a network starts with, where the model says nothing: counters, for example. */
static const constant *first_value(importing *x, const node *n, const opdecl *d) {
  int64_t dim[MODEL_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};
  double v = 0;
  xenv env;
  if (!node_env(n, 1, x->im.d, &env)) return NULL;
  if (d->file_int64) return constant_new(x->im.a, false, 0, NULL);
  for (int e = 0; e < d->n_file; e++)
    if (xexpr_eval(d->dim[d->file_dim[e]].extent, &env, x->im.d, &v))
      dim[d->file_group[e]] *= (int64_t)v;
  constant *k = constant_new(x->im.a, true, d->file_group[d->n_file - 1] + 1, dim);
  if (d->init == INIT_CONST) xexpr_eval(d->init_arg, &env, x->im.d, &v);
  for (int64_t i = 0; i < k->n; i++) k->f[i] = d->init == INIT_CONST ? (float)v : 0;
  return k;
}

static const constant *weight_of(importing *x, const layer *l, const opdecl *d) {
  double v = 1;
  xenv env;
  for (int i = 0; i < l->n_weight; i++)
    if (!strcmp(l->weight[i].name, d->name)) return l->weight[i].k;
  if (!node_env(l->n, 1, x->im.d, &env)) return NULL;
  if (d->when && (!xexpr_eval(d->when, &env, x->im.d, &v) || v == 0)) return NULL;
  return first_value(x, l->n, d);
}

/* Names as the network gives them: the n-th layer of its kind. */
static bool name_weights(importing *x, const graph *g, const layer_list *l, import_result *r) {
  arena *a = x->im.a;
  int at = 0;
  for (int i = 0; i < g->n_node; i++) {
    const node *n = g->node[i];
    if (!n->op || !n->op->n_decl) continue;
    if (at == l->n || strcmp(l->layer[at]->n->op->name, n->op->name)) return false;
    for (int k = 0; k < n->op->n_decl; k++) {
      const opdecl *d = &n->op->decl[k];
      import_weight w = {arena_printf(a, "%s.%s", n->name, d->name), weight_of(x, l->layer[at], d)};
      if (w.k) PUSH(a, r->weight, r->n_weight, w);
    }
    at++;
  }
  return at == l->n;
}

/* The text must say what was meant: it is read again as any network file is. */
static bool write(importing *x, layer *output, import_result *r) {
  layer_list weights = {0};
  r->text = write_network(&x->im, output, x->o->title, &weights);
  graph *g = r->text ? graph_load_text("imported.net", r->text, strlen(r->text), NULL) : NULL;
  bool ok =
      g && shape_equal(&g->output->shape, &output->n->shape) && name_weights(x, g, &weights, r);
  if (g) graph_free(g);
  if (!ok) x->error = "the model makes no network that netc reads back";
  return ok;
}

/* --- the whole --- */

/* With so many leading dimensions as the batch. */
static layer *try_lead(importing *x, int n_lead, import_result *r) {
  x->im.n_lead = n_lead;
  x->im.ops = ops_library(x->im.a, x->im.d);
  value *output = chosen_output(x);
  if (!output || !take_inputs(x)) return NULL;
  for (int i = 0; i < x->im.m->n_node; i++) take_node(x, x->im.m->node[i]);
  if (!settle(&x->im, output) || !output->layer) tell_all(x, output);
  if (x->error) return NULL;
  r->ends_in_softmax = ends_in_softmax(output);
  r->n_fact = x->im.m->n_fact, r->fact = x->im.m->fact;
  return x->o->logits && r->ends_in_softmax ? output->layer->in[0] : output->layer;
}

/* A model's first dimension counts the samples; small ones are tried in other ways if that fails.
 */
bool import_model(arena *a, const uint8_t *bytes, size_t n, const model_files *files,
                  const import_options *o, import_result *r, const char **error) {
  static const int leads[] = {1, 0, 2, 3, 4};
  layer *last = NULL;
  *error = NULL;
  for (int i = 0; i < 5 && !last && (i == 0 || n < SMALL_MODEL); i++) {
    importing x = {.im = {.a = a, .d = diag_new(a)}, .o = o};
    *r = (import_result){0};
    x.im.m = model_read(a, bytes, n, files, &x.error);
    last = x.im.m ? try_lead(&x, leads[i], r) : NULL;
    if (last) *error = write(&x, last, r) ? NULL : x.error;
    else if (!*error) *error = x.error;
    if (!x.im.m) break;
  }
  return !*error;
}
