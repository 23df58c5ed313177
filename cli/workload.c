#include "cli/workload.h"
#include "cli/data_fields.h"
#include "product/network.h"
#include "runtime/file.h"
#include "runtime/class_weights.h"
#include "runtime/message.h"
#include <stdlib.h>
#include <string.h>

static bool in_list(const overrides *o, const char *word) {
  for (int i = 0; i < o->n; i++)
    if (!strcmp(o->word[i], word)) return true;
  return false;
}

graph *load_network(const char *path, const train_flags *f, const overrides *extra) {
  const int n_extra = extra ? extra->n : 0;
  overrides o = {0};
  o.word = allocate((size_t)(n_extra + MAX_OVERRIDES) * sizeof *o.word);
  o.text = allocate((size_t)(n_extra + MAX_OVERRIDES) * sizeof *o.text);
  for (int i = 0; i < n_extra; i++, o.n++)
    o.word[o.n] = extra->word[i], o.text[o.n] = extra->text[i];
  for (int i = 0; f && i < f->n_override; i++)
    if (!in_list(&o, f->word[i])) o.word[o.n] = f->word[i], o.text[o.n++] = f->text[i];
  graph *g = graph_load(path, o.n ? &o : NULL);
  free(o.word);
  free(o.text);
  return g;
}

/* One error at a place of the file, printed at once. */
static bool complain(const graph *g, loc at, const char *help, char *text) {
  diag_error(g->d, at, help, "%s", text);
  diag_print(g->d, stderr);
  free(text);
  return false;
}

data_port *ports_of(const graph *g, int *n) {
  data_port *all = NEW_N(g->mem, data_port, g->n_input + g->n_target + 1);
  *n = 0;
  for (int i = 0; i < g->n_input + g->n_target; i++) {
    const port *p = i < g->n_input ? g->input[i] : g->target[i - g->n_input];
    data_port *d = &all[(*n)++];
    *d = (data_port){.name = p->name, .target = p->target, .is_int = p->is_int, .below = p->below};
    d->rank = shape_in_files(&p->shape, p->is_int, d->dim);
  }
  return all;
}

/* Ends opening with the reason; the path of the network's own is relative to its file. */
static bool no_data(const graph *g, const char *data_option, char *error) {
  if (data_option || !g->has_train) return complain(g, NOWHERE, NULL, error);
  diag_error(g->d, g->train.data_at, NULL, "%s", error);
  if (!file_exists(g->train.data)) diag_note_folder(g->d, g->train.data_at, g->train.data);
  diag_print(g->d, stderr);
  free(error);
  return false;
}

bool open_data(workload *w, const char *data_option) {
  const graph *g = w->g;
  const traincfg *t = &g->train;
  const char *path = data_option ? data_option : g->has_train ? t->data : NULL;
  if (!path)
    return complain(g, NOWHERE, "write `train { data \"f.pkl\"; }` or give --data",
                    message("`%s` names no data set", g->path));
  dataset_options o = {
      .path = path, .c = (int)g->c, .h = (int)g->h, .w = (int)g->w, .classes = (int)g->classes};
  if (g->has_train) {
    if (!data_option || (t->data && !strcmp(data_option, t->data)))
      o.val = t->data_val, o.test = t->data_test;
    o.images = t->images;
    o.labels = t->labels;
    o.layout = t->layout;
    o.fit = t->fit;
    o.scale = t->scale;
    o.csv = (csv_options){.n_target = t->n_data_target,
                          .n_drop = t->n_data_drop,
                          .target = t->data_target,
                          .drop = t->data_drop,
                          .series = t->data_series,
                          .horizon = (int64_t)t->data_horizon,
                          .missing_mean = t->data_missing_mean};
    o.bytes = t->data_bytes;
    o.mel = (int)t->data_mel;
  }
  o.port = ports_of(g, &o.n_port);
  char *error = NULL;
  w->ds = dataset_open(&o, &error);
  if (w->ds) print_notes(w->ds);
  return w->ds || no_data(g, data_option, error);
}

split_options split_of(const graph *g, bool shuffle) {
  const traincfg *t = &g->train;
  split_options o = {.seed = (uint64_t)t->seed.v[0], .shuffle = shuffle};
  if (!t->n_split || t->split_at.file < 0) return o; /* only the default */
  o.given = true;
  const splitval *v = &t->split[0];
  o.is_fraction = v->is_fraction;
  o.parts = v->parts;
  if (v->ordered) o.shuffle = false;
  memcpy(o.fraction, v->fraction, sizeof o.fraction);
  memcpy(o.count, v->count, sizeof o.count);
  return o;
}

static bool has_training(const graph *g) {
  if (g->has_train) return true;
  return complain(g, NOWHERE,
                  "write e.g. `train { data \"f.pkl\"; lr 0.05; batch 10; epochs 16; }`",
                  message("`%s` has no `train` part", g->path));
}

bool workload_open(workload *w, const char *path, const train_flags *f, const overrides *extra) {
  *w = (workload){.g = load_network(path, f, extra)};
  char *error = NULL;
  bool ok = w->g && has_training(w->g) && open_data(w, f->data);
  if (ok) {
    split_options o = split_of(w->g, f->shuffle);
    w->sp = split_make(w->ds, &o, &error);
    ok = w->sp || complain(w->g, w->g->train.split_at, NULL, error);
    if (ok) class_weights_measure(w->g, w->ds, w->sp->train, w->sp->n_train);
  }
  if (!ok) workload_close(w);
  return ok;
}

void workload_close(workload *w) {
  split_free(w->sp);
  dataset_close(w->ds);
  graph_free(w->g);
  *w = (workload){0};
}
