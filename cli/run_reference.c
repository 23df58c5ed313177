#include "cli/run_reference.h"
#include "runtime/atomic_file.h"
#include "runtime/file.h"
#include "runtime/message.h"
#include "runtime/run_dir.h"
#include "runtime/sha256.h"
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Of the one run that a command line names; kept until the program ends. */
static char *network, *weights, *named, *data, *seed, *parts;
static bool shuffle = true;

static const char *text_of(json_object *j, const char *key) {
  json_object *v = NULL;
  return json_object_object_get_ex(j, key, &v) ? json_object_get_string(v) : NULL;
}

static bool has_hash(const char *path, const char *hash) {
  char hex[65], *error = NULL;
  size_t n;
  char *text = read_whole_file(path, 1 << 30, &n, &error);
  free(error);
  if (!text) return false;
  sha256 s;
  sha256_start(&s);
  sha256_add(&s, text, n);
  sha256_hex(&s, hex);
  free(text);
  return hash && !strcmp(hex, hash);
}

/* Are all sources of the run what they were? */
static bool unchanged(json_object *run) {
  json_object *list = NULL;
  if (!json_object_object_get_ex(run, "sources", &list) ||
      !json_object_is_type(list, json_type_array))
    return false;
  for (size_t i = 0; i < json_object_array_length(list); i++) {
    json_object *s = json_object_array_get_idx(list, i);
    const char *path = text_of(s, "path");
    if (!path || !has_hash(path, text_of(s, "sha256"))) return false;
  }
  return true;
}

static char *copy_of(const char *text) { return text ? message("%s", text) : NULL; }

static void read_settings(json_object *run) {
  json_object *set = NULL;
  if (!json_object_object_get_ex(run, "settings", &set)) return;
  const char *order = text_of(set, "shuffle");
  seed = copy_of(text_of(set, "seed"));
  parts = copy_of(text_of(set, "split"));
  shuffle = !order || strcmp(order, "false") != 0;
}

/* The best weights in a run's directory, else the last, malloc'd. */
static char *weights_of(const char *dir) {
  char *best = run_file(dir, "best.safetensors");
  if (file_exists(best)) return best;
  free(best);
  return run_file(dir, "last.safetensors");
}

static void read_run(const char *dir, json_object *run) {
  const char *file = text_of(run, "file"), *set = text_of(run, "data");
  if (!file) return;
  const char *slash = strrchr(file, '/');
  weights = weights_of(dir);
  read_settings(run);
  network = unchanged(run) ? copy_of(file) : run_file(dir, slash ? slash + 1 : file);
  data = set && (file_exists(set) || is_directory(set)) ? copy_of(set) : NULL;
}

const char *run_network(const char *path) {
  if (!is_directory(path)) return path;
  char *record = run_file(path, "run.json"), *error = NULL;
  size_t n;
  char *text = file_exists(record) ? read_whole_file(record, 1 << 26, &n, &error) : NULL;
  json_object *run = text ? json_tokener_parse(text) : NULL;
  if (run) read_run(path, run);
  json_object_put(run);
  free(text);
  free(error);
  free(record);
  return network ? network : path;
}

const char *weights_named(const char *path) {
  if (!is_directory(path)) return path;
  free(named);
  return named = weights_of(path);
}

const char *run_weights(void) { return weights; }
const char *run_seed(void) { return seed; }
const char *run_split(void) { return parts; }
bool run_shuffle(void) { return shuffle; }
const char *run_data(void) { return data; }
