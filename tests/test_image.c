/* Pictures in and out, other sizes, and folders of them packed into data sets. */
#include "runtime/dataset.h"
#include "runtime/file.h"
#include "runtime/image.h"
#include "runtime/image_folder.h"
#include "runtime/mask_image.h"
#include "runtime/message.h"
#include "runtime/sheet.h"
#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <jpeglib.h>
#include <webp/encode.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static char folder[] = "/tmp/netc-test-XXXXXX";

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  char *command = message("rm -r '%s'", folder);
  int status = system(command);
  free(command);
  return status;
}

static char *inside(const char *name) { return path_join(folder, name); }

static void save(const char *name, const void *bytes, size_t n) {
  char *path = inside(name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, n, f), n);
  fclose(f);
  free(path);
}

static image load(const char *name) {
  char *path = inside(name), *error = NULL;
  image im;
  if (!image_load(path, &im, &error)) fail_msg("%s", error);
  free(path);
  return im;
}

static void refused(const char *name, const char *part) {
  char *path = inside(name), *error = NULL;
  image im;
  assert_false(image_load(path, &im, &error));
  assert_non_null(strstr(error, path));
  if (!strstr(error, part)) fail_msg("`%s` does not say `%s`", error, part);
  free(error);
  free(path);
}

static void save_jpeg(const char *name, int w, int h, int components, size_t keep) {
  struct jpeg_compress_struct j;
  struct jpeg_error_mgr e;
  unsigned char *bytes = NULL, row[4 * 64];
  unsigned long n = 0;
  j.err = jpeg_std_error(&e);
  jpeg_create_compress(&j);
  jpeg_mem_dest(&j, &bytes, &n);
  j.image_width = (JDIMENSION)w, j.image_height = (JDIMENSION)h;
  j.input_components = components;
  j.in_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&j);
  jpeg_set_quality(&j, 100, TRUE);
  jpeg_start_compress(&j, TRUE);
  memset(row, 200, sizeof row);
  JSAMPROW p = row;
  while (j.next_scanline < j.image_height) jpeg_write_scanlines(&j, &p, 1);
  jpeg_finish_compress(&j);
  jpeg_destroy_compress(&j);
  save(name, bytes, keep ? keep : n);
  free(bytes);
}

static void png_round_trip(void **state) {
  (void)state;
  image im = image_new(7, 5);
  for (int i = 0; i < 105; i++) im.rgb[i] = (uint8_t)(i * 37);
  char *path = inside("a.png"), *error = NULL;
  assert_true(image_write_png(path, &im, &error));
  image back = load("a.png");
  assert_true(back.w == 7 && back.h == 5);
  assert_memory_equal(im.rgb, back.rgb, 105);
  image_free(&back);
  image_free(&im);
  free(path);
  im = image_new(1, 1);
  assert_false(image_write_png("/no/such/folder/x.png", &im, &error));
  free(error);
  image_free(&im);
}

static void transparency_is_over_white(void **state) {
  (void)state;
  static const uint8_t rgba[] = {10, 20, 30, 0, 10, 20, 30, 255, 0, 100, 200, 51};
  static const uint8_t expected[] = {255, 255, 255, 10, 20, 30, 204, 224, 244};
  png_image png = {
      .version = PNG_IMAGE_VERSION, .width = 3, .height = 1, .format = PNG_FORMAT_RGBA};
  char *path = inside("alpha.png");
  assert_true(png_image_write_to_file(&png, path, 0, rgba, 0, NULL));
  image im = load("alpha.png");
  assert_memory_equal(im.rgb, expected, 9);
  image_free(&im);
  free(path);
}

static void jpegs_are_read(void **state) {
  (void)state;
  save_jpeg("rgb.jpg", 20, 10, 3, 0);
  save_jpeg("grey.jpg", 20, 10, 1, 0);
  for (int k = 0; k < 2; k++) {
    image im = load(k ? "grey.jpg" : "rgb.jpg");
    assert_true(im.w == 20 && im.h == 10);
    for (int i = 0; i < 600; i++) assert_in_range(im.rgb[i], 198, 202);
    image_free(&im);
  }
  save_jpeg("cmyk.jpg", 20, 10, 4, 0);
  image ink = load("cmyk.jpg"); /* inverted as Adobe stores them: 200 of 255 light, twice */
  for (int i = 0; i < 600; i++) assert_in_range(ink.rgb[i], 155, 159);
  image_free(&ink);
  save_jpeg("cut.jpg", 60, 600, 3, 700);
  refused("cut.jpg", "");
}

