#include "samples.h"
#include "hash.h"
#include "layout.h"
#include "lists.h"
#include "message.h"
#include "string_list.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void gather_begin(gatherer *g, const dataset_options *o) {
  *g = (gatherer){.o = o, .ds = allocate(sizeof *g->ds)};
  g->ds->path = copy_string(o->path, strlen(o->path));
}

void gather_abandon(gatherer *g) {
  dataset_close(g->ds);
  g->ds = NULL;
}

static void *regrow(const void *old, size_t bytes) {
  void *p = realloc((void *)old, bytes ? bytes : 1);
  if (!p) abort();
  return p;
}

/* ---- images ---- */

typedef enum { PIXELS_BYTES, PIXELS_INTEGERS, PIXELS_FLOATS, PIXELS_NONE } pixel_kind;

static pixel_kind pixels_of(const value_array *a, bool whole) {
  char k = a->type.kind;
  if (k == 'b' || (k == 'u' && a->type.size == 1)) return PIXELS_BYTES;
  if (whole) return PIXELS_INTEGERS; /* also lists of integers, which came as float64 */
  return k == 'f' && a->type.size <= 8 ? PIXELS_FLOATS : PIXELS_NONE;
}

static double pixel_value(const value_dtype *t, const uint8_t *at) {
  int64_t i;
  if (t->kind == 'f') return element_float(t, at);
  return element_int(t, at, &i) ? (double)i : INFINITY;
}

/* One sample to C, H, W order. False where an integer is no byte or a float is not finite. */
static bool copy_bytes(const value_array *a, const image_axes *x, pixel_kind kind,
                       const uint8_t *from, uint8_t *to) {
  for (int c = 0; c < x->c; c++)
    for (int i = 0; i < x->h; i++) {
      const uint8_t *row = from + c * x->step_c + i * x->step_h;
      for (int j = 0; j < x->w; j++, row += x->step_w) {
        double v = kind == PIXELS_BYTES ? *row : pixel_value(&a->type, row);
        if (!(v >= 0 && v <= 255)) return false;
        *to++ = (uint8_t)v;
      }
    }
  return true;
}

static bool copy_floats(const value_array *a, const image_axes *x, const uint8_t *from, float *to) {
  for (int c = 0; c < x->c; c++)
    for (int i = 0; i < x->h; i++) {
      const uint8_t *row = from + c * x->step_c + i * x->step_h;
      for (int j = 0; j < x->w; j++, row += x->step_w) {
        float v = (float)element_float(&a->type, row);
        if (!isfinite(v)) return false;
        *to++ = v;
      }
    }
  return true;
}

static char *copy_images(gatherer *g, const value_array *a, const image_axes *x, pixel_kind kind,
                         int64_t n) {
  dataset *ds = g->ds;
  size_t size = (size_t)x->c * (size_t)x->h * (size_t)x->w, have = (size_t)ds->n * size;
  bool floats = kind == PIXELS_FLOATS;
  if (floats) ds->floats = regrow(ds->floats, (have + (size_t)n * size) * sizeof(float));
  else ds->bytes = regrow(ds->bytes, have + (size_t)n * size);
  for (int64_t i = 0; i < n; i++) {
    size_t at = have + (size_t)i * size;
    const uint8_t *from = a->data + i * x->step_n;
    if (floats && !copy_floats(a, x, from, (float *)ds->floats + at))
      return message("image %lld holds a NaN or an infinity", (long long)(ds->n + i));
    if (!floats && !copy_bytes(a, x, kind, from, (uint8_t *)ds->bytes + at))
      return message("image %lld holds an integer outside 0 to 255; store uint8, or floats with "
                     "scale=",
                     (long long)(ds->n + i));
  }
  return NULL;
}

/* The first part sets the form of the data set; later ones must have the same. */
static char *agree_form(gatherer *g, const image_axes *x, pixel_kind kind, const value *v) {
  dataset *ds = g->ds;
  if (ds->n == 0) {
    ds->layout = x->layout;
    ds->c = x->c, ds->h = x->h, ds->w = x->w;
    ds->stored_type = value_type_name(v);
    g->is_bool = v->kind == VAL_ARRAY && v->array->type.kind == 'b';
    return NULL;
  }
  if (x->c == ds->c && x->h == ds->h && x->w == ds->w && !!ds->floats == (kind == PIXELS_FLOATS))
    return NULL;
  return message("images are not of the shape and type of those before");
}

static char *add_images(gatherer *g, value_heap *h, const value *v, int64_t *n) {
  value_array a;
  image_axes x;
  bool whole;
  char *wrong = value_to_array(h, v, &a, &whole);
  if (wrong) return free_and(wrong, message("images: the value %s", wrong));
  pixel_kind kind = pixels_of(&a, whole);
  if (kind == PIXELS_NONE) {
    char *what = value_type_name(v);
    return free_and(what, message("images are %s; netc takes uint8 and floats", what));
  }
  *n = a.n_dim ? a.shape[0] : 0;
  if (a.n_dim >= 1 && *n == 0) return message("there are no images");
  wrong = find_axes(&a, g->o, &x);
  if (!wrong) wrong = agree_form(g, &x, kind, v);
  return wrong ? wrong : copy_images(g, &a, &x, kind, *n);
}

/* ---- labels ---- */

static bool label_at(const value_array *a, int64_t i, int64_t *label) {
  const uint8_t *at = array_at(a, i);
  double d;
  if (a->type.kind != 'f') return element_int(&a->type, at, label);
  d = element_float(&a->type, at);
  *label = fabs(d) < 1e15 ? (int64_t)d : -1;
  return true;
}

