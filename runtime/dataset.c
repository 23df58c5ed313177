#include "dataset.h"
#include "cifar.h"
#include "csv_columns.h"
#include "data_form.h"
#include "file.h"
#include "gzip.h"
#include "hash.h"
#include "held_parts.h"
#include "idx.h"
#include "keys.h"
#include "mask_data.h"
#include "message.h"
#include "named_fields.h"
#include "npz.h"
#include "pickle.h"
#include "picture_data.h"
#include "samples.h"
#include "series.h"
#include "saved_form.h"
#include "sound_data.h"
#include "csv_fields.h"
#include "text_cells.h"
#include "text_data.h"
#include "value_loops.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- labelled images, as they always were ---- */

static dataset *gather_root(const value *root, value_heap *h, const dataset_options *o,
                            char **error) {
  data_keys keys;
  *error = find_keys(root, o, &keys);
  if (*error) return NULL;
  gatherer g;
  gather_begin(&g, o);
  note_entries(g.ds, root);
  for (int i = 0; i < keys.n && !*error; i++) *error = gather_part(&g, h, &keys.part[i]);
  if (*error) {
    gather_abandon(&g);
    return NULL;
  }
  dataset *ds = gather_end(&g, keys.label_names, error);
  if (ds && keys.left_out) note_left_out(&ds->fields, keys.left_out, keys.part[1].images_key);
  if (ds && keys.n == 2) {
    const value *test = keys.part[1].labels;
    ds->held_from = ds->n - (test->kind == VAL_ARRAY ? test->array->count : (int64_t)test->seq->n);
  }
  return ds;
}

/* Are the ports those of a network that tells the classes of images? */
static bool takes_images(const dataset_options *o) {
  if (!o->n_port) return true;
  return o->n_port == 2 && !o->port[0].target && !o->port[0].is_int && o->port[0].rank == 3 &&
         o->port[1].target && o->port[1].is_int && !o->port[1].rank;
}

static void lend(data_field *f, field_type t, const void *data, int64_t count, double scale) {
  f->type = t;
  f->data = (void *)data;
  f->borrowed = true;
  f->count = count;
  f->scale = scale;
}

/* Images and labels as fields, which borrow them. */
static void add_image_fields(dataset *ds) {
  ds->fields.n = ds->n;
  ds->fields.held_from = ds->held_from;
  data_field *x = field_add(&ds->fields, *ds->images_key ? ds->images_key : "images");
  field_shape(x, 3, (int64_t[]){ds->c, ds->h, ds->w});
  lend(x, ds->floats ? FIELD_FLOATS : FIELD_BYTES,
       ds->floats ? (const void *)ds->floats : (const void *)ds->bytes, ds->n * x->size, ds->scale);
  x->stored = copy_string(ds->stored_type, strlen(ds->stored_type));
  data_field *y = field_add(&ds->fields, *ds->labels_key ? ds->labels_key : "labels");
  lend(y, FIELD_WHOLE, ds->labels, ds->n, 1);
  y->below = ds->classes;
  y->stored = message("whole numbers");
  ds->n_port = 2;
  ds->port_field = allocate(2 * sizeof *ds->port_field);
  ds->port_whole = allocate(2 * sizeof *ds->port_whole);
  ds->port_target = allocate(2 * sizeof *ds->port_target);
  ds->port_field[1] = 1;
  ds->port_whole[1] = ds->port_target[1] = true;
}

/* ---- any fields ---- */

static uint64_t fields_hash(const dataset *ds) {
  uint64_t h = hash_bytes(0, &ds->n, sizeof ds->n);
  for (int i = 0; i < ds->fields.n_field; i++) {
    const data_field *f = &ds->fields.field[i];
    h = hash_bytes(h, f->dim, (size_t)f->rank * sizeof *f->dim);
    h = hash_bytes(h, f->data, (size_t)f->count * (f->type == FIELD_BYTES ? 1 : 4));
  }
  return h;
}

