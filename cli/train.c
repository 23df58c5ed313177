/* netc train: compiles a network and trains it. */
#include "cli/lints.h"
#include "base/source.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/terminal.h"
#include "cli/trace.h"
#include "cli/version.h"
#include "product/program.h"
#include "runtime/atomic_file.h"
#include "runtime/interrupt.h"
#include "runtime/message.h"
#include "runtime/plot.h"
#include "runtime/run_dir.h"
#include "runtime/run_record.h"
#include "runtime/tfevents.h"
#include <json-c/json.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_RESUME = 1, KEY_PLOT, KEY_TENSORBOARD };

typedef struct {
  train_flags f;
  const char *file, *out, *resume, *tensorboard;
  bool plot;
} train_command;

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0,
     "directory of the run (default: the first free of runs/NAME, "
     "runs/NAME-2 ...)",
     3},
    {"resume", KEY_RESUME, "DIR", 0,
     "go on with the run in DIR to the same bits as if it had never "
     "stopped; an ordinary start where there is nothing yet",
     3},
    {"tensorboard", KEY_TENSORBOARD, "DIR", 0,
     "write the curves for TensorBoard as well, in a folder of DIR that is named after the run", 3},
    {"plot", KEY_PLOT, 0, 0, "draw the curves in the terminal after every epoch", 3},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  train_command *c = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[1] = state->child_inputs[2] = &c->f; break;
  case 'o': c->out = arg; break;
  case KEY_RESUME: c->resume = arg; break;
  case KEY_PLOT: c->plot = true; break;
  case KEY_TENSORBOARD: c->tensorboard = arg; break;
  case ARGP_KEY_END:
    if (c->out && c->resume && strcmp(c->out, c->resume))
      argp_error(state, "-o and --resume name different directories");
    if (c->f.force && c->resume)
      argp_error(state, "--force would remove the run that --resume goes on with");
    break;
  default: return option_file(state, key, arg, &c->file);
  }
  return 0;
}

static const char doc[] =
    "Compiles FILE.net and trains it, with a line for every epoch (* marks the best so far)."
    "\vThe run's directory gets metrics.csv, best.safetensors, last.safetensors, run.json, "
    "curves.svg and curves.png, a copy of the source, and checkpoint.safetensors for --resume. The "
    "best epoch is the one of the highest validation accuracy, and of equal ones of the lower "
    "validation loss; with `stop METRIC` it is the best by that metric. Ctrl-C and SIGTERM finish "
    "the "
    "step, write a checkpoint, and end with status 130 or 143.";

/* Weights of a run whose checkpoint is gone: going on is not possible, and starting anew would
   replace them. */
static bool lost_checkpoint(const char *dir) {
  char *checkpoint = run_file(dir, "checkpoint.safetensors"),
       *best = run_file(dir, "best.safetensors"), *last = run_file(dir, "last.safetensors");
  bool lost = access(checkpoint, F_OK) != 0 && (access(best, F_OK) == 0 || access(last, F_OK) == 0);
  free(checkpoint);
  free(best);
  free(last);
  return lost;
}

/* The directory that the command line names, made if need be; NULL with *error if it may not be
   written to. */
static char *given_directory(const train_command *c, const char *given, char **error) {
  struct stat st;
  if (stat(given, &st) == 0 && !S_ISDIR(st.st_mode))
    *error = message("`%s` is not a directory", given);
  else if (!make_directories(given, error) || !run_dir_lock(given, error)) return NULL;
  else if (!c->resume && !c->f.force && run_dir_holds_run(given))
    *error = message("`%s` holds a run already\n      = help: --resume %s goes on with it, --force "
                     "replaces it, another -o leaves it alone",
                     given, given);
  else if (c->resume && lost_checkpoint(given))
    *error =
        message("`%s` holds weights but no checkpoint.safetensors to go on from\n      = help: "
                "`-o %s --force` replaces them, `--weights %s/last.safetensors` with another -o "
                "starts from them",
                given, given, given);
  return *error ? NULL : message("%s", given);
}

/* The directory to write to (malloc'd), which no other process writes to; NULL after the error was
   printed. */
static char *choose_directory(const train_command *c, const graph *g) {
  char *error = NULL, *dir = NULL;
  const char *given = c->resume ? c->resume : c->out;
  if (given) {
    dir = given_directory(c, given, &error);
  } else {
    char *base = message("runs/%s", g->name);
    dir = run_dir_next(base, &error);
    if (dir) run_dir_lock(dir, &error);
    free(base);
  }
  if (error) {
    free(dir);
    report_failure(error);
    return NULL;
  }
  return dir;
}

