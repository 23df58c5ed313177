/* Which runs a comparison needs. */
#include "cli/settings.h"
#include "base/source.h"
#include "cli/study.h"
#include "product/program.h"
#include "runtime/message.h"
#include "runtime/run_dir.h"
#include "runtime/sha256.h"
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

/* Everything that the bits of a run depend on, but for how many epochs follow. */
static void run_key(const run_settings *r, uint64_t seed, char key[65]) {
  char number[32];
  sha256 s;
  sha256_start(&s);
  for (int i = 0; i < r->n; i++) {
    const char *value = r->setting[i].json;
    if (!strcmp(r->setting[i].key, "seed")) {
      snprintf(number, sizeof number, "%llu", (unsigned long long)seed);
      value = number;
    }
    if (!r->setting[i].fixed && strncmp(r->setting[i].key, "weights", 7)) continue;
    sha256_add(&s, r->setting[i].key, strlen(r->setting[i].key) + 1);
    sha256_add(&s, value, strlen(value) + 1);
  }
  sha256_hex(&s, key);
}

static int find_or_add_job(study *s, const contestant *c, const run_settings *r, uint64_t seed) {
  job j = {.who = c, .seed = seed, .epochs = c->epochs};
  run_key(r, seed, j.key);
  for (int i = 0; i < s->n_job; i++)
    if (!strcmp(s->job[i].key, j.key)) {
      if (s->job[i].epochs < c->epochs) {
        s->job[i].epochs = c->epochs;
        s->job[i].who = c;
      }
      return i;
    }
  j.dir = arena_printf(s->mem, "%s/runs/%.16s", s->dir, j.key);
  PUSH(s->mem, s->job, s->n_job, j);
  return s->n_job - 1;
}

/* An operator with those of its settings that are not 0. */
static const char *short_use(study *s, const opuse *u) {
  const char *text = u->op->name;
  for (int i = 0; i < u->n_set; i++)
    if (u->set[i].v[0] != 0)
      text = arena_printf(s->mem, "%s %s %g", text, u->set[i].name, u->set[i].v[0]);
  return text;
}

/* The settings that a reader wants to see, in one line. */
static const char *settings_line(study *s, const workload *w) {
  const traincfg *t = &w->g->train;
  return arena_printf(s->mem, "%s, lr %g, batch %.0f, epochs %.0f, split %lld/%lld",
                      t->n_optimizer ? short_use(s, &t->optimizer[0]) : "no optimizer", t->lr.v[0],
                      t->batch.v[0], t->epochs.v[0], (long long)w->sp->n_train,
                      (long long)w->sp->n_val);
}

static double majority_share(const workload *w) {
  if (!w->ds->labels) return 0;
  int64_t most = 0, *count = allocate((size_t)w->g->classes * sizeof *count);
  int largest = 0;
  for (int64_t i = 0; i < w->sp->n_train; i++) count[w->ds->labels[w->sp->train[i]]]++;
  for (int k = 1; k < w->g->classes; k++) largest = count[k] > count[largest] ? k : largest;
  for (int64_t i = 0; i < w->sp->n_val; i++) most += w->ds->labels[w->sp->val[i]] == largest;
  free(count);
  return (double)most / (double)w->sp->n_val;
}

static void describe(study *s, contestant *c, const workload *w) {
  const graph *g = w->g;
  const int batch = (int)g->train.batch.v[0];
  program_costs cost = program_cost(g, batch, 1); /* each run has one */
  c->text = arena_strdup(s->mem, g->text);
  c->settings = settings_line(s, w);
  c->watch = (watch){g->train.stop_metric ? arena_strdup(s->mem, g->train.stop_metric) : NULL,
                     g->train.stop_own, g->train.stop_rises};
  c->n_own = g->train.n_metric;
  for (int i = 0; i < c->n_own; i++) c->own[i] = arena_strdup(s->mem, g->train.metric[i].column);
  c->params = cost.params;
  c->macs = cost.macs;
  c->train_bytes = cost.params_bytes + cost.train_bytes;
  c->data_hash = w->ds->hash;
  c->n_train = w->sp->n_train;
  c->n_val = w->sp->n_val;
  c->majority = majority_share(w);
  c->epochs = (int)g->train.epochs.v[0];
}

static bool plan_contestant(study *s, contestant *c) {
  workload w;
  if (!workload_open(&w, c->path, &s->flags, &c->over)) return false;
  describe(s, c, &w);
  run_settings r = describe_run(&w, &s->flags);
  const uint64_t first = (uint64_t)w.g->train.seed.v[0];
  c->job = NEW_N(s->mem, int, s->n_seed);
  for (int i = 0; i < s->n_seed; i++) c->job[i] = find_or_add_job(s, c, &r, first + (uint64_t)i);
  workload_close(&w);
  return true;
}

/* True if an earlier call finished this run, or more epochs of it. */
static bool is_done(const job *j) {
  char *path = run_file(j->dir, "run.json");
  json_object *r = json_object_from_file(path), *status = NULL, *epochs = NULL;
  free(path);
  bool done = false;
  if (r && json_object_object_get_ex(r, "status", &status) &&
      json_object_object_get_ex(r, "epochs_done", &epochs)) {
    const char *word = json_object_get_string(status);
    done = !strcmp(word, "stopped") || !strcmp(word, "diverged") ||
           (!strcmp(word, "done") && json_object_get_int(epochs) >= j->epochs);
  }
  json_object_put(r);
  return done;
}

/* Warns of networks of one study that do not learn from, or are not judged by, the same samples. */
static void warn_of_other_data(const study *s) {
  for (int i = 1; i < s->n; i++) {
    const contestant *a = &s->c[i - 1], *b = &s->c[i];
    if (strcmp(a->study, b->study) != 0 ||
        (a->data_hash == b->data_hash && a->n_train == b->n_train && a->n_val == b->n_val))
      continue;
    diag_tell(DIAG_CAUTION,
              "`%s` and `%s` do not see the same samples (%s): their accuracies "
              "cannot be held against one another, and get no p",
              a->label, b->label,
              a->data_hash == b->data_hash ? "the split is another" : "the data set is another");
  }
}

bool study_plan(study *s) {
  if (run_dir_holds_run(s->dir)) {
    report_failure(message("`%s` holds a training run; give another directory with -o", s->dir));
    return false;
  }
  for (int i = 0; i < s->n; i++)
    if (!plan_contestant(s, &s->c[i])) return false;
  warn_of_other_data(s);
  for (int i = 0; i < s->n_job; i++) {
    if (s->flags.force && !(s->ranks && s->ranks->rank)) run_dir_clear(s->job[i].dir);
    s->job[i].done = !s->flags.force && is_done(&s->job[i]);
    s->job[i].elsewhere = s->shard && i % s->n_shard != s->shard - 1;
  }
  return true;
}