/* Classes of the first target, where it is one class a sample, as labels. */
static void take_labels(dataset *ds, const dataset_options *o) {
  for (int i = 0; i < o->n_port; i++) {
    const data_port *p = &o->port[i];
    if (!p->target) continue;
    if (!p->is_int || p->rank || ds->fields.window) return;
    const data_field *f = dataset_field(ds, i);
    int32_t *labels = allocate((size_t)ds->n * sizeof *labels);
    memcpy(labels, f->data, (size_t)ds->n * sizeof *labels);
    ds->labels = labels;
    ds->classes = (int)f->below;
    ds->label_names = f->names ? allocate((size_t)f->below * sizeof *ds->label_names) : NULL;
    for (int k = 0; f->names && k < f->below; k++)
      ds->label_names[k] = copy_string(f->names[k], strlen(f->names[k]));
    return;
  }
}

static void take_size(dataset *ds, const data_port *p) {
  ds->c = (int)port_size(p), ds->h = ds->w = 1;
  if (p->rank == 3) ds->c = (int)p->dim[0], ds->h = (int)p->dim[1], ds->w = (int)p->dim[2];
}

/* Bytes of images and their classes are labelled images like any other. */
static void take_images(dataset *ds) {
  data_field *f = &ds->fields.field[ds->port_field[0]];
  if (!ds->labels || ds->port_whole[0] || f->type != FIELD_BYTES || f->rank != 3) return;
  ds->bytes = f->data;
  f->borrowed = true;
  ds->layout = LAYOUT_NCHW;
  ds->scale = f->scale;
  free(ds->stored_type);
  ds->stored_type = copy_string(f->stored, strlen(f->stored));
}

static char *match_all(dataset *ds, const dataset_options *o) {
  const match_options m = {o->images, o->labels, o->layout, o->scale};
  ds->n_port = o->n_port;
  ds->port_field = allocate((size_t)o->n_port * sizeof *ds->port_field);
  ds->port_whole = allocate((size_t)o->n_port * sizeof *ds->port_whole);
  ds->port_target = allocate((size_t)o->n_port * sizeof *ds->port_target);
  for (int i = 0; i < o->n_port; i++) {
    ds->port_whole[i] = o->port[i].is_int;
    ds->port_target[i] = o->port[i].target;
  }
  char *wrong = match_ports(&ds->fields, o->port, o->n_port, &m, ds->port_field);
  if (!wrong && o->n_port) {
    take_size(ds, &o->port[0]);
    take_labels(ds, o);
    take_images(ds);
  }
  return wrong;
}

/* Ports for a look at images without a network. */
static int image_ports(const field_set *s, data_port out[2]) {
  const data_field *x = field_find(s, "images"), *y = field_find(s, "labels");
  if (!x || !y || x->type != FIELD_BYTES || x->rank < 2 || x->rank > 3 || !y->below) return 0;
  out[0] = (data_port){.name = "images", .rank = 3, .dim = {1}};
  memcpy(out[0].dim + (3 - x->rank), x->dim, (size_t)x->rank * sizeof *x->dim);
  out[1] = (data_port){.name = "labels", .target = true, .is_int = true, .below = y->below};
  return 2;
}

/* A data set of these fields, which it takes over. */
static dataset *from_fields(field_set *s, const dataset_options *o, char **error) {
  dataset *ds = allocate(sizeof *ds);
  ds->path = copy_string(o->path, strlen(o->path));
  ds->fields = *s;
  ds->n = s->n;
  ds->held_from = s->held_from;
  ds->test_from = s->test_from ? s->test_from : s->n;
  ds->images_key = copy_string("", 0);
  ds->labels_key = copy_string("", 0);
  ds->stored_type = copy_string("fields", 6);
  *error = match_all(ds, o);
  if (!*error) {
    ds->hash = fields_hash(ds);
    return ds;
  }
  dataset_close(ds);
  return NULL;
}

/* ---- files ---- */

/* Images and classes where that is what the network takes and the file holds; else what its arrays
   are by name. The first error is the one to tell, unless the second knows the arrays. */
static dataset *from_values(const value *root, value_heap *h, const dataset_options *o,
                            char **error) {
  dataset *ds = takes_images(o) ? gather_root(root, h, o, error) : NULL;
  if (ds && o->any && !o->n_port && ds->floats && ds->layout == LAYOUT_FLAT) {
    dataset_close(ds); /* rows of numbers: a table, unless somebody says that they are images */
    ds = NULL;
  }
  if (ds) add_image_fields(ds);
  if (ds || (!o->n_port && !o->any)) return ds;
  char *first = *error, *second;
  field_set s;
  *error = NULL;
  second = named_fields(h, root, &s);
  if (!second) ds = from_fields(&s, o, &second);
  *error = ds ? NULL
              : message("%s", first && !strstr(second, "help:") && !strstr(second, "NaN") ? first
                                                                                          : second);
  free(first);
  free(second);
  return ds;
}

