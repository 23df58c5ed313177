/* Files that may be compressed with gzip, as MNIST and many tables are distributed. */
#ifndef NETC_GZIP_H
#define NETC_GZIP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool is_gzip(const uint8_t *head, size_t n);
/* What is compressed in bytes[0..n), *size of it: at most 128 times as much, and 64 MB. malloc'd;
   NULL with *error a sentence without the file's name. */
uint8_t *gzip_unpack(const uint8_t *bytes, size_t n, size_t *size, char **error);
/* The whole file, unpacked if it is compressed. malloc'd; NULL with *error. */
uint8_t *file_read_unpacked(const char *path, size_t *n, char **error);
#endif
