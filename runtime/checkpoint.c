#include "checkpoint.h"
#include "hash.h"
#include "message.h"
#include "weight_file.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_META = 128 };

typedef struct {
  int n;
  st_meta meta[MAX_META];
} meta_list;

static void add(meta_list *m, char *key, char *value) {
  if (m->n == MAX_META) abort();
  m->meta[m->n++] = (st_meta){key, value};
}

static void add_whole(meta_list *m, const char *key, int64_t v) {
  add(m, message("%s", key), message("%lld", (long long)v));
}

/* Hexadecimal floating point is exact. */
static void add_real(meta_list *m, const char *key, double v) {
  add(m, message("%s", key), message("%a", v));
}

static void add_row(meta_list *m, const epoch_row *r) {
  add_whole(m, "best.epoch", r->epoch);
  add_real(m, "best.train_loss", r->train_loss);
  add_real(m, "best.train_acc", r->train_acc);
  add_real(m, "best.val_loss", r->val_loss);
  add_real(m, "best.val_acc", r->val_acc);
  add_real(m, "best.seconds", r->seconds);
}

/* Of every tensor and every count, in whatever order they come: a byte that a disk has changed is
   not to be trained on. */
static uint64_t checksum(const st_tensor *t, int n, const st_meta *meta, int n_meta) {
  uint64_t sum = 0;
  for (int i = 0; i < n; i++)
    sum += hash_bytes(hash_bytes(1, t[i].name, strlen(t[i].name)), t[i].data, t[i].bytes);
  for (int i = 0; i < n_meta; i++)
    if (strcmp(meta[i].key, "checksum"))
      sum += hash_bytes(hash_bytes(2, meta[i].key, strlen(meta[i].key)), meta[i].value,
                        strlen(meta[i].value));
  return sum;
}

static void add_checksum(meta_list *m, const weight_copy *w) {
  uint64_t sum = checksum(w->tensor, w->n, m->meta, m->n);
  add(m, message("checksum"), message("%016llx", (unsigned long long)sum));
}

bool checkpoint_save(const char *path, const weight_copy *w, const train_state *s,
                     const run_setting *setting, int n_setting, char **error) {
  meta_list m = {0};
  add(&m, message("netc"), message("checkpoint 2"));
  add_whole(&m, "epoch", s->epoch);
  add_whole(&m, "step", s->step);
  add_real(&m, "loss_sum", s->loss_sum);
  add_whole(&m, "correct", s->correct);
  add_real(&m, "error_sum", s->error_sum);
  add_real(&m, "seconds", s->seconds);
  add_whole(&m, "stopped", s->stopped);
  add_row(&m, &s->best);
  add_whole(&m, "stop.best_epoch", s->stop.best_epoch);
  add_real(&m, "stop.best", s->stop.best);
  for (int i = 0; i < n_setting; i++)
    add(&m, message("setting.%s", setting[i].key), message("%s", setting[i].json));
  add_checksum(&m, w);
  bool ok = weights_write(w, path, true, m.meta, m.n, error);
  for (int i = 0; i < m.n; i++) {
    free((char *)m.meta[i].key);
    free((char *)m.meta[i].value);
  }
  return ok;
}

static int64_t whole(const safetensors *st, const char *key) {
  const char *v = safetensors_meta(st, key);
  return v ? strtoll(v, NULL, 10) : -1;
}

static double real(const safetensors *st, const char *key) {
  const char *v = safetensors_meta(st, key);
  return v ? strtod(v, NULL) : 0;
}

/* Returns what differs from the settings of the checkpoint (malloc'd), or NULL. */
static char *compare_settings(const safetensors *st, const run_setting *setting, int n) {
  for (int i = 0; i < n; i++) {
    char *key = message("setting.%s", setting[i].key);
    const char *was = safetensors_meta(st, key);
    free(key);
    if (setting[i].fixed && (!was || strcmp(was, setting[i].json)))
      return message("its %s was %.60s, and now is %.60s", setting[i].key, was ? was : "not given",
                     setting[i].json);
  }
  return NULL;
}

static bool read_state(const safetensors *st, train_state *s) {
  s->epoch = (int)whole(st, "epoch");
  s->step = whole(st, "step");
  s->loss_sum = real(st, "loss_sum");
  s->correct = whole(st, "correct");
  s->error_sum = real(st, "error_sum");
  s->seconds = real(st, "seconds");
  s->stopped = whole(st, "stopped") == 1;
  s->best = (epoch_row){(int)whole(st, "best.epoch"),
                        real(st, "best.train_loss"),
                        real(st, "best.train_acc"),
                        real(st, "best.val_loss"),
                        real(st, "best.val_acc"),
                        real(st, "best.seconds"),
                        {0},
                        {0}};
  s->stop.best_epoch = (int)whole(st, "stop.best_epoch");
  s->stop.best = real(st, "stop.best");
  return s->epoch >= 0 && s->step >= 0 && s->correct >= 0 && s->best.epoch >= 0 &&
         s->best.epoch <= s->epoch && s->stop.best_epoch >= 0;
}

/* Checkpoints of kind 1 had no checksum. */
static bool undamaged(const safetensors *st) {
  const char *kind = safetensors_meta(st, "netc"), *noted = safetensors_meta(st, "checksum");
  char sum[20];
  snprintf(sum, sizeof sum, "%016llx",
           (unsigned long long)checksum(st->tensor, st->n, st->meta, st->n_meta));
  return noted ? !strcmp(noted, sum) : !strcmp(kind, "checkpoint 1");
}

bool checkpoint_load(const char *path, const program *p, void *params, void *state, train_state *s,
                     const run_setting *setting, int n_setting, char **error) {
  safetensors *st = safetensors_read(path, error);
  if (!st) return false;
  const char *kind = safetensors_meta(st, "netc");
  char *differs = NULL;
  bool ok = false;
  if (!kind || (strcmp(kind, "checkpoint 1") && strcmp(kind, "checkpoint 2")))
    *error = message("`%s` is not a checkpoint of this version", path);
  else if (!undamaged(st))
    *error = message("`%s` is damaged: its checksum does not fit its contents", path);
  else if ((differs = compare_settings(st, setting, n_setting)))
    *error = message("cannot resume from `%s`: %s (give the settings that the run had, or train "
                     "anew in another directory)",
                     path, differs);
  else if (!read_state(st, s)) *error = message("`%s` has damaged counts", path);
  else ok = weights_import(p, st, path, false, params, state, error);
  free(differs);
  safetensors_free(st);
  return ok;
}
