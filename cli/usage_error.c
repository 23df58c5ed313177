#include "cli/usage_error.h"
#include "base/nearest_word.h"
#include "base/source.h"
#include "cli/option_list.h"
#include "runtime/message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the one command that a program runs. */
static struct {
  const struct argp *argp;
  const char *name;
  FILE *real, *kept; /* kept: NULL unless arguments are being read */
  char *text;
  size_t n;
} usage;

/* The option that is near to an unknown one, which the sentence has as '--word' or '--word=..'. */
static const char *near_option(const char *sentence) {
  const char *unknown = strstr(sentence, "unrecognized option '--");
  option_line list[MAX_OPTIONS];
  const char *name[MAX_OPTIONS];
  if (!unknown) return NULL;
  const char *word = strstr(unknown, "--") + 2;
  int n = option_list(usage.argp, list);
  for (int i = 0; i < n; i++) name[i] = list[i].name;
  char *typed = copy_string(word, strcspn(word, "=' "));
  const char *near = nearest_word(typed, name, n);
  free(typed);
  return near;
}

/* argp writes "netc train: SENTENCE", and a line that points to --help. */
static void tell(const char *sentence) {
  const size_t n = strlen(usage.name);
  if (!strncmp(sentence, usage.name, n) && sentence[n] == ':') sentence += n + 2;
  const char *near = near_option(sentence);
  if (near)
    diag_tell(DIAG_USAGE, "%s: %s" DIAG_HELP "did you mean `--%s`?", usage.name, sentence, near);
  else
    diag_tell(DIAG_USAGE, "%s: %s" DIAG_HELP "`%s --help` lists the options", usage.name, sentence,
              usage.name);
}

void usage_end(void) {
  if (!usage.kept) return;
  fclose(usage.kept);
  stderr = usage.real;
  usage.kept = NULL;
  free(usage.text);
}

/* argp has ended the program: a sentence of its own, or what somebody else had to say. */
static void at_exit(int status, void *unused) {
  (void)unused;
  if (!usage.kept) return;
  fflush(usage.kept);
  stderr = usage.real;
  char *pointer = status == EXIT_USAGE ? strstr(usage.text, "\nTry `") : NULL;
  if (pointer) {
    *pointer = 0;
    tell(usage.text);
  } else {
    fputs(usage.text, stderr);
  }
  usage_end();
}

void usage_begin(const struct argp *argp, const char *name) {
  usage.argp = argp;
  usage.name = name;
  usage.real = stderr;
  usage.kept = open_memstream(&usage.text, &usage.n);
  if (!usage.kept) return;
  stderr = usage.kept; /* the GNU C library lets a program set it */
  on_exit(at_exit, NULL);
}
