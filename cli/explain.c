/* netc explain: why there is a message of this code, with a wrong and a right example. */
#include "cli/command.h"
#include "base/nearest_word.h"
#include "base/source.h"
#include "cli/pages.h"
#include "runtime/message.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct {
  const char *code;
} explain_command;

static const struct argp_option options[] = {{0}};

static const char doc[] =
    "Explains an error or a warning: what it means, and an example that is wrong and one that is "
    "right."
    "\vWithout a CODE it lists them all; with the beginning of a code, or a word, those that it "
    "fits. "
    "A message shows its code on a terminal, and with "
    "--diagnostics=json, which every command takes.";

static error_t parse(int key, char *arg, struct argp_state *state) {
  explain_command *c = state->input;
  if (key != ARGP_KEY_ARG || c->code) return ARGP_ERR_UNKNOWN;
  c->code = arg;
  return 0;
}

/* A page's first line, without its mark. */
static void print_title(const char *text) {
  const char *end = strchr(text, '\n');
  printf("%.*s\n", (int)(end - text - 2), text + 2);
}

/* Markdown as it is, but for its marks of headings and fences. */
static void print_page(const char *text) {
  print_title(text);
  bool fenced = false;
  for (const char *line = strchr(text, '\n') + 1, *end; (end = strchr(line, '\n'));
       line = end + 1) {
    if (!strncmp(line, "```", 3)) fenced = !fenced;
    else printf("%s%.*s\n", fenced ? "    " : "", (int)(end - line), line);
  }
}

static bool fits(const error_page *p, const char *word) {
  const char *title = strcasestr(p->text, word);
  return !strncasecmp(p->code, word, strlen(word)) || (title && title < strchr(p->text, '\n'));
}

static int list_pages(const char *word) {
  int n = 0;
  for (int i = 0; i < n_error_pages; i++)
    if (!word || fits(&error_pages[i], word)) print_title(error_pages[i].text), n++;
  return n;
}

/* Letters of a code are capitals. */
static int no_code(const char *typed) {
  const char **code = allocate((size_t)n_error_pages * sizeof *code);
  char *word = copy_string(typed, strlen(typed));
  for (char *c = word; *c; c++) *c = (char)toupper((unsigned char)*c);
  for (int i = 0; i < n_error_pages; i++) code[i] = error_pages[i].code;
  const char *near = nearest_word(word, code, n_error_pages);
  char *help = near ? message("did you mean `%s`?", near) : message("`netc explain` lists them");
  diag_tell(DIAG_USAGE, "there is no code `%s`" DIAG_HELP "%s", typed, help);
  free(help), free(word), free(code);
  return EXIT_USAGE;
}

const struct argp explain_argp = {options, parse, "[CODE]", doc, 0, 0, 0};

int command_explain(int argc, char **argv) {
  explain_command c = {0};
  parse_command(&explain_argp, argc, argv, &c);
  for (int i = 0; c.code && i < n_error_pages; i++)
    if (!strcasecmp(c.code, error_pages[i].code)) {
      print_page(error_pages[i].text);
      return EXIT_DONE;
    }
  return list_pages(c.code) ? EXIT_DONE : no_code(c.code);
}
