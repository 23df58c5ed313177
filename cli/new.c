/* netc new: a commented network to begin with, of a kind or for a data set. */
#include "base/internal.h"
#include "cli/command.h"
#include "cli/date_column.h"
#include "runtime/atomic_file.h"
#include "runtime/class_field.h"
#include "runtime/dataset.h"
#include "runtime/file.h"
#include "runtime/mask_data.h"
#include "runtime/message.h"
#include "runtime/text_cells.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *what, *out, *target;
  int64_t window, horizon; /* of a series; -1: not given; window 0: it is none */
  bool force;
} new_command;

enum { KEY_TARGET = 1, KEY_WINDOW, KEY_HORIZON };

static const struct argp_option options[] = {
    {"output", 'o', "FILE.net", 0, "the file to write (default: on the terminal)", 0},
    {"target", KEY_TARGET, "COLUMN", 0, "what is to be told, of a table", 0},
    {"window", KEY_WINDOW, "ROWS", 0,
     "forecast from windows of so many rows of a table (default: where it has dates that rise); 0: "
     "each row for itself",
     0},
    {"horizon", KEY_HORIZON, "ROWS", 0, "and tell the row so many rows later (default: 1)", 0},
    {"force", 'f', 0, 0, "replace the file", 0},
    {0}};

static const char doc[] =
    "Writes a commented network to begin with: for a data set (a table, an .npz or a pickle, a "
    "text, a folder of pictures), or of a kind: image, sequence, text, table."
    "\vOf a data set, inputs, targets and losses are what it holds; `netc train` then trains it.";

static int64_t whole_number(struct argp_state *state, const char *arg, long lo, long hi) {
  char *end;
  const long v = strtol(arg, &end, 10);
  if (end == arg || *end || v < lo || v > hi)
    argp_error(state, "`%s` is not a whole number from %ld to %ld", arg, lo, hi);
  return v;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  new_command *c = state->input;
  switch (key) {
  case 'o': c->out = arg; break;
  case KEY_TARGET: c->target = arg; break;
  case KEY_WINDOW: c->window = whole_number(state, arg, 0, 100000); break;
  case KEY_HORIZON: c->horizon = whole_number(state, arg, 0, 100000); break;
  case 'f': c->force = true; break;
  case ARGP_KEY_NO_ARGS: argp_error(state, "a data set, or image, sequence, text or table?"); break;
  case ARGP_KEY_ARG:
    if (c->what) argp_error(state, "one data set at a time");
    c->what = arg;
    break;
  default: return ARGP_ERR_UNKNOWN;
  }
  return 0;
}

/* ---- what is known of the data ---- */

typedef struct {
  char *data;      /* the line of `data`, with its comment */
  char *input;     /* "4", "3x32x32", "64 of 65" */
  char *target;    /* "classes 3", "target 1", "target 64 of 65" */
  bool numbers;    /* are predicted */
  bool own_test;   /* the data set has validation samples of its own */
  int64_t n, side; /* samples; the shorter side of images, the length of sequences */
  enum { BODY_TABLE, BODY_IMAGE, BODY_SEQUENCE, BODY_TEXT, BODY_MASKS, BODY_SENTENCE } body;
  bool several; /* answers to several questions, 0 or 1 each */
  bool missing; /* values are missing in the table */
  bool series;  /* samples are windows of rows */
} plan;

enum { MOST_CLASSES = 50 };

/* Few different whole numbers are classes; anything else is a number to predict. */
static int64_t count_classes(const data_field *f, int64_t n) {
  double seen[MOST_CLASSES];
  int64_t count = 0;
  if (f->names) return f->below;
  if (f->size != 1) return 0;
  for (int64_t i = 0; i < n; i++) {
    double v = field_value(f, i, 0);
    int64_t k = 0;
    while (k < count && seen[k] != v) k++;
    if (k < count) continue;
    if (count == MOST_CLASSES || v != floor(v)) return 0;
    seen[count++] = v;
  }
  return count * 4 <= n || count <= 2 ? count : 0;
}

/* Rows of which each has a single 1 are classes; rows of 0 and 1 are answers to several questions.
 */
static bool yes_or_no(const data_field *f) {
  for (int64_t i = 0; i < f->count; i++) {
    const double v = field_value(f, 0, i);
    if (v != 0 && v != 1) return false;
  }
  return f->rank == 1 && f->size > 1;
}

