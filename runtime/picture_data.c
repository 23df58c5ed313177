#include "picture_data.h"
#include "file.h"
#include "image_folder.h"
#include "message.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_picture(const uint8_t *rgb, int c, int64_t plane, uint8_t *to) {
  for (int64_t i = 0; i < plane; i++, rgb += 3) {
    /* luma of ITU-R BT.601 */
    if (c == 1) to[i] = (uint8_t)lrint(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]);
    for (int k = 0; c == 3 && k < 3; k++) to[k * plane + i] = rgb[k];
  }
}

static void add_pictures(const packed_images *p, int c, data_field *images, data_field *labels) {
  const int64_t plane = (int64_t)p->h * p->w, size = c * plane, have = labels->count;
  images->data = realloc(images->data, (size_t)((have + p->n) * size));
  labels->data = realloc(labels->data, (size_t)(have + p->n) * sizeof(int32_t));
  if (!images->data || !labels->data) abort();
  for (int64_t i = 0; i < p->n; i++) {
    put_picture(p->rgb + i * plane * 3, c, plane, (uint8_t *)images->data + (have + i) * size);
    ((int32_t *)labels->data)[have + i] = p->labels[i];
  }
  labels->count += p->n;
  images->count += p->n * size;
  field_shape(images, 3, (int64_t[]){c, p->h, p->w});
}

static void name_labels(const packed_images *p, data_field *labels) {
  labels->below = p->classes;
  labels->names = allocate((size_t)p->classes * sizeof *labels->names);
  for (int k = 0; k < p->classes; k++) labels->names[k] = message("%s", p->label_names[k]);
}

static bool same_classes(const packed_images *p, const data_field *labels) {
  if (p->classes != labels->below) return false;
  for (int k = 0; k < p->classes; k++)
    if (strcmp(p->label_names[k], labels->names[k])) return false;
  return true;
}

/* Pictures of one tree, behind those that are there. */
static char *add_tree(const char *folder, int c, int h, int w, field_set *s) {
  char *wrong = NULL;
  image_folder *f = image_folder_read(folder, w, h, NULL, &wrong);
  if (!f) return wrong;
  data_field *images = &s->field[0], *labels = &s->field[1];
  if (labels->names && !same_classes(&f->packed, labels))
    wrong = message("`%s` holds other classes than the training pictures", folder);
  if (!wrong && !labels->names) name_labels(&f->packed, labels);
  if (!wrong) add_pictures(&f->packed, c, images, labels);
  if (f->skipped)
    field_note(s, message("`%s`: %lld files that are neither PNG nor JPEG were left out", folder,
                          (long long)f->skipped));
  s->n = labels->count;
  image_folder_free(f);
  return wrong;
}

/* Validation samples behind those that train, and test samples behind these. A test folder alone
   validates. */
static char *add_held(const char *folder, int c, field_set *out) {
  const int64_t *dim = out->field[0].dim;
  char *wrong = NULL,
       *held[2] = {folder_inside(folder, val_folders), folder_inside(folder, test_folders)};
  if (held[0]) wrong = add_tree(held[0], c, (int)dim[1], (int)dim[2], out);
  out->test_from = held[0] ? out->n : 0;
  if (held[1] && !wrong) wrong = add_tree(held[1], c, (int)dim[1], (int)dim[2], out);
  free(held[0]);
  free(held[1]);
  return wrong;
}

char *pictures_open(const char *folder, int c, int h, int w, field_set *out) {
  *out = (field_set){0};
  field_add(out, "images")->type = FIELD_BYTES;
  field_add(out, "labels")->type = FIELD_WHOLE;
  for (int i = 0; i < 2; i++) out->field[i].stored = message(i ? "folders" : "pictures");
  char *train = folder_inside(folder, train_folders);
  char *wrong = add_tree(train ? train : folder, c, h, w, out);
  out->held_from = out->n;
  out->field[0].below = 256;
  if (!wrong && train) wrong = add_held(folder, c, out);
  free(train);
  if (wrong) field_set_free(out);
  return wrong;
}
