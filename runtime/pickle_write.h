/* Data sets as pickles that Python's pickle.load reads as a dictionary of NumPy arrays. */
#ifndef NETC_PICKLE_WRITE_H
#define NETC_PICKLE_WRITE_H
#include <stdbool.h>
#include <stdint.h>

typedef struct {
  int64_t n;
  int h, w;
  const uint8_t *rgb;    /* n x h x w x 3 */
  const int32_t *labels; /* n; written as int64 */
  int classes;
  char *const *label_names; /* classes, UTF-8 */
  char *const *filenames;   /* n, UTF-8 */
} packed_images;

/* Writes {data, labels, label_names, filenames} in protocol 4. The file appears whole or not at
   all. False with *error a malloc'd sentence that names the file. */
bool pickle_write(const char *path, const packed_images *p, char **error);
#endif