static void plan_target(plan *p, const data_field *f, int64_t n) {
  const int64_t classes = yes_or_no(f) && is_one_hot(f) ? f->size : count_classes(f, n);
  p->several = !classes && yes_or_no(f);
  char *shape = field_shape_text(f);
  p->numbers = !classes;
  p->target = classes ? message("classes %lld", (long long)classes)
                      : message("target %s", *shape ? shape : "1");
  free(shape);
}

/* Floats that the columns take, words as one-hot columns. */
static int64_t table_width(const field_set *s) {
  int64_t width = 0;
  for (int i = 0; i < s->n_input; i++) width += s->field[i].names ? s->field[i].below : 1;
  return width;
}

/* A column that numbers the rows, or holds other words in nearly every one (names, tickets): it
   tells nothing of rows to come. */
static bool names_rows(const data_field *f, int64_t n) {
  if (f->names) return n >= 20 && f->below > n / 2;
  for (int64_t i = 1; i < n; i++)
    if (field_value(f, i, 0) - field_value(f, i - 1, 0) != 1) return false;
  return n >= 20;
}

/* " drop={..}" of such columns, and of that which says when (or -1); their number in *dropped, the
   floats that they took in *width. */
static char *drop_of(const field_set *s, int64_t n, int when, int *dropped, int64_t *width) {
  char *list = message("%s", "");
  for (int i = 0; i < s->n_input; i++) {
    const data_field *f = &s->field[i];
    if (i != when && (!names_rows(f, n) || !strcmp(f->name, s->field[s->n_input].name))) continue;
    list = free_and(list, message("%s%s\"%s\"", list, *dropped ? " " : "", f->name));
    ++*dropped;
    *width += f->names ? f->below : 1;
  }
  return free_and(list, *dropped ? message(" drop={%s}", list) : message("%s", ""));
}

/* The column that says when, or -1; *days from row to row. */
static int date_column(const field_set *s, int64_t n, double *days) {
  *days = 0;
  for (int i = 0; i < s->n_input; i++)
    if ((*days = date_step(&s->field[i], n)) > 0) return i;
  return -1;
}

/* Rows in which a series comes round: a day of hours, two weeks of days, a year of months. */
static int64_t usual_window(double days, int64_t rows) {
  const int64_t usual = days <= 0     ? 24
                        : days < 0.02 ? 48
                        : days < 0.2  ? 24
                        : days < 2    ? 14
                        : days < 20   ? 26
                        : days < 50   ? 12
                                      : 8;
  return usual * 6 < rows ? usual : rows / 6 > 1 ? rows / 6 : 1;
}

/* Is a series asked for, before the table is known? */
static bool series_asked(const new_command *c) {
  return c->window > 0 || (c->window < 0 && c->horizon >= 0);
}

static int64_t horizon_of(const new_command *c) { return c->horizon < 0 ? 1 : c->horizon; }

/* Windows of the table's rows, which have the target's column among them. */
static void plan_series(plan *p, const dataset *ds, const new_command *c, double days) {
  const field_set *s = &ds->fields;
  const data_field *target = &s->field[s->n_input];
  const int64_t own = series_asked(c) ? 0 : target->names ? target->below : 1;
  const int64_t rows = c->window > 0 ? c->window : usual_window(days, ds->n);
  p->series = true;
  p->input =
      free_and(p->input, message("%lldx%lld", atoll(p->input) + (long long)own, (long long)rows));
  const int64_t h = horizon_of(c);
  p->data = free_and(p->data, message("%s horizon=%lld; # windows of %lld rows; the target is %lld "
                                      "row%s after their last",
                                      p->data, (long long)h, (long long)rows, (long long)h,
                                      h == 1 ? "" : "s"));
  if (!series_asked(c))
    fprintf(stderr,
            "the rows of the table follow one another in time: the network tells how `%s` "
            "goes on (--window 0: each row for itself)\n",
            target->name);
}

static char *no_classes(const new_command *c, const data_field *target, int64_t n) {
  return message("`%s`: the target `%s` has %lld different words in %lld rows, which are no classes"
                 "\n      = help: --target NAME chooses another column",
                 c->what, target->name, (long long)target->below, (long long)n);
}

/* The column of sentences, where nothing else of the table tells anything; NULL: there is none. */
static data_field *sentences_of(const field_set *s, int64_t n) {
  data_field *found = NULL;
  int64_t longest = 11;
  for (int i = 0; i < s->n_input; i++) {
    data_field *f = &s->field[i];
    if (!names_rows(f, n)) return NULL;
    const int64_t length = f->names ? sentence_length(f) : 0;
    if (length > longest) longest = length, found = f;
  }
  return found;
}

