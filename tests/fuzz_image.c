/* libFuzzer target for pictures and masks: any bytes decode, fit and resize, or give a sentence.
   The first byte chooses size and fitting. scripts/fuzz.sh builds and runs it. */
#include "runtime/image.h"
#include "runtime/mask_image.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { W = 7, H = 5 };

static void look_at_picture(const char *path, image_fitting how) {
  char *error = NULL;
  image im;
  uint8_t planes[3 * W * H];
  if (!image_load(path, &im, &error)) {
    if (!error) abort();
    free(error);
    return;
  }
  image small = image_fit(&im, W, H, how);
  image_planes(&small, 1, planes);
  image_planes(&small, 3, planes);
  image_free(&small);
  image_free(&im);
}

static void look_at_mask(const char *path, image_fitting how) {
  char *error = NULL;
  mask_image m;
  uint32_t value[W * H];
  if (!mask_load(path, &m, &error)) {
    if (!error) abort();
    free(error);
    return;
  }
  mask_fit(&m, W, H, how, value);
  mask_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  if (n < 1) return 0;
  int fd = memfd_create("fuzz", 0);
  char path[64];
  if (fd < 0 || write(fd, bytes + 1, n - 1) != (ssize_t)n - 1) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  look_at_picture(path, (image_fitting)(*bytes % 3));
  look_at_mask(path, (image_fitting)(*bytes % 3));
  close(fd);
  return 0;
}
