/* netc predict: the classes of image files. */
#include "base/internal.h"
#include "cli/inference.h"
#include "cli/terminal.h"
#include "cli/workload.h"
#include "cli/predict_masks.h"
#include "cli/predict_rows.h"
#include "cli/run_reference.h"
#include "runtime/atomic_file.h"
#include "runtime/file.h"
#include "runtime/image_folder.h"
#include "runtime/message.h"
#include "runtime/travel.h"
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  train_flags f;
  const char *file, *output;
  int top, n;
  int columns, path_columns; /* of stdout, 0: no terminal; of the longest path that is shown */
  char **path;
  image_fitting fit; /* as the training pictures got their size */
} predict_command;

enum { KEY_TOP = 1000 };

static const struct argp_option options[] = {
    {"weights", 'w', "FILE", 0, "the weights (safetensors), or the run that has them; needed", 0},
    {"top", KEY_TOP, "K", 0, "show the K likeliest classes (default 1)", 0},
    {"data", 'd', "PATH", 0, "data set to take the names of the classes from", 0},
    {"output", 'o', "DIR", 0,
     "of a network that tells a class for every pixel: the folder to write masks to (PNG)", 0},
    {"json", 'j', 0, 0, "print one JSON object instead of a table", 0},
    {0}};

static const char doc[] =
    "Class and probability of PNG, JPEG and WebP files of any size, and predictions for every row "
    "of a "
    "table (CSV) or every sample of an .npz or a pickle."
    "\vImages are resized to the network's input as the training images were (fit=), transparent "
    "parts are put over white, and "
    "colours "
    "are scaled as the file's `data` says (default 1/255). The names of the classes travel with "
    "the "
    "weights (else they come from the data set, if it can be read). A directory of a run stands "
    "for "
    "its network and its best weights.";

static error_t parse(int key, char *arg, struct argp_state *state) {
  predict_command *c = state->input;
  switch (key) {
  case 'w': c->f.weights = weights_named(arg); break;
  case 'd': c->f.data = arg; break;
  case KEY_TOP: c->top = (int)option_whole(state, "--top", arg, 1, 1000000); break;
  case 'j': c->f.json = true; break;
  case 'o': c->output = arg; break;
  case ARGP_KEY_ARG:
    if (!c->file) c->file = run_network(arg);
    else c->path[c->n++] = arg;
    break;
  case ARGP_KEY_END:
    if (!c->file || !c->n)
      argp_error(state, "a network file and one or more images or data files are needed");
    if (!c->f.weights) c->f.weights = run_weights();
    if (!c->f.weights) argp_error(state, "--weights is needed (e.g. runs/NAME/best.safetensors)");
    break;
  default: return ARGP_ERR_UNKNOWN;
  }
  return 0;
}

/* A picture as the network takes it: C x H x W, as in a data set of pictures. */
static bool load_input(const predict_command *c, const graph *g, const char *path, float *x,
                       char **error) {
  image im;
  if (!image_load(path, &im, error)) return false;
  image fitted = image_fit(&im, (int)g->w, (int)g->h, c->fit);
  const size_t n = (size_t)(g->c * g->w * g->h);
  double scale = g->has_train && g->train.scale != 0 ? g->train.scale : 1.0 / 255;
  uint8_t *bytes = allocate(n);
  image_planes(&fitted, (int)g->c, bytes);
  for (size_t i = 0; i < n; i++) x[i] = (float)(bytes[i] * scale);
  free(bytes);
  image_free(&fitted);
  image_free(&im);
  return true;
}

/* Position of the likeliest class that was not taken before. */
static int take_likeliest(double *p, int n) {
  int best = 0;
  for (int i = 1; i < n; i++)
    if (p[i] > p[best]) best = i;
  return best;
}

static const char *class_name(const dataset *ds, int k, char buf[16]) {
  if (ds) return dataset_class_name(ds, k, buf);
  snprintf(buf, 16, "%d", k);
  return buf;
}

/* Columns of the classes' names: as the longest wants, as the line has room for. */
static int name_columns(const predict_command *c, const dataset *ds, int classes) {
  char number[16];
  int most = 0;
  for (int k = 0; k < classes; k++) {
    const int w = text_columns(class_name(ds, k, number));
    most = w > most ? w : most;
  }
  const int room = c->columns ? c->columns - c->path_columns - 10 : most;
  return most < room ? most : room > 8 ? room : 8;
}

