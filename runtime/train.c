#include "train.h"
#include "base/timing.h"
#include "base/workers.h"
#include "atomic_file.h"
#include "batch.h"
#include "evaluate.h"
#include "interrupt.h"
#include "memory_block.h"
#include "message.h"
#include "normalize.h"
#include "prefetch.h"
#include "run_dir.h"
#include "run_record.h"
#include "shards.h"
#include "lr_schedule.h"
#include "travel.h"
#include "weight_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Everything of one run. */
typedef struct {
  const train_options *o;
  train_result *r;
  lr_schedule rate;
  int64_t steps;   /* of one epoch, the smaller last batch included */
  int64_t samples; /* of one epoch */
  int64_t batch;
  program *full, *rest, *eval;
  shards *parts;  /* where a batch is cut into parts; then full is that of the largest part */
  program *whole; /* whose params and state blocks are those of the run */
  bool stop;      /* some process was asked to stop */
  memory_block memory;
  void *params, *state, *best;
  void *averaged; /* see presented(); as large as params where weights are averaged */
  step_buffers full_buffers, rest_buffers, eval_buffers;
  prefetch *ahead; /* makes the next batch, where there is a processor for it; else NULL */
  bool takes_long; /* making batches does */
  double began;    /* when the first step did */
  metric metric;   /* of the step */
  int n_travel;
  st_meta travel[MAX_TRAVEL]; /* of the data set, for the weights */
  int64_t *order;
  train_state s;
  bool best_is_new;        /* not yet in best.safetensors */
  double epoch_start;      /* of the running epoch, or of going on with it */
  double saved, save_cost; /* when the last checkpoint was written, and how long that took */
} trainer;

/* A checkpoint is written when this long has gone by, or when writing takes a small share of the
   time: training is never held up by the disk. */
static const double save_least = 0.5, save_share = 20.0, save_least_results_only = 5.0;

static const traincfg *settings(const trainer *t) { return &t->o->g->train; }

static program *compile(const trainer *t, bool train, int64_t batch) {
  program_options o = {.train = train, .loss = true, .batch = (int)batch, .threads = t->o->threads};
  return batch ? program_build(t->o->g, &o) : NULL;
}

static void compile_all(trainer *t) {
  const double start = seconds_now();
  const int64_t n = t->o->sp->n_train;
  const int64_t wanted = (int64_t)settings(t)->batch.v[0], drawn = settings(t)->epoch_steps;
  const int64_t batch = drawn || wanted < n ? wanted : n;
  const int64_t rest = drawn ? 0 : n % batch;
  t->batch = batch;
  if (settings(t)->shards.n) {
    t->parts =
        shards_new(t->o->g, (int)settings(t)->shards.v[0], batch, rest, t->o->threads, t->o->ranks);
    t->full = shards_part(t->parts);
    t->whole = shards_whole(t->parts);
  } else {
    t->whole = t->full = compile(t, true, batch);
    t->rest = compile(t, true, rest);
  }
  t->eval = compile(t, false, evaluation_batch(t->o->sp->n_val));
  t->steps = drawn ? drawn : (n + batch - 1) / batch;
  t->samples = drawn ? drawn * batch : n;
  t->r->compile_seconds = seconds_now() - start;
}

static int largest_batch(const trainer *t) {
  int a = program_batch(t->full), b = program_batch(t->eval);
  return a > b ? a : b;
}

static size_t largest_workspace(const trainer *t) {
  const program *all[] = {t->full, t->rest, t->eval};
  size_t most = 0;
  for (int i = 0; i < 3; i++)
    if (all[i] && program_work_bytes(all[i]) > most) most = program_work_bytes(all[i]);
  const size_t parts = t->parts ? shards_work_bytes(t->parts) : 0;
  return parts > most ? parts : most;
}

enum { PARTS = 6 };

