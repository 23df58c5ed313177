/* Masks: pictures whose pixels name classes, by palette index, by grey value or by colour. */
#ifndef NETC_MASK_IMAGE_H
#define NETC_MASK_IMAGE_H
#include "image.h"

typedef struct {
  int w, h;
  bool colours; /* values are 0xrrggbb; else palette indices or grey values, as they are stored */
  bool blurred; /* a JPEG: its values are near what they were, and are made 0 or 255 */
  uint32_t *value; /* h x w, malloc'd */
} mask_image;

/* Reads a mask. False with *error a malloc'd sentence that names the file. */
bool mask_load(const char *path, mask_image *out, char **error);
void mask_free(mask_image *m);
/* In w x h, each pixel one of the old ones, where image_fit puts that part of a picture. Beside it
   (FIT_PAD) lies 0. */
void mask_fit(const mask_image *m, int w, int h, image_fitting how, uint32_t *out);
/* Writes classes (h x w, below 256) as a PNG with a palette. */
bool mask_write(const char *path, const uint8_t *classes, int w, int h, char **error);
#endif