static dataset *open_values(data_form form, const uint8_t *bytes, size_t n,
                            const dataset_options *o, char **error) {
  bool npz = form == FORM_NPZ, ok;
  value_heap *h = heap_new(npz ? npz_budget(n) : pickle_budget(n));
  value root;
  ok = npz ? npz_read(h, bytes, n, &root, error) : pickle_read(h, bytes, n, &root, error);
  if (ok) *error = name_parts(h, &root);
  dataset *ds = ok && !*error ? from_values(&root, h, o, error) : NULL;
  heap_free(h);
  return ds;
}

/* Positions of the first input: how long a window of text is. */
static int64_t window_of(const dataset_options *o) {
  return o->n_port && o->port[0].is_int ? port_size(&o->port[0]) : 0;
}

static bool ends_in(const char *path, const char *end) {
  size_t n = strlen(path), k = strlen(end);
  return n >= k && !strcasecmp(path + n - k, end);
}

/* A table, unless the network takes tokens and the file is not called a table. */
static bool is_table(const char *text, size_t n, const dataset_options *o) {
  static const char *const ends[] = {".csv", ".tsv", ".csv.gz", ".tsv.gz"};
  for (int i = 0; i < 4; i++)
    if (ends_in(o->path, ends[i])) return true;
  if (o->csv.n_target) return true;
  return !window_of(o) && !o->bytes && looks_like_csv(text, n < FORM_HEAD ? n : FORM_HEAD);
}

/* Where the parts of a data set in several files begin, of `all` samples (or tokens). */
static void set_held(field_set *s, const dataset_options *o, const int64_t begin[3], int64_t all) {
  s->test_from = o->test ? begin[o->val ? 2 : 1] : all;
  s->held_from = o->val ? begin[1] : s->test_from;
}

/* A row is a sample, or a window of rows is. */
static char *columns_for_ports(field_set *s, int n_input, const csv_part *part, int n_part,
                               const dataset_options *o) {
  const int64_t begin[3] = {0, part[1].row, part[2].row};
  const data_port *x = &o->port[0];
  if (o->csv.series)
    return make_series(s, n_input, o->csv.horizon, o->port, o->n_port, begin, n_part);
  if (!x->is_int && x->rank == 2 && x->dim[0] > 1 && x->dim[1] > 1) {
    char *line = port_line(x);
    return free_and(line, message("a row of the table is a sample, and the network takes `%s`"
                                  "\n      = help: `horizon=1` in `data` takes windows of %lld "
                                  "rows, of which the next row is told",
                                  line, (long long)x->dim[1]));
  }
  return join_columns(s, n_input, o->port, o->n_port);
}

static dataset *open_table(csv_part *part, int n_part, const dataset_options *o, char **error) {
  field_set s;
  int n_input;
  *error = csv_read(part, n_part, &o->csv, &s, &n_input);
  if (*error) return NULL;
  set_held(&s, o, (int64_t[]){0, part[1].row, part[2].row}, s.n);
  if (o->columns) *error = columns_conform(&s, o->columns);
  if (!*error && o->columns) n_input = s.n_field;
  if (!*error && !o->csv.series) text_column(&s, n_input, o->port, o->n_port);
  char *note = *error ? NULL : columns_note(&s, n_input, o->csv.missing_mean);
  if (!*error && o->n_port) *error = columns_for_ports(&s, n_input, part, n_part, o);
  if (*error) {
    free(note);
    field_set_free(&s);
    return NULL;
  }
  s.columns = note;
  s.n_input = n_input;
  return from_fields(&s, o, error);
}

/* One text of all parts, each after the end of the one before. */
static char *join_text(const csv_part *part, int n_part, bool bytes, size_t *n, int64_t begin[3]) {
  size_t at = 0;
  char *text;
  *n = 0;
  for (int k = 0; k < n_part; k++) *n += part[k].n;
  text = allocate(*n + 1);
  for (int k = 0; k < n_part; at += part[k++].n) {
    memcpy(text + at, part[k].text, part[k].n);
    begin[k] = k ? begin[k - 1] + text_tokens(part[k - 1].text, part[k - 1].n, bytes) : 0;
  }
  return text;
}

