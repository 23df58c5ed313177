#include "run_record.h"
#include "atomic_file.h"
#include "message.h"
#include "run_dir.h"
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *train_outcome_word(train_outcome t) {
  static const char *const words[] = {"done", "stopped", "interrupted", "diverged", "failed"};
  return words[t];
}

/* A number with 9 significant digits: enough for a float, and no noise after it. */
static json_object *number(double v) {
  char text[40];
  snprintf(text, sizeof text, "%.9g", v);
  return v - v == 0 ? json_object_new_double_s(v, text) : NULL;
}

void *epoch_row_json(const epoch_row *r, const metric_names *names) {
  json_object *j = json_object_new_object();
  json_object_object_add(j, "epoch", json_object_new_int(r->epoch));
  json_object_object_add(j, "train_loss", number(r->train_loss));
  json_object_object_add(j, "train_acc", number(r->train_acc));
  json_object_object_add(j, "val_loss", number(r->val_loss));
  json_object_object_add(j, "val_acc", number(r->val_acc));
  json_object_object_add(j, "seconds", number(r->seconds));
  for (int i = 0; i < names->n; i++) json_object_object_add(j, names->name[i], number(r->more[i]));
  for (int i = 0; i < names->n_own; i++)
    json_object_object_add(j, names->own[i], number(r->own[i]));
  return j;
}

static void add_result(json_object *j, const train_result *r) {
  json_object_object_add(j, "compile_seconds", number(r->compile_seconds));
  json_object_object_add(j, "waited_for_data", number(r->waited));
  json_object_object_add(j, "seconds", number(r->seconds));
  json_object_object_add(j, "memory_bytes", json_object_new_int64((int64_t)r->bytes));
  json_object_object_add(j, "epochs_done", json_object_new_int(r->n_row));
  if (r->best) json_object_object_add(j, "best", epoch_row_json(&r->row[r->best - 1], &r->names));
  if (r->n_row)
    json_object_object_add(j, "final", epoch_row_json(&r->row[r->n_row - 1], &r->names));
  if (r->error) json_object_object_add(j, "error", json_object_new_string(r->error));
}

bool run_record_write(const train_options *o, const char *status, const train_result *r,
                      char **error) {
  json_object *j = json_object_new_object(), *settings = json_object_new_object();
  for (int i = 0; o->about && o->about[i]; i += 2)
    json_object_object_add(j, o->about[i], json_tokener_parse(o->about[i + 1]));
  for (int i = 0; i < o->n_setting; i++)
    json_object_object_add(settings, o->setting[i].key, json_tokener_parse(o->setting[i].json));
  json_object_object_add(j, "settings", settings);
  json_object_object_add(j, "samples_train", json_object_new_int64(o->sp->n_train));
  json_object_object_add(j, "samples_val", json_object_new_int64(o->sp->n_val));
  if (o->sp->n_test)
    json_object_object_add(j, "samples_test", json_object_new_int64(o->sp->n_test));
  json_object_object_add(j, "status", json_object_new_string(status));
  if (r) add_result(j, r);
  char *text = clean_utf8(json_object_to_json_string_ext(
      j, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
  char *path = run_file(o->dir, "run.json");
  bool ok = atomic_write(path, text, strlen(text), error);
  free(path);
  free(text);
  json_object_put(j);
  return ok;
}
