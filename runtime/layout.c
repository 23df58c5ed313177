#include "layout.h"
#include "message.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool channel_like(int64_t n) { return n >= 1 && n <= 4; }

static char *shown_shape(const value_array *a) {
  char *s = message("N");
  for (int i = 1; i < a->n_dim; i++) s = free_and(s, message("%sx%lld", s, (long long)a->shape[i]));
  return s;
}

static char *parse_layout(const char *name, image_layout *out) {
  static const char *const known[] = {"auto", "nhwc", "nchw", "flat"};
  *out = LAYOUT_AUTO;
  if (!name) return NULL;
  for (int i = LAYOUT_NHWC; i <= LAYOUT_FLAT; i++)
    if (strcmp(name, known[i]) == 0) return *out = (image_layout)i, NULL;
  return message("layout `%s` is not known: nhwc, nchw or flat", name);
}

/* Side lengths of flat images that the network does not tell: square, of one channel or three. */
static bool guess_square(int64_t count, image_axes *x) {
  for (int c = 1; c <= 3; c += 2) {
    int64_t side = llround(sqrt((double)count / c));
    if (side * side * c == count && side < 32768) {
      x->c = c;
      x->h = x->w = (int)side;
      return true;
    }
  }
  return false;
}

static char *flat_axes(const value_array *a, const dataset_options *o, image_axes *x) {
  int64_t count = a->shape[1];
  if (o->c > 0 && o->h > 0 && o->w > 0 && (int64_t)o->c * o->h * o->w == count) {
    x->c = o->c;
    x->h = o->h;
    x->w = o->w;
  } else if (o->c > 0 && o->h > 0 && o->w > 0)
    return message("images are rows of %lld values, and the network takes %dx%dx%d, which is %lld",
                   (long long)count, o->c, o->h, o->w, (long long)o->c * o->h * o->w);
  else if (!guess_square(count, x))
    return message("images are rows of %lld values, which are no square images of 1 or 3 channels; "
                   "store them as N x height x width x channels",
                   (long long)count);
  bool channels_last = x->layout == LAYOUT_NHWC;
  int64_t step = a->stride[1];
  x->step_c = channels_last ? step : (int64_t)x->h * x->w * step;
  x->step_h = (int64_t)(channels_last ? x->c : 1) * x->w * step;
  x->step_w = channels_last ? x->c * step : step;
  return NULL;
}

static void set_axes(const value_array *a, image_layout layout, image_axes *x) {
  int c = layout == LAYOUT_NHWC ? 3 : 1, h = layout == LAYOUT_NHWC ? 1 : 2;
  x->layout = layout;
  x->c = (int)a->shape[c];
  x->h = (int)a->shape[h];
  x->w = (int)a->shape[h + 1];
  x->step_c = a->stride[c];
  x->step_h = a->stride[h];
  x->step_w = a->stride[h + 1];
}

static bool agrees(const image_axes *x, const dataset_options *o) {
  return (!o->c || o->c == x->c) && (!o->h || o->h == x->h) && (!o->w || o->w == x->w);
}

/* N x a x b x c without a layout given: what the network takes decides, or else the axis that is
   as short as channels are. */
static char *decide_layout(const value_array *a, const dataset_options *o, image_axes *x) {
  image_axes last = *x, first = *x;
  set_axes(a, LAYOUT_NHWC, &last);
  set_axes(a, LAYOUT_NCHW, &first);
  bool can_last = channel_like(last.c), can_first = channel_like(first.c);
  if (o->c > 0) {
    bool fits_last = agrees(&last, o), fits_first = agrees(&first, o);
    if (fits_last || fits_first) can_last = fits_last, can_first = fits_first;
  }
  if (can_last != can_first) {
    *x = can_last ? last : first;
    return NULL;
  }
  char *shape = shown_shape(a);
  return free_and(shape, message("images of shape %s could have their channels %s; say layout=nhwc "
                                 "or layout=nchw",
                                 shape, can_last ? "first or last" : "anywhere"));
}

char *find_axes(const value_array *a, const dataset_options *o, image_axes *out) {
  *out = (image_axes){0};
  char *wrong = parse_layout(o->layout, &out->layout);
  if (wrong) return wrong;
  bool flat = a->n_dim == 2;
  for (int i = 1; i < a->n_dim; i++)
    if (a->shape[i] > INT32_MAX / 2 || (a->shape[i] < 1 && a->shape[0] > 0))
      return message("images have a side of %lld", (long long)a->shape[i]);
  if (a->n_dim < 2 || a->n_dim > 4 || (out->layout == LAYOUT_FLAT && !flat)) {
    char *shape = shown_shape(a);
    return free_and(shape, message("images of shape %s are not N x height x width x channels, N x "
                                   "channels x height x width, or N x values",
                                   shape));
  }
  out->step_n = a->stride[0];
  if (flat) {
    if (out->layout == LAYOUT_AUTO) out->layout = LAYOUT_FLAT;
    wrong = flat_axes(a, o, out);
  } else if (a->n_dim == 3) { /* one channel */
    out->layout = LAYOUT_NHWC;
    out->c = 1, out->h = (int)a->shape[1], out->w = (int)a->shape[2];
    out->step_h = a->stride[1], out->step_w = a->stride[2];
  } else if (out->layout != LAYOUT_AUTO) set_axes(a, out->layout, out);
  else wrong = decide_layout(a, o, out);
  if (!wrong && !agrees(out, o))
    wrong = message("images are %dx%dx%d (channels x height x width), and the network takes "
                    "%dx%dx%d",
                    out->c, out->h, out->w, o->c, o->h, o->w);
  return wrong;
}