static dataset *open_prose(const csv_part *part, int n_part, const dataset_options *o,
                           char **error) {
  field_set s;
  size_t n;
  int64_t begin[3];
  char *text = join_text(part, n_part, o->bytes, &n, begin);
  *error = text_read(text, n, o->n_port ? window_of(o) : 1, o->bytes, &s);
  free(text);
  if (*error) return NULL;
  set_held(&s, o, begin, s.n);
  return from_fields(&s, o, error);
}

static dataset *open_text(csv_part *part, int n_part, const dataset_options *o, char **error) {
  if (!o->n_port && !o->any) *error = message("it is text, and here images are looked for");
  else if (is_table(part->text, part->n, o)) return open_table(part, n_part, o, error);
  else if (o->n_port && !window_of(o)) {
    char *line = port_line(&o->port[0]);
    *error =
        free_and(line, message("it is text, not a pickle, an .npz or a table, and the network "
                               "takes `%s`\n      = help: a network for text begins with `input "
                               "64 of 128;`",
                               line));
  } else return open_prose(part, n_part, o, error);
  return NULL;
}

/* Texts and tables are read together with their validation and test sets: they share words. */
static dataset *open_texts(const uint8_t *bytes, size_t n, const dataset_options *o, char **error) {
  csv_part part[3] = {{o->path, (const char *)bytes, n, 0}};
  const char *const more[2] = {o->val, o->test};
  int count = 1;
  for (int i = 0; i < 2 && !*error; i++) {
    if (!more[i]) continue;
    csv_part *p = &part[count];
    p->path = more[i];
    p->text = (const char *)file_read_unpacked(p->path, &p->n, error);
    if (p->text) count++;
    else *error = free_and(*error, message("`%s`: %s", p->path, *error));
  }
  dataset *ds = *error ? NULL : open_text(part, count, o, error);
  for (int k = 1; k < count; k++) free((char *)part[k].text);
  return ds;
}

static data_form form_of_packed(const char *path, char **error) {
  size_t n;
  uint8_t *bytes = file_read_unpacked(path, &n, error);
  const data_form f =
      bytes ? data_form_of(bytes, n < FORM_HEAD ? n : FORM_HEAD, error) : FORM_REFUSED;
  free(bytes);
  if (f != FORM_WAV) return f;
  *error = message("it is a compressed WAV file; unpack it first");
  return FORM_REFUSED;
}

/* What the file is, from its first bytes: nothing is read whole that is no data set. */
static data_form form_of(const char *path, char **error) {
  uint8_t head[FORM_HEAD];
  size_t n = sizeof head;
  if (!file_head(path, head, &n, error)) return FORM_REFUSED;
  return is_gzip(head, n) ? form_of_packed(path, error) : data_form_of(head, n, error);
}

static dataset *open_file(data_form form, const dataset_options *o, char **error) {
  size_t n;
  uint8_t *bytes = *error ? NULL : file_read_unpacked(o->path, &n, error);
  dataset *ds = NULL;
  if (bytes && form == FORM_TEXT) ds = open_texts(bytes, n, o, error);
  else if (bytes) ds = open_values(form, bytes, n, o, error);
  free(bytes);
  return ds;
}

/* Fields that are images, whether a network takes them or they are looked at. */
static dataset *from_pictures(field_set *s, const dataset_options *o, char **error) {
  data_port port[2];
  dataset_options with = *o;
  if (!o->n_port) {
    with.n_port = image_ports(s, port);
    with.port = port;
  }
  return from_fields(s, &with, error);
}

static dataset *open_idx(const dataset_options *o, char **error) {
  field_set s;
  *error = idx_open(o->path, &s);
  return *error ? NULL : from_pictures(&s, o, error);
}

static dataset *open_pictures(const dataset_options *o, char **error) {
  const bool known = o->n_port && o->port[0].rank == 3 && !o->port[0].is_int;
  const int c = known ? (int)o->port[0].dim[0] : 3;
  const picture_form form = {c, known ? o->h : 0, known ? o->w : 0, fitting_named(o->fit)};
  field_set s;
  if (c != 1 && c != 3)
    *error = message("pictures have 1 or 3 channels, and the network takes %d", c);
  else *error = pictures_open(o->path, &form, &s);
  dataset *ds = *error ? NULL : from_pictures(&s, o, error);
  if (ds) ds->fit = fitting_words[form.fit];
  return ds;
}

