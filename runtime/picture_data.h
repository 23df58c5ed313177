/* Folders of pictures as a data set: one folder a class, or such folders inside train/, val/ and
   test/. */
#ifndef NETC_PICTURE_DATA_H
#define NETC_PICTURE_DATA_H
#include "field.h"
#include "image.h"

/* What pictures are made to. */
typedef struct {
  int c, h, w; /* h, w 0: the size that all pictures have */
  image_fitting fit;
} picture_form;

/* Fields "images" (bytes, c x h x w) and "labels" with their names. Pictures below val/ (or what
   else it is called) and test/ come last, from held_from and test_from on. NULL, or a malloc'd
   sentence. */
char *pictures_open(const char *folder, const picture_form *form, field_set *out);
#endif
