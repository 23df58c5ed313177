#include "sound_data.h"
#include "file.h"
#include "log_mel.h"
#include "message.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int64_t n;
  char **path;
  int32_t *label;
  int64_t n_class;
  char **class;
} survey;

static int visible(const struct dirent *e) { return e->d_name[0] != '.'; }

static int by_bytes(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static bool wav_name(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot && (!strcasecmp(dot, ".wav") || !strcasecmp(dot, ".wave"));
}

/* Calls f for what a folder holds, in the order of the names, until it says false. */
static void each_entry(const char *folder, bool (*f)(void *, const char *path, const char *name),
                       void *to) {
  struct dirent **list;
  const int n = scandir(folder, &list, visible, by_bytes);
  bool more = true;
  for (int i = 0; i < n; i++) {
    char *path = path_join(folder, list[i]->d_name);
    if (more) more = f(to, path, list[i]->d_name);
    free(path);
    free(list[i]);
  }
  if (n >= 0) free(list);
}

static void *grown(void *p, int64_t n, size_t size) {
  if (n & (n - 1)) return p;
  p = realloc(p, (size_t)(n ? 2 * n : 1) * size);
  if (!p) abort();
  return p;
}

static bool add_file(void *to, const char *path, const char *name) {
  survey *s = to;
  if (!wav_name(name)) return true;
  s->path = grown(s->path, s->n, sizeof *s->path);
  s->label = grown(s->label, s->n, sizeof *s->label);
  s->path[s->n] = message("%s", path);
  s->label[s->n++] = (int32_t)s->n_class;
  return true;
}

static bool add_class(void *to, const char *path, const char *name) {
  survey *s = to;
  const int64_t before = s->n;
  if (is_directory(path)) each_entry(path, add_file, s);
  if (s->n == before) return true;
  s->class = grown(s->class, s->n_class, sizeof *s->class);
  s->class[s->n_class++] = message("%s", name);
  return true;
}

static void survey_free(survey *s) {
  for (int64_t i = 0; i < s->n; i++) free(s->path[i]);
  for (int64_t i = 0; i < s->n_class; i++) free(s->class[i]);
  free(s->path);
  free(s->class);
  free(s->label);
}

bool sound_folder(const char *folder) {
  survey s = {0};
  each_entry(folder, add_class, &s);
  const bool any = s.n > 0;
  survey_free(&s);
  return any;
}

static char *read_sound(const char *path, int *rate, sound *out) {
  char *wrong = NULL;
  size_t n;
  uint8_t *bytes = file_read(path, &n, &wrong);
  if (bytes) wrong = wav_read(bytes, n, out);
  free(bytes);
  if (!wrong && *rate && out->rate != *rate) {
    wrong =
        message("it has %d samples a second, and the others (or the network) %d", out->rate, *rate);
    free(out->sample);
  }
  if (!wrong) *rate = out->rate;
  return wrong ? free_and(wrong, message("`%s`: %s", path, wrong)) : NULL;
}

/* Samples of the longest sound, at most 10 seconds. */
static char *longest(const survey *s, int *rate, int64_t *most) {
  char *wrong = NULL;
  *most = 0;
  for (int64_t i = 0; i < s->n && !wrong; i++) {
    sound one;
    wrong = read_sound(s->path[i], rate, &one);
    if (wrong) break;
    if (one.n > *most) *most = one.n;
    free(one.sample);
  }
  if (*most > 10 * (int64_t)*rate) *most = 10 * (int64_t)*rate;
  return wrong;
}

static void place(const sound *s, int bands, int64_t length, float *to) {
  if (bands) log_mel(s, bands, length, to);
  for (int64_t i = 0; !bands && i < length && i < s->n; i++) to[i] = s->sample[i];
}

static char *read_all(const survey *s, int bands, int *rate, int64_t length, field_set *out) {
  data_field *f = field_add(out, "sound");
  field_shape(f, bands ? 2 : 1, bands ? (int64_t[]){bands, length} : (int64_t[]){length});
  f->stored = message(bands ? "log-mel" : "samples");
  if (f->size > INT64_C(1) << 33 || f->size * s->n > INT64_C(1) << 33)
    return message("%lld sounds of %lld values do not fit in memory", (long long)s->n,
                   (long long)f->size);
  field_allocate(f, FIELD_FLOATS, s->n * f->size);
  char *wrong = NULL;
  for (int64_t i = 0; i < s->n && !wrong; i++) {
    sound one;
    wrong = read_sound(s->path[i], rate, &one);
    if (wrong) break;
    place(&one, bands, length, (float *)f->data + i * f->size);
    free(one.sample);
  }
  return wrong;
}

static void add_labels(const survey *s, field_set *out) {
  data_field *f = field_add(out, "labels");
  field_allocate(f, FIELD_WHOLE, s->n);
  memcpy(f->data, s->label, (size_t)s->n * sizeof *s->label);
  f->stored = message("folders");
  f->below = s->n_class;
  f->names = allocate((size_t)s->n_class * sizeof *f->names);
  for (int64_t k = 0; k < s->n_class; k++) f->names[k] = message("%s", s->class[k]);
}

char *sounds_open(const char *path, int bands, int rate, const data_port *port, field_set *out) {
  survey s = {0};
  int64_t length = port ? port_size(port) / (bands ? bands : 1) : 0;
  *out = (field_set){0};
  if (is_directory(path)) each_entry(path, add_class, &s);
  else add_file(&s, path, "one.wav");
  char *wrong = s.n ? NULL : message("`%s` holds no folders with WAV files", path);
  if (!wrong && !length) {
    wrong = longest(&s, &rate, &length);
    if (!wrong && bands) length = mel_frames(rate, length);
  }
  if (!wrong && length < 1) wrong = message("`%s`: the network takes no whole frames", path);
  if (!wrong) wrong = read_all(&s, bands, &rate, length, out);
  if (!wrong && s.n_class) add_labels(&s, out);
  out->n = out->held_from = s.n;
  out->rate = rate;
  survey_free(&s);
  if (wrong) field_set_free(out);
  return wrong;
}
