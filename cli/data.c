/* netc data D: what a data set holds. */
#include "base/decimal.h"
#include "base/source.h"
#include "cli/command.h"
#include "cli/data_fields.h"
#include "cli/terminal.h"
#include "runtime/data_stats.h"
#include "runtime/dataset.h"
#include "runtime/message.h"
#include "runtime/sheet.h"
#include "runtime/split.h"
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  KEY_SHEET = 1000,
  KEY_IMAGES,
  KEY_LABELS,
  KEY_LAYOUT,
  KEY_SCALE,
  KEY_SHAPE,
  KEY_SPLIT,
  KEY_NO_SHUFFLE,
  SHEET_SAMPLES = 100,
  SHEET_COLUMNS = 10
};

typedef struct {
  dataset_options data;
  const char *sheet;
  bool json;
  split_options split;
  /* what came out, besides the data set's own numbers */
  int64_t train, val, shared; /* shared: validation images that training has too */
} data_flags;

static const struct argp_option options[] = {
    {"sheet", KEY_SHEET, "PNG", 0, "write a contact sheet of 100 images, evenly over the data set",
     1},
    {"json", 'j', 0, 0, "print one JSON object instead of tables", 1},
    {"split", KEY_SPLIT, "A/B", 0, "look for the same image on both sides of this split", 1},
    {"seed", 's', "N", 0, "seed of that split (default 1)", 1},
    {"no-shuffle", KEY_NO_SHUFFLE, 0, 0, "that split keeps the order of the data set", 1},
    {"images", KEY_IMAGES, "KEY", 0, "key of the images", 2},
    {"labels", KEY_LABELS, "KEY", 0, "key of the labels", 2},
    {"layout", KEY_LAYOUT, "LAYOUT", 0, "order of the images' axes: nhwc, nchw or flat", 2},
    {"scale", KEY_SCALE, "X", 0, "factor of every pixel (default: 1/255 for uint8, else 1)", 2},
    {"shape", KEY_SHAPE, "CxHxW", 0, "channels, height and width, where images are flat", 2},
    {0}};

static double parse_scale(struct argp_state *state, const char *text) {
  const char *end, *second;
  double above = decimal(text, &end), below = 1;
  bool ok = end != text;
  if (ok && *end == '/') {
    second = end + 1;
    below = decimal(second, &end);
    ok = end != second;
  }
  if (!ok || *end || below == 0 || above == 0)
    argp_error(state, "--scale takes a number or a ratio as in 1/255, not `%s`", text);
  return above / below;
}

/* As the language writes it: 800/205, 800/100/105, or a fraction as in 0.8. */
static void parse_split(struct argp_state *state, const char *text, split_options *o) {
  long long part[3] = {0};
  char after;
  const char *end;
  o->given = true;
  o->parts = sscanf(text, "%lld/%lld/%lld%c", &part[0], &part[1], &part[2], &after);
  const int last = o->parts == 2 ? sscanf(text, "%*d/%*d%c", &after) : o->parts - 3;
  if (o->parts >= 2 && last <= 0 && part[0] > 0 && part[1] > 0 && part[2] >= 0) {
    for (int i = 0; i < 3; i++) o->count[i] = part[i];
    return;
  }
  o->parts = 1;
  o->is_fraction = true;
  o->fraction[0] = decimal(text, &end);
  if (*end || !(o->fraction[0] > 0 && o->fraction[0] < 1))
    argp_error(state, "--split takes counts as in 800/205 or a fraction as in 0.8, not `%s`", text);
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  data_flags *f = state->input;
  char end;
  switch (key) {
  case KEY_SHEET: f->sheet = arg; break;
  case 'j': f->json = true; break;
  case KEY_IMAGES: f->data.images = arg; break;
  case KEY_LABELS: f->data.labels = arg; break;
  case KEY_LAYOUT:
    if (strcmp(arg, "nhwc") && strcmp(arg, "nchw") && strcmp(arg, "flat"))
      argp_error(state, "--layout takes nhwc, nchw or flat, not `%s`", arg);
    f->data.layout = arg;
    break;
  case KEY_SCALE: f->data.scale = parse_scale(state, arg); break;
  case KEY_SHAPE:
    if (sscanf(arg, "%dx%dx%d%c", &f->data.c, &f->data.h, &f->data.w, &end) != 3 || f->data.c < 1 ||
        f->data.h < 1 || f->data.w < 1)
      argp_error(state, "--shape takes channels x height x width as in 3x32x32, not `%s`", arg);
    break;
  case KEY_SPLIT: parse_split(state, arg, &f->split); break;
  case 's': f->split.seed = (uint64_t)option_whole(state, "--seed", arg, 0, INT64_MAX); break;
  case KEY_NO_SHUFFLE: f->split.shuffle = false; break;
  case ARGP_KEY_ARG:
    if (f->data.path) argp_error(state, "one data set at a time");
    f->data.path = arg;
    break;
  case ARGP_KEY_END:
    if (!f->data.path) argp_error(state, "which data set? A pickle, an .npz or a CIFAR folder");
    break;
  default: return ARGP_ERR_UNKNOWN;
  }
  return 0;
}

