/* netc sweep: the sets of values and the named studies of one file. */
#include "cli/study.h"
#include "runtime/message.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  study s;
  const char *only;
} sweep_command;

enum { KEY_STUDY = 1 };

static const struct argp_option options[] = {
    {"study", KEY_STUDY, "NAME", 0, "run only this study", 1}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  sweep_command *c = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &c->s; break;
  case KEY_STUDY: c->only = arg; break;
  default: return option_file(state, key, arg, &c->s.file);
  }
  return 0;
}

static const char doc[] =
    "Trains every alternative that FILE.net names, in sets such as `lr {0.01 0.1}` and in `sweep` "
    "studies, over several seeds, and shows them next to one another."
    "\vAs many runs as --threads says (default: every CPU) go side by side, with one thread each. "
    "Runs "
    "that are equal, or the beginning of a longer one, are run once. The directory (default: "
    "runs/sweep-NAME) gets report.html, results.json, results.csv, curves of every study, and the "
    "metrics and settings of every run, but no weights. Runs that it holds already are not "
    "repeated: "
    "after an interruption the same command goes on.";

/* A variant as contestant; `net` puts another file in place of this one. */
static contestant contestant_of(study *s, const variant *v) {
  contestant c = {.study = arena_strdup(s->mem, v->study),
                  .label = arena_strdup(s->mem, v->label),
                  .path = s->file};
  c.over.word = NEW_N(s->mem, const char *, v->n_override + 1);
  c.over.text = NEW_N(s->mem, const char *, v->n_override + 1);
  for (int i = 0; i < v->n_override; i++) {
    const char *text = arena_strdup(s->mem, v->text[i]);
    if (!strcmp(v->word[i], "net")) {
      c.path = text;
      continue;
    }
    c.over.word[c.over.n] = arena_strdup(s->mem, v->word[i]);
    c.over.text[c.over.n++] = text;
  }
  return c;
}

static bool add_variants(sweep_command *c) {
  study *s = &c->s;
  graph *g = load_network(s->file, &s->flags, NULL);
  if (!g) return false;
  s->c = NEW_N(s->mem, contestant, g->n_variant + 1);
  for (int i = 0; i < g->n_variant; i++)
    if (!c->only || !strcmp(c->only, g->variant[i].study))
      s->c[s->n++] = contestant_of(s, &g->variant[i]);
  s->title = arena_printf(s->mem, "Studies of %s", g->name);
  if (!s->dir) s->dir = arena_printf(s->mem, "runs/sweep-%s", g->name);
  graph_free(g);
  if (!s->n)
    report_failure(c->only ? message("`%s` has no study `%s`", s->file, c->only)
                           : message("`%s` names nothing to sweep: write a set such as "
                                     "`lr {0.01 0.1};` or `sweep NAME {..}`",
                                     s->file));
  return s->n > 0;
}

static const struct argp_child children[] = {{&study_argp, 0, 0, 0}, {0}};
const struct argp sweep_argp = {options, parse, "FILE.net", doc, children, 0, 0};

int command_sweep(int argc, char **argv) {
  sweep_command c = {.s = {.mem = arena_new(), .n_seed = 3}};
  char *line = command_line(argc, argv);
  c.s.command = arena_strdup(c.s.mem, line);
  free(line);
  train_flags_init(&c.s.flags);
  parse_command(&sweep_argp, argc, argv, &c);
  int status = add_variants(&c) ? study_run(&c.s) : EXIT_WRONG_INPUT;
  arena_free(c.s.mem);
  return status;
}
