/* A folder of pictures, one folder a class, as a data set in memory. */
#ifndef NETC_IMAGE_FOLDER_H
#define NETC_IMAGE_FOLDER_H
#include "pickle_write.h"

typedef struct {
  packed_images packed; /* classes in the order of their folders' names, files in that of theirs */
  int64_t skipped;      /* files in its folders that are neither PNG nor JPEG by their name */
  char **empty;         /* folders without pictures, which are no classes */
  int64_t n_empty;
} image_folder;

/* w, h: the size of every image, or 0: as they are, if they all have one size. Called for each
   image read (may be NULL): progress(done, total). NULL with *error a malloc'd sentence that names
   the file: no classes, a damaged picture, different sizes. */
image_folder *image_folder_read(const char *folder, int w, int h,
                                void (*progress)(int64_t done, int64_t total), char **error);
void image_folder_free(image_folder *f);
#endif