static void show(const predict_command *c, const dataset *ds, const char *path, double *p,
                 int classes, json_object *images) {
  json_object *j = json_object_new_object(), *top = json_object_new_array();
  char number[16];
  for (int i = 0; i < c->top && i < classes; i++) {
    int k = take_likeliest(p, classes);
    if (images) {
      json_object *answer = json_object_new_object();
      json_object_object_add(answer, "class", json_object_new_int(k));
      json_object_object_add(answer, "name", json_object_new_string(class_name(ds, k, number)));
      json_object_object_add(answer, "probability", json_object_new_double(p[k]));
      json_object_array_add(top, answer);
    } else {
      print_in_columns(stdout, i ? "" : path, c->path_columns, true);
      fputs("  ", stdout);
      print_in_columns(stdout, class_name(ds, k, number), name_columns(c, ds, classes), true);
      printf("  %.4f\n", p[k]);
    }
    p[k] = -1;
  }
  json_object_object_add(j, "image", json_object_new_string(path));
  json_object_object_add(j, "top", top);
  if (images) json_object_array_add(images, j);
  else json_object_put(j);
}

static int classify_all(const predict_command *c, const workload *w, inference *f,
                        json_object *images) {
  int status = EXIT_DONE, classes = (int)w->g->classes;
  double *p = allocate((size_t)classes * sizeof *p);
  run_args a = {.params = f->params, .work = f->b.work, .port = f->b.port};
  const float *logits = f->b.port[program_port_of(f->b.p, PORT_PREDICTION, 0)];
  for (int i = 0; i < c->n; i++) {
    char *error = NULL;
    if (!load_input(c, w->g, c->path[i], f->b.port[0], &error)) {
      status = report_failure(error);
      continue;
    }
    program_run(f->b.p, &a);
    probabilities(logits, classes, p);
    show(c, w->ds, c->path[i], p, classes, images);
  }
  free(p);
  return status;
}

/* A mask for each picture. */
static int mask_all(const predict_command *c, const workload *w, inference *f,
                    json_object *images) {
  const predict_masks_options o = {.folder = c->output,
                                   .names = w->ds ? (const char *const *)w->ds->label_names : NULL,
                                   .n_names = w->ds ? w->ds->classes : 0,
                                   .list = images};
  char *error = NULL;
  int status = EXIT_DONE;
  if (c->output && !make_directories(c->output, &error)) return report_failure(error);
  for (int i = 0; i < c->n; i++)
    if (!load_input(c, w->g, c->path[i], f->b.port[0], &error) ||
        !predict_mask(w->g, &o, f, c->path[i], &error)) {
      status = report_failure(error);
      error = NULL;
    }
  return status;
}

/* The names of classes that travel with the weights, as a data set of nothing else; or NULL. */
static dataset *names_of_weights(const char *weights) {
  char *error = NULL;
  safetensors *st = safetensors_read(weights, &error);
  int64_t n = 0;
  char **names = st ? travel_list(st, "classes", &n) : NULL;
  safetensors_free(st);
  free(error);
  if (!names) return NULL;
  dataset *ds = allocate(sizeof *ds);
  ds->label_names = names;
  ds->classes = (int)n;
  return ds;
}

/* The data set is only wanted for its names here, so that it may be missing. */
static void open_names(workload *w, const char *weights, const char *data_option) {
  const graph *g = w->g;
  if (!data_option && (w->ds = names_of_weights(weights))) return;
  dataset_options o = {.path = data_option ? data_option : g->has_train ? g->train.data : NULL};
  o.classes = (int)g->classes;
  char *error = NULL;
  if (o.path && !(w->ds = dataset_open(&o, &error))) free(error);
}

