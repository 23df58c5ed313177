#include "base/internal.h"
#include "cli/settings.h"
#include "cli/fingerprint.h"
#include "cli/version.h"
#include "runtime/atomic_file.h"
#include "runtime/lr_schedule.h"
#include "runtime/message.h"
#include "runtime/sha256.h"
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_SETTINGS = 32 };

static void add(run_settings *s, const char *key, bool fixed, const char *json) {
  if (s->n == MAX_SETTINGS) internal_error("settings of a run", "more than there is room for");
  s->setting[s->n++] = (run_setting){key, json, fixed};
}

/* A JSON string in the graph's arena. */
static const char *quoted(const graph *g, const char *text) {
  if (!text) return "null";
  json_object *j = json_object_new_string(text);
  const char *copy =
      arena_strdup(g->mem, json_object_to_json_string_ext(j, JSON_C_TO_STRING_NOSLASHESCAPE));
  json_object_put(j);
  return copy;
}

const char *describe_use(const graph *g, const opuse *u) {
  const char *text = u->op ? u->op->name : "none";
  for (int i = 0; i < u->n_set; i++)
    if (u->set[i].v[0] == u->set[i].v[1])
      text = arena_printf(g->mem, "%s %s=%.9g", text, u->set[i].name, u->set[i].v[0]);
    else
      text = arena_printf(g->mem, "%s %s=%.9gx%.9g", text, u->set[i].name, u->set[i].v[0],
                          u->set[i].v[1]);
  return text;
}

static const char *describe_schedule(const graph *g) {
  const traincfg *t = &g->train;
  const schedule_rule *r = &t->schedule;
  if (!r->kind) return "null";
  const char *text = arena_printf(g->mem, "%s%s", r->kind, r->in_steps ? " steps" : "");
  for (int i = 0; i < SCHEDULE_VALUES; i++)
    text = arena_printf(g->mem, "%s %.9g", text, r->value[i]);
  return quoted(g, text);
}

static const char *describe_stop(const graph *g) {
  const traincfg *t = &g->train;
  if (!t->stop_metric) return "null";
  return quoted(g, arena_printf(g->mem, "%s patience=%d%s", t->stop_metric, t->stop_patience,
                                t->stop_restore ? " restore" : ""));
}

static const char *describe_augment(const graph *g) {
  const traincfg *t = &g->train;
  const struct {
    const char *name;
    double value;
  } more[] = {{"crop", t->augment.crop},
              {"rotate", t->augment.rotate},
              {"cutout", t->augment.cutout},
              {"noise", t->augment.noise},
              {"mixup", t->augment.mixup}};
  const char *text =
      arena_printf(g->mem, "%sshift=%d", t->augment.flip ? "flip " : "", t->augment.shift);
  bool any = t->augment.flip || t->augment.shift;
  for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
    if (more[i].value != 0)
      text = arena_printf(g->mem, "%s %s=%.9g", text, more[i].name, more[i].value);
    any |= more[i].value != 0;
  }
  return any ? quoted(g, text) : "null";
}

/* SHA-256 of a file in hexadecimal, or null if it cannot be read any more. */
static const char *hash_of_file(const graph *g, const char *path) {
  char hex[65], *error = NULL;
  size_t n;
  char *text = read_whole_file(path, 1 << 30, &n, &error);
  if (!text) {
    free(error);
    return "null";
  }
  sha256 s;
  sha256_start(&s);
  sha256_add(&s, text, n);
  sha256_hex(&s, hex);
  free(text);
  return arena_printf(g->mem, "\"%s\"", hex);
}

static const char *describe_sources(const graph *g) {
  const char *list = "";
  for (int i = 0; i < g->n_source; i++)
    list = arena_printf(g->mem, "%s%s{\"path\": %s, \"sha256\": %s}", list, i ? ", " : "",
                        quoted(g, g->source_path[i]), hash_of_file(g, g->source_path[i]));
  return arena_printf(g->mem, "[%s]", list);
}

static const char *time_now(const graph *g) {
  char text[40];
  time_t t = time(NULL);
  struct tm tm;
  gmtime_r(&t, &tm);
  strftime(text, sizeof text, "\"%Y-%m-%dT%H:%M:%SZ\"", &tm);
  return arena_strdup(g->mem, text);
}

static const char **describe_about(const workload *w, const train_flags *f) {
  const graph *g = w->g;
  const char *pairs[] = {"netc",    quoted(g, NETC_VERSION),
                         "network", quoted(g, g->name),
                         "file",    quoted(g, g->path),
                         "sources", describe_sources(g),
                         "data",    quoted(g, w->ds->path),
                         "started", time_now(g),
                         "threads", arena_printf(g->mem, "%d", f->threads),
                         NULL};
  const char **copy = NEW_N(g->mem, const char *, sizeof pairs / sizeof *pairs);
  memcpy(copy, pairs, sizeof pairs);
  return copy;
}

run_settings describe_run(const workload *w, const train_flags *f) {
  const graph *g = w->g;
  const traincfg *t = &g->train;
  run_settings s = {.setting = NEW_N(g->mem, run_setting, MAX_SETTINGS)};
  char *fingerprint = arena_alloc(g->mem, 68);
  graph_fingerprint(g, fingerprint);
  const bool epochs_matter = schedule_looks_ahead(&t->schedule);
  add(&s, "network", true, quoted(g, fingerprint));
  add(&s, "epochs", epochs_matter, arena_printf(g->mem, "%.0f", t->epochs.v[0]));
  add(&s, "batch", true, arena_printf(g->mem, "%.0f", t->batch.v[0]));
  add(&s, "lr", true, arena_printf(g->mem, "%.9g", t->lr.v[0]));
  add(&s, "seed", true, arena_printf(g->mem, "%.0f", t->seed.v[0]));
  const char *split =
      arena_printf(g->mem, "%lld/%lld", (long long)w->sp->n_train, (long long)w->sp->n_val);
  if (w->sp->n_test) split = arena_printf(g->mem, "%s/%lld", split, (long long)w->sp->n_test);
  add(&s, "split", true, quoted(g, split));
  add(&s, "shuffle", true, f->shuffle ? "true" : "false");
  if (t->shards.n) add(&s, "shards", true, arena_printf(g->mem, "%.0f", t->shards.v[0]));
  for (int i = 0; i < t->n_metric; i++)
    add(&s, t->metric[i].column, true, quoted(g, describe_use(g, &t->metric[i].compared.use)));
  add(&s, "loss", true, quoted(g, describe_use(g, &t->loss->use)));
  add(&s, "optimizer", true,
      t->n_optimizer ? quoted(g, describe_use(g, &t->optimizer[0])) : "null");
  if (t->clip.n) add(&s, "clip", true, arena_printf(g->mem, "%.9g", t->clip.v[0]));
  if (t->average.n) add(&s, "average", true, arena_printf(g->mem, "%.9g", t->average.v[0]));
  if (t->epoch_steps)
    add(&s, "epoch_steps", true, arena_printf(g->mem, "%lld", (long long)t->epoch_steps));
  add(&s, "schedule", true, describe_schedule(g));
  add(&s, "stop", true, describe_stop(g));
  add(&s, "augment", true, describe_augment(g));
  add(&s, "data_hash", true, arena_printf(g->mem, "\"%016llx\"", (unsigned long long)w->ds->hash));
  add(&s, "weights", false, quoted(g, f->weights));
  if (f->weights) add(&s, "weights_sha256", false, hash_of_file(g, f->weights));
  s.about = describe_about(w, f);
  return s;
}