/* " drop={..}" of all other columns. */
static char *drop_others(const field_set *s, const data_field *kept) {
  char *list = message("%s", "");
  for (int i = 0; i < s->n_input; i++)
    if (&s->field[i] != kept)
      list = free_and(list, message("%s%s\"%s\"", list, *list ? " " : "", s->field[i].name));
  return free_and(list, *list ? message(" drop={%s}", list) : message("%s", ""));
}

/* Sentences are read a character after another. */
static void plan_sentences(plan *p, const dataset *ds, const new_command *c, data_field *f) {
  enum { MOST_CHARACTERS = 256 };
  const field_set *s = &ds->fields;
  const int64_t most = sentence_length(f) / 8 * 8 + 8;
  char *drop = drop_others(s, f);
  find_cell_characters(f);
  p->body = BODY_SENTENCE;
  p->input = message("%lld of %lld", (long long)(most < MOST_CHARACTERS ? most : MOST_CHARACTERS),
                     (long long)f->n_character + 1);
  p->data = message("data \"%s\" target=\"%s\"%s%s; # the characters of `%s`", c->what,
                    s->field[s->n_input].name, drop, p->missing ? " missing=mean" : "", f->name);
  free(drop);
}

static char *plan_table(plan *p, const dataset *ds, const new_command *c) {
  const field_set *s = &ds->fields;
  const data_field *target = &s->field[s->n_input];
  int dropped = 0;
  int64_t width = 0;
  double days;
  if (target->names && names_rows(target, ds->n)) return no_classes(c, target, ds->n);
  plan_target(p, target, ds->n);
  data_field *sentences = series_asked(c) ? NULL : sentences_of(s, ds->n);
  if (sentences) return plan_sentences(p, ds, c, sentences), NULL;
  const int when = date_column(s, ds->n, &days);
  const bool series = series_asked(c) || (c->window < 0 && when >= 0 && p->numbers);
  char *drop = drop_of(s, ds->n, when, &dropped, &width);
  if (dropped == s->n_input && !series) drop = free_and(drop, message("%s", "")), width = 0;
  p->body = BODY_TABLE;
  p->input = message("%lld", (long long)(table_width(s) - width));
  p->data = message("data \"%s\" target=\"%s\"%s%s", c->what, target->name, drop,
                    p->missing ? " missing=mean" : "");
  if (series) plan_series(p, ds, c, days);
  else
    p->data = free_and(p->data, message("%s; # words are one-hot columns; drop={..} leaves "
                                        "columns out",
                                        p->data));
  free(drop);
  return NULL;
}

static char *plan_text(plan *p, const dataset *ds, const new_command *c) {
  p->body = BODY_TEXT;
  p->input = message("64 of %lld", (long long)ds->fields.field[0].below);
  p->target = message("target %s", p->input);
  p->data = message("data \"%s\"; # its characters; its end validates", c->what);
  return NULL;
}

static char *plan_images(plan *p, const dataset *ds, const new_command *c) {
  p->body = BODY_IMAGE;
  p->input = message("%dx%dx%d", ds->c, ds->h, ds->w);
  p->side = ds->h < ds->w ? ds->h : ds->w;
  p->target = message("classes %d", ds->classes);
  p->data = message("data \"%s\";", c->what);
  return NULL;
}

/* Pictures whose channels come last, as NumPy's users have them: the network's come first. */
static bool channels_last(const data_field *x) {
  const int64_t *d = x->dim;
  return x->rank == 3 && (d[2] == 1 || d[2] == 3 || d[2] == 4) && d[0] > 4 && d[1] > 4;
}

static void plan_picture(plan *p, const data_field *x) {
  const int last = channels_last(x);
  const int64_t h = x->dim[1 - last], w = x->dim[2 - last], c = x->dim[last ? 2 : 0];
  p->side = h < w ? h : w;
  p->input =
      free_and(p->input, message("%lldx%lldx%lld", (long long)c, (long long)h, (long long)w));
}

