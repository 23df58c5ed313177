/* Pictures in other sizes: two passes, one along each axis. */
#include "image.h"
#include "message.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How output pixel i along an axis is made: weights of `count` input pixels from `first` on. */
typedef struct {
  int first, count;
  float *weight;
} tap;

/* Averages over the area that an output pixel covers. */
static tap shrink_tap(int i, int from, int to) {
  double begin = (double)i * from / to, end = (double)(i + 1) * from / to;
  tap t = {.first = (int)begin};
  int last = (int)end < from ? (int)end : from - 1;
  t.count = last - t.first + 1;
  t.weight = allocate((size_t)t.count * sizeof *t.weight);
  for (int k = 0; k < t.count; k++) {
    double low = t.first + k > begin ? t.first + k : begin;
    double high = t.first + k + 1 < end ? t.first + k + 1 : end;
    if (high > low) t.weight[k] = (float)((high - low) * to / from);
  }
  return t;
}

/* Interpolates between the centres of the two nearest pixels. */
static tap grow_tap(int i, int from, int to) {
  double centre = (i + 0.5) * from / to - 0.5;
  if (centre < 0) centre = 0;
  if (centre > from - 1) centre = from - 1;
  tap t = {.first = (int)centre, .weight = allocate(2 * sizeof *t.weight)};
  t.count = t.first + 1 < from ? 2 : 1;
  double part = t.count == 2 ? centre - t.first : 0;
  t.weight[0] = (float)(1 - part);
  t.weight[1] = (float)part;
  return t;
}

static tap *make_taps(int from, int to) {
  tap *t = allocate((size_t)to * sizeof *t);
  for (int i = 0; i < to; i++) t[i] = to < from ? shrink_tap(i, from, to) : grow_tap(i, from, to);
  return t;
}

static void free_taps(tap *t, int n) {
  for (int i = 0; i < n; i++) free(t[i].weight);
  free(t);
}

image image_resize(const image *from, int w, int h) {
  tap *across = make_taps(from->w, w), *down = make_taps(from->h, h);
  size_t row = (size_t)w * 3;
  float *narrow = allocate((size_t)from->h * row * sizeof *narrow), *sum;
  for (int y = 0; y < from->h; y++)
    for (int x = 0; x < w; x++)
      for (int k = 0; k < across[x].count; k++) {
        const uint8_t *p =
            from->rgb + ((size_t)y * (size_t)from->w + (size_t)(across[x].first + k)) * 3;
        float *to = narrow + (size_t)y * row + (size_t)x * 3;
        for (int c = 0; c < 3; c++) to[c] += across[x].weight[k] * p[c];
      }
  image out = image_new(w, h);
  sum = allocate(row * sizeof *sum);
  for (int y = 0; y < h; y++) {
    for (size_t i = 0; i < row; i++) sum[i] = 0.5f; /* to round */
    for (int k = 0; k < down[y].count; k++) {
      const float *p = narrow + (size_t)(down[y].first + k) * row;
      for (size_t i = 0; i < row; i++) sum[i] += down[y].weight[k] * p[i];
    }
    for (size_t i = 0; i < row; i++)
      out.rgb[(size_t)y * row + i] = sum[i] < 0 ? 0 : sum[i] > 255 ? 255 : (uint8_t)sum[i];
  }
  free(sum);
  free(narrow);
  free_taps(across, w);
  free_taps(down, h);
  return out;
}

const char *const fitting_words[3] = {"stretch", "crop", "pad"};

image_fitting fitting_named(const char *word) {
  for (int i = 0; word && i < 3; i++)
    if (!strcmp(word, fitting_words[i])) return (image_fitting)i;
  return FIT_STRETCH;
}

fit_place image_fit_place(int from_w, int from_h, int w, int h, image_fitting how) {
  const int64_t fw = from_w, fh = from_h;
  int64_t cw = fw, ch = fh, iw = w, ih = h;
  if (how == FIT_CROP && fw * h > fh * w) cw = (fh * w + h / 2) / h;
  else if (how == FIT_CROP) ch = (fw * h + w / 2) / w;
  if (how == FIT_PAD && fw * h > fh * w) ih = (fh * w + fw / 2) / fw;
  else if (how == FIT_PAD) iw = (fw * h + fh / 2) / fh;
  fit_place p = {.w = (int)(cw < 1 ? 1 : cw), .h = (int)(ch < 1 ? 1 : ch)};
  p.to_w = (int)(iw < 1 ? 1 : iw), p.to_h = (int)(ih < 1 ? 1 : ih);
  p.x = (from_w - p.w) / 2, p.y = (from_h - p.h) / 2;
  p.to_x = (w - p.to_w) / 2, p.to_y = (h - p.to_h) / 2;
  return p;
}

/* A copy of the part that is shown. */
static image part_of(const image *from, const fit_place *p) {
  image out = image_new(p->w, p->h);
  for (int64_t j = 0; j < p->h; j++)
    memcpy(out.rgb + j * p->w * 3, from->rgb + ((p->y + j) * from->w + p->x) * 3, (size_t)p->w * 3);
  return out;
}

image image_fit(const image *from, int w, int h, image_fitting how) {
  static const uint8_t black[3] = {0};
  if (how == FIT_STRETCH) return image_resize(from, w, h);
  const fit_place p = image_fit_place(from->w, from->h, w, h, how);
  image part = part_of(from, &p), inner = image_resize(&part, p.to_w, p.to_h);
  image out = image_new(w, h);
  image_fill(&out, 0, 0, w, h, black);
  image_paste(&out, &inner, p.to_x, p.to_y, 1);
  image_free(&part);
  image_free(&inner);
  return out;
}

void image_planes(const image *im, int c, uint8_t *out) {
  const int64_t plane = (int64_t)im->w * im->h;
  const uint8_t *rgb = im->rgb;
  for (int64_t i = 0; i < plane; i++, rgb += 3) {
    if (c == 1) out[i] = (uint8_t)lrint(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]);
    for (int k = 0; c == 3 && k < 3; k++) out[k * plane + i] = rgb[k];
  }
}
