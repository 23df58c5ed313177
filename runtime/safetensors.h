/* Weight files in the safetensors format: 8 bytes of header length (little-endian), a JSON header
   of names, types, shapes and offsets, then the raw values. Reading trusts nothing that a file
   says: every length is checked against the file before it is used. */
#ifndef NETC_SAFETENSORS_H
#define NETC_SAFETENSORS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ST_MAX_RANK = 8 };
typedef enum { ST_F32, ST_F64, ST_F16, ST_BF16, ST_I64, ST_OTHER } st_type;

typedef struct {
  const char *name;
  st_type type;
  int rank;
  int64_t shape[ST_MAX_RANK];
  int64_t count; /* elements */
  size_t bytes;
  const uint8_t *data; /* not aligned in files of others */
} st_tensor;

typedef struct {
  const char *key, *value;
} st_meta;

typedef struct {
  int n, n_meta;
  st_tensor *tensor; /* by place in the file */
  st_meta *meta;     /* the header's __metadata__ */
  void *owned;       /* the file's bytes */
  void *heap;        /* of a file of torch.save: names and values (value.h) */
  void *json;        /* the parsed header, which the names point into */
} safetensors;

/* NULL on failure, with *error one malloc'd sentence that names the file. What torch.save wrote
   (.pt, .pth) is read as well. */
safetensors *safetensors_read(const char *path, char **error);
/* The same from memory, which must outlive the result; `shown` names it in errors. */
safetensors *safetensors_parse(const void *bytes, size_t n, const char *shown, char **error);
void safetensors_free(safetensors *s);
const st_tensor *safetensors_find(const safetensors *s, const char *name);
const char *safetensors_meta(const safetensors *s, const char *key); /* NULL: not there */
/* Elements as floats; false for a type that holds no floats. */
bool safetensors_floats(const st_tensor *t, float *out);
/* Writes F32 and I64 tensors in the order of their names, aligned to 8 bytes. */
bool safetensors_write(const char *path, const st_tensor *t, int n, const st_meta *meta, int n_meta,
                       char **error);
#endif
