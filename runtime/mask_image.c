#include "mask_image.h"
#include "atomic_file.h"
#include "file.h"
#include "message.h"
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* ---- PNG, with the values as they are stored ---- */

typedef struct {
  const uint8_t *at;
  size_t left;
  char text[128]; /* what went wrong */
} png_source;

static void read_bytes(png_structp png, png_bytep to, size_t n) {
  png_source *s = png_get_io_ptr(png);
  if (n > s->left) png_error(png, "it is cut short");
  memcpy(to, s->at, n);
  s->at += n;
  s->left -= n;
}

static void leave(png_structp png, png_const_charp text) {
  png_source *s = png_get_error_ptr(png);
  snprintf(s->text, sizeof s->text, "%s", text);
  png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

/* Values of one row: of 1 to 2 bytes, or colours of 3. */
static void take_row(const uint8_t *row, const mask_image *m, int bytes, uint32_t *to) {
  for (int x = 0; x < m->w; x++, row += bytes) {
    to[x] = row[0];
    for (int k = 1; k < bytes; k++) to[x] = to[x] << 8 | row[k];
  }
}

/* Takes indices, grey values and colours as they are; without alpha. */
static int plain_values(png_structp png, png_infop info, mask_image *m) {
  const int type = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
  m->colours = type == PNG_COLOR_TYPE_RGB || type == PNG_COLOR_TYPE_RGB_ALPHA;
  if (m->colours && depth == 16) png_set_strip_16(png);
  if (depth < 8) png_set_packing(png);
  if (type & PNG_COLOR_MASK_ALPHA) png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  return m->colours ? 3 : depth == 16 ? 2 : 1;
}

/* The whole file; memory is the caller's in *rows, whatever libpng does. */
static void read_png(png_structp png, png_infop info, mask_image *m, uint8_t **rows) {
  png_set_user_limits(png, 40000, 40000);
  png_read_info(png, info);
  const uint64_t w = png_get_image_width(png, info), h = png_get_image_height(png, info);
  if (w * h > 40000000) png_error(png, "more than 40 megapixels");
  m->w = (int)w, m->h = (int)h;
  const int bytes = plain_values(png, info, m), passes = png_get_interlace_type(png, info) ? 7 : 1;
  const size_t row = png_get_rowbytes(png, info);
  *rows = allocate(row * h);
  for (int pass = 0; pass < passes; pass++)
    for (size_t y = 0; y < h; y++) png_read_row(png, *rows + y * row, NULL);
  png_read_end(png, NULL);
  m->value = allocate(w * h * sizeof *m->value);
  for (size_t y = 0; y < h; y++) take_row(*rows + y * row, m, bytes, m->value + y * w);
}

static char *load_png(const uint8_t *bytes, size_t n, mask_image *m) {
  png_source s = {.at = bytes, .left = n};
  uint8_t **rows = allocate(sizeof *rows);
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, leave, ignore);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) abort();
  if (!setjmp(png_jmpbuf(png))) {
    png_set_read_fn(png, &s, read_bytes);
    read_png(png, info, m, rows);
  }
  png_destroy_read_struct(&png, &info, NULL);
  free(*rows);
  free(rows);
  return *s.text ? message("%s", s.text) : NULL;
}

/* ---- anything else, by its colours ---- */

static bool load_other(const char *path, mask_image *m, char **error) {
  image im;
  if (!image_load(path, &im, error)) return false;
  *m = (mask_image){.w = im.w, .h = im.h, .colours = !m->blurred, .blurred = m->blurred};
  const size_t n = (size_t)im.w * (size_t)im.h;
  m->value = allocate(n * sizeof *m->value);
  for (size_t i = 0; i < n; i++) {
    const uint8_t *p = im.rgb + 3 * i;
    m->value[i] = m->blurred ? (p[0] + p[1] + p[2] >= 3 * 128 ? 255u : 0u)
                             : (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
  }
  image_free(&im);
  return true;
}

bool mask_load(const char *path, mask_image *out, char **error) {
  size_t n;
  char *wrong = NULL;
  uint8_t *bytes = file_read(path, &n, &wrong);
  *out = (mask_image){0};
  const bool png = bytes && n >= 8 && !memcmp(bytes, "\x89PNG\r\n\x1a\n", 8);
  out->blurred = bytes && n >= 2 && !memcmp(bytes, "\xff\xd8", 2);
  if (png) wrong = load_png(bytes, n, out);
  free(bytes);
  if (bytes && !png) return load_other(path, out, error);
  if (wrong) mask_free(out);
  if (wrong) *error = free_and(wrong, message("`%s`: %s", path, wrong));
  return !wrong;
}

void mask_free(mask_image *m) {
  free(m->value);
  m->value = NULL;
}

/* ---- other sizes ---- */

void mask_fit(const mask_image *m, int w, int h, image_fitting how, uint32_t *out) {
  const fit_place p = image_fit_place(m->w, m->h, w, h, how);
  memset(out, 0, (size_t)w * (size_t)h * sizeof *out);
  for (int y = 0; y < p.to_h; y++)
    for (int x = 0; x < p.to_w; x++) {
      const int64_t sx = p.x + (2 * (int64_t)x + 1) * p.w / (2 * p.to_w),
                    sy = p.y + (2 * (int64_t)y + 1) * p.h / (2 * p.to_h);
      out[(int64_t)(p.to_y + y) * w + p.to_x + x] = m->value[sy * m->w + sx];
    }
}

/* ---- out ---- */

/* Colours that differ: the bits of a class spread over red, green and blue, as in PASCAL VOC. */
static png_color colour_of(int k) {
  uint8_t c[3] = {0};
  for (int bit = 7; k && bit >= 0; bit--, k >>= 3)
    for (int i = 0; i < 3; i++) c[i] = (uint8_t)(c[i] | (k >> i & 1) << bit);
  return (png_color){c[0], c[1], c[2]};
}

bool mask_write(const char *path, const uint8_t *classes, int w, int h, char **error) {
  png_source s = {0};
  png_color palette[256];
  atomic_file to;
  for (int k = 0; k < 256; k++) palette[k] = colour_of(k);
  if (!atomic_open(&to, path, error)) return false;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &s, leave, ignore);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) abort();
  if (!setjmp(png_jmpbuf(png))) {
    png_init_io(png, to.f);
    png_set_IHDR(png, info, (png_uint_32)w, (png_uint_32)h, 8, PNG_COLOR_TYPE_PALETTE,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_PLTE(png, info, palette, 256);
    png_write_info(png, info);
    for (int y = 0; y < h; y++) png_write_row(png, classes + (size_t)y * (size_t)w);
    png_write_end(png, NULL);
  }
  png_destroy_write_struct(&png, &info);
  if (!*s.text) return atomic_commit(&to, error);
  atomic_abandon(&to);
  *error = message("`%s` cannot be written: %s", path, s.text);
  return false;
}
