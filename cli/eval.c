/* netc eval: how good trained weights are, on the whole and for each class. */
#include "cli/confusion.h"
#include "base/source.h"
#include "cli/inference.h"
#include "cli/eval_task.h"
#include "cli/run_reference.h"
#include "cli/trace.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/workload.h"
#include "runtime/class_weights.h"
#include "runtime/message.h"
#include "runtime/sheet.h"
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { PART_DEFAULT, PART_VAL, PART_TRAIN, PART_TEST, PART_ALL } part;

typedef struct {
  train_flags f;
  const char *file, *worst, *confusion;
  part which;
} eval_command;

enum { KEY_PART = 1, KEY_WORST, KEY_CONFUSION, KEY_SPLIT, KEY_NO_SHUFFLE };
enum { MAX_WORST = 48, WORST_COLUMNS = 8 };

static const struct argp_option options[] = {
    {"weights", 'w', "FILE", 0, "the weights (safetensors), or the run that has them; needed", 1},
    {"data", 'd', "PATH", 0, "another data set, of which every sample is used", 1},
    {"part", KEY_PART, "PART", 0,
     "val, train, test or all: the part of the split (default: val, or all "
     "with --data)",
     1},
    {"split", KEY_SPLIT, "A/B", 0, "the split, instead of the file's", 2},
    {"seed", 's', "N", 0, "the seed that the split was drawn with, instead of the file's", 2},
    {"no-shuffle", KEY_NO_SHUFFLE, 0, 0, "the split was made in the order of the data set", 2},
    {"worst", KEY_WORST, "OUT.png", 0, "write a sheet of the most confidently wrong images", 3},
    {"confusion", KEY_CONFUSION, "OUT.svg", 0, "draw the confusion matrix", 3},
    {"threads", 't', "N", 0, "threads", 3},
    {"json", 'j', 0, 0, "print one JSON object instead of tables", 3},
    {0}};

static const char doc[] =
    "Loss, accuracy, precision and recall of each class, and the confusion matrix of FILE.net with "
    "trained weights."
    "\vPrecision: the share of the samples put into a class that belong there. Recall: the share "
    "of a "
    "class's samples that were put there. The rows of the confusion matrix are the true classes.";

static part part_named(struct argp_state *state, const char *arg) {
  if (!strcmp(arg, "val")) return PART_VAL;
  if (!strcmp(arg, "train")) return PART_TRAIN;
  if (!strcmp(arg, "test")) return PART_TEST;
  if (strcmp(arg, "all")) argp_error(state, "--part takes val, train, test or all, not `%s`", arg);
  return PART_ALL;
}

static void override(train_flags *f, const char *word, const char *text) {
  f->word[f->n_override] = word;
  f->text[f->n_override++] = text;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  eval_command *c = state->input;
  switch (key) {
  case 'w': c->f.weights = weights_named(arg); break;
  case 'd': c->f.data = arg; break;
  case KEY_PART: c->which = part_named(state, arg); break;
  case KEY_SPLIT: override(&c->f, "split", arg); break;
  case 's':
    option_whole(state, "--seed", arg, 0, 1L << 52);
    override(&c->f, "seed", arg);
    break;
  case KEY_NO_SHUFFLE: c->f.shuffle = false; break;
  case KEY_WORST: c->worst = arg; break;
  case KEY_CONFUSION: c->confusion = arg; break;
  case 't': c->f.threads = (int)option_whole(state, "--threads", arg, 1, 1024); break;
  case 'j': c->f.json = true; break;
  case ARGP_KEY_END:
    if (!c->f.weights) c->f.weights = run_weights();
    if (!c->f.weights && !only_dumps())
      argp_error(state, "--weights is needed (e.g. runs/NAME/best.safetensors)");
    break;
  default: return option_file(state, key, arg, &c->file);
  }
  return 0;
}

/* What was found out about n samples. */
typedef struct {
  const dataset *ds;
  int classes;
  int64_t n;
  const int64_t *index;
  int32_t *predicted;
  float *probability;
  int64_t *confusion; /* classes x classes: true class, predicted class */
  evaluation e;
  metric_names names;
} findings;