/* Programs run one at a time: they share buffers and workspace. */
static void allocate_all(trainer *t) {
  const int batch = largest_batch(t);
  const size_t params = program_params_bytes(t->whole), state = program_state_bytes(t->whole);
  const size_t bytes[PARTS] = {params,
                               params,
                               state,
                               (size_t)t->samples * sizeof(int64_t),
                               largest_workspace(t),
                               settings(t)->average.n ? params : 0};
  program *widest = t->eval ? t->eval : t->full; /* it has the metrics' ports besides */
  size_t total = step_buffers_bytes(widest, batch);
  void *part[PARTS];
  for (int i = 0; i < PARTS; i++) total += memory_rounded(bytes[i]);
  memory_reserve(&t->memory, total);
  for (int i = 0; i < PARTS; i++) part[i] = memory_take(&t->memory, bytes[i]);
  step_buffers_take(&t->eval_buffers, &t->memory, widest, batch, part[4]);
  memory_all_taken(&t->memory);
  t->r->bytes = params + state + largest_workspace(t) + (t->parts ? shards_own_bytes(t->parts) : 0);
  t->params = part[0];
  t->best = part[1];
  t->state = part[2];
  t->order = part[3];
  t->averaged = part[5];
  t->full_buffers = step_buffers_for(&t->eval_buffers, t->full);
  t->rest_buffers = step_buffers_for(&t->eval_buffers, t->rest);
  t->metric = metric_new(t->full);
  t->r->task = t->metric.task;
  t->r->names = t->metric.names;
  t->n_travel = travel_of(t->o->ds, t->o->g, t->travel);
}

/* Seconds spent on the running epoch, in this run and before it was resumed. */
static double epoch_seconds(const trainer *t) {
  return t->s.seconds + seconds_now() - t->epoch_start;
}

static bool fail(trainer *t, char *error) {
  t->r->outcome = TRAIN_FAILED;
  t->r->error = error;
  return false;
}

/* The weights that are validated and written: the averages, where there are any and a step was
   made; running statistics are the newest. */
static void *presented(const trainer *t) {
  if (!settings(t)->average.n || !(t->s.epoch || t->s.step)) return t->params;
  memcpy(t->averaged, t->params, program_params_bytes(t->whole));
  program_average(t->whole, t->state, t->averaged);
  return t->averaged;
}

/* One weight file of the run, with the epoch that it is from. */
static bool write_weights(const trainer *t, const void *params, const char *name, int from_epoch,
                          char **error) {
  if (t->o->results_only) return true;
  char epoch[24], *path = run_file(t->o->dir, name);
  snprintf(epoch, sizeof epoch, "%d", from_epoch);
  st_meta meta[2 + MAX_TRAVEL] = {{"format", "pt"}, {"epoch", epoch}};
  memcpy(meta + 2, t->travel, sizeof t->travel);
  weight_copy w = weights_export(t->whole, params, NULL);
  bool ok = weights_write(&w, path, false, meta, 2 + t->n_travel, error);
  weights_free(&w);
  free(path);
  return ok;
}

static bool write_best(trainer *t, char **error) {
  if (!t->best_is_new) return true;
  bool ok = write_weights(t, t->best, "best.safetensors", t->s.best.epoch, error);
  t->best_is_new = !ok;
  return ok;
}

static bool write_checkpoint(const trainer *t, char **error) {
  weight_copy w = weights_export(t->whole, t->params, t->state);
  char *path = run_file(t->o->dir, "checkpoint.safetensors");
  train_state s = t->s;
  if (s.step) s.seconds = epoch_seconds(t);
  bool ok = checkpoint_save(path, &w, &s, t->o->setting, t->o->n_setting, error);
  weights_free(&w);
  free(path);
  return ok;
}

/* Writes what is there now: the best weights if they are new, the newest weights, the checkpoint.
   In this order, so that the checkpoint never speaks of files that are not there. */
static bool save(trainer *t) {
  if (!t->o->dir) return true;
  const double start = seconds_now();
  char *error = NULL;
  bool ok = write_best(t, &error) &&
            write_weights(t, presented(t), "last.safetensors", t->s.epoch, &error) &&
            write_checkpoint(t, &error);
  t->saved = seconds_now();
  t->save_cost = t->saved - start;
  return ok || fail(t, error);
}

static bool save_if_due(trainer *t) {
  const double least = t->o->results_only ? save_least_results_only : save_least;
  const double wait = fmax(least, save_share * t->save_cost);
  return seconds_now() - t->saved < wait || save(t);
}

