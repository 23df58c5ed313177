/* A command's options as a list: what manual pages and completion are made of. */
#ifndef NETC_OPTION_LIST_H
#define NETC_OPTION_LIST_H
#include "cli/command.h"

enum { MAX_OPTIONS = 64 };

typedef struct {
  const char *name, *arg, *what; /* arg: NULL where it takes none */
  char letter;                   /* 0: no short form */
  int group;
} option_line;

/* The visible options of argp and its children, in the order of --help; with -h at the end. */
int option_list(const struct argp *argp, option_line list[MAX_OPTIONS]);
/* The words that an argument of this name may be, one space apart, in a malloc'd text; NULL where
   they cannot be counted. */
char *option_words(const char *arg);
/* True if the argument of this name is a path. */
bool option_is_path(const char *arg);
#endif