/* Pictures with masks: a class (or 0 and 1) for every pixel of the target's size. */
static dataset *open_masks(const dataset_options *o, char **error) {
  const bool known = o->n_port && o->port[0].rank == 3 && !o->port[0].is_int;
  const picture_form form = {known ? (int)o->port[0].dim[0] : 3, known ? o->h : 0, known ? o->w : 0,
                             fitting_named(o->fit)};
  mask_form mask = {0};
  field_set s;
  for (int i = 0; i < o->n_port; i++) {
    const data_port *p = &o->port[i];
    if (!p->target || p->rank < 2) continue;
    mask.h = (int)p->dim[p->rank - 2], mask.w = (int)p->dim[p->rank - 1];
    mask.below = p->is_int ? p->below : 2;
    mask.numbers = !p->is_int;
    break;
  }
  if (form.c != 1 && form.c != 3)
    *error = message("pictures have 1 or 3 channels, and the network takes %d", form.c);
  else *error = masks_open(o->path, &form, &mask, &s);
  dataset *ds = *error ? NULL : from_fields(&s, o, error);
  if (ds) ds->fit = fitting_words[form.fit];
  return ds;
}

static dataset *open_sounds(const dataset_options *o, char **error) {
  field_set s;
  *error = sounds_open(o->path, o->mel, o->rate, o->n_port ? &o->port[0] : NULL, &s);
  return *error ? NULL : from_fields(&s, o, error);
}

static dataset *open_one(const dataset_options *o, data_form *form, char **error);

/* One more file, whose samples come behind those that are there. */
static bool add_held(dataset *ds, const dataset_options *o, const char *path, char **error) {
  dataset_options other = *o;
  data_form form;
  other.path = path;
  other.val = other.test = NULL;
  dataset *more = open_one(&other, &form, error);
  if (!more) return false;
  *error = dataset_append(ds, more);
  if (*error) *error = free_and(*error, message("`%s`: %s", path, *error));
  dataset_close(more);
  return !*error;
}

/* What is given in files of its own takes the place of what the first file calls its own. */
static bool add_parts(dataset *ds, const dataset_options *o, char **error) {
  const int64_t first = ds->n;
  int64_t val = first;
  if (o->val && !add_held(ds, o, o->val, error)) return false;
  if (o->val) val = ds->n;
  if (o->test && !add_held(ds, o, o->test, error)) return false;
  ds->held_from = ds->fields.held_from = first;
  ds->test_from = ds->fields.test_from = val;
  return true;
}

/* Does it hold train/ with folders of sounds? */
static bool is_sound_tree(const char *path) {
  char *train = folder_inside(path, train_folders);
  const bool is = train && sound_folder(train);
  free(train);
  return is;
}

/* train/ and val/ and test/, each with a folder of sounds for each class; test/ alone validates. */
static dataset *open_sound_tree(const dataset_options *o, char **error) {
  char *train = folder_inside(o->path, train_folders), *val = folder_inside(o->path, val_folders),
       *test = folder_inside(o->path, test_folders);
  dataset_options with = *o;
  with.path = train;
  with.val = val ? val : test;
  with.test = val ? test : NULL;
  dataset *ds = open_sounds(&with, error);
  if (ds && with.val && o->n_port && !add_parts(ds, &with, error)) {
    dataset_close(ds);
    ds = NULL;
  }
  free(train);
  free(val);
  free(test);
  return ds;
}

/* CIFAR, as it is unpacked; IDX files; else folders of pictures. */
static dataset *open_folder(const dataset_options *o, char **error) {
  if (idx_folder(o->path)) return open_idx(o, error);
  dataset *ds = NULL;
  if (cifar_folder(o->path)) {
    ds = cifar_open(o, error);
    if (ds) add_image_fields(ds);
    return ds;
  }
  ds = mask_folder(o->path)     ? open_masks(o, error)
       : is_sound_tree(o->path) ? open_sound_tree(o, error)
       : sound_folder(o->path)  ? open_sounds(o, error)
                                : open_pictures(o, error);
  if (!ds && *error && !strstr(*error, o->path))
    *error = free_and(*error, message("`%s`: %s", o->path, *error));
  return ds;
}

