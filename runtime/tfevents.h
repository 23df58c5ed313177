/* Event files as TensorBoard reads them: curves of a run while it goes on. */
#ifndef NETC_TFEVENTS_H
#define NETC_TFEVENTS_H
#include <stdbool.h>
#include <stdint.h>

typedef struct tfevents tfevents;

/* A new file in DIR (made if need be). What earlier files there say of steps from `first` on no
   longer counts. NULL: *error (malloc'd). */
tfevents *tfevents_open(const char *dir, int64_t first, char **error);
/* n values under their tags, such as "loss/train"; on disk when it returns. False: *error. */
bool tfevents_add(tfevents *t, int64_t step, int n, const char *const *tag, const double *value,
                  char **error);
/* t may be NULL. */
void tfevents_close(tfevents *t);
#endif