static int64_t cell(const findings *r, int truth, int predicted) {
  return r->confusion[truth * r->classes + predicted];
}

static void fill_confusion(findings *r) {
  for (int64_t i = 0; i < r->n; i++)
    r->confusion[r->ds->labels[r->index[i]] * r->classes + r->predicted[i]]++;
}

/* NaN where there is nothing to divide by. */
static double precision(const findings *r, int k) {
  int64_t all = 0;
  for (int i = 0; i < r->classes; i++) all += cell(r, i, k);
  return all ? (double)cell(r, k, k) / (double)all : NAN;
}

static int64_t support(const findings *r, int k) {
  int64_t all = 0;
  for (int i = 0; i < r->classes; i++) all += cell(r, k, i);
  return all;
}

static double recall(const findings *r, int k) {
  return support(r, k) ? (double)cell(r, k, k) / (double)support(r, k) : NAN;
}

static double standard_error(const findings *r) {
  return sqrt(r->e.accuracy * (1 - r->e.accuracy) / (double)r->n);
}

static void add_share(table *t, double v) {
  if (isnan(v)) table_add(t, "-");
  else table_add(t, "%.4f", v);
}

static int longest_name(const findings *r) {
  char number[16];
  int longest = 0;
  for (int k = 0; k < r->classes; k++) {
    const int w = text_columns(dataset_class_name(r->ds, k, number));
    longest = w > longest ? w : longest;
  }
  return longest;
}

/* Names as long as there is room for them: the matrix is as wide as it has classes. */
static void print_confusion(const findings *r) {
  static const char corner[] = "true \\ predicted";
  const int columns = terminal_columns(stdout), name = longest_name(r), k_all = r->classes;
  int left = name > 16 ? 16 : name, width = name;
  left = left < (int)sizeof corner - 1 && !columns ? (int)sizeof corner - 1 : left;
  if (columns && left + k_all * (width + 1) > columns) width = (columns - left) / k_all - 1;
  width = width < 4 ? 4 : width > 12 ? 12 : width;
  char number[16];
  putchar('\n');
  print_in_columns(stdout, corner, left, true);
  for (int k = 0; k < k_all; k++) {
    putchar(' ');
    print_in_columns(stdout, dataset_class_name(r->ds, k, number), width, false);
  }
  for (int i = 0; i < k_all; i++) {
    putchar('\n');
    print_in_columns(stdout, dataset_class_name(r->ds, i, number), left, true);
    for (int k = 0; k < k_all; k++) printf(" %*lld", width, (long long)cell(r, i, k));
  }
  putchar('\n');
}

static void print_tables(const findings *r) {
  static const table_column columns[] = {
      {"class", 1, 16, 0}, {"precision", 0, 0, 0}, {"recall", 0, 9, 0}, {"samples", 0, 9, 0}};
  char number[16];
  printf("samples   %lld\nloss      %.4f\naccuracy  %.4f  (%lld right; standard error %.4f)\n\n",
         (long long)r->n, r->e.loss, r->e.accuracy, (long long)r->e.correct, standard_error(r));
  tell_own(&r->names, &r->e, NULL);
  if (r->names.n_own) putchar('\n');
  table *t = table_new(columns, 4);
  for (int k = 0; k < r->classes; k++) {
    table_add(t, "%s", dataset_class_name(r->ds, k, number));
    add_share(t, precision(r, k));
    add_share(t, recall(r, k));
    table_add(t, "%lld", (long long)support(r, k));
  }
  table_print(t, "--json has everything");
  if (r->classes <= 20) print_confusion(r);
  else printf("\n(--json has the confusion matrix of %d classes)\n", r->classes);
}

static json_object *real(double v) { return isfinite(v) ? json_object_new_double(v) : NULL; }

static bool wrong(const findings *r, int64_t i) {
  return r->predicted[i] != r->ds->labels[r->index[i]];
}

/* Positions of at most MAX_WORST wrong samples, the most confident first. */
static int find_worst(const findings *r, int64_t *worst) {
  int n = 0;
  for (int64_t i = 0; i < r->n; i++) {
    if (!wrong(r, i)) continue;
    int at = n < MAX_WORST ? n++ : MAX_WORST;
    while (at > 0 && r->probability[worst[at - 1]] < r->probability[i]) {
      if (at < MAX_WORST) worst[at] = worst[at - 1];
      at--;
    }
    if (at < MAX_WORST) worst[at] = i;
  }
  return n;
}