static char *plan_fields(plan *p, const dataset *ds, const new_command *c) {
  static const char *const inputs[] = {"data",   "x",     "images", "features",
                                       "inputs", "input", "arr_0"};
  static const char *const targets[] = {"target", "y", "labels", "targets", "label", "arr_1"};
  const data_field *x = NULL, *y = NULL;
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs && !x; i++)
    x = field_find(&ds->fields, inputs[i]);
  for (size_t i = 0; i < sizeof targets / sizeof *targets && !y; i++)
    y = field_find(&ds->fields, targets[i]);
  if (!x || !y) {
    char *all = fields_describe(&ds->fields);
    return free_and(all,
                    message("`%s` holds %s: netc new knows inputs and targets by the names `x` "
                            "and `y`, `data` and `target`"
                            "\n      = help: columns of a table are read from CSV, where --target "
                            "NAME chooses one",
                            c->what, all));
  }
  p->input = field_shape_text(x);
  if (!*p->input) p->input = free_and(p->input, message("1"));
  p->body = x->rank == 3 ? BODY_IMAGE : x->rank == 2 ? BODY_SEQUENCE : BODY_TABLE;
  if (x->rank == 2) p->side = x->dim[1];
  if (x->rank == 3) plan_picture(p, x);
  plan_target(p, y, ds->n);
  p->data = message("data \"%s\"; # its arrays `%s` and `%s`", c->what, x->name, y->name);
  return NULL;
}

/* Sounds are pictures of their frequencies over time. */
static char *plan_sounds(plan *p, const dataset *ds, const new_command *c) {
  const data_field *x = &ds->fields.field[0];
  if (ds->fields.n_field < 2)
    return message("`%s` is one sound; a folder of them is a data set", c->what);
  p->body = BODY_IMAGE;
  p->input = message("1x%lldx%lld", (long long)x->dim[0], (long long)x->dim[1]);
  p->side = x->dim[0] < x->dim[1] ? x->dim[0] : x->dim[1];
  p->target = message("classes %lld", (long long)ds->fields.field[1].below);
  p->data = message("data \"%s\" mel=%lld; # log-mel, 25 ms every 10 ms, of WAV files", c->what,
                    (long long)x->dim[0]);
  return NULL;
}

static char *plan_masks(plan *p, const dataset *ds, const new_command *c) {
  const data_field *x = &ds->fields.field[0], *y = &ds->fields.field[1];
  p->body = BODY_MASKS;
  p->input = field_shape_text(x);
  p->side = x->dim[1] % 2 || x->dim[2] % 2 ? 1 : x->dim[1];
  p->target = message("target %lldx%lld of %lld", (long long)y->dim[0], (long long)y->dim[1],
                      (long long)y->below);
  p->data = message("data \"%s\"; # images/ and masks/: a class for each pixel", c->what);
  return NULL;
}

/* One class is nothing to tell: the labels lie elsewhere. */
static char *only_one_class(const plan *p, const new_command *c) {
  if (strcmp(p->target, "classes 1")) return NULL;
  return message("`%s`: all samples have the same class, so that there is nothing to tell",
                 c->what);
}

/* A column by a name that targets often have, where the table was read with its last one; or where
   that one holds no classes, the first that does. NULL: the last one. */
static const char *likely_target(const field_set *s, int64_t n) {
  static const char *const names[] = {"survived", "price",    "saleprice", "medv",
                                      "quality",  "outcome",  "churn",     "diagnosis",
                                      "output",   "category", "sentiment"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    const data_field *f = field_find(s, names[k]);
    if (f) return f->name;
  }
  const data_field *last = &s->field[s->n_input];
  for (int i = 0; i < s->n_input && last->names && names_rows(last, n); i++)
    if (s->field[i].names && !names_rows(&s->field[i], n)) return s->field[i].name;
  return NULL;
}

static dataset *open_planned(dataset_options *o, plan *p, char **wrong) {
  dataset *ds = dataset_open(o, wrong);
  if (ds || !strstr(*wrong, "missing=mean")) return ds;
  o->csv.missing_mean = p->missing = true;
  *wrong = free_and(*wrong, NULL);
  return dataset_open(o, wrong);
}

/* The target of a table that nobody named: by a usual name, else the last column, with a word. */
static dataset *choose_target(dataset *ds, const dataset_options *o, char **target, char **wrong) {
  const field_set *s = &ds->fields;
  if (!s->n_input || o->csv.n_target || !s->n_note || !strstr(s->note[0], "the target is"))
    return ds;
  const char *likely = likely_target(s, ds->n), *name = likely ? likely : s->field[s->n_input].name;
  fprintf(stderr, "the target is the column `%s`; --target NAME chooses another\n", name);
  if (!likely) return ds;
  *target = copy_string(likely, strlen(likely));
  dataset_options with = *o;
  with.csv.n_target = 1;
  with.csv.target = (const char *const *)target;
  dataset_close(ds);
  return dataset_open(&with, wrong);
}

