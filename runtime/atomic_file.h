/* Files that appear whole or not at all: written beside their place under a temporary name, flushed
   to the disk, then renamed. A crash or a full disk leaves what was there before. */
#ifndef NETC_ATOMIC_FILE_H
#define NETC_ATOMIC_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct {
  char *path, *temporary; /* owned */
  FILE *f;
} atomic_file;

/* Every function that can fail returns false with *error one malloc'd sentence. */
bool atomic_open(atomic_file *a, const char *path, char **error);
/* Flushes, syncs, renames over `path`, and syncs the directory. Ends `a` either way. */
bool atomic_commit(atomic_file *a, char **error);
void atomic_abandon(atomic_file *a);
bool atomic_write(const char *path, const void *data, size_t n, char **error);
/* Appends one piece to a file (created if need be) and syncs it. After an error the file is cut
   back to the length that it had. */
bool append_durable(const char *path, const char *text, char **error);
/* The whole file, with a 0 byte after it that *n does not count; at most `limit` bytes. */
char *read_whole_file(const char *path, size_t limit, size_t *n, char **error);
/* Copies a file into a directory under its own last name, whole or not at all. */
bool copy_into(const char *dir, const char *path, char **error);
/* mkdir -p. */
bool make_directories(const char *path, char **error);
#endif