/* A batch that gave a loss that is no number: says where, and leaves every file as it is. */
static bool diverged(trainer *t, const char *where) {
  bool finite;
  double largest;
  const char *layer = weights_suspect(t->whole, t->params, &finite, &largest);
  t->r->outcome = TRAIN_DIVERGED;
  if (finite)
    t->r->error =
        message("the loss is no longer a finite number in epoch %d, %s; the weights still "
                "are: the largest, %.3g, is in layer `%s`",
                t->s.epoch + 1, where, largest, layer ? layer : "(none)");
  else
    t->r->error = message("the loss is no longer a finite number in epoch %d, %s; the first layer "
                          "whose weights are not finite is `%s`",
                          t->s.epoch + 1, where, layer);
  return false;
}

/* The samples of the step after this one, which follow in the epoch's order. */
static int next_batch(const trainer *t, const shard_step *step) {
  const int64_t at = step->index - t->order + step->n, left = t->samples - at;
  return (int)(left < t->batch ? left : t->batch);
}

/* Fills b, by all threads of the run; or, once that is seen to take long and where there are more
   processors than these, the next batch is made beside the computation. */
static void give_batch(trainer *t, const shard_step *step, const step_buffers *b) {
  static const double long_share = 0.01, long_seconds = 0.05;
  const double start = seconds_now(), run = start - t->began;
  if (!t->ahead || !prefetch_take(t->ahead, step->index, step->n, b))
    batch_give_shared(step->ds, step->index, step->n, step->change, b, t->o->threads);
  t->r->waited += seconds_now() - start;
  t->takes_long |= t->r->waited > long_seconds && t->r->waited > long_share * run;
  if (t->takes_long && !t->ahead && t->o->threads < workers_processors())
    t->ahead = prefetch_new(&t->full_buffers);
  const int n = t->ahead ? next_batch(t, step) : 0;
  if (n > 0) prefetch_begin(t->ahead, step->ds, step->index + step->n, n, step->change);
}

/* One step on `batch` samples; what it adds to the epoch's sums. */
static shard_sums whole_step(trainer *t, const shard_step *step) {
  const step_buffers *b = step->n == program_batch(t->full) ? &t->full_buffers : &t->rest_buffers;
  give_batch(t, step, b);
  run_args a = {.params = step->params,
                .state = step->state,
                .work = b->work,
                .port = b->port,
                .lr = step->lr,
                .seed = step->seed,
                .step = step->step};
  program_run(b->p, &a);
  shard_sums sums = {.stop = step->stop};
  for (int i = 0; i < step->n; i++) sums.loss += b->losses[i];
  metric_clear(&t->metric);
  metric_add(&t->metric, b->port, step->n, true);
  sums.hits = t->metric.hits;
  sums.error = t->metric.error;
  return sums;
}

/* One step on `batch` samples from position `at` of the epoch's order. False: loss not finite. */
static augmentation change_of(const trainer *t) {
  const traincfg *c = settings(t);
  return (augmentation){.flip = c->augment.flip,
                        .shift = c->augment.shift,
                        .crop = c->augment.crop,
                        .rotate = c->augment.rotate,
                        .cutout = c->augment.cutout,
                        .noise = c->augment.noise,
                        .mixup = c->augment.mixup,
                        .seed = (uint64_t)c->seed.v[0],
                        .epoch = (uint64_t)t->s.epoch,
                        .train = t->o->sp->train,
                        .n_train = t->o->sp->n_train};
}

static bool run_step(trainer *t, int64_t at, int batch) {
  const augmentation change = change_of(t);
  const shard_step step = {.ds = t->o->ds,
                           .index = t->order + at,
                           .n = batch,
                           .change = augments(&change) ? &change : NULL,
                           .params = t->params,
                           .state = t->state,
                           .lr = (float)schedule_rate(&t->rate, t->s.epoch, t->s.step),
                           .seed = change.seed,
                           .step = (uint64_t)t->s.epoch * (uint64_t)t->steps + (uint64_t)t->s.step,
                           .buffers = &t->full_buffers,
                           .stop = interrupt_signal() != 0};
  const shard_sums sums = t->parts ? shards_run(t->parts, &step) : whole_step(t, &step);
  t->stop = sums.stop;
  t->s.correct += (int64_t)sums.hits;
  t->s.error_sum += sums.error;
  t->s.loss_sum += sums.loss;
  t->s.step++;
  return isfinite(sums.loss);
}

