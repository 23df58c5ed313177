#include "picture_data.h"
#include "file.h"
#include "image_folder.h"
#include "message.h"
#include <stdlib.h>
#include <string.h>

static void add_pictures(const packed_images *p, int c, data_field *images, data_field *labels) {
  const int64_t plane = (int64_t)p->h * p->w, size = c * plane, have = labels->count;
  images->data = realloc(images->data, (size_t)((have + p->n) * size));
  labels->data = realloc(labels->data, (size_t)(have + p->n) * sizeof(int32_t));
  if (!images->data || !labels->data) abort();
  for (int64_t i = 0; i < p->n; i++) {
    const image im = {p->w, p->h, (uint8_t *)p->rgb + i * plane * 3};
    image_planes(&im, c, (uint8_t *)images->data + (have + i) * size);
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

/* Labels by the numbers of the training pictures' classes; a class that these have not is told. */
static char *follow_classes(packed_images *p, const data_field *labels) {
  int32_t *to = allocate((size_t)p->classes * sizeof *to);
  char *wrong = NULL;
  for (int k = 0; k < p->classes && !wrong; k++) {
    while (to[k] < labels->below && strcmp(p->label_names[k], labels->names[to[k]])) to[k]++;
    if (to[k] == labels->below)
      wrong = message("class `%s`, which the training pictures have not", p->label_names[k]);
  }
  for (int64_t i = 0; i < p->n && !wrong; i++) ((int32_t *)p->labels)[i] = to[p->labels[i]];
  free(to);
  return wrong;
}

/* Pictures of one tree, behind those that are there. */
static char *add_tree(const char *folder, const picture_form *form, field_set *s) {
  char *wrong = NULL;
  const image_folder_options o = {form->w, form->h, form->fit, .for_a_look = true};
  image_folder *f = image_folder_read(folder, &o, &wrong);
  if (!f) return wrong;
  data_field *images = &s->field[0], *labels = &s->field[1];
  if (labels->names) wrong = follow_classes(&f->packed, labels);
  else name_labels(&f->packed, labels);
  if (wrong) wrong = free_and(wrong, message("`%s` holds %s", folder, wrong));
  if (!wrong) add_pictures(&f->packed, form->c, images, labels);
  if (f->mixed)
    field_note(s, message("`%s`: the pictures have different sizes, and are looked at as %dx%d: a "
                          "network may take any other (fit=pad, crop or stretch)",
                          folder, LOOK_SIDE, LOOK_SIDE));
  char *left_out = image_folder_left_out(f);
  if (left_out) field_note(s, free_and(left_out, message("`%s`: %s", folder, left_out)));
  for (int64_t i = 0; i < f->n_empty; i++)
    field_note(s,
               message("`%s`: folder `%s` holds no pictures and is no class", folder, f->empty[i]));
  s->n = labels->count;
  image_folder_free(f);
  return wrong;
}

/* Validation samples behind those that train, and test samples behind these. A test folder alone
   validates. */
static char *add_held(const char *folder, const picture_form *form, field_set *out) {
  picture_form same = *form;
  same.h = (int)out->field[0].dim[1];
  same.w = (int)out->field[0].dim[2];
  char *wrong = NULL,
       *held[2] = {folder_inside(folder, val_folders), folder_inside(folder, test_folders)};
  if (held[0]) wrong = add_tree(held[0], &same, out);
  out->test_from = held[0] ? out->n : 0;
  if (held[1] && !wrong) wrong = add_tree(held[1], &same, out);
  free(held[0]);
  free(held[1]);
  return wrong;
}

char *pictures_open(const char *folder, const picture_form *form, field_set *out) {
  *out = (field_set){0};
  field_add(out, "images")->type = FIELD_BYTES;
  field_add(out, "labels")->type = FIELD_WHOLE;
  for (int i = 0; i < 2; i++) out->field[i].stored = message(i ? "folders" : "pictures");
  char *train = folder_inside(folder, train_folders);
  char *wrong = add_tree(train ? train : folder, form, out);
  out->held_from = out->n;
  out->field[0].below = 256;
  if (!wrong && train) wrong = add_held(folder, form, out);
  free(train);
  if (wrong) field_set_free(out);
  return wrong;
}
