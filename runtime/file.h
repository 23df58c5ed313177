/* Data files read whole. (Files are written by atomic_file.h.) */
#ifndef NETC_FILE_H
#define NETC_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The contents of a regular file (malloc'd), or NULL with *error a malloc'd sentence that does not
   name the file ("no such file"). */
uint8_t *file_read(const char *path, size_t *n, char **error);
/* The first bytes of one, at most *n; *n becomes how many there are. */
bool file_head(const char *path, uint8_t *bytes, size_t *n, char **error);
/* Why a file cannot be opened, from errno; with a help line where a name near to it is there. */
char *file_problem(const char *path, int error_number);
bool is_directory(const char *path);
bool file_exists(const char *path);
/* The first of `names` (NULL ends them) that is a folder in `folder`, as a path; NULL: none. */
char *folder_inside(const char *folder, const char *const *names);
/* The names that people give to the folders of a data set. */
extern const char *const train_folders[], *const val_folders[], *const test_folders[];
/* "folder/name"; malloc'd. */
char *path_join(const char *folder, const char *name);
#endif
