#include "keys.h"
#include "message.h"
#include <stdlib.h>
#include <string.h>

/* Each list in order of preference; names are compared without regard to case. */
static const char *const image_names[] = {"data", "images", "image",    "x",
                                          "imgs", "pixels", "features", NULL};
static const char *const train_image_names[] = {"x_train",    "train_x",      "train_images",
                                                "train_data", "images_train", NULL};
static const char *const test_image_names[] = {"x_test",    "test_x",      "test_images",
                                               "test_data", "images_test", NULL};
static const char *const val_image_names[] = {"x_val",        "val_x", "x_valid",  "valid_x",
                                              "val_images",   "x_dev", "val_data", "images_val",
                                              "valid_images", NULL};
static const char *const val_label_names[] = {"y_val",        "val_y", "y_valid",     "valid_y",
                                              "val_labels",   "y_dev", "val_targets", "labels_val",
                                              "valid_labels", NULL};
static const char *const label_key_names[] = {"labels", "label",       "y", "targets",
                                              "target", "fine_labels", NULL};
static const char *const train_label_names[] = {"y_train",       "train_y",      "train_labels",
                                                "train_targets", "labels_train", NULL};
static const char *const test_label_names[] = {"y_test",       "test_y",      "test_labels",
                                               "test_targets", "labels_test", NULL};
static const char *const class_list_names[] = {"label_names",  "class_names", "fine_label_names",
                                               "target_names", "names",       "classes",
                                               "categories",   NULL};
static const char *const file_list_names[] = {"filenames", "files", "paths", NULL};

static bool key_is(const value *key, const char *name) {
  return is_string(key) && key->s->n == strlen(name) &&
         strncasecmp(key->s->p, name, key->s->n) == 0;
}

/* Arrays, or lists that may be made into arrays. */
static bool holds_numbers(const value *v) {
  if (v->kind == VAL_ARRAY)
    return v->array->built && v->array->type.kind != 'S' && v->array->type.kind != 'U' &&
           v->array->n_dim > 0;
  if (v->kind != VAL_LIST && v->kind != VAL_TUPLE) return false;
  return v->seq->n == 0 || !is_string(&v->seq->item[0]);
}

static bool holds_anything(const value *v) { return v != NULL; }

static bool holds_strings(const value *v) {
  if (v->kind == VAL_ARRAY)
    return v->array->built && v->array->n_dim == 1 && strchr("SUO", v->array->type.kind);
  return (v->kind == VAL_LIST || v->kind == VAL_TUPLE) && v->seq->n && is_string(&v->seq->item[0]);
}

typedef struct {
  const char *name;
  const value *v;
  int count; /* how many of the names are there */
} found;

/* Looks the names up; the last of equal keys counts, as in Python. */
static found look_up(const value *root, const char *const *names, bool (*fits)(const value *)) {
  found f = {0};
  for (; *names; names++)
    for (size_t i = root->seq->n; i >= 2; i -= 2) {
      const value *key = &root->seq->item[i - 2], *v = &root->seq->item[i - 1];
      if (!key_is(key, *names) || !fits(v)) continue;
      if (f.count++ == 0) f.name = *names, f.v = v;
      break;
    }
  return f;
}

/* The first characters of a key, fit to be shown. */
static char *shown_key(const value *key) {
  char *name = copy_string(key->s->p, key->s->n < 40 ? key->s->n : 40);
  for (char *p = name; *p; p++) *p = *p >= ' ' && *p < 127 ? *p : '?';
  return name;
}

void note_entries(dataset *ds, const value *root) {
  if (root->kind != VAL_DICT || ds->entry) return;
  size_t n = root->seq->n / 2 < 64 ? root->seq->n / 2 : 64;
  ds->entry = allocate(n * sizeof *ds->entry);
  for (size_t i = 0; i < n; i++) {
    const value *key = &root->seq->item[2 * i];
    if (!is_string(key)) continue;
    char *what = value_describe(key + 1);
    ds->entry[ds->n_entry++] = (data_entry){shown_key(key), what};
  }
}

/* "`data` (uint8 array 5x32x32x3), `labels` (list of 5)": at most a dozen keys. */
static char *list_keys(const value *root) {
  char *s = message("%s", "");
  size_t n = root->seq->n / 2, shown = 0;
  for (size_t i = 0; i < n && shown < 12; i++) {
    const value *key = &root->seq->item[2 * i];
    if (!is_string(key)) continue;
    char *what = value_describe(&root->seq->item[2 * i + 1]), *name = shown_key(key);
    s = free_and(s, message("%s%s`%s` (%s)", s, shown++ ? ", " : "", name, what));
    free(name);
    free(what);
  }
  if (shown < n) s = free_and(s, message("%s%s", s, shown ? " and others" : "no names"));
  return s;
}

