#include "weight_file.h"
#include "message.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COMPLAINTS = 12 };

/* Lines of one error message, cut off when there are many. */
typedef struct {
  char *text;
  int n;
} complaints;

static void complain(complaints *c, char *line) {
  if (c->n++ < MAX_COMPLAINTS) {
    char *longer = message("%s\n  %s", c->text ? c->text : "", line);
    free(c->text);
    c->text = longer;
  }
  free(line);
}

/* "[32, 3, 3, 3]" in buf. */
static const char *shape_text(char buf[160], int rank, const int64_t *shape) {
  int n = snprintf(buf, 160, "[");
  for (int i = 0; i < rank && n < 140; i++)
    n += snprintf(buf + n, 160 - (size_t)n, i ? ", %lld" : "%lld", (long long)shape[i]);
  snprintf(buf + n, 160 - (size_t)n, "]");
  return buf;
}

static bool same_shape(const param_info *p, const st_tensor *t) {
  if (p->is_int64) return t->count == 1;
  return p->rank == t->rank && !memcmp(p->shape, t->shape, sizeof(int64_t) * (size_t)p->rank);
}

static bool all_finite(const st_tensor *t) {
  float *v = allocate((size_t)t->count * sizeof *v);
  bool finite = safetensors_floats(t, v);
  for (int64_t i = 0; i < t->count && finite; i++) finite = isfinite(v[i]);
  free(v);
  return finite;
}

/* By its name, or by that which it had before labels named layers. */
static const st_tensor *find_tensor(const safetensors *st, const param_info *p) {
  const st_tensor *t = safetensors_find(st, p->name);
  return t || !p->first_name ? t : safetensors_find(st, p->first_name);
}

static void check_tensor(complaints *c, const param_info *p, const safetensors *st) {
  const st_tensor *t = find_tensor(st, p);
  char want[160], have[160];
  if (!t) complain(c, message("`%s` %s is missing", p->name, shape_text(want, p->rank, p->shape)));
  else if (!same_shape(p, t))
    complain(c, message("`%s` has the shape %s; the network needs %s", p->name,
                        shape_text(have, t->rank, t->shape), shape_text(want, p->rank, p->shape)));
  else if (p->is_int64 ? t->type != ST_I64 : t->type == ST_I64 || t->type == ST_OTHER)
    complain(c, message("`%s` does not hold %s", p->name, p->is_int64 ? "an int64" : "floats"));
  else if (!p->is_int64 && !all_finite(t))
    complain(c, message("`%s` holds a NaN or an infinity", p->name));
}

static bool known(const program *p, const safetensors *st, const char *name, bool state) {
  for (int i = 0; i < program_n_params(p); i++) {
    const param_info *info = program_param(p, i);
    if (info->in_state && !state) continue;
    if (!strcmp(info->name, name)) return true;
    if (info->first_name && !strcmp(info->first_name, name) && !safetensors_find(st, info->name))
      return true;
  }
  return false;
}

/* Frameworks list a matrix that two layers share under both names. */
static bool again(const program *p, const safetensors *st, const st_tensor *t, bool state) {
  for (int i = 0; i < st->n; i++) {
    const st_tensor *o = &st->tensor[i];
    if (t->rank > 1 && o != t && o->type == t->type && o->bytes == t->bytes && o->rank == t->rank &&
        !memcmp(o->shape, t->shape, (size_t)t->rank * sizeof *t->shape) &&
        !memcmp(o->data, t->data, t->bytes) && known(p, st, o->name, state))
      return true;
  }
  return false;
}

static char *check_all(const program *p, const safetensors *st, bool extra, bool state) {
  complaints c = {0};
  for (int i = 0; i < program_n_params(p); i++)
    if (state || !program_param(p, i)->in_state) check_tensor(&c, program_param(p, i), st);
  for (int i = 0; !extra && i < st->n; i++)
    if (!known(p, st, st->tensor[i].name, state) && !again(p, st, &st->tensor[i], state))
      complain(&c, message("`%.100s` is no tensor of the network", st->tensor[i].name));
  if (c.n > MAX_COMPLAINTS) {
    char *longer = message("%s\n  and %d more", c.text, c.n - MAX_COMPLAINTS);
    free(c.text);
    c.text = longer;
  }
  return c.text;
}

static void import_tensor(const program *p, int i, const st_tensor *t, void *block) {
  void *file = allocate((size_t)t->count * 8);
  if (program_param(p, i)->is_int64) memcpy(file, t->data, 8);
  else safetensors_floats(t, file);
  program_import(p, i, block, file);
  free(file);
}

