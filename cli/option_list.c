#include "base/internal.h"
#include "cli/option_list.h"
#include "product/program.h"
#include "runtime/message.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int collect(const struct argp *argp, option_line *list, int n) {
  const struct argp_option *o = argp->options;
  for (int group = 0; o && (o->name || o->doc); o++) {
    group = o->group ? o->group : group;
    if (!o->name || o->flags & (OPTION_HIDDEN | OPTION_ALIAS)) continue;
    if (n == MAX_OPTIONS) internal_error("options", "more than there is room for");
    const bool letter = o->key > 0 && o->key < 128 && isprint(o->key);
    list[n++] = (option_line){o->name, o->arg, o->doc, letter ? (char)o->key : 0, group};
  }
  for (const struct argp_child *c = argp->children; c && c->argp; c++)
    n = collect(c->argp, list, n);
  return n;
}

static int by_group(const void *a, const void *b) {
  const option_line *x = a, *y = b;
  if (x->group != y->group) return x->group < y->group ? -1 : 1;
  return strcmp(x->name, y->name);
}

int option_list(const struct argp *argp, option_line list[MAX_OPTIONS]) {
  int n = collect(argp, list, 0);
  qsort(list, (size_t)n, sizeof *list, by_group);
  if (n + 2 > MAX_OPTIONS) internal_error("options", "more than there is room for");
  list[n++] = (option_line){"help", NULL, "show this help", 'h', -1};
  list[n++] = (option_line){"usage", NULL, "show a short usage message", 0, -1};
  return n;
}

/* The first word of every line that pipeline_list writes. */
static char *stage_words(void) {
  char *text = NULL, *words = message("%s", "");
  size_t size;
  FILE *f = allocated(open_memstream(&text, &size));
  pipeline_list(f);
  fclose(f);
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    line += strspn(line, " ");
    char *longer = message("%s%s%.*s", words, *words ? " " : "", (int)strcspn(line, " "), line);
    free(words);
    words = longer;
  }
  free(text);
  return words;
}

static char *command_words(void) {
  char *words = message("%s", commands[0].name);
  for (int i = 1; i < n_commands; i++) {
    char *longer = message("%s %s", words, commands[i].name);
    free(words);
    words = longer;
  }
  return words;
}

char *option_words(const char *arg) {
  static const char *const known[][2] = {{"KIND", "obj asm llvm bc shared header"},
                                         {"PART", "val train all"},
                                         {"LAYOUT", "nhwc nchw flat"},
                                         {"SHELL", "bash zsh fish"}};
  if (!strcmp(arg, "STAGE")) return stage_words();
  if (!strcmp(arg, "COMMAND")) return command_words();
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcmp(arg, known[i][0])) return message("%s", known[i][1]);
  return NULL;
}

bool option_is_path(const char *arg) {
  static const char *const paths[] = {"FILE", "DIR", "PATH", "PNG", "OUT.png", "OUT.svg"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if (!strcmp(arg, paths[i])) return true;
  return false;
}
