/* Which field of a data set goes to which port of the network: by name, by the names that people
   use, or by shape and type where only one field fits. */
#ifndef NETC_MATCH_H
#define NETC_MATCH_H
#include "field.h"

/* A port of the network, as the data set sees it. */
typedef struct {
  const char *name; /* its label, or "input" and "label" */
  bool target, is_int;
  int64_t below; /* of whole numbers */
  int rank;      /* of one sample, in PyTorch's order; 0: one value */
  int64_t dim[FIELD_RANK];
} data_port;

typedef struct {
  const char *input, *target; /* names chosen for the first of each; NULL: found */
  const char *layout;         /* "nhwc", "nchw", "flat"; NULL: from the shape */
  double scale;               /* factor of the first input; 0: 1/255 for images of bytes, else 1 */
} match_options;

/* Sets field_of[i] for every port, and changes fields to what their ports take (order of axes,
   classes from words and one-hot rows), with a note for what its user should know. NULL, or a
   malloc'd sentence that tells what the file holds and what to write. */
char *match_ports(field_set *s, const data_port *port, int n, const match_options *o,
                  int *field_of);
/* "input 3x32x32", "classes 10", "target 64 of 65": the line that declares such a port. */
char *port_line(const data_port *p);
int64_t port_size(const data_port *p);
#endif