bool weights_import(const program *p, const safetensors *st, const char *shown, bool extra,
                    void *params, void *state, char **error) {
  char *wrong = check_all(p, st, extra, state != NULL);
  if (wrong) {
    *error = message("the weights in `%s` do not fit the network:%s", shown, wrong);
    free(wrong);
    return false;
  }
  for (int i = 0; i < program_n_params(p); i++) {
    const param_info *info = program_param(p, i);
    if (info->in_state && !state) continue;
    import_tensor(p, i, find_tensor(st, info), info->in_state ? state : params);
  }
  return true;
}

bool weights_load(const program *p, const char *path, void *params, char **error) {
  safetensors *st = safetensors_read(path, error);
  bool ok = st && weights_import(p, st, path, false, params, NULL, error);
  safetensors_free(st);
  return ok;
}

/* Those that are there with their names and shapes; returns how many of *all. */
static int import_fitting(const program *p, const safetensors *st, void *params, int *all,
                          char **error) {
  int n = 0;
  *all = 0;
  for (int i = 0; i < program_n_params(p) && !*error; i++) {
    const param_info *info = program_param(p, i);
    if (info->in_state) continue;
    const st_tensor *t = find_tensor(st, info);
    complaints c = {0};
    ++*all;
    check_tensor(&c, info, st);
    if (!c.n) import_tensor(p, i, t, params), n++;
    else if (t && same_shape(info, t)) *error = message("the weights cannot be used:%s", c.text);
    free(c.text);
  }
  return n;
}

bool weights_load_fitting(const program *p, const char *path, void *params, char **note,
                          char **error) {
  safetensors *st = safetensors_read(path, error);
  int all, n = st ? import_fitting(p, st, params, &all, error) : 0;
  char *wrong = st && !*error ? check_all(p, st, false, false) : NULL;
  if (wrong && !n) *error = message("none of the weights in `%s` fits the network:%s", path, wrong);
  else if (wrong && n < all)
    *note = message("%d of the network's %d weights come from `%s`, the others begin anew:%s", n,
                    all, path, wrong);
  else if (wrong)
    *note = message("`%s` holds more than the network's %d weights:%s", path, all, wrong);
  free(wrong);
  safetensors_free(st);
  return !*error;
}

static st_tensor export_tensor(const program *p, int i, const void *block) {
  const param_info *info = program_param(p, i);
  st_tensor t = {
      .name = info->name, .type = info->is_int64 ? ST_I64 : ST_F32, .count = info->count};
  t.rank = info->is_int64 ? 0 : info->rank;
  memcpy(t.shape, info->shape, sizeof(int64_t) * (size_t)t.rank);
  t.bytes = (size_t)info->count * (info->is_int64 ? 8 : 4);
  void *file = allocate(t.bytes);
  program_export(p, i, block, file);
  t.data = file;
  return t;
}

weight_copy weights_export(const program *p, const void *params, const void *state) {
  weight_copy w = {.tensor = allocate((size_t)program_n_params(p) * sizeof *w.tensor)};
  for (int i = 0; i < program_n_params(p); i++) {
    bool in_state = program_param(p, i)->in_state;
    if (in_state && !state) continue;
    w.tensor[w.n++] = export_tensor(p, i, in_state ? state : params);
    w.n_params += !in_state;
  }
  return w;
}

void weights_free(weight_copy *w) {
  for (int i = 0; i < w->n; i++) free((void *)w->tensor[i].data);
  free(w->tensor);
  *w = (weight_copy){0};
}

bool weights_write(const weight_copy *w, const char *path, bool with_state, const st_meta *meta,
                   int n_meta, char **error) {
  return safetensors_write(path, w->tensor, with_state ? w->n : w->n_params, meta, n_meta, error);
}

bool weights_save(const program *p, const char *path, const void *params, const void *state,
                  const st_meta *meta, int n_meta, char **error) {
  weight_copy w = weights_export(p, params, state);
  bool ok = weights_write(&w, path, true, meta, n_meta, error);
  weights_free(&w);
  return ok;
}

/* The largest absolute value, or NaN or infinity if there is one. */
static double magnitude(const st_tensor *t) {
  const float *v = (const float *)(const void *)t->data;
  double largest = 0;
  for (int64_t i = 0; i < t->count; i++) {
    if (!isfinite(v[i])) return v[i];
    largest = fmax(largest, fabs(v[i]));
  }
  return largest;
}

const char *weights_suspect(const program *p, const void *params, bool *finite, double *largest) {
  const char *layer = NULL;
  *finite = true;
  *largest = -1;
  for (int i = 0; i < program_n_params(p) && *finite; i++) {
    const param_info *info = program_param(p, i);
    if (info->in_state || info->is_int64) continue;
    st_tensor t = export_tensor(p, i, params);
    double m = magnitude(&t);
    free((void *)t.data);
    if (isfinite(m) && m <= *largest) continue;
    *finite = isfinite(m);
    *largest = m;
    layer = info->layer;
  }
  return layer;
}
