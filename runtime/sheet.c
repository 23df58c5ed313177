#include "sheet.h"
#include "message.h"
#include <stdlib.h>
#include <string.h>

enum { TILE = 96, GAP = 8, CAPTION = 14, LETTER = 6 };

/* A sample as RGB: two channels show as grey, a fourth is left out. */
static image sample_picture(const dataset *ds, int64_t index) {
  size_t pixels = (size_t)ds->w * (size_t)ds->h, c = (size_t)ds->c;
  uint8_t *hwc = allocate(pixels * c);
  dataset_pixels(ds, index, hwc);
  image im = image_new(ds->w, ds->h);
  for (size_t i = 0; i < pixels; i++)
    for (size_t k = 0; k < 3; k++)
      im.rgb[3 * i + k] = hwc[i * c + (c == 3 || c == 4 ? k : 0)];
  free(hwc);
  return im;
}

/* As much of the text as fits, marked where it was cut. */
static char *fit_text(const char *text, int width) {
  size_t room = (size_t)(width / LETTER), n = strlen(text);
  if (n <= room)
    return copy_string(text, n);
  char *s = copy_string(text, room);
  if (room >= 2)
    s[room - 1] = s[room - 2] = '.';
  return s;
}

image sheet_make(const dataset *ds, const int64_t *index, int n, int columns,
                 const char *const *caption) {
  static const uint8_t ink[3] = {40, 40, 40}, paper[3] = {238, 238, 238};
  int side = ds->w > ds->h ? ds->w : ds->h, zoom = side < TILE ? TILE / side : 1;
  if (columns > n)
    columns = n;
  int w = ds->w * zoom, h = ds->h * zoom, rows = (n + columns - 1) / columns;
  image sheet = image_new(GAP + columns * (w + GAP), GAP + rows * (h + CAPTION + GAP));
  image_fill(&sheet, 0, 0, sheet.w, sheet.h, paper);
  for (int i = 0; i < n; i++) {
    int x = GAP + i % columns * (w + GAP), y = GAP + i / columns * (h + CAPTION + GAP);
    image picture = sample_picture(ds, index[i]);
    image_paste(&sheet, &picture, x, y, zoom);
    image_free(&picture);
    char number[16];
    const char *name = dataset_class_name(ds, ds->labels[index[i]], number);
    char *text = fit_text(caption ? caption[i] : name, w);
    image_text(&sheet, x, y + h + 4, text, 1, ink);
    free(text);
  }
  return sheet;
}