static void show_step(const trainer *t, int64_t done) {
  const train_observer *w = t->o->observer;
  if (!w || !w->step) return;
  train_progress p = {done, t->samples, t->s.epoch + 1, t->rate.epochs,
                      t->s.loss_sum / (double)done};
  w->step(w->self, &p);
}

/* Processes that share a run stop after the same step: what each knows by itself does not count. */
static bool stopping(const trainer *t) { return t->o->ranks ? t->stop : interrupt_signal() != 0; }

/* Ends the run because of a signal, after the step that was running. */
static bool interrupted(trainer *t) {
  if (save(t)) t->r->outcome = TRAIN_INTERRUPTED;
  return false;
}

/* The rest of the running epoch's steps. False: the run is over. */
static bool train_epoch(trainer *t) {
  const int64_t n = t->samples, batch = t->batch;
  const uint64_t seed = (uint64_t)settings(t)->seed.v[0], epoch = (uint64_t)t->s.epoch;
  if (settings(t)->epoch_steps) split_epoch_draw(t->o->sp, seed, epoch, n, t->order);
  else split_epoch_order(t->o->sp, seed, epoch, t->o->shuffle, t->order);
  while (t->s.step < t->steps) {
    int64_t at = t->s.step * batch, k = n - at < batch ? n - at : batch;
    if (!run_step(t, at, (int)k)) {
      char where[40];
      snprintf(where, sizeof where, "batch %lld", (long long)t->s.step);
      return diverged(t, where);
    }
    show_step(t, at + k);
    if (stopping(t) && t->s.step < t->steps) return interrupted(t);
    if (t->s.step < t->steps && !save_if_due(t)) return false;
  }
  return true;
}

static void keep_if_best(trainer *t, const epoch_row *row, const void *params) {
  if (t->s.best.epoch && !row_better(&t->s.stop.of, &t->s.best, row)) return;
  t->s.best = *row;
  t->r->best = row->epoch;
  memcpy(t->best, params, program_params_bytes(t->whole));
  t->best_is_new = true;
}

/* The epoch is complete: validation, its row, the best weights, early stopping. */
/* The row of the epoch that ends. */
static epoch_row row_of(const trainer *t, const evaluation *e) {
  const double compared = (double)t->samples * (double)t->metric.positions;
  const bool counts = t->metric.task != TASK_NUMBERS && t->metric.task != TASK_NONE;
  epoch_row row = {t->s.epoch + 1,
                   t->s.loss_sum / (double)t->samples,
                   counts ? (double)t->s.correct / compared : NAN,
                   e->loss,
                   e->accuracy,
                   epoch_seconds(t),
                   {e->value[0], e->value[1], e->value[2]},
                   {0}};
  memcpy(row.own, e->own, sizeof row.own);
  if (t->metric.task == TASK_NUMBERS) row.more[0] = t->s.error_sum / compared;
  return row;
}

static void begin_next_epoch(trainer *t) {
  t->s.epoch++;
  t->s.step = 0;
  t->s.loss_sum = t->s.error_sum = t->s.seconds = 0;
  t->s.correct = 0;
}

static bool end_epoch(trainer *t) {
  const split *sp = t->o->sp;
  void *params = presented(t);
  evaluation e =
      evaluate(&t->eval_buffers, params, t->o->ds, sp->val, sp->n_val, NULL, t->o->ranks);
  if (sp->n_val && !isfinite(e.loss)) return diverged(t, "validation");
  epoch_row row = row_of(t, &e);
  keep_if_best(t, &row, params);
  t->s.stopped = early_stop_after(&t->s.stop, &row);
  begin_next_epoch(t);
  t->r->row[t->r->n_row++] = row;
  char *error = NULL;
  if (t->o->dir && !metrics_append(t->o->dir, &t->r->names, &row, &error)) return fail(t, error);
  if (t->o->observer && t->o->observer->epoch)
    t->o->observer->epoch(t->o->observer->self, t->r->row, t->r->n_row, t->r->best);
  return true;
}

