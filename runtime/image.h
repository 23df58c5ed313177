/* Pictures: PNG, JPEG and WebP files in, PNG out, and other sizes. */
#ifndef NETC_IMAGE_H
#define NETC_IMAGE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  int w, h;
  uint8_t *rgb; /* h x w x 3, malloc'd */
} image;

/* How a picture of other proportions gets its size: with black beside it, its middle, or stretched.
 */
typedef enum { FIT_STRETCH, FIT_CROP, FIT_PAD } image_fitting;

/* Is that the beginning of a picture that image_load reads? n: at least 12 bytes, if there are. */
bool image_known(const uint8_t *head, size_t n);
/* Reads a PNG, a JPEG or a WebP of any size up to 40 megapixels as RGB, upright as its EXIF says,
   transparent parts over white. False with *error a malloc'd sentence that names the file. */
bool image_load(const char *path, image *out, char **error);
/* White, or as filled by the caller. Aborts where there is no memory. */
image image_new(int w, int h);
void image_free(image *im);
/* The same picture in w x h: each axis averaged over areas where it shrinks, interpolated linearly
   between pixel centres where it grows. */
image image_resize(const image *from, int w, int h);
image image_fit(const image *from, int w, int h, image_fitting how);
/* What of a picture of from_w x from_h is shown, and where: the part at (x, y) of w x h becomes
   that of to_w x to_h at (to_x, to_y). */
typedef struct {
  int x, y, w, h, to_x, to_y, to_w, to_h;
} fit_place;
fit_place image_fit_place(int from_w, int from_h, int w, int h, image_fitting how);
/* "stretch", "crop", "pad" */
extern const char *const fitting_words[3];
/* FIT_STRETCH where the word is NULL or none of them. */
image_fitting fitting_named(const char *word);
/* The pixels of one channel (luma, ITU-R BT.601) or three as c planes of w x h. */
void image_planes(const image *im, int c, uint8_t *out);
/* Puts `from` into `to` with its corner at (x, y), each pixel as a square of `zoom`; clipped. */
void image_paste(image *to, const image *from, int x, int y, int zoom);
/* Writes text in a 5 x 7 font (6 x 8 a character), in one colour, clipped; what is not ASCII
   becomes a question mark. */
void image_text(image *to, int x, int y, const char *text, int zoom, const uint8_t rgb[3]);
void image_fill(image *to, int x, int y, int w, int h, const uint8_t rgb[3]);
/* The file appears whole or not at all. False with *error a malloc'd sentence. */
bool image_write_png(const char *path, const image *im, char **error);
#endif