static dataset *open_one(const dataset_options *o, data_form *form, char **error) {
  *error = NULL;
  *form = FORM_REFUSED;
  if (is_directory(o->path)) return open_folder(o, error);
  *form = form_of(o->path, error);
  dataset *ds = *form == FORM_IDX   ? open_idx(o, error)
                : *form == FORM_WAV ? open_sounds(o, error)
                : *error            ? NULL
                                    : open_file(*form, o, error);
  if (!ds) *error = free_and(*error, message("`%s`: %s", o->path, *error));
  return ds;
}

dataset *dataset_open(const dataset_options *o, char **error) {
  data_form form;
  dataset *ds = open_one(o, &form, error);
  if (!ds || form == FORM_TEXT || (!o->val && !o->test)) return ds;
  if (ds->held_from < ds->n)
    *error = message("`%s` has its own validation or test set already", o->path);
  if (!*error && add_parts(ds, o, error)) return ds;
  dataset_close(ds);
  return NULL;
}

const data_field *dataset_field(const dataset *ds, int port) {
  return &ds->fields.field[ds->port_field[port]];
}

void dataset_port(const dataset *ds, int port, int64_t index, void *out) {
  const data_field *f = dataset_field(ds, port);
  if (port == 0 && (ds->bytes || ds->floats)) dataset_floats(ds, index, out);
  else if (ds->port_whole[port]) field_whole(f, index, out);
  else field_floats(f, index, out);
}

static void free_names(char **names, int64_t n) {
  for (int64_t i = 0; names && i < n; i++) free(names[i]);
  free(names);
}

void dataset_close(dataset *ds) {
  if (!ds) return;
  free_names(ds->label_names, ds->classes);
  free_names(ds->filenames, ds->n);
  field_set_free(&ds->fields);
  free(ds->port_field);
  free(ds->port_whole);
  free(ds->port_target);
  free((void *)ds->bytes);
  free((void *)ds->floats);
  free((void *)ds->labels);
  free(ds->images_key);
  free(ds->labels_key);
  for (int i = 0; i < ds->n_entry; i++) {
    free(ds->entry[i].key);
    free(ds->entry[i].what);
  }
  free(ds->entry);
  free(ds->stored_type);
  free(ds->path);
  free(ds);
}

static size_t sample_at(const dataset *ds, int64_t index, size_t *size) {
  if (index < 0 || index >= ds->n) {
    fprintf(stderr, "netc: internal error: sample %lld of %lld\n", (long long)index,
            (long long)ds->n);
    abort();
  }
  *size = (size_t)ds->c * (size_t)ds->h * (size_t)ds->w;
  return (size_t)index * *size;
}

void dataset_floats(const dataset *ds, int64_t index, float *chw) {
  size_t size, at = sample_at(ds, index, &size);
  if (ds->floats) values_scaled(ds->floats + at, (int64_t)size, (float)ds->scale, chw);
  else values_of_bytes(ds->bytes + at, (int64_t)size, ds->scale, chw);
}

/* The range that is shown as black to white. */
static void shown_range(const float *v, size_t n, float *low, float *high) {
  *low = *high = v[0];
  for (size_t i = 1; i < n; i++) {
    if (v[i] < *low) *low = v[i];
    if (v[i] > *high) *high = v[i];
  }
  if (*low >= 0 && *high <= 1) *low = 0, *high = 1;
  if (*high <= *low) *high = *low + 1;
}

void dataset_pixels(const dataset *ds, int64_t index, uint8_t *hwc) {
  size_t size, at = sample_at(ds, index, &size), plane = (size_t)ds->h * (size_t)ds->w;
  size_t c = (size_t)ds->c;
  float low = 0, high = 1;
  if (ds->floats) shown_range(ds->floats + at, size, &low, &high);
  for (size_t i = 0; i < size; i++) {
    size_t from = at + i % c * plane + i / c;
    if (ds->bytes) hwc[i] = ds->bytes[from];
    else hwc[i] = (uint8_t)((ds->floats[from] - low) / (high - low) * 255 + 0.5f);
  }
}

const char *dataset_class_name(const dataset *ds, int label, char buf[16]) {
  if (ds->label_names && label >= 0 && label < ds->classes) return ds->label_names[label];
  snprintf(buf, 16, "%d", label);
  return buf;
}
