/* Folders of pictures as a data set: one folder a class, or such folders inside train/ and val/. */
#ifndef NETC_PICTURE_DATA_H
#define NETC_PICTURE_DATA_H
#include "field.h"

/* Fields "images" (bytes, c x h x w) and "labels" with their names. c, h, w: what the network
   takes; 0: 3 channels, and the size that all pictures have. Pictures below val/ (or valid/,
   validation/, else test/) come last, from held_from on. NULL, or a malloc'd sentence. */
char *pictures_open(const char *folder, int c, int h, int w, field_set *out);
#endif
