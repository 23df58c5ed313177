/* netc pack DIR -o D.pkl: a folder of pictures into a data set. */
#include "cli/command.h"
#include "base/source.h"
#include "runtime/image_folder.h"
#include "runtime/message.h"
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_SIZE = 1000, KEY_FIT, MAX_SIDE = 4096 };

typedef struct {
  const char *folder, *output;
  int w, h;
  const char *fit;
  bool json;
} pack_flags;

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "the pickle to write", 1},
    {"size", KEY_SIZE, "WxH", 0, "resize every picture (default: all must have one size)", 1},
    {"fit", KEY_FIT, "HOW", 0,
     "pictures of other proportions: stretch (default), crop (their middle) or pad (with black)",
     1},
    {"json", 'j', 0, 0, "print one JSON object instead of a table", 1},
    {0}};

static void parse_size(struct argp_state *state, const char *text, pack_flags *f) {
  char end;
  int n = sscanf(text, "%dx%d%c", &f->w, &f->h, &end);
  if (n == 1 && sscanf(text, "%d%c", &f->w, &end) == 1) f->h = f->w, n = 2;
  if (n != 2 || f->w < 1 || f->h < 1 || f->w > MAX_SIDE || f->h > MAX_SIDE)
    argp_error(state, "--size takes width x height as in 32x32, each at most %d, not `%s`",
               MAX_SIDE, text);
}

static void parse_fit(struct argp_state *state, const char *text, pack_flags *f) {
  f->fit = text;
  if (strcmp(fitting_words[fitting_named(text)], text))
    argp_error(state, "--fit takes stretch, crop or pad, not `%s`", text);
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  pack_flags *f = state->input;
  switch (key) {
  case 'o': f->output = arg; break;
  case KEY_SIZE: parse_size(state, arg, f); break;
  case KEY_FIT: parse_fit(state, arg, f); break;
  case 'j': f->json = true; break;
  case ARGP_KEY_ARG:
    if (f->folder) argp_error(state, "one folder at a time");
    f->folder = arg;
    break;
  case ARGP_KEY_END:
    if (!f->folder) argp_error(state, "which folder? It holds one folder of pictures a class");
    if (f->fit && !f->w) argp_error(state, "--fit goes with --size");
    if (!f->output) argp_error(state, "say where to write the pickle: -o FILE.pkl");
    break;
  default: return ARGP_ERR_UNKNOWN;
  }
  return 0;
}

static void show_progress(int64_t done, int64_t total) {
  if (done % 50 == 0 || done == total)
    fprintf(stderr, "\r%lld of %lld pictures%s", (long long)done, (long long)total,
            done == total ? "\n" : "");
}

static void print_table(const packed_images *p, const int64_t *count, const char *output) {
  printf("%s: %lld images of 3x%dx%d (channels x height x width), %d classes\n", output,
         (long long)p->n, p->h, p->w, p->classes);
  for (int c = 0; c < p->classes; c++)
    printf("  %5d  %8lld  %s\n", c, (long long)count[c], p->label_names[c]);
}

static json_object *json_report(const packed_images *p, const int64_t *count, const char *output) {
  json_object *o = json_object_new_object(), *list = json_object_new_array();
  json_object_object_add(o, "path", json_object_new_string(output));
  json_object_object_add(o, "samples", json_object_new_int64(p->n));
  json_object_object_add(o, "height", json_object_new_int(p->h));
  json_object_object_add(o, "width", json_object_new_int(p->w));
  for (int c = 0; c < p->classes; c++) {
    json_object *class = json_object_new_object();
    json_object_object_add(class, "label", json_object_new_int(c));
    json_object_object_add(class, "name", json_object_new_string(p->label_names[c]));
    json_object_object_add(class, "count", json_object_new_int64(count[c]));
    json_object_array_add(list, class);
  }
  json_object_object_add(o, "classes", list);
  return o;
}

/* Says what was written; false where stdout cannot be written. */
static bool report(const image_folder *f, const pack_flags *flags) {
  const packed_images *p = &f->packed;
  int64_t *count = allocate((size_t)p->classes * sizeof *count);
  for (int64_t i = 0; i < p->n; i++) count[p->labels[i]]++;
  char *left_out = image_folder_left_out(f);
  if (left_out) diag_tell(DIAG_CAUTION, "%s", left_out);
  free(left_out);
  for (int64_t i = 0; i < f->n_empty; i++)
    diag_tell(DIAG_CAUTION, "folder `%s` holds no PNG, JPEG or WebP files and is no class",
              f->empty[i]);
  bool ok = true;
  if (flags->json) ok = print_json(json_report(p, count, flags->output));
  else print_table(p, count, flags->output), ok = fflush(stdout) == 0;
  free(count);
  return ok;
}

const struct argp pack_argp = {
    options,
    parse,
    "DIR",
    "Packs pictures (PNG, JPEG, WebP) into a data set that netc and Python's pickle.load read.\v"
    "DIR holds one folder a class; classes are numbered in the order of the folders' names. "
    "Transparent parts become white.",
    NULL,
    NULL,
    NULL};

int command_pack(int argc, char **argv) {
  pack_flags flags = {0};
  char *error = NULL;
  parse_command(&pack_argp, argc, argv, &flags);
  const image_folder_options o = {flags.w, flags.h, fitting_named(flags.fit),
                                  .progress = isatty(STDERR_FILENO) ? show_progress : NULL};
  image_folder *f = image_folder_read(flags.folder, &o, &error);
  if (!f) return report_failure(error);
  bool ok = pickle_write(flags.output, &f->packed, &error);
  if (!ok) report_failure(error);
  else ok = report(f, &flags);
  image_folder_free(f);
  return ok ? EXIT_DONE : EXIT_WRONG_INPUT;
}
