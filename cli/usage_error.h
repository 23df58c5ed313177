/* Wrong command lines, said as all else is said: with a suggestion, and as JSON where that is asked
   for. */
#ifndef NETC_USAGE_ERROR_H
#define NETC_USAGE_ERROR_H
#include <argp.h>
/* Between them what argp and getopt write on stderr is kept; if they end the program, it is told
   before the end. `name`: the command as it is called, "netc train". */
void usage_begin(const struct argp *argp, const char *name);
void usage_end(void);
#endif