static char *no_key(const value *root, const char *problem, const char *fix) {
  if (root->seq->n == 0) return message("the dictionary is empty");
  char *keys = list_keys(root);
  return free_and(keys, message("%s; it holds %s; %s", problem, keys, fix));
}

static char *ambiguous(const value *root, const char *what, const char *option) {
  char *problem = message("more than one key could hold the %s", what);
  char *fix = message("say %s=KEY", option);
  char *s = no_key(root, problem, fix);
  free(problem);
  return free_and(fix, s);
}

/* The one key of images (or labels), with the training and test pair kept apart. */
static char *pick(const value *root, const char *what, const char *option, const char *chosen,
                  const char *const *plain, const char *const *train, found *out, bool *is_train) {
  *is_train = false;
  if (chosen) {
    *out = (found){chosen, dict_find(root, chosen), 1};
    if (out->v) return NULL;
    char *problem = message("there is no key `%s` for the %s", chosen, what);
    return free_and(problem, no_key(root, problem, "name one of these"));
  }
  found a = look_up(root, plain, holds_numbers), b = look_up(root, train, holds_numbers);
  if (a.count + b.count > 1) return ambiguous(root, what, option);
  *is_train = b.count == 1;
  *out = b.count ? b : a;
  if (!out->v) /* the wrong kind of value under the right name: whoever reads it tells what it is */
    *out = look_up(root, plain, holds_anything);
  if (out->v) return NULL;
  char *problem = message("no key is known to hold the %s", what),
       *fix = message("say %s=KEY", option);
  char *s = no_key(root, problem, fix);
  free(problem);
  return free_and(fix, s);
}

static char *find_in_dict(const value *root, const dataset_options *o, data_keys *out) {
  found images, labels;
  bool train_images, train_labels;
  char *wrong = pick(root, "images", "images", o->images, image_names, train_image_names, &images,
                     &train_images);
  if (!wrong)
    wrong = pick(root, "labels", "labels", o->labels, label_key_names, train_label_names, &labels,
                 &train_labels);
  if (wrong) return wrong;
  found files = look_up(root, file_list_names, holds_strings);
  out->part[0] = (data_part){images.v, labels.v, files.v, images.name, labels.name};
  out->n = 1;
  out->label_names = find_label_names(root);
  if (!train_images || !train_labels) return NULL;
  found x = look_up(root, test_image_names, holds_numbers);
  found y = look_up(root, test_label_names, holds_numbers);
  const found val_x = look_up(root, val_image_names, holds_numbers),
              val_y = look_up(root, val_label_names, holds_numbers);
  if (x.v && y.v && val_y.v) out->left_out = val_x.name;
  if (!x.v && !y.v) x = val_x, y = val_y;
  if (x.count > 1 || y.count > 1) return ambiguous(root, "test set", "images=KEY labels");
  if (!x.v || !y.v) return NULL;
  out->part[1] = (data_part){x.v, y.v, NULL, x.name, y.name};
  out->n = 2;
  return NULL;
}

usual_keys usual_keys_of(const value *dict) {
  const found x = look_up(dict, image_names, holds_anything),
              y = look_up(dict, label_key_names, holds_anything);
  return (usual_keys){x.count == 1 ? x.name : NULL, y.count == 1 ? y.name : NULL};
}

const char *usual_name(const usual_keys *u, const value *key) {
  if (u->x && key_is(key, u->x)) return "x";
  return u->y && key_is(key, u->y) ? "y" : NULL;
}

const value *find_label_names(const value *root) {
  return root->kind == VAL_DICT ? look_up(root, class_list_names, holds_strings).v : NULL;
}

char *find_keys(const value *root, const dataset_options *o, data_keys *out) {
  *out = (data_keys){0};
  if (root->kind == VAL_DICT) return find_in_dict(root, o, out);
  bool pair = (root->kind == VAL_TUPLE || root->kind == VAL_LIST) && root->seq->n == 2;
  if (pair && holds_numbers(&root->seq->item[0]) && holds_numbers(&root->seq->item[1])) {
    const value *v = root->seq->item;
    out->part[0] = (data_part){&v[0], &v[1], NULL, "", ""};
    out->n = 1;
    return NULL;
  }
  char *what = value_describe(root);
  return free_and(what, message("it holds %s; a data set is a dictionary with images and labels, "
                                "as in pickle.dump({\"data\": images, \"labels\": labels}, f)",
                                what));
}