static char *plan_data(plan *p, const new_command *c) {
  dataset_options o = {.path = c->what, .any = true, .mel = 40};
  o.csv = (csv_options){.n_target = c->target != NULL, .target = &c->target};
  o.csv.series = series_asked(c);
  o.csv.horizon = horizon_of(c);
  char *wrong = NULL, *target = NULL;
  dataset *ds = open_planned(&o, p, &wrong);
  if (ds) ds = choose_target(ds, &o, &target, &wrong);
  free(target);
  if (!ds) return wrong;
  p->n = ds->n;
  p->own_test = ds->held_from < ds->n;
  if (ds->bytes || ds->floats) wrong = plan_images(p, ds, c);
  else if (mask_folder(c->what)) wrong = plan_masks(p, ds, c);
  else if (ds->fields.rate) wrong = plan_sounds(p, ds, c);
  else if (ds->fields.window) wrong = plan_text(p, ds, c);
  else if (ds->fields.n_input) wrong = plan_table(p, ds, c);
  else wrong = plan_fields(p, ds, c);
  if (!wrong) wrong = only_one_class(p, c);
  dataset_close(ds);
  return wrong;
}

static bool plan_kind(plan *p, const char *kind) {
  static const plan kinds[] = {
      {.data = "data \"table.csv\" target=price; # a column to a number",
       .input = "8",
       .target = "target 1",
       .numbers = true,
       .n = 1000,
       .body = BODY_TABLE},
      {.data = "data \"images/\"; # a folder of pictures, one folder a class",
       .input = "3x32x32",
       .target = "classes 10",
       .n = 1000,
       .side = 32,
       .body = BODY_IMAGE},
      {.data = "data \"series.npz\"; # arrays x (N x 6 x 128) and y (N)",
       .input = "6x128",
       .target = "classes 5",
       .n = 1000,
       .side = 128,
       .body = BODY_SEQUENCE},
      {.data = "data \"book.txt\"; # its characters; its end validates",
       .input = "64 of 128",
       .target = "target 64 of 128",
       .n = 100000,
       .body = BODY_TEXT}};
  static const char *const names[] = {"table", "image", "sequence", "text"};
  for (int i = 0; i < 4; i++) {
    if (strcmp(kind, names[i])) continue;
    *p = kinds[i];
    p->data = message("%s", kinds[i].data);
    p->input = message("%s", kinds[i].input);
    p->target = message("%s", kinds[i].target);
    return true;
  }
  return false;
}

/* ---- the text ---- */

static void write_body(FILE *f, const plan *p) {
  const char *last = p->numbers ? p->target + strlen("target ") : "classes";
  switch (p->body) {
  case BODY_TABLE:
    fprintf(f, "linear 64 relu;        # two hidden layers\nlinear 64 relu;\nlinear %s;\n", last);
    break;
  case BODY_IMAGE:
    fputs("conv 32 k3 p1 bn relu; # 3 x 3, the size is kept\n", f);
    if (p->side >= 6) fputs("maxpool 2;\n", f);
    fputs("conv 64 k3 p1 bn relu;\n", f);
    if (p->side >= 12) fputs("maxpool 2;\nconv 64 k3 p1 bn relu;\n", f);
    fprintf(f, "gap;                   # the mean of every channel\nlinear %s;\n", last);
    break;
  case BODY_MASKS:
    fputs("conv 32 k3 p1 bn relu; # 3 x 3, the size is kept\n", f);
    if (p->side >= 4)
      fputs("fine: conv 32 k3 p1 bn relu;\n"
            "maxpool 2;             # half the size: a wider view\n"
            "conv 64 k3 p1 bn relu;\nconv 64 k3 p1 bn relu;\nupsample 2;\n"
            "concat {} @fine;       # and the details from before\n",
            f);
    fputs("conv 32 k3 p1 bn relu;\nconv classes k1;       # of every pixel\n", f);
    break;
  case BODY_SEQUENCE:
    fputs("conv 32 k5 p2 bn relu; # along the sequence, over 5 positions\n", f);
    if (p->side >= 8) fputs("maxpool 2;\n", f);
    fputs("conv 64 k5 p2 bn relu;\n", f);
    if (p->side >= 16) fputs("maxpool 2;\nconv 64 k5 p2 bn relu;\n", f);
    fprintf(f, "gap;                   # the mean over all positions\nlinear %s;\n", last);
    break;
  case BODY_SENTENCE:
    fprintf(f,
            "embed 32;              # what a character is\n"
            "conv 64 k5 p2 bn relu; # five of them after another\nmaxpool 2;\n"
            "conv 64 k5 p2 bn relu;\ngmp;                   # wherever it stands\nlinear %s;\n",
            last);
    break;
  case BODY_TEXT:
    fputs("embed 64; position;    # what a token is, and where\nrepeat 2 {\n"
          "  add {} { layernorm; attention { dense 64; } { dense 64; } { dense 64; } heads=4 "
          "causal=1;\n           dense 64; };\n"
          "  add {} { layernorm; dense 256 gelu; dense 64; };\n}\nlayernorm; dense classes;\n",
          f);
  }
}

