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
#include <webp/decode.h>

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

static image without_alpha(int w, int h, const uint8_t *rgba) {
  image out = image_new(w, h);
  for (size_t i = 0, pixels = (size_t)w * (size_t)h; i < pixels; i++)
    for (int c = 0; c < 3; c++) out.rgb[3 * i + c] = over_white(rgba[4 * i + c], rgba[4 * i + 3]);
  return out;
}

static char *load_png(const uint8_t *bytes, size_t n, image *out) {
  png_image png = {.version = PNG_IMAGE_VERSION};
  if (!png_image_begin_read_from_memory(&png, bytes, n)) return message("%s", png.message);
  char *wrong = check_size(png.width, png.height);
  png.format = PNG_FORMAT_RGBA;
  png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB; /* 16 bits are taken as they are, as 8 are */
  uint8_t *rgba = wrong ? NULL : malloc(PNG_IMAGE_SIZE(png));
  if (!wrong && !rgba) wrong = message("the picture does not fit in memory");
  if (!wrong && !png_image_finish_read(&png, NULL, rgba, 0, NULL))
    wrong = message("%s", png.message);
  if (!wrong) *out = without_alpha((int)png.width, (int)png.height, rgba);
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

/* One row of cyan, magenta, yellow and black, as Adobe stores them: inverted. */
static void from_cmyk(const uint8_t *cmyk, int w, bool inverted, uint8_t *rgb) {
  for (int i = 0; i < w; i++, cmyk += 4, rgb += 3)
    for (int c = 0; c < 3; c++) {
      const int ink = inverted ? cmyk[c] : 255 - cmyk[c], key = inverted ? cmyk[3] : 255 - cmyk[3];
      rgb[c] = (uint8_t)((ink * key + 127) / 255);
    }
}

static void read_cmyk(struct jpeg_decompress_struct *j, image *out) {
  /* of libjpeg's own memory, which goes with j */
  JSAMPARRAY row = j->mem->alloc_sarray((j_common_ptr)j, JPOOL_IMAGE, j->output_width * 4, 1);
  while (j->output_scanline < j->output_height) {
    uint8_t *to = out->rgb + (size_t)j->output_scanline * (size_t)out->w * 3;
    jpeg_read_scanlines(j, row, 1);
    from_cmyk(row[0], out->w, j->saw_Adobe_marker, to);
  }
}

static unsigned two_bytes(const uint8_t *p, bool little) {
  return little ? p[0] | (unsigned)p[1] << 8 : (unsigned)p[0] << 8 | p[1];
}

/* The orientation that an EXIF block tells, 1 to 8 (CIPA DC-008, tag 0x0112 of the first
   directory); 1 where there is none. */
static int exif_orientation(const uint8_t *p, size_t n) {
  if (n < 14 || memcmp(p, "Exif\0\0", 6)) return 1;
  const uint8_t *tiff = p + 6;
  const bool little = tiff[0] == 'I';
  n -= 6;
  const unsigned high = two_bytes(tiff + (little ? 6 : 4), little),
                 at = two_bytes(tiff + (little ? 4 : 6), little);
  if (high || at + 2 > n) return 1;
  const unsigned count = two_bytes(tiff + at, little);
  for (unsigned i = 0; i < count && at + 2 + (i + 1) * 12 <= n; i++) {
    const uint8_t *entry = tiff + at + 2 + i * 12;
    const unsigned value = two_bytes(entry + 8, little);
    if (two_bytes(entry, little) == 0x0112) return value >= 1 && value <= 8 ? (int)value : 1;
  }
  return 1;
}

/* Turns and mirrors: from orientation 2 on, columns run backwards, rows run backwards, or both are
   exchanged. */
static void make_upright(image *im, int orientation) {
  const bool swap = orientation >= 5;
  static const uint8_t back_x[9] = {0, 0, 1, 1, 0, 0, 0, 1, 1},
                       back_y[9] = {0, 0, 0, 1, 1, 0, 1, 1, 0};
  if (orientation < 2) return;
  image out = image_new(swap ? im->h : im->w, swap ? im->w : im->h);
  for (int y = 0; y < out.h; y++)
    for (int x = 0; x < out.w; x++) {
      int sx = swap ? y : x, sy = swap ? x : y;
      if (back_x[orientation]) sx = im->w - 1 - sx;
      if (back_y[orientation]) sy = im->h - 1 - sy;
      memcpy(out.rgb + ((size_t)y * (size_t)out.w + (size_t)x) * 3,
             im->rgb + ((size_t)sy * (size_t)im->w + (size_t)sx) * 3, 3);
    }
  image_free(im);
  *im = out;
}

static char *read_jpeg(struct jpeg_decompress_struct *j, const uint8_t *bytes, size_t n,
                       image *out) {
  jpeg_mem_src(j, bytes, n);
  jpeg_save_markers(j, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(j, TRUE);
  char *wrong = check_size(j->image_width, j->image_height);
  if (wrong) return wrong;
  const bool cmyk = j->jpeg_color_space == JCS_CMYK || j->jpeg_color_space == JCS_YCCK;
  j->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  j->dct_method = JDCT_ISLOW;
  jpeg_start_decompress(j);
  *out = image_new((int)j->output_width, (int)j->output_height);
  if (cmyk) read_cmyk(j, out);
  while (j->output_scanline < j->output_height) {
    JSAMPROW row = out->rgb + (size_t)j->output_scanline * (size_t)out->w * 3;
    jpeg_read_scanlines(j, &row, 1);
  }
  int orientation = 1;
  for (jpeg_saved_marker_ptr m = j->marker_list; m && orientation == 1; m = m->next)
    orientation = exif_orientation(m->data, m->data_length);
  jpeg_finish_decompress(j);
  make_upright(out, orientation);
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

/* ---- WebP ---- */

static char *load_webp(const uint8_t *bytes, size_t n, image *out) {
  WebPBitstreamFeatures f;
  if (WebPGetFeatures(bytes, n, &f) != VP8_STATUS_OK)
    return message("the WebP's header is damaged");
  if (f.has_animation) return message("it is an animation; save one picture of it");
  char *wrong = check_size((uint64_t)f.width, (uint64_t)f.height);
  if (wrong) return wrong;
  uint8_t *rgba = WebPDecodeRGBA(bytes, n, NULL, NULL);
  if (!rgba) return message("the WebP is damaged, or cut short");
  *out = without_alpha(f.width, f.height, rgba);
  WebPFree(rgba);
  return NULL;
}

/* ---- any of them ---- */

typedef char *picture_loader(const uint8_t *bytes, size_t n, image *out);

static picture_loader *loader_of(const uint8_t *p, size_t n) {
  if (n >= 8 && !memcmp(p, "\x89PNG\r\n\x1a\n", 8)) return load_png;
  if (n >= 3 && !memcmp(p, "\xff\xd8\xff", 3)) return load_jpeg;
  return n >= 12 && !memcmp(p, "RIFF", 4) && !memcmp(p + 8, "WEBP", 4) ? load_webp : NULL;
}

bool image_known(const uint8_t *head, size_t n) { return loader_of(head, n) != NULL; }

/* What people take for a picture of that kind. */
static char *other_picture(const uint8_t *p, size_t n) {
  static const struct {
    const char *start, *name;
    size_t at;
  } known[] = {{"GIF8", "a GIF", 0},   {"BM", "a BMP", 0},        {"II*", "a TIFF", 0},
               {"MM\0*", "a TIFF", 0}, {"ftypheic", "a HEIC", 4}, {"ftypavif", "an AVIF", 4}};
  if (!n) return message("it is empty");
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    const size_t k = i == 3 ? 4 : strlen(known[i].start);
    if (n >= known[i].at + k && !memcmp(p + known[i].at, known[i].start, k))
      return message("it is %s; convert it to PNG", known[i].name);
  }
  return message("it is neither a PNG nor a JPEG nor a WebP");
}

bool image_load(const char *path, image *out, char **error) {
  size_t n;
  char *wrong = NULL;
  uint8_t *bytes = file_read(path, &n, &wrong);
  picture_loader *load = bytes ? loader_of(bytes, n) : NULL;
  if (load) wrong = load(bytes, n, out);
  else if (bytes) wrong = other_picture(bytes, n);
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
