/* Reading Python pickles without running anything. Protocols 0 to 5: the opcodes that carry data,
   and a closed list of constructors (pickle_build.h). Whatever else a pickle asks for is refused
   by name, with its place in the file. */
#ifndef NETC_PICKLE_H
#define NETC_PICKLE_H
#include "value.h"

/* Reads one pickle from bytes[0..n), which must stay while the values are used: strings and
   arrays point into them. False on failure, with *error a malloc'd sentence that begins with the
   byte ("byte 123: ..."); the caller names the file. Values go to the heap. */
bool pickle_read(value_heap *h, const uint8_t *bytes, size_t n, value *out, char **error);
/* The same of a pickle of torch.save: tensors are tuples (pickle_build.h). */
bool pickle_read_tensors(value_heap *h, const uint8_t *bytes, size_t n, value *out, char **error);
/* A budget in which every honest pickle of n bytes fits. */
size_t pickle_budget(size_t n);
#endif
