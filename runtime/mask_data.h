/* Pictures with a mask each, in two folders: images/ and masks/, with the same names. */
#ifndef NETC_MASK_DATA_H
#define NETC_MASK_DATA_H
#include "picture_data.h"

typedef struct {
  int h, w;      /* of the masks; 0: as the pictures */
  int64_t below; /* classes that the network tells; 0: not known */
  bool numbers;  /* it takes them as floats: 0 and 1 have no names */
} mask_form;

/* Does the folder, or train/ in it, hold such folders? */
bool mask_folder(const char *folder);
/* Fields "images" (bytes, c x h x w) and "masks" (bytes, h x w: the classes). What is in val/ and
   test/ comes last, from held_from and test_from on. Values from 0 that the network has classes for
   are those classes; others (0 and 255, colours) are numbered in their order. NULL, or a malloc'd
   sentence. */
char *masks_open(const char *folder, const picture_form *form, const mask_form *mask,
                 field_set *out);
#endif
