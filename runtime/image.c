#include "image.h"
#include "atomic_file.h"
#include "file.h"
#include "message.h"
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* A few bytes can announce a gigantic picture. */
enum { MAX_PIXELS = 40000000, MAX_SCANS = 500 };

image image_new(int w, int h) {
  image im = {w, h, allocate((size_t)w * (size_t)h * 3)};
  memset(im.rgb, 255, (size_t)w * (size_t)h * 3);
  return im;
}

void image_free(image *im) {
  free(im->rgb);
  im->rgb = NULL;
}

static char *check_size(uint64_t w, uint64_t h) {
  if (w == 0 || h == 0) return message("the picture has no pixels");
  if (w <= MAX_PIXELS && h <= MAX_PIXELS && w * h <= MAX_PIXELS) return NULL;
  return message("%llux%llu pixels are more than the %d megapixels that netc reads",
                 (unsigned long long)w, (unsigned long long)h, MAX_PIXELS / 1000000);
}

/* ---- PNG ---- */

static uint8_t over_white(uint8_t v, uint8_t alpha) {
  return (uint8_t)((v * alpha + 255 * (255 - alpha) + 127) / 255);
}

static char *load_png(const uint8_t *bytes, size_t n, image *out) {
  png_image png = {.version = PNG_IMAGE_VERSION};
  if (!png_image_begin_read_from_memory(&png, bytes, n)) return message("%s", png.message);
  char *wrong = check_size(png.width, png.height);
  png.format = PNG_FORMAT_RGBA;
  uint8_t *rgba = wrong ? NULL : malloc(PNG_IMAGE_SIZE(png));
  if (!wrong && !rgba) wrong = message("the picture does not fit in memory");
  if (!wrong && !png_image_finish_read(&png, NULL, rgba, 0, NULL))
    wrong = message("%s", png.message);
  if (!wrong) {
    *out = image_new((int)png.width, (int)png.height);
    for (size_t i = 0, pixels = (size_t)out->w * (size_t)out->h; i < pixels; i++)
      for (int c = 0; c < 3; c++)
        out->rgb[3 * i + c] = over_white(rgba[4 * i + c], rgba[4 * i + 3]);
  }
  free(rgba);
  png_image_free(&png);
  return wrong;
}

/* ---- JPEG: libjpeg leaves by longjmp ---- */

typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf leave;
  char text[JMSG_LENGTH_MAX];
} jpeg_trouble;

static void jpeg_leave(j_common_ptr j) {
  jpeg_trouble *t = (jpeg_trouble *)j->err;
  t->base.format_message(j, t->text);
  longjmp(t->leave, 1);
}

/* libjpeg would fill up what is missing with grey; a file that is cut short is an error here. */
static void jpeg_message(j_common_ptr j, int level) {
  int code = j->err->msg_code;
  if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER)) jpeg_leave(j);
}

/* A small file may hold very many scans of a large picture. */
static void jpeg_watch(j_common_ptr j) {
  jpeg_trouble *t = (jpeg_trouble *)j->err;
  if (((j_decompress_ptr)j)->input_scan_number <= MAX_SCANS) return;
  snprintf(t->text, sizeof t->text, "more than %d scans", MAX_SCANS);
  longjmp(t->leave, 1);
}

static char *read_jpeg(struct jpeg_decompress_struct *j, const uint8_t *bytes, size_t n,
                       image *out) {
  jpeg_mem_src(j, bytes, n);
  jpeg_read_header(j, TRUE);
  char *wrong = check_size(j->image_width, j->image_height);
  if (wrong) return wrong;
  if (j->jpeg_color_space == JCS_CMYK || j->jpeg_color_space == JCS_YCCK)
    return message("it is a CMYK picture; convert it to RGB");
  j->out_color_space = JCS_RGB;
  j->dct_method = JDCT_ISLOW;
  jpeg_start_decompress(j);
  *out = image_new((int)j->output_width, (int)j->output_height);
  while (j->output_scanline < j->output_height) {
    JSAMPROW row = out->rgb + (size_t)j->output_scanline * (size_t)out->w * 3;
    jpeg_read_scanlines(j, &row, 1);
  }
  jpeg_finish_decompress(j);
  return NULL;
}

static char *load_jpeg(const uint8_t *bytes, size_t n, image *out) {
  struct jpeg_decompress_struct j;
  struct jpeg_progress_mgr progress = {.progress_monitor = jpeg_watch};
  jpeg_trouble trouble;
  char *wrong;
  j.err = jpeg_std_error(&trouble.base);
  trouble.base.error_exit = jpeg_leave;
  trouble.base.emit_message = jpeg_message;
  out->rgb = NULL;
  if (setjmp(trouble.leave)) {
    jpeg_destroy_decompress(&j);
    image_free(out);
    return message("%s", trouble.text);
  }
  jpeg_create_decompress(&j);
  j.progress = &progress;
  wrong = read_jpeg(&j, bytes, n, out);
  jpeg_destroy_decompress(&j);
  return wrong;
}

bool image_load(const char *path, image *out, char **error) {
  size_t n;
  char *wrong = NULL;
  uint8_t *bytes = file_read(path, &n, &wrong);
  if (bytes && n >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0)
    wrong = load_png(bytes, n, out);
  else if (bytes && n >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0)
    wrong = load_jpeg(bytes, n, out);
  else if (bytes) wrong = message("it is neither a PNG nor a JPEG");
  free(bytes);
  if (wrong) *error = free_and(wrong, message("`%s`: %s", path, wrong));
  return !wrong;
}

bool image_write_png(const char *path, const image *im, char **error) {
  png_image png = {.version = PNG_IMAGE_VERSION,
                   .width = (png_uint_32)im->w,
                   .height = (png_uint_32)im->h,
                   .format = PNG_FORMAT_RGB};
  atomic_file to;
  if (!atomic_open(&to, path, error)) return false;
  if (png_image_write_to_stdio(&png, to.f, 0, im->rgb, 0, NULL)) return atomic_commit(&to, error);
  atomic_abandon(&to);
  *error = message("`%s` cannot be written: %s", path, png.message);
  return false;
}