static bool run_epochs(trainer *t) {
  t->began = seconds_now();
  while (t->s.epoch < t->rate.epochs && !t->s.stopped) {
    t->epoch_start = seconds_now();
    if (!train_epoch(t) || !end_epoch(t)) return false;
    bool more = t->s.epoch < t->rate.epochs && !t->s.stopped;
    if (more && stopping(t)) return interrupted(t);
    if (more && !save_if_due(t)) return false;
  }
  return true;
}

/* `stop ... restore`: the weights of the best epoch become the last ones. The checkpoint keeps the
   weights as they were trained, for going on with more epochs. */
static bool restore_best(trainer *t) {
  if (!settings(t)->stop_metric || !settings(t)->stop_restore || !t->s.best.epoch) return true;
  memcpy(t->params, t->best, program_params_bytes(t->whole));
  char *error = NULL;
  return !t->o->dir || write_weights(t, t->best, "last.safetensors", t->s.best.epoch, &error) ||
         fail(t, error);
}

/* Weights that a diverged run had reached before are kept; those of the broken step are not. */
static void keep_best_of_diverged(trainer *t) {
  char *error = NULL;
  if (t->o->dir && !write_best(t, &error)) free(error); /* the divergence is the error to tell */
}

/* What the checkpoint does not hold of the best epoch. */
static void keep_values(epoch_row *best, const epoch_row *row) {
  if (!best->epoch) return;
  memcpy(best->more, row[best->epoch - 1].more, sizeof best->more);
  memcpy(best->own, row[best->epoch - 1].own, sizeof best->own);
}

/* Rows and best weights of the epochs that the checkpoint knows. A crash may have left later ones,
   which come again. */
static bool resume_files(trainer *t) {
  char *error = NULL;
  int n = metrics_read(t->o->dir, t->r->names.n_own, t->r->row, t->s.epoch, &error);
  if (n >= 0 && n < t->s.epoch)
    error = message("`%s/metrics.csv` has %d of the %d epochs that the checkpoint counts",
                    t->o->dir, n, t->s.epoch);
  if (error || !metrics_write(t->o->dir, &t->r->names, t->r->row, n, &error)) return fail(t, error);
  keep_values(&t->s.best, t->r->row);
  t->r->n_row = n;
  t->r->best = t->s.best.epoch;
  char *best = run_file(t->o->dir, "best.safetensors");
  if (t->s.best.epoch && !t->o->results_only && !weights_load(t->whole, best, t->best, &error))
    fail(t, error);
  free(best);
  return !error;
}

static bool given_weights(trainer *t, char **error) {
  const train_observer *o = t->o->observer;
  char *note = NULL;
  bool ok = weights_load_fitting(t->whole, t->o->weights, t->params, &note, error);
  if (note && o && o->note) o->note(o->self, note);
  free(note);
  return ok;
}

/* Initial weights, or those of a checkpoint or a file; an empty metrics.csv, or the one to go on
   with. *fresh: nothing was resumed. */
static bool start_weights(trainer *t, bool *fresh) {
  char *error = NULL, *path = t->o->dir ? run_file(t->o->dir, "checkpoint.safetensors") : NULL;
  *fresh = !(t->o->resume && path && access(path, F_OK) == 0);
  program_init(t->whole, t->params, t->state, (uint64_t)settings(t)->seed.v[0]);
  if (*fresh) normalize_measure(t->whole, t->o->g, t->o->ds, t->o->sp, t->params);
  bool ok;
  if (*fresh) ok = !t->o->weights || given_weights(t, &error);
  else
    ok = checkpoint_load(path, t->whole, t->params, t->state, &t->s, t->o->setting, t->o->n_setting,
                         &error);
  free(path);
  return ok || fail(t, error);
}

/* A run can be gone on with from its first moment: the first weights may come long before the
   first checkpoint, and the end of the process between them. */
