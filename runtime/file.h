/* Files read whole, and files written whole or not at all. */
#ifndef NETC_FILE_H
#define NETC_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The contents of a regular file (malloc'd), or NULL with *error a malloc'd sentence that does not
   name the file ("no such file"). */
uint8_t *file_read(const char *path, size_t *n, char **error);
bool is_directory(const char *path);
bool file_exists(const char *path);
/* "folder/name"; malloc'd. */
char *path_join(const char *folder, const char *name);

/* A file that takes its place at `path` only when it is complete. */
typedef struct {
  FILE *f;
  char *path, *temporary;
} file_replacement;
/* False with *error (names the file) where it cannot be made. */
bool replacement_begin(file_replacement *r, const char *path, char **error);
/* Flushes to the disk and renames; on any failure, and when `keep` is false, what stood at the
   path before stays as it was. False with *error where writing failed. */
bool replacement_end(file_replacement *r, bool keep, char **error);
#endif