static int predict_images(const predict_command *c, workload *w) {
  char *error = NULL;
  inference f;
  if (!inference_open(&f, w->g, 1, false, 1, c->f.weights, &error)) return report_failure(error);
  json_object *images = c->f.json ? json_object_new_array() : NULL;
  int status = tells_masks(w->g) ? mask_all(c, w, &f, images) : classify_all(c, w, &f, images);
  if (images) {
    json_object *j = json_object_new_object();
    json_object_object_add(j, "images", images);
    print_json(j);
  }
  inference_close(&f);
  return status;
}

static int predict_files(const predict_command *c, const workload *w) {
  int status = EXIT_DONE;
  json_object *rows = c->f.json ? json_object_new_array() : NULL;
  for (int i = 0; i < c->n && status == EXIT_DONE; i++) {
    predict_rows_options o = {.weights = c->f.weights,
                              .path = c->path[i],
                              .top = c->top,
                              .threads = 1,
                              .names = w->ds ? (const char *const *)w->ds->label_names : NULL,
                              .n_names = w->ds ? w->ds->classes : 0,
                              .list = rows};
    status = predict_rows(w->g, &o);
  }
  if (!rows) return status;
  json_object *j = json_object_new_object();
  json_object_object_add(j, "rows", rows);
  if (status == EXIT_DONE) print_json(j);
  else json_object_put(j);
  return status;
}

/* Does the network take images and tell their classes? */
static bool takes_images(const graph *g) {
  return g->n_input == 1 && g->input[0]->shape.rank == 3 && !g->input[0]->is_int &&
         (g->c == 1 || g->c == 3) && g->classes && g->n_target && !g->target[0]->shape.rank;
}

/* A picture, by its first bytes; what cannot be read is told when it is opened. */
static bool is_picture(const char *path) {
  uint8_t head[12];
  size_t n = sizeof head;
  char *error = NULL;
  if (is_directory(path)) return false;
  bool picture = !file_head(path, head, &n, &error) || image_known(head, n);
  free(error);
  return picture;
}

/* How the weights' own pictures got their size; else what the file says. */
static image_fitting fitting_of(const graph *g, const char *weights) {
  char *error = NULL;
  safetensors *st = safetensors_read(weights, &error);
  const char *word = st ? safetensors_meta(st, "fit") : NULL;
  const image_fitting fit = fitting_named(word ? word : g->has_train ? g->train.fit : NULL);
  safetensors_free(st);
  free(error);
  return fit;
}

/* A folder stands for the pictures that lie in it. */
static void take_folders(predict_command *c) {
  int room = c->n, n = 0;
  char **all = NULL;
  for (int i = 0; i < c->n; i++) {
    int64_t inside = 0;
    char **list = is_directory(c->path[i]) ? pictures_inside(c->path[i], &inside) : NULL;
    room += (int)inside;
    all = allocated(realloc(all, (size_t)room * sizeof *all));
    for (int64_t k = 0; k < inside; k++) all[n++] = list[k];
    if (!inside) all[n++] = c->path[i];
    free(list);
  }
  free(c->path);
  c->path = all;
  c->n = n;
}

static int predict(predict_command *c, workload *w) {
  bool pictures = false;
  c->fit = fitting_of(w->g, c->f.weights);
  for (int i = 0; i < c->n; i++) pictures |= is_picture(c->path[i]);
  pictures &= takes_images(w->g) || tells_masks(w->g);
  open_names(w, c->f.weights, c->f.data);
  return pictures ? predict_images(c, w) : predict_files(c, w);
}

const struct argp predict_argp = {options, parse, "FILE.net IMAGE|DATA...", doc, 0, 0, 0};

int command_predict(int argc, char **argv) {
  predict_command c = {.top = 1, .path = allocate((size_t)argc * sizeof(char *))};
  train_flags_init(&c.f);
  parse_command(&predict_argp, argc, argv, &c);
  take_folders(&c);
  c.columns = terminal_columns(stdout);
  for (int i = 0; i < c.n; i++) {
    const int w = text_columns(c.path[i]);
    c.path_columns = w > c.path_columns ? w : c.path_columns;
  }
  if (c.columns && c.path_columns > c.columns / 2) c.path_columns = c.columns / 2;
  workload w = {.g = load_network(c.file, &c.f, NULL)};
  int status = w.g ? predict(&c, &w) : EXIT_WRONG_INPUT;
  workload_close(&w);
  free(c.path);
  return status;
}