static bool start_files(trainer *t, bool fresh) {
  char *error = NULL;
  if (!t->o->dir) return true;
  run_dir_tidy(t->o->dir);
  if (!fresh) return resume_files(t);
  if (t->o->clear) run_dir_clear(t->o->dir);
  return (make_directories(t->o->dir, &error) && run_record_write(t->o, "running", t->r, &error) &&
          metrics_write(t->o->dir, &t->r->names, NULL, 0, &error) &&
          (t->o->results_only || write_checkpoint(t, &error))) ||
         fail(t, error);
}

static int count_of(const values *v, int otherwise) { return v->n ? (int)v->v[0] : otherwise; }

static void prepare(trainer *t) {
  const traincfg *c = settings(t);
  compile_all(t);
  allocate_all(t);
  t->rate = (lr_schedule){c->schedule, c->lr.v[0], count_of(&c->epochs, 1), t->steps};
  t->s.stop = (early_stop){{c->stop_metric, c->stop_own, c->stop_rises}, c->stop_patience, 0, 0};
  t->r->row = allocate((size_t)t->rate.epochs * sizeof *t->r->row);
}

/* Whatever rank 0 begins with, everybody begins with: weights, the optimizer's state, where the run
   stands. */
static void share_start(trainer *t) {
  const ranks *r = t->o->ranks;
  const early_stop own = t->s.stop;
  ranks_must(r, r->api->broadcast(t->params, program_params_bytes(t->whole)), "send the weights");
  ranks_must(r, r->api->broadcast(t->best, program_params_bytes(t->whole)), "send the weights");
  ranks_must(r, r->api->broadcast(t->state, program_state_bytes(t->whole)), "send the state");
  ranks_must(r, r->api->broadcast(&t->s, sizeof t->s), "send the state");
  t->s.stop.of = own.of; /* a pointer, which is of this process */
}

static void run(trainer *t) {
  bool fresh;
  if (!start_weights(t, &fresh)) return;
  /* A checkpoint of more epochs than are asked for now: nothing is left to do. */
  if (t->s.epoch > t->rate.epochs)
    t->r->row = realloc(t->r->row, (size_t)t->s.epoch * sizeof *t->r->row);
  if (!start_files(t, fresh)) return;
  if (t->o->ranks) share_start(t);
  const train_observer *w = t->o->observer;
  if (w && w->compiled)
    w->compiled(w->self, t->r->compile_seconds, t->s.epoch + 1, t->metric.task, &t->r->names);
  t->saved = seconds_now();
  bool anything = t->s.epoch < t->rate.epochs && !t->s.stopped;
  if (run_epochs(t) && (!anything || t->o->results_only || (save(t) && restore_best(t))))
    t->r->outcome = t->s.stopped ? TRAIN_STOPPED : TRAIN_DONE;
  if (t->r->outcome == TRAIN_DIVERGED) keep_best_of_diverged(t);
}

static void remove_checkpoint(const trainer *t) {
  char *path = run_file(t->o->dir, "checkpoint.safetensors");
  unlink(path);
  free(path);
}

void train_network(const train_options *o, train_result *r) {
  const double start = seconds_now();
  *r = (train_result){.outcome = TRAIN_FAILED};
  trainer t = {.o = o, .r = r};
  prepare(&t);
  run(&t);
  r->seconds = seconds_now() - start;
  char *error = NULL;
  if (o->dir && r->outcome != TRAIN_FAILED &&
      !run_record_write(o, train_outcome_word(r->outcome), r, &error))
    fail(&t, error);
  if (o->dir && o->results_only && r->outcome != TRAIN_INTERRUPTED && r->outcome != TRAIN_FAILED)
    remove_checkpoint(&t);
  metric_free(&t.metric);
  for (int i = 0; i < t.n_travel; i++) free((char *)t.travel[i].value);
  prefetch_free(t.ahead);
  memory_release(&t.memory);
  if (t.parts) shards_free(t.parts);
  else program_free(t.full);
  program_free(t.rest);
  program_free(t.eval);
}

void train_result_free(train_result *r) {
  free(r->error);
  free(r->row);
}
