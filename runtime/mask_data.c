#include "mask_data.h"
#include "file.h"
#include "image_folder.h"
#include "mask_image.h"
#include "message.h"
#include <stdlib.h>
#include <string.h>

static const char *const image_folders[] = {"images", "image", "imgs", "img", "Images", NULL},
                         *const mask_folders[] = {"masks",         "mask",         "Masks",
                                                  "annotations",   "gt",           "labels",
                                                  "segmentations", "ground_truth", NULL};

/* The two folders; false, and nothing to be freed, where one is missing. */
static bool find_pair(const char *folder, char **images, char **masks) {
  *images = folder_inside(folder, image_folders);
  *masks = *images ? folder_inside(folder, mask_folders) : NULL;
  if (*masks) return true;
  free(*images);
  return false;
}

static bool has_pair(const char *folder) {
  char *images, *masks;
  if (!folder || !find_pair(folder, &images, &masks)) return false;
  free(images);
  free(masks);
  return true;
}

bool mask_folder(const char *folder) {
  char *train = folder_inside(folder, train_folders);
  const bool is = has_pair(folder) || has_pair(train);
  free(train);
  return is;
}

/* ---- pairs ---- */

typedef struct {
  char **image, **mask; /* paths, in the order of the pictures' names */
  int64_t n;
} pair_list;

static const char *name_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* Is `mask` the picture's name, perhaps with an ending such as "_mask"? Suffixes may differ. */
static bool same_stem(const char *image, const char *mask) {
  static const char *const endings[] = {"", "_mask", "-mask", "_label", "_seg", "_gt"};
  const char *a = name_of(image), *b = name_of(mask), *dot = strrchr(b, '.');
  const size_t n = (size_t)(strrchr(a, '.') - a), have = (size_t)(dot - b);
  if (have < n || memcmp(a, b, n)) return false;
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
    if (have - n == strlen(endings[i]) && !memcmp(b + n, endings[i], have - n)) return true;
  return false;
}

static int64_t mask_of(const char *image, char *const *mask, int64_t n, int64_t from) {
  for (int64_t i = 0; i < n; i++) /* both are sorted: it is near */
    if (same_stem(image, mask[(from + i) % n])) return (from + i) % n;
  return -1;
}

static void free_paths(char **path, int64_t n) {
  for (int64_t i = 0; path && i < n; i++) free(path[i]);
  free(path);
}

static void free_pairs(pair_list *p) {
  free_paths(p->image, p->n);
  free(p->mask);
}

/* all: every mask there is, to be freed with n_all after the pairs. */
static char *list_pairs(const char *folder, pair_list *p, char ***all, int64_t *n_all) {
  char *images, *masks, *wrong = NULL;
  if (!find_pair(folder, &images, &masks))
    return message("`%s` holds no images/ and masks/", folder);
  p->image = pictures_inside(images, &p->n);
  *all = pictures_inside(masks, n_all);
  p->mask = allocate((size_t)(p->n + 1) * sizeof *p->mask);
  if (!p->n) wrong = message("`%s` holds no PNG, JPEG or WebP files", images);
  for (int64_t i = 0, at = 0; i < p->n && !wrong; i++, at++) {
    const int64_t k = *n_all ? mask_of(p->image[i], *all, *n_all, at) : -1;
    if (k < 0) wrong = message("`%s` has no mask of its name in `%s`", p->image[i], masks);
    else p->mask[i] = (*all)[at = k];
  }
  free(images);
  free(masks);
  return wrong;
}

/* ---- reading ---- */

typedef struct {
  const picture_form *form;
  mask_form size;
  field_set *s;
  uint32_t *value;      /* of all masks */
  int64_t n, grey_only; /* how many of them hold indices or grey values */
  bool blurred;
} reading;

static void grow(reading *r, int64_t more) {
  data_field *x = &r->s->field[0];
  const int64_t c = r->form->c, h = r->form->h, w = r->form->w, all = r->n + more;
  field_shape(x, 3, (int64_t[]){c, h, w});
  x->count = all * x->size;
  x->data = realloc(x->data, (size_t)x->count);
  r->value = realloc(r->value, (size_t)(all * r->size.h * r->size.w) * sizeof *r->value);
  if (!x->data || !r->value) abort();
}

