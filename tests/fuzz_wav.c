/* libFuzzer target for WAV files and the log-mel front end: any bytes give finite samples, or a
   sentence. scripts/fuzz.sh builds and runs it. */
#include "runtime/log_mel.h"
#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { BANDS = 8, FRAMES = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  sound s;
  float mel[BANDS * FRAMES];
  char *error = wav_read(bytes, n, &s);
  if (error) {
    free(error);
    return 0;
  }
  for (int64_t i = 0; i < s.n; i++)
    if (!isfinite(s.sample[i])) abort();
  log_mel(&s, BANDS, FRAMES, mel);
  for (int i = 0; i < BANDS * FRAMES; i++)
    if (!isfinite(mel[i])) abort();
  free(s.sample);
  return 0;
}
