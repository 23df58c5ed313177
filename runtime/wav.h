/* WAV files: PCM of 8 to 32 bits and floats, of any number of channels, which are mixed to one. */
#ifndef NETC_WAV_H
#define NETC_WAV_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  int rate; /* samples a second */
  int64_t n;
  float *sample; /* in [-1, 1]; malloc'd */
} sound;

bool is_wav(const uint8_t *bytes, size_t n);
/* NULL, or a malloc'd sentence without the file's name. */
char *wav_read(const uint8_t *bytes, size_t n, sound *out);
#endif