static char *check_label_form(const value_array *a, bool whole, const value *v, int64_t n) {
  int long_axes = 0;
  for (int i = 0; i < a->n_dim; i++) long_axes += a->shape[i] != 1;
  if (long_axes > 1 && a->shape[0] == n)
    return message("labels are rows of values; netc takes one integer a sample (of one-hot rows, "
                   "numpy.argmax(labels, axis=1))");
  if (!whole) {
    char *what = value_type_name(v);
    return free_and(what, message("labels are %s; netc takes integers%s", what,
                                  v->kind == VAL_LIST ? ", and the list holds fractions" : ""));
  }
  if (a->n_dim == 0) return message("labels are a single number");
  if (a->count != n)
    return message("there are %lld images but %lld labels", (long long)n, (long long)a->count);
  return NULL;
}

static char *add_labels(gatherer *g, value_heap *h, const value *v, int64_t n) {
  dataset *ds = g->ds;
  value_array a;
  bool whole;
  char *wrong = value_to_array(h, v, &a, &whole);
  if (wrong) return free_and(wrong, message("labels: the value %s", wrong));
  wrong = check_label_form(&a, whole, v, n);
  if (wrong) return wrong;
  int32_t *labels = regrow(ds->labels, (size_t)(ds->n + n) * sizeof *labels);
  ds->labels = labels;
  for (int64_t i = 0; i < n; i++) {
    int64_t label;
    if (!label_at(&a, i, &label) || label < 0 || label > 1000000)
      return message("label %lld of sample %lld is %s; labels count from 0", (long long)label,
                     (long long)(ds->n + i), label < 0 ? "negative" : "too large");
    labels[ds->n + i] = (int32_t)label;
  }
  return NULL;
}

/* ---- names ---- */

static void add_filenames(gatherer *g, const value *v, int64_t n) {
  dataset *ds = g->ds;
  if (!v || count_strings(v) != n) {
    g->lost_filenames = true;
    return;
  }
  if (g->lost_filenames) return;
  ds->filenames = regrow(ds->filenames, (size_t)(ds->n + n) * sizeof *ds->filenames);
  for (int64_t i = 0; i < n; i++) ds->filenames[ds->n + i] = string_at(v, i);
}

static void forget_filenames(dataset *ds, int64_t n) {
  for (int64_t i = 0; ds->filenames && i < n; i++) free(ds->filenames[i]);
  free(ds->filenames);
  ds->filenames = NULL;
}

/* ---- the whole ---- */

char *gather_part(gatherer *g, value_heap *h, const data_part *p) {
  dataset *ds = g->ds;
  int64_t n = 0;
  char *wrong = add_images(g, h, p->images, &n);
  if (!wrong) wrong = add_labels(g, h, p->labels, n);
  if (wrong) return wrong;
  int64_t named = g->lost_filenames ? 0 : ds->n;
  add_filenames(g, p->filenames, n);
  if (g->lost_filenames) forget_filenames(ds, named);
  if (!ds->images_key) {
    ds->images_key = copy_string(p->images_key, strlen(p->images_key));
    ds->labels_key = copy_string(p->labels_key, strlen(p->labels_key));
  }
  ds->n += n;
  return NULL;
}

/* What bounds the labels, and the first sample beyond it. */
static char *check_classes(dataset *ds, const dataset_options *o, int64_t names) {
  int largest = 0;
  for (int64_t i = 0; i < ds->n; i++) {
    int label = ds->labels[i];
    if (o->classes > 0 && label >= o->classes)
      return message("label %d of sample %lld: the network has %d classes (0 to %d)", label,
                     (long long)i, o->classes, o->classes - 1);
    if (names >= 0 && label >= names)
      return message("label %d of sample %lld: the data set names %lld classes (0 to %lld)", label,
                     (long long)i, (long long)names, (long long)names - 1);
    if (label > largest) largest = label;
  }
  ds->classes = largest + 1;
  if (names > ds->classes) ds->classes = (int)names;
  if (o->classes > ds->classes) ds->classes = o->classes;
  return NULL;
}

static void take_names(dataset *ds, const value *v, int64_t names) {
  ds->label_names = allocate((size_t)ds->classes * sizeof *ds->label_names);
  for (int i = 0; i < ds->classes; i++)
    ds->label_names[i] = i < names ? string_at(v, i) : message("%d", i);
}

static void set_scale(dataset *ds, const dataset_options *o, bool is_bool) {
  ds->scale = o->scale != 0 ? o->scale : ds->floats || is_bool ? 1 : 1 / 255.0;
}

static uint64_t content_hash(const dataset *ds) {
  const int64_t form[] = {ds->n, ds->c, ds->h, ds->w, ds->floats != NULL};
  size_t pixels = (size_t)ds->n * (size_t)ds->c * (size_t)ds->h * (size_t)ds->w;
  uint64_t h = hash_bytes(0, form, sizeof form);
  h = ds->floats ? hash_bytes(h, ds->floats, pixels * sizeof *ds->floats)
                 : hash_bytes(h, ds->bytes, pixels);
  return hash_bytes(h, ds->labels, (size_t)ds->n * sizeof *ds->labels);
}

dataset *gather_end(gatherer *g, const value *label_names, char **error) {
  dataset *ds = g->ds;
  int64_t names = label_names ? count_strings(label_names) : -1;
  *error = names == 0 || names > 1000000 ? message("the list of class names is empty or too long")
                                         : check_classes(ds, g->o, names);
  if (*error) {
    gather_abandon(g);
    return NULL;
  }
  if (names >= 0) take_names(ds, label_names, names);
  set_scale(ds, g->o, g->is_bool);
  ds->held_from = ds->test_from = ds->n;
  ds->hash = content_hash(ds);
  return ds;
}
