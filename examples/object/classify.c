/* Classifies PNG files with a network whose weights are inside emoji.o:
     netc build --weights=runs/emoji/best.safetensors -o emoji.o ../../models/emoji.net
     cc classify.c emoji.o -lpng -lm -o classify && ./classify cat.png */
#include "emoji.h"
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 32 };
static const char *names[] = {"air transport", "birds", "water transport", "people", "felines"};

/* Any size, resized by the mean of the pixels that fall on each; transparency over white. */
static int read_image(const char *path, float *x) {
  png_image image = {.version = PNG_IMAGE_VERSION};
  if (!png_image_begin_read_from_file(&image, path)) return 0;
  image.format = PNG_FORMAT_RGB;
  png_color white = {255, 255, 255};
  unsigned w = image.width, h = image.height;
  unsigned char *rgb = malloc(PNG_IMAGE_SIZE(image));
  if (!rgb || !png_image_finish_read(&image, &white, rgb, 0, NULL)) {
    free(rgb);
    return 0;
  }
  for (unsigned c = 0; c < 3; c++)
    for (unsigned i = 0; i < SIDE; i++)
      for (unsigned j = 0; j < SIDE; j++) {
        unsigned top = i * h / SIDE, left = j * w / SIDE, n = 0;
        float sum = 0;
        for (unsigned y = top; y == top || y < (i + 1) * h / SIDE; y++)
          for (unsigned k = left; k == left || k < (j + 1) * w / SIDE; k++, n++)
            sum += rgb[(y * (size_t)w + k) * 3 + c];
        x[(c * SIDE + i) * SIDE + j] = sum / (float)n / 255;
      }
  free(rgb);
  return 1;
}

int main(int argc, char **argv) {
  static _Alignas(64) unsigned char work[EMOJI_INFER_BYTES];
  float x[EMOJI_INPUT], y[EMOJI_CLASSES];
  for (int a = 1; a < argc; a++) {
    if (!read_image(argv[a], x)) {
      fprintf(stderr, "%s: not a PNG file\n", argv[a]);
      return 1;
    }
    emoji_infer(NULL, x, y, work);
    int best = 0;
    float sum = 0;
    for (int k = 1; k < EMOJI_CLASSES; k++) best = y[k] > y[best] ? k : best;
    for (int k = 0; k < EMOJI_CLASSES; k++) sum += expf(y[k] - y[best]);
    printf("%s: %s (%.0f%%)\n", argv[a], names[best], 100 / sum);
  }
}