/* The last part of a sample's file name; its number where the data set has no names. */
static const char *file_of(const findings *r, int64_t sample) {
  static char number[32];
  snprintf(number, sizeof number, "sample %lld", (long long)sample);
  if (!r->ds->filenames) return number;
  const char *slash = strrchr(r->ds->filenames[sample], '/');
  return slash ? slash + 1 : r->ds->filenames[sample];
}

/* The worst mistakes in words. */
static void print_worst(const findings *r) {
  static const table_column columns[] = {
      {"worst mistakes", 1, 16, 0}, {"is", 1, 0, 0}, {"taken for", 1, 0, 0}, {"surely", 0, 0, 1}};
  enum { SHOWN = 10 };
  int64_t worst[MAX_WORST];
  char a[16], b[16];
  const int n = find_worst(r, worst);
  if (!n) return;
  putchar('\n');
  table *t = table_new(columns, 4);
  for (int i = 0; i < n && i < SHOWN; i++) {
    const int64_t sample = r->index[worst[i]];
    table_add(t, "%s", r->ds->filenames ? r->ds->filenames[sample] : file_of(r, sample));
    table_add(t, "%s", dataset_class_name(r->ds, r->ds->labels[sample], a));
    table_add(t, "%s", dataset_class_name(r->ds, r->predicted[worst[i]], b));
    table_add(t, "%.0f%%", 100.0 * (double)r->probability[worst[i]]);
  }
  table_print(t, "--json has everything");
}

static json_object *worst_json(const findings *r) {
  int64_t worst[MAX_WORST];
  const int n = find_worst(r, worst);
  json_object *list = json_object_new_array();
  for (int i = 0; i < n; i++) {
    const int64_t sample = r->index[worst[i]];
    json_object *o = json_object_new_object();
    json_object_object_add(o, "sample", json_object_new_int64(sample));
    if (r->ds->filenames)
      json_object_object_add(o, "file", json_object_new_string(r->ds->filenames[sample]));
    json_object_object_add(o, "class", json_object_new_int(r->ds->labels[sample]));
    json_object_object_add(o, "predicted", json_object_new_int(r->predicted[worst[i]]));
    json_object_object_add(o, "probability", real((double)r->probability[worst[i]]));
    json_object_array_add(list, o);
  }
  return list;
}

static void print_object(const findings *r) {
  json_object *j = json_object_new_object(), *classes = json_object_new_array(),
              *confusion = json_object_new_array();
  char number[16];
  json_object_object_add(j, "samples", json_object_new_int64(r->n));
  json_object_object_add(j, "loss", real(r->e.loss));
  json_object_object_add(j, "accuracy", real(r->e.accuracy));
  json_object_object_add(j, "standard_error", real(standard_error(r)));
  tell_own(&r->names, &r->e, j);
  json_object_object_add(j, "correct", json_object_new_int64(r->e.correct));
  for (int k = 0; k < r->classes; k++) {
    json_object *c = json_object_new_object(), *row = json_object_new_array();
    json_object_object_add(c, "name", json_object_new_string(dataset_class_name(r->ds, k, number)));
    json_object_object_add(c, "precision", real(precision(r, k)));
    json_object_object_add(c, "recall", real(recall(r, k)));
    json_object_object_add(c, "samples", json_object_new_int64(support(r, k)));
    json_object_array_add(classes, c);
    for (int i = 0; i < r->classes; i++)
      json_object_array_add(row, json_object_new_int64(cell(r, k, i)));
    json_object_array_add(confusion, row);
  }
  json_object_object_add(j, "classes", classes);
  json_object_object_add(j, "confusion", confusion);
  json_object_object_add(j, "worst", worst_json(r));
  print_json(j);
}

static bool write_confusion(const findings *r, const char *path, char **error) {
  const char **name = allocate((size_t)r->classes * sizeof *name);
  char(*number)[16] = allocate((size_t)r->classes * sizeof *number);
  for (int k = 0; k < r->classes; k++) name[k] = dataset_class_name(r->ds, k, number[k]);
  const bool ok = confusion_write(path, name, r->confusion, r->classes, error);
  free(number);
  free(name);
  return ok;
}