/* The texts that were compiled, beside what came of them. */
static void copy_sources(const graph *g, const char *dir) {
  for (int i = 0; i < g->n_source; i++) {
    char *error = NULL;
    if (!copy_into(dir, g->source_path[i], &error)) {
      diag_tell(DIAG_CAUTION, "%s", error);
      free(error);
    }
  }
}

typedef struct {
  progress bar;
  const train_options *o;
  const char *tensorboard; /* the directory of --tensorboard, or NULL */
  tfevents *events;
  const metric_names *names;
  bool quiet;
  bool started;
  plot_job curves; /* gnuplot at work on all rows */
} view;

/* Curves for others are no reason to lose a run: an error is told, and nothing more is written. */
static void give_up_events(view *v, char *error) {
  diag_tell(DIAG_CAUTION, "no more curves for TensorBoard: %s", error);
  free(error);
  tfevents_close(v->events);
  v->events = NULL;
}

static void begin_events(view *v, int first) {
  const char *dir = v->o->dir, *slash = strrchr(dir, '/');
  char *error = NULL, *own = run_file(v->tensorboard, slash && slash[1] ? slash + 1 : dir);
  v->events = tfevents_open(own, first, &error);
  free(own);
  if (!v->events) give_up_events(v, error);
}

/* "mae/validation" of "val_mae": of both parts there is one chart. */
static void task_tag(char tag[80], const char *name) {
  const bool validation = !strncmp(name, "val_", 4);
  snprintf(tag, 80, "%.60s/%s", strchr(name, '_') + 1, validation ? "validation" : "train");
}

static void add_events(view *v, const epoch_row *r) {
  enum { ALWAYS = 3, VALUES = METRIC_VALUES + MAX_METRICS, MOST = ALWAYS + 2 + VALUES };
  const char *tags[MOST] = {"loss/train", "loss/validation", "seconds", "accuracy/train",
                            "accuracy/validation"};
  double value[MOST] = {r->train_loss, r->val_loss, r->seconds, r->train_acc, r->val_acc};
  char own[VALUES][80];
  const metric_names *names = v->names;
  int n = isnan(r->train_acc) ? ALWAYS : ALWAYS + 2;
  for (int i = 0; i < names->n + names->n_own; i++) {
    const int k = i - names->n;
    task_tag(own[i], k < 0 ? names->name[i] : names->own[k]);
    tags[n] = own[i];
    value[n++] = k < 0 ? r->more[i] : r->own[k];
  }
  char *error = NULL;
  if (!tfevents_add(v->events, r->epoch, n, tags, value, &error)) give_up_events(v, error);
}

static void on_note(void *self, const char *text) {
  (void)self;
  diag_tell(DIAG_CAUTION, "%s", text);
}

static void on_compiled(void *self, double seconds, int first, metric_task task,
                        const metric_names *names) {
  view *v = self;
  const split *sp = v->o->sp;
  v->started = true;
  v->bar.task = task;
  v->names = v->bar.names = names;
  copy_sources(v->o->g, v->o->dir);
  if (v->tensorboard) begin_events(v, first);
  if (v->quiet) return;
  if (first > 1) fprintf(stderr, "going on with epoch %d of the run in %s\n", first, v->o->dir);
  print_line(stderr, 2, "compiled in %.2f s; training on %lld samples, validating on %lld", seconds,
             (long long)sp->n_train, (long long)sp->n_val);
  if (sp->n_test)
    fprintf(stderr, "%lld samples are kept for a test: netc eval RUN --part test\n",
            (long long)sp->n_test);
}

static void on_step(void *self, const train_progress *p) { progress_step(&((view *)self)->bar, p); }

/* After the last epoch the curves are drawn while the weights are written. */
static void on_epoch(void *self, const epoch_row *rows, int n, int best) {
  view *v = self;
  progress_epoch(&v->bar, rows, n, best);
  if (v->events) add_events(v, &rows[n - 1]);
  if (n == (int)v->o->g->train.epochs.v[0])
    v->curves = plot_curves(v->o->dir, v->o->g->name, rows, n, best);
}