static const char *layout_name(const dataset *ds) {
  static const char *const name[] = {"auto", "nhwc", "nchw", "flat"};
  return name[ds->layout];
}

static void print_classes(const dataset *ds, const data_stats *s) {
  char number[16];
  int width = 5;
  for (int c = 0; c < ds->classes; c++) {
    int n = (int)strlen(dataset_class_name(ds, c, number));
    width = n > width ? n : width;
  }
  printf("\n  %5s  %-*s  %8s  %6s\n", "Label", width, "Class", "Images", "Share");
  for (int c = 0; c < ds->classes; c++)
    printf("  %5d  %-*s  %8lld  %5.1f%%\n", c, width, dataset_class_name(ds, c, number),
           (long long)s->count[c], 100.0 * (double)s->count[c] / (double)ds->n);
  printf("\nAlways guessing `%s` scores %.1f%%.\n", dataset_class_name(ds, s->largest, number),
         100.0 * (double)s->count[s->largest] / (double)ds->n);
}

/* Of a data set that has both: one alone validates, whatever it is called. */
static int64_t own_val(const dataset *ds) {
  return ds->test_from < ds->n ? ds->test_from - ds->held_from : 0;
}

void print_own_parts(const dataset *ds) {
  const long long val = (long long)own_val(ds), held = (long long)(ds->n - ds->held_from);
  if (!held) return;
  printf("%lld of them train, ", (long long)ds->held_from);
  if (val) printf("%lld are the data set's own validation set, ", val);
  printf("%lld %s\n", held - val,
         val ? "its test set" : "are held apart by the data set itself, and validate");
}

static void print_images(const dataset *ds) {
  const bool keys = *ds->images_key;
  print_line(stdout, 2,
             "%lld images of %dx%dx%d (channels x height x width), stored as %s, %s%s%s%s%s%s",
             (long long)ds->n, ds->c, ds->h, ds->w, layout_name(ds), ds->stored_type,
             keys ? "; images `" : "", keys ? ds->images_key : "", keys ? "`, labels `" : "",
             keys ? ds->labels_key : "", keys ? "`" : "");
}

static void print_table(const dataset *ds, const data_stats *s) {
  printf("%s\n", ds->path);
  for (int i = 0; i < ds->n_entry; i++) printf("  %-14s %s\n", ds->entry[i].key, ds->entry[i].what);
  printf("\n");
  print_images(ds);
  print_own_parts(ds);
  char scale[32] = "1/255";
  if (ds->scale != 1 / 255.0) snprintf(scale, sizeof scale, "%.6g", ds->scale);
  printf("Pixels, scaled by %s: %.4g to %.4g\n", scale, (double)s->low, (double)s->high);
  for (int c = 0; c < ds->c && c < 16; c++)
    printf("  channel %d: mean %.4f, standard deviation %.4f\n", c, s->mean[c], s->std[c]);
  print_classes(ds, s);
  if (s->duplicates)
    printf("%lld image%s the same pixels as an earlier one", (long long)s->duplicates,
           s->duplicates == 1 ? " has" : "s have");
  else printf("No two images have the same pixels");
  if (s->conflicting) printf(", %lld under another label", (long long)s->conflicting);
  printf(".\n");
}

static json_object *json_classes(const dataset *ds, const data_stats *s) {
  json_object *list = json_object_new_array();
  char number[16];
  for (int c = 0; c < ds->classes; c++) {
    json_object *o = json_object_new_object();
    json_object_object_add(o, "label", json_object_new_int(c));
    json_object_object_add(o, "name", json_object_new_string(dataset_class_name(ds, c, number)));
    json_object_object_add(o, "count", json_object_new_int64(s->count[c]));
    json_object_array_add(list, o);
  }
  return list;
}

static json_object *json_numbers(const double *v, int n) {
  json_object *list = json_object_new_array();
  for (int i = 0; i < n; i++) json_object_array_add(list, json_object_new_double(v[i]));
  return list;
}

