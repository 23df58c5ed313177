#include "sheet.h"
#include "message.h"
#include <stdlib.h>
#include <string.h>

enum { TILE = 96, MAX_TILE = 256, GAP = 8, CAPTION = 14, LINE = 10, LETTER = 6 };

/* A sample as RGB: two channels show as grey, a fourth is left out. */
static image sample_picture(const dataset *ds, int64_t index) {
  size_t pixels = (size_t)ds->w * (size_t)ds->h, c = (size_t)ds->c;
  uint8_t *hwc = allocate(pixels * c);
  dataset_pixels(ds, index, hwc);
  image im = image_new(ds->w, ds->h);
  for (size_t i = 0; i < pixels; i++)
    for (size_t k = 0; k < 3; k++) im.rgb[3 * i + k] = hwc[i * c + (c == 3 || c == 4 ? k : 0)];
  free(hwc);
  return im;
}

/* As much of the text as fits, marked where it was cut. */
static char *fit_text(const char *text, int width) {
  size_t room = (size_t)(width / LETTER), n = strlen(text);
  if (n <= room) return copy_string(text, n);
  char *s = copy_string(text, room);
  if (room >= 2) s[room - 1] = s[room - 2] = '.';
  return s;
}

static int lines_of(const char *text) {
  int n = 1;
  for (; *text; text++) n += *text == '\n';
  return n;
}

/* The lines of a caption, one below the other. */
static void write_caption(image *sheet, int x, int y, const char *text, int width) {
  static const uint8_t ink[3] = {40, 40, 40};
  for (;;) {
    const size_t n = strcspn(text, "\n");
    char *line = copy_string(text, n), *fitted = fit_text(line, width);
    image_text(sheet, x, y, fitted, 1, ink);
    free(fitted);
    free(line);
    if (!text[n]) return;
    text += n + 1;
    y += LINE;
  }
}

/* How large a sample is shown: small ones enlarged by a whole factor, large ones reduced. */
typedef struct {
  int w, h, zoom;
} tile_size;

static tile_size size_of_tile(const dataset *ds) {
  int side = ds->w > ds->h ? ds->w : ds->h, zoom = side < TILE ? TILE / side : 1;
  tile_size t = {ds->w * zoom, ds->h * zoom, zoom};
  if (side > MAX_TILE) {
    t.w = (int)((int64_t)ds->w * MAX_TILE / side);
    t.h = (int)((int64_t)ds->h * MAX_TILE / side);
    t.w += t.w == 0;
    t.h += t.h == 0;
  }
  return t;
}

static void paste_sample(image *sheet, const dataset *ds, int64_t index, tile_size t, int x,
                         int y) {
  image picture = sample_picture(ds, index);
  if (picture.w > t.w || picture.h > t.h) {
    image reduced = image_resize(&picture, t.w, t.h);
    image_free(&picture);
    picture = reduced;
  }
  image_paste(sheet, &picture, x, y, t.zoom);
  image_free(&picture);
}

image sheet_make(const dataset *ds, const int64_t *index, int n, int columns,
                 const char *const *caption) {
  static const uint8_t paper[3] = {238, 238, 238};
  tile_size t = size_of_tile(ds);
  if (columns > n) columns = n;
  int rows = (n + columns - 1) / columns, most = 1;
  for (int i = 0; caption && i < n; i++)
    most = lines_of(caption[i]) > most ? lines_of(caption[i]) : most;
  const int below = CAPTION + (most - 1) * LINE + GAP;
  image sheet = image_new(GAP + columns * (t.w + GAP), GAP + rows * (t.h + below));
  image_fill(&sheet, 0, 0, sheet.w, sheet.h, paper);
  for (int i = 0; i < n; i++) {
    int x = GAP + i % columns * (t.w + GAP), y = GAP + i / columns * (t.h + below);
    paste_sample(&sheet, ds, index[i], t, x, y);
    char number[16];
    const char *name = dataset_class_name(ds, ds->labels[index[i]], number);
    write_caption(&sheet, x, y + t.h + 4, caption ? caption[i] : name, t.w);
  }
  return sheet;
}
