/* netc cache: the compiled code that is kept between starts. */
#include "cli/command.h"
#include "code/cache.h"
#include <stdio.h>

typedef struct {
  bool clear;
} cache_command;

static const struct argp_option options[] = {{"clear", 'c', 0, 0, "remove all of it", 1}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  cache_command *c = state->input;
  if (key == 'c') c->clear = true;
  else if (key == ARGP_KEY_ARG) argp_error(state, "`%s`: no argument is expected", arg);
  else return ARGP_ERR_UNKNOWN;
  return 0;
}

static const char doc[] =
    "Shows the folder in which compiled code is kept, so that a network that was compiled before "
    "starts at once, and how much there is. The folder is netc in $XDG_CACHE_HOME, or in ~/.cache; "
    "NETC_CACHE=0 in the environment, or --no-cache, does without. Code of other builds of netc "
    "and "
    "other processors is never used. Beyond 256 MB the oldest goes.";
const struct argp cache_argp = {options, parse, "", doc, NULL, NULL, NULL};

int command_cache(int argc, char **argv) {
  cache_command c = {0};
  parse_command(&cache_argp, argc, argv, &c);
  if (!cache_folder()) {
    puts("No compiled code is kept (NETC_CACHE=0, or there is no folder for it).");
    return EXIT_DONE;
  }
  int files;
  int64_t bytes;
  cache_measure(&files, &bytes);
  if (c.clear) files = cache_clear();
  printf(c.clear ? "%s: %d file%s removed, %.1f MB\n" : "%s: %d file%s, %.1f MB\n", cache_folder(),
         files, files == 1 ? "" : "s", (double)bytes / 1e6);
  return EXIT_DONE;
}