static void draw_curves(view *v, const train_result *r) {
  if (!v->curves.pid) v->curves = plot_curves(v->o->dir, v->o->g->name, r->row, r->n_row, r->best);
  if (r->n_row && !plot_wait(&v->curves))
    diag_tell(DIAG_REMARK, "no curves.svg and curves.png, for gnuplot (Debian: gnuplot-nox) "
                           "did not run");
}

static void add_result(json_object *j, const train_options *o, const train_result *r) {
  json_object *epochs = json_object_new_array();
  for (int i = 0; i < r->n_row; i++)
    json_object_array_add(epochs, epoch_row_json(&r->row[i], &r->names));
  json_object_object_add(j, "directory", json_object_new_string(o->dir));
  json_object_object_add(j, "status", json_object_new_string(train_outcome_word(r->outcome)));
  json_object_object_add(j, "compile_seconds", json_object_new_double(r->compile_seconds));
  json_object_object_add(j, "seconds", json_object_new_double(r->seconds));
  json_object_object_add(j, "memory_bytes", json_object_new_int64((int64_t)r->bytes));
  if (r->best) json_object_object_add(j, "best", epoch_row_json(&r->row[r->best - 1], &r->names));
  json_object_object_add(j, "epochs", epochs);
}

/* "validation accuracy 0.9333, loss 0.3972" */
static const char *row_text(char buf[120], const epoch_row *b, metric_task task) {
  if (isnan(b->val_loss)) snprintf(buf, 120, "training loss %.4f", b->train_loss);
  else if (task == TASK_NUMBERS)
    snprintf(buf, 120, "validation loss %.4f, mean absolute error %.4g, R2 %.4f", b->val_loss,
             b->more[1], b->more[2]);
  else if (task == TASK_PIXELS)
    snprintf(buf, 120, "validation IoU %.4f, accuracy %.4f, loss %.4f", b->more[0], b->val_acc,
             b->val_loss);
  else if (task == TASK_LABELS)
    snprintf(buf, 120, "validation accuracy %.4f of labels, F1 %.4f, loss %.4f", b->val_acc,
             b->more[0], b->val_loss);
  else if (task == TASK_TOKENS)
    snprintf(buf, 120, "validation loss %.4f, %.4f bits a position, accuracy %.4f", b->val_loss,
             b->more[0], b->val_acc);
  else if (task == TASK_NONE) snprintf(buf, 120, "validation loss %.4f", b->val_loss);
  else snprintf(buf, 120, "validation accuracy %.4f, loss %.4f", b->val_acc, b->val_loss);
  return buf;
}

static void tell_end(const train_options *o, const train_result *r) {
  if (!r->best) {
    fprintf(stderr, "written to %s\n", o->dir);
    return;
  }
  const epoch_row *b = &r->row[r->best - 1];
  if (r->outcome == TRAIN_STOPPED)
    fprintf(stderr, "stopped early: no better %s in %d epochs\n", o->g->train.stop_metric,
            o->g->train.stop_patience);
  char text[120];
  print_line(stderr, 2, "best epoch %d: %s; weights in %s/best.safetensors", b->epoch,
             row_text(text, b, r->task), o->dir);
}

/* The command that goes on with the run, with the options that it was started with. */
static void tell_how_to_resume(const train_command *c, const char *dir) {
  const train_flags *f = &c->f;
  fprintf(stderr, "interrupted; to go on: netc train %s", c->file);
  for (int i = 0; i < f->n_override; i++) fprintf(stderr, " --%s %s", f->word[i], f->text[i]);
  if (f->data) fprintf(stderr, " --data %s", f->data);
  if (!f->shuffle) fputs(" --no-shuffle", stderr);
  fprintf(stderr, " --resume %s\n", dir);
}

/* Reports how the run ended; the exit status. */
static int conclude(const train_command *c, const train_options *o, train_result *r, view *v) {
  progress_clear(&v->bar);
  if (v->started && o->dir) draw_curves(v, r);
  if (c->f.json && r->outcome != TRAIN_FAILED) {
    json_object *j = json_object_new_object();
    add_result(j, o, r);
    print_json(j);
  }
  if (r->error) {
    char *text = r->error;
    r->error = NULL;
    return report_failure(text);
  }
  if (r->outcome == TRAIN_INTERRUPTED) {
    tell_how_to_resume(c, o->dir);
    return 128 + (interrupt_signal() ? interrupt_signal() : SIGTERM);
  }
  if (!c->f.json) tell_end(o, r);
  return EXIT_DONE;
}

