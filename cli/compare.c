/* netc compare: networks next to one another. */
#include "cli/study.h"
#include "runtime/message.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 80 };

typedef struct {
  study s;
  int n;
  char **file;
} compare_command;

static error_t parse(int key, char *arg, struct argp_state *state) {
  compare_command *c = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &c->s; break;
  case ARGP_KEY_ARG: c->file[c->n++] = arg; break;
  case ARGP_KEY_END:
    if (c->n < 1) argp_error(state, "which network files?");
    break;
  default: return ARGP_ERR_UNKNOWN;
  }
  return 0;
}

static const char doc[] =
    "Trains each network over several seeds, and shows them next to one another: parameters, "
    "arithmetic, memory, time, losses and accuracies, and whether the differences are more than "
    "luck. Of a single network it shows how far its results scatter."
    "\vAs many runs as --threads says (default: every CPU) go side by side, with one thread each. "
    "The "
    "directory (default: runs/compare-NAMES) gets report.html, results.json, results.csv, "
    "curves.svg "
    "and curves.png, and the metrics of every run, but no weights. Runs that it holds already are "
    "not "
    "repeated: after an interruption the same command goes on.";

/* "emoji" of "models/emoji.net", in the study's arena. */
static const char *base_name(study *s, const char *path) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  const char *dot = strrchr(base, '.');
  return arena_strndup(s->mem, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

/* The last name, or the whole path where two files share it. */
static const char *label_of(compare_command *c, int i) {
  const char *name = base_name(&c->s, c->file[i]);
  for (int k = 0; k < c->n; k++)
    if (k != i && !strcmp(name, base_name(&c->s, c->file[k]))) return c->file[i];
  return name;
}

static void add_files(compare_command *c) {
  study *s = &c->s;
  const char *names = "";
  s->n = c->n;
  s->c = NEW_N(s->mem, contestant, c->n);
  for (int i = 0; i < c->n; i++) {
    s->c[i] = (contestant){.study = "", .path = c->file[i], .label = label_of(c, i)};
    names = arena_printf(s->mem, "%s-%s", names, base_name(s, c->file[i]));
  }
  s->file = c->file[0];
  s->title = c->n > 1 ? arena_printf(s->mem, "Comparison of %d networks", c->n)
                      : arena_printf(s->mem, "%s over %d seeds", s->c[0].label, s->n_seed);
  if (!s->dir) s->dir = arena_printf(s->mem, "runs/compare%.*s", MAX_NAME, names);
}

static const struct argp_child children[] = {{&study_argp, 0, 0, 0}, {0}};
const struct argp compare_argp = {NULL, parse, "A.net [B.net...]", doc, children, 0, 0};

int command_compare(int argc, char **argv) {
  compare_command c = {.s = {.mem = arena_new(), .n_seed = 3},
                       .file = allocate((size_t)argc * sizeof(char *))};
  char *line = command_line(argc, argv);
  c.s.command = arena_strdup(c.s.mem, line);
  free(line);
  train_flags_init(&c.s.flags);
  parse_command(&compare_argp, argc, argv, &c);
  add_files(&c);
  int status = study_run(&c.s);
  arena_free(c.s.mem);
  free(c.file);
  return status;
}