/* A picture of two rows, dark above light, whose EXIF block says how it is to be turned. */
static void turned_jpegs_are_upright(void **state) {
  (void)state;
  static const uint8_t exif[] = "Exif\0\0MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\6\0\0\0\0\0\0";
  save_jpeg("tall.jpg", 8, 16, 3, 0);
  size_t n;
  char *path = inside("tall.jpg"), *error = NULL;
  uint8_t *plain = file_read(path, &n, &error), *turned = malloc(n + 100);
  memcpy(turned, plain, 2);
  memcpy(turned + 2, "\xff\xe1", 2);
  turned[4] = 0, turned[5] = sizeof exif - 1 + 2;
  memcpy(turned + 6, exif, sizeof exif - 1);
  memcpy(turned + 6 + sizeof exif - 1, plain + 2, n - 2);
  save("turned.jpg", turned, n + 4 + sizeof exif - 1);
  image im = load("turned.jpg");
  assert_true(im.w == 16 && im.h == 8);
  image_free(&im);
  for (size_t cut = 8; cut < 6 + sizeof exif - 1; cut++) { /* lies inside the block */
    turned[6 + cut % (sizeof exif - 1)] ^= 0xff;
    save("turned.jpg", turned, n + 4 + sizeof exif - 1);
    im = load("turned.jpg");
    image_free(&im);
  }
  free(turned);
  free(plain);
  free(path);
}

static void webp_is_read(void **state) {
  (void)state;
  static const uint8_t rgba[] = {10, 20, 30, 0, 10, 20, 30, 255, 0, 100, 200, 51};
  static const uint8_t expected[] = {255, 255, 255, 10, 20, 30, 204, 224, 244};
  uint8_t *bytes = NULL;
  size_t n = WebPEncodeLosslessRGBA(rgba, 3, 1, 12, &bytes);
  save("a.webp", bytes, n);
  image im = load("a.webp");
  assert_true(im.w == 3 && im.h == 1);
  assert_memory_equal(im.rgb, expected, 9);
  image_free(&im);
  for (size_t cut = 0; cut < n - 2; cut++) { /* the last byte fills up to an even number */
    save("cut.webp", bytes, cut);
    refused("cut.webp", "");
  }
  WebPFree(bytes);
}

static void other_pictures_are_named(void **state) {
  (void)state;
  save("a.gif", "GIF89a......", 12);
  refused("a.gif", "it is a GIF; convert it to PNG");
  save("b.png", "", 0);
  refused("b.png", "empty");
}

/* 4 x 2 pixels 0 10 20 30 / 40 50 60 70 into a square: the middle, or all of it between black. */
static void proportions_are_kept(void **state) {
  (void)state;
  static const uint8_t crop[] = {10, 20, 50, 60},
                       pad[] = {0, 0, 0, 0, 0, 10, 20, 30, 40, 50, 60, 70, 0, 0, 0, 0};
  image im = image_new(4, 2);
  for (int i = 0; i < 8; i++) memset(im.rgb + 3 * i, i * 10, 3);
  image a = image_fit(&im, 2, 2, FIT_CROP), b = image_fit(&im, 4, 4, FIT_PAD);
  for (int i = 0; i < 4; i++) assert_int_equal(a.rgb[3 * i], crop[i]);
  for (int i = 0; i < 16; i++) assert_int_equal(b.rgb[3 * i + 1], pad[i]);
  image_free(&a);
  image_free(&b);
  image_free(&im);
  for (int w = 1; w < 40; w += 6) /* extremes keep a pixel */
    for (int h = 1; h < 40; h += 6) {
      im = image_new(w, h);
      for (int k = 0; k < 3; k++) {
        image c = image_fit(&im, 5, 3, (image_fitting)k);
        assert_true(c.w == 5 && c.h == 3);
        image_free(&c);
      }
      image_free(&im);
    }
}

/* Masks keep their indices; a cut file is refused at every byte. */
static void masks_are_read(void **state) {
  (void)state;
  uint8_t classes[35];
  for (int i = 0; i < 35; i++) classes[i] = (uint8_t)(i * 7);
  char *path = inside("mask.png"), *error = NULL;
  assert_true(mask_write(path, classes, 7, 5, &error));
  mask_image m;
  assert_true(mask_load(path, &m, &error));
  assert_true(m.w == 7 && m.h == 5 && !m.colours);
  for (int i = 0; i < 35; i++) assert_int_equal(m.value[i], classes[i]);
  uint32_t small[4];
  mask_fit(&m, 2, 2, FIT_CROP, small); /* of the middle 5 x 5: rows and columns 1 and 3 */
  assert_true(small[0] == classes[9] && small[3] == classes[7 * 3 + 4]);
  mask_free(&m);
  size_t n;
  uint8_t *bytes = file_read(path, &n, &error);
  for (size_t cut = 0; cut < n - 12; cut++) {
    save("mask.png", bytes, cut);
    assert_false(mask_load(path, &m, &error));
    free(error);
    error = NULL;
  }
  free(bytes);
  free(path);
}