static json_object *json_report(const dataset *ds, const data_stats *s) {
  json_object *o = json_object_new_object(), *keys = json_object_new_object();
  json_object_object_add(o, "path", json_object_new_string(ds->path));
  for (int i = 0; i < ds->n_entry; i++)
    json_object_object_add(keys, ds->entry[i].key, json_object_new_string(ds->entry[i].what));
  json_object_object_add(o, "keys", keys);
  json_object_object_add(o, "images_key", json_object_new_string(ds->images_key));
  json_object_object_add(o, "labels_key", json_object_new_string(ds->labels_key));
  json_object_object_add(o, "samples", json_object_new_int64(ds->n));
  json_object_object_add(o, "val_samples", json_object_new_int64(own_val(ds)));
  json_object_object_add(o, "test_samples",
                         json_object_new_int64(ds->n - ds->held_from - own_val(ds)));
  json_object_object_add(o, "channels", json_object_new_int(ds->c));
  json_object_object_add(o, "height", json_object_new_int(ds->h));
  json_object_object_add(o, "width", json_object_new_int(ds->w));
  json_object_object_add(o, "layout", json_object_new_string(layout_name(ds)));
  json_object_object_add(o, "type", json_object_new_string(ds->stored_type));
  json_object_object_add(o, "scale", json_object_new_double(ds->scale));
  json_object_object_add(o, "min", json_object_new_double((double)s->low));
  json_object_object_add(o, "max", json_object_new_double((double)s->high));
  json_object_object_add(o, "mean", json_numbers(s->mean, ds->c));
  json_object_object_add(o, "std", json_numbers(s->std, ds->c));
  json_object_object_add(o, "classes", json_classes(ds, s));
  json_object_object_add(o, "majority_accuracy",
                         json_object_new_double((double)s->count[s->largest] / (double)ds->n));
  json_object_object_add(o, "duplicates", json_object_new_int64(s->duplicates));
  json_object_object_add(o, "conflicting_duplicates", json_object_new_int64(s->conflicting));
  char hash[17];
  snprintf(hash, sizeof hash, "%016llx", (unsigned long long)ds->hash);
  json_object_object_add(o, "hash", json_object_new_string(hash));
  return o;
}

/* Looks across a split where one is asked for, or comes with the data. */
static bool examine_split(const dataset *ds, data_flags *f, char **error) {
  if (!f->split.given && ds->held_from == ds->n) return true;
  split *s = split_make(ds, &f->split, error);
  if (!s) return false;
  f->train = s->n_train;
  f->val = s->n_val;
  f->shared = duplicates_across(ds, s);
  if (f->shared)
    diag_tell(DIAG_CAUTION,
              "%lld of the %lld validation images have the same pixels as one of the "
              "%lld training images",
              (long long)f->shared, (long long)f->val, (long long)f->train);
  split_free(s);
  return true;
}

static json_object *json_split(const data_flags *f) {
  json_object *o = json_object_new_object();
  json_object_object_add(o, "train", json_object_new_int64(f->train));
  json_object_object_add(o, "val", json_object_new_int64(f->val));
  json_object_object_add(o, "duplicates", json_object_new_int64(f->shared));
  return o;
}

/* Table or JSON; false where stdout cannot be written. */
static bool print_report(const dataset *ds, const data_flags *f) {
  data_stats s = data_stats_make(ds);
  bool ok;
  if (f->json) {
    json_object *o = json_report(ds, &s);
    if (f->train) json_object_object_add(o, "split", json_split(f));
    ok = print_json(o);
  } else {
    print_table(ds, &s);
    ok = fflush(stdout) == 0;
  }
  data_stats_free(&s);
  return ok;
}

static bool write_sheet(const dataset *ds, const char *path, char **error) {
  int n = ds->n < SHEET_SAMPLES ? (int)ds->n : SHEET_SAMPLES;
  int64_t index[SHEET_SAMPLES];
  for (int i = 0; i < n; i++) index[i] = i * ds->n / n;
  image sheet = sheet_make(ds, index, n, SHEET_COLUMNS, NULL);
  bool ok = image_write_png(path, &sheet, error);
  image_free(&sheet);
  if (ok) fprintf(stderr, "wrote %s: %d images, evenly over the data set\n", path, n);
  return ok;
}

const struct argp data_argp = {
    options,
    parse,
    "DATASET",
    "Tells what a data set holds: keys, shapes, types, classes and their counts.\v"
    "DATASET is a pickled dictionary of arrays, an .npz, a table (CSV, TSV), a text, or a folder "
    "with CIFAR-10's or CIFAR-100's python version. Nothing that a file says is run.",
    NULL,
    NULL,
    NULL};

int command_data(int argc, char **argv) {
  data_flags f = {.split = {.seed = 1, .shuffle = true}};
  char *error = NULL;
  parse_command(&data_argp, argc, argv, &f);
  f.data.any = true;
  dataset *ds = dataset_open(&f.data, &error);
  if (!ds) return report_failure(error);
  if (!ds->bytes && !ds->floats) {
    if (f.sheet) error = message("--sheet draws images, and `%s` holds none", ds->path);
    const bool shown = !error && print_fields(ds, f.json);
    dataset_close(ds);
    return error ? report_failure(error) : shown ? EXIT_DONE : EXIT_WRONG_INPUT;
  }
  print_notes(ds);
  bool ok = examine_split(ds, &f, &error) && (!f.sheet || write_sheet(ds, f.sheet, &error));
  if (!ok) report_failure(error);
  else ok = print_report(ds, &f);
  dataset_close(ds);
  return ok ? EXIT_DONE : EXIT_WRONG_INPUT;
}
