/* NumPy's own files: .npy (one array) and .npz (a zip of them). */
#ifndef NETC_NPZ_H
#define NETC_NPZ_H
#include "value.h"

/* The array in bytes[0..n), which must stay while it is used. Arrays of objects are pickles, and
   are read as such. False, with *error a malloc'd sentence. */
bool npy_read(value_heap *h, const uint8_t *bytes, size_t n, value *out, char **error);
/* A .npz as a dictionary of its arrays, whose names lose their ".npy". bytes[0..n) is not needed
   afterwards. False, with *error a malloc'd sentence. */
bool npz_read(value_heap *h, const uint8_t *bytes, size_t n, value *out, char **error);
/* The most that an archive of n bytes may unpack to, with room for the values beside it. */
size_t npz_budget(size_t n);
#endif