/* Sets of pictures name the set first: what the picture is stands at the end. */
static const char *end_of(const char *file) {
  static char text[32];
  enum { SHOWN = 16 };
  const size_t n = strlen(file);
  if (n <= SHOWN) return file;
  snprintf(text, sizeof text, "..%s", file + n - (SHOWN - 2));
  return text;
}

static bool write_worst(const findings *r, const char *path, char **error) {
  if (!r->ds->bytes && !r->ds->floats) {
    *error = message("--worst draws images, and `%s` holds none", r->ds->path);
    return false;
  }
  int64_t worst[MAX_WORST], index[MAX_WORST];
  char *caption[MAX_WORST], number[16], other[16];
  int n = find_worst(r, worst);
  if (!n) {
    diag_tell(DIAG_REMARK, "every answer is right: no `%s` was written", path);
    return true;
  }
  for (int i = 0; i < n; i++) {
    index[i] = r->index[worst[i]];
    caption[i] = message("%.0f%% %s\nis %s\n%s", 100.0 * (double)r->probability[worst[i]],
                         dataset_class_name(r->ds, r->predicted[worst[i]], number),
                         dataset_class_name(r->ds, r->ds->labels[index[i]], other),
                         end_of(file_of(r, index[i])));
  }
  image sheet = sheet_make(r->ds, index, n, n < WORST_COLUMNS ? n : WORST_COLUMNS,
                           (const char *const *)caption);
  bool ok = image_write_png(path, &sheet, error);
  image_free(&sheet);
  for (int i = 0; i < n; i++) free(caption[i]);
  return ok;
}

static part part_of(const eval_command *c) {
  return c->which ? c->which : c->f.data ? PART_ALL : PART_VAL;
}

/* A part without samples is told in words: a split may keep none for it. */
static bool part_is_there(const eval_command *c, workload *w) {
  const part which = part_of(c);
  const split *s = w->sp;
  if (which == PART_TRAIN || (which == PART_VAL && s->n_val) || (which == PART_TEST && s->n_test))
    return true;
  diag_error(w->g->d, w->g->train.split_at,
             which == PART_TEST ? "`split 0.8/0.1/0.1` keeps a tenth for a test, which training "
                                  "never looks at; --part val or --part all looks at others"
                                : "--part all looks at every sample",
             "the split of `%s` leaves no sample for %s", w->ds->path,
             which == PART_TEST ? "the test" : "validation");
  diag_print(w->g->d, stderr);
  workload_close(w);
  return false;
}

static bool overridden(const train_flags *f, const char *word) {
  for (int i = 0; i < f->n_override; i++)
    if (!strcmp(f->word[i], word)) return true;
  return false;
}

/* The split that the run of the command line was trained with: a sample that it trained on must
   not count as one that validates. malloc'd; NULL where the file says the same. */
static char *split_of_run(const workload *w, const train_flags *f) {
  const split *s = w->sp;
  if (!run_split() || overridden(f, "split")) return NULL;
  char *parts = s->n_test ? message("%lld/%lld/%lld", (long long)s->n_train, (long long)s->n_val,
                                    (long long)s->n_test)
                          : message("%lld/%lld", (long long)s->n_train, (long long)s->n_val);
  const bool same = !strcmp(parts, run_split());
  const char *none = strstr(run_split(), "/0"), *last = strrchr(run_split(), '/');
  const bool own_test = w->ds->test_from < w->ds->n && last != strchr(run_split(), '/');
  const size_t n = own_test ? (size_t)(last - run_split()) : strlen(run_split());
  free(parts);
  return same ? NULL : none && !none[2] ? message("1.0") : copy_string(run_split(), n);
}

static bool open_split(const eval_command *c, workload *w) {
  train_flags f = c->f;
  if (!f.data) f.data = run_data();
  if (run_seed() && !overridden(&f, "seed")) override(&f, "seed", run_seed());
  if (!run_shuffle()) f.shuffle = false;
  if (!workload_open(w, c->file, &f, NULL)) return false;
  char *parts = split_of_run(w, &f);
  if (!parts) return true;
  workload_close(w);
  override(&f, "split", parts);
  const bool ok = workload_open(w, c->file, &f, NULL);
  free(parts);
  return ok;
}

