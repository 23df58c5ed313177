/* A folder of pictures, one folder a class, as a data set in memory. */
#ifndef NETC_IMAGE_FOLDER_H
#define NETC_IMAGE_FOLDER_H
#include "image.h"
#include "pickle_write.h"

typedef struct {
  packed_images packed; /* classes in the order of their folders' names, files in that of theirs */
  char **skipped;       /* files in it that are no pictures by their name, or in no folder */
  int64_t n_skipped;
  bool mixed;   /* pictures of different sizes, made to LOOK_SIDE x LOOK_SIDE */
  char **empty; /* folders without pictures, which are no classes */
  int64_t n_empty;
} image_folder;

typedef struct {
  int w, h; /* the size of every image, or 0: as they are, if they all have one size */
  image_fitting fit;
  bool for_a_look; /* without a size, those of different sizes become LOOK_SIDE x LOOK_SIDE */
  void (*progress)(int64_t done, int64_t total); /* after each image; may be NULL */
} image_folder_options;

enum { LOOK_SIDE = 64 };

/* NULL with *error a malloc'd sentence that names the file: no classes, a damaged picture,
   different sizes. */
image_folder *image_folder_read(const char *folder, const image_folder_options *o, char **error);
/* The pictures that lie in a folder, in the order of their names, as paths; none: *n is 0.
   Malloc'd, with every string. */
char **pictures_inside(const char *folder, int64_t *n);
/* "3 files were left out, ..: `a.txt`, `b.gif` and 1 more"; malloc'd; NULL: none were. */
char *image_folder_left_out(const image_folder *f);
void image_folder_free(image_folder *f);
#endif