/* Is every value of a mask of colours grey? Then it is what it would be as a grey picture. */
static bool make_grey(uint32_t *v, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    if ((v[i] >> 16) != (v[i] & 255) || (v[i] >> 8 & 255) != (v[i] & 255)) return false;
  for (int64_t i = 0; i < n; i++) v[i] &= 255;
  return true;
}

static char *place_pair(reading *r, const image *im, const mask_image *m, const char *mask) {
  data_field *x = &r->s->field[0];
  if (im->w != m->w || im->h != m->h)
    return message("`%s` is %dx%d, and its picture is %dx%d (width x height)", mask, m->w, m->h,
                   im->w, im->h);
  image fitted = image_fit(im, r->form->w, r->form->h, r->form->fit);
  image_planes(&fitted, r->form->c, (uint8_t *)x->data + r->n * x->size);
  image_free(&fitted);
  const int64_t size = (int64_t)r->size.h * r->size.w;
  uint32_t *to = r->value + r->n * size;
  mask_fit(m, r->size.w, r->size.h, r->form->fit, to);
  r->grey_only += !m->colours || make_grey(to, size);
  r->blurred |= m->blurred;
  r->n++;
  return NULL;
}

static char *read_pair(reading *r, const char *picture, const char *mask) {
  image im;
  mask_image m;
  char *wrong = NULL;
  if (!image_load(picture, &im, &wrong)) return wrong;
  if (mask_load(mask, &m, &wrong)) {
    wrong = place_pair(r, &im, &m, mask);
    mask_free(&m);
  }
  image_free(&im);
  return wrong;
}

static char *read_tree(reading *r, const char *folder) {
  pair_list p = {0};
  char **all = NULL;
  int64_t n_all = 0;
  char *wrong = list_pairs(folder, &p, &all, &n_all);
  if (!wrong) grow(r, p.n);
  for (int64_t i = 0; i < p.n && !wrong; i++) wrong = read_pair(r, p.image[i], p.mask[i]);
  if (!wrong && n_all > p.n)
    field_note(r->s, message("`%s`: %lld masks have no picture, and were left out", folder,
                             (long long)(n_all - p.n)));
  free_pairs(&p);
  free_paths(all, n_all);
  return wrong;
}

/* Without a network: the size of the first picture, halved until it is small. */
static char *first_size(const char *folder, picture_form *form) {
  pair_list p = {0};
  char **all = NULL;
  int64_t n_all = 0;
  image im;
  char *wrong = list_pairs(folder, &p, &all, &n_all);
  if (!wrong && image_load(p.image[0], &im, &wrong)) {
    form->w = im.w, form->h = im.h;
    while (form->w > 128 || form->h > 128) form->w = (form->w + 1) / 2, form->h = (form->h + 1) / 2;
    image_free(&im);
  }
  free_pairs(&p);
  free_paths(all, n_all);
  return wrong;
}

/* ---- values to classes ---- */

enum { MOST_CLASSES = 256 };

/* The different values in order, at most MOST_CLASSES; -1: there are more. */
static int different(const uint32_t *v, int64_t n, uint32_t out[MOST_CLASSES]) {
  int count = 0;
  uint32_t last = 0;
  for (int64_t i = 0; i < n; i++) {
    int at = 0, to = count;
    if (count && v[i] == last) continue;
    last = v[i];
    while (at < to) {
      const int mid = (at + to) / 2;
      if (out[mid] < v[i]) at = mid + 1;
      else to = mid;
    }
    if (at < count && out[at] == v[i]) continue;
    if (count == MOST_CLASSES) return -1;
    memmove(out + at + 1, out + at, (size_t)(count - at) * sizeof *out);
    out[at] = v[i];
    count++;
  }
  return count;
}

static void number_values(const uint32_t *v, int64_t n, const uint32_t *known, int count,
                          uint8_t *to) {
  for (int64_t i = 0; i < n; i++) {
    int at = 0, end = count - 1;
    while (at < end) {
      const int mid = (at + end) / 2;
      if (known[mid] < v[i]) at = mid + 1;
      else end = mid;
    }
    to[i] = (uint8_t)at;
  }
}

