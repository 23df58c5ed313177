#include "wav.h"
#include "message.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PCM = 1, FLOATS = 3, EXTENSIBLE = 0xfffe };

typedef struct {
  int kind, channels, bits;
  uint32_t rate;
} wav_format;

static uint32_t little(const uint8_t *p, int bytes) {
  uint32_t v = 0;
  for (int i = bytes - 1; i >= 0; i--) v = v << 8 | p[i];
  return v;
}

bool is_wav(const uint8_t *bytes, size_t n) {
  return n >= 12 && !memcmp(bytes, "RIFF", 4) && !memcmp(bytes + 8, "WAVE", 4);
}

/* The chunk of that name, and its length; NULL: there is none, or it is cut off. */
static const uint8_t *find_chunk(const uint8_t *bytes, size_t n, const char *name, size_t *length) {
  for (size_t at = 12; n - at >= 8;) {
    const size_t size = little(bytes + at + 4, 4), room = n - at - 8;
    if (!memcmp(bytes + at, name, 4)) {
      /* Recorders that were stopped leave a data chunk of no or of all length. */
      const bool open = !memcmp(name, "data", 4) && (size == 0 || size == UINT32_MAX);
      *length = open ? room : size;
      return *length <= room ? bytes + at + 8 : NULL;
    }
    if (size + (size & 1) > room) return NULL;
    at += 8 + size + (size & 1);
  }
  return NULL;
}

static char *read_format(const uint8_t *bytes, size_t n, wav_format *f) {
  size_t length;
  const uint8_t *p = find_chunk(bytes, n, "fmt ", &length);
  if (!p || length < 16) return message("it has no whole `fmt ` chunk");
  *f = (wav_format){(int)little(p, 2), (int)little(p + 2, 2), (int)little(p + 14, 2),
                    little(p + 4, 4)};
  if (f->kind == EXTENSIBLE && length >= 26) f->kind = (int)little(p + 24, 2);
  if (f->channels < 1 || f->channels > 64 || f->rate < 100 || f->rate > 1000000)
    return message("it announces %d channels at %u Hz", f->channels, f->rate);
  const bool pcm = f->kind == PCM && f->bits >= 8 && f->bits <= 32 && f->bits % 8 == 0;
  if (pcm || (f->kind == FLOATS && (f->bits == 32 || f->bits == 64))) return NULL;
  return message("it is compressed, or of %d bits (format %d); netc reads PCM and floats: "
                 "`sox in.wav -e signed -b 16 out.wav` makes it that",
                 f->bits, f->kind);
}

static double one_sample(const uint8_t *p, const wav_format *f) {
  const int bytes = f->bits / 8;
  if (f->kind == FLOATS) {
    float s;
    double d;
    memcpy(&s, p, 4);
    if (f->bits == 32) return (double)s;
    memcpy(&d, p, 8);
    return d;
  }
  if (bytes == 1) return (*p - 128) / 128.0;
  const uint32_t v = little(p, bytes) << (32 - f->bits);
  return (int32_t)v / 2147483648.0;
}

char *wav_read(const uint8_t *bytes, size_t n, sound *out) {
  wav_format f = {0};
  size_t length;
  *out = (sound){0};
  char *wrong = is_wav(bytes, n) ? read_format(bytes, n, &f) : message("it is no WAV file");
  if (wrong) return wrong;
  const uint8_t *p = find_chunk(bytes, n, "data", &length);
  const size_t frame = (size_t)f.channels * (size_t)f.bits / 8;
  if (!p || length < frame) return message("it has no whole `data` chunk; the file is cut short");
  out->rate = (int)f.rate;
  out->n = (int64_t)(length / frame);
  out->sample = allocate((size_t)out->n * sizeof *out->sample);
  for (int64_t i = 0; i < out->n; i++) {
    double sum = 0;
    for (int c = 0; c < f.channels; c++)
      sum += one_sample(p + (size_t)i * frame + (size_t)c * (size_t)f.bits / 8, &f);
    out->sample[i] = (float)(sum / f.channels);
    if (isfinite(out->sample[i])) continue;
    free(out->sample);
    *out = (sound){0};
    return message("sample %lld is a NaN or an infinity", (long long)i);
  }
  return NULL;
}
