/* Processes that work on one run together, started by mpirun or srun. netc links no MPI: a plugin
   is loaded where a launcher's environment is seen. */
#ifndef NETC_RANKS_H
#define NETC_RANKS_H
#include <stddef.h>

/* What the plugin offers. All return 0, or MPI's error code; every rank makes the same calls. */
typedef struct {
  int version; /* RANKS_VERSION */
  int (*start)(int *rank, int *n);
  int (*swap)(const void *out, void *in, size_t bytes, int with); /* both at once */
  int (*gather)(const void *one, void *all, size_t bytes);        /* all: n times bytes, by rank */
  int (*broadcast)(void *data, size_t bytes);                     /* rank 0's */
  int (*take)(int *number); /* the next number from 0, to each caller another one */
  int (*wait)(void);        /* for everybody */
  void (*finish)(void);
  void (*abort)(int status); /* ends every rank */
} ranks_api;
enum { RANKS_VERSION = 1 };

typedef struct {
  int rank, n;
  const ranks_api *api;
} ranks;

/* NULL where this process works alone. With *error (malloc'd) there is a launcher, but no plugin
   that fits it. The first call starts MPI. */
const ranks *ranks_here(char **error);
/* What every call goes through: an error of MPI ends all ranks, with one line on stderr. */
void ranks_must(const ranks *r, int code, const char *what);
/* Do all ranks have the same? `what` is named with the rank where it is another one: NULL, or a
   malloc'd sentence, the same on every rank. */
char *ranks_compare(const ranks *r, const char *text, const char *what);
/* Leaves the terminal to rank 0: what others print is shown only if they fail alone. */
void ranks_hush(const ranks *r);
/* At the end of the process: waits for the others, or, after a failure, ends them too. Ends by a
   signal (128 and more) are everybody's. */
void ranks_finish(int status);
#endif