/* Network and data; a split only where it is looked at. False after every error was printed. */
static bool open_part(const eval_command *c, workload *w) {
  if (part_of(c) != PART_ALL) return open_split(c, w) && part_is_there(c, w);
  *w = (workload){.g = load_network(c->file, &c->f, NULL)};
  if (!w->g || !open_data(w, c->f.data ? c->f.data : run_data())) {
    workload_close(w);
    return false;
  }
  class_weights_measure(w->g, w->ds, NULL, w->ds->n);
  return true;
}

/* The samples to look at; *all receives what is to be freed. */
static const int64_t *choose(const eval_command *c, const workload *w, int64_t **all, int64_t *n) {
  const part which = part_of(c);
  if (which != PART_ALL) {
    const split *s = w->sp;
    *n = which == PART_VAL ? s->n_val : which == PART_TEST ? s->n_test : s->n_train;
    return which == PART_VAL ? s->val : which == PART_TEST ? s->test : s->train;
  }
  *n = w->ds->n;
  *all = allocate((size_t)w->ds->n * sizeof **all);
  for (int64_t i = 0; i < w->ds->n; i++) (*all)[i] = i;
  return *all;
}

static bool investigate(const eval_command *c, const workload *w, findings *r, char **error) {
  inference f;
  if (!inference_open(&f, w->g, evaluation_batch(r->n), true, c->f.threads, c->f.weights, error))
    return false;
  answers a = {r->predicted, r->probability, NULL};
  r->e = evaluate(&f.b, f.params, w->ds, r->index, r->n, &a, NULL);
  for (int i = 0; i < w->g->train.n_metric; i++)
    r->names.own[r->names.n_own++] = w->g->train.metric[i].column;
  inference_close(&f);
  fill_confusion(r);
  return (!c->worst || write_worst(r, c->worst, error)) &&
         (!c->confusion || write_confusion(r, c->confusion, error));
}

/* Networks that tell no classes of whole samples. */
static int eval_other(const eval_command *c, const workload *w) {
  int64_t *all = NULL, n;
  const int64_t *index = choose(c, w, &all, &n);
  char *error = NULL;
  inference f;
  int status = EXIT_WRONG_INPUT;
  if (inference_open(&f, w->g, evaluation_batch(n), true, c->f.threads, c->f.weights, &error)) {
    status = eval_task(&f, w->ds, index, n, c->f.json);
    inference_close(&f);
  } else {
    report_failure(error);
  }
  free(all);
  return status;
}

static int eval(const eval_command *c, const workload *w) {
  if (!w->ds->labels) return eval_other(c, w);
  int64_t *all = NULL, n;
  const int64_t *index = choose(c, w, &all, &n);
  const size_t k = (size_t)w->g->classes;
  findings r = {.ds = w->ds, .classes = (int)k, .n = n, .index = index};
  char *error = NULL;
  r.predicted = allocate((size_t)n * sizeof *r.predicted);
  r.probability = allocate((size_t)n * sizeof *r.probability);
  r.confusion = allocate(k * k * sizeof *r.confusion);
  bool ok = investigate(c, w, &r, &error);
  if (ok && c->f.json) print_object(&r);
  else if (ok) {
    print_tables(&r);
    print_worst(&r);
  }
  free(r.predicted);
  free(r.probability);
  free(r.confusion);
  free(all);
  return ok ? EXIT_DONE : report_failure(error);
}

static const struct argp_child children[] = {{&trace_argp, 0, 0, 0}, {0}};
const struct argp eval_argp = {options, parse, "FILE.net", doc, children, 0, 0};

int command_eval(int argc, char **argv) {
  eval_command c = {0};
  workload w;
  train_flags_init(&c.f);
  parse_command(&eval_argp, argc, argv, &c);
  if (only_dumps()) return dump_program(c.file, &c.f, false);
  if (!open_part(&c, &w)) return EXIT_WRONG_INPUT;
  int status = eval(&c, &w);
  workload_close(&w);
  return status;
}