static void damage_is_refused(void **state) {
  (void)state;
  refused("none.png", "no such file");
  save("text.png", "hello", 5);
  refused("text.png", "neither a PNG nor a JPEG");
  save("magic.jpg", "\xff\xd8\xff", 3);
  refused("magic.jpg", "");
  /* an image header that announces 100000 x 100000 pixels */
  static const uint8_t bomb[] =
      "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\x86\xa0\0\1\x86\xa0\x08\2\0\0\0\x92\xca\xfc\x1b"
      "\0\0\0\0IDAT\x35\xaf\x06\x1e";
  save("bomb.png", bomb, sizeof bomb - 1);
  refused("bomb.png", "");
  image im = image_new(30, 30);
  char *path = inside("whole.png"), *error = NULL;
  assert_true(image_write_png(path, &im, &error));
  size_t n;
  uint8_t *bytes = file_read(path, &n, &error);
  for (size_t cut = 0; cut < n - 12; cut++) { /* the last chunk, IEND, holds nothing */
    save("part.png", bytes, cut);
    refused("part.png", "");
  }
  free(bytes);
  free(path);
  image_free(&im);
}

static void sizes_change(void **state) {
  (void)state;
  image im = image_new(4, 2);
  for (int i = 0; i < 8; i++) memset(im.rgb + 3 * i, i * 10, 3); /* 0 10 20 30 / 40 50 60 70 */
  image half = image_resize(&im, 2, 1), same = image_resize(&im, 4, 2),
        large = image_resize(&im, 8, 2);
  assert_true(half.rgb[0] == 25 && half.rgb[3] == 45);
  assert_memory_equal(same.rgb, im.rgb, 24);
  static const uint8_t row[] = {0, 3, 8, 13, 18, 23, 28, 30}; /* quarters between the centres */
  for (int x = 0; x < 8; x++) assert_int_equal(large.rgb[3 * x], row[x]);
  image third = image_resize(&im, 3, 1);
  assert_in_range(third.rgb[0], 22, 23); /* (0 + 10/3 + 40 + 50/3) / (8/3) */
  image_free(&half);
  image_free(&same);
  image_free(&large);
  image_free(&third);
  image_free(&im);
}

static void class_folder(const char *name, int n, int w, int h) {
  char *path = inside(name), *error = NULL;
  mkdir(path, 0777);
  for (int i = 0; i < n; i++) {
    char *file = message("%s/%d.png", path, i);
    image im = image_new(w, h);
    memset(im.rgb, 10 * i + *name, (size_t)(3 * w * h));
    assert_true(image_write_png(file, &im, &error));
    image_free(&im);
    free(file);
  }
  free(path);
}

static void folders_are_packed(void **state) {
  (void)state;
  char *error = NULL, *pickle = inside("set.pkl");
  class_folder("set", 0, 0, 0);
  class_folder("set/b", 2, 6, 5);
  class_folder("set/a", 3, 6, 5);
  class_folder("set/empty", 0, 0, 0);
  char *set = inside("set");
  image_folder *f = image_folder_read(set, &(image_folder_options){0}, &error);
  assert_non_null(f);
  assert_true(f->packed.n == 5 && f->packed.classes == 2 && f->n_empty == 1);
  assert_true(pickle_write(pickle, &f->packed, &error));
  dataset *ds = dataset_open(&(dataset_options){.path = pickle}, &error);
  assert_non_null(ds);
  assert_true(ds->n == 5 && ds->h == 5 && ds->w == 6 && ds->c == 3 && ds->classes == 2);
  assert_true(ds->labels[2] == 0 && ds->labels[3] == 1);
  assert_string_equal(ds->label_names[1], "b");
  assert_string_equal(ds->filenames[4], "b/1.png");
  uint8_t hwc[90];
  for (int i = 0; i < 5; i++) {
    dataset_pixels(ds, i, hwc);
    assert_memory_equal(hwc, f->packed.rgb + 90 * i, 90);
  }
  image sheet = sheet_make(ds, (int64_t[]){0, 4, 2}, 3, 2, NULL);
  assert_true(sheet.w > 2 * 90 && sheet.h > 2 * 80);
  image_free(&sheet);
  dataset_close(ds);
  image_folder_free(f);
  class_folder("set/c", 1, 8, 8);
  assert_null(image_folder_read(set, &(image_folder_options){0}, &error));
  assert_non_null(strstr(error, "--size"));
  free(error);
  f = image_folder_read(set, &(image_folder_options){.w = 4, .h = 3}, &error);
  assert_true(f && f->packed.n == 6 && f->packed.w == 4 && f->packed.h == 3);
  image_folder_free(f);
  free(set);
  free(pickle);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(png_round_trip),       cmocka_unit_test(transparency_is_over_white),
      cmocka_unit_test(jpegs_are_read),       cmocka_unit_test(damage_is_refused),
      cmocka_unit_test(masks_are_read),       cmocka_unit_test(turned_jpegs_are_upright),
      cmocka_unit_test(webp_is_read),         cmocka_unit_test(other_pictures_are_named),
      cmocka_unit_test(proportions_are_kept), cmocka_unit_test(sizes_change),
      cmocka_unit_test(folders_are_packed),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