/* What a run depends on, held together over the ranks; false after the error was printed. */
static bool ranks_agree(const ranks *r, const graph *g, const run_settings *s) {
  char *rest = message("%s", ""), *data = message("%s", ""), *error;
  for (int i = 0; i < s->n; i++) {
    if (!s->setting[i].fixed && strcmp(s->setting[i].key, "epochs") != 0) continue;
    char **which = strcmp(s->setting[i].key, "data_hash") ? &rest : &data;
    char *longer = message("%s%s=%s;", *which, s->setting[i].key, s->setting[i].json);
    free(*which);
    *which = longer;
  }
  error = ranks_compare(r, NETC_VERSION, "version of netc");
  if (!error) error = ranks_compare(r, rest, "network file, or other options,");
  if (!error) error = ranks_compare(r, data, "data set");
  free(rest);
  free(data);
  const int shards = g->train.shards.n ? (int)g->train.shards.v[0] : 0;
  if (!error && !shards)
    error =
        message("%d processes need parts to share: write `train { shards %d; .. }`", r->n, r->n);
  if (!error && shards % r->n)
    error = message("%d processes cannot share %d shards evenly", r->n, shards);
  if (error) report_failure(error);
  return !error;
}

/* Alone, or as one of several processes: *r. False after the error was printed. */
static bool join_ranks(const ranks **r) {
  char *error = NULL;
  *r = ranks_here(&error);
  if (*r) ranks_hush(*r);
  if (error) report_failure(error);
  return !error;
}

/* The status of a rank that only works along: rank 0 tells the rest. */
static int conclude_along(train_result *r) {
  if (r->outcome == TRAIN_INTERRUPTED) return EXIT_DONE;
  if (!r->error) return EXIT_DONE;
  char *text = r->error;
  r->error = NULL;
  const int status = report_failure(text);
  return r->outcome == TRAIN_DIVERGED ? EXIT_DONE : status; /* a divergence is everybody's */
}

static int train_in(const train_command *c, workload *w, const run_settings *s, const ranks *r,
                    const char *dir) {
  view v = {.quiet = c->f.json, .tensorboard = c->tensorboard};
  train_observer observer = {&v, on_compiled, on_note, on_step, on_epoch};
  train_options o = {.g = w->g,
                     .ds = w->ds,
                     .sp = w->sp,
                     .dir = dir,
                     .weights = c->f.weights,
                     .resume = c->resume != NULL,
                     .clear = c->f.force,
                     .shuffle = c->f.shuffle,
                     .threads = c->f.threads,
                     .ranks = r,
                     .n_setting = s->n,
                     .setting = s->setting,
                     .about = s->about,
                     .observer = dir ? &observer : NULL};
  progress_init(&v.bar, !c->f.json && dir, c->plot, (int)w->g->train.epochs.v[0]);
  v.o = &o;
  train_result result;
  interrupt_watch();
  train_network(&o, &result);
  tfevents_close(v.events);
  int status = dir ? conclude(c, &o, &result, &v) : conclude_along(&result);
  train_result_free(&result);
  return status;
}

static int train(const train_command *c) {
  workload w;
  const ranks *r;
  if (!join_ranks(&r) || !workload_open(&w, c->file, &c->f, NULL)) return EXIT_WRONG_INPUT;
  run_settings s = describe_run(&w, &c->f);
  const bool along = r && r->rank;
  char *dir = NULL;
  bool ok = !r || ranks_agree(r, w.g, &s);
  if (ok && !along) ok = (dir = choose_directory(c, w.g)) != NULL;
  int status = EXIT_WRONG_INPUT;
  if (ok) {
    add_lints(&w);
    diag_print(w.g->d, stderr);
    status = train_in(c, &w, &s, r, dir);
  }
  if (dir) rmdir(dir); /* only succeeds on one that nothing was written to */
  free(dir);
  workload_close(&w);
  return status;
}

static const struct argp_child children[] = {
    {&trace_argp, 0, 0, 0}, {&value_flags_argp, 0, 0, 0}, {&work_flags_argp, 0, 0, 0}, {0}};
const struct argp train_argp = {options, parse, "FILE.net", doc, children, 0, 0};

int command_train(int argc, char **argv) {
  train_command c = {0};
  train_flags_init(&c.f);
  parse_command(&train_argp, argc, argv, &c);
  return only_dumps() ? dump_program(c.file, &c.f, true) : train(&c);
}
