/* netc explain: why there is a message of this code, with a wrong and a right example. */
#include "cli/command.h"
#include "cli/pages.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct {
  const char *code;
} explain_command;

static const struct argp_option options[] = {{0}};

static const char doc[] =
    "Explains an error or a warning: what it means, and an example that is wrong and one that is "
    "right."
    "\vWithout a CODE it lists them all. A message shows its code on a terminal, and with "
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

const struct argp explain_argp = {options, parse, "[CODE]", doc, 0, 0, 0};

int command_explain(int argc, char **argv) {
  explain_command c = {0};
  parse_command(&explain_argp, argc, argv, &c);
  for (int i = 0; i < n_error_pages; i++)
    if (!c.code) print_title(error_pages[i].text);
    else if (!strcasecmp(c.code, error_pages[i].code)) {
      print_page(error_pages[i].text);
      return EXIT_DONE;
    }
  if (!c.code) return EXIT_DONE;
  fprintf(stderr, "netc: error: there is no code `%s`\n      = help: `netc explain` lists them\n",
          c.code);
  return EXIT_USAGE;
}