static char *value_name(uint32_t v, bool colour) {
  return colour ? message("#%06x", v) : message("%u", v);
}

static void name_values(data_field *f, const uint32_t *known, int count, bool colour) {
  f->names = allocate((size_t)count * sizeof *f->names);
  for (int k = 0; k < count; k++) f->names[k] = value_name(known[k], colour);
}

static void note_values(field_set *s, const uint32_t *known, int count, bool colour) {
  char *text = message("the masks' %s", colour ? "colours" : "values");
  for (int k = 0; k < count && k < 8; k++) {
    char *name = value_name(known[k], colour);
    text = free_and(text, message("%s%s %s", text, k ? "," : "", name));
    free(name);
  }
  field_note(s, free_and(text, message("%s%s are the classes 0 to %d, in order", text,
                                       count > 8 ? " .." : "", count - 1)));
}

static char *make_classes(reading *r) {
  data_field *f = &r->s->field[1];
  const int64_t n = r->n * r->size.h * r->size.w;
  const bool colour = r->grey_only < r->n;
  uint32_t known[MOST_CLASSES];
  if (colour && r->grey_only && !r->blurred)
    return message("some masks hold colours, and others indices or grey values");
  const int count = different(r->value, n, known);
  if (count < 0)
    return message("the masks hold more than %d different %s: a mask has one value for each class",
                   MOST_CLASSES, colour ? "colours" : "values");
  const int64_t as_they_are = r->size.below ? r->size.below : 32;
  field_allocate(f, FIELD_BYTES, n);
  field_shape(f, 2, (int64_t[]){r->size.h, r->size.w});
  f->stored = message("masks");
  f->below = count;
  if (!colour && known[count - 1] < as_they_are) {
    f->below = known[count - 1] + 1;
    for (int64_t i = 0; i < n; i++) ((uint8_t *)f->data)[i] = (uint8_t)r->value[i];
    return NULL;
  }
  number_values(r->value, n, known, count, f->data);
  if (!r->size.numbers) name_values(f, known, count, colour);
  note_values(r->s, known, count, colour);
  return NULL;
}

/* A JPEG knows light and dark only. */
static char *check_blurred(const reading *r) {
  if (!r->blurred || r->size.below <= 2) return NULL;
  return message("the masks are JPEG files, which keep no exact colours: light and dark are two "
                 "classes, and the network takes %lld\n      = help: save masks as PNG",
                 (long long)r->size.below);
}

/* ---- the whole ---- */

static char *read_all(reading *r, const char *folder, const char *train) {
  char *held[2] = {NULL, NULL}, *wrong = read_tree(r, train ? train : folder);
  r->s->held_from = r->n;
  if (train) held[0] = folder_inside(folder, val_folders);
  if (train) held[1] = folder_inside(folder, test_folders);
  if (!wrong && held[0]) wrong = read_tree(r, held[0]);
  r->s->test_from = held[0] ? r->n : 0;
  if (!wrong && held[1]) wrong = read_tree(r, held[1]);
  free(held[0]);
  free(held[1]);
  r->s->n = r->n;
  return wrong;
}

char *masks_open(const char *folder, const picture_form *form, const mask_form *mask,
                 field_set *out) {
  *out = (field_set){0};
  field_add(out, "images")->type = FIELD_BYTES;
  field_add(out, "masks");
  out->field[0].stored = message("pictures");
  out->field[0].below = 256;
  char *train = has_pair(folder) ? NULL : folder_inside(folder, train_folders), *wrong = NULL;
  picture_form sized = *form;
  if (!sized.w) wrong = first_size(train ? train : folder, &sized);
  reading r = {.form = &sized, .size = *mask, .s = out};
  if (!r.size.w) r.size.w = sized.w, r.size.h = sized.h;
  if (!wrong) wrong = read_all(&r, folder, train);
  if (!wrong) wrong = check_blurred(&r);
  if (!wrong) wrong = make_classes(&r);
  free(r.value);
  free(train);
  if (wrong) field_set_free(out);
  return wrong;
}