static int batch_for(const plan *p) { return p->n < 500 ? 16 : p->n < 20000 ? 32 : 64; }

/* An epoch of few steps moves little, and the statistics of `bn` follow slowly: it wants more. */
static bool short_epochs(const plan *p) {
  return p->body == BODY_TABLE || (p->n > 0 && p->n / batch_for(p) < 30);
}

static void write_training(FILE *f, const plan *p) {
  fprintf(f, "train {\n  %s\n", p->data);
  if (p->body == BODY_TEXT) fputs("  split 0.9;\n", f);
  else if (p->series) fputs("  split 0.8;           # the end of the series validates\n", f);
  else if (!p->own_test)
    fputs("  split 0.8;           # of the samples train, the rest validates\n", f);
  if (p->body != BODY_TEXT && p->body != BODY_SENTENCE)
    fputs("  normalize;           # inputs to mean 0 and spread 1: a part of the network\n", f);
  fprintf(f, "  loss %s; optimizer adam; lr %s; batch %d;\n",
          p->several   ? "bce"
          : p->numbers ? "mse"
                       : "cross_entropy",
          p->numbers && !p->several ? "0.01" : "0.001", batch_for(p));
  if (p->body == BODY_TEXT)
    fputs("  epochs 20 of 100;    # each of 100 batches drawn at random\n", f);
  else
    fprintf(f, "  epochs %d; stop val_loss patience=%d restore; # the best weights stay\n",
            p->body == BODY_TABLE ? 200
            : short_epochs(p)     ? 100
                                  : 30,
            short_epochs(p) ? 20 : 5);
  fputs("  seed 1;\n}\n", f);
}

static char *text_of(const plan *p, const char *what) {
  char *text = NULL;
  size_t n;
  FILE *f = allocated(open_memstream(&text, &n));
  fprintf(f, "# A network to begin with, for %s. `netc train` trains it.\ninput %s; %s;\n", what,
          p->input, p->target);
  write_body(f, p);
  write_training(f, p);
  fclose(f);
  return text;
}

static char *write_file(const new_command *c, const char *text) {
  char *error = NULL;
  if (file_exists(c->out) && !c->force)
    return message("`%s` is there already\n      = help: --force replaces it", c->out);
  if (atomic_write(c->out, text, strlen(text), &error))
    fprintf(stderr, "wrote %s: `netc train %s` trains it\n", c->out, c->out);
  return error;
}

/* A path in a network file counts from the file's folder. */
static char *path_from(const char *out, const char *data) {
  const char *slash = out ? strrchr(out, '/') : NULL;
  char *full = slash && *data != '/' ? realpath(data, NULL) : NULL;
  return full ? full : message("%s", data);
}

const struct argp new_argp = {options, parse, "DATASET|KIND", doc, NULL, NULL, NULL};

int command_new(int argc, char **argv) {
  new_command c = {.window = -1, .horizon = -1};
  parse_command(&new_argp, argc, argv, &c);
  plan p = {0};
  const char *named = c.what;
  char *path = NULL, *wrong = NULL;
  if (!plan_kind(&p, c.what)) {
    c.what = path = path_from(c.out, c.what);
    wrong = plan_data(&p, &c);
  }
  if (!wrong) {
    char *text = text_of(&p, named);
    if (c.out) wrong = write_file(&c, text);
    else fputs(text, stdout);
    free(text);
  }
  free(path);
  free(p.data);
  free(p.input);
  free(p.target);
  return wrong ? report_failure(wrong) : EXIT_DONE;
}
