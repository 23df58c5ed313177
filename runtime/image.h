/* Pictures: PNG and JPEG files in, PNG out, and other sizes. */
#ifndef NETC_IMAGE_H
#define NETC_IMAGE_H
#include <stdbool.h>
#include <stdint.h>

typedef struct {
  int w, h;
  uint8_t *rgb; /* h x w x 3, malloc'd */
} image;

/* Reads a PNG or a JPEG of any size up to 40 megapixels as RGB, transparent parts over white.
   False with *error a malloc'd sentence that names the file. */
bool image_load(const char *path, image *out, char **error);
/* White, or as filled by the caller. Aborts where there is no memory. */
image image_new(int w, int h);
void image_free(image *im);
/* The same picture in w x h: each axis averaged over areas where it shrinks, interpolated linearly
   between pixel centres where it grows. */
image image_resize(const image *from, int w, int h);
/* Puts `from` into `to` with its corner at (x, y), each pixel as a square of `zoom`; clipped. */
void image_paste(image *to, const image *from, int x, int y, int zoom);
/* Writes text in a 5 x 7 font (6 x 8 a character), in one colour, clipped; what is not ASCII
   becomes a question mark. */
void image_text(image *to, int x, int y, const char *text, int zoom, const uint8_t rgb[3]);
void image_fill(image *to, int x, int y, int w, int h, const uint8_t rgb[3]);
/* The file appears whole or not at all. False with *error a malloc'd sentence. */
bool image_write_png(const char *path, const image *im, char **error);
#endif
