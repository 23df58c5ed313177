/* IDX files, as MNIST is distributed: a type, extents, elements, all big-endian. */
#ifndef NETC_IDX_H
#define NETC_IDX_H
#include "field.h"
#include <stddef.h>

/* Images and labels that lie beside one another: `path` is a folder or one of the files, named as
   MNIST's are (train-images-idx3-ubyte, train-labels-idx1-ubyte, and t10k-..; a dot may stand for
   the last hyphen). A single other file is one field, "x". NULL, or a malloc'd sentence that names
   the file. */
char *idx_open(const char *path, field_set *out);
/* Does the folder hold such files? */
bool idx_folder(const char *path);
/* One file's bytes as a field of s; sets s->n, or checks it. Without the file's name. */
char *idx_read(const uint8_t *bytes, size_t n, const char *name, field_set *s);
#endif
